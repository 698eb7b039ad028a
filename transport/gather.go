package transport

import "time"

// A peer that is slower than the reader would wake it for every packet. In the
// middle of a transfer the system is told to wake it for many at once
// (SO_RCVLOWAT); a timer has it look at what there is where no more comes.
const (
	gatherBytes = 128 << 10        // to wait for
	gatherAfter = 4 << 20          // bytes without a pause make a transfer
	gatherTime  = time.Millisecond // is a pause
)

// gathering is the reader's.
type gathering struct {
	on     bool        // the system has been told
	stream int         // bytes of the transfer up to now
	timer  *time.Timer // runs while the reader waits
}

// gather is called before the reader waits for the socket.
func (c *Conn) gather(fd uintptr) {
	g := &c.in.gathering
	if g.stream < gatherAfter {
		return
	}
	if !g.on {
		if g.on = setLowWater(c.nc, fd, gatherBytes); !g.on {
			g.stream = 0
			return
		}
	}
	setTimer(&g.timer, gatherTime, c.hurry)
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

// paused ends the transfer: every byte wakes the reader again.
func (c *Conn) paused() {
	g := &c.in.gathering
	g.stream = 0
	if g.on {
		g.on = false
		_ = c.raw.Control(func(fd uintptr) { setLowWater(c.nc, fd, 1) }) // fails where the socket is closed
	}
}
