package cipher

import (
	"crypto/subtle"
	"encoding/binary"
)

// Sizes of the ciphers with blocks of 64 bits.
const (
	block64Size = 8 // bytes
	lanes64     = 4 // blocks taken at once
)

// block64 is a cipher with blocks of 64 bits under a key. A block is its eight bytes as a number in network order, or its
// two halves. A round waits for the table lookups of the one before it, but not for those of other blocks, so that some
// blocks at once take little more time than one.
type block64 interface {
	encrypt(l, r uint32) (uint32, uint32)
	encryptLanes(x *[lanes64]uint64)
	decryptLanes(x *[lanes64]uint64)
}

// mode64 is the state of a mode. The lanes are a field because what is passed to an interface escapes.
type mode64 struct {
	block block64
	iv    uint64 // the last block of CBC, the next counter of CTR
	lanes [lanes64]uint64
	// key stream of CTR, of which the last unused bytes are left
	stream [lanes64 * block64Size]byte
	unused int
}

// newMode64 returns the constructor of a table row: newBlock's cipher in the mode that crypt is of.
func newMode64[B block64](newBlock func(key []byte) (B, error), crypt func(m *mode64, dst, src []byte)) func(key, iv []byte) (Transform, error) {
	return func(key, iv []byte) (Transform, error) {
		block, err := newBlock(key)
		if err != nil {
			return nil, err
		}
		m := &mode64{block: block, iv: binary.BigEndian.Uint64(iv)}
		return func(dst, src []byte) { crypt(m, dst, src) }, nil
	}
}

// encryptCBC is a Transform, of a chain: no block begins before the one in front of it is done.
func (m *mode64) encryptCBC(dst, src []byte) {
	l, r := uint32(m.iv>>32), uint32(m.iv)
	for len(src) > 0 {
		l, r = m.block.encrypt(l^binary.BigEndian.Uint32(src), r^binary.BigEndian.Uint32(src[4:]))
		binary.BigEndian.PutUint32(dst, l)
		binary.BigEndian.PutUint32(dst[4:], r)
		dst, src = dst[block64Size:], src[block64Size:]
	}
	m.iv = uint64(l)<<32 | uint64(r)
}

// decryptCBC is a Transform. Lanes behind the end hold old blocks, and what they give is not used.
func (m *mode64) decryptCBC(dst, src []byte) {
	for len(src) > 0 {
		n := min(lanes64, len(src)/block64Size)
		for i := range n {
			m.lanes[i] = binary.BigEndian.Uint64(src[i*block64Size:])
		}
		sealed := m.lanes
		m.block.decryptLanes(&m.lanes)
		for i := range n {
			binary.BigEndian.PutUint64(dst[i*block64Size:], m.lanes[i]^m.iv)
			m.iv = sealed[i]
		}
		dst, src = dst[n*block64Size:], src[n*block64Size:]
	}
}

// cryptCTR is a Transform of SDCTR (RFC 4344 §4).
func (m *mode64) cryptCTR(dst, src []byte) {
	for len(src) > 0 {
		if m.unused == 0 {
			m.refill()
		}
		n := subtle.XORBytes(dst, src, m.stream[len(m.stream)-m.unused:])
		m.unused -= n
		dst, src = dst[n:], src[n:]
	}
}

// refill makes the key stream of the next counters.
func (m *mode64) refill() {
	for i := range m.lanes {
		m.lanes[i] = m.iv
		m.iv++
	}
	m.block.encryptLanes(&m.lanes)
	for i, x := range m.lanes {
		binary.BigEndian.PutUint64(m.stream[i*block64Size:], x)
	}
	m.unused = len(m.stream)
}
