package transport

import (
	"encoding/binary"
	"errors"
	"net"
	"slices"
	"sync/atomic"

	"github.com/hawser-ssh/hawser/cipher"
	"github.com/hawser-ssh/hawser/wire"
)

// labVersions tells a Lab that identifications have been exchanged: packets
// follow.
func (c *Conn) labVersions() {
	if c.lab == nil {
		return
	}
	if c.lab.socket != nil {
		c.lab.socket.packets = true
	}
	c.out.mu.Lock()
	defer c.out.mu.Unlock()
	c.labState(LabKex)
}

// labReadFrame is readFrame with a Lab in between. What it is shown and what
// it lets pass are views into the receive buffer, as long as nothing is read.
func (c *Conn) labReadFrame() ([]byte, error) {
	l, in := c.lab, &c.in
	for {
		switch {
		case len(l.messages) > 0:
			m := l.messages[0]
			l.messages = l.messages[1:]
			return m, nil
		case len(l.frames) > 0:
			frame := l.frames[0]
			l.frames = l.frames[1:]
			if len(frame) < 4+1 {
				return nil, &wire.ProtocolError{Reason: wire.ReasonProtocolError, Op: "packet", Err: errPadding}
			}
			payload, err := in.payload(frame[4:])
			if err != nil {
				return nil, err
			}
			l.messages = l.show(l.Message, Incoming, in.seq-1, payload)
		default:
			packet, err := c.openFrame()
			if err != nil {
				return nil, err
			}
			frame := in.buf[in.r : in.r+4+len(packet)]
			binary.BigEndian.PutUint32(frame, uint32(len(packet))) // some ciphers leave it as it came
			l.frames = l.show(l.Plain, Incoming, in.seq-1, frame)
		}
	}
}

// labFollow gives the Lab's socket keys of its own, of the direction in which
// the peer sends.
func (c *Conn) labFollow(k *keys) error {
	if c.lab == nil || c.lab.socket == nil {
		return nil
	}
	opener, err := k.cipher.NewOpener(k.mac, k.key, k.iv, k.tag)
	if err != nil {
		return err
	}
	s := c.lab.socket
	s.opener = opener
	if c.peer.strict {
		s.seq = 0
	}
	return nil
}

// labSocket is the socket as a Lab lets the connection have it. To show sealed
// packets it must know where each ends, which takes the keys and every byte in
// order, whatever the connection itself gets to open: hence an opener of its
// own. A Read returns no more than one packet, so that the keys change between
// two packets, when the connection has read NEWKEYS.
type labSocket struct {
	net.Conn
	lab     *labor
	drained atomic.Bool // the end: what comes concerns nobody

	// The reader's.
	packets bool   // identifications have been exchanged
	lost    bool   // where packets end is not known any more
	raw     []byte // what Raw has let through
	ready   []byte // what Sealed has let through
	err     error  // of the last read
	opener  cipher.Opener
	seq     uint32
}

func newLabSocket(l *labor, nc net.Conn) *labSocket {
	_, opener := cipher.None()
	return &labSocket{Conn: nc, lab: l, opener: opener}
}

var errNoHalfClose = errors.New("ssh: connection has no half-close")

// CloseWrite ends the outgoing bytes. What is read from then on is read away,
// and by another goroutine.
func (s *labSocket) CloseWrite() error {
	half, ok := s.Conn.(interface{ CloseWrite() error })
	if !ok {
		return errNoHalfClose
	}
	s.drained.Store(true)
	return half.CloseWrite()
}

// Write implements net.Conn.
func (s *labSocket) Write(p []byte) (int, error) {
	for _, b := range s.lab.show(s.lab.Raw, Outgoing, 0, slices.Clone(p)) {
		if _, err := s.Conn.Write(b); err != nil {
			return 0, err
		}
	}
	return len(p), nil
}

// Read implements net.Conn.
func (s *labSocket) Read(p []byte) (int, error) {
	if s.drained.Load() {
		return s.Conn.Read(p)
	}
	for len(s.ready) == 0 {
		if err := s.next(); err != nil {
			return 0, err
		}
	}
	n := copy(p, s.ready)
	s.ready = s.ready[n:]
	return n, nil
}

// next makes the next line, packet or piece ready, which may be nothing.
func (s *labSocket) next() error {
	if s.lab.Sealed == nil || s.lost {
		return s.pass(1)
	}
	if !s.packets {
		return s.line()
	}
	head := s.opener.Layout().Head
	if !s.fill(head) {
		return s.pass(0)
	}
	start := slices.Clone(s.raw[:head])
	length := s.opener.Length(s.seq, start)
	if length > DefaultMaxPacket {
		s.lost = true
		return s.pass(0)
	}
	return s.packet(start, 4+int(length)+s.opener.Layout().Tag)
}

// packet shows the packet of n bytes whose head the opener has read.
func (s *labSocket) packet(head []byte, n int) error {
	if !s.fill(n) {
		return s.pass(0)
	}
	packet := slices.Clone(s.raw[:n])
	if n < len(head) || s.opener.Open(s.seq, append(head, s.raw[len(head):n]...)) != nil {
		s.lost = true
	}
	s.raw = s.raw[n:]
	s.ready = slices.Concat(s.lab.show(s.lab.Sealed, Incoming, s.seq, packet)...)
	s.seq++
	return nil
}

// line makes an identification line ready: packets may follow in the bytes
// that came with it.
func (s *labSocket) line() error {
	if !s.fill(1) {
		return s.pass(0)
	}
	n := slices.Index(s.raw, '\n') + 1
	if n == 0 {
		n = len(s.raw)
	}
	s.ready, s.raw = s.raw[:n:n], s.raw[n:]
	return nil
}

// pass makes ready what is there, at least n bytes, or returns why there is
// nothing.
func (s *labSocket) pass(n int) error {
	s.fill(n)
	s.ready, s.raw = s.raw, nil
	if len(s.ready) == 0 {
		return s.err
	}
	return nil
}

// fill reads until n bytes are there and reports whether they are.
func (s *labSocket) fill(n int) bool {
	for len(s.raw) < n && s.err == nil {
		b := make([]byte, smallBuffer)
		var k int
		k, s.err = s.Conn.Read(b)
		if k > 0 {
			s.raw = append(slices.Clip(s.raw), slices.Concat(s.lab.show(s.lab.Raw, Incoming, 0, b[:k])...)...)
		}
	}
	return len(s.raw) >= n
}
