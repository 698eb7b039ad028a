package transport

import (
	"errors"

	"github.com/hawser-ssh/hawser/transport/sshkey"
	"github.com/hawser-ssh/hawser/wire"
)

var (
	errHostKeyChanged = errors.New("host key differs from that of the first key exchange")
	errHostKeyType    = errors.New("host key is not of the negotiated algorithm")
)

// agreeAsClient sends our public value, and checks what the server answers:
// its key, and the signature that proves it owns it (RFC 4253 §8).
func (x *exchange) agreeAsClient() error {
	offer, err := x.method.Offer(x.c.cfg.Rand)
	if err != nil {
		return err
	}
	if err := x.send(wire.KexECDHInit{Public: offer.Public}.Append(nil)); err != nil {
		return err
	}
	p, err := x.expect(wire.MsgKexECDHReply)
	if err != nil {
		return err
	}
	var reply wire.KexECDHReply
	if err := reply.Parse(p); err != nil {
		return err
	}
	if x.secret, err = offer.Finish(reply.Public); err != nil {
		return err
	}
	x.hash = x.method.ExchangeHash(x.hashInput(reply.HostKey, offer.Public, reply.Public))
	key, err := x.verify(reply.HostKey, reply.Signature)
	if err != nil {
		return err
	}
	return x.trust(key)
}

// verify returns the host key if it signed the exchange hash with the
// algorithm that was negotiated.
func (x *exchange) verify(blob, signature []byte) (sshkey.PublicKey, error) {
	key, err := sshkey.ParsePublicKey(blob)
	if err == nil && key.Type() != sshkey.KeyType(x.algs.HostKey) {
		err = errHostKeyType
	}
	if err == nil {
		err = key.Verify(x.algs.HostKey, x.hash, signature)
	}
	if err != nil {
		return nil, &wire.ProtocolError{Reason: wire.ReasonKeyExchangeFailed, Op: "host key", Err: err}
	}
	return key, nil
}

// trust asks the policy whether the server's key is the right one. In a re-key
// it must be the one that the policy has seen.
func (x *exchange) trust(key sshkey.PublicKey) (err error) {
	if x.first {
		err = x.c.cfg.VerifyHostKey(x.ctx, key)
	} else if !sshkey.Equal(key, x.c.peer.hostKey) {
		err = errHostKeyChanged
	}
	if err != nil {
		return &wire.ProtocolError{Reason: wire.ReasonHostKeyNotVerifiable, Op: "host key", Err: err}
	}
	if x.first { // anybody may read it from then on
		x.c.peer.hostKey = key
	}
	return nil
}
