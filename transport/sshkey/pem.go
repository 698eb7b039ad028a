package sshkey

import (
	"crypto"
	"crypto/x509"
	"encoding/asn1"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"
)

// oidRSA is rsaEncryption of RFC 8017 App. A.1.
var oidRSA = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 1, 1}

// isOneSequence reports whether der is one ASN.1 SEQUENCE and nothing more:
// crypto/x509 lets bytes behind it pass.
func isOneSequence(der []byte) bool {
	s := cryptobyte.String(der)
	return s.SkipASN1(cbasn1.SEQUENCE) && s.Empty()
}

// parsePKCS1 reads RSAPrivateKey of RFC 8017 App. A.1.2.
func (l Limits) parsePKCS1(b *pem.Block, passphrase []byte) (crypto.Signer, string, error) {
	return l.parseDER(b, passphrase, Limits.pkcs1)
}

// parseSEC1 reads ECPrivateKey of RFC 5915 §3.
func (l Limits) parseSEC1(b *pem.Block, passphrase []byte) (crypto.Signer, string, error) {
	return l.parseDER(b, passphrase, Limits.sec1)
}

// parsePKCS8 reads PrivateKeyInfo of RFC 5208 §5.
func (l Limits) parsePKCS8(b *pem.Block, passphrase []byte) (crypto.Signer, string, error) {
	return l.parseDER(b, passphrase, Limits.pkcs8)
}

// parseDER parses the bytes of the block, after it has removed the encryption
// of old PEM files (RFC 1421 §4.6), which ssh-keygen -m PEM still writes.
func (l Limits) parseDER(b *pem.Block, passphrase []byte, parse func(Limits, []byte) (crypto.Signer, error)) (crypto.Signer, string, error) {
	der, encrypted := b.Bytes, b.Headers["DEK-Info"] != ""
	if encrypted {
		if len(passphrase) == 0 {
			return nil, "", ErrPassphraseMissing
		}
		var err error
		//lint:ignore SA1019 the scheme is weak, but files in it exist and are only read
		if der, err = x509.DecryptPEMBlock(b, passphrase); err != nil {
			return nil, "", pemDecryptError(err)
		}
		defer clear(der)
	}
	key, err := parse(l, der)
	if encrypted && errors.Is(err, ErrKeyFile) {
		err = ErrPassphraseWrong // the padding fits by chance for one passphrase in 256
	}
	if err != nil {
		return nil, "", err
	}
	return key, "", nil
}

func pemDecryptError(err error) error {
	if errors.Is(err, x509.IncorrectPasswordError) {
		return ErrPassphraseWrong
	}
	return fmt.Errorf("%w: %w", ErrKeyFile, err)
}

func (l Limits) pkcs1(der []byte) (crypto.Signer, error) {
	if err := checkPKCS1(der); err != nil {
		return nil, err
	}
	key, err := x509.ParsePKCS1PrivateKey(der)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrKeyFile, err)
	}
	return l.checkPrivate(key)
}

// checkPKCS1 checks the sizes of all numbers and that the primes make up the
// modulus, before the library starts to calculate with them.
func checkPKCS1(der []byte) error {
	s := cryptobyte.String(der)
	var seq cryptobyte.String
	if !s.ReadASN1(&seq, cbasn1.SEQUENCE) || !s.Empty() {
		return badFile("not an RSA key in DER")
	}
	var numbers [9]*big.Int // version, n, e, d, p, q, d mod p-1, d mod q-1, iqmp
	for i := range numbers {
		var raw cryptobyte.String
		if !seq.ReadASN1(&raw, cbasn1.INTEGER) || len(raw) > MaxRSABits/8+1 {
			return badFile("RSA number missing or too large")
		}
		numbers[i] = new(big.Int).SetBytes(raw)
	}
	if !seq.Empty() {
		return badFile("RSA key with more than two primes")
	}
	n, p, q := numbers[1], numbers[4], numbers[5]
	if new(big.Int).Mul(p, q).Cmp(n) != 0 {
		return badFile("RSA modulus is not the product of its primes")
	}
	return nil
}

func (l Limits) sec1(der []byte) (crypto.Signer, error) {
	if !isOneSequence(der) {
		return nil, badFile("not an EC key in DER")
	}
	key, err := x509.ParseECPrivateKey(der)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrKeyFile, err)
	}
	return l.checkPrivate(key)
}

func (l Limits) pkcs8(der []byte) (crypto.Signer, error) {
	outer := cryptobyte.String(der)
	var seq, algorithm, inner cryptobyte.String
	var oid asn1.ObjectIdentifier
	if !outer.ReadASN1(&seq, cbasn1.SEQUENCE) || !outer.Empty() ||
		!seq.SkipASN1(cbasn1.INTEGER) || !seq.ReadASN1(&algorithm, cbasn1.SEQUENCE) ||
		!algorithm.ReadASN1ObjectIdentifier(&oid) || !seq.ReadASN1(&inner, cbasn1.OCTET_STRING) {
		return nil, badFile("not a PKCS #8 key in DER")
	}
	switch {
	case oid.Equal(oidRSA):
		return l.pkcs1(inner)
	case oid.Equal(oidDSA):
		return pkcs8DSA(algorithm, inner)
	case oid.Equal(oidEd448):
		return pkcs8Ed448(algorithm, inner)
	}
	parsed, err := x509.ParsePKCS8PrivateKey(der)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrKeyFile, err)
	}
	key, ok := parsed.(crypto.Signer)
	if !ok {
		return nil, &UnsupportedError{What: "private key", Name: fmt.Sprintf("%T", parsed)}
	}
	return l.checkPrivate(key)
}
