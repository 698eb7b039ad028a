package cipher

import "crypto/cipher"

// newCBCEncrypt and newCBCDecrypt return the constructors of a table row in CBC mode (RFC 4253 §6.3). All packets of a
// direction are one chain: the IV of a packet is the last block of the one before, which everybody can see.
func newCBCEncrypt[B cipher.Block](newBlock func(key []byte) (B, error)) func(key, iv []byte) (Transform, error) {
	return func(key, iv []byte) (Transform, error) {
		block, err := newBlock(key)
		if err != nil {
			return nil, err
		}
		return cipher.NewCBCEncrypter(block, iv).CryptBlocks, nil
	}
}

func newCBCDecrypt[B cipher.Block](newBlock func(key []byte) (B, error)) func(key, iv []byte) (Transform, error) {
	return func(key, iv []byte) (Transform, error) {
		block, err := newBlock(key)
		if err != nil {
			return nil, err
		}
		return cipher.NewCBCDecrypter(block, iv).CryptBlocks, nil
	}
}
