package userauth

import (
	"context"

	"github.com/hawser-ssh/hawser/transport/sshkey"
	"github.com/hawser-ssh/hawser/wire"
)

// Transport is what authentication needs of the connection below; it is
// satisfied by *transport.Conn. No write may wait, because the caller of Serve
// and Authenticate is the reader: it must not wait for a re-key that only it can
// finish.
type Transport interface {
	// ReadPacket returns the next payload for this layer, a view until the
	// next call.
	ReadPacket() ([]byte, error)
	// WriteControl copies and queues a payload; it never waits.
	WriteControl(payload []byte) error
	// WriteReply is WriteControl for what may wait until the next ReadPacket
	// has nothing to return, or SetAuthenticated or Abort is called.
	WriteReply(payload []byte) error
	// SetAuthenticated is called once: after SUCCESS was written (server) or
	// read (client).
	SetAuthenticated()
	// SessionID is the exchange hash of the first key exchange.
	SessionID() []byte
	// HostKey is the server's host key of the first key exchange.
	HostKey() sshkey.PublicKey
	// PeerSigAlgs is server-sig-algs of the peer's EXT_INFO (RFC 8308 §3.1).
	PeerSigAlgs() []string
	// PeerExtension is the value of an extension of the peer's EXT_INFO.
	PeerExtension(name string) (value []byte, ok bool)
	// Abort sends a DISCONNECT with the reason of the *wire.ProtocolError in
	// err, else "by application", and ends the connection. It may be called
	// from any goroutine and more than once.
	Abort(err error)
}

const (
	serviceUserauth   = "ssh-userauth"
	serviceConnection = "ssh-connection"
)

// abortOnDone ends the transport when ctx does. The returned function settles
// the race between that and err, the result so far: it returns err if the
// context did not come first, and from then on it cannot; else it waits until
// Abort has returned and returns the context's error. So a success is never
// both granted and cut off.
func abortOnDone(ctx context.Context, t Transport) (settle func(err error) error) {
	ended := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		defer close(ended)
		t.Abort(contextError(ctx))
	})
	return func(err error) error {
		if stop() {
			return err
		}
		<-ended
		return contextError(ctx)
	}
}

// contextError is the error of a connection whose context ended before the
// user was authenticated. The cause stays out of what the peer is told.
func contextError(ctx context.Context) error {
	return &wire.ProtocolError{Reason: wire.ReasonByApplication, Op: "userauth", Err: context.Cause(ctx)}
}
