package cipher

import (
	"encoding/binary"
	"fmt"
)

// arcfourDiscard is how many bytes of key stream arcfour128 and arcfour256 throw away first (RFC 4345 §4); arcfour
// throws away none (RFC 4253 §6.3).
const arcfourDiscard = 1536

// arcfour is the state of RC4: a permutation of the bytes, in words, which are faster to load, and two indices into it.
type arcfour struct {
	s    [256]uint32
	i, j uint8
}

// newArcfour returns the constructor of a table row whose key stream begins behind the first discard bytes. It goes on
// from packet to packet; there is no IV.
func newArcfour(discard int) func(key, _ []byte) (Transform, error) {
	return func(key, _ []byte) (Transform, error) {
		if len(key) < 1 || len(key) > 256 {
			return nil, fmt.Errorf("cipher: a key of %d bytes is none of RC4", len(key))
		}
		c := new(arcfour)
		c.setKey(key)
		scratch := make([]byte, discard)
		c.crypt(scratch, scratch)
		clear(scratch)
		return c.crypt, nil
	}
}

func (c *arcfour) setKey(key []byte) {
	for i := range c.s {
		c.s[i] = uint32(i)
	}
	j := uint8(0)
	for i := range c.s {
		j += uint8(c.s[i]) + key[i%len(key)]
		c.s[i], c.s[j] = c.s[j], c.s[i]
	}
}

// crypt is a Transform.
func (c *arcfour) crypt(dst, src []byte) {
	const word = 8
	s, i, j := &c.s, c.i, c.j
	x := s[i+1]
	var k uint8
	for len(src) >= word && len(dst) >= word {
		i, j, x, k = arcfourStep(s, i, j, x)
		key := uint64(k)
		i, j, x, k = arcfourStep(s, i, j, x)
		key |= uint64(k) << 8
		i, j, x, k = arcfourStep(s, i, j, x)
		key |= uint64(k) << 16
		i, j, x, k = arcfourStep(s, i, j, x)
		key |= uint64(k) << 24
		i, j, x, k = arcfourStep(s, i, j, x)
		key |= uint64(k) << 32
		i, j, x, k = arcfourStep(s, i, j, x)
		key |= uint64(k) << 40
		i, j, x, k = arcfourStep(s, i, j, x)
		key |= uint64(k) << 48
		i, j, x, k = arcfourStep(s, i, j, x)
		key |= uint64(k) << 56
		binary.LittleEndian.PutUint64(dst, binary.LittleEndian.Uint64(src)^key)
		dst, src = dst[word:], src[word:]
	}
	for n, b := range src {
		i, j, x, k = arcfourStep(s, i, j, x)
		dst[n] = b ^ k
	}
	c.i, c.j = i, j
}

// arcfourStep makes a byte k of key stream. x is s[i+1] before and after it: it is read ahead of what is written, so that
// the next byte need not wait for that, and put right where the two are the same place.
func arcfourStep(s *[256]uint32, i, j uint8, x uint32) (nextI, nextJ uint8, nextX uint32, k uint8) {
	i++
	j += uint8(x)
	next, y := s[i+1], s[j]
	s[i], s[j] = y, x
	if i+1 == j {
		next = x
	}
	return i, j, next, uint8(s[uint8(x+y)])
}
