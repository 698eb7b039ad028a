package sshclient_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/hawser-ssh/hawser/connection"
	"github.com/hawser-ssh/hawser/connection/sshclient"
	"github.com/hawser-ssh/hawser/transport"
	"github.com/hawser-ssh/hawser/userauth"
	"github.com/hawser-ssh/hawser/wire"
)

// TestOwnServer runs what foreign servers are tested with against our own.
func TestOwnServer(t *testing.T) {
	h := newHouse(t)
	client := h.client()
	testSessions(t, client)
	testExitSignal(t, client)
	testEnvironmentOfHouse(t, client)
	testDialTCP(t, client)
	testDialRefused(t, client)
	testDialUnix(t, client)
	testListenTCP(t, client, cancels)
	testListenUnix(t, client)
	t.Run("re-key", func(t *testing.T) { testRekeyOnDemand(t, client) })
	t.Run("re-key under load", func(t *testing.T) {
		client := h.client(func(cfg *sshclient.Config) { cfg.Transport.RekeyBytes = 256 << 10 })
		echo(t, client, 4<<20)
	})
}

func testEnvironmentOfHouse(t *testing.T, client *sshclient.Client) {
	t.Run("before the start", func(t *testing.T) {
		ctx, s := newSession(t, client)
		if err := s.Setenv(ctx, "HAWSER_TEST", "a value"); err != nil {
			t.Fatal(err)
		}
		var refused *connection.RefusedError
		if err := s.Setenv(ctx, "LD_PRELOAD", "x"); !errors.As(err, &refused) || refused.Request != "env" {
			t.Fatalf("%v", err)
		}
		pty := &connection.PTY{Term: "vt220", Size: connection.Size{Columns: 80, Rows: 24},
			Modes: []connection.Mode{{Code: connection.ModeECHO, Value: 1}}}
		if err := s.RequestPTY(ctx, pty); err != nil {
			t.Fatal(err)
		}
		out, err := s.Output(ctx, "notes")
		if want := "HAWSER_TEST=a value\nvt220 80x24 [{53 1}]\n"; err != nil || string(out) != want {
			t.Fatalf("%q, %v", out, err)
		}
	})
}

func TestExitErrors(t *testing.T) {
	client := newHouse(t).client()
	err := client.Run(testContext(t), "kill -KILL $$")
	var exit *sshclient.ExitError
	if !errors.As(err, &exit) || exit.Signal != "KILL" || !exit.CoreDumped || exit.Message != "by a test" {
		t.Errorf("signal: %v", err)
	}
	var missing *sshclient.ExitMissingError
	if err := client.Run(testContext(t), "vanish"); !errors.As(err, &missing) {
		t.Errorf("no status: %v", err)
	}
	var refused *connection.RefusedError
	if err := client.Run(testContext(t), "refuse"); !errors.As(err, &refused) || refused.Request != "exec" {
		t.Errorf("refused: %v", err)
	}
	out, err := client.Output(testContext(t), "echo before; nonsense")
	if !errors.As(err, &exit) || exit.Status != 127 || string(out) != "before\n" {
		t.Errorf("unknown command: %q, %v", out, err)
	}
}

// Texts of the peer reach a terminal only when they are harmless.
func TestExitErrorEscapes(t *testing.T) {
	err := &sshclient.ExitError{Exit: connection.Exit{Signal: "X\x1b[2J", Message: "\x07\r\n"}}
	if text := err.Error(); strings.ContainsAny(text, "\x1b\x07\r\n") {
		t.Fatalf("%q", text)
	}
}

