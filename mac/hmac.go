package mac

import (
	"crypto/hmac"
	"encoding/binary"
	"hash"
)

// hmacState is HMAC (RFC 2104) over seq || packet. The scratch arrays are fields because what is passed to a hash.Hash
// escapes: as locals they would be an allocation per packet.
type hmacState struct {
	hash hash.Hash
	size int
	seq  [4]byte
	sum  [MaxTagSize]byte
}

// newHMAC returns the constructor of a table row whose tag is the first size bytes of the HMAC.
func newHMAC(h func() hash.Hash, size int) func(key []byte) Authenticator {
	return func(key []byte) Authenticator {
		return &hmacState{hash: hmac.New(h, key), size: size}
	}
}

// Tag implements Authenticator. The sum goes through scratch, so dst never needs room for more than the tag.
func (s *hmacState) Tag(dst []byte, seq uint32, packet []byte) []byte {
	binary.BigEndian.PutUint32(s.seq[:], seq)
	s.hash.Reset()
	s.hash.Write(s.seq[:])
	s.hash.Write(packet)
	return append(dst, s.hash.Sum(s.sum[:0])[:s.size]...)
}
