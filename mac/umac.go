package mac

import (
	"crypto/aes"
	"crypto/cipher"
	"encoding/binary"
	"math/bits"
)

// Sizes of UMAC (RFC 4418), in bytes.
const (
	umacKey     = 16
	umacChunk   = 1024    // of the message, hashed by L1 at once
	umacShift   = 16      // between the L1 keys of two iterations
	umacStride  = 32      // L1 takes the message in pieces of this size
	umacL2First = 1 << 17 // of L1's output, before L2 changes to 128 bits
	umacMaxIter = 4
)

// Primes and masks of the polynomial hashes (RFC 4418 §5.1, §5.3).
const (
	prime36     = 1<<36 - 5
	prime64     = 1<<64 - 59
	prime64Off  = 59 // 2^64 - prime64
	prime128Off = 159
	polyMask    = 0x01ffffff01ffffff
	// polyRange: of words from here on, L2 takes two steps. It is the limit for the upper half of a 128-bit word too.
	polyRange = 1<<64 - 1<<32
)

// umac is UMAC (RFC 4418) with tags of 8 or 16 bytes, as OpenSSH uses it: the nonce is the sequence number in 64 bits,
// and the message is the packet alone. It is a hash of the packet, of 32 bits an iteration, under keys that stay,
// encrypted by a pad that depends on the nonce. The sequence numbers of a direction must therefore not repeat.
//
// The arrays are fields because what is passed to a cipher.Block escapes: as locals they would be an allocation each.
type umac struct {
	iters  int // tag size / 4
	pads   cipher.Block
	l1     [(umacChunk + (umacMaxIter-1)*umacShift) / 4]uint32 // iterations overlap
	l2     [umacMaxIter]umacL2Key
	l3     [umacMaxIter]umacL3Key
	last   [umacStride]byte // the end of the message, padded
	pad    [aes.BlockSize]byte
	hashed [umacMaxIter * 4]byte
}

type umacL2Key struct{ k64, high, low uint64 }

type umacL3Key struct {
	factors [8]uint64
	mask    uint32
}

// newUMAC returns the constructor of a table row with tags of size bytes, 8 or 16.
func newUMAC(size int) func(key []byte) Authenticator {
	return func(key []byte) Authenticator {
		u := &umac{iters: size / 4}
		keys := newAES(key)
		u.pads = newAES(umacDerive(keys, 0, umacKey))
		u.setL1(umacDerive(keys, 1, umacChunk+(u.iters-1)*umacShift))
		u.setL2(umacDerive(keys, 2, u.iters*24))
		u.setL3(umacDerive(keys, 3, u.iters*64), umacDerive(keys, 4, u.iters*4))
		return u
	}
}

func newAES(key []byte) cipher.Block {
	block, err := aes.NewCipher(key)
	if err != nil {
		panic("mac: UMAC with a key of another size than the table says")
	}
	return block
}

// umacDerive is KDF (RFC 4418 §3.2.1).
func umacDerive(keys cipher.Block, index uint64, size int) []byte {
	var block [aes.BlockSize]byte
	out := make([]byte, 0, size+aes.BlockSize)
	for i := uint64(1); len(out) < size; i++ {
		binary.BigEndian.PutUint64(block[:], index)
		binary.BigEndian.PutUint64(block[8:], i)
		keys.Encrypt(block[:], block[:])
		out = append(out, block[:]...)
	}
	return out[:size]
}

func (u *umac) setL1(key []byte) {
	for i := range len(key) / 4 {
		u.l1[i] = binary.BigEndian.Uint32(key[4*i:])
	}
}

func (u *umac) setL2(key []byte) {
	for i := range u.iters {
		k := key[24*i:]
		u.l2[i] = umacL2Key{
			k64:  binary.BigEndian.Uint64(k) & polyMask,
			high: binary.BigEndian.Uint64(k[8:]) & polyMask, low: binary.BigEndian.Uint64(k[16:]) & polyMask,
		}
	}
}

func (u *umac) setL3(factors, masks []byte) {
	for i := range u.iters {
		for j := range u.l3[i].factors {
			u.l3[i].factors[j] = binary.BigEndian.Uint64(factors[64*i+8*j:]) % prime36
		}
		u.l3[i].mask = binary.BigEndian.Uint32(masks[4*i:])
	}
}

