package cipher

import (
	"bytes"
	"encoding/binary"
	"math/big"
	"math/bits"
	"testing"
)

// The twins do in Go, plainly, what the assembly functions of their names do. On the way through a packet the functions
// never see most of what their contracts allow: counters that wrap, powers of r that are none, sums at the edge.

// chachaBlock is the block function of RFC 8439 §2.3.
func chachaBlock(state [16]uint32) (block [64]byte) {
	w := state
	quarter := func(a, b, c, d int) {
		w[a] += w[b]
		w[d] = bits.RotateLeft32(w[d]^w[a], 16)
		w[c] += w[d]
		w[b] = bits.RotateLeft32(w[b]^w[c], 12)
		w[a] += w[b]
		w[d] = bits.RotateLeft32(w[d]^w[a], 8)
		w[c] += w[d]
		w[b] = bits.RotateLeft32(w[b]^w[c], 7)
	}
	for range 10 {
		for i := range 4 {
			quarter(i, 4+i, 8+i, 12+i)
		}
		for i := range 4 {
			quarter(i, 4+(i+1)%4, 8+(i+2)%4, 12+(i+3)%4)
		}
	}
	for i := range w {
		binary.LittleEndian.PutUint32(block[4*i:], w[i]+state[i])
	}
	return block
}

func chachaEightsTwin(key *chachaKey, tails *chachaTails, text []byte, n int) {
	var state [16]uint32
	copy(state[:], key[:])
	for i := range 8 * n {
		for j := range tails {
			state[12+j] = tails[j][i%8]
		}
		tails[0][i%8] += 8
		for j, b := range chachaBlock(state) {
			text[64*i+j] ^= b
		}
	}
}

func chachaSixteensTwin(state *[16]uint32, text []byte, n int) {
	for i := range 16 * n {
		for j, b := range chachaBlock(*state) {
			text[64*i+j] ^= b
		}
		state[12]++
	}
}

// polyTwin continues sums side by side, block i of text in the sum whose place in order is i modulo their number, each
// multiplied by power before a block is added.
func polyTwin(sums []*big.Int, order []int, power *big.Int, text []byte) {
	for i := range len(text) / 16 {
		for j, at := range order {
			if at == i%len(order) {
				sums[j].Mul(sums[j], power).Add(sums[j], polyBlock(text[16*i:])).Mod(sums[j], polyPrime())
			}
		}
	}
}

// polyPrime is 2^130-5.
func polyPrime() *big.Int {
	p := new(big.Int).Lsh(big.NewInt(1), 130)
	return p.Sub(p, big.NewInt(5))
}

// polyBlock is the number that a whole block stands for.
func polyBlock(text []byte) *big.Int {
	block := []byte{1}
	for i := range 16 {
		block = append(block, text[15-i])
	}
	return new(big.Int).SetBytes(block)
}

// fromLimbs returns the number whose limbs of width bits these are.
func fromLimbs[L uint32 | uint64](limbs []L, width uint) *big.Int {
	n := new(big.Int)
	for i := len(limbs) - 1; i >= 0; i-- {
		n.Lsh(n, width).Add(n, new(big.Int).SetUint64(uint64(limbs[i])))
	}
	return n
}

// toLimbs returns five limbs of 26 bits, or three of 44.
func toLimbs(n *big.Int, width uint) []uint64 {
	var limbs []uint64
	rest, mask := new(big.Int).Set(n), big.NewInt(1<<width-1)
	for range (130 + width - 1) / width {
		limbs = append(limbs, new(big.Int).And(rest, mask).Uint64())
		rest.Rsh(rest, width)
	}
	return limbs
}

// source gives any number of bytes, of which a fuzzer decides the first.
type source struct {
	input []byte
	more  uint32
}

func (s *source) bytes(n int) []byte {
	p := make([]byte, n)
	s.input = s.input[copy(p, s.input):]
	for i := range p {
		s.more = s.more*1664525 + 1013904223
		p[i] ^= byte(s.more >> 24)
	}
	return p
}

func (s *source) words(w []uint32) {
	for i := range w {
		w[i] = binary.LittleEndian.Uint32(s.bytes(4))
	}
}

// number returns one below 2^130-5: half of them near to it, or to 0.
func (s *source) number() *big.Int {
	n := new(big.Int).SetBytes(s.bytes(17))
	switch s.bytes(1)[0] % 4 {
	case 0:
		n.Rsh(n, 130)
	case 1:
		n.Sub(polyPrime(), n.Rsh(n, 130)).Sub(n, big.NewInt(1))
	}
	return n.Mod(n, polyPrime())
}

func checkChaChaTwins(t *testing.T, s *source, n int) {
	t.Helper()
	text := s.bytes(n*chachaSixteen + 1)[1:]
	got, want := bytes.Clone(text), bytes.Clone(text)
	if hasAVX2() {
		var key chachaKey
		var tails, after chachaTails
		s.words(key[:])
		for i := range tails {
			s.words(tails[i][:])
		}
		after = tails
		chachaEights(&key, &tails, &got[0], &text[0], 2*n)
		if chachaEightsTwin(&key, &after, want, 2*n); !bytes.Equal(got, want) || tails != after {
			t.Fatalf("chachaEights of %d: %x, want %x", 2*n, got, want)
		}
	}
	if hasAVX512() {
		var state, after [16]uint32
		s.words(state[:])
		after = state
		got, want = bytes.Clone(text), bytes.Clone(text)
		chachaSixteens(&state, &got[0], &text[0], n)
		if chachaSixteensTwin(&after, want, n); !bytes.Equal(got, want) || state != after {
			t.Fatalf("chachaSixteens of %d: %x, want %x", n, got, want)
		}
	}
}

