package cipher

import (
	"crypto/aes"
	"crypto/cipher"
)

// newCTR makes the transform of AES in SDCTR mode (RFC 4344 §4): one key stream that goes on from packet to packet, its
// counter being the IV as a 128-bit number. Encryption and decryption are the same.
func newCTR(key, iv []byte) (Transform, error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	return cipher.NewCTR(block, iv).XORKeyStream, nil
}
