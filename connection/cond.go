package connection

import "sync"

// cond is a sync.Cond that is made for the first who waits: most channels have
// nobody.
type cond struct{ c *sync.Cond }

// Wait waits for Broadcast without the lock mu, which must be held.
func (w *cond) Wait(mu *sync.Mutex) {
	if w.c == nil {
		w.c = sync.NewCond(mu)
	}
	w.c.Wait()
}

// Broadcast wakes all who wait. The lock must be held.
func (w *cond) Broadcast() {
	if w.c != nil {
		w.c.Broadcast()
	}
}
