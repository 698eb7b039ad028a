package cipher

import (
	"encoding/binary"
	"math/bits"

	//lint:ignore SA1019 this is a composite that needs Poly1305 by itself, over an encrypted length
	"golang.org/x/crypto/poly1305"
)

// polySum sets tag to the Poly1305 of text (RFC 8439 §2.5) under a key that is used once: as 4 or 8 sums side by side
// where the text is long enough to repay the powers of r, or as one.
func polySum(tag *[poly1305.TagSize]byte, text []byte, key *[32]byte, sums int) {
	if sums > 1 && len(text) >= vectorPolyMin {
		polyVector(tag, text, key, sums)
		return
	}
	poly1305.Sum(tag, text, key)
}

// vectorPolyMin is from which length on, in bytes, the vector code is faster.
const vectorPolyMin = 1024

// polyGroup is how many bytes polyEights and polyFours take at a time: eight blocks.
const polyGroup = 8 * 16

// polyVector computes 4 or 8 sums side by side, adds them up, and goes on block by block with the rest.
func polyVector(tag *[poly1305.TagSize]byte, text []byte, key *[32]byte, sums int) {
	const clamp0, clamp1 = 0x0ffffffc0fffffff, 0x0ffffffc0ffffffc
	r := newLimbs(binary.LittleEndian.Uint64(key[0:])&clamp0, binary.LittleEndian.Uint64(key[8:])&clamp1, 0)
	var h limbs
	n := len(text) / polyGroup
	if sums == 8 {
		h.eightSums(&r, text, n)
	} else {
		h.fourSums(&r, text, n)
	}
	text = text[n*polyGroup:]
	for len(text) >= 16 {
		h.block(&r, binary.LittleEndian.Uint64(text), binary.LittleEndian.Uint64(text[8:]), 1)
		text = text[16:]
	}
	if len(text) > 0 {
		var last [16]byte
		last[copy(last[:], text)] = 1
		h.block(&r, binary.LittleEndian.Uint64(last[:]), binary.LittleEndian.Uint64(last[8:]), 0)
	}
	h.finish(tag, binary.LittleEndian.Uint64(key[16:]), binary.LittleEndian.Uint64(key[24:]))
}

// eightOrder is which of eight blocks in a row each sum of polyEights begins with.
var eightOrder = [8]int{0, 4, 1, 5, 2, 6, 3, 7}

// eightSums takes n groups of text by polyEights.
func (h *limbs) eightSums(r *limbs, text []byte, n int) {
	r8 := *r
	for range 3 {
		r8.multiply(&r8)
	}
	var sums [3][8]uint64
	polyEights(&sums, &[5]uint64{r8[0], r8[1], r8[2], 20 * r8[1], 20 * r8[2]}, &text[0], n)
	var inOrder [8]limbs
	for i, at := range eightOrder {
		inOrder[at] = limbs{sums[0][i], sums[1][i], sums[2][i]}
	}
	h.addUp(r, inOrder[:])
}

// fourOrder is which of four blocks in a row each sum of polyFours begins with.
var fourOrder = [4]int{0, 2, 1, 3}

// fourSums takes n groups of text by polyFours.
func (h *limbs) fourSums(r *limbs, text []byte, n int) {
	r4 := *r
	for range 2 {
		r4.multiply(&r4)
	}
	r8 := r4
	r8.multiply(&r8)
	var sums [5][4]uint64
	polyFours(&sums, &[2][9]uint32{r8.multipliers26(), r4.multipliers26()}, &text[0], n)
	var inOrder [4]limbs
	for i, at := range fourOrder {
		inOrder[at] = fromLimbs26(sums[0][i], sums[1][i], sums[2][i], sums[3][i], sums[4][i])
	}
	h.addUp(r, inOrder[:])
}

// addUp adds sums side by side. Sum i is i blocks nearer to the end than the first: as if they were blocks in a row.
func (h *limbs) addUp(r *limbs, sums []limbs) {
	for i := range sums {
		h.add(&sums[i])
		h.multiply(r)
	}
}

// limbs is a number modulo 2^130-5, in parts of 44, 44 and 42 bits, each with a little room above.
type limbs [3]uint64

const mask44, mask42, mask26 = 1<<44 - 1, 1<<42 - 1, 1<<26 - 1

// newLimbs returns lo + hi 2^64 + top 2^128.
func newLimbs(lo, hi, top uint64) limbs {
	return limbs{lo & mask44, (lo>>44 | hi<<20) & mask44, hi>>24 | top<<40}
}

