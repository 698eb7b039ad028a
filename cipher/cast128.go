package cipher

import (
	"encoding/binary"
	"fmt"
	"math/bits"
)

const castRounds = 16

// castCipher is CAST-128 (RFC 2144) under a key of 128 bits, the only size that SSH has (RFC 4253 §6.3).
type castCipher struct {
	mask     [castRounds]uint32 // Km
	rotation [castRounds]uint8  // Kr
}

// newCAST128 expands a key of 16 bytes.
func newCAST128(key []byte) (*castCipher, error) {
	if len(key) != 16 {
		return nil, fmt.Errorf("cipher: a key of %d bytes is none of CAST-128 in SSH", len(key))
	}
	c, state := new(castCipher), [16]byte(key)
	var rotations [castRounds]uint32
	castSchedule(&state, &c.mask)
	castSchedule(&state, &rotations)
	for i, k := range rotations {
		c.rotation[i] = uint8(k % 32)
	}
	return c, nil
}

// castSubkeys says which bytes of the state a subkey is made of, and castExtra which one more for each of a pass
// (RFC 2144 §2.4). Passes 1 and 2 of the four take the bytes of castSubkeys at their numbers xor 11.
var (
	castSubkeys = [4][4]uint8{{8, 9, 7, 6}, {10, 11, 5, 4}, {12, 13, 3, 2}, {14, 15, 1, 0}}
	castExtra   = [4][4]uint8{{2, 6, 9, 12}, {8, 13, 3, 7}, {9, 12, 2, 6}, {3, 7, 8, 13}}
)

// castSchedule makes the subkeys of sixteen rounds out of the state, which goes on (RFC 2144 §2.4).
func castSchedule(state *[16]byte, subkeys *[castRounds]uint32) {
	boxes := castBoxes[4:]
	for pass := range 4 {
		flip := uint8(0)
		if pass == 1 || pass == 2 {
			flip = 11
		}
		*state = castMix(state, pass%2*8)
		for i, from := range castSubkeys {
			k := boxes[i][state[castExtra[pass][i]]]
			for box, at := range from {
				k ^= boxes[box][state[at^flip]]
			}
			subkeys[4*pass+i] = k
		}
	}
}

// castMix is a step from x to z, or, with from = 8, the step from z to x, which is the same with the halves exchanged
// (RFC 2144 §2.4).
func castMix(state *[16]byte, from int) (z [16]byte) {
	var x [16]byte
	copy(x[copy(x[:], state[from:]):], state[:from])
	s5, s6, s7, s8 := &castBoxes[4], &castBoxes[5], &castBoxes[6], &castBoxes[7]
	word := func(to, from int, a, b, c, d byte, extra uint32) {
		w := binary.BigEndian.Uint32(x[from:]) ^ s5[a] ^ s6[b] ^ s7[c] ^ s8[d] ^ extra
		binary.BigEndian.PutUint32(z[to:], w)
	}
	word(0, 0, x[13], x[15], x[12], x[14], s7[x[8]])
	word(4, 8, z[0], z[2], z[1], z[3], s8[x[10]])
	word(8, 12, z[7], z[6], z[5], z[4], s5[x[9]])
	word(12, 4, z[10], z[9], z[11], z[8], s6[x[11]])
	return z
}

// castF1, castF2 and castF3 are the functions of the rounds (RFC 2144 §2.2).
func castF1(mask uint32, rotation uint8, d uint32) uint32 {
	i := bits.RotateLeft32(mask+d, int(rotation))
	return ((castBoxes[0][i>>24] ^ castBoxes[1][byte(i>>16)]) - castBoxes[2][byte(i>>8)]) + castBoxes[3][byte(i)]
}

func castF2(mask uint32, rotation uint8, d uint32) uint32 {
	i := bits.RotateLeft32(mask^d, int(rotation))
	return ((castBoxes[0][i>>24] - castBoxes[1][byte(i>>16)]) + castBoxes[2][byte(i>>8)]) ^ castBoxes[3][byte(i)]
}

func castF3(mask uint32, rotation uint8, d uint32) uint32 {
	i := bits.RotateLeft32(mask-d, int(rotation))
	return ((castBoxes[0][i>>24] + castBoxes[1][byte(i>>16)]) ^ castBoxes[2][byte(i>>8)]) - castBoxes[3][byte(i)]
}

