package cipher

import "crypto/aes"

// aesCBCDecrypter decrypts AES in CBC mode many blocks at a time: unlike in encryption no block waits for another, which
// the standard library makes no use of.
type aesCBCDecrypter struct {
	keys aesKeys // inverted
	iv   [aes.BlockSize]byte
}

// newAESCBCDecrypt is the constructor of the aes-cbc rows: with the instructions for AES where the processor has them.
func newAESCBCDecrypt(key, iv []byte) (Transform, error) {
	if !hasVectorCBC() {
		return newCBCDecrypt(aes.NewCipher)(key, iv)
	}
	d := &aesCBCDecrypter{iv: [aes.BlockSize]byte(iv)}
	if err := d.keys.set(key); err != nil {
		return nil, err
	}
	d.keys.invert()
	return d.crypt, nil
}

// crypt is a Transform.
func (d *aesCBCDecrypter) crypt(dst, src []byte) {
	copy(dst, src) // nothing where they are the same
	if n := len(src) / aes.BlockSize; n > 0 {
		decryptCBC(&d.keys, &d.iv, &dst[0], n)
	}
}
