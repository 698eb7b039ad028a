package sshkey

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rand"
	"fmt"
	"io"
)

// Signer signs with a private key, wherever that is kept.
type Signer interface {
	// PublicKey returns the public half.
	PublicKey() PublicKey
	// Algorithms returns the signature algorithms that Sign takes, most
	// preferred first. The caller owns the slice.
	Algorithms() []string
	// Sign returns the signature blob (RFC 4253 §6.6) of data, made with
	// algorithm and labelled so. An algorithm that is not one of Algorithms
	// is ErrAlgorithm. A nil random is crypto/rand.Reader. data is not kept,
	// the caller owns the result.
	Sign(random io.Reader, algorithm string, data []byte) ([]byte, error)
}

type signer struct {
	key    crypto.Signer
	public *publicKey
}

// NewSigner returns a Signer over key, which may live elsewhere, such as in a
// token: only Public and Sign are called. Its public key must be one that
// NewPublicKey takes. Signatures of an RSA key and of a key that lives
// elsewhere are verified before they are returned, since a faulty one can
// give the private key away (KEY-10).
func NewSigner(key crypto.Signer) (Signer, error) { return Limits{}.NewSigner(key) }

// NewSigner is like the function of that name, under limits of the caller.
func (l Limits) NewSigner(key crypto.Signer) (Signer, error) {
	if key == nil {
		return nil, &UnsupportedError{What: "key", Name: "nil"}
	}
	public, err := l.newPublicKey(key.Public())
	if err != nil {
		return nil, err
	}
	return &signer{key: key, public: public}, nil
}

func (s *signer) PublicKey() PublicKey { return s.public }
func (s *signer) Algorithms() []string { return AlgorithmsFor(s.public.Type()) }

func (s *signer) Sign(random io.Reader, algorithm string, data []byte) ([]byte, error) {
	a, err := fittingAlgorithm(algorithm, s.public.Type())
	if err != nil {
		return nil, err
	}
	if random == nil {
		random = rand.Reader
	}
	digest := a.digest(data)
	raw, err := s.key.Sign(random, digest, a.hash)
	if err != nil {
		return nil, fmt.Errorf("sshkey: signing with %s: %w", a.name, err)
	}
	body, err := s.public.key.encode(raw)
	if err != nil {
		return nil, err
	}
	if s.mustCheck() {
		if err := s.public.key.verify(a, digest, body); err != nil {
			return nil, fmt.Errorf("sshkey: signer returned a bad signature: %w", err)
		}
	}
	return a.appendSignature(nil, body), nil
}

// mustCheck reports whether a signature is verified before it is returned.
func (s *signer) mustCheck() bool {
	switch s.key.(type) {
	case ed25519.PrivateKey, *ecdsa.PrivateKey:
		return false // calculated here, and no CRT that could fail by half
	}
	return true
}
