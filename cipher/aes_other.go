//go:build !amd64

package cipher

// There is no AES code of ours here: the has functions say so, and the others are never called.

func hasVectorCBC() bool { return false }

func hasVectorAES() bool { return false }

func decryptCBC(*aesKeys, *[16]byte, *byte, int) { panic("cipher: no vector instructions") }

func encryptCBC(*aesKeys, *[16]byte, *byte, int) { panic("cipher: no vector instructions") }

func subWord(uint32) uint32 { panic("cipher: no vector instructions") }

func invertRoundKey(*[16]byte) { panic("cipher: no vector instructions") }

func ctrBlocks(*aesKeys, *[12]byte, uint32, *byte, int) { panic("cipher: no vector instructions") }

func ghashBlocks(*hashKey, *[16]byte, *byte, int) { panic("cipher: no vector instructions") }

func gcmGroups(*aesKeys, *hashKey, *[12]byte, uint32, *[16]byte, *byte, int, int) {
	panic("cipher: no vector instructions")
}

func gcmFinish(*aesKeys, *hashKey, *[12]byte, *[16]byte, int, int) {
	panic("cipher: no vector instructions")
}
