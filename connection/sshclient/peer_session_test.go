package sshclient_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"path"
	"strings"
	"sync"
	"testing"

	"github.com/hawser-ssh/hawser/connection"
	"github.com/hawser-ssh/hawser/connection/sshclient"
	"github.com/pkg/sftp"
)

// testSessions checks what every server with exec can do.
func testSessions(t *testing.T, client *sshclient.Client) {
	t.Run("exit status", func(t *testing.T) {
		out, err := client.Output(testContext(t), "echo some; exit 7")
		var exit *sshclient.ExitError
		if !errors.As(err, &exit) || exit.Status != 7 || exit.Signal != "" || string(out) != "some\n" {
			t.Fatalf("%q, %v", out, err)
		}
	})
	t.Run("large stderr", func(t *testing.T) {
		ctx, s := newSession(t, client)
		var out, problems bytes.Buffer
		s.Stdout, s.Stderr = &out, &problems
		if err := s.Run(ctx, "head -c 5000000 /dev/zero >&2; head -c 3000000 /dev/zero"); err != nil {
			t.Fatal(err)
		}
		if out.Len() != 3000000 || problems.Len() != 5000000 {
			t.Fatalf("%d bytes and %d on stderr", out.Len(), problems.Len())
		}
	})
	t.Run("combined output", func(t *testing.T) {
		out, err := client.CombinedOutput(testContext(t), "echo one; echo two >&2")
		if err != nil || len(out) != 8 || !bytes.Contains(out, []byte("one\n")) || !bytes.Contains(out, []byte("two\n")) {
			t.Fatalf("%q, %v", out, err)
		}
	})
	t.Run("unread input", func(t *testing.T) {
		ctx, s := newSession(t, client)
		s.Stdin, _ = source(10 << 20)
		if err := s.Run(ctx, "exec true"); err != nil {
			t.Fatal(err)
		}
	})
	t.Run("20 sessions", func(t *testing.T) { testParallel(t, client, 20) })
}

// testParallel runs n commands at once. None ends before all have begun: when a command ends, dropbear 2022.83 now and
// then closes the channels on which it has not come to the request for one yet, instead of answering that.
func testParallel(t *testing.T, client *sshclient.Client, n int) {
	ctx := testContext(t)
	var running, begun sync.WaitGroup
	begun.Add(n)
	for i := range n {
		running.Go(func() {
			begins := sync.OnceFunc(begun.Done)
			defer begins() // also where it cannot
			s, err := client.NewSession(ctx)
			if err != nil {
				t.Error(err)
				return
			}
			text := fmt.Sprintf("session %d\n", i)
			s.Stdin = &lateReader{Reader: strings.NewReader(text), wait: func() { begins(); begun.Wait() }}
			out, err := s.Output(ctx, fmt.Sprintf("cat; exit %d", i))
			var exit *sshclient.ExitError
			if i > 0 && (!errors.As(err, &exit) || exit.Status != uint32(i)) || i == 0 && err != nil {
				t.Errorf("session %d: %v", i, err)
			}
			if string(out) != text {
				t.Errorf("session %d: output %q", i, out)
			}
		})
	}
	running.Wait()
}

// lateReader waits before it is read. A session reads its input once the command has begun.
type lateReader struct {
	io.Reader
	wait func()
}

func (r *lateReader) Read(p []byte) (int, error) {
	r.wait()
	return r.Reader.Read(p)
}

func testExitSignal(t *testing.T, client *sshclient.Client) {
	t.Run("exit signal", func(t *testing.T) {
		err := client.Run(testContext(t), "kill -TERM $$")
		var exit *sshclient.ExitError
		if !errors.As(err, &exit) || exit.Signal != "TERM" {
			t.Fatalf("%v", err)
		}
	})
}

func testSignal(t *testing.T, client *sshclient.Client) {
	t.Run("signal", func(t *testing.T) {
		ctx, s := newSession(t, client)
		out := pipe(t, s.StdoutPipe)
		if err := s.Start(ctx, "trap 'echo caught; exit 3' TERM; echo ready; while :; do sleep 0.05; done"); err != nil {
			t.Fatal(err)
		}
		expect(t, out, "ready\n")
		if err := s.Signal(ctx, "TERM"); err != nil {
			t.Fatal(err)
		}
		expect(t, out, "caught\n")
		var exit *sshclient.ExitError
		if err := s.Wait(ctx); !errors.As(err, &exit) || exit.Status != 3 {
			t.Fatalf("%v", err)
		}
	})
}

// newSession opens a session that is closed at the end of the test's time, so
// that no read of it waits for ever.
func newSession(t testing.TB, client *sshclient.Client) (context.Context, *sshclient.Session) {
	t.Helper()
	ctx := testContext(t)
	s, err := client.NewSession(ctx)
	if err != nil {
		t.Fatal(err)
	}
	context.AfterFunc(ctx, func() { s.Close() })
	return ctx, s
}

