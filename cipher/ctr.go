package cipher

import "crypto/cipher"

// newCTR returns the constructor of a table row in SDCTR mode (RFC 4344 §4): one key stream that goes on from packet to
// packet, its counter being the IV as a number of the block's size in network order. Encryption and decryption are the
// same.
func newCTR[B cipher.Block](newBlock func(key []byte) (B, error)) func(key, iv []byte) (Transform, error) {
	return func(key, iv []byte) (Transform, error) {
		block, err := newBlock(key)
		if err != nil {
			return nil, err
		}
		return cipher.NewCTR(block, iv).XORKeyStream, nil
	}
}
