package cipher

import "golang.org/x/sys/cpu"

// decryptCBC decrypts n blocks of 16 bytes in place, and leaves the last of them as it was in iv. keys are inverted.
//
//go:noescape
func decryptCBC(keys *aesKeys, iv *[16]byte, p *byte, n int)

// subWord is SubWord of FIPS 197 §5.2, without a table and so in constant time.
func subWord(x uint32) uint32

// invertRoundKey applies InvMixColumns (FIPS 197 §5.3.3).
//
//go:noescape
func invertRoundKey(key *[16]byte)

// hasVectorCBC reports whether the processor has the instructions of the three functions above.
func hasVectorCBC() bool { return cpu.X86.HasAES && cpu.X86.HasSSE2 }
