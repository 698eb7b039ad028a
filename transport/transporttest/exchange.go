package transporttest

import (
	"crypto/rand"

	"github.com/hawser-ssh/hawser/cipher"
	"github.com/hawser-ssh/hawser/kex"
	"github.com/hawser-ssh/hawser/mac"
	"github.com/hawser-ssh/hawser/wire"
)

// Agree runs the negotiated method up to the exchange hash.
func (p *Peer) Agree() error {
	return firstError(p.Negotiate, p.AgreeNegotiated)
}

// AgreeNegotiated is what Agree does after Negotiate.
func (p *Peer) AgreeNegotiated() error {
	if p.method.ServerOffers && p.Role == wire.Client {
		return firstError(p.ReadPubKey, p.SendSecret, p.ReadDone)
	}
	if p.method.ServerOffers {
		return firstError(p.SendPubKey, p.ReadSecret, p.SendDone)
	}
	if p.Role == wire.Client {
		return firstError(p.ChooseGroup, p.SendInit, p.ReadReply)
	}
	return firstError(p.ChooseGroup, p.ReadInit, p.SendReply)
}

// Negotiate chooses the algorithms of the exchange.
func (p *Peer) Negotiate() error {
	var ours, theirs wire.KexInit
	if err := ours.Parse(p.ours); err != nil {
		return err
	}
	if err := theirs.Parse(p.theirs); err != nil {
		return err
	}
	client, server := &ours, &theirs
	if p.Role == wire.Server {
		client, server = server, client
	}
	aead := func(name string) bool {
		rows, err := cipher.Lookup(name)
		return err == nil && rows[0].AEAD
	}
	var err error
	if p.algs, err = kex.Negotiate(client, server, aead); err != nil {
		return err
	}
	if p.SessionID == nil {
		p.Strict = client.Kex.Contains(kex.StrictClient) && server.Kex.Contains(kex.StrictServer)
	}
	methods, err := kex.Lookup(p.algs.Kex)
	if err == nil {
		p.method, p.grouped = methods[0], false
	}
	return err
}

// ChooseGroup does the round that a group exchange puts in front, and nothing
// in other methods.
func (p *Peer) ChooseGroup() error {
	if !p.method.GroupExchange {
		return nil
	}
	if p.Role == wire.Client {
		return firstError(p.SendGroupRequest, p.ReadGroup)
	}
	return firstError(p.ReadGroupRequest, p.SendGroup)
}

// SendGroupRequest sends a client's Request, in the form it says.
func (p *Peer) SendGroupRequest() error {
	r := p.Request
	if r.Old {
		return p.Send(wire.KexGexRequestOld{Preferred: r.Preferred}.Append(nil))
	}
	return p.Send(wire.KexGexRequest{Min: r.Min, Preferred: r.Preferred, Max: r.Max}.Append(nil))
}

// ReadGroup reads the server's group, any that can be computed with.
func (p *Peer) ReadGroup() error {
	payload, err := p.ReadMsg(wire.MsgKexGexGroup)
	if err != nil {
		return err
	}
	var m wire.KexGexGroup
	if err := m.Parse(payload); err != nil {
		return err
	}
	if p.Group, err = kex.NewGroup(m.P, m.G); err != nil {
		return err
	}
	p.method, p.grouped = p.method.Over(p.Request, p.Group), true
	return nil
}

// ReadGroupRequest reads a client's request, in the form of today.
func (p *Peer) ReadGroupRequest() error {
	payload, err := p.ReadMsg(wire.MsgKexGexRequest)
	if err != nil {
		return err
	}
	var m wire.KexGexRequest
	err = m.Parse(payload)
	p.Request = kex.GroupRequest{Min: m.Min, Preferred: m.Preferred, Max: m.Max}
	return err
}

// SendGroup sends a server's Group.
func (p *Peer) SendGroup() error {
	p.method, p.grouped = p.method.Over(p.Request, p.Group), true
	return p.Send(wire.KexGexGroup{P: p.Group.P(), G: p.Group.G()}.Append(nil))
}

// SendInit sends a client's public value.
func (p *Peer) SendInit() (err error) {
	if p.offer, err = p.method.Offer(rand.Reader); err != nil {
		return err
	}
	p.mine = p.offer.Public
	if p.grouped {
		return p.Send(wire.KexGexInit{Public: p.mine}.Append(nil))
	}
	return p.Send(wire.KexECDHInit{Public: p.mine}.Append(nil))
}

