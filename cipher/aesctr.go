package cipher

import (
	"crypto/aes"
	"encoding/binary"
	"math/bits"
)

// aesCTR is AES in SDCTR mode (RFC 4344 §4) by the vector code of GCM, twice as fast as the standard library.
type aesCTR struct {
	keys    aesKeys
	counter [aes.BlockSize]byte // the next, in network order
}

// newAESCTR is the constructor of the aes-ctr rows: with vector instructions where the processor has them.
func newAESCTR(key, iv []byte) (Transform, error) {
	if !hasVectorAES() {
		return newCTR(aes.NewCipher)(key, iv)
	}
	s := &aesCTR{counter: [aes.BlockSize]byte(iv)}
	if err := s.keys.set(key); err != nil {
		return nil, err
	}
	return s.crypt, nil
}

// crypt is a Transform.
func (s *aesCTR) crypt(dst, src []byte) {
	copy(dst, src) // nothing where they are the same
	for len(dst) >= aes.BlockSize {
		block := binary.BigEndian.Uint32(s.counter[12:])
		n := min(uint64(len(dst)/aes.BlockSize), 1<<32-uint64(block)) // until the last word wraps
		ctrBlocks(&s.keys, (*[12]byte)(s.counter[:]), block, &dst[0], int(n))
		s.advance(n)
		dst = dst[n*aes.BlockSize:]
	}
}

// advance adds n to the counter, modulo 2^128.
func (s *aesCTR) advance(n uint64) {
	low, carry := bits.Add64(binary.BigEndian.Uint64(s.counter[8:]), n, 0)
	binary.BigEndian.PutUint64(s.counter[8:], low)
	binary.BigEndian.PutUint64(s.counter[:], binary.BigEndian.Uint64(s.counter[:])+carry)
}
