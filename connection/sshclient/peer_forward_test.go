package sshclient_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/hawser-ssh/hawser/connection"
	"github.com/hawser-ssh/hawser/connection/sshclient"
	"github.com/hawser-ssh/hawser/wire"
)

// echoListener answers each connection with what it gets, until its end.
func echoListener(t testing.TB, network, addr string) net.Addr {
	t.Helper()
	l, err := net.Listen(network, addr)
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			nc, err := l.Accept()
			if err != nil {
				return
			}
			go echoConn(nc)
		}
	}()
	t.Cleanup(func() {
		l.Close()
		<-done
	})
	return l.Addr()
}

func echoConn(nc net.Conn) {
	defer nc.Close()
	io.Copy(nc, nc)
}

// half is what all connections here can do: say that no more is to come.
type half interface{ CloseWrite() error }

// bounce sends n bytes and the end through nc and checks what comes back.
func bounce(t testing.TB, nc net.Conn, n int64) {
	t.Helper()
	defer nc.Close()
	nc.SetDeadline(time.Now().Add(time.Minute))
	in, sent := source(n)
	copied := make(chan error, 1)
	go func() {
		_, err := io.Copy(nc, in)
		copied <- errors.Join(err, nc.(half).CloseWrite())
	}()
	got := sha256.New()
	if _, err := io.Copy(got, nc); err != nil {
		t.Fatal(err)
	}
	if err := <-copied; err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got.Sum(nil), sent.Sum(nil)) {
		t.Fatalf("the %d bytes came back changed", n)
	}
}

// testDialTCP connects through the server, also to where nobody listens.
func testDialTCP(t *testing.T, client *sshclient.Client) {
	t.Run("direct-tcpip", func(t *testing.T) {
		ctx := testContext(t)
		addr := echoListener(t, "tcp", "127.0.0.1:0")
		nc, err := client.Dial(ctx, "tcp", addr.String())
		if err != nil {
			t.Fatal(err)
		}
		if nc.RemoteAddr().String() != addr.String() {
			t.Errorf("remote address %v", nc.RemoteAddr())
		}
		bounce(t, nc, 1<<20)
	})
	t.Run("direct-tcpip deadline", func(t *testing.T) {
		addr := echoListener(t, "tcp", "127.0.0.1:0")
		nc, err := client.Dial(testContext(t), "tcp", addr.String())
		if err != nil {
			t.Fatal(err)
		}
		defer nc.Close()
		nc.SetReadDeadline(time.Unix(1, 0))
		if _, err := nc.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Fatalf("read: %v", err)
		}
		nc.SetReadDeadline(time.Time{})
		bounce(t, nc, 1000)
	})
}

func testDialRefused(t *testing.T, client *sshclient.Client) {
	t.Run("direct-tcpip refused", func(t *testing.T) {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		l.Close()
		_, err = client.Dial(testContext(t), "tcp", l.Addr().String())
		var refused *connection.OpenError
		if !errors.As(err, &refused) || refused.Reason != wire.OpenConnectFailed {
			t.Fatalf("%v", err)
		}
	})
}

func testDialUnix(t *testing.T, client *sshclient.Client) {
	t.Run("direct-streamlocal", func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "socket")
		echoListener(t, "unix", path)
		nc, err := client.Dial(testContext(t), "unix", path)
		if err != nil {
			t.Fatal(err)
		}
		bounce(t, nc, 300<<10)
	})
}

// What a server does with the end of a remote forward.
const (
	cancels = true
	// neverCancels is dropbear 2022.83: it refuses each cancel-tcpip-forward,
	// since it compares a field that it has not set.
	neverCancels = false
)

// testListenTCP lets the server choose a port and connects to it three times,
// then sees that it is gone.
func testListenTCP(t *testing.T, client *sshclient.Client, cancels bool) {
	t.Run("tcpip-forward", func(t *testing.T) {
		l, err := client.Listen(testContext(t), "tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		if l.Addr().(*net.TCPAddr).Port == 0 {
			t.Fatal("no port")
		}
		for range 3 {
			acceptOne(t, l)
		}
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
		// The server has seen the end when it has refused what came after.
		if ok, _, err := client.GlobalRequest(testContext(t), "nonsense@example.org", true, nil); ok || err != nil {
			t.Fatal(ok, err)
		}
		if !cancels {
			return
		}
		if nc, err := net.Dial("tcp", l.Addr().String()); err == nil {
			nc.Close()
			t.Fatal("the server still listens")
		}
		if _, err := l.Accept(); !errors.Is(err, net.ErrClosed) {
			t.Fatalf("accept: %v", err)
		}
	})
}

func testListenUnix(t *testing.T, client *sshclient.Client) {
	t.Run("streamlocal-forward", func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "socket")
		l, err := client.ListenUnix(testContext(t), path)
		if err != nil {
			t.Fatal(err)
		}
		acceptOne(t, l)
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
	})
}

// acceptOne connects to the remote forward as a stranger would.
func acceptOne(t *testing.T, l net.Listener) {
	t.Helper()
	stop := context.AfterFunc(testContext(t), func() { l.Close() })
	defer stop()
	nc, err := net.Dial(l.Addr().Network(), l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	accepted, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		echoConn(accepted)
	}()
	bounce(t, nc, 300<<10)
	<-done
}
