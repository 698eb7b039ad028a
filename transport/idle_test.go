//go:build unix

package transport_test

import (
	"errors"
	"net"
	"os"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/hawser-ssh/hawser/transport"
	"github.com/hawser-ssh/hawser/transport/sshkey"
	"github.com/hawser-ssh/hawser/wire"
)

// overTCP returns both ends of an authenticated connection; what the client
// writes passes writer, if there is one.
func overTCP(t *testing.T, writer func(net.Conn) net.Conn) (c, s *transport.Conn, serverSide net.Conn) {
	t.Helper()
	x, y := loopback(t)
	if writer != nil {
		x = writer(x)
	}
	c = transport.Client(x, &transport.Config{VerifyHostKey: trustAny})
	s = transport.Server(y, &transport.Config{HostKeys: []sshkey.Signer{hostKey(t)}})
	handshakes(t, c, s)
	return c, s, y
}

// readPackets passes on what s reads, and how that ends.
func readPackets(s *transport.Conn) (packets <-chan string, ended <-chan error) {
	p, e := make(chan string), make(chan error, 1)
	go func() {
		e <- s.ReadPackets(func(b []byte) error {
			p <- string(b)
			return nil
		})
	}()
	return p, e
}

// awaitRest returns when a reader rests, and no goroutine reads for it.
func awaitRest() {
	stacks := make([]byte, 1<<20)
	for {
		all := string(stacks[:runtime.Stack(stacks, true)])
		if strings.Contains(all, "awaitInput") && !strings.Contains(all, "readSpell") {
			return
		}
		runtime.Gosched()
	}
}

// TestReadPacketsRests: packets come through, and in order, whether the reader
// rests or not; while it does, one goroutine is left.
func TestReadPacketsRests(t *testing.T) {
	c, s, _ := overTCP(t, nil)
	packets, ended := readPackets(s)
	for range 3 {
		awaitRest()
		for _, text := range []string{"a", "b", "c"} {
			if err := c.WritePacket(nil, data(text), nil); err != nil {
				t.Fatal(err)
			}
		}
		for _, text := range []string{"a", "b", "c"} {
			if got := <-packets; got != string(data(text)) {
				t.Fatalf("got %q, want %q", got, text)
			}
		}
	}
	awaitRest()
	s.Close()
	if err := <-ended; !errors.Is(err, net.ErrClosed) {
		t.Errorf("closed while at rest: %v", err)
	}
}

// TestReadPacketsPeerLeaves: the peer's goodbye wakes a reader that rests.
func TestReadPacketsPeerLeaves(t *testing.T) {
	c, s, _ := overTCP(t, nil)
	_, ended := readPackets(s)
	awaitRest()
	c.Disconnect(wire.ReasonByApplication, "that was all")
	var goodbye *transport.DisconnectError
	if err := <-ended; !errors.As(err, &goodbye) || !goodbye.Remote || goodbye.Text != "that was all" {
		t.Errorf("%v", err)
	}
}

// TestReadPacketsRekey: a re-key comes through to a reader that rests.
func TestReadPacketsRekey(t *testing.T) {
	c, s, _ := overTCP(t, nil)
	_, _ = readPackets(s)
	_, _ = readPackets(c)
	awaitRest()
	if err := c.Rekey(t.Context()); err != nil {
		t.Fatal(err)
	}
	if n := c.ConnectionState().Rekeys; n != 1 {
		t.Errorf("%d re-keys", n)
	}
}

// halves is a net.Conn that holds back the second half of a write.
type halves struct {
	net.Conn
	mu   sync.Mutex
	on   bool
	rest []byte
}

func (h *halves) Write(p []byte) (int, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if !h.on || len(p) < 2 {
		return h.Conn.Write(p)
	}
	if _, err := h.Conn.Write(p[:len(p)/2]); err != nil {
		return 0, err
	}
	h.rest = append(h.rest, p[len(p)/2:]...)
	return len(p), nil
}

// release sends what was held back, and reports whether there was anything.
func (h *halves) release() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.rest) == 0 {
		return false
	}
	_, _ = h.Conn.Write(h.rest) // the reader will miss it
	h.rest, h.on = nil, false
	return true
}

// TestReadPacketsHalf: nothing is lost of a packet that comes in two parts.
func TestReadPacketsHalf(t *testing.T) {
	var h *halves
	c, s, _ := overTCP(t, func(nc net.Conn) net.Conn { h = &halves{Conn: nc}; return h })
	packets, _ := readPackets(s)
	h.mu.Lock()
	h.on = true
	h.mu.Unlock()
	if err := c.WritePacket(nil, data("whole"), nil); err != nil {
		t.Fatal(err)
	}
	for !h.release() {
		runtime.Gosched()
	}
	if got := <-packets; got != string(data("whole")) {
		t.Errorf("got %q", got)
	}
}

// TestReadPacketsHandler: the handler's error is returned as it is, and the
// connection goes on: it is the caller's to end.
func TestReadPacketsHandler(t *testing.T) {
	over := map[string]func(t *testing.T) (c, s *transport.Conn){
		"TCP":    func(t *testing.T) (c, s *transport.Conn) { c, s, _ = overTCP(t, nil); return c, s },
		"a pipe": func(t *testing.T) (c, s *transport.Conn) { return connect(t, transport.Config{}, transport.Config{}) },
	}
	for name, pair := range over {
		t.Run(name, func(t *testing.T) {
			c, s := pair(t)
			for _, text := range []string{"a", "b"} {
				if err := c.WritePacket(nil, data(text), nil); err != nil {
					t.Fatal(err)
				}
			}
			enough := errors.New("enough")
			for _, text := range []string{"a", "b"} {
				err := s.ReadPackets(func(p []byte) error {
					if string(p) != string(data(text)) {
						t.Errorf("got %q, want %q", p, text)
					}
					return enough
				})
				if err != enough || s.Err() != nil {
					t.Fatalf("%v, %v", err, s.Err())
				}
			}
		})
	}
}

// TestReadPacketsGoexit: a handler that ends its goroutine does not leave the
// caller waiting.
func TestReadPacketsGoexit(t *testing.T) {
	c, s, _ := overTCP(t, nil)
	if err := c.WritePacket(nil, data("a"), nil); err != nil {
		t.Fatal(err)
	}
	err := s.ReadPackets(func([]byte) error {
		runtime.Goexit()
		return nil
	})
	if err == nil {
		t.Error("no error")
	}
}

// TestReadPacketsReset: a reader that rests hears how the path ended, which the
// system says once.
func TestReadPacketsReset(t *testing.T) {
	var socket net.Conn
	_, s, _ := overTCP(t, func(nc net.Conn) net.Conn { socket = nc; return nc })
	_, ended := readPackets(s)
	awaitRest()
	if err := socket.(*net.TCPConn).SetLinger(0); err != nil {
		t.Fatal(err)
	}
	socket.Close()
	if err := <-ended; !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("%v", err)
	}
}

// TestReadPacketsDeadline: the deadline of whoever gave us the socket ends the
// connection, at rest or not.
func TestReadPacketsDeadline(t *testing.T) {
	_, s, socket := overTCP(t, nil)
	_, ended := readPackets(s)
	awaitRest()
	if err := socket.SetReadDeadline(time.Now()); err != nil {
		t.Fatal(err)
	}
	if err := <-ended; !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("%v", err)
	}
}
