package transport

import (
	"errors"

	"github.com/hawser-ssh/hawser/kex"
	"github.com/hawser-ssh/hawser/wire"
)

// Strict key exchange (OpenSSH PROTOCOL §1.9) closes the door to prefix
// truncation (CVE-2023-48795): nothing but the exchange's own messages is
// allowed in the first exchange, and sequence numbers start anew with each
// NEWKEYS. Only the first KEXINITs decide (row TER-09 of the attacks tested).

var errNotFirst = errors.New("a message came before KEXINIT in a strict key exchange")

// markers returns the signals that role adds to its list of methods.
func markers(role wire.Role) (extInfo, strict string) {
	if role == wire.Client {
		return kex.ExtInfoClient, kex.StrictClient
	}
	return kex.ExtInfoServer, kex.StrictServer
}

// readMarkers notes what the first KEXINITs signal; ours always does, unless a
// Lab has made it another. With strict agreed, the peer's must have been its
// first packet.
func (c *Conn) readMarkers(own, peer *wire.KexInit) error {
	_, ownStrict := markers(c.role)
	extInfo, strict := markers(c.role.Peer())
	c.peer.extInfo = peer.Kex.Contains(extInfo)
	c.peer.strict = peer.Kex.Contains(strict) && own.Kex.Contains(ownStrict)
	if c.peer.strict && c.in.packets != 1 {
		return &wire.ProtocolError{Reason: wire.ReasonProtocolError, Op: "KEXINIT", Err: errNotFirst}
	}
	return nil
}
