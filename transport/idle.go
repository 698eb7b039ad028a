package transport

import (
	"errors"
	"os"
	"time"

	"github.com/hawser-ssh/hawser/cipher"
)

// restAfter is how long a peer must be silent until nobody waits for it with
// more than a small stack.
const restAfter = 100 * time.Millisecond

// How a wait of the reader ends without anything having come; these errors never get out of the package.
var (
	errSilent = errors.New("ssh: the peer is silent")          // ends a spell, or a guest's turn
	errServed = errors.New("ssh: the guest has what it wants") // ends a guest's turn
)

// ReadPackets hands every packet that ReadPacket would return to handle, as a
// view until that returns. It returns the first error: one of the connection,
// which has ended then, or handle's, which ends nothing else.
//
// The runtime makes a stack that has grown smaller only while less than a
// quarter of it is in use, which leaves a goroutine that waits for a socket 4
// KiB, and opening and handling packets makes it grow. So the caller's goroutine only waits while the peer is silent: with
// the stack it came with, small if it is new and large if it was the one of
// Handshake. When something comes, another one reads and handles it, and ends
// when nothing more has come for a while. At any time one of the two runs, but
// while a goroutine in ReadWhile does the same on its own stack, handle
// included. That needs a socket of the standard library; over any other net.Conn the
// caller's goroutine does everything.
func (c *Conn) ReadPackets(handle func(p []byte) error) error {
	if c.raw == nil || c.lab != nil {
		return c.readEach(handle, func() error { return nil })
	}
	c.turn.handle, c.turn.back, c.turn.err = handle, make(chan struct{}, 1), nil
	for {
		ended := make(chan error, 1)
		go c.readSpell(handle, ended) // joined here; waits for the socket alone
		if err := <-ended; err != errSilent {
			return err
		}
		if err := c.awaitInput(); err != nil {
			return c.failed(lost("read", err))
		}
	}
}

// readEach reads and handles packets until there is an error; before each, it
// asks ready.
func (c *Conn) readEach(handle func(p []byte) error, ready func() error) error {
	for {
		if err := ready(); err != nil {
			return err
		}
		p, err := c.ReadPacket()
		if err == nil {
			err = handle(p)
		}
		if err != nil {
			return err
		}
	}
}

// spell is a time in which packets come. A timer looks now and then whether
// they still do, and wakes the reader by a deadline that has come if not.
type spell struct {
	c     *Conn
	timer *time.Timer
	over  bool
	seen  uint64 // packets at the last look
}

// readSpell reads and handles packets until the peer is silent.
func (c *Conn) readSpell(handle func(p []byte) error, ended chan<- error) {
	s := &spell{c: c, seen: c.in.counted.packets.Load()}
	err := errReaderGone
	defer func() { // also where handle ends this goroutine
		s.end()
		ended <- err
	}()
	s.begin()
	err = c.readEach(handle, c.readMore)
}

var errReaderGone = errors.New("ssh: the reader's goroutine was ended")

// readMore waits for the next bytes where all that came has been handed out.
// Only here may the reader rest, or leave its turn: nothing is left half done.
func (c *Conn) readMore() error {
	in := &c.in
	for {
		if in.kept != nil {
			return nil
		}
		in.advance()
		if in.r < in.w {
			return nil
		}
		if in.layout.HideLength || !in.pause() || c.turn.pace.apart() {
			break
		}
		in.publish()
		c.sendOwed()
		if err := c.yield(); err != nil {
			return err
		}
	}
	in.mayRest.Store(true)
	err := c.readSome(largeBuffer)
	in.mayRest.Store(false)
	if err != nil && err != errSilent {
		return c.failed(err)
	}
	return err
}

// readRaw reads from the socket once. Of the deadlines that may pass meanwhile
// ours are not for the caller, and only who may rest heeds those of a spell and
// of Rouse.
func (c *Conn) readRaw() error {
	for {
		err := c.raw.Read(c.in.poll)
		if !errors.Is(err, os.ErrDeadlineExceeded) {
			return err
		}
		roused, hurried := c.settleDeadline()
		if !roused && !hurried {
			return err
		}
		c.paused() // who rests now has no timer to tell of what is little
		if roused && c.in.mayRest.Load() {
			return errSilent
		}
	}
}

// settleDeadline takes our deadline away, and tells what it was for. It is
// neither where the deadline is another's: the end's, or of whoever gave us the
// socket.
func (c *Conn) settleDeadline() (roused, hurried bool) {
	o := &c.out
	o.mu.Lock()
	defer o.mu.Unlock()
	roused, hurried = o.roused, o.hurried
	o.roused, o.hurried = false, false
	if o.err != nil || !roused && !hurried || c.nc.SetReadDeadline(time.Time{}) != nil {
		return false, false
	}
	return roused, hurried
}

func (s *spell) begin() {
	s.c.out.mu.Lock()
	defer s.c.out.mu.Unlock()
	s.timer = time.AfterFunc(restAfter, s.look)
}

func (s *spell) end() {
	s.c.out.mu.Lock()
	defer s.c.out.mu.Unlock()
	s.over = true
	s.timer.Stop()
	rest(s.c.in.opener)
	rest(s.c.out.sealer)
}

// rest makes a Sealer or Opener small where it can be.
func rest(half interface{ Layout() cipher.Layout }) {
	if r, ok := half.(cipher.Rester); ok {
		r.Rest()
	}
}

// look wakes a reader for which nothing has come since the last look, unless
// it waits for the rest of something.
func (s *spell) look() {
	o := &s.c.out
	o.mu.Lock()
	defer o.mu.Unlock()
	if s.over || o.err != nil {
		return
	}
	seen := s.c.in.counted.packets.Load()
	if seen == s.seen {
		s.c.rouse()
	}
	s.seen = seen
	s.timer.Reset(restAfter)
}
