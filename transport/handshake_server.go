package transport

import (
	"github.com/hawser-ssh/hawser/kex"
	"github.com/hawser-ssh/hawser/transport/sshkey"
	"github.com/hawser-ssh/hawser/wire"
)

// agreeAsServer answers the client's public value with ours, our host key and
// its signature of the exchange hash (RFC 4253 §8).
func (x *exchange) agreeAsServer() error {
	theirs, err := x.expectInit()
	if err != nil {
		return err
	}
	ours, err := x.answer(theirs)
	if err != nil {
		return err
	}
	signer, err := x.signer()
	if err != nil {
		return err
	}
	blob := signer.PublicKey().Marshal()
	signature, err := x.sign(signer, x.hashInput(blob, ours, theirs))
	if err != nil {
		return err
	}
	return x.sendReply(wire.KexECDHReply{HostKey: blob, Public: ours, Signature: signature})
}

// signer returns our host key for the algorithm that was negotiated.
func (x *exchange) signer() (sshkey.Signer, error) {
	signer, ok := x.c.cfg.signer(x.algs.HostKey)
	if !ok {
		return nil, &wire.ProtocolError{Reason: wire.ReasonKeyExchangeFailed, Op: "host key", Err: ErrNoHostKey}
	}
	return signer, nil
}

// sign makes the exchange hash and our signature of it.
func (x *exchange) sign(signer sshkey.Signer, in kex.HashInput) ([]byte, error) {
	x.hash = x.method.ExchangeHash(in)
	signature, err := signer.Sign(x.c.cfg.Rand, x.algs.HostKey, x.hash)
	if err != nil {
		return nil, &wire.ProtocolError{Reason: wire.ReasonKeyExchangeFailed, Op: "host key signature", Err: err}
	}
	if x.first {
		x.c.peer.hostKey = signer.PublicKey()
	}
	return signature, nil
}
