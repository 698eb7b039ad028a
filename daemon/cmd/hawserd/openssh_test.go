//go:build unix

package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/hawser-ssh/hawser/connection/peertest"
)

func TestOpenSSHExec(t *testing.T) {
	t.Parallel()
	h := startHawserd(t)
	g := h.target(t)
	t.Run("output and status", func(t *testing.T) {
		r := g.RunSSH(t, strings.NewReader("in\n"), "cat; echo out; echo err >&2; exit 7")
		if r.Code != 7 || string(r.Stdout) != "in\nout\n" || string(r.Stderr) != "err\n" {
			t.Errorf("status %d, %q, %q", r.Code, r.Stdout, r.Stderr)
		}
	})
	t.Run("status 255 and no output", func(t *testing.T) {
		if r := g.RunSSH(t, nil, "exit 255"); r.Code != 255 || len(r.Stdout)+len(r.Stderr) > 0 {
			t.Errorf("status %d, %q, %q", r.Code, r.Stdout, r.Stderr)
		}
	})
	t.Run("killed by a signal", func(t *testing.T) {
		// ssh shows a signal as status 255, and its verbose log names it.
		r := g.SSH(t, []string{"-v"}, "kill -TERM $$").Run(t)
		if r.Code != 255 || !strings.Contains(string(r.Stderr), "exit-signal") {
			t.Errorf("status %d, %s", r.Code, r.Stderr)
		}
	})
	t.Run("large stderr", func(t *testing.T) {
		r := g.RunSSH(t, nil, "head -c 8000000 /dev/zero | tr '\\0' e >&2; echo done")
		wantOutput(t, r, "done\n")
		if len(r.Stderr) != 8000000 || strings.Trim(string(r.Stderr), "e") != "" {
			t.Errorf("%d bytes of standard error", len(r.Stderr))
		}
	})
	t.Run("both outputs at once", func(t *testing.T) {
		r := g.RunSSH(t, nil, "(head -c 3000000 /dev/zero >&2) & head -c 3000000 /dev/zero; wait")
		wantOK(t, r)
		if len(r.Stdout) != 3000000 || len(r.Stderr) != 3000000 {
			t.Errorf("%d and %d bytes", len(r.Stdout), len(r.Stderr))
		}
	})
	t.Run("input is not read", func(t *testing.T) {
		wantOutput(t, g.RunSSH(t, bytes.NewReader(make([]byte, 8<<20)), "exec <&-; echo ok"), "ok\n")
	})
	t.Run("input ends", func(t *testing.T) {
		wantOutput(t, g.RunSSH(t, bytes.NewReader(make([]byte, 3<<20)), "wc -c"), fmt.Sprintln(3<<20))
	})
	t.Run("environment", func(t *testing.T) {
		c := g.SSH(t, []string{"-o", "SendEnv=LANG LC_* LD_PRELOAD BASH_ENV"},
			`echo "$LANG,$LC_X,$LD_PRELOAD,$BASH_ENV,$HOME,$USER"; pwd; set -- $SSH_CONNECTION; echo $#; set -- $SSH_CLIENT; echo $#`)
		c.Env = append(c.Env, "LANG=C", "LC_X=1", "BASH_ENV=/nonexistent")
		wantOutput(t, c.Run(t), fmt.Sprintf("C,1,,,%s,%s\n%s\n4\n3\n", h.home, h.user, h.home))
	})
	t.Run("background process does not hold the channel", func(t *testing.T) {
		r := g.RunSSH(t, nil, "sleep 60 >/dev/null 2>&1 </dev/null & echo $!")
		wantOK(t, r)
		var pid int
		if _, err := fmt.Sscan(string(r.Stdout), &pid); err != nil {
			t.Fatal(err)
		}
		if err := syscall.Kill(pid, 0); err != nil {
			t.Errorf("what was left behind on purpose is gone: %v", err)
		}
		_ = syscall.Kill(pid, syscall.SIGKILL)
	})
}

// TestProgramEndsWithConnection: nothing that a client started and waited for outlives its connection.
func TestProgramEndsWithConnection(t *testing.T) {
	t.Parallel()
	h := startHawserd(t)
	pidFile := filepath.Join(t.TempDir(), "pid")
	for name, command := range map[string]string{
		"obeys the hangup":    "echo $$ > " + pidFile + "; echo up; sleep 100",
		"ignores the hangup":  "trap '' HUP; echo $$ > " + pidFile + "; echo up; while :; do sleep 1; done",
		"child holds outputs": "sh -c 'echo $$ > " + pidFile + "; echo up; sleep 100' & exit 0",
	} {
		t.Run(name, func(t *testing.T) {
			p := h.target(t).SSH(t, nil, command).Start(t)
			p.WaitOutput("up")
			p.Stop()
			var pid int
			text, err := os.ReadFile(pidFile)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := fmt.Sscan(string(text), &pid); err != nil {
				t.Fatal(err)
			}
			eventually(t, "the program is gone", func() bool { return syscall.Kill(-pid, 0) != nil && syscall.Kill(pid, 0) != nil })
		})
	}
	eventually(t, "no child is left", func() bool { return len(children(h.Pid())) == 0 })
}

