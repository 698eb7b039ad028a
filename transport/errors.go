package transport

import (
	"errors"
	"net"

	"github.com/hawser-ssh/hawser/wire"
)

// Errors that a caller can act on.
var (
	// ErrWouldBlock is TryWritePacket's answer where WritePacket would wait.
	ErrWouldBlock = errors.New("ssh: packet would have to wait")
	// ErrWriteCanceled says that a write's done channel closed before any
	// byte of its packet was sealed.
	ErrWriteCanceled = errors.New("ssh: write canceled")
	// ErrTooLarge says that a payload exceeds the limit for one packet.
	ErrTooLarge = errors.New("ssh: payload exceeds the packet limit")
	// ErrNoHostKeyPolicy says that a client was not told how to verify the
	// server's host key.
	ErrNoHostKeyPolicy = errors.New("ssh: no host key verification configured")
	// ErrNoHostKey says that a server has no host key to offer.
	ErrNoHostKey = errors.New("ssh: no host key configured")
	// ErrControlOverflow says that the peer lets replies pile up.
	ErrControlOverflow = errors.New("peer does not read the replies it asked for")
)

// maxErrorText bounds the peer's words in errors and log lines.
const maxErrorText = 256

// DisconnectError says that one side ended the connection with a DISCONNECT
// (RFC 4253 §11.1). errors.Is(err, net.ErrClosed) is true.
type DisconnectError struct {
	Reason wire.Reason
	Text   string // the description, escaped where it came from the peer
	Remote bool   // whether the peer sent it
}

// Error returns who ended the connection, and why.
func (e *DisconnectError) Error() string {
	who := "disconnected"
	if e.Remote {
		who = "peer disconnected"
	}
	if e.Text == "" {
		return "ssh: " + who + ": " + e.Reason.String()
	}
	return "ssh: " + who + ": " + e.Reason.String() + ": " + e.Text
}

// Unwrap returns net.ErrClosed.
func (e *DisconnectError) Unwrap() error { return net.ErrClosed }

// endedError is the reason why a connection is gone; it also matches
// net.ErrClosed.
type endedError struct{ cause error }

func (e *endedError) Error() string   { return e.cause.Error() }
func (e *endedError) Unwrap() []error { return []error{e.cause, net.ErrClosed} }

// ended makes err match net.ErrClosed.
func ended(err error) error {
	if errors.Is(err, net.ErrClosed) {
		return err
	}
	return &endedError{err}
}

// reasonOf returns the reason to disconnect with for err.
func reasonOf(err error) wire.Reason {
	if p, ok := errors.AsType[*wire.ProtocolError](err); ok {
		return p.Reason
	}
	if d, ok := errors.AsType[*DisconnectError](err); ok {
		return d.Reason
	}
	return wire.ReasonByApplication
}

// lost wraps what the socket said.
func lost(op string, err error) error {
	return &wire.ProtocolError{Reason: wire.ReasonConnectionLost, Op: op, Err: err}
}
