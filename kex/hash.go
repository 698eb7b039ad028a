package kex

import (
	"encoding/binary"
	"hash"

	"github.com/hawser-ssh/hawser/wire"
)

// HashInput is what both sides feed into the exchange hash. All slices are views that are only read.
type HashInput struct {
	ClientVersion []byte // the client's identification without CR and LF
	ServerVersion []byte // the server's identification without CR and LF
	ClientInit    []byte // the payload of the client's KEXINIT as it was sent
	ServerInit    []byte // the payload of the server's KEXINIT as it was sent
	HostKey       []byte // the server's public host key blob
	ClientPublic  []byte // the client's public value as it was sent
	ServerPublic  []byte // the server's public value as it was sent
	Secret        []byte // the shared secret as Finish or Answer returned it
}

// ExchangeHash returns H (RFC 4253 §8, RFC 4419 §3, RFC 4432 §6, RFC 5656 §4). The slice is the caller's. Public values are hashed as strings,
// which for a canonical mpint, and no other gets through Answer and Finish, are the same bytes.
func (m Method) ExchangeHash(in HashInput) []byte {
	h := m.Hash()
	writeString(h, in.ClientVersion)
	writeString(h, in.ServerVersion)
	writeString(h, in.ClientInit)
	writeString(h, in.ServerInit)
	writeString(h, in.HostKey)
	h.Write(m.hashed)
	offered, answered := in.ClientPublic, in.ServerPublic
	if m.ServerOffers {
		offered, answered = answered, offered
	}
	writeString(h, offered)
	writeString(h, answered)
	k := m.encodeSecret(in.Secret)
	h.Write(k)
	clear(k)
	return h.Sum(nil)
}

// encodeSecret returns K as it is hashed: an mpint, or a string in the hybrid methods. The caller clears it.
func (m Method) encodeSecret(secret []byte) []byte {
	const overhead = 4 + 1 // length and sign
	k := make([]byte, 0, len(secret)+overhead)
	if m.SecretAsString {
		return wire.AppendBytes(k, secret)
	}
	return wire.AppendMpint(k, secret)
}

func writeString(h hash.Hash, p []byte) {
	var length [4]byte
	binary.BigEndian.PutUint32(length[:], uint32(len(p)))
	h.Write(length[:])
	h.Write(p)
}
