package transporttest

import (
	"crypto/rand"

	"github.com/hawser-ssh/hawser/kex"
	"github.com/hawser-ssh/hawser/wire"
)

// ReadPubKey reads a server's transient key (RFC 4432 §4).
func (p *Peer) ReadPubKey() error {
	payload, err := p.ReadMsg(wire.MsgKexRSAPubKey)
	if err != nil {
		return err
	}
	var m wire.KexRSAPubKey
	if err := m.Parse(payload); err != nil {
		return err
	}
	p.remoteHostKey, p.remotePublic = m.HostKey, m.Public
	return nil
}

// SendSecret draws and sends a client's secret.
func (p *Peer) SendSecret() (err error) {
	if p.mine, p.secret, err = p.method.Answer(rand.Reader, p.remotePublic); err != nil {
		return err
	}
	return p.Send(wire.KexRSASecret{Encrypted: p.mine}.Append(nil))
}

// ReadDone reads a server's signature, which it does not verify.
func (p *Peer) ReadDone() error {
	payload, err := p.ReadMsg(wire.MsgKexRSADone)
	if err != nil {
		return err
	}
	p.setHash(kex.HashInput{
		ClientVersion: []byte(p.Version), ServerVersion: []byte(p.RemoteVersion),
		ClientInit: p.ours, ServerInit: p.theirs, HostKey: p.remoteHostKey,
		ClientPublic: p.mine, ServerPublic: p.remotePublic, Secret: p.secret,
	})
	var m wire.KexRSADone
	return m.Parse(payload)
}

// SendPubKey sends a server's host key and transient key.
func (p *Peer) SendPubKey() (err error) {
	if p.offer, err = p.method.Offer(rand.Reader); err != nil {
		return err
	}
	p.mine = p.offer.Public
	return p.Send(wire.KexRSAPubKey{HostKey: p.HostKey.PublicKey().Marshal(), Public: p.mine}.Append(nil))
}

// ReadSecret reads a client's secret.
func (p *Peer) ReadSecret() error {
	payload, err := p.ReadMsg(wire.MsgKexRSASecret)
	if err != nil {
		return err
	}
	var m wire.KexRSASecret
	if err := m.Parse(payload); err != nil {
		return err
	}
	p.remotePublic = m.Encrypted
	p.secret, err = p.offer.Finish(m.Encrypted)
	return err
}

// SendDone sends a server's signature.
func (p *Peer) SendDone() error {
	reply, err := p.Reply()
	if err != nil {
		return err
	}
	return p.Send(wire.KexRSADone{Signature: reply.Signature}.Append(nil))
}
