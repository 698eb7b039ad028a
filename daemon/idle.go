package daemon

import (
	"sync"
	"time"

	"github.com/hawser-ssh/hawser/transport"
)

// idleTimer ends a connection that has been silent for too long. A nil one
// watches nothing.
type idleTimer struct {
	c  *conn
	tc *transport.Conn

	mu    sync.Mutex
	spoke time.Time   // when the client last asked to be let in
	timer *time.Timer // nil once stopped
}

// watchIdle returns what ends the connection when nothing moves on it for the
// time of an idle timeout. Before the login DefaultConnectionTimeout applies
// where it is shorter. Without either there is nothing, which costs nothing.
func (c *conn) watchIdle(tc *transport.Conn) *idleTimer {
	t := &idleTimer{c: c, tc: tc}
	limit := t.limit()
	if limit == 0 {
		return nil
	}
	tc.WatchTraffic()
	t.mu.Lock()
	defer t.mu.Unlock()
	t.timer = time.AfterFunc(limit, t.check)
	return t
}

func (t *idleTimer) stop() {
	if t == nil {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.timer != nil {
		t.timer.Stop()
		t.timer = nil
	}
}

// asked notes an attempt to log in. The transport will know of it only when it
// has been answered, and the program may take its time.
func (t *idleTimer) asked() {
	if t == nil {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.spoke = time.Now()
}

// limit returns how long the connection may be silent now, 0 for ever.
func (t *idleTimer) limit() time.Duration {
	idle, early := t.c.opt.idleTimeout, t.c.opt.handshakeTimeout
	if early > 0 && (idle == 0 || early < idle) && !t.c.loggedIn() {
		idle = early
	}
	return time.Duration(idle) * time.Second
}

func (t *idleTimer) check() {
	limit := t.limit()
	if limit == 0 {
		return // logged in, and only the time before was limited
	}
	t.mu.Lock()
	silent := min(time.Since(t.tc.LastTraffic()), time.Since(t.spoke))
	if t.timer != nil && silent < limit {
		t.timer.Reset(limit - silent)
	}
	t.mu.Unlock()
	if silent >= limit {
		t.c.disconnect(errIdle)
	}
}

func (c *conn) loggedIn() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.mux != nil
}
