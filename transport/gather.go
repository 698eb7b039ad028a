package transport

import "time"

// A peer that is slower than the reader would wake it for every packet. In the
// middle of a transfer the system is told to wake it for many at once
// (SO_RCVLOWAT); a timer has it look at what there is where no more comes.
const (
	gatherBytes  = 128 << 10        // to wait for
	gatherAfter  = 4 << 20          // bytes in large reads make a transfer
	gatherTime   = time.Millisecond // is a pause, which ends it
	gatherRarely = 1 << 30          // bytes, where pauses follow soon: replies to requests, say
)

// gathering is the reader's.
type gathering struct {
	on     bool        // the system has been told
	stream int         // bytes of the transfer up to now
	after  int         // so many bytes make one, 0 stands for gatherAfter
	timer  *time.Timer // runs while the reader waits
}

// gather is called before the reader waits for the socket.
func (c *Conn) gather(fd uintptr) {
	g := &c.in.gathering
	if !g.on {
		if g.stream < max(g.after, gatherAfter) {
			return
		}
		if g.on = setLowWater(c.nc, fd, gatherBytes); !g.on {
			g.stream = 0
			return
		}
	}
	if g.timer == nil {
		g.timer = time.AfterFunc(gatherTime, c.hurry)
	} else {
		g.timer.Reset(gatherTime)
	}
}

// hurry makes a reader look that waits for more than there is.
func (c *Conn) hurry() {
	o := &c.out
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.err == nil {
		o.hurried = c.nc.SetReadDeadline(time.Now()) == nil
	}
}

// gathered is told of n bytes that have come.
func (in *receiver) gathered(n int) {
	g := &in.gathering
	if g.on {
		g.timer.Stop()
	}
	if in.bulk {
		g.stream += n
	} else {
		g.stream = 0
	}
}

// paused ends the transfer: every byte wakes the reader again. One that gathering
// began to pay for must have been a good deal longer than what it takes to begin.
func (c *Conn) paused() {
	g := &c.in.gathering
	if g.on {
		g.on = false
		c.heedAll()
		least := max(g.after, gatherAfter)
		if g.after = min(2*least, gatherRarely); g.stream > 2*least {
			g.after = 0
		}
	}
	g.stream = 0
}

// heedAll makes any byte wake who reads the socket.
func (c *Conn) heedAll() {
	if c.raw != nil {
		_ = c.raw.Control(func(fd uintptr) { setLowWater(c.nc, fd, 1) }) // fails where the socket is closed
	}
}
