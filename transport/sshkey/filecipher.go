package sshkey

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/des"
	"fmt"
)

// fileCipher is a cipher of openssh-key-v1 files. Key and IV come from the
// KDF, so each key is used once.
type fileCipher struct {
	name    string
	key, iv int // sizes in bytes
	block   int // the private part is padded to a multiple of it
	tag     int // bytes of the tag that follows the private part
	// open decrypts data in place and returns the plaintext; false means that
	// the tag is wrong. seal encrypts in place and returns data and tag.
	open func(key, iv, data, tag []byte) (plain []byte, ok bool)
	seal func(key, iv, data []byte) (data2, tag []byte)
}

// noCipher is the row of unencrypted files.
const noCipher = "none"

// writeCipher is what MarshalPrivateKey encrypts with.
const writeCipher = "aes256-ctr"

var fileCiphers = [...]fileCipher{
	{noCipher, 0, 0, 8, 0, openNone, sealNone},
	{"aes128-ctr", 16, 16, 16, 0, openCTR, sealCTR},
	{"aes192-ctr", 24, 16, 16, 0, openCTR, sealCTR},
	{writeCipher, 32, 16, 16, 0, openCTR, sealCTR},
	{"aes128-cbc", 16, 16, 16, 0, openCBC, sealCBC},
	{"aes192-cbc", 24, 16, 16, 0, openCBC, sealCBC},
	{"aes256-cbc", 32, 16, 16, 0, openCBC, sealCBC},
	{"3des-cbc", 24, 8, 8, 0, open3DES, seal3DES},
	{"aes128-gcm@openssh.com", 16, 12, 16, 16, openGCM, sealGCM},
	{"aes256-gcm@openssh.com", 32, 12, 16, 16, openGCM, sealGCM},
}

func lookupFileCipher(name string) (*fileCipher, error) {
	for i := range fileCiphers {
		if fileCiphers[i].name == name {
			return &fileCiphers[i], nil
		}
	}
	return nil, &UnsupportedError{What: "cipher of a private key", Name: name}
}

func openNone(_, _, data, _ []byte) ([]byte, bool)   { return data, true }
func sealNone(_, _, data []byte) (out, tag []byte)   { return data, nil }
func sealCTR(key, iv, data []byte) (out, tag []byte) { out, _ = openCTR(key, iv, data, nil); return }

func openCTR(key, iv, data, _ []byte) ([]byte, bool) {
	cipher.NewCTR(aesBlock(key), iv).XORKeyStream(data, data)
	return data, true
}

func openCBC(key, iv, data, _ []byte) ([]byte, bool) {
	cipher.NewCBCDecrypter(aesBlock(key), iv).CryptBlocks(data, data)
	return data, true
}

func sealCBC(key, iv, data []byte) (out, tag []byte) {
	cipher.NewCBCEncrypter(aesBlock(key), iv).CryptBlocks(data, data)
	return data, nil
}

func open3DES(key, iv, data, _ []byte) ([]byte, bool) {
	cipher.NewCBCDecrypter(desBlock(key), iv).CryptBlocks(data, data)
	return data, true
}

func seal3DES(key, iv, data []byte) (out, tag []byte) {
	cipher.NewCBCEncrypter(desBlock(key), iv).CryptBlocks(data, data)
	return data, nil
}

func openGCM(key, iv, data, tag []byte) ([]byte, bool) {
	sealed := append(data[:len(data):len(data)], tag...)
	plain, err := gcm(key).Open(sealed[:0], iv, sealed, nil)
	return plain, err == nil
}

func sealGCM(key, iv, data []byte) (out, tag []byte) {
	out = gcm(key).Seal(nil, iv, data, nil)
	return out[:len(data)], out[len(data):]
}

func gcm(key []byte) cipher.AEAD {
	g, err := cipher.NewGCM(aesBlock(key))
	if err != nil {
		panic("sshkey: GCM over AES: " + err.Error())
	}
	return g
}

// aesBlock returns AES under a key whose size the caller's table fixes.
func aesBlock(key []byte) cipher.Block {
	b, err := aes.NewCipher(key)
	if err != nil {
		panic(fmt.Sprintf("sshkey: AES key of %d bytes", len(key)))
	}
	return b
}

// desBlock is like aesBlock, for triple DES.
func desBlock(key []byte) cipher.Block {
	b, err := des.NewTripleDESCipher(key)
	if err != nil {
		panic(fmt.Sprintf("sshkey: triple DES key of %d bytes", len(key)))
	}
	return b
}