func TestOpenSSHCopy(t *testing.T) {
	t.Parallel()
	h := startHawserd(t)
	file, content, sum := noise(t, 5<<20+3)
	dir := t.TempDir()
	for _, mode := range [][]string{{"-s"}, {"-O"}} {
		t.Run("scp "+mode[0], func(t *testing.T) {
			there, back := filepath.Join(dir, "there"+mode[0]), filepath.Join(dir, "back"+mode[0])
			wantOK(t, h.target(t).SCP(t, append(mode, "-p", file, "remote:"+there)...).Run(t))
			wantOK(t, h.target(t).SCP(t, append(mode, "remote:"+there, back)...).Run(t))
			got, err := os.ReadFile(back)
			if err != nil || sumOf(got) != sum || !bytes.Equal(got, content) {
				t.Errorf("%d bytes came back, %v", len(got), err)
			}
			if r := h.target(t).SCP(t, append(mode, "remote:/nonexistent/x", back)...).Run(t); r.Code == 0 {
				t.Error("an absent file was copied")
			}
		})
	}
	t.Run("scp directory", func(t *testing.T) {
		source := filepath.Join(dir, "tree")
		if err := os.MkdirAll(filepath.Join(source, "sub dir"), 0o700); err != nil {
			t.Fatal(err)
		}
		write(t, filepath.Join(source, "sub dir", "a'b"), "x")
		wantOK(t, h.target(t).SCP(t, "-r", source, "remote:"+filepath.Join(dir, "copy")).Run(t))
		if got, err := os.ReadFile(filepath.Join(dir, "copy", "sub dir", "a'b")); err != nil || string(got) != "x" {
			t.Errorf("%q, %v", got, err)
		}
	})
	t.Run("sftp", func(t *testing.T) {
		back := filepath.Join(dir, "sftp-back")
		batch := fmt.Sprintf("put %s up\nrename up up2\nmkdir d\nls -l\nchmod 640 up2\nget up2 %s\nln -s up2 link\nrm link\nrm up2\nrmdir d\npwd\n", file, back)
		r := h.target(t).SFTP(t, batch).Run(t)
		wantOK(t, r)
		if got, err := os.ReadFile(back); err != nil || !bytes.Equal(got, content) {
			t.Errorf("%d bytes came back, %v", len(got), err)
		}
		if !strings.Contains(string(r.Stdout), "Remote working directory: "+h.home) {
			t.Errorf("sftp starts elsewhere: %s", r.Stdout)
		}
		if left, _ := os.ReadDir(h.home); len(left) > 2 {
			t.Errorf("left in the home directory: %v", left)
		}
	})
	t.Run("unknown subsystem", func(t *testing.T) {
		if r := h.target(t).SSH(t, []string{"-s"}, "nosuch").Run(t); r.Code == 0 {
			t.Error("it was granted")
		}
	})
}

func TestOpenSSHMaster(t *testing.T) {
	t.Parallel()
	h := startHawserd(t)
	dir, err := os.MkdirTemp("", "hw") // a socket's path is short
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	control := []string{"-o", "ControlPath=" + dir + "/c"}
	master := h.target(t).SSH(t, append(control, "-M", "-N", "-v", "-o", "LogLevel=VERBOSE")).Start(t)
	master.WaitError("Entering interactive session")
	const sessions = 20
	var running []*peertest.Process
	var inputs []*os.File
	for i := range sessions {
		in, out, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { out.Close() })
		c := h.target(t).SSH(t, control, fmt.Sprintf("echo begun; cat; exit %d", i))
		c.Stdin = in
		running, inputs = append(running, c.Start(t)), append(inputs, out)
		in.Close()
	}
	for _, p := range running { // all are open at once before the first may end
		p.WaitOutput("begun")
	}
	for i, p := range running {
		fmt.Fprint(inputs[i], "line ", i)
		inputs[i].Close()
		if r := p.Wait(); r.Code != i || string(r.Stdout) != fmt.Sprint("begun\nline ", i) {
			t.Errorf("session %d: status %d, %q, %q", i, r.Code, r.Stdout, r.Stderr)
		}
	}
	wantOK(t, h.target(t).SSH(t, append(control, "-O", "exit")).Run(t))
	master.Wait()
}
