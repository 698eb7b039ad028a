package connection

import (
	"bytes"
	"errors"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// Limits of the in-memory transport, as the real one has them.
const (
	linkHighWater = 256 << 10
	linkControl   = 1024
)

var (
	errLinkBlock    = errors.New("link: would block")
	errLinkCanceled = errors.New("link: canceled")
	errLinkOverflow = errors.New("link: too many replies")
)

var poison = bytes.Repeat([]byte{0xdb}, 4096)

// linkPipe is one direction of a link: a queue of packets in reused buffers.
type linkPipe struct {
	mu      sync.Mutex
	more    sync.Cond
	queue   [][]byte // from head on
	head    int
	free    [][]byte
	bytes   int
	replies []bool // which of queue are control packets
	control int    // how many
	stalled bool
	err     error // for who reads
	closed  error // for who writes
	waiting chan struct{}
	notify  []func()
}

// link is one end of an in-memory transport.
type link struct {
	in, out *linkPipe
	last    []byte // what ReadPacket lent
	mu      sync.Mutex
	aborted error // the first Abort

	roundTrip  time.Duration // constant
	beforeWait func() bool
	attended   atomic.Int32 // calls of Attend
}

var _ Transport = (*link)(nil)

func newLink() (a, b *link) {
	p, q := new(linkPipe), new(linkPipe)
	p.more.L, q.more.L = &p.mu, &q.mu
	return &link{in: p, out: q}, &link{in: q, out: p}
}

// ReadPacket poisons what it lent before, so that a late reader is seen.
func (l *link) ReadPacket() ([]byte, error) {
	p := l.in
	p.mu.Lock()
	defer p.mu.Unlock()
	if l.last != nil {
		for b := l.last; len(b) > 0; {
			b = b[copy(b, poison):]
		}
		p.free = append(p.free, l.last[:0])
		l.last = nil
	}
	for p.lenLocked() == 0 || p.stalled {
		if p.err != nil {
			return nil, p.err
		}
		if l.beforeWait != nil {
			p.mu.Unlock()
			l.beforeWait()
			p.mu.Lock()
		}
		if p.lenLocked() == 0 && p.err == nil || p.stalled {
			p.more.Wait()
		}
	}
	b := p.queue[p.head]
	if p.replies[p.head] {
		p.control--
	}
	p.head++
	p.bytes -= len(b)
	if p.lenLocked() == 0 {
		p.queue, p.replies, p.head = p.queue[:0], p.replies[:0], 0
	}
	p.wakeLocked()
	l.last = b
	return b, nil
}

// ReadPackets implements Transport.
func (l *link) ReadPackets(handle func(p []byte) error) error {
	for {
		p, err := l.ReadPacket()
		if err == nil {
			err = handle(p)
		}
		if err != nil {
			return err
		}
	}
}

// stall makes the peer of l stop reading, or go on.
func (l *link) stall(on bool) {
	l.out.mu.Lock()
	defer l.out.mu.Unlock()
	l.out.stalled = on
	l.out.more.Broadcast()
}

func (p *linkPipe) wakeLocked() {
	if p.waiting != nil {
		close(p.waiting)
		p.waiting = nil
	}
	for _, f := range p.notify {
		go f()
	}
	p.notify = nil
}

func (p *linkPipe) lenLocked() int { return len(p.queue) - p.head }

func (p *linkPipe) fullLocked() bool { return p.bytes >= linkHighWater }

func (p *linkPipe) pushLocked(head, body []byte, reply bool) {
	var b []byte
	if n := len(p.free); n > 0 {
		b, p.free = p.free[n-1], p.free[:n-1]
	}
	b = append(append(b, head...), body...)
	p.queue, p.replies = append(p.queue, b), append(p.replies, reply)
	p.bytes += len(b)
	p.more.Signal()
}

func (l *link) WritePacket(done <-chan struct{}, head, body []byte) error {
	p := l.out
	p.mu.Lock()
	for p.err == nil && p.fullLocked() {
		if p.waiting == nil {
			p.waiting = make(chan struct{})
		}
		waiting := p.waiting
		p.mu.Unlock()
		select {
		case <-waiting:
		case <-done:
			return errLinkCanceled
		}
		p.mu.Lock()
	}
	defer p.mu.Unlock()
	if p.err != nil {
		return p.closed
	}
	p.pushLocked(head, body, false)
	return nil
}

func (l *link) TryWritePacket(head, body []byte) error {
	p := l.out
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.err != nil {
		return p.closed
	}
	if p.fullLocked() {
		return errLinkBlock
	}
	p.pushLocked(head, body, false)
	return nil
}

func (l *link) BeforeWait(f func() bool) { l.beforeWait = f }

func (l *link) ReadWhile(func() bool) bool { return false }
func (l *link) Attend()                    { l.attended.Add(1) }
func (l *link) Rouse()                     {}

func (l *link) RoundTrip() time.Duration { return l.roundTrip }

func (l *link) NotifyWritable(f func()) {
	p := l.out
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.err != nil || !p.fullLocked() {
		go f()
		return
	}
	p.notify = append(p.notify, f)
}

func (l *link) WriteControl(payload []byte) error {
	p := l.out
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.err != nil {
		return p.closed
	}
	p.control++
	if p.control > linkControl {
		p.mu.Unlock()
		l.Abort(errLinkOverflow)
		p.mu.Lock()
		return p.closed
	}
	p.pushLocked(payload, nil, true)
	return nil
}

// Abort ends both directions; the peer may still read what was sent.
func (l *link) Abort(err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.aborted == nil {
		l.aborted = err
	}
	l.out.end(io.EOF, &endedError{err})
	l.in.end(&endedError{err}, net.ErrClosed)
}

// reason returns what was given to Abort first.
func (l *link) reason() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.aborted
}

func (l *link) Close() error { l.Abort(net.ErrClosed); return nil }

func (p *linkPipe) end(read, write error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.err == nil {
		p.err, p.closed = read, write
	}
	p.stalled = false
	p.wakeLocked()
	p.more.Broadcast()
}

type linkAddr string

func (a linkAddr) Network() string { return "link" }
func (a linkAddr) String() string  { return string(a) }

func (l *link) LocalAddr() net.Addr  { return linkAddr("here") }
func (l *link) RemoteAddr() net.Addr { return linkAddr("there") }
