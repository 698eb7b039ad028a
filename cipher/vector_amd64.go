package cipher

import "golang.org/x/sys/cpu"

// chachaEights xors n groups of 512 bytes, at least one, from src to dst with the key stream of eight blocks at a time,
// block i of key and column i of tails, whose counters (row 0) it moves on by 8 a group. dst and src are the same or do not
// overlap.
//
//go:noescape
func chachaEights(key *chachaKey, tails *chachaTails, dst, src *byte, n int)

// polyFours takes n groups of 128 bytes, at least one, from p into the four sums of h, whose limbs count by 26 bits. r is
// the eighth and the fourth power of the key's r in such limbs, each with 5 times limbs 1 to 4 behind. Sum i is of every
// fourth block beginning with block fourOrder[i].
//
//go:noescape
func polyFours(h *[5][4]uint64, r *[2][9]uint32, p *byte, n int)

// hasAVX2 reports whether the processor has the instructions of chachaEights and polyFours.
func hasAVX2() bool { return cpu.X86.HasAVX2 }

// chachaSixteens xors n groups of 1024 bytes, at least one, from src to dst with the key stream of state, whose counter
// (word 12) it moves on by 16 a group. dst and src are the same or do not overlap.
//
//go:noescape
func chachaSixteens(state *[16]uint32, dst, src *byte, n int)

// hasAVX512 reports whether the processor has the instructions of chachaSixteens.
func hasAVX512() bool { return cpu.X86.HasAVX512F && cpu.X86.HasAVX512VL }

// polyEights takes n groups of 128 bytes, at least one, from p into the eight sums of h, whose limbs count by 0, 44 and
// 88 bits. r is the eighth power of the key's r in such limbs, and 20 times its limbs 1 and 2. Sum i is of every eighth
// block beginning with block eightOrder[i].
//
//go:noescape
func polyEights(h *[3][8]uint64, r *[5]uint64, p *byte, n int)

// hasIFMA reports whether the processor has the instructions of polyEights.
func hasIFMA() bool { return cpu.X86.HasAVX512F && cpu.X86.HasAVX512IFMA }
