package daemon

import (
	"context"
	"errors"
	"os"
	"slices"
	"time"

	"github.com/hawser-ssh/hawser/connection"
	"github.com/hawser-ssh/hawser/kex"
	"github.com/hawser-ssh/hawser/transport"
	"github.com/hawser-ssh/hawser/userauth"
	"github.com/hawser-ssh/hawser/wire"
)

// Metrics is told what happens, to count it; package metrics has one for
// Prometheus. Its methods are called from any goroutine, several at a time,
// and must neither wait nor panic.
//
// All strings are of closed sets: constants of this package, names of the
// algorithms that the daemon offers, or [Other]. So a label may be made of
// each, and no client can make their number grow.
type Metrics interface {
	// ConnectionRefused is for a connection that got no id, for one of the
	// Refused reasons.
	ConnectionRefused(reason string)
	// ConnectionOpened is for a connection that got its id.
	ConnectionOpened()
	// HandshakeDone is for the first key exchange of each connection.
	HandshakeDone(HandshakeMetric)
	// LoginJudged is for each attempt to log in.
	LoginJudged(LoginMetric)
	// ChannelOpened is for an open channel, whichever side asked for it.
	ChannelOpened(channelType string)
	// ChannelRefused is for one that this side refused when it was asked, or for
	// want of a window; not for those beyond the limits of connection.Config.
	ChannelRefused(channelType string)
	// ChannelClosed comes once for each ChannelOpened.
	ChannelClosed(channelType string, open time.Duration)
	// ConnectionClosed comes once for each ConnectionOpened, and last.
	ConnectionClosed(EndMetric)
}

// Other stands for what a client made up.
const Other = "other"

// Why a connection is refused.
const (
	RefusedFull            = "full"            // MaxConnections
	RefusedUnauthenticated = "unauthenticated" // UnauthenticatedStart and UnauthenticatedMax
	RefusedSource          = "source"          // UnauthenticatedPerSource
	RefusedRequest         = "request"         // AllowedClients or OnConnectionRequest
)

// Outcomes of a handshake.
const (
	HandshakeDone        = "done"
	HandshakeNegotiation = "no common algorithm"
	HandshakeVersion     = "version"   // not SSH, or not version 2
	HandshakeTimeout     = "timed out" // HandshakeTimeout or LoginGraceTime
	HandshakeLost        = "lost"      // the client left, with or without a word
	HandshakeFailed      = "failed"    // for another reason
)

// HandshakeMetric is how a first key exchange ended. Without an agreement the
// Algorithms are empty.
type HandshakeMetric struct {
	Outcome    string
	Algorithms kex.Algorithms
	Duration   time.Duration
}

// Outcomes of an attempt to log in.
const (
	LoginAccepted = "accepted"
	LoginPartial  = "partial" // right, but more is needed
	LoginExpired  = "expired" // right, but the password has to be changed
	LoginInvited  = "invited" // a key that would do, if the client can prove that it has it
	LoginDenied   = "denied"
)

// LoginMetric is how an attempt to log in was judged. Method is none, password,
// publickey, keyboard-interactive, hostbased or Other.
type LoginMetric struct {
	Method, Outcome string
	Duration        time.Duration // since the handshake
}

// EndMetric is how a connection ended.
type EndMetric struct {
	StatusCode int // that of OnDisconnected, of the list of codes of [Error]
	// Reason is that of the DISCONNECT that either side sent, in words, empty
	// where none was sent, and Other where RFC 4253 does not know it.
	Reason   string
	Remote   bool // the client sent it
	Duration time.Duration
}

// Totals are sums over all connections that the daemon has had, those that are
// open included.
type Totals struct {
	Sent, Received transport.Traffic
	Rekeys         uint64
}

func (t *Totals) add(s *transport.ConnectionState) {
	t.Sent.Packets += s.Sent.Packets
	t.Sent.Bytes += s.Sent.Bytes
	t.Received.Packets += s.Received.Packets
	t.Received.Bytes += s.Received.Bytes
	t.Rekeys += s.Rekeys
}

// Totals returns the sums now. No sum is ever smaller than before.
func (d *Daemon) Totals() Totals { return d.reg.totals() }

// SetMetrics makes m count what happens on new connections. Nil, the default,
// counts nothing.
func (d *Daemon) SetMetrics(m Metrics) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.counter = m
}

func (d *Daemon) metrics() Metrics {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.counter == nil {
		return noMetrics{}
	}
	return d.counter
}

