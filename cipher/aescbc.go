package cipher

import (
	"crypto/aes"
	"encoding/binary"
)

// aesCBCDecrypter decrypts AES in CBC mode many blocks at a time: unlike in encryption no block waits for another, which
// the standard library makes no use of.
type aesCBCDecrypter struct {
	keys   [15][aes.BlockSize]byte // of the equivalent inverse cipher, in the order of their use
	rounds int
	iv     [aes.BlockSize]byte
}

// newAESCBCDecrypt is the constructor of the aes-cbc rows: with the instructions for AES where the processor has them.
func newAESCBCDecrypt(key, iv []byte) (Transform, error) {
	if !hasVectorCBC() {
		return newCBCDecrypt(aes.NewCipher)(key, iv)
	}
	switch len(key) {
	case 16, 24, 32:
	default:
		return nil, aes.KeySizeError(len(key))
	}
	d := &aesCBCDecrypter{rounds: len(key)/4 + 6}
	copy(d.iv[:], iv)
	d.expand(key)
	return d.crypt, nil
}

// expand makes the key schedule (FIPS 197 §5.2) and turns it round for decryption (§5.3.5).
func (d *aesCBCDecrypter) expand(key []byte) {
	var w [4 * 15]uint32
	words, rcon := len(key)/4, uint32(1)
	for i := range 4 * (d.rounds + 1) {
		if i < words {
			w[i] = binary.LittleEndian.Uint32(key[4*i:])
			continue
		}
		t := w[i-1]
		switch {
		case i%words == 0:
			t = subWord(t>>8|t<<24) ^ rcon
			rcon = rcon<<1 ^ rcon>>7*0x11b
		case words > 6 && i%words == 4:
			t = subWord(t)
		}
		w[i] = w[i-words] ^ t
	}
	for r := range d.rounds + 1 {
		k := &d.keys[d.rounds-r]
		for i := range 4 {
			binary.LittleEndian.PutUint32(k[4*i:], w[4*r+i])
		}
		if r > 0 && r < d.rounds {
			invertRoundKey(k)
		}
	}
	clear(w[:])
}

// crypt is a Transform.
func (d *aesCBCDecrypter) crypt(dst, src []byte) {
	copy(dst, src) // nothing where they are the same
	if n := len(src) / aes.BlockSize; n > 0 {
		decryptCBC(&d.keys, d.rounds, &d.iv, &dst[0], n)
	}
}
