package transport

import (
	"bytes"

	"github.com/hawser-ssh/hawser/wire"
)

// The exchange in which the server speaks first (RFC 4432 §4): its host key
// and an offer, the client's answer, and the signature.

// offerAsServer is agreeAsServer for such a method.
func (x *exchange) offerAsServer() error {
	signer, err := x.signer()
	if err != nil {
		return err
	}
	offer, err := x.offer()
	if err != nil {
		return err
	}
	blob := signer.PublicKey().Marshal()
	if err := x.send(wire.KexRSAPubKey{HostKey: blob, Public: offer.Public}.Append(nil)); err != nil {
		return err
	}
	var m wire.KexRSASecret
	if err := x.expectInto(wire.MsgKexRSASecret, &m); err != nil {
		return err
	}
	if err := x.finish(offer, m.Encrypted); err != nil {
		return err
	}
	signature, err := x.sign(signer, x.hashInput(blob, offer.Public, m.Encrypted))
	if err != nil {
		return err
	}
	return x.send(wire.KexRSADone{Signature: signature}.Append(nil))
}

// answerAsClient is agreeAsClient for such a method.
func (x *exchange) answerAsClient() error {
	var m wire.KexRSAPubKey
	if err := x.expectInto(wire.MsgKexRSAPubKey, &m); err != nil {
		return err
	}
	hostKey, theirs := bytes.Clone(m.HostKey), bytes.Clone(m.Public)
	ours, err := x.answer(theirs)
	if err != nil {
		return err
	}
	if err := x.send(wire.KexRSASecret{Encrypted: ours}.Append(nil)); err != nil {
		return err
	}
	var done wire.KexRSADone
	if err := x.expectInto(wire.MsgKexRSADone, &done); err != nil {
		return err
	}
	return x.verify(hostKey, done.Signature, x.hashInput(hostKey, ours, theirs))
}
