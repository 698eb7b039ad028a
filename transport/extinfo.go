package transport

import (
	"bytes"
	"errors"
	"slices"
	"strings"

	"github.com/hawser-ssh/hawser/wire"
)

var errExtInfoPlace = errors.New("EXT_INFO where it is not allowed")

// extInfoState follows where EXT_INFO may come (RFC 8308 §2.4): as the first
// packet after the first NEWKEYS, and, from a server, once more right before
// USERAUTH_SUCCESS.
type extInfoState struct {
	first  bool // the next packet is the first after NEWKEYS
	second bool // the second EXT_INFO has come: only SUCCESS may follow
	now    bool // the packet at hand stands in the first place
}

// follow is told of each packet before it is judged.
func (s *extInfoState) follow(m wire.Msg) error {
	if s.second && m != wire.MsgUserauthSuccess && m != wire.MsgDisconnect {
		return &wire.ProtocolError{Reason: wire.ReasonProtocolError, Op: m.String(), Err: errExtInfoPlace}
	}
	s.now, s.first, s.second = s.first, false, false
	return nil
}

// readExtInfo takes over the peer's extensions; a later message replaces an
// earlier one (RFC 8308 §2.4).
func (c *Conn) readExtInfo(p []byte) error {
	s := &c.in.extInfo
	if !s.now {
		if c.role == wire.Server || c.in.phase != phaseAuth {
			return &wire.ProtocolError{Reason: wire.ReasonProtocolError, Op: "EXT_INFO", Err: errExtInfoPlace}
		}
		s.second = true
	}
	var msg wire.ExtInfo
	if err := msg.Parse(p); err != nil {
		return err
	}
	c.peer.extensions = bytes.Clone(msg.Body)
	return nil
}

// extInfo returns what we announce to a client that asked for it: a client of
// ours has nothing to say.
func (c *Conn) extInfo() []byte {
	if c.role == wire.Client || !c.peer.extInfo {
		return nil
	}
	return wire.AppendExtInfo(nil,
		wire.Extension{Name: wire.ExtensionServerSigAlgs, Value: wire.NewNameList(c.cfg.signatureAlgorithms()...)},
		wire.Extension{Name: wire.ExtensionHostBound, Value: []byte("0")},
		wire.Extension{Name: wire.ExtensionPing, Value: []byte("0")},
	)
}

// PeerExtension returns the value that the peer announced for the extension
// of that name (RFC 8308 §2.3), a view that must not be changed. It is for the
// reader's goroutine, as the peer may announce more during authentication.
func (c *Conn) PeerExtension(name string) (value []byte, ok bool) {
	info := wire.ExtInfo{Body: c.peer.extensions}
	for n, v := range info.All() {
		if string(n) == name {
			return v, true
		}
	}
	return nil, false
}

// PeerSigAlgs returns the signature algorithms of the peer's server-sig-algs
// (RFC 8308 §3.1), nil where it announced none. Names that do not fit RFC 4251
// §6 are left out.
func (c *Conn) PeerSigAlgs() []string {
	value, ok := c.PeerExtension(wire.ExtensionServerSigAlgs)
	if !ok {
		return nil
	}
	names := strings.Split(string(value), ",")
	if len(names) > wire.MaxNames {
		names = names[:wire.MaxNames]
	}
	return slices.DeleteFunc(names, func(n string) bool { return n == "" || len(n) > wire.MaxName })
}
