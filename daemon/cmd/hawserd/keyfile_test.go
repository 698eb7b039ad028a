//go:build unix

package main

import (
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hawser-ssh/hawser/connection/peertest"
)

// TestComplaintsOnce: what is wrong with the file is logged once as long as it stays so.
func TestComplaintsOnce(t *testing.T) {
	home := newHome(t)
	var out strings.Builder
	k := &keyFile{path: filepath.Join(home, ".ssh", "authorized_keys"), home: home, log: slog.New(slog.NewTextHandler(&out, nil))}
	good := peertest.NewKey(t, peertest.Ed25519).Public + "\n"
	for i, step := range []struct {
		content string // empty: no file
		keys    int
		want    []string // lines of the log
	}{
		{"", 0, nil},
		{good + "nonsense\n", 1, []string{"line 2: "}},
		{good + "nonsense\n", 1, nil},
		{good + "nonsense\n" + "rubbish\n", 1, []string{"line 3: "}},
		{good, 1, nil},
		{good + "nonsense\n", 1, []string{"line 2: "}},
	} {
		out.Reset()
		if step.content != "" {
			write(t, k.path, step.content)
		}
		if keys := k.read(); len(keys) != step.keys {
			t.Errorf("step %d: %d keys", i, len(keys))
		}
		lines := strings.Count(out.String(), "\n")
		if lines != len(step.want) || len(step.want) > 0 && !strings.Contains(out.String(), step.want[0]) {
			t.Errorf("step %d: log %q", i, out.String())
		}
	}
	if err := os.Chmod(k.path, 0o666); err != nil {
		t.Fatal(err)
	}
	out.Reset()
	k.read()
	k.read()
	if n := strings.Count(out.String(), "others can write"); n != 1 {
		t.Errorf("%d complaints: %q", n, out.String())
	}
}

// TestFilesOfOthers: who can change the files that say who logs in, logs in. So files and directories that others than the
// account and root could change are refused, above the home directory too where the file is not below it.
func TestFilesOfOthers(t *testing.T) {
	const nobody = 65534
	chmod := func(mode os.FileMode) func(string) error {
		return func(path string) error { return os.Chmod(path, mode) }
	}
	give := func(path string) error { return os.Chown(path, nobody, nobody) }
	for _, tt := range []struct {
		name, path string // below the directory above home
		change     func(path string) error
		root       bool // needed for the change
		want       string
	}{
		{name: "as it should be", path: "home/.ssh/file", change: chmod(0o644)},
		{name: "file writable", path: "home/.ssh/file", change: chmod(0o664), want: "others can write"},
		{name: "file given away", path: "home/.ssh/file", change: give, root: true, want: "another user"},
		{name: "directory writable", path: "home/.ssh", change: chmod(0o770), want: "others can write"},
		{name: "directory given away", path: "home/.ssh", change: give, root: true, want: "another user"},
		{name: "home writable", path: "home", change: chmod(0o707), want: "others can write"},
		{name: "home sticky", path: "home", change: chmod(0o777 | os.ModeSticky)},
		{name: "above home", path: ".", change: chmod(0o777)},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if tt.root && os.Geteuid() != 0 {
				t.Skip("only root can give files away")
			}
			top := filepath.Join(t.TempDir(), "top")
			home := filepath.Join(top, "home")
			if err := os.MkdirAll(filepath.Join(home, ".ssh"), 0o700); err != nil {
				t.Fatal(err)
			}
			file := filepath.Join(home, ".ssh", "file")
			write(t, file, "ann:"+hashOf(t, "x")+"\n")
			if err := tt.change(filepath.Join(top, tt.path)); err != nil {
				t.Fatal(err)
			}
			_, _, keysErr := (&keyFile{path: file, home: home}).load()
			_, usersErr := loadUsers(file, home)
			for _, err := range []error{keysErr, usersErr} {
				if (err == nil) != (tt.want == "") || err != nil && !strings.Contains(err.Error(), tt.want) {
					t.Errorf("%v, want %q", err, tt.want)
				}
			}
			if _, err := loadUsers(file, "/nowhere"); tt.name == "above home" && err == nil {
				t.Error("a directory above a file outside the home directory did not matter")
			}
		})
	}
}
