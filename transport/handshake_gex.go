package transport

import (
	"bytes"

	"github.com/hawser-ssh/hawser/kex"
	"github.com/hawser-ssh/hawser/wire"
)

// The round that a group exchange puts in front (RFC 4419 §3). It leaves a
// method over a group behind, whose messages have numbers of their own.

// chooseGroupAsClient asks for a group and checks the one that comes.
func (x *exchange) chooseGroupAsClient() error {
	request := x.c.cfg.GroupRequest
	err := x.send(wire.KexGexRequest{Min: request.Min, Preferred: request.Preferred, Max: request.Max}.Append(nil))
	if err != nil {
		return err
	}
	var m wire.KexGexGroup
	if err := x.expectInto(wire.MsgKexGexGroup, &m); err != nil {
		return err
	}
	return x.compute(func() error {
		group, err := request.Accept(m.P, m.G, x.c.cfg.ProveGroups)
		if err == nil {
			x.method, x.grouped = x.method.Over(request, group), true
		}
		return err
	})
}

// chooseGroupAsServer answers the client's request with a group.
func (x *exchange) chooseGroupAsServer() error {
	p, err := x.read()
	if err != nil {
		return err
	}
	request, err := parseGroupRequest(p)
	if err != nil {
		return err
	}
	group, err := request.Choose(x.c.cfg.Rand, x.c.cfg.groups())
	if err != nil {
		return err
	}
	x.method, x.grouped = x.method.Over(request, group), true
	return x.send(wire.KexGexGroup{P: group.P(), G: group.G()}.Append(nil))
}

// parseGroupRequest reads a request of either form (RFC 4419 §5).
func parseGroupRequest(p []byte) (kex.GroupRequest, error) {
	switch got := wire.Msg(p[0]); got {
	case wire.MsgKexGexRequest:
		var m wire.KexGexRequest
		err := m.Parse(p)
		return kex.GroupRequest{Min: m.Min, Preferred: m.Preferred, Max: m.Max}, err
	case wire.MsgKexGexRequestOld:
		var m wire.KexGexRequestOld
		err := m.Parse(p)
		return kex.GroupRequest{Preferred: m.Preferred, Old: true}, err
	default:
		return kex.GroupRequest{}, unexpected(got)
	}
}

// sendInit sends the client's public value.
func (x *exchange) sendInit(public []byte) error {
	if x.grouped {
		return x.send(wire.KexGexInit{Public: public}.Append(nil))
	}
	return x.send(wire.KexECDHInit{Public: public}.Append(nil))
}

// expectInit reads the client's public value, a copy.
func (x *exchange) expectInit() ([]byte, error) {
	if x.grouped {
		var m wire.KexGexInit
		err := x.expectInto(wire.MsgKexGexInit, &m)
		return bytes.Clone(m.Public), err
	}
	var m wire.KexECDHInit
	err := x.expectInto(wire.MsgKexECDHInit, &m)
	return bytes.Clone(m.Public), err
}

// sendReply sends the server's part.
func (x *exchange) sendReply(m wire.KexECDHReply) error {
	if x.grouped {
		return x.send(wire.KexGexReply(m).Append(nil))
	}
	return x.send(m.Append(nil))
}

// expectReply reads the server's part, a view.
func (x *exchange) expectReply() (wire.KexECDHReply, error) {
	if x.grouped {
		var m wire.KexGexReply
		err := x.expectInto(wire.MsgKexGexReply, &m)
		return wire.KexECDHReply(m), err
	}
	var m wire.KexECDHReply
	err := x.expectInto(wire.MsgKexECDHReply, &m)
	return m, err
}
