package sshkey

import (
	"bytes"
	"crypto/cipher"
	"crypto/ecdsa"
	"crypto/pbkdf2"
	"crypto/rand"
	"crypto/x509"
	"encoding/asn1"
	"encoding/pem"
	"errors"
	"testing"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"
)

// pbes2Parts are the parameters of an encrypted PKCS #8 key.
type pbes2Parts struct {
	scheme, kdf, prf, cipher asn1.ObjectIdentifier
	salt                     []byte
	iterations               int64
	keyLength                int64
	iv, data, tail           []byte
}

func (p pbes2Parts) file() []byte {
	var b cryptobyte.Builder
	sequence := func(b *cryptobyte.Builder, f func(*cryptobyte.Builder)) { b.AddASN1(cbasn1.SEQUENCE, f) }
	sequence(&b, func(b *cryptobyte.Builder) {
		sequence(b, func(b *cryptobyte.Builder) {
			b.AddASN1ObjectIdentifier(p.scheme)
			sequence(b, func(b *cryptobyte.Builder) {
				sequence(b, func(b *cryptobyte.Builder) {
					b.AddASN1ObjectIdentifier(p.kdf)
					sequence(b, func(b *cryptobyte.Builder) {
						b.AddASN1OctetString(p.salt)
						b.AddASN1Int64(p.iterations)
						if p.keyLength != 0 {
							b.AddASN1Int64(p.keyLength)
						}
						if p.prf != nil {
							sequence(b, func(b *cryptobyte.Builder) {
								b.AddASN1ObjectIdentifier(p.prf)
								b.AddASN1NULL()
							})
						}
					})
				})
				sequence(b, func(b *cryptobyte.Builder) {
					b.AddASN1ObjectIdentifier(p.cipher)
					b.AddASN1OctetString(p.iv)
				})
			})
		})
		b.AddASN1OctetString(p.data)
	})
	return pemFile("ENCRYPTED PRIVATE KEY", append(b.BytesOrPanic(), p.tail...))
}

// goodPBES2 encrypts an ECDSA key under the passphrase "pw".
func goodPBES2(prf, c int) pbes2Parts {
	p := pbes2Parts{
		scheme: oidPBES2, kdf: oidPBKDF2, prf: pbes2PRFs[prf].oid, cipher: pbes2Ciphers[c].oid,
		salt: []byte("12345678"), iterations: 3,
	}
	key := must(pbkdf2.Key(pbes2PRFs[prf].new, "pw", p.salt, 3, pbes2Ciphers[c].key))
	block := pbes2Ciphers[c].block(key)
	p.iv = make([]byte, block.BlockSize())
	rand.Read(p.iv)
	p.data = must(x509.MarshalPKCS8PrivateKey(testSigners()["ecdsa"]))
	n := block.BlockSize() - len(p.data)%block.BlockSize()
	p.data = append(p.data, bytes.Repeat([]byte{byte(n)}, n)...)
	cipher.NewCBCEncrypter(block, p.iv).CryptBlocks(p.data, p.data)
	return p
}

func TestPBES2Combinations(t *testing.T) {
	for prf := range pbes2PRFs {
		for c := range pbes2Ciphers {
			p := goodPBES2(prf, c)
			if prf == 0 {
				p.prf = nil // SHA-1 is the default
				p.keyLength = int64(pbes2Ciphers[c].key)
			}
			file := p.file()
			got, _, err := ParsePrivateKey(file, []byte("pw"))
			if err != nil {
				t.Fatalf("function %d, cipher %d: %v", prf, c, err)
			}
			sameKey(t, got, testSigners()["ecdsa"])
			if _, _, err := ParsePrivateKey(file, []byte("wp")); !errors.Is(err, ErrPassphraseWrong) {
				t.Errorf("wrong passphrase: %v", err)
			}
			if _, _, err := ParsePrivateKey(file, nil); !errors.Is(err, ErrPassphraseMissing) {
				t.Errorf("no passphrase: %v", err)
			}
		}
	}
}

