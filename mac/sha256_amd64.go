package mac

import "golang.org/x/sys/cpu"

// sha256Blocks hashes n blocks of 64 bytes from p into state.
//
//go:noescape
func sha256Blocks(state *[8]uint32, p *byte, n int)

// sha256TwoBlocks hashes n blocks from p into a, and n from q into b.
//
//go:noescape
func sha256TwoBlocks(a, b *[8]uint32, p, q *byte, n int)

func cpuid(leaf, sub uint32) (eax, ebx uint32)

// hasSHA256 reports whether the processor has the instructions of the functions above: the SHA extensions (leaf 7, EBX
// bit 29), SSSE3 and SSE4.1. Of a leaf beyond its last, which leaf 0 tells, a processor says anything.
func hasSHA256() bool {
	if !cpu.X86.HasSSSE3 || !cpu.X86.HasSSE41 {
		return false
	}
	if last, _ := cpuid(0, 0); last < 7 {
		return false
	}
	_, ebx := cpuid(7, 0)
	return ebx&(1<<29) != 0
}
