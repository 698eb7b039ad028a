package connection

import (
	"errors"
	"fmt"
	"net"

	"github.com/hawser-ssh/hawser/wire"
)

// Errors of channels and of the connection. Those that mean "gone" match
// net.ErrClosed with errors.Is.
var (
	// ErrWouldBlock is returned by TryWrite when nothing was taken; Events.Writable says when to try again.
	ErrWouldBlock = errors.New("connection: channel would block")
	// ErrPushMode is returned by the reading methods of a channel whose Events.Data takes the data.
	ErrPushMode = errors.New("connection: the channel's data goes to Events.Data")
	// ErrTooManyRequests says that too many of our own requests wait for replies.
	ErrTooManyRequests = errors.New("connection: too many requests without a reply")
	// ErrWindow is Grant's answer where the window would become too large.
	ErrWindow = errors.New("connection: window exceeds 2^32-1 bytes")
	// ErrAnswered is returned for a second answer to a request or an open.
	ErrAnswered = errors.New("connection: already answered")
	// ErrKeepalive ends a connection whose peer went silent.
	ErrKeepalive = errors.New("connection: the peer does not answer")
	// ErrNotReading says that the peer wants no more data on this channel (OpenSSH PROTOCOL §2.1).
	ErrNotReading = errors.New("connection: the peer reads no more")

	errChannelClosed = &closedError{"connection: channel closed"}
	errWriteClosed   = &closedError{"connection: channel closed for writing"}
	errReadClosed    = &closedError{"connection: channel closed for reading"}
	errMuxClosed     = &closedError{"connection: closed"}

	errWriteResult = errors.New("connection: the writer reports an impossible count")
)

// closedError is an end that was asked for locally or by the peer's close.
type closedError struct{ text string }

func (e *closedError) Error() string   { return e.text }
func (*closedError) Is(err error) bool { return err == net.ErrClosed }

// endedError is what every call returns after the connection has ended.
type endedError struct{ cause error }

func (e *endedError) Error() string   { return "connection ended: " + e.cause.Error() }
func (e *endedError) Unwrap() error   { return e.cause }
func (*endedError) Is(err error) bool { return err == net.ErrClosed }

// OpenError is a refused channel (RFC 4254 §5.1). Text is the refusing side's,
// not escaped; Error escapes it.
type OpenError struct {
	Reason wire.OpenReason
	Text   string
}

// Error returns the reason and the escaped text.
func (e *OpenError) Error() string {
	return fmt.Sprintf("connection: channel refused: %v: %s", e.Reason, wire.Escape(e.Text, maxShownText))
}

// PanicError ends a connection of which a callback panicked, or ended its
// goroutine. Text is the panic's value, Stack where it happened.
type PanicError struct {
	Text  string
	Stack []byte
}

// Error returns the text, escaped, without the stack: what a callback panics
// about is often what the peer sent.
func (e *PanicError) Error() string {
	return "connection: callback panicked: " + wire.Escape(e.Text, maxShownText)
}

func protocolError(op, format string, args ...any) error {
	return wire.Errorf(wire.ReasonProtocolError, op, format, args...)
}