// ReadReply reads the server's reply and verifies its signature.
func (p *Peer) ReadReply() error {
	reply, err := p.readReply()
	if err != nil {
		return err
	}
	p.remotePublic = reply.Public
	if p.secret, err = p.offer.Finish(reply.Public); err != nil {
		return err
	}
	p.setHash(kex.HashInput{
		ClientVersion: []byte(p.Version), ServerVersion: []byte(p.RemoteVersion),
		ClientInit: p.ours, ServerInit: p.theirs, HostKey: reply.HostKey,
		ClientPublic: p.mine, ServerPublic: reply.Public, Secret: p.secret,
	})
	return nil
}

// readReply reads the reply of the round the exchange is in.
func (p *Peer) readReply() (m wire.KexECDHReply, err error) {
	if !p.grouped {
		payload, err := p.ReadMsg(wire.MsgKexECDHReply)
		if err == nil {
			err = m.Parse(payload)
		}
		return m, err
	}
	payload, err := p.ReadMsg(wire.MsgKexGexReply)
	var reply wire.KexGexReply
	if err == nil {
		err = reply.Parse(payload)
	}
	return wire.KexECDHReply(reply), err
}

// ReadInit reads the client's public value and answers it in memory.
func (p *Peer) ReadInit() error {
	msg := wire.MsgKexECDHInit
	if p.grouped {
		msg = wire.MsgKexGexInit
	}
	payload, err := p.ReadMsg(msg)
	if err != nil {
		return err
	}
	r := wire.NewReader(payload, msg)
	p.remotePublic = r.Bytes("public value")
	if err := r.Done(); err != nil {
		return err
	}
	p.mine, p.secret, err = p.method.Answer(rand.Reader, p.remotePublic)
	return err
}

// SendReply sends a server's reply.
func (p *Peer) SendReply() error {
	reply, err := p.Reply()
	if err != nil {
		return err
	}
	if p.grouped {
		return p.Send(wire.KexGexReply(reply).Append(nil))
	}
	return p.Send(reply.Append(nil))
}

// Reply returns what SendReply would send.
func (p *Peer) Reply() (wire.KexECDHReply, error) {
	blob := p.HostKey.PublicKey().Marshal()
	p.setHash(kex.HashInput{
		ClientVersion: []byte(p.RemoteVersion), ServerVersion: []byte(p.Version),
		ClientInit: p.theirs, ServerInit: p.ours, HostKey: blob,
		ClientPublic: p.remotePublic, ServerPublic: p.mine, Secret: p.secret,
	})
	signature, err := p.HostKey.Sign(rand.Reader, p.algs.HostKey, p.hash)
	return wire.KexECDHReply{HostKey: blob, Public: p.mine, Signature: signature}, err
}

func (p *Peer) setHash(in kex.HashInput) {
	p.hash = p.method.ExchangeHash(in)
	if p.SessionID == nil {
		p.SessionID = p.hash
	}
}

// SendNewKeys sends NEWKEYS and puts our new keys in force.
func (p *Peer) SendNewKeys() error {
	if err := p.Send(wire.NewKeys{}.Append(nil)); err != nil {
		return err
	}
	return p.SwitchSending()
}

// SwitchSending puts our new keys in force.
func (p *Peer) SwitchSending() (err error) {
	row, m, key, iv, tag, err := p.keys(p.Role)
	if err != nil {
		return err
	}
	if p.Strict {
		p.SendSeq = 0
	}
	p.sealer, err = row.NewSealer(m, key, iv, tag)
	return err
}

// ReadNewKeys reads NEWKEYS and puts the other's new keys in force.
func (p *Peer) ReadNewKeys() error {
	if _, err := p.ReadMsg(wire.MsgNewKeys); err != nil {
		return err
	}
	row, m, key, iv, tag, err := p.keys(p.Role.Peer())
	if err != nil {
		return err
	}
	if p.Strict {
		p.RecvSeq = 0
	}
	p.opener, err = row.NewOpener(m, key, iv, tag)
	return err
}

// keys derives the keys of the direction in which from sends.
func (p *Peer) keys(from wire.Role) (row cipher.Cipher, m *mac.MAC, key, iv, tag []byte, err error) {
	d, letters := p.algs.ClientToServer, "ACE"
	if from == wire.Server {
		d, letters = p.algs.ServerToClient, "BDF"
	}
	rows, err := cipher.Lookup(d.Cipher)
	if err != nil {
		return row, nil, nil, nil, nil, err
	}
	row = rows[0]
	if d.MAC != "" {
		macs, err := mac.Lookup(d.MAC)
		if err != nil {
			return row, nil, nil, nil, nil, err
		}
		m = &macs[0]
		tag = p.derive(m.KeySize, letters[2])
	}
	return row, m, p.derive(row.KeySize, letters[1]), p.derive(row.IVSize, letters[0]), tag, nil
}

func (p *Peer) derive(n int, letter byte) []byte {
	k := make([]byte, n)
	p.method.Derive(k, p.secret, p.hash, letter, p.SessionID)
	return k
}
