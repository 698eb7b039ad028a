package cipher

import "crypto/aes"

// aesCBC is AES in CBC mode in one direction. Decryption takes many blocks at a time: unlike in encryption no block waits
// for another, which the standard library makes no use of; and that has a function call between the blocks of encryption.
type aesCBC struct {
	keys aesKeys // inverted for decryption
	iv   [aes.BlockSize]byte
}

// newAESCBCEncrypt and newAESCBCDecrypt are the constructors of the aes-cbc rows: with the instructions for AES where the
// processor has them.
func newAESCBCEncrypt(key, iv []byte) (Transform, error) {
	if !hasVectorCBC() {
		return newCBCEncrypt(aes.NewCipher)(key, iv)
	}
	m := &aesCBC{iv: [aes.BlockSize]byte(iv)}
	if err := m.keys.set(key); err != nil {
		return nil, err
	}
	return m.encrypt, nil
}

func newAESCBCDecrypt(key, iv []byte) (Transform, error) {
	if !hasVectorCBC() {
		return newCBCDecrypt(aes.NewCipher)(key, iv)
	}
	m := &aesCBC{iv: [aes.BlockSize]byte(iv)}
	if err := m.keys.set(key); err != nil {
		return nil, err
	}
	m.keys.invert()
	return m.decrypt, nil
}

// encrypt is a Transform.
func (m *aesCBC) encrypt(dst, src []byte) {
	copy(dst, src) // nothing where they are the same
	if n := len(src) / aes.BlockSize; n > 0 {
		encryptCBC(&m.keys, &m.iv, &dst[0], n)
	}
}

// decrypt is a Transform.
func (m *aesCBC) decrypt(dst, src []byte) {
	copy(dst, src) // nothing where they are the same
	if n := len(src) / aes.BlockSize; n > 0 {
		decryptCBC(&m.keys, &m.iv, &dst[0], n)
	}
}