func TestStreams(t *testing.T) {
	client := newHouse(t).client()
	t.Run("pipes", func(t *testing.T) {
		ctx, s := newSession(t, client)
		out, problems := pipe(t, s.StdoutPipe), pipe(t, s.StderrPipe)
		in, err := s.StdinPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Start(ctx, "cat; echo end >&2"); err != nil {
			t.Fatal(err)
		}
		io.WriteString(in, "one\n")
		expect(t, out, "one\n")
		io.WriteString(in, "two\n")
		expect(t, out, "two\n")
		in.Close()
		if err := s.Wait(ctx); err != nil {
			t.Fatal(err)
		}
		expect(t, problems, "end\n") // still readable
		if _, err := out.Read(make([]byte, 1)); err != io.EOF {
			t.Fatalf("%v", err)
		}
	})
	t.Run("taken twice", func(t *testing.T) {
		ctx, s := newSession(t, client)
		s.Stdout = new(bytes.Buffer)
		_, errOut := s.StdoutPipe()
		_, errOutput := s.Output(ctx, "echo")
		if errOut != sshclient.ErrStreamTaken || errOutput != sshclient.ErrStreamTaken {
			t.Fatalf("%v, %v", errOut, errOutput)
		}
	})
	t.Run("order", func(t *testing.T) {
		ctx, s := newSession(t, client)
		if err := s.Wait(ctx); err != sshclient.ErrNotStarted {
			t.Fatalf("wait: %v", err)
		}
		if err := s.Run(ctx, "echo"); err != nil {
			t.Fatal(err)
		}
		_, errPipe := s.StdinPipe()
		if err := s.Start(ctx, "echo"); err != sshclient.ErrStarted || errPipe != sshclient.ErrStarted {
			t.Fatalf("%v, %v", err, errPipe)
		}
	})
	t.Run("failing writer", func(t *testing.T) {
		ctx, s := newSession(t, client)
		s.Stdout = failingWriter{}
		if err := s.Run(ctx, "head -c 5000000 /dev/zero"); err != errFull {
			t.Fatalf("%v", err)
		}
	})
	t.Run("failing reader", func(t *testing.T) {
		ctx, s := newSession(t, client)
		s.Stdin = io.MultiReader(strings.NewReader("some"), failingReader{})
		var out bytes.Buffer
		s.Stdout = &out
		if err := s.Run(ctx, "cat"); err != errFull || out.String() != "some" {
			t.Fatalf("%q, %v", out.String(), err)
		}
	})
}

var errFull = errors.New("the disk is full")

type failingWriter struct{}

func (failingWriter) Write([]byte) (int, error) { return 0, errFull }

type failingReader struct{}

func (failingReader) Read([]byte) (int, error) { return 0, errFull }

func TestWindowChangeAndSignal(t *testing.T) {
	client := newHouse(t).client()
	ctx, s := newSession(t, client)
	out := pipe(t, s.StdoutPipe)
	if err := s.Start(ctx, "wait"); err != nil {
		t.Fatal(err)
	}
	if err := s.WindowChange(ctx, connection.Size{Columns: 132, Rows: 43}); err != nil {
		t.Fatal(err)
	}
	if err := s.Signal(ctx, "HUP"); err != nil {
		t.Fatal(err)
	}
	expect(t, out, "size 132x43\nsignal HUP\n")
	s.Close()
	if err := s.Wait(ctx); !errors.Is(err, net.ErrClosed) {
		t.Fatalf("wait: %v", err)
	}
}

func TestContextEnds(t *testing.T) {
	client := newHouse(t).client()
	ctx, cancel := context.WithCancel(testContext(t))
	_, s := newSession(t, client)
	if err := s.Start(ctx, "wait"); err != nil {
		t.Fatal(err)
	}
	cancel()
	if err := s.Wait(ctx); err != context.Canceled {
		t.Errorf("wait: %v", err)
	}
	s.Close()
	if _, err := client.NewSession(ctx); err != context.Canceled {
		t.Errorf("open: %v", err)
	}
	if err := client.Run(ctx, "echo"); err != context.Canceled {
		t.Errorf("run: %v", err)
	}
	if err := client.Wait(ctx); err != context.Canceled {
		t.Errorf("client: %v", err)
	}
	if err := client.Run(testContext(t), "echo"); err != nil { // the connection goes on
		t.Error(err)
	}
}

func TestSubsystem(t *testing.T) {
	h := newHouse(t)
	h.subsystem = func(name string, ch *connection.Channel) {
		io.WriteString(ch, "this is "+name+"\n")
		finish(ch, outcome{})
	}
	ctx, s := newSession(t, h.client())
	var out bytes.Buffer
	s.Stdout = &out
	if err := s.Subsystem(ctx, "a thing"); err != nil {
		t.Fatal(err)
	}
	if err := s.Wait(ctx); err != nil || out.String() != "this is a thing\n" {
		t.Fatalf("%q, %v", out.String(), err)
	}
}

