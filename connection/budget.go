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

// growUpTo takes n bytes more, or as large a part of them as it finds by halves.
func (w *windows) growUpTo(n uint32) uint32 {
	for n > 0 && !w.grow(n) {
		n /= 2
	}
	return n
}

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

// now returns the time since the Mux was made, and never 0.
func (m *Mux) now() time.Duration { return time.Since(m.began) + 1 }

// answeredLocked takes the time from our naming c to the peer's first word about
// it: it came back as soon as it could, for until then it did not know the
// number. A key exchange, in which the peer computes, says less of the path.
func (m *Mux) answeredLocked(c *Channel) {
	if c.named != 0 {
		m.roundTrip.Store(min(m.roundTrip.Load(), int64(m.now()-c.named)))
		c.named = 0
	}
}

// tuneLocked makes the window follow the path, when a share of it has been
// read and is about to be granted again. How fast data came since the last time
// tells how much comes in a round trip, and the window grows to twice that: it
// was what limits the transfer. Filled by a slow reader it was too large, and
// shrinks by what is not granted again.
func (c *Channel) tuneLocked() {
	now, cfg, queued := c.m.now(), c.m.cfg, uint32(c.in.size+c.inErr.size)
	came, took := int64(c.credit)+int64(queued)-int64(c.backlog), now-c.granted
	first := c.granted == 0 // there is no time yet to go by
	c.granted, c.backlog = now, queued
	switch {
	case queued > c.windowSize/2 && c.windowSize > cfg.Window:
		less := min(c.credit, c.windowSize-cfg.Window)
		c.windowSize -= less
		c.credit -= less
		c.m.windows.give(less)
	case queued <= c.windowSize/4 && !first:
		// An int64 holds 2 * maxRoundTrip * maxWindow.
		want := min(2*c.m.roundTrip.Load()*came/max(int64(took), 1), int64(cfg.MaxWindow))
		more := c.m.windows.growUpTo(uint32(max(want-int64(c.windowSize), 0)))
		c.windowSize += more
		c.credit += more
	}
}
