package cipher

import "golang.org/x/sys/cpu"

// decryptCBC decrypts n blocks of 16 bytes in place, and leaves the last of them as it was in iv. keys are inverted.
//
//go:noescape
func decryptCBC(keys *aesKeys, iv *[16]byte, p *byte, n int)

// encryptCBC encrypts n blocks of 16 bytes, at least one, in place, and leaves the last of them in iv.
//
//go:noescape
func encryptCBC(keys *aesKeys, iv *[16]byte, p *byte, n int)

// subWord is SubWord of FIPS 197 §5.2, without a table and so in constant time.
func subWord(x uint32) uint32

// invertRoundKey applies InvMixColumns (FIPS 197 §5.3.3).
//
//go:noescape
func invertRoundKey(key *[16]byte)

// hasVectorCBC reports whether the processor has the instructions of the four functions above.
func hasVectorCBC() bool { return cpu.X86.HasAES && cpu.X86.HasSSE2 }

// ctrBlocks xors the key stream of n counter blocks, at least one, to p in place: the nonce and 32 bits, which begin with
// block and wrap (SP 800-38D §6.5).
//
//go:noescape
func ctrBlocks(keys *aesKeys, nonce *[12]byte, block uint32, p *byte, n int)

// ghashBlocks takes n blocks, at least one, into the sum (SP 800-38D §6.4).
//
//go:noescape
func ghashBlocks(key *hashKey, sum *[16]byte, p *byte, n int)

// gcmGroups is ctrBlocks for n groups of sixteen blocks, at least one, and meanwhile takes as many groups into the sum:
// those lag bytes before, 256 or more, or with lag 0 the same as they were before.
//
//go:noescape
func gcmGroups(keys *aesKeys, key *hashKey, nonce *[12]byte, block uint32, sum *[16]byte, p *byte, lag, n int)

// gcmFinish takes the lengths of data and text, in bytes, into the sum, and makes it the tag (SP 800-38D §7.1 steps 4 to 6).
//
//go:noescape
func gcmFinish(keys *aesKeys, key *hashKey, nonce *[12]byte, sum *[16]byte, data, text int)

// vectorAESBits is what the processor says of its instructions in ECX (leaf 7 of CPUID): golang.org/x/sys/cpu tells of
// these two only where there is AVX-512.
func vectorAESBits() uint32

const bitVAES, bitVPCLMULQDQ = 1 << 9, 1 << 10

// vectorAES is whether the processor has the instructions of the four functions above. It is asked once, since under a
// hypervisor the answer takes long.
var vectorAES = cpu.X86.HasAVX2 && cpu.X86.HasAES && vectorAESBits()&(bitVAES|bitVPCLMULQDQ) == bitVAES|bitVPCLMULQDQ

func hasVectorAES() bool { return vectorAES }