func TestClose(t *testing.T) {
	h := newHouse(t)
	client := h.client()
	ctx, s := newSession(t, client)
	if err := s.Start(ctx, "wait"); err != nil {
		t.Fatal(err)
	}
	waiting := make(chan error, 1)
	go func() { waiting <- s.Wait(ctx) }()
	l, err := client.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	if err := client.Close(); err != nil {
		t.Fatal(err)
	}
	for name, err := range map[string]error{
		"session": <-waiting,
		"open":    ignoreResult(client.NewSession(ctx)),
		"dial":    ignoreResult(client.Dial(ctx, "tcp", "127.0.0.1:1")),
		"listen":  ignoreResult(client.Listen(ctx, "tcp", "127.0.0.1:0")),
		"accept":  ignoreResult(l.Accept()),
		"rekey":   client.Rekey(ctx),
		"alive":   client.Keepalive(ctx),
		"again":   client.Close(),
	} {
		if !errors.Is(err, net.ErrClosed) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := client.Wait(ctx); err != nil {
		t.Errorf("wait: %v", err)
	}
}

func ignoreResult[T any](_ T, err error) error { return err }

// A server that ends the connection is reported with its words.
func TestServerDisconnects(t *testing.T) {
	h := newHouse(t)
	h.open = func(r *connection.OpenRequest) bool {
		r.Mux().Close()
		return true
	}
	client := h.client()
	if err := client.Run(testContext(t), "echo"); !errors.Is(err, net.ErrClosed) {
		t.Errorf("run: %v", err)
	}
	err := client.Wait(testContext(t))
	var gone *transport.DisconnectError
	if !errors.As(err, &gone) || !gone.Remote || gone.Reason != wire.ReasonByApplication {
		t.Errorf("wait: %v", err)
	}
}

func TestWrongPassword(t *testing.T) {
	h := newHouse(t)
	_, err := h.connect(func(cfg *sshclient.Config) { cfg.Auth = []userauth.Method{password("wrong")} })
	if !isAuthError(err) {
		t.Fatalf("%v", err)
	}
}

func TestBanner(t *testing.T) {
	h := newHouse(t)
	h.auth.Banner = func(context.Context, *userauth.Attempt) string { return "Beware\x1b[2J\n" }
	var got string
	h.client(func(cfg *sshclient.Config) { cfg.Banner = func(text string) { got += text } })
	if !strings.HasPrefix(got, "Beware") || strings.Contains(got, "\x1b") {
		t.Fatalf("%q", got)
	}
}

func TestFacts(t *testing.T) {
	h := newHouse(t)
	client := h.client()
	if got := client.HostKey().Marshal(); !bytes.Equal(got, h.transport.HostKeys[0].PublicKey().Marshal()) {
		t.Error("another host key")
	}
	if client.ServerVersion() != transport.DefaultVersion || len(client.SessionID()) == 0 || client.Algorithms().Kex == "" {
		t.Errorf("%q, %x, %v", client.ServerVersion(), client.SessionID(), client.Algorithms())
	}
	if client.LocalAddr() == nil || client.RemoteAddr() == nil {
		t.Error("no addresses")
	}
	ok, _, err := client.GlobalRequest(testContext(t), "nonsense@example.org", true, nil)
	if ok || err != nil {
		t.Errorf("%v, %v", ok, err)
	}
}

// An address that cannot be dialled is refused here, not by the server.
func TestForwardArguments(t *testing.T) {
	client := newHouse(t).client()
	ctx := testContext(t)
	for _, addr := range []string{"host", "host:65536", "host:-1", "host:ssh", ""} {
		var op *net.OpError
		if _, err := client.Dial(ctx, "tcp", addr); !errors.As(err, &op) || op.Op != "dial" {
			t.Errorf("dial %q: %v", addr, err)
		}
		if _, err := client.Listen(ctx, "tcp", addr); !errors.As(err, &op) || op.Op != "listen" {
			t.Errorf("listen %q: %v", addr, err)
		}
	}
	var unknown net.UnknownNetworkError
	if _, err := client.Dial(ctx, "udp", "host:1"); !errors.As(err, &unknown) {
		t.Errorf("%v", err)
	}
	if _, err := client.Listen(ctx, "udp", "host:1"); !errors.As(err, &unknown) {
		t.Errorf("%v", err)
	}
}

// A write waits for a server that does not read, until its deadline.
func TestForwardWriteDeadline(t *testing.T) {
	h := newHouse(t)
	h.open = func(r *connection.OpenRequest) bool {
		if r.Type != connection.TypeDirectTCPIP {
			return false
		}
		r.Accept(nil)
		return true
	}
	client := h.client()
	nc, err := client.Dial(testContext(t), "tcp", "127.0.0.1:1")
	if err != nil {
		t.Fatal(err)
	}
	nc.SetWriteDeadline(time.Unix(1, 0))
	if _, err := nc.Write(make([]byte, 64<<20)); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Fatalf("%v", err)
	}
	if err := client.Run(testContext(t), "echo"); err != nil {
		t.Fatal(err)
	}
}
