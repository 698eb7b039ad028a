package transport

import (
	"sync"
	"time"
)

// turn says which goroutine is the reader: the one that ReadPackets has
// started, or a guest, who waits for something of the peer and reads for all
// until that is there (ReadWhile). What a guest reads for itself nobody has to
// hand over: no other goroutine is woken, and its data is still in the cache.
//
// A guest leaves nobody behind, for most often it is back before anything else
// comes. A clock that only runs at such times has the main reader go on where
// it is not.
type turn struct {
	mu     sync.Mutex
	who    holder
	handle func(p []byte) error // of ReadPackets
	back   chan struct{}        // wakes the main reader; of capacity 1
	err    error                // why a guest could not go on; the main reader's to return

	clock   *time.Timer
	running bool   // the clock
	left    uint64 // how often guests have left
	seen    uint64 // left, when the clock last looked

	pace   *pace // made for the first guest
	waited bool  // the guest has waited
}

// pace tells whether a transfer would be faster with two goroutines: where the
// peer never has the guest wait, and what that does with the data in between
// takes a good part of the time.
type pace struct {
	came, left    time.Time     // of a guest, for the last time; left is zero before
	present, away time.Duration // since it last had to wait
	parted        time.Time     // two goroutines were found better
}

const (
	paceSpan  = 20 * time.Millisecond  // over which it is measured
	paceShare = 3                      // away for more than this part of it is a good part
	paceHold  = 100 * time.Millisecond // for which the finding is believed
)

// arrive notes that a guest begins to read.
func (p *pace) arrive(now time.Time) {
	if p.came = now; !p.left.IsZero() {
		p.away += now.Sub(p.left)
	}
}

// depart notes that a guest leaves, who had to wait or not, and reports whether
// the two should part.
func (p *pace) depart(now time.Time, waited bool) (part bool) {
	p.present += now.Sub(p.came)
	p.left = now
	whole := p.present + p.away
	if part = !waited && whole > paceSpan && p.away > whole/paceShare; part {
		p.parted = now
	}
	if waited || whole > paceSpan {
		p.present, p.away = 0, 0
	}
	return part
}

// apart reports whether the two have just parted. A nil pace has seen no guest.
func (p *pace) apart() bool { return p != nil && !p.parted.IsZero() && time.Since(p.parted) < paceHold }

type holder uint8

const (
	mainReader holder = iota // it may also not have begun, or have ended
	guest
	nobody
)

// absence is how long nobody reads at most, give or take as much again.
const absence = time.Millisecond

// ReadWhile makes the caller's goroutine the reader, as if it were the one of
// ReadPackets, while more reports true and the peer is not silent. more is asked
// before every packet and before every wait. It returns false, and has done
// nothing, where another goroutine is the reader.
//
// Afterwards packets wait up to two milliseconds for the next ReadWhile, or for
// Attend, until the goroutine of ReadPackets takes care of them. Errors are
// ReadPackets' to return.
func (c *Conn) ReadWhile(more func() bool) bool {
	t := &c.turn
	t.mu.Lock()
	free := t.who == nobody
	if free {
		t.greet()
	}
	t.mu.Unlock()
	if !free {
		return false
	}
	err := errReaderGone
	defer func() { c.leave(err) }() // also where something ends this goroutine
	err = c.readAsGuest(more)
	return true
}

// greet makes a guest the reader. The lock is held.
func (t *turn) greet() {
	if t.pace == nil {
		t.pace = new(pace)
	}
	t.who, t.waited = guest, false
	t.pace.arrive(time.Now())
}

func (c *Conn) readAsGuest(more func() bool) error {
	c.in.more = more
	defer func() { c.in.more = nil }()
	for more() {
		p, err := c.ReadPacket()
		if err == nil {
			err = c.turn.handle(p)
		}
		if err != nil {
			return err
		}
	}
	c.in.pause() // others must not wait for this one to come back
	c.in.publish()
	c.sendOwed()
	return nil
}

// leave ends a guest's turn.
func (c *Conn) leave(err error) {
	t := &c.turn
	t.mu.Lock()
	defer t.mu.Unlock()
	part := t.pace.depart(time.Now(), t.waited)
	served := err == nil || err == errServed
	switch {
	case served && !part:
		c.vacate()
		return
	case !served && err != errSilent:
		t.err = err
	}
	t.callMain()
}

// vacate makes nobody the reader. The lock is held.
func (c *Conn) vacate() {
	t := &c.turn
	t.who = nobody
	t.left++
	if t.running {
		return
	}
	t.running, t.seen = true, t.left
	if t.clock == nil {
		t.clock = time.AfterFunc(absence, c.look)
	} else {
		t.clock.Reset(absence)
	}
}

// callMain makes the main reader go on. The lock is held.
func (t *turn) callMain() {
	t.who = mainReader
	t.back <- struct{}{}
}

// look is the clock: who left before it last looked stays away.
func (c *Conn) look() {
	t := &c.turn
	t.mu.Lock()
	defer t.mu.Unlock()
	t.running = t.who == nobody && t.left != t.seen
	switch {
	case t.running:
		t.seen = t.left
		t.clock.Reset(absence)
	case t.who == nobody:
		t.callMain()
	}
}

// Attend makes sure that somebody reads now. It is for who begins to wait for
// the peer elsewhere than in ReadWhile.
func (c *Conn) Attend() {
	t := &c.turn
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.who == nobody {
		t.callMain()
	}
}

// yield leaves the turn to a guest who has just been woken, and returns when
// this goroutine, the main reader, has it again.
func (c *Conn) yield() error {
	t := &c.turn
	t.mu.Lock()
	c.vacate()
	t.mu.Unlock()
	<-t.back
	return t.err
}

// Rouse makes a reader in ReadWhile ask more again, if it waits.
func (c *Conn) Rouse() {
	c.out.mu.Lock()
	defer c.out.mu.Unlock()
	c.rouse()
}

// rouse ends the wait of a reader that may be interrupted. The lock of the
// sending half is held.
func (c *Conn) rouse() {
	if c.out.err == nil && c.in.mayRest.Load() {
		c.out.roused = c.nc.SetReadDeadline(time.Now()) == nil
	}
}
