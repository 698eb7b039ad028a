//go:build !amd64

package cipher

// There is no AES code of ours here: the has functions say so, and the others are never called.

func hasVectorCBC() bool { return false }

func decryptCBC(*aesKeys, *[16]byte, *byte, int) { panic("cipher: no vector instructions") }

func subWord(uint32) uint32 { panic("cipher: no vector instructions") }

func invertRoundKey(*[16]byte) { panic("cipher: no vector instructions") }