// Tag implements Authenticator.
func (u *umac) Tag(dst []byte, seq uint32, packet []byte) []byte {
	return u.tag(dst, uint64(seq), packet)
}

// tag appends UMAC(packet) with an eight-byte nonce (RFC 4418 §4.1, §5.1). Two tags of 8 bytes share one pad.
func (u *umac) tag(dst []byte, nonce uint64, packet []byte) []byte {
	size := 4 * u.iters
	part := nonce % uint64(aes.BlockSize/size)
	clear(u.pad[:])
	binary.BigEndian.PutUint64(u.pad[:], nonce-part)
	u.pads.Encrypt(u.pad[:], u.pad[:])
	for i := range u.iters {
		binary.BigEndian.PutUint32(u.hashed[4*i:], u.hash(i, packet))
	}
	pad := u.pad[int(part)*size:]
	for i := range size {
		u.hashed[i] ^= pad[i]
	}
	return append(dst, u.hashed[:size]...)
}

// hash is one iteration of UHASH (RFC 4418 §5.1): L1 makes eight bytes of each chunk, L2 sixteen of those, L3 four.
func (u *umac) hash(i int, message []byte) uint32 {
	key := u.l1[i*umacShift/4:][:umacChunk/4]
	if len(message) <= umacChunk {
		return u.l3[i].hash(0, u.chunk(key, message))
	}
	k, y := &u.l2[i], uint64(1)
	for n := 0; len(message) > 0; n++ {
		if n == umacL2First/8 {
			return u.l3[i].hash(u.hashLong(k, key, y, message))
		}
		c := message[:min(umacChunk, len(message))]
		message = message[len(c):]
		y = poly64(y, k.k64, u.chunk(key, c))
	}
	return u.l3[i].hash(0, y)
}

// hashLong goes on with L2 behind the first 16 MiB of a message (RFC 4418 §5.3): first the hash of what was before, then
// L1's output in words of 128 bits and, as the last, a one bit behind it.
func (u *umac) hashLong(k *umacL2Key, key []uint32, before uint64, message []byte) (high, low uint64) {
	high, low = poly128(0, 1, k, 0, before)
	for {
		var word [2]uint64
		for i := range word {
			if len(message) == 0 {
				word[i] = 1 << 63
				return poly128(high, low, k, word[0], word[1])
			}
			c := message[:min(umacChunk, len(message))]
			message = message[len(c):]
			word[i] = u.chunk(key, c)
		}
		high, low = poly128(high, low, k, word[0], word[1])
	}
}

// chunk is L1 of up to 1024 bytes (RFC 4418 §5.2): NH of the chunk, padded with zeros, plus its length in bits.
func (u *umac) chunk(key []uint32, c []byte) uint64 {
	whole := len(c) / umacStride * umacStride
	y := uint64(len(c))*8 + nh(key, c[:whole])
	if whole < len(c) || whole == 0 {
		clear(u.last[copy(u.last[:], c[whole:]):])
		y += nh(key[whole/4:], u.last[:])
	}
	return y
}

// nh is NH (RFC 4418 §5.2.2) of a multiple of 32 bytes, with a key at least as long.
func nh(key []uint32, c []byte) uint64 {
	var y uint64
	for len(c) >= umacStride && len(key) >= umacStride/4 {
		k, m := (*[8]uint32)(key), (*[umacStride]byte)(c)
		y += uint64(k[0]+binary.LittleEndian.Uint32(m[0:])) * uint64(k[4]+binary.LittleEndian.Uint32(m[16:]))
		y += uint64(k[1]+binary.LittleEndian.Uint32(m[4:])) * uint64(k[5]+binary.LittleEndian.Uint32(m[20:]))
		y += uint64(k[2]+binary.LittleEndian.Uint32(m[8:])) * uint64(k[6]+binary.LittleEndian.Uint32(m[24:]))
		y += uint64(k[3]+binary.LittleEndian.Uint32(m[12:])) * uint64(k[7]+binary.LittleEndian.Uint32(m[28:]))
		key, c = key[umacStride/4:], c[umacStride:]
	}
	return y
}