func pipe(t testing.TB, open func() (io.Reader, error)) io.Reader {
	t.Helper()
	r, err := open()
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// expect reads exactly text.
func expect(t testing.TB, r io.Reader, text string) {
	t.Helper()
	got := make([]byte, len(text))
	if n, err := io.ReadFull(r, got); err != nil || string(got) != text {
		t.Fatalf("read %q, want %q: %v", got[:n], text, err)
	}
}

// testTerminal starts a terminal and changes its size under the command.
func testTerminal(t *testing.T, client *sshclient.Client) {
	t.Run("terminal", func(t *testing.T) {
		ctx, s := newSession(t, client)
		pty := &connection.PTY{Term: "vt220", Size: connection.Size{Columns: 80, Rows: 24}, Modes: []connection.Mode{
			{Code: connection.ModeECHO, Value: 0}, {Code: connection.ModeOPOST, Value: 0},
		}}
		if err := s.RequestPTY(ctx, pty); err != nil {
			t.Fatal(err)
		}
		out := pipe(t, s.StdoutPipe)
		in, err := s.StdinPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Start(ctx, "test -t 0 && echo $TERM; stty size; read x; stty size; read y; echo $y >&2"); err != nil {
			t.Fatal(err)
		}
		expect(t, out, "vt220\n24 80\n")
		if err := s.WindowChange(ctx, connection.Size{Columns: 132, Rows: 43}); err != nil {
			t.Fatal(err)
		}
		fmt.Fprint(in, "\n")
		expect(t, out, "43 132\n")
		fmt.Fprint(in, "last\n")
		expect(t, out, "last\n")
		if err := s.Wait(ctx); err != nil {
			t.Fatal(err)
		}
	})
}

// testEnvironment sets a variable that the server allows and one that not.
func testEnvironment(t *testing.T, client *sshclient.Client) {
	t.Run("environment", func(t *testing.T) {
		ctx, s := newSession(t, client)
		if err := s.Setenv(ctx, "HAWSER_TEST", "a value"); err != nil {
			t.Fatal(err)
		}
		var refused *connection.RefusedError
		if err := s.Setenv(ctx, "LD_PRELOAD", "x"); !errors.As(err, &refused) || refused.Request != "env" {
			t.Fatalf("%v", err)
		}
		if out, err := s.Output(ctx, `echo "$HAWSER_TEST"`); err != nil || string(out) != "a value\n" {
			t.Fatalf("%q, %v", out, err)
		}
	})
}

func testShell(t *testing.T, client *sshclient.Client) {
	t.Run("shell", func(t *testing.T) {
		ctx, s := newSession(t, client)
		var out bytes.Buffer
		s.Stdin, s.Stdout = strings.NewReader("echo from the shell\nexit 4\n"), &out
		if err := s.Shell(ctx); err != nil {
			t.Fatal(err)
		}
		var exit *sshclient.ExitError
		if err := s.Wait(ctx); !errors.As(err, &exit) || exit.Status != 4 {
			t.Fatalf("%v", err)
		}
		if !strings.Contains(out.String(), "from the shell\n") {
			t.Fatalf("%q", out.String())
		}
	})
}

// testSFTP drives the sftp subsystem through another project's client of it.
func testSFTP(t *testing.T, client *sshclient.Client, dir string) {
	t.Run("sftp", func(t *testing.T) {
		ctx, s := newSession(t, client)
		out := pipe(t, s.StdoutPipe)
		in, err := s.StdinPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Subsystem(ctx, "sftp"); err != nil {
			t.Fatal(err)
		}
		files, err := sftp.NewClientPipe(out, in)
		if err != nil {
			t.Fatal(err)
		}
		defer files.Close()
		name := path.Join(dir, "file")
		data := bytes.Repeat([]byte("0123456789abcdef"), 1<<16)
		writeRemote(t, files, name, data)
		if got := readRemote(t, files, name); !bytes.Equal(got, data) {
			t.Fatalf("%d of %d bytes came back, or others", len(got), len(data))
		}
		if info, err := files.Stat(name); err != nil || info.Size() != int64(len(data)) {
			t.Fatalf("%v, %v", info, err)
		}
	})
}

func writeRemote(t testing.TB, files *sftp.Client, name string, data []byte) {
	t.Helper()
	f, err := files.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.ReadFrom(bytes.NewReader(data)); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
}

func readRemote(t testing.TB, files *sftp.Client, name string) []byte {
	t.Helper()
	f, err := files.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var got bytes.Buffer
	if _, err := f.WriteTo(&got); err != nil {
		t.Fatal(err)
	}
	return got.Bytes()
}
