//go:build unix

package main

import (
	"errors"
	"io"
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/hawser-ssh/hawser/connection"
)

// startShell runs a command on a terminal.
func startShell(t *testing.T, command string) *program {
	t.Helper()
	p, err := start(exec.Command("/bin/sh", "-c", command), &connection.PTY{Term: "dumb"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.release)
	return p
}

// slowWriter takes longer for each piece than a terminal is waited for after its program's end.
type slowWriter struct{ bytes, pieces int }

func (w *slowWriter) Write(p []byte) (int, error) {
	w.bytes += len(p)
	if w.pieces++; w.pieces <= 2 {
		<-time.After(2 * drainTime)
	}
	return len(p), nil
}

// TestTerminalTail: a client that takes its time gets all that the program wrote before its end.
func TestTerminalTail(t *testing.T) {
	t.Parallel()
	const size = 8000 // more than one read of a terminal returns, less than it holds
	p := startShell(t, "stty -opost; head -c 8000 /dev/zero")
	p.wait()
	p.drainTerminal()
	w := &slowWriter{}
	if _, err := io.Copy(w, p.output()); !terminalEnd(err) {
		t.Error(err)
	}
	if w.bytes != size {
		t.Errorf("%d bytes of %d arrived", w.bytes, size)
	}
}

// TestTerminalWait: a wait for output ends with a deadline, and with release.
func TestTerminalWait(t *testing.T) {
	t.Parallel()
	p := startShell(t, "exec sleep 1000")
	for _, tt := range []struct {
		name string
		end  func()
		want error
	}{
		{"deadline", func() { _ = p.tty.SetReadDeadline(time.Now().Add(time.Millisecond)) }, os.ErrDeadlineExceeded},
		{"release", p.release, os.ErrClosed},
	} {
		_ = p.tty.SetReadDeadline(time.Time{})
		result := make(chan error, 1)
		go func() {
			_, err := p.tty.Read(make([]byte, 1))
			result <- err
		}()
		tt.end()
		select {
		case err := <-result:
			if !errors.Is(err, tt.want) {
				t.Errorf("%s: %v, want %v", tt.name, err, tt.want)
			}
		case <-time.After(20 * time.Second):
			t.Errorf("%s: the wait goes on", tt.name)
		}
	}
	p.signalGroup(os.Kill)
	p.wait()
}

// TestSignalAfterEnd: a client that has not read all output yet cannot signal what has the number of its program by then.
func TestSignalAfterEnd(t *testing.T) {
	t.Parallel()
	// The child that stays behind stands for the process group that the number is given to.
	p := startShell(t, "trap '' HUP; sleep 1000 & exit 0")
	p.wait()
	if p.signal("KILL") {
		t.Error("the signal was delivered")
	}
	if !p.signalGroup(os.Kill) {
		t.Error("nobody would have got it")
	}
}

// TestKeyEnvironment: a client cannot replace a variable that its key sets.
func TestKeyEnvironment(t *testing.T) {
	t.Parallel()
	h := startHawserd(t)
	h.authorize(t, `environment="LC_WHO=alice" `+h.key.Public)
	session, err := h.dial(t).NewSession(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := session.Setenv(t.Context(), "LC_WHO", "root"); err != nil {
		t.Fatal(err)
	}
	if out, err := session.Output(t.Context(), "echo $LC_WHO"); err != nil || string(out) != "alice\n" {
		t.Errorf("%q, %v", out, err)
	}
}
