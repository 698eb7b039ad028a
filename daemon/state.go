package daemon

import (
	"io"
	"slices"

	"github.com/hawser-ssh/hawser/transport"
)

// ConnectionState is what there is to know of a connection at one moment: what
// its transport says, its ids, and how the client has logged in. What is not
// known yet is empty. All of it is the caller's.
type ConnectionState struct {
	transport.ConnectionState

	ConnectionID  int
	ConnectionUID uint64 // never used twice in a daemon's life

	User       string   // as the client wrote it; empty before the login
	AuthMethod string   // the method that completed the login, such as "publickey"
	Factors    []string // all methods that counted, in their order, that one included
}

// ConnectionState returns the state of the connection now, or as it was in the
// end. It may be called at any time and from any goroutine.
func (h *SSHConnection) ConnectionState() ConnectionState {
	c := h.c
	c.mu.Lock()
	defer c.mu.Unlock()
	s := ConnectionState{
		ConnectionID: c.id, ConnectionUID: c.uid,
		User: c.user, Factors: slices.Clone(c.factors),
	}
	if n := len(c.factors); n > 0 {
		s.AuthMethod = c.factors[n-1]
	}
	if c.tc != nil {
		s.ConnectionState = c.tc.ConnectionState()
	}
	return s
}

// transportState is ConnectionState for sums.
func (c *conn) transportState() *transport.ConnectionState {
	c.mu.Lock()
	tc := c.tc
	c.mu.Unlock()
	if tc == nil {
		return new(transport.ConnectionState)
	}
	s := tc.ConnectionState()
	return &s
}

// SetKeyLogWriter makes new connections write their secrets to w, so that
// Wireshark can decrypt a capture of them: for debugging only. Nil, the
// default, keeps them secret. transport.Config.KeyLogWriter says what it gives
// away, and what is asked of w.
func (d *Daemon) SetKeyLogWriter(w io.Writer) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.keyLog = w
}

func (d *Daemon) keyLogWriter() io.Writer {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.keyLog
}
