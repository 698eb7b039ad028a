//go:build unix

package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/creack/pty"

	"github.com/hawser-ssh/hawser/connection"
	"github.com/hawser-ssh/hawser/connection/peertest"
)

// TestOpenSSHTerminal: ssh itself runs on a terminal, whose size, signals and end of input reach the shell.
func TestOpenSSHTerminal(t *testing.T) {
	t.Parallel()
	peertest.Lookup(t, "ssh")
	h := startHawserd(t)
	g := h.target(t)
	ours, theirs, err := pty.Open()
	if err != nil {
		t.Fatal(err)
	}
	defer ours.Close()
	if err := pty.Setsize(ours, &pty.Winsize{Rows: 31, Cols: 97}); err != nil {
		t.Fatal(err)
	}
	c := g.SSH(t, []string{"-tt", "-e", "none"}, `stty size; echo "$TERM $SSH_TTY" | sed s:/dev/pts/.*:PTS:; tty -s && echo tty; `+
		`trap 'echo interrupted' INT; echo ready; cat; while read line; do stty size; done; echo over; exit 12`)
	c.Stdin, c.Stdout = theirs, theirs
	c.Env = append(c.Env, "TERM=vt220")
	p := c.Start(t)
	theirs.Close()

	var screen peertest.Buffer
	var reader sync.WaitGroup
	reader.Go(func() { _, _ = io.Copy(&screen, ours) })
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	see := func(text string) {
		t.Helper()
		if !screen.WaitFor(ctx, text) {
			t.Fatalf("no %q on the screen:\n%s", text, screen.String())
		}
	}
	see("31 97\r\n")
	see("vt220 PTS\r\n")
	see("tty\r\n")
	see("ready\r\n")
	send := func(text string) {
		t.Helper()
		if _, err := io.WriteString(ours, text); err != nil {
			t.Fatal(err)
		}
	}
	send("hello\r")
	see("hello\r\nhello\r\n") // the terminal's echo and cat's: it runs
	send("\x03")              // the terminal makes it a signal
	see("interrupted\r\n")
	if err := pty.Setsize(ours, &pty.Winsize{Rows: 40, Cols: 132}); err != nil {
		t.Fatal(err)
	}
	signalWindow(p.Pid()) // ssh is not in the foreground of its terminal here
	eventually(t, "the new size is known", func() bool {
		send("\r")
		return strings.Contains(screen.String(), "40 132\r\n")
	})
	eventually(t, "the end of input is seen", func() bool {
		send("\x04") // again, where one was typed while the last command still had the terminal
		return strings.Contains(screen.String(), "over\r\n")
	})
	if r := p.Wait(); r.Code != 12 {
		t.Errorf("status %d, %s", r.Code, r.Stderr)
	}
	ours.Close()
	reader.Wait()
}

// TestLoginShell: a shell without a command is a login shell, with and without a terminal.
func TestLoginShell(t *testing.T) {
	t.Parallel()
	h := startHawserd(t)
	for _, options := range [][]string{{"-T"}, {"-tt"}} {
		c := h.target(t).SSH(t, options)
		c.Stdin = strings.NewReader("echo \"shell=$0\" $((6*7)); exit 4\n")
		r := c.Run(t)
		if r.Code != 4 || !strings.Contains(string(r.Stdout), "shell=-") || !strings.Contains(string(r.Stdout), " 42") {
			t.Errorf("%s: status %d, %q, %q", options, r.Code, r.Stdout, r.Stderr)
		}
	}
}

// TestTerminalModes: modes from the client are set before the program starts.
func TestTerminalModes(t *testing.T) {
	t.Parallel()
	c := startHawserd(t).dial(t)
	ctx := context.Background()
	ch, err := c.Mux().OpenSession(ctx, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := ch.RequestPTY(ctx, &connection.PTY{Term: "a/b", Size: connection.Size{Columns: 1<<32 - 1, Rows: 5}, Modes: []connection.Mode{
		{Code: connection.ModeECHO, Value: 0}, {Code: connection.ModeVINTR, Value: 7}, {Code: connection.ModeVQUIT, Value: 255},
		{Code: connection.ModeONLCR, Value: 0}, {Code: 99, Value: 1},
	}}); err != nil {
		t.Fatal(err)
	}
	if err := ch.RequestPTY(ctx, &connection.PTY{Term: "x"}); err == nil {
		t.Error("a second terminal: granted")
	}
	if err := ch.Exec(ctx, "stty -a; echo TERM=$TERM; stty size"); err != nil {
		t.Fatal(err)
	}
	if err := ch.RequestPTY(ctx, &connection.PTY{Term: "x"}); err == nil {
		t.Error("a terminal after the program: granted")
	}
	out, err := io.ReadAll(ch)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{" -echo ", "intr = ^G;", "quit = <undef>;", " -onlcr ", "TERM=dumb\n", fmt.Sprintln(5, connection.DefaultMaxDimension)} {
		if !strings.Contains(string(out), want) {
			t.Errorf("no %q in %s", want, out)
		}
	}
}

// TestSignals: signals and breaks from the client reach the program's group, and how it ends is told.
func TestSignals(t *testing.T) {
	t.Parallel()
	c := startHawserd(t).dial(t)
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	for _, name := range []string{"HUP", "INT", "TERM", "KILL", "USR1"} {
		exits := make(chan connection.Exit, 1)
		var tracker connection.ExitTracker
		ch, err := c.Mux().OpenSession(ctx, &connection.Events{
			Request: func(_ *connection.Channel, r *connection.Request) {
				if known, _ := tracker.Observe(r); known {
					e, _ := tracker.Exit()
					exits <- e
				}
			},
		})
		if err != nil {
			t.Fatal(err)
		}
		if err := ch.Signal(ctx, name); err != nil { // before there is a program: ignored
			t.Fatal(err)
		}
		if err := ch.Exec(ctx, "echo up; sleep 100; true"); err != nil {
			t.Fatal(err)
		}
		if err := ch.Exec(ctx, "true"); err == nil {
			t.Error("a second program: granted")
		}
		if _, err := io.ReadFull(ch, make([]byte, 3)); err != nil {
			t.Fatal(err)
		}
		if err := ch.Signal(ctx, "NOSUCH"); err != nil {
			t.Fatal(err)
		}
		if err := ch.Signal(ctx, name); err != nil {
			t.Fatal(err)
		}
		if _, err := io.Copy(io.Discard, ch); err != nil {
			t.Fatal(err)
		}
		if e := <-exits; e.Signal != name {
			t.Errorf("%s: %+v", name, e)
		}
		ch.Close()
	}
}

func signalWindow(pid int) {
	if p, err := os.FindProcess(pid); err == nil {
		_ = p.Signal(windowSignal)
	}
}
