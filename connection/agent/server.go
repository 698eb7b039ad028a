package agent

import (
	"context"
	"errors"
	"io"

	"github.com/hawser-ssh/hawser/transport/sshkey"
	"github.com/hawser-ssh/hawser/wire"
)

// Serve answers what a client asks on conn, one request after the other, until
// the client ends it, which is nil, or breaks the protocol, which is
// ErrProtocol, or ctx ends. It takes conn and closes it. What it refuses it
// refuses without a reason, and the connection goes on.
func Serve(ctx context.Context, conn io.ReadWriteCloser, k *Keyring) error {
	defer conn.Close()
	stop := context.AfterFunc(ctx, func() { conn.Close() })
	defer stop()
	s := &server{keyring: k}
	for {
		p, err := readMessage(conn)
		if err == nil {
			err = writeMessage(conn, s.answer(ctx, p))
			clear(p) // it may have held a private key, or a passphrase
		}
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case err == io.EOF:
			return nil
		case err != nil:
			return err
		}
	}
}

// server is one connection to a keyring.
type server struct {
	keyring *Keyring
	bound   bindings
}

// handler answers requests of one kind: with a message, nil for plain success,
// or with an error that becomes a refusal. body is a view of what follows the
// number, or the extension's name.
type handler func(s *server, ctx context.Context, body []byte) ([]byte, error)

var handlers = [...]struct {
	number byte
	handle handler
}{
	{msgRequestIdentities, (*server).list},
	{msgSignRequest, (*server).sign},
	{msgAdd, (*server).add},
	{msgAddConstrained, (*server).addConstrained},
	{msgRemove, (*server).remove},
	{msgRemoveAll, (*server).removeAll},
	{msgLock, (*server).lock},
	{msgUnlock, (*server).unlock},
	{msgExtension, (*server).extension},
}

var extensions = [...]struct {
	name   string
	handle handler
}{
	{extensionSessionBind, (*server).sessionBind},
	{extensionQuery, (*server).query},
}

// answer returns the reply to a message.
func (s *server) answer(ctx context.Context, p []byte) []byte {
	reply, err := s.dispatch(ctx, p)
	switch {
	case errors.Is(err, ErrBinding):
		return []byte{msgExtensionFailure}
	case err != nil:
		return []byte{msgFailure}
	case reply == nil:
		return []byte{msgSuccess}
	}
	return reply
}

// dispatch refuses requests that are not known, among them all that would have
// a library loaded from a path (CVE-2016-10009, CVE-2023-38408).
func (s *server) dispatch(ctx context.Context, p []byte) ([]byte, error) {
	for _, h := range handlers {
		if h.number == p[0] {
			return h.handle(s, ctx, p[1:])
		}
	}
	return nil, protocolError("message %d is not known", p[0])
}

func (s *server) list(_ context.Context, body []byte) ([]byte, error) {
	if len(body) > 0 {
		return nil, protocolError("bytes behind a request")
	}
	var list []identity
	for _, h := range s.keyring.visible(&s.bound) {
		list = append(list, identity{h.blob, h.Comment})
	}
	return appendIdentities(nil, list), nil
}

func (s *server) sign(ctx context.Context, body []byte) ([]byte, error) {
	var m signRequest
	if err := m.parse(body); err != nil {
		return nil, err
	}
	signature, err := s.keyring.sign(ctx, &m, &s.bound)
	if err != nil {
		return nil, err
	}
	return wire.AppendBytes([]byte{msgSignResponse}, signature), nil
}

func (s *server) add(_ context.Context, body []byte) ([]byte, error) {
	return nil, s.addKey(body, func(r *wire.Reader, _ *Constraints) error { return r.Done() })
}

func (s *server) addConstrained(_ context.Context, body []byte) ([]byte, error) {
	return nil, s.addKey(body, func(r *wire.Reader, c *Constraints) error { return c.parse(r) })
}

// addKey reads a key and its comment, and lets constraints read what follows.
func (s *server) addKey(body []byte, constraints func(*wire.Reader, *Constraints) error) error {
	r := wire.NewFieldReader(body, "key to add")
	private, cert, err := s.keyring.Limits.ReadPrivateKey(&r)
	if err != nil {
		return err
	}
	key := Key{Comment: r.StringMax("comment", MaxComment)}
	if err := constraints(&r, &key.Constraints); err != nil {
		return err
	}
	if key.Signer, err = s.keyring.Limits.NewSigner(private); err != nil {
		return err
	}
	if cert != nil {
		if key.Signer, err = sshkey.NewCertSigner(cert, key.Signer); err != nil {
			return err
		}
	}
	return s.keyring.add(key, &s.bound)
}

func (s *server) remove(_ context.Context, body []byte) ([]byte, error) {
	r := wire.NewFieldReader(body, "key to remove")
	blob := r.Bytes("key")
	if err := r.Done(); err != nil {
		return nil, err
	}
	return nil, s.keyring.remove(blob, &s.bound)
}

func (s *server) removeAll(_ context.Context, body []byte) ([]byte, error) {
	if len(body) > 0 {
		return nil, protocolError("bytes behind a request")
	}
	return nil, s.keyring.removeAll(&s.bound)
}

func (s *server) lock(_ context.Context, body []byte) ([]byte, error) {
	return withPassphrase(body, s.keyring.Lock)
}

func (s *server) unlock(_ context.Context, body []byte) ([]byte, error) {
	return withPassphrase(body, s.keyring.Unlock)
}

func withPassphrase(body []byte, do func(passphrase []byte) error) ([]byte, error) {
	r := wire.NewFieldReader(body, "lock")
	passphrase := r.Bytes("passphrase")
	if err := r.Done(); err != nil {
		return nil, err
	}
	return nil, do(passphrase)
}

func (s *server) extension(ctx context.Context, body []byte) ([]byte, error) {
	r := wire.NewFieldReader(body, "extension")
	name, rest := r.String("name"), r.Rest()
	if err := r.Done(); err != nil {
		return nil, err
	}
	for _, e := range extensions {
		if e.name == name {
			return e.handle(s, ctx, rest)
		}
	}
	return nil, protocolError("unknown extension")
}

// sessionBind also works while the keyring is locked: it may be open again when
// a key is wanted.
func (s *server) sessionBind(_ context.Context, body []byte) ([]byte, error) {
	var m sessionBind
	s.bound.tried = true
	if err := m.parse(body); err != nil {
		return nil, because(ErrBinding, "%w", err)
	}
	return nil, s.bound.bind(&m)
}

// query lists the extensions, but itself.
func (s *server) query(_ context.Context, body []byte) ([]byte, error) {
	if len(body) > 0 {
		return nil, protocolError("bytes behind a query")
	}
	b := wire.AppendString([]byte{msgExtensionResponse}, extensionQuery)
	return wire.AppendString(b, extensionSessionBind), nil
}
