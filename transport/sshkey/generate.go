package sshkey

import (
	"crypto"
	"crypto/dsa" //lint:ignore SA1019 an old key type that callers may name
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"

	"github.com/cloudflare/circl/sign/ed448"
)

// DefaultRSABits is the size of generated RSA keys, and the smallest that is
// generated.
const DefaultRSABits = 3072

// GenerateEd25519 makes a new Ed25519 key from crypto/rand. An error can only
// be that of the system's random source.
func GenerateEd25519() (crypto.Signer, error) {
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return nil, err
	}
	return key, nil
}

// GenerateEd448 makes a new Ed448 key from crypto/rand. An error can only be
// that of the system's random source.
func GenerateEd448() (crypto.Signer, error) {
	_, key, err := ed448.GenerateKey(rand.Reader)
	if err != nil {
		return nil, err
	}
	return key, nil
}

// GenerateECDSA makes a new ECDSA key of 256, 384 or 521 bits; 0 stands for
// 256. Other sizes are a *WeakKeyError.
func GenerateECDSA(bits int) (crypto.Signer, error) {
	if bits == 0 {
		bits = 256
	}
	for _, c := range []elliptic.Curve{elliptic.P256(), elliptic.P384(), elliptic.P521()} {
		if c.Params().BitSize == bits {
			return ecdsa.GenerateKey(c, rand.Reader)
		}
	}
	return nil, &WeakKeyError{Type: "ecdsa", Bits: bits, Min: 256, Max: 521}
}

// GenerateRSA makes a new RSA key of DefaultRSABits to MaxRSABits bits; 0
// stands for DefaultRSABits. Other sizes are a *WeakKeyError. Expect seconds
// from 4096 bits on.
func GenerateRSA(bits int) (crypto.Signer, error) {
	if bits == 0 {
		bits = DefaultRSABits
	}
	if bits < DefaultRSABits || bits > MaxRSABits {
		return nil, &WeakKeyError{Type: "ssh-rsa", Bits: bits, Min: DefaultRSABits, Max: MaxRSABits}
	}
	return rsa.GenerateKey(rand.Reader, bits)
}

// GenerateDSA makes a new DSA key of 1024 bits with parameters of its own,
// which takes about a second. It is for talking to old peers, see
// InsecureAlgorithms.
func GenerateDSA() (*DSAPrivateKey, error) {
	k := new(DSAPrivateKey)
	if err := dsa.GenerateParameters(&k.Parameters, rand.Reader, dsa.L1024N160); err != nil {
		return nil, err
	}
	if err := dsa.GenerateKey(&k.PrivateKey, rand.Reader); err != nil {
		return nil, err
	}
	return k, nil
}
