//go:build unix

package transport_test

import (
	"errors"
	"net"
	"runtime"
	"sync/atomic"
	"testing"

	"github.com/hawser-ssh/hawser/transport"
	"github.com/hawser-ssh/hawser/transport/sshkey"
)

// host is a connection whose main reader leaves its turn after every packet
// that ends with "!", and who has read what.
type host struct {
	c, s    *transport.Conn
	packets chan read
	ended   chan error
	guest   atomic.Bool // ReadWhile is under way
	last    string      // the reader's
	handle  atomic.Pointer[func(text string) error]
}

type read struct {
	text  string
	guest bool
}

func newHost(c, s *transport.Conn) *host {
	h := &host{c: c, s: s, packets: make(chan read, 8), ended: make(chan error, 1)}
	s.BeforeWait(func() bool {
		yield := h.last == string(data("!"))
		h.last = ""
		return yield
	})
	return h
}

func (h *host) run() {
	h.ended <- h.s.ReadPackets(func(p []byte) error {
		h.last = string(p)
		if handle := h.handle.Load(); handle != nil && *handle != nil {
			if err := (*handle)(string(p)); err != nil {
				return err
			}
		}
		h.packets <- read{string(p), h.guest.Load()}
		return nil
	})
}

func (h *host) send(t *testing.T, text string) {
	t.Helper()
	if err := h.c.WritePacket(nil, data(text), nil); err != nil {
		t.Fatal(err)
	}
}

// take expects text, read by a guest or not.
func (h *host) take(t *testing.T, text string, guest bool) {
	t.Helper()
	if got := <-h.packets; got.text != string(data(text)) || got.guest != guest {
		t.Fatalf("got %q, by a guest: %v", got.text, got.guest)
	}
}

// be has the caller be a guest until more is false. The main reader, which goes on where nobody comes in time, is asked
// to yield again and again.
func (h *host) be(t *testing.T, more func() bool) {
	t.Helper()
	defer h.guest.Store(false)
	for !h.s.ReadWhile(func() bool { h.guest.Store(true); return more() }) {
		h.send(t, "!")
		h.take(t, "!", false)
	}
}

// enter starts a guest, and returns when it is the reader; away closes when it is not any more.
func (h *host) enter(t *testing.T, more func() bool) (away chan bool) {
	t.Helper()
	away = make(chan bool)
	go func() {
		defer close(away)
		h.be(t, more)
	}()
	for !h.guest.Load() {
		runtime.Gosched()
	}
	return away
}

// guestOf is enter on a new host.
func guestOf(t *testing.T, c, s *transport.Conn, more func() bool) (h *host, away chan bool) {
	t.Helper()
	h = newHost(c, s)
	go h.run()
	return h, h.enter(t, more)
}

func always() bool { return true }

func onTCP(t *testing.T) (c, s *transport.Conn) {
	c, s, _ = overTCP(t, nil)
	return c, s
}

// TestReadWhile: a guest reads what comes next, in order, and what comes later
// is read though it stays away, or when somebody calls Attend.
func TestReadWhile(t *testing.T) {
	for name, after := range map[string]func(h *host){"absent": func(*host) {}, "attended": func(h *host) { h.s.Attend() }} {
		t.Run(name, func(t *testing.T) {
			c, s := onTCP(t)
			h := newHost(c, s)
			go h.run()
			for range 3 {
				away := h.enter(t, func() bool { return len(h.packets) < 2 })
				h.send(t, "a")
				h.send(t, "b")
				<-away
				h.take(t, "a", true)
				h.take(t, "b", true)
				after(h)
				h.send(t, "c")
				h.take(t, "c", false)
			}
		})
	}
}

// TestReadWhileRefused: nobody becomes a guest while another goroutine reads.
func TestReadWhileRefused(t *testing.T) {
	c, s := onTCP(t)
	h := newHost(c, s)
	if s.ReadWhile(always) {
		t.Error("before ReadPackets")
	}
	go h.run()
	h.send(t, "a")
	h.take(t, "a", false)
	if s.ReadWhile(always) {
		t.Error("beside the main reader")
	}
}

