package connection

import (
	"sync/atomic"
	"time"
)

// Budget bounds what peers can make us hold: the sum of the receive windows of
// many channels. Connections may share one. A nil Budget has no bound.
type Budget struct {
	limit int64
	used  atomic.Int64
}

// NewBudget returns a Budget of limit bytes.
func NewBudget(limit int64) *Budget { return &Budget{limit: limit} }

// Used returns the sum of the windows now, in bytes.
func (b *Budget) Used() int64 { return b.used.Load() }

// take takes n bytes where the sum then stays within limit. What does not fit
// is in nobody's way, not for a moment.
func (b *Budget) take(n, limit int64) bool {
	if b == nil {
		return true
	}
	for {
		used := b.used.Load()
		if used > limit-n {
			return false
		}
		if b.used.CompareAndSwap(used, used+n) {
			return true
		}
	}
}

func (b *Budget) give(n int64) {
	if b != nil {
		b.used.Add(-n)
	}
}

// half is up to where windows of full size are granted: the rest is for many
// small ones.
func (b *Budget) half() int64 {
	if b == nil {
		return 0
	}
	return b.limit / 2
}

func (b *Budget) whole() int64 {
	if b == nil {
		return 0
	}
	return b.limit
}

// windows hands out the receive windows of one connection, within its own
// budget and the one it shares.
type windows struct {
	own    Budget
	shared *Budget
}

// first returns the window a channel begins with, or 0 where there is none left.
func (w *windows) first(base uint32) uint32 {
	if w.grow(base) {
		return base
	}
	least := min(base, minWindow)
	if w.take(int64(least), w.own.whole(), w.shared.whole()) {
		return least
	}
	return 0
}

// grow takes n bytes more for a window.
func (w *windows) grow(n uint32) bool { return w.take(int64(n), w.own.half(), w.shared.half()) }

func (w *windows) take(n, own, shared int64) bool {
	if !w.own.take(n, own) {
		return false
	}
	if w.shared.take(n, shared) {
		return true
	}
	w.own.give(n)
	return false
}

func (w *windows) give(n uint32) {
	w.own.give(int64(n))
	w.shared.give(int64(n))
}

// close gives back all that the connection has.
func (w *windows) close() { w.shared.give(w.own.used.Swap(0)) }

// tuneLocked makes the window follow the path, when a share of it has been
// read and is about to be granted again. Used up faster than a peer could hear
// of it, it is what limits the transfer, and doubles; filled by a slow reader
// it was too large, and shrinks by what is not granted again.
func (c *Channel) tuneLocked() {
	last := c.granted
	c.granted = time.Now()
	cfg, queued := c.m.cfg, uint32(c.in.size+c.inErr.size)
	switch {
	case queued > c.windowSize/2 && c.windowSize > cfg.Window:
		less := min(c.credit, c.windowSize-cfg.Window)
		c.windowSize -= less
		c.credit -= less
		c.m.windows.give(less)
	case queued <= c.windowSize/4 && !last.IsZero() && c.granted.Sub(last)*grantShare < 2*c.m.roundTrip:
		more := min(c.windowSize, cfg.MaxWindow-min(c.windowSize, cfg.MaxWindow))
		if more > 0 && c.m.windows.grow(more) {
			c.windowSize += more
			c.credit += more
		}
	}
}
