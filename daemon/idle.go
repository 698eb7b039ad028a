package daemon

import (
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// watchedConn notes when something came from or went to the client.
type watchedConn struct {
	net.Conn
	last atomic.Int64 // nanoseconds since start
	from time.Time
}

func (w *watchedConn) note(n int) {
	if n > 0 {
		w.last.Store(int64(time.Since(w.from)))
	}
}

// Read implements net.Conn.
func (w *watchedConn) Read(p []byte) (int, error) {
	n, err := w.Conn.Read(p)
	w.note(n)
	return n, err
}

// Write implements net.Conn.
func (w *watchedConn) Write(p []byte) (int, error) {
	n, err := w.Conn.Write(p)
	w.note(n)
	return n, err
}

// CloseWrite closes the sending half where the connection has one.
func (w *watchedConn) CloseWrite() error {
	if half, ok := w.Conn.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return net.ErrClosed
}

// idleTimer ends a connection that has been silent for too long. The zero
// value watches nothing.
type idleTimer struct {
	c           *conn
	w           *watchedConn
	idle, early time.Duration // 0 is for ever

	mu    sync.Mutex
	timer *time.Timer // nil once stopped
}

// watchIdle returns what the transport is to use: with an idle timeout, a
// connection that is ended when nothing moves for so long. Before the login
// DefaultConnectionTimeout applies where it is shorter. Without either the
// connection stays as it is, and costs nothing.
func (c *conn) watchIdle() net.Conn {
	t := &c.idle
	t.idle = time.Duration(c.opt.idleTimeout) * time.Second
	t.early = time.Duration(c.opt.handshakeTimeout) * time.Second
	if t.idle == 0 && t.early == 0 {
		return c.nc
	}
	t.c, t.w = c, &watchedConn{Conn: c.nc, from: time.Now()}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.timer = time.AfterFunc(t.limit(), t.check)
	return t.w
}

func (t *idleTimer) stop() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.timer != nil {
		t.timer.Stop()
		t.timer = nil
	}
}

// limit returns how long the connection may be silent now, 0 for ever.
func (t *idleTimer) limit() time.Duration {
	if t.early > 0 && !t.c.loggedIn() && (t.idle == 0 || t.early < t.idle) {
		return t.early
	}
	return t.idle
}

func (t *idleTimer) check() {
	limit := t.limit()
	if limit == 0 {
		return // logged in, and only the time before was limited
	}
	silent := time.Since(t.w.from) - time.Duration(t.w.last.Load())
	if silent >= limit {
		t.c.disconnect(errIdle)
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.timer != nil {
		t.timer.Reset(limit - silent)
	}
}

func (c *conn) loggedIn() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.mux != nil
}
