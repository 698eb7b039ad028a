package cipher

import (
	"encoding/binary"
	"fmt"
	"math/bits"
)

const (
	desRounds       = 16
	tripleDESRounds = 3 * desRounds
	tripleDESKey    = 24 // bytes
)

// tripleDES is DES three times (SP 800-67): encryption, decryption, encryption, each under a key of its own. Between two
// of them the final permutation of one and the initial one of the next cancel out.
type tripleDES struct{ forward, reverse desSchedule }

// desSchedule has the subkeys in the order of their use. Each is two words of six bits a byte, as the S-boxes take them:
// first those of S1, S3, S5 and S7, then those of S2, S4, S6 and S8.
type desSchedule [tripleDESRounds][2]uint32

// The permuted choices of the key schedule, and by how many bits it rotates (FIPS 46-3, appendix 1). Bit 1 is the first.
var (
	desChoice1 = [56]uint8{
		57, 49, 41, 33, 25, 17, 9, 1, 58, 50, 42, 34, 26, 18, 10, 2, 59, 51, 43, 35, 27, 19, 11, 3, 60, 52, 44, 36,
		63, 55, 47, 39, 31, 23, 15, 7, 62, 54, 46, 38, 30, 22, 14, 6, 61, 53, 45, 37, 29, 21, 13, 5, 28, 20, 12, 4,
	}
	desChoice2 = [48]uint8{
		14, 17, 11, 24, 1, 5, 3, 28, 15, 6, 21, 10, 23, 19, 12, 4, 26, 8, 16, 7, 27, 20, 13, 2,
		41, 52, 31, 37, 47, 55, 30, 40, 51, 45, 33, 48, 44, 49, 39, 56, 34, 53, 46, 42, 50, 36, 29, 32,
	}
	desRotations = [desRounds]uint8{1, 1, 2, 2, 2, 2, 2, 2, 1, 2, 2, 2, 2, 2, 2, 1}
)

// newTripleDES expands a key of 24 bytes, whose parity bits count for nothing.
func newTripleDES(key []byte) (*tripleDES, error) {
	if len(key) != tripleDESKey {
		return nil, fmt.Errorf("cipher: a key of %d bytes is none of three-key triple DES", len(key))
	}
	c := new(tripleDES)
	for i := range 3 {
		schedule := desSubkeys(binary.BigEndian.Uint64(key[8*i:]))
		for round, k := range schedule {
			if i == 1 { // decryption
				round = desRounds - 1 - round
			}
			c.forward[i*desRounds+round] = k
		}
	}
	for i, k := range c.forward {
		c.reverse[tripleDESRounds-1-i] = k
	}
	return c, nil
}

// desSubkeys makes the subkeys of a key of 64 bits.
func desSubkeys(key uint64) (subkeys [desRounds][2]uint32) {
	const half = 28 // bits
	chosen := uint64(0)
	for _, bit := range desChoice1 {
		chosen = chosen<<1 | key>>(64-bit)&1
	}
	c, d := chosen>>half, chosen&(1<<half-1)
	for round, by := range desRotations {
		c, d = (c<<by|c>>(half-by))&(1<<half-1), (d<<by|d>>(half-by))&(1<<half-1)
		chosen = c<<half | d
		for i, bit := range desChoice2 {
			box := i / 6
			word := &subkeys[round][box%2]
			*word |= uint32(chosen>>(2*half-bit)&1) << (24 - box/2*8 + 5 - i%6)
		}
	}
	return subkeys
}

// desOdd is half the function of the rounds, that of the odd S-boxes: the expansion, which a rotation makes of r, the
// boxes and P. r and what is returned are rotated to the left by one bit.
func desOdd(k *[2]uint32, r uint32) uint32 {
	r = bits.RotateLeft32(r, -4) ^ k[0]
	return desBoxes[0][r>>24&63] ^ desBoxes[2][r>>16&63] ^ (desBoxes[4][r>>8&63] ^ desBoxes[6][r&63])
}

