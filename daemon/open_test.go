package daemon

import (
	"context"
	"errors"
	"io"
	"testing"
	"time"

	"github.com/hawser-ssh/hawser/connection"
	"github.com/hawser-ssh/hawser/wire"
)

// deferOpens makes d put off its answer to direct-tcpip, and returns where it
// will be given.
func deferOpens(d *Daemon) <-chan *DeferredOpen {
	deferred := make(chan *DeferredOpen, 1)
	d.OnSSHChannelOpenRequest = func(e *SSHChannelOpenRequestEvent) {
		if e.Accept = e.Service == "session"; !e.Accept {
			deferred <- e.Defer()
		}
	}
	return deferred
}

// TestDeferredShortChannel: what a client sent before it closed the channel is
// there to be read, even when the channel is gone already.
func TestDeferredShortChannel(t *testing.T) {
	d := newDaemon(t)
	deferred, closed := deferOpens(d), make(chan struct{})
	d.OnSSHChannelClosed = func(*SSHChannelClosedEvent) { close(closed) }
	c, err := dialOurs(t, serve(t, d))
	if err != nil {
		t.Fatal(err)
	}
	go func() {
		conn, err := c.Dial(context.Background(), "tcp", "target:80")
		if err != nil {
			t.Error(err)
			return
		}
		_, _ = io.WriteString(conn, "all there is")
		conn.Close()
	}()
	h, err := (<-deferred).Accept(true)
	if err != nil {
		t.Fatal(err)
	}
	<-closed
	if data, err := io.ReadAll(h.Conn()); err != nil || string(data) != "all there is" {
		t.Errorf("%q, %v", data, err)
	}
}

// TestDeferredTwice: only the first answer counts, also for the number of open
// channels, with the last of which a connection ends that is to.
func TestDeferredTwice(t *testing.T) {
	d := newDaemon(t)
	deferred := deferOpens(d)
	c, err := dialOurs(t, serve(t, d))
	if err != nil {
		t.Fatal(err)
	}
	session, err := c.NewSession(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	go c.Dial(t.Context(), "tcp", "target:80")
	later := <-deferred
	if err := later.Reject(int(wire.OpenConnectFailed), ""); err != nil {
		t.Error(err)
	}
	for range 2 {
		if err := later.Reject(0, ""); !errors.Is(err, connection.ErrAnswered) {
			t.Errorf("Reject: %v", err)
		}
		if _, err := later.Accept(true); !errors.Is(err, connection.ErrAnswered) {
			t.Errorf("Accept: %v", err)
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	ended := make(chan error, 1)
	go func() { ended <- d.ShutdownContext(ctx) }()
	session.Close()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}
