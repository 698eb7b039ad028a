package cipher

import "fmt"

const blowfishRounds = 16

// blowfishCipher is Blowfish (Schneier, FSE 1993) under a key.
type blowfishCipher struct {
	boxes            [4][256]uint32
	forward, reverse [blowfishRounds + 2]uint32 // round keys, in the order of their use
}

// newBlowfish expands a key of 1 to 56 bytes: the round keys and then the boxes become what the cipher, as it is up to
// there, makes of the block before.
func newBlowfish(key []byte) (*blowfishCipher, error) {
	if len(key) < 1 || len(key) > 56 {
		return nil, fmt.Errorf("cipher: a key of %d bytes is none of Blowfish", len(key))
	}
	c := &blowfishCipher{boxes: blowfishBoxes, forward: blowfishKeys}
	next := 0
	for i := range c.forward {
		var word uint32
		for range 4 {
			word = word<<8 | uint32(key[next])
			next = (next + 1) % len(key)
		}
		c.forward[i] ^= word
	}
	var l, r uint32
	for i := 0; i < len(c.forward); i += 2 {
		l, r = c.encrypt(l, r)
		c.forward[i], c.forward[i+1] = l, r
	}
	for b := range c.boxes {
		for i := 0; i < len(c.boxes[b]); i += 2 {
			l, r = c.encrypt(l, r)
			c.boxes[b][i], c.boxes[b][i+1] = l, r
		}
	}
	for i, k := range c.forward {
		c.reverse[len(c.reverse)-1-i] = k
	}
	return c, nil
}

// f is the function of the rounds.
func (c *blowfishCipher) f(x uint32) uint32 {
	return ((c.boxes[0][x>>24] + c.boxes[1][byte(x>>16)]) ^ c.boxes[2][byte(x>>8)]) + c.boxes[3][byte(x)]
}

// encrypt implements block64. A round key goes in ahead of the lookups of its round, which it does not wait for.
func (c *blowfishCipher) encrypt(l, r uint32) (uint32, uint32) {
	l ^= c.forward[0]
	for i := 1; i < blowfishRounds; i += 2 {
		r ^= c.forward[i]
		r ^= c.f(l)
		l ^= c.forward[i+1]
		l ^= c.f(r)
	}
	return r ^ c.forward[blowfishRounds+1], l
}

// encryptLanes implements block64.
func (c *blowfishCipher) encryptLanes(x *[lanes64]uint64) { c.lanes(&c.forward, x) }

// decryptLanes implements block64.
func (c *blowfishCipher) decryptLanes(x *[lanes64]uint64) { c.lanes(&c.reverse, x) }

// lanes is encrypt for each lane, under the round keys k.
func (c *blowfishCipher) lanes(k *[blowfishRounds + 2]uint32, x *[lanes64]uint64) {
	l0, r0 := uint32(x[0]>>32)^k[0], uint32(x[0])
	l1, r1 := uint32(x[1]>>32)^k[0], uint32(x[1])
	l2, r2 := uint32(x[2]>>32)^k[0], uint32(x[2])
	l3, r3 := uint32(x[3]>>32)^k[0], uint32(x[3])
	for i := 1; i < blowfishRounds; i += 2 {
		key := k[i]
		r0 ^= key ^ c.f(l0)
		r1 ^= key ^ c.f(l1)
		r2 ^= key ^ c.f(l2)
		r3 ^= key ^ c.f(l3)
		key = k[i+1]
		l0 ^= key ^ c.f(r0)
		l1 ^= key ^ c.f(r1)
		l2 ^= key ^ c.f(r2)
		l3 ^= key ^ c.f(r3)
	}
	last := k[blowfishRounds+1]
	x[0] = uint64(r0^last)<<32 | uint64(l0)
	x[1] = uint64(r1^last)<<32 | uint64(l1)
	x[2] = uint64(r2^last)<<32 | uint64(l2)
	x[3] = uint64(r3^last)<<32 | uint64(l3)
}
