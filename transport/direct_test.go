package transport

import (
	"io"
	"net"
	"testing"

	"github.com/hawser-ssh/hawser/wire"
)

// TestDirectWrite: a packet of up to 16 KiB that the socket takes at once leaves with its writer; no goroutine is
// started for it. A larger one is the flusher's.
func TestDirectWrite(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	nc, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	peer, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer peer.Close()
	c := newConn(nc, wire.Client, nil)
	defer nc.Close()
	if rawConn(nc) == nil {
		t.Skip("no direct writes on this system")
	}
	flushes := make(chan struct{}, 10)
	flush := c.flush
	c.flush = func() { flushes <- struct{}{}; flush() }
	for _, tt := range []struct {
		size    int
		started int
	}{{1, 0}, {8 << 10, 0}, {directWrite - 64, 0}, {directWrite, 1}} {
		if err := c.WritePacket(nil, nil, make([]byte, tt.size)); err != nil {
			t.Fatal(err)
		}
		if _, err := io.ReadFull(peer, make([]byte, tt.size)); err != nil { // it has left, and some padding
			t.Fatal(err)
		}
		if n := len(flushes); n != tt.started {
			t.Errorf("%d bytes: %d flushers", tt.size, n)
		}
	}
}
