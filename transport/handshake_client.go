package transport

import (
	"bytes"
	"errors"

	"github.com/hawser-ssh/hawser/kex"
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
	offer, err := x.offer()
	if err != nil {
		return err
	}
	if err := x.sendInit(offer.Public); err != nil {
		return err
	}
	reply, err := x.expectReply()
	if err != nil {
		return err
	}
	if err := x.finish(offer, reply.Public); err != nil {
		return err
	}
	return x.verify(reply.HostKey, reply.Signature, x.hashInput(reply.HostKey, offer.Public, reply.Public))
}

// verify makes the exchange hash, and checks that the host key signed it with
// the algorithm that was negotiated and is one to trust.
func (x *exchange) verify(blob, signature []byte, in kex.HashInput) error {
	x.hash = x.method.ExchangeHash(in)
	key, err := x.c.cfg.KeyLimits.ParsePublicKey(blob)
	if err == nil && key.Type() != sshkey.KeyType(x.algs.HostKey) {
		err = errHostKeyType
	}
	if err == nil {
		err = key.Verify(x.algs.HostKey, x.hash, signature)
	}
	if err != nil {
		return &wire.ProtocolError{Reason: wire.ReasonKeyExchangeFailed, Op: "host key", Err: err}
	}
	if err := x.trust(key); err != nil {
		return err
	}
	if x.first {
		x.c.peer.proof = bytes.Clone(signature)
	}
	return nil
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
