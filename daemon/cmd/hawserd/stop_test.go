//go:build unix

package main

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/pkg/sftp"

	"github.com/hawser-ssh/hawser/connection/peertest"
)

// TestSFTPPipe: to open a named pipe would wait for ever, so it fails, by every way to name it. Other files are not
// concerned, and SIGTERM ends a server that was asked.
func TestSFTPPipe(t *testing.T) {
	t.Parallel()
	h := startHawserd(t)
	pipe := filepath.Join(h.home, "pipe")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("pipe", filepath.Join(h.home, "link")); err != nil {
		t.Fatal(err)
	}
	session, err := h.dial(t).NewSession(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	in, _ := session.StdinPipe()
	out, _ := session.StdoutPipe()
	if err := session.Subsystem(t.Context(), "sftp"); err != nil {
		t.Fatal(err)
	}
	c, err := sftp.NewClientPipe(out, in)
	if err != nil {
		t.Fatal(err)
	}
	defer session.Close()
	for _, path := range []string{pipe, "pipe", "./pipe", "link"} {
		opened := make(chan error, 1)
		go func() {
			_, err := c.Open(path)
			opened <- err
		}()
		select {
		case err := <-opened:
			if err == nil {
				t.Errorf("%s was opened", path)
			}
		case <-time.After(20 * time.Second):
			t.Fatalf("opening %s waits", path)
		}
	}
	if f, err := c.Create("file"); err != nil || f.Close() != nil {
		t.Errorf("file: %v", err)
	}
}

// TestSFTPServerSignal: SIGTERM ends hawserd -sftp-server while it waits for its client.
func TestSFTPServerSignal(t *testing.T) {
	t.Parallel()
	in, keep, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer keep.Close()
	defer in.Close()
	p := peertest.Cmd{Path: hawserdBinary(t), Args: []string{"-sftp-server"}, Stdin: in}.Start(t)
	if _, err := keep.Write([]byte{0, 0, 0, 5, fxpInit, 0, 0, 0, 3}); err != nil {
		t.Fatal(err)
	}
	p.WaitOutput("\x02") // SSH_FXP_VERSION: it runs
	if err := syscall.Kill(p.Pid(), syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	select {
	case <-p.Done():
	case <-time.After(20 * time.Second):
		_ = syscall.Kill(p.Pid(), syscall.SIGKILL)
		t.Fatal("it does not end")
	}
	if r := p.Wait(); r.Code != 0 {
		t.Errorf("status %d, %s", r.Code, r.Stderr)
	}
}

// TestNohup: a SIGHUP that the starter has had ignored stays so.
func TestNohup(t *testing.T) {
	t.Parallel()
	h := &hawserd{home: newHome(t), hostKey: peertest.NewKey(t, peertest.Ed25519), key: peertest.NewKey(t, peertest.Ed25519), user: ownName(t)}
	h.authorize(t, h.key.Public)
	h.launchBy(t, "/bin/sh", "-c", `trap "" HUP; exec "$0" "$@"`, hawserdBinary(t), "-listen", "127.0.0.1:0", "-hostkey", h.hostKey.Path)
	if err := syscall.Kill(h.Pid(), syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	h.dial(t).Close() // it still takes clients
}
