package main

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/hawser-ssh/hawser/transport/sshkey"
)

func TestFlags(t *testing.T) {
	opt, err := parseFlags([]string{"-listen", "[::1]:0", "-hostkey", "a", "-hostkey", "b", "-require", "publickey,password",
		"-ciphers", "x,y", "-config", "MaxConnections=5", "-profile", "all", "-v", "-log=json"}, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	if opt.listen != "[::1]:0" || !slices.Equal(opt.hostKeys, []string{"a", "b"}) || !opt.verbose || opt.logFormat != "json" ||
		!slices.Equal(opt.require, []string{"publickey", "password"}) {
		t.Errorf("%+v", opt)
	}
	var settings []string
	for _, o := range opt.settings {
		settings = append(settings, o.flag+" "+o.value)
	}
	if want := []string{"ciphers x,y", "config MaxConnections 5", "profile all"}; !slices.Equal(settings, want) {
		t.Errorf("settings %q, want %q", settings, want)
	}
}

func TestFlagsRefused(t *testing.T) {
	for _, args := range [][]string{
		{"-nosuch"}, {"-listen"}, {"-listen", "2222"}, {"-log", "xml"}, {"extra"}, {"-require", "magic"}, {"-require", ""},
		{"-require", "password,password"}, {"-config", "x"}, {"-config", "=x"}, {"-inetd", "-sftp-server"}, {"-drain", "-1s"}, {"-drain", "x"},
	} {
		_, err := parseFlags(args, io.Discard)
		var usage *usageError
		if !errors.As(err, &usage) {
			t.Errorf("%q: %v", args, err)
		} else if strings.Contains(err.Error(), "\n") {
			t.Errorf("%q: more than one line: %q", args, err)
		}
	}
}

func TestHelp(t *testing.T) {
	var out bytes.Buffer
	if _, err := parseFlags([]string{"-h"}, &out); !errors.Is(err, errHelp) {
		t.Fatal(err)
	}
	for _, name := range []string{"-listen", "-hostkey", "-authorized-keys", "-users", "-user-ca", "-host-cert",
		"-x509-roots", "-revoked-keys", "-moduli", "-hostkey-password-file", "-hostkey-subject", "-config", "-ciphers", "-kex", "-macs",
		"-compression", "-hostkey-algorithms", "-profile", "-metrics", "-log", "-v", "-inetd", "-sftp-server", "-genkey"} {
		if !strings.Contains(out.String(), "  "+name) {
			t.Errorf("help does not name %s", name)
		}
	}
}

func TestShellOf(t *testing.T) {
	passwd := "root:x:0:0:root:/root:/bin/bash\nbad line\nann:x:1000:1000::/home/ann:/bin/zsh\nnone:x:7:7::/:\n"
	for uid, want := range map[string]string{"0": "/bin/bash", "1000": "/bin/zsh", "7": "", "1": ""} {
		if got := shellOf(uid, strings.NewReader(passwd)); got != want {
			t.Errorf("uid %s: %q, want %q", uid, got, want)
		}
	}
}

// loadHostKey opens a key without a password.
func loadHostKey(file string) (sshkey.Signer, error) {
	signers, err := openHostKey(file, "", "")
	if err != nil {
		return nil, err
	}
	return signers[0], nil
}

func TestHostKeyMadeOnce(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "config", "hawser")
	file := filepath.Join(dir, "key")
	for range 2 {
		if err := makeHostKey(dir, file); err != nil {
			t.Fatal(err)
		}
	}
	first, err := loadHostKey(file)
	if err != nil {
		t.Fatal(err)
	}
	if err := makeHostKey(dir, file); err != nil {
		t.Fatal(err)
	}
	again, err := loadHostKey(file)
	if err != nil || !bytes.Equal(first.PublicKey().Marshal(), again.PublicKey().Marshal()) {
		t.Errorf("a second start made another key: %v", err)
	}
	entries, _ := os.ReadDir(dir)
	if len(entries) != 1 {
		t.Errorf("%d files left", len(entries))
	}
	if info, _ := os.Stat(file); info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v", info.Mode())
	}
}

func TestHostKeyRefused(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "key")
	if err := makeHostKey(dir, file); err != nil {
		t.Fatal(err)
	}
	for _, mode := range []os.FileMode{0o644, 0o640, 0o604, 0o620} {
		if err := os.Chmod(file, mode); err != nil {
			t.Fatal(err)
		}
		if _, err := loadHostKey(file); err == nil || !strings.Contains(err.Error(), "chmod 600") {
			t.Errorf("mode %v: %v", mode, err)
		}
	}
	broken := filepath.Join(dir, "broken")
	if err := os.WriteFile(broken, []byte("no key"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{broken, dir, filepath.Join(dir, "absent")} {
		if _, err := loadHostKey(name); err == nil || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: %v", name, err)
		}
	}
}
