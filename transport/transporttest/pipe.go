package transporttest

import (
	"io"
	"net"
	"os"
	"sync"
	"time"
)

// pipeBuffer is how many bytes a direction holds before writes wait, like a
// socket's buffers.
const pipeBuffer = 1 << 20

// Pipe returns the two ends of an in-memory connection. Unlike net.Pipe it
// buffers, as sockets do, and has half-close (CloseWrite) and deadlines. All
// waiting is on channels, so that it works in a testing/synctest bubble.
func Pipe() (a, b net.Conn) {
	x, y := newStream(), newStream()
	return &end{in: x, out: y, name: "a"}, &end{in: y, out: x, name: "b"}
}

// end is one end of a Pipe.
type end struct {
	in, out     *stream
	name        string
	read, write deadline
}

func (e *end) Read(p []byte) (int, error)  { return e.in.read(p, &e.read) }
func (e *end) Write(p []byte) (int, error) { return e.out.write(p, &e.write) }

// CloseWrite lets the peer read what is buffered, and then io.EOF.
func (e *end) CloseWrite() error { e.out.end(io.EOF); return nil }

// Close ends both directions.
func (e *end) Close() error {
	e.in.close()
	e.out.end(io.EOF)
	e.read.set(time.Unix(1, 0))
	e.write.set(time.Unix(1, 0))
	return nil
}

func (e *end) LocalAddr() net.Addr  { return addr(e.name) }
func (e *end) RemoteAddr() net.Addr { return addr("peer of " + e.name) }

func (e *end) SetDeadline(t time.Time) error {
	e.read.set(t)
	e.write.set(t)
	return nil
}
func (e *end) SetReadDeadline(t time.Time) error  { e.read.set(t); return nil }
func (e *end) SetWriteDeadline(t time.Time) error { e.write.set(t); return nil }

type addr string

func (addr) Network() string  { return "memory" }
func (a addr) String() string { return string(a) }

// stream is one direction.
type stream struct {
	mu      sync.Mutex
	buf     []byte
	err     error // what a reader gets when buf is empty
	closed  bool  // the reading end is gone
	changed chan struct{}
}

func newStream() *stream { return &stream{changed: make(chan struct{})} }

// wake lets all who wait look again. The lock is held.
func (s *stream) wake() {
	close(s.changed)
	s.changed = make(chan struct{})
}

func (s *stream) end(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.err == nil {
		s.err = err
		s.wake()
	}
}

func (s *stream) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed, s.buf = true, nil
	s.wake()
}

func (s *stream) read(p []byte, d *deadline) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for {
		switch {
		case s.closed:
			return 0, net.ErrClosed
		case len(s.buf) > 0:
			n := copy(p, s.buf)
			s.buf = s.buf[n:]
			s.wake()
			return n, nil
		case s.err != nil:
			return 0, s.err
		}
		if err := s.wait(d); err != nil {
			return 0, err
		}
	}
}

func (s *stream) write(p []byte, d *deadline) (n int, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for len(p) > 0 {
		switch room := pipeBuffer - len(s.buf); {
		case s.err != nil:
			return n, net.ErrClosed
		case s.closed:
			return n, io.ErrClosedPipe
		case room > 0:
			k := min(room, len(p))
			s.buf = append(s.buf, p[:k]...)
			p, n = p[k:], n+k
			s.wake()
			continue
		}
		if err := s.wait(d); err != nil {
			return n, err
		}
	}
	return n, nil
}

// wait gives the lock up until something changes or d passes.
func (s *stream) wait(d *deadline) error {
	changed, passed := s.changed, d.passed()
	s.mu.Unlock()
	defer s.mu.Lock()
	select {
	case <-changed:
		return nil
	case <-passed:
		return os.ErrDeadlineExceeded
	}
}

// deadline closes a channel when its time has come.
type deadline struct {
	mu    sync.Mutex
	timer *time.Timer
	over  chan struct{}
}

func (d *deadline) passed() <-chan struct{} {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.over == nil {
		d.over = make(chan struct{})
	}
	return d.over
}

func (d *deadline) set(t time.Time) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.timer != nil {
		d.timer.Stop()
		d.timer = nil
	}
	if d.over == nil || isClosed(d.over) {
		d.over = make(chan struct{})
	}
	if t.IsZero() {
		return
	}
	over := d.over
	if wait := time.Until(t); wait > 0 {
		d.timer = time.AfterFunc(wait, func() { d.expire(over) })
		return
	}
	close(over)
}

func (d *deadline) expire(over chan struct{}) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if !isClosed(over) {
		close(over)
	}
}

func isClosed(c chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}