// encrypt implements block64. Three rounds leave the halves exchanged.
func (c *castCipher) encrypt(l, r uint32) (uint32, uint32) {
	for i := 0; i < castRounds-1; i += 3 {
		l ^= castF1(c.mask[i], c.rotation[i], r)
		r ^= castF2(c.mask[i+1], c.rotation[i+1], l)
		l ^= castF3(c.mask[i+2], c.rotation[i+2], r)
		l, r = r, l
	}
	return l ^ castF1(c.mask[15], c.rotation[15], r), r
}

// encryptLanes implements block64.
func (c *castCipher) encryptLanes(x *[lanes64]uint64) {
	l0, r0 := uint32(x[0]>>32), uint32(x[0])
	l1, r1 := uint32(x[1]>>32), uint32(x[1])
	l2, r2 := uint32(x[2]>>32), uint32(x[2])
	l3, r3 := uint32(x[3]>>32), uint32(x[3])
	for i := 0; i < castRounds-1; i += 3 {
		mask, rotation := c.mask[i], c.rotation[i]
		l0 ^= castF1(mask, rotation, r0)
		l1 ^= castF1(mask, rotation, r1)
		l2 ^= castF1(mask, rotation, r2)
		l3 ^= castF1(mask, rotation, r3)
		mask, rotation = c.mask[i+1], c.rotation[i+1]
		r0 ^= castF2(mask, rotation, l0)
		r1 ^= castF2(mask, rotation, l1)
		r2 ^= castF2(mask, rotation, l2)
		r3 ^= castF2(mask, rotation, l3)
		mask, rotation = c.mask[i+2], c.rotation[i+2]
		l0, r0 = r0, l0^castF3(mask, rotation, r0)
		l1, r1 = r1, l1^castF3(mask, rotation, r1)
		l2, r2 = r2, l2^castF3(mask, rotation, r2)
		l3, r3 = r3, l3^castF3(mask, rotation, r3)
	}
	mask, rotation := c.mask[15], c.rotation[15]
	x[0] = uint64(l0^castF1(mask, rotation, r0))<<32 | uint64(r0)
	x[1] = uint64(l1^castF1(mask, rotation, r1))<<32 | uint64(r1)
	x[2] = uint64(l2^castF1(mask, rotation, r2))<<32 | uint64(r2)
	x[3] = uint64(l3^castF1(mask, rotation, r3))<<32 | uint64(r3)
}

// decryptLanes implements block64: the rounds of encryptLanes, from the last to the first.
func (c *castCipher) decryptLanes(x *[lanes64]uint64) {
	mask, rotation := c.mask[15], c.rotation[15]
	r0, l0 := uint32(x[0]), uint32(x[0]>>32)
	r1, l1 := uint32(x[1]), uint32(x[1]>>32)
	r2, l2 := uint32(x[2]), uint32(x[2]>>32)
	r3, l3 := uint32(x[3]), uint32(x[3]>>32)
	l0 ^= castF1(mask, rotation, r0)
	l1 ^= castF1(mask, rotation, r1)
	l2 ^= castF1(mask, rotation, r2)
	l3 ^= castF1(mask, rotation, r3)
	for i := castRounds - 4; i >= 0; i -= 3 {
		mask, rotation = c.mask[i+2], c.rotation[i+2]
		r0 ^= castF3(mask, rotation, l0)
		r1 ^= castF3(mask, rotation, l1)
		r2 ^= castF3(mask, rotation, l2)
		r3 ^= castF3(mask, rotation, l3)
		mask, rotation = c.mask[i+1], c.rotation[i+1]
		l0 ^= castF2(mask, rotation, r0)
		l1 ^= castF2(mask, rotation, r1)
		l2 ^= castF2(mask, rotation, r2)
		l3 ^= castF2(mask, rotation, r3)
		mask, rotation = c.mask[i], c.rotation[i]
		l0, r0 = r0^castF1(mask, rotation, l0), l0
		l1, r1 = r1^castF1(mask, rotation, l1), l1
		l2, r2 = r2^castF1(mask, rotation, l2), l2
		l3, r3 = r3^castF1(mask, rotation, l3), l3
	}
	x[0] = uint64(l0)<<32 | uint64(r0)
	x[1] = uint64(l1)<<32 | uint64(r1)
	x[2] = uint64(l2)<<32 | uint64(r2)
	x[3] = uint64(l3)<<32 | uint64(r3)
}
