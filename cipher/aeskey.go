package cipher

import (
	"crypto/aes"
	"encoding/binary"
	"slices"
)

// aesKeys is the key schedule of AES (FIPS 197 §5.2): rounds+1 round keys, in the order of their use.
type aesKeys struct {
	keys   [15][aes.BlockSize]byte
	rounds int
}

// set makes the key schedule for encryption. A key of other than 16, 24 or 32 bytes is an aes.KeySizeError.
func (k *aesKeys) set(key []byte) error {
	switch len(key) {
	case 16, 24, 32:
	default:
		return aes.KeySizeError(len(key))
	}
	k.rounds = len(key)/4 + 6
	var w [4 * 15]uint32
	words, rcon := len(key)/4, uint32(1)
	for i := range 4 * (k.rounds + 1) {
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
	for i := range 4 * (k.rounds + 1) {
		binary.LittleEndian.PutUint32(k.keys[i/4][i%4*4:], w[i])
	}
	clear(w[:])
	return nil
}

// invert turns the key schedule round for decryption: the keys of the equivalent inverse cipher (FIPS 197 §5.3.5).
func (k *aesKeys) invert() {
	keys := k.keys[:k.rounds+1]
	slices.Reverse(keys)
	for r := 1; r < k.rounds; r++ {
		invertRoundKey(&keys[r])
	}
}
