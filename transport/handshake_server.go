package transport

import "github.com/hawser-ssh/hawser/wire"

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
	signer, ok := x.c.cfg.signer(x.algs.HostKey)
	if !ok {
		return &wire.ProtocolError{Reason: wire.ReasonKeyExchangeFailed, Op: "host key", Err: ErrNoHostKey}
	}
	key := signer.PublicKey()
	blob := key.Marshal()
	x.hash = x.method.ExchangeHash(x.hashInput(blob, ours, theirs))
	signature, err := signer.Sign(x.c.cfg.Rand, x.algs.HostKey, x.hash)
	if err != nil {
		return &wire.ProtocolError{Reason: wire.ReasonKeyExchangeFailed, Op: "host key signature", Err: err}
	}
	if x.first {
		x.c.peer.hostKey = key
	}
	return x.sendReply(wire.KexECDHReply{HostKey: blob, Public: ours, Signature: signature})
}