// poly64 takes one word into the polynomial y under the key k modulo 2^64 - 59 (RFC 4418 §5.3). A word near 2^64 would
// be no residue, so a marker and the word less the difference stand for it.
func poly64(y, k, word uint64) uint64 {
	if word >= polyRange {
		y = mulAdd64(y, k, prime64-1)
		word -= prime64Off
	}
	return mulAdd64(y, k, word)
}

// mulAdd64 returns (y*k + m) mod 2^64 - 59. Since 2^64 = 59 there, the upper half of a product counts 59 times.
func mulAdd64(y, k, m uint64) uint64 {
	high, low := bits.Mul64(y, k)
	over, fold := bits.Mul64(high, prime64Off)
	low, carry := bits.Add64(low, fold, 0)
	over += carry
	low, carry = bits.Add64(low, m, 0)
	over += carry
	low, carry = bits.Add64(low, over*prime64Off, 0)
	low += carry * prime64Off
	if low >= prime64 {
		low -= prime64
	}
	return low
}

// poly128 is poly64 for words of 128 bits, modulo 2^128 - 159.
func poly128(yHigh, yLow uint64, k *umacL2Key, high, low uint64) (uint64, uint64) {
	if high >= polyRange {
		yHigh, yLow = mulAdd128(yHigh, yLow, k, 1<<64-1, 1<<64-prime128Off-1)
		var borrow uint64
		low, borrow = bits.Sub64(low, prime128Off, 0)
		high -= borrow
	}
	return mulAdd128(yHigh, yLow, k, high, low)
}

// mulAdd128 returns (y*k + m) mod 2^128 - 159.
func mulAdd128(yHigh, yLow uint64, k *umacL2Key, high, low uint64) (uint64, uint64) {
	// The product, p[0] being the lowest word.
	var p [4]uint64
	var c, c1, c2 uint64
	p[1], p[0] = bits.Mul64(yLow, k.low)
	p[3], p[2] = bits.Mul64(yHigh, k.high)
	for _, cross := range [2][2]uint64{{yHigh, k.low}, {yLow, k.high}} {
		h, l := bits.Mul64(cross[0], cross[1])
		p[1], c = bits.Add64(p[1], l, 0)
		p[2], c = bits.Add64(p[2], h, c)
		p[3] += c
	}
	// 2^128 = 159: fold the upper half in, add m, and fold what that carries.
	h2, l2 := bits.Mul64(p[2], prime128Off)
	h3, l3 := bits.Mul64(p[3], prime128Off)
	p[0], c = bits.Add64(p[0], l2, 0)
	p[1], c1 = bits.Add64(p[1], l3, c)
	p[1], c = bits.Add64(p[1], h2, 0)
	over := h3 + c1 + c
	p[0], c = bits.Add64(p[0], low, 0)
	p[1], c = bits.Add64(p[1], high, c)
	over += c
	p[0], c = bits.Add64(p[0], over*prime128Off, 0)
	p[1], c = bits.Add64(p[1], 0, c)
	p[0], c2 = bits.Add64(p[0], c*prime128Off, 0)
	p[1] += c2
	if p[1] == 1<<64-1 && p[0] >= 1<<64-prime128Off {
		p[0], p[1] = p[0]-(1<<64-prime128Off), 0
	}
	return p[1], p[0]
}

// hash is L3 (RFC 4418 §5.4) of a 128-bit word: its eight parts of 16 bits times the factors, modulo 2^36 - 5. The sum
// is below 2^55, so that folding once leaves one subtraction, and nothing here takes longer for one value than another.
func (k *umacL3Key) hash(high, low uint64) uint32 {
	var y uint64
	for j := range 4 {
		y += k.factors[j] * (high >> (48 - 16*j) & 0xffff)
		y += k.factors[4+j] * (low >> (48 - 16*j) & 0xffff)
	}
	y = y&(1<<36-1) + 5*(y>>36)
	reduced := y - prime36
	borrow := -(reduced >> 63) // all ones where y was a residue already
	return uint32(reduced&^borrow|y&borrow) ^ k.mask
}
