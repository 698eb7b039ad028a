package sshkey

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rand"
	"fmt"
	"io"
	"slices"

	"github.com/cloudflare/circl/sign/ed448"

	"github.com/hawser-ssh/hawser/wire"
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

// signer signs with a crypto.Signer for a public key of any kind that has
// scheme in it.
type signer struct {
	key        crypto.Signer
	public     PublicKey
	scheme     scheme
	algorithms []string
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
	return newSigner(key, public, public.key), nil
}

func newSigner(key crypto.Signer, public PublicKey, s scheme) *signer {
	return &signer{key: key, public: public, scheme: s, algorithms: AlgorithmsFor(public.Type())}
}

// WithAlgorithms returns s with the algorithms of names that its key fits, in
// that order. This is how an RSA key is made to sign with ssh-rsa, which
// NewSigner leaves out. ErrAlgorithm says that none fits; a Signer that this
// package did not make keeps to what it has.
func WithAlgorithms(s Signer, names ...string) (Signer, error) {
	possible := s.Algorithms()
	own, isOwn := s.(*signer)
	if isOwn {
		possible = allAlgorithmsFor(own.public.Type())
	}
	var list []string
	for _, name := range names {
		if slices.Contains(possible, name) && !slices.Contains(list, name) {
			list = append(list, name)
		}
	}
	switch {
	case len(list) == 0:
		return nil, fmt.Errorf("%w: none of %d names with a key of type %s", ErrAlgorithm, len(names), s.PublicKey().Type())
	case isOwn:
		return &signer{key: own.key, public: own.public, scheme: own.scheme, algorithms: list}, nil
	}
	return &limitedSigner{Signer: s, algorithms: list}, nil
}

// limitedSigner is another Signer with fewer algorithms.
type limitedSigner struct {
	Signer
	algorithms []string
}

func (s *limitedSigner) Algorithms() []string { return slices.Clone(s.algorithms) }

func (s *limitedSigner) Sign(random io.Reader, algorithm string, data []byte) ([]byte, error) {
	if !slices.Contains(s.algorithms, algorithm) {
		return nil, notAllowed(algorithm, s.PublicKey())
	}
	return s.Signer.Sign(random, algorithm, data)
}

// notAllowed is the error for an algorithm that a signer does not take.
func notAllowed(algorithm string, key PublicKey) error {
	return fmt.Errorf("%w: %q is not one that this %s key signs with", ErrAlgorithm, wire.Escape(algorithm, maxShown), key.Type())
}

func (s *signer) PublicKey() PublicKey { return s.public }
func (s *signer) Algorithms() []string { return slices.Clone(s.algorithms) }

func (s *signer) Sign(random io.Reader, algorithm string, data []byte) ([]byte, error) {
	a, err := fittingAlgorithm(algorithm, s.public.Type())
	if err != nil {
		return nil, err
	}
	if !slices.Contains(s.algorithms, algorithm) {
		return nil, notAllowed(algorithm, s.public)
	}
	if random == nil {
		random = rand.Reader
	}
	digest := a.digest(data)
	raw, err := s.key.Sign(random, digest, a.hash)
	if err != nil {
		return nil, fmt.Errorf("sshkey: signing with %s: %w", a.name, err)
	}
	body, err := s.scheme.encode(raw)
	if err != nil {
		return nil, err
	}
	if s.mustCheck() {
		if err := s.scheme.verify(a, digest, body); err != nil {
			return nil, fmt.Errorf("sshkey: signer returned a bad signature: %w", err)
		}
	}
	return a.appendSignature(nil, body), nil
}

// mustCheck reports whether a signature is verified before it is returned.
func (s *signer) mustCheck() bool {
	switch s.key.(type) {
	case ed25519.PrivateKey, ed448.PrivateKey, *ecdsa.PrivateKey:
		return false // calculated here, and no CRT that could fail by half
	}
	return true
}