// TestReadWhileHiddenLength: where a packet must be read to its end whatever is wrong with it (cipher.Layout.HideLength),
// nobody may leave in the middle of one, and so the main reader keeps its turn.
func TestReadWhileHiddenLength(t *testing.T) {
	x, y := loopback(t)
	cfg := protection(t, "aes128-cbc", "hmac-sha2-256")
	c := transport.Client(x, &transport.Config{VerifyHostKey: trustAny, Ciphers: cfg.Ciphers, MACs: cfg.MACs})
	s := transport.Server(y, &transport.Config{HostKeys: []sshkey.Signer{hostKey(t)}, Ciphers: cfg.Ciphers, MACs: cfg.MACs})
	handshakes(t, c, s)
	h := newHost(c, s)
	go h.run()
	h.send(t, "!")
	h.take(t, "!", false)
	h.send(t, "a")
	h.take(t, "a", false)
	if s.ReadWhile(always) {
		t.Error("a guest")
	}
}

// TestRouse ends the wait of a guest, also in the middle of a packet, of which
// nothing is lost.
func TestRouse(t *testing.T) {
	for _, half := range []bool{false, true} {
		var held *halves
		c, s, _ := overTCP(t, func(nc net.Conn) net.Conn { held = &halves{Conn: nc}; return held })
		var leave atomic.Bool
		h, away := guestOf(t, c, s, func() bool { return !leave.Load() })
		if half {
			held.mu.Lock()
			held.on = true
			held.mu.Unlock()
			h.send(t, "whole")
		}
		leave.Store(true)
		s.Rouse()
		<-away
		if half {
			for !held.release() {
				runtime.Gosched()
			}
			h.take(t, "whole", false)
		}
		h.send(t, "b")
		h.take(t, "b", false)
	}
}

// TestGuestRekey: a key exchange goes on while a guest waits.
func TestGuestRekey(t *testing.T) {
	c, s := onTCP(t)
	_, _ = readPackets(c)
	h, _ := guestOf(t, c, s, always)
	if err := c.Rekey(t.Context()); err != nil {
		t.Fatal(err)
	}
	h.send(t, "b")
	h.take(t, "b", false)
}

// TestGuestRests: a guest for whom nothing comes gives its turn back, and the
// main reader rests.
func TestGuestRests(t *testing.T) {
	c, s := onTCP(t)
	h, away := guestOf(t, c, s, always)
	<-away
	awaitRest()
	h.send(t, "b")
	h.take(t, "b", false)
}

// TestGuestFails: what goes wrong while a guest reads ends ReadPackets.
func TestGuestFails(t *testing.T) {
	enough := errors.New("enough")
	for name, test := range map[string]struct {
		handle func(text string) error
		end    func(h *host)
		want   error
	}{
		"handler": {handle: func(text string) error { return enough }, want: enough},
		"Goexit":  {handle: func(text string) error { runtime.Goexit(); return nil }},
		"closed":  {end: func(h *host) { h.s.Close() }, want: net.ErrClosed},
		"gone":    {end: func(h *host) { h.c.Close() }, want: net.ErrClosed},
	} {
		t.Run(name, func(t *testing.T) {
			c, s := onTCP(t)
			h, away := guestOf(t, c, s, always)
			h.handle.Store(&test.handle)
			if test.end != nil {
				test.end(h)
			} else {
				h.send(t, "b")
			}
			err := <-h.ended
			if err == nil || test.want != nil && !errors.Is(err, test.want) {
				t.Errorf("ReadPackets: %v", err)
			}
			<-away
			if test.handle != nil { // which ends nothing else
				h.handle.Store(new(func(string) error))
				go h.run()
				h.send(t, "!")
				h.take(t, "!", false)
				h.send(t, "c")
				h.take(t, "c", false)
			}
		})
	}
}
