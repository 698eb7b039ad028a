package cipher

import "golang.org/x/sys/cpu"

// chachaGroups xors n groups of 1024 bytes, at least one, from src to dst with the key stream of state, whose counter
// (word 12) it moves on by 16 a group. dst and src are the same or do not overlap.
//
//go:noescape
func chachaGroups(state *[16]uint32, dst, src *byte, n int)

// hasVectorChaCha reports whether the processor has the instructions of chachaGroups.
func hasVectorChaCha() bool { return cpu.X86.HasAVX512F && cpu.X86.HasAVX512VL }

// polyGroups takes n groups of 128 bytes, at least one, from p into the eight sums of h, whose limbs count by 0, 44 and
// 88 bits. r is the eighth power of the key's r in such limbs, and 20 times its limbs 1 and 2. Sum i is of every eighth
// block beginning with block polyOrder[i].
//
//go:noescape
func polyGroups(h *[3][8]uint64, r *[5]uint64, p *byte, n int)

// hasVectorPoly reports whether the processor has the instructions of polyGroups.
func hasVectorPoly() bool { return cpu.X86.HasAVX512F && cpu.X86.HasAVX512IFMA }