// multipliers26 returns h in limbs of 26 bits and, behind them, 5 times all but the lowest: what is beyond 2^130 comes back
// 5 times.
func (h *limbs) multipliers26() [9]uint32 {
	r := [5]uint64{h[0] & mask26, h[0]>>26 + h[1]<<18&mask26, h[1] >> 8 & mask26, h[1]>>34 + h[2]<<10&mask26, h[2] >> 16}
	var m [9]uint32
	for i := range r {
		m[i] = uint32(r[i])
		if i > 0 {
			m[4+i] = 5 * m[i]
		}
	}
	return m
}

// fromLimbs26 returns the number whose limbs of 26 bits these are, each with a little room above.
func fromLimbs26(l0, l1, l2, l3, l4 uint64) limbs {
	return limbs{l0 + l1<<26&mask44, l1>>18 + l2<<8 + l3<<34&mask44, l3>>10 + l4<<16}
}

func (h *limbs) add(m *limbs) {
	h[0] += m[0]
	h[1] += m[1]
	h[2] += m[2]
}

// block takes one block, with the bit that is set behind it in top, or in the block itself.
func (h *limbs) block(r *limbs, lo, hi, top uint64) {
	m := newLimbs(lo, hi, top)
	h.add(&m)
	h.multiply(r)
}

// wide is a sum of products.
type wide struct{ hi, lo uint64 }

// sum3 returns a x + b y + c z.
func sum3(a, x, b, y, c, z uint64) wide {
	hi, lo := bits.Mul64(a, x)
	hi1, lo1 := bits.Mul64(b, y)
	hi2, lo2 := bits.Mul64(c, z)
	lo, carry := bits.Add64(lo, lo1, 0)
	hi, _ = bits.Add64(hi, hi1, carry)
	lo, carry = bits.Add64(lo, lo2, 0)
	hi, _ = bits.Add64(hi, hi2, carry)
	return wide{hi, lo}
}

// shift returns the bits of w from n on.
func (w wide) shift(n uint) uint64 { return w.hi<<(64-n) | w.lo>>n }

func (w wide) add(c uint64) wide {
	lo, carry := bits.Add64(w.lo, c, 0)
	return wide{w.hi + carry, lo}
}

// multiply sets h to h r. Products beyond 2^132 come back 20 times, for 2^130 is 5.
func (h *limbs) multiply(r *limbs) {
	h0, h1, h2 := h[0], h[1], h[2]
	s1, s2 := 20*r[1], 20*r[2]
	d0 := sum3(h0, r[0], h1, s2, h2, s1)
	d1 := sum3(h0, r[1], h1, r[0], h2, s2).add(d0.shift(44))
	d2 := sum3(h0, r[2], h1, r[1], h2, r[0]).add(d1.shift(44))
	low := d0.lo&mask44 + 5*d2.shift(42)
	h[0] = low & mask44
	h[1] = d1.lo&mask44 + low>>44
	h[2] = d2.lo & mask42
}

// finish sets tag to h mod 2^130-5, plus s, mod 2^128, in constant time.
func (h *limbs) finish(tag *[poly1305.TagSize]byte, s0, s1 uint64) {
	for range 2 { // so that every limb has its bits and no more
		c := h[0] >> 44
		h[0] &= mask44
		h[1] += c
		c = h[1] >> 44
		h[1] &= mask44
		h[2] += c
		c = h[2] >> 42
		h[2] &= mask42
		h[0] += 5 * c
	}
	c := h[0] >> 44
	h[0] &= mask44
	h[1] += c
	// h - (2^130-5) = h + 5 - 2^130: taken where it does not go below zero.
	g0 := h[0] + 5
	g1 := h[1] + g0>>44
	g2 := h[2] + g1>>44 - 1<<42
	keep := g2 >> 63 * (1<<64 - 1) // all ones where h is the smaller
	h0 := h[0]&keep | g0&mask44&^keep
	h1 := h[1]&keep | g1&mask44&^keep
	h2 := h[2]&keep | g2&^keep
	lo, carry := bits.Add64(h0|h1<<44, s0, 0)
	hi, _ := bits.Add64(h1>>20|h2<<24, s1, carry)
	binary.LittleEndian.PutUint64(tag[0:], lo)
	binary.LittleEndian.PutUint64(tag[8:], hi)
}