func checkPolyTwins(t *testing.T, s *source, n int) {
	t.Helper()
	text := s.bytes(n*polyGroup + 1)[1:]
	power, sums := s.number(), make([]*big.Int, 8)
	for i := range sums {
		sums[i] = s.number()
	}
	if hasAVX2() {
		got := foursOf(sums[:4], power, text, n)
		want := clonedNumbers(sums[:4])
		polyTwin(want, fourOrder[:], power, text)
		compareSums(t, "polyFours", got, want)
	}
	if hasIFMA() {
		got := eightsOf(sums, power, text, n)
		want := clonedNumbers(sums)
		polyTwin(want, eightOrder[:], power, text)
		compareSums(t, "polyEights", got, want)
	}
}

func clonedNumbers(list []*big.Int) []*big.Int {
	var out []*big.Int
	for _, n := range list {
		out = append(out, new(big.Int).Set(n))
	}
	return out
}

func compareSums(t *testing.T, name string, got, want []*big.Int) {
	t.Helper()
	for i := range got {
		if got[i].Mod(got[i], polyPrime()).Cmp(want[i]) != 0 {
			t.Fatalf("%s, sum %d: %x, want %x", name, i, got[i], want[i])
		}
	}
}

// foursOf continues sums, as big numbers, by polyFours.
func foursOf(sums []*big.Int, r4 *big.Int, text []byte, n int) []*big.Int {
	var h [5][4]uint64
	for i := range sums {
		for j, l := range toLimbs(sums[i], 26) {
			h[j][i] = l
		}
	}
	r8 := new(big.Int).Mul(r4, r4)
	var r [2][9]uint32
	for i, power := range []*big.Int{r8.Mod(r8, polyPrime()), r4} {
		l := toLimbs(power, 44)
		r[i] = (&limbs{l[0], l[1], l[2]}).multipliers26()
	}
	polyFours(&h, &r, &text[0], n)
	var out []*big.Int
	for i := range sums {
		out = append(out, fromLimbs([]uint64{h[0][i], h[1][i], h[2][i], h[3][i], h[4][i]}, 26))
	}
	return out
}

// eightsOf continues sums, as big numbers, by polyEights.
func eightsOf(sums []*big.Int, r8 *big.Int, text []byte, n int) []*big.Int {
	var h [3][8]uint64
	for i := range sums {
		for j, l := range toLimbs(sums[i], 44) {
			h[j][i] = l
		}
	}
	r := toLimbs(r8, 44)
	polyEights(&h, &[5]uint64{r[0], r[1], r[2], 20 * r[1], 20 * r[2]}, &text[0], n)
	var out []*big.Int
	for i := range sums {
		out = append(out, fromLimbs([]uint64{h[0][i], h[1][i], h[2][i]}, 44))
	}
	return out
}

// TestTwins compares each assembly function with its twin.
func TestTwins(t *testing.T) {
	needVectors(t, hasAVX2())
	for n := 1; n < 40; n++ {
		s := &source{more: uint32(n)}
		checkChaChaTwins(t, s, n%5+1)
		checkPolyTwins(t, s, n)
	}
}

func FuzzTwins(f *testing.F) {
	f.Add([]byte("input"), uint32(1), uint8(1))
	f.Add(bytes.Repeat([]byte{0xff}, 3000), uint32(2), uint8(9))
	f.Fuzz(func(t *testing.T, input []byte, more uint32, n uint8) {
		s := &source{input: input, more: more}
		checkChaChaTwins(t, s, int(n)%4+1)
		checkPolyTwins(t, s, int(n)%16+1)
	})
}

// TestLimbs26 takes numbers to limbs of 26 bits and back, with limbs 1 of one bit more than they should have, too.
func TestLimbs26(t *testing.T) {
	s := &source{more: 5}
	for range 1000 {
		l := toLimbs(s.number(), 44)
		if l[2] > 0 && l[1] == 0 {
			l[1], l[2] = 1<<44, l[2]-1
		}
		want := fromLimbs(l, 44)
		m := (&limbs{l[0], l[1], l[2]}).multipliers26()
		if got := fromLimbs(m[:5], 26); got.Cmp(want) != 0 {
			t.Fatalf("%x: to %x", want, m)
		}
		for i := 1; i < 5; i++ {
			if m[4+i] != 5*m[i] {
				t.Fatalf("limb %d of %x", i, m)
			}
		}
		back := fromLimbs26(uint64(m[0]), uint64(m[1]), uint64(m[2]), uint64(m[3]), uint64(m[4]))
		if got := fromLimbs(back[:], 44); got.Cmp(want) != 0 {
			t.Fatalf("%x: back to %x", want, back)
		}
	}
}
