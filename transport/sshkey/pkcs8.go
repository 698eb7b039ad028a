package sshkey

import (
	"crypto"
	"crypto/aes"
	"crypto/cipher"
	"crypto/pbkdf2"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/asn1"
	"encoding/pem"
	"fmt"

	"github.com/cloudflare/circl/sign/ed448"
	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"
)

// The PEM types of RFC 7468 §10 and §11.
const (
	pkcs8PEM          = "PRIVATE KEY"
	encryptedPKCS8PEM = "ENCRYPTED PRIVATE KEY"
)

// defaultPBKDF2 is how many iterations files that we write have: about 100 ms.
const defaultPBKDF2 = 600_000

// PKCS8Format says what guessing the passphrase of a PKCS #8 file costs, and
// opening it. The zero value is what MarshalPKCS8 uses.
type PKCS8Format struct {
	Iterations int // of PBKDF2 with HMAC-SHA-256, up to MaxPBKDF2; 0 stands for 600000
}

// MarshalPKCS8 returns key as a PEM file with a PKCS #8 key (RFC 5958), which
// nearly everything reads, encrypted (PBES2, PBKDF2 with HMAC-SHA-256,
// AES-256-CBC) if passphrase is not empty. Keys are those of MarshalPrivateKey,
// with the same errors; there is no comment. No slice is kept, the caller owns
// the result, which is a secret.
func MarshalPKCS8(key crypto.Signer, passphrase []byte) ([]byte, error) {
	return PKCS8Format{}.MarshalPKCS8(key, passphrase)
}

// MarshalPKCS8 is like the function of that name, with the cost that f says.
func (f PKCS8Format) MarshalPKCS8(key crypto.Signer, passphrase []byte) ([]byte, error) {
	der, err := pkcs8DER(key)
	if err != nil {
		return nil, err
	}
	defer clear(der)
	if len(passphrase) == 0 {
		return pem.EncodeToMemory(&pem.Block{Type: pkcs8PEM, Bytes: der}), nil
	}
	if f.Iterations == 0 {
		f.Iterations = defaultPBKDF2
	}
	if f.Iterations < 1 || f.Iterations > MaxPBKDF2 {
		return nil, badFile(fmt.Sprintf("%d KDF iterations, at most %d are accepted", f.Iterations, MaxPBKDF2))
	}
	sealed, err := sealPKCS8(der, passphrase, f.Iterations)
	if err != nil {
		return nil, err
	}
	return pem.EncodeToMemory(&pem.Block{Type: encryptedPKCS8PEM, Bytes: sealed}), nil
}

// pkcs8DER returns PrivateKeyInfo of RFC 5208 §5.
func pkcs8DER(key crypto.Signer) ([]byte, error) {
	if _, err := (Limits{MinRSABits: LowestMinRSABits}).newPublicKey(key.Public()); err != nil {
		return nil, err
	}
	switch k := key.(type) {
	case *DSAPrivateKey:
		if k.X == nil {
			break
		}
		return buildPKCS8(oidDSA, func(params *cryptobyte.Builder) {
			params.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
				b.AddASN1BigInt(k.P)
				b.AddASN1BigInt(k.Q)
				b.AddASN1BigInt(k.G)
			})
		}, func(inner *cryptobyte.Builder) { inner.AddASN1BigInt(k.X) })
	case ed448.PrivateKey:
		return buildPKCS8(oidEd448, func(*cryptobyte.Builder) {}, func(inner *cryptobyte.Builder) {
			inner.AddASN1OctetString(k.Seed())
		})
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, &UnsupportedError{What: "private key", Name: fmt.Sprintf("%T", key)}
	}
	return der, nil
}

// buildPKCS8 is for keys that crypto/x509 does not write; pkcs8 reads them.
func buildPKCS8(oid asn1.ObjectIdentifier, params, inner cryptobyte.BuilderContinuation) ([]byte, error) {
	var b cryptobyte.Builder
	b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1Int64(0) // version
		b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
			b.AddASN1ObjectIdentifier(oid)
			params(b)
		})
		b.AddASN1(cbasn1.OCTET_STRING, inner)
	})
	return b.Bytes()
}

// sealPKCS8 returns EncryptedPrivateKeyInfo of RFC 5208 §6.
func sealPKCS8(der, passphrase []byte, iterations int) ([]byte, error) {
	c := pbes2Ciphers[pbes2Write]
	salt, iv := make([]byte, saltSize), make([]byte, aes.BlockSize)
	rand.Read(salt) // never fails, crypto/rand ends the program instead
	rand.Read(iv)
	key, err := pbkdf2.Key(sha256.New, string(passphrase), salt, iterations, c.key)
	if err != nil {
		return nil, err
	}
	defer clear(key)
	data := make([]byte, len(der), len(der)+aes.BlockSize)
	copy(data, der)
	padding := aes.BlockSize - len(der)%aes.BlockSize
	for range padding {
		data = append(data, byte(padding))
	}
	cipher.NewCBCEncrypter(c.block(key), iv).CryptBlocks(data, data)
	p := pbes2{salt: salt, iterations: iterations, prf: pbes2PRFs[pbes2WritePRF].oid, cipher: c.oid, iv: iv, data: data}
	return p.append()
}

// append returns what parse reads.
func (p *pbes2) append() ([]byte, error) {
	var b cryptobyte.Builder
	b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
			b.AddASN1ObjectIdentifier(oidPBES2)
			b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
				b.AddASN1(cbasn1.SEQUENCE, p.addKDF)
				b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
					b.AddASN1ObjectIdentifier(p.cipher)
					b.AddASN1OctetString(p.iv)
				})
			})
		})
		b.AddASN1OctetString(p.data)
	})
	return b.Bytes()
}

// addKDF adds the name of PBKDF2 and its parameters.
func (p *pbes2) addKDF(b *cryptobyte.Builder) {
	b.AddASN1ObjectIdentifier(oidPBKDF2)
	b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1OctetString(p.salt)
		b.AddASN1Int64(int64(p.iterations))
		b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
			b.AddASN1ObjectIdentifier(p.prf)
			b.AddASN1NULL()
		})
	})
}