// countRefused counts a connection that a limit keeps out.
func (d *Daemon) countRefused(err error) {
	reason := RefusedFull
	switch err {
	case errTooManyUnauth:
		reason = RefusedUnauthenticated
	case errTooManySource:
		reason = RefusedSource
	}
	d.metrics().ConnectionRefused(reason)
}

// countHandshake counts the first key exchange, which ended with err.
func (c *conn) countHandshake(tc *transport.Conn, err error, took time.Duration) {
	c.metrics.HandshakeDone(HandshakeMetric{handshakeOutcome(err), tc.Algorithms(), took})
}

func handshakeOutcome(err error) string {
	if err == nil {
		return HandshakeDone
	}
	if _, ok := errors.AsType[*kex.NegotiationError](err); ok {
		return HandshakeNegotiation
	}
	if errors.Is(err, context.DeadlineExceeded) || errors.Is(err, os.ErrDeadlineExceeded) {
		return HandshakeTimeout
	}
	if d, ok := errors.AsType[*transport.DisconnectError](err); ok && d.Remote {
		return HandshakeLost
	}
	if p, ok := errors.AsType[*wire.ProtocolError](err); ok {
		switch p.Reason {
		case wire.ReasonProtocolVersionNotSupported:
			return HandshakeVersion
		case wire.ReasonConnectionLost:
			return HandshakeLost
		}
	}
	return HandshakeFailed
}

// countLogin counts a judged attempt.
func (c *conn) countLogin(r *userauth.Report, took time.Duration) {
	outcome := LoginDenied
	switch {
	case r.Query && r.Outcome != userauth.Deny:
		outcome = LoginInvited
	case r.Outcome == userauth.Accept:
		outcome = LoginAccepted
	case r.Outcome == userauth.Partial:
		outcome = LoginPartial
	case r.Outcome == userauth.ChangePassword:
		outcome = LoginExpired
	}
	c.metrics.LoginJudged(LoginMetric{known(loginMethods[:], r.Method), outcome, took})
}

// countEnd counts the end of a connection, with the status of its last event.
func (c *conn) countEnd(status int) {
	end := EndMetric{StatusCode: status, Duration: time.Since(c.since)}
	if status != 0 && !knownCode(status) {
		end.StatusCode = CodeAborted
	}
	if c.tc != nil {
		if d, ok := errors.AsType[*transport.DisconnectError](c.tc.Err()); ok {
			end.Reason, end.Remote = reasonName(d.Reason), d.Remote
		} else if p, ok := errors.AsType[*wire.ProtocolError](c.tc.Err()); ok && p.Reason != wire.ReasonConnectionLost {
			end.Reason = reasonName(p.Reason)
		}
	}
	c.metrics.ConnectionClosed(end)
}

func knownCode(code int) bool {
	for _, row := range codes {
		if row.code == code {
			return true
		}
	}
	return false
}

func reasonName(r wire.Reason) string {
	if r < wire.ReasonHostNotAllowedToConnect || r > wire.ReasonIllegalUserName {
		return Other
	}
	return r.String()
}

// loginMethods and channelTypes are what has a name of its own.
var (
	loginMethods = [...]string{
		userauth.MethodNone, userauth.MethodPassword, userauth.MethodPublicKey, userauth.MethodInteractive, userauth.MethodHostBased,
	}
	channelTypes = [...]string{
		"session", connection.TypeDirectTCPIP, connection.TypeForwardedTCPIP, connection.TypeDirectStreamLocal,
		connection.TypeForwardedStreamLocal, connection.TypeX11, connection.TypeAgent, "tun@openssh.com",
	}
)

// known returns name if it is one of names, and Other if not.
func known(names []string, name string) string {
	if slices.Contains(names, name) {
		return name
	}
	return Other
}

func knownChannel(name string) string { return known(channelTypes[:], name) }

// noMetrics counts nothing.
type noMetrics struct{}

func (noMetrics) ConnectionRefused(string)            {}
func (noMetrics) ConnectionOpened()                   {}
func (noMetrics) HandshakeDone(HandshakeMetric)       {}
func (noMetrics) LoginJudged(LoginMetric)             {}
func (noMetrics) ChannelOpened(string)                {}
func (noMetrics) ChannelRefused(string)               {}
func (noMetrics) ChannelClosed(string, time.Duration) {}
func (noMetrics) ConnectionClosed(EndMetric)          {}
