package transport

import (
	"math/bits"
	"sync"
)

const (
	maxCode    = 15  // bits of the longest code (RFC 1951 §3.2.7)
	fastBits   = 9   // bits that one look into the table decodes
	maxSymbols = 288 // of the fixed literal code
)

// huffman is a canonical prefix code (RFC 1951 §3.2.2). Codes of up to fastBits are decoded by a table, the rest, which
// are rare by their nature, bit by bit.
type huffman struct {
	fast    [1 << fastBits]uint16 // by the next bits: symbol<<4 | length of its code; 0 where the code is longer
	count   [maxCode + 1]uint16   // codes of each length
	symbols [maxSymbols]uint16    // by length of code, then by value
}

// build makes the code whose lengths, one a symbol, are given; 0 is a symbol that does not occur. It reports false for
// lengths that no code has, and for those that leave bit strings unused, except, if lax, for one code of one bit or none
// at all: blocks with one distance or without matches have these.
func (h *huffman) build(lengths []uint8, lax bool) bool {
	clear(h.count[:])
	for _, n := range lengths {
		h.count[n]++
	}
	none := int(h.count[0])
	h.count[0] = 0
	left, longest := 1, 0
	var offset [maxCode + 2]uint16
	for n := 1; n <= maxCode; n++ {
		left = left<<1 - int(h.count[n])
		if left < 0 {
			return false
		}
		if h.count[n] > 0 {
			longest = n
		}
		offset[n+1] = offset[n] + h.count[n]
	}
	if left > 0 && !(lax && longest <= 1 && len(lengths)-none <= 1) {
		return false
	}
	for symbol, n := range lengths {
		if n > 0 {
			h.symbols[offset[n]] = uint16(symbol)
			offset[n]++
		}
	}
	h.fillFast()
	return true
}

// fillFast enters each short code at all indexes that begin, from the lowest bit, with it.
func (h *huffman) fillFast() {
	clear(h.fast[:])
	code, next := 0, 0
	for n := 1; n <= fastBits; n++ {
		for range h.count[n] {
			entry := h.symbols[next]<<4 | uint16(n)
			for i := int(bits.Reverse16(uint16(code)) >> (16 - n)); i < len(h.fast); i += 1 << n {
				h.fast[i] = entry
			}
			code++
			next++
		}
		code <<= 1
	}
}

// symbol decodes the symbol that b begins with, from the lowest bit, and returns the length n of its code: 0 if there is
// no such code. The caller checks that b has n valid bits; invalid bits do not change an answer whose n is valid.
func (h *huffman) symbol(b uint64) (symbol, n int) {
	if e := h.fast[b&(1<<fastBits-1)]; e != 0 {
		return int(e >> 4), int(e & 15)
	}
	return h.slow(b)
}

func (h *huffman) slow(b uint64) (symbol, n int) {
	code, first, index := 0, 0, 0
	for n := 1; n <= maxCode; n++ {
		code |= int(b & 1)
		b >>= 1
		count := int(h.count[n])
		if code-first < count {
			return int(h.symbols[index+code-first]), n
		}
		index += count
		first = (first + count) << 1
		code <<= 1
	}
	return 0, 0
}

// fixedLit and fixedDist return the codes of RFC 1951 §3.2.6, built once and never changed.
var (
	fixedLit = sync.OnceValue(func() *huffman {
		var lengths [maxSymbols]uint8
		for i := range lengths {
			switch {
			case i < 144 || i >= 280:
				lengths[i] = 8
			case i < 256:
				lengths[i] = 9
			default:
				lengths[i] = 7
			}
		}
		h := new(huffman)
		h.build(lengths[:], false)
		return h
	})
	fixedDist = sync.OnceValue(func() *huffman {
		lengths := [32]uint8{}
		for i := range lengths {
			lengths[i] = 5
		}
		h := new(huffman)
		h.build(lengths[:], false)
		return h
	})
)

// extraRow is what a length or distance symbol stands for: base plus the value of extra more bits (RFC 1951 §3.2.5).
type extraRow struct {
	base  uint16
	extra uint8
}

var lengthRows = [...]extraRow{
	{3, 0}, {4, 0}, {5, 0}, {6, 0}, {7, 0}, {8, 0}, {9, 0}, {10, 0}, {11, 1}, {13, 1}, {15, 1}, {17, 1}, {19, 2}, {23, 2},
	{27, 2}, {31, 2}, {35, 3}, {43, 3}, {51, 3}, {59, 3}, {67, 4}, {83, 4}, {99, 4}, {115, 4}, {131, 5}, {163, 5}, {195, 5},
	{227, 5}, {258, 0},
}

var distanceRows = [...]extraRow{
	{1, 0}, {2, 0}, {3, 0}, {4, 0}, {5, 1}, {7, 1}, {9, 2}, {13, 2}, {17, 3}, {25, 3}, {33, 4}, {49, 4}, {65, 5}, {97, 5},
	{129, 6}, {193, 6}, {257, 7}, {385, 7}, {513, 8}, {769, 8}, {1025, 9}, {1537, 9}, {2049, 10}, {3073, 10}, {4097, 11},
	{6145, 11}, {8193, 12}, {12289, 12}, {16385, 13}, {24577, 13},
}
