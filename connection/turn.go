package connection

import "sync/atomic"

// guest is what a channel needs while somebody waits to read: it is made for
// the first, and stays. Who waits is given the next bytes at once, without the
// queue; and where nobody else reads the connection, does that, with
// Transport.ReadWhile, and need not be woken.
//
// The readers of one channel count as one: while one of them is busy with what
// it has read, the others' data may wait for the moment that Transport speaks of.
type guest struct {
	q    *recvQueue // whose next bytes go to want, nil while nobody waits
	want []byte     // the rest of the first waiter's slice
	took int        // bytes that have gone there
	own  bool       // the first waiter is the one who reads the connection

	served   atomic.Bool // the one who reads the connection may go
	unserved func() bool
}

func newGuest() *guest {
	g := new(guest)
	g.unserved = func() bool { return !g.served.Load() }
	return g
}

// beginReadLocked notes that somebody waits for data of q, and reports whether
// it is the first, to whose p it goes.
func (c *Channel) beginReadLocked(q *recvQueue, p []byte) (first bool) {
	if c.guest == nil {
		c.guest = newGuest()
	}
	c.readers++
	c.m.waiting.Add(1)
	if first = c.guest.q == nil; first {
		c.guest.q, c.guest.want = q, p
	}
	return first
}

func (c *Channel) endReadLocked(first bool) {
	c.readers--
	c.m.waiting.Add(-1)
	if g := c.guest; first {
		g.q, g.want, g.took = nil, nil, 0
	}
}

// direct copies what fits to who waits for q, and returns the rest of p.
func (g *guest) direct(q *recvQueue, p []byte) (rest []byte) {
	if g == nil || g.q != q || q.size > 0 {
		return p
	}
	n := copy(g.want, p)
	g.want = g.want[n:]
	g.took += n
	return p[n:]
}

// noteArrivalLocked has the readers woken when the batch ends; or lets the one
// who reads the connection go at once, where it has all it asked for.
func (c *Channel) noteArrivalLocked() {
	if c.leads && c.guest.own && c.guest.took > 0 && len(c.guest.want) == 0 {
		c.guest.served.Store(true)
		if c.readers == 1 || c.emptyLocked() {
			return
		}
	}
	if !c.arrived {
		c.arrived = true
		c.m.arrived = append(c.m.arrived, c)
	}
}

// readPacketsLocked reads the connection until something has come for c, and
// reports whether it did: else somebody else does. first says that the caller is
// the first waiter.
func (c *Channel) readPacketsLocked(first bool) bool {
	if c.leads {
		return false
	}
	c.leads, c.guest.own = true, first
	c.guest.served.Store(false)
	c.mu.Unlock()
	defer func() {
		c.mu.Lock()
		c.leads = false
		if c.m.waiting.Load() != c.readers {
			c.m.t.Attend() // others wait, who would have to wait for this one to come back
		}
	}()
	return c.m.t.ReadWhile(c.guest.unserved)
}

// wakeReadersLocked makes all that wait to read look at the state again.
func (c *Channel) wakeReadersLocked() {
	c.readable.Broadcast()
	if c.leads {
		c.guest.served.Store(true)
		c.m.t.Rouse()
	}
}

// loanOverLocked wakes those that waited for the end of a loan of q. Who reads
// the connection for another stream has not.
func (c *Channel) loanOverLocked(q *recvQueue) {
	if c.leads && c.guest.own && c.guest.q != q {
		c.readable.Broadcast()
		return
	}
	c.wakeReadersLocked()
}

// wakeReader wakes those who wait for the data that has arrived. It runs on
// the reader, which may be one of them. It reports how many there are.
func (c *Channel) wakeReader() (readers int32) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.arrived = false
	if c.leads {
		c.guest.served.Store(true)
	}
	if !c.leads || !c.guest.own || !c.emptyLocked() {
		c.readable.Broadcast()
	}
	return c.readers
}

// emptyLocked reports whether the first waiter has got all that has come.
func (c *Channel) emptyLocked() bool { return c.in.size+c.inErr.size == 0 }

// wakeReaders wakes those for whom data has come, once for all packets that came together: waking is dearer than a packet.
// It runs on the reader. It reports whether the reader may leave its turn to whom it has woken: where nothing else waits
// for the peer.
func (m *Mux) wakeReaders() (yield bool) {
	for _, c := range m.arrived {
		readers := c.wakeReader()
		yield = readers > 0 && readers == m.waiting.Load()
	}
	clear(m.arrived)
	m.arrived = m.arrived[:0]
	if m.pumpDue {
		m.pumpDue = false
		m.startPump()
		return false
	}
	return yield
}

// expect counts a goroutine that waits for the peer, and has somebody read for
// it. Readers of a channel, which may do that themselves, are counted alone.
func (m *Mux) expect() {
	m.waiting.Add(1)
	m.t.Attend()
}

func (m *Mux) expectNoMore() { m.waiting.Add(-1) }
