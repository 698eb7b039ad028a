package cipher

import (
	"encoding/binary"
	"math"
)

// clearLength is the number of bytes of packet_length.
const clearLength = 4

// plain is the framing before the first NEWKEYS (RFC 4253 §6): no encryption, no tag.
type plain struct{}

// None returns the states of a connection before its first NEWKEYS: packets pass as they are. They have no secrets, so
// one value serves any number of connections.
func None() (Sealer, Opener) { return plain{}, plain{} }

// Layout implements Sealer and Opener.
func (plain) Layout() Layout {
	return Layout{Head: clearLength, Align: 8, MaxPackets: sequenceNumbers, MaxBytes: math.MaxUint64}
}

// Seal implements Sealer.
func (plain) Seal(uint32, []byte) {}

// Length implements Opener.
func (plain) Length(_ uint32, head []byte) uint32 { return binary.BigEndian.Uint32(head) }

// Open implements Opener.
func (plain) Open(uint32, []byte) error { return nil }