func TestFIL02PBES2(t *testing.T) {
	for what, change := range map[string]func(p *pbes2Parts){
		"scheme unknown":      func(p *pbes2Parts) { p.scheme = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 5, 3} },
		"KDF scrypt":          func(p *pbes2Parts) { p.kdf = asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 11591, 4, 11} },
		"function unknown":    func(p *pbes2Parts) { p.prf = asn1.ObjectIdentifier{1, 2, 3} },
		"cipher unknown":      func(p *pbes2Parts) { p.cipher = asn1.ObjectIdentifier{1, 2, 3} },
		"no salt":             func(p *pbes2Parts) { p.salt = nil },
		"long salt":           func(p *pbes2Parts) { p.salt = make([]byte, MaxKDFSalt+1) },
		"iterations 0":        func(p *pbes2Parts) { p.iterations = 0 },
		"iterations -1":       func(p *pbes2Parts) { p.iterations = -1 },
		"iterations 2^20+1":   func(p *pbes2Parts) { p.iterations = MaxPBKDF2 + 1 },
		"iterations 2^31":     func(p *pbes2Parts) { p.iterations = 1 << 31 },
		"iterations 2^62":     func(p *pbes2Parts) { p.iterations = 1 << 62 },
		"key length 2^40":     func(p *pbes2Parts) { p.keyLength = 1 << 40 },
		"key length of other": func(p *pbes2Parts) { p.keyLength = 24 },
		"short IV":            func(p *pbes2Parts) { p.iv = p.iv[1:] },
		"no data":             func(p *pbes2Parts) { p.data = nil },
		"half a block":        func(p *pbes2Parts) { p.data = p.data[8:] },
		"trailing byte":       func(p *pbes2Parts) { p.tail = []byte{0} },
	} {
		p := goodPBES2(1, 0)
		change(&p)
		if got, _, err := ParsePrivateKey(p.file(), []byte("pw")); err == nil || got != nil {
			t.Errorf("%s accepted", what)
		}
	}
	block, _ := pem.Decode(goodPBES2(1, 0).file())
	for n := range block.Bytes {
		if _, _, err := ParsePrivateKey(pemFile(block.Type, block.Bytes[:n]), []byte("pw")); err == nil {
			t.Fatalf("%d of %d bytes accepted", n, len(block.Bytes))
		}
	}
}

// TestOldPEMEncryption reads what ssh-keygen -m PEM writes.
func TestOldPEMEncryption(t *testing.T) {
	der := must(x509.MarshalECPrivateKey(testSigners()["ecdsa"].(*ecdsa.PrivateKey)))
	for _, c := range []x509.PEMCipher{x509.PEMCipherAES128, x509.PEMCipherAES256, x509.PEMCipher3DES} {
		//lint:ignore SA1019 the format that is tested
		block := must(x509.EncryptPEMBlock(rand.Reader, "EC PRIVATE KEY", der, []byte("pw"), c))
		file := pem.EncodeToMemory(block)
		got, _, err := ParsePrivateKey(file, []byte("pw"))
		if err != nil {
			t.Fatal(err)
		}
		sameKey(t, got, testSigners()["ecdsa"])
		if _, _, err := ParsePrivateKey(file, nil); !errors.Is(err, ErrPassphraseMissing) {
			t.Errorf("no passphrase: %v", err)
		}
		for i := range 300 { // the padding of one in 256 fits
			if _, _, err := ParsePrivateKey(file, []byte{byte(i), byte(i >> 8), 1}); !errors.Is(err, ErrPassphraseWrong) {
				t.Fatalf("wrong passphrase %d: %v", i, err)
			}
		}
		block.Headers["DEK-Info"] = "ROT-13,00"
		if _, _, err := ParsePrivateKey(pem.EncodeToMemory(block), []byte("pw")); !errors.Is(err, ErrKeyFile) {
			t.Errorf("unknown cipher: %v", err)
		}
	}
}