// desEven is the other half.
func desEven(k *[2]uint32, r uint32) uint32 {
	r ^= k[1]
	return desBoxes[1][r>>24&63] ^ desBoxes[3][r>>16&63] ^ (desBoxes[5][r>>8&63] ^ desBoxes[7][r&63])
}

// desOpen is the initial permutation, with the halves rotated as desOdd and desEven take them; desClose is its inverse.
func desOpen(l, r uint32) (uint32, uint32) {
	l, r = desExchange(l, r, 4, 0x0f0f0f0f)
	l, r = desExchange(l, r, 16, 0x0000ffff)
	r, l = desExchange(r, l, 2, 0x33333333)
	r, l = desExchange(r, l, 8, 0x00ff00ff)
	l, r = desExchange(l, r, 1, 0x55555555)
	return bits.RotateLeft32(l, 1), bits.RotateLeft32(r, 1)
}

func desClose(l, r uint32) (uint32, uint32) {
	l, r = bits.RotateLeft32(l, -1), bits.RotateLeft32(r, -1)
	l, r = desExchange(l, r, 1, 0x55555555)
	r, l = desExchange(r, l, 8, 0x00ff00ff)
	r, l = desExchange(r, l, 2, 0x33333333)
	l, r = desExchange(l, r, 16, 0x0000ffff)
	return desExchange(l, r, 4, 0x0f0f0f0f)
}

// desExchange exchanges the bits of b that the mask names with those of a that are by places further up.
func desExchange(a, b uint32, by int, mask uint32) (uint32, uint32) {
	t := (a>>by ^ b) & mask
	return a ^ t<<by, b ^ t
}

// encrypt implements block64.
func (c *tripleDES) encrypt(l, r uint32) (uint32, uint32) {
	l, r = desOpen(l, r)
	for i := 0; i < tripleDESRounds; i += desRounds {
		for j := 0; j < desRounds; j += 2 {
			l ^= desEven(&c.forward[i+j], r) ^ desOdd(&c.forward[i+j], r)
			r ^= desEven(&c.forward[i+j+1], l) ^ desOdd(&c.forward[i+j+1], l)
		}
		l, r = r, l
	}
	return desClose(l, r)
}

// encryptLanes implements block64.
func (c *tripleDES) encryptLanes(x *[lanes64]uint64) { c.forward.lanes(x) }

// decryptLanes implements block64.
func (c *tripleDES) decryptLanes(x *[lanes64]uint64) { c.reverse.lanes(x) }

// lanes is encrypt for each lane, two at a time: there are no registers for more.
func (s *desSchedule) lanes(x *[lanes64]uint64) {
	x[0], x[1] = s.two(x[0], x[1])
	x[2], x[3] = s.two(x[2], x[3])
}

// two is encrypt for two blocks.
func (s *desSchedule) two(x, y uint64) (uint64, uint64) {
	l0, r0 := desOpen(uint32(x>>32), uint32(x))
	l1, r1 := desOpen(uint32(y>>32), uint32(y))
	for i := 0; i < tripleDESRounds; i += desRounds {
		for j := 0; j < desRounds; j += 2 {
			k := &s[i+j]
			l0 ^= desEven(k, r0) ^ desOdd(k, r0)
			l1 ^= desEven(k, r1) ^ desOdd(k, r1)
			k = &s[i+j+1]
			r0 ^= desEven(k, l0) ^ desOdd(k, l0)
			r1 ^= desEven(k, l1) ^ desOdd(k, l1)
		}
		l0, r0 = r0, l0
		l1, r1 = r1, l1
	}
	l0, r0 = desClose(l0, r0)
	l1, r1 = desClose(l1, r1)
	return uint64(l0)<<32 | uint64(r0), uint64(l1)<<32 | uint64(r1)
}
