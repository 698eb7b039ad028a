package kex

import (
	cryptorand "crypto/rand"
	"errors"
	"hash"
	"io"

	"github.com/hawser-ssh/hawser/wire"
)

// Method is one key exchange method: a row of data and functions. The zero value is not usable; take rows from Default,
// Optional, Insecure or Lookup, or fill in what applies for a method of your own.
type Method struct {
	// Name is the name in KEXINIT (RFC 4250 §4.11.1), such as "curve25519-sha256".
	Name string
	// Hash makes the hash of the exchange and of the key derivation.
	Hash func() hash.Hash
	// SecretAsString says that the shared secret K enters the exchange hash and the key derivation as a string, as in
	// the hybrid methods, and not as an mpint.
	SecretAsString bool
	// GroupExchange says that a round of messages comes first, in which the sides settle on a group (RFC 4419 §3):
	// GroupRequest describes it, and Over makes of it the method that the exchange itself then follows. Offer and
	// Answer are nil until then.
	GroupExchange bool
	// ServerOffers says that it is the server which offers and the client which answers (RFC 4432). The messages then
	// are others, and the exchange hash has the two public values in their order.
	ServerOffers bool
	// Costly says that a step takes milliseconds: it is to be run by a Limiter.
	Costly bool
	// KeyAsDrawn says that the private key of an exchange is, byte for byte, what Offer or Answer read last from rand, with
	// one Read, so that who gives them rand can note it down.
	KeyAsDrawn bool
	// Offer starts the exchange on the client: it draws a private key from rand (nil means crypto/rand.Reader) and
	// returns the public value to send. It fails when rand does. With ServerOffers it is the server that runs it, and
	// the client that runs Answer.
	Offer func(rand io.Reader) (Offer, error)
	// Answer does the whole exchange on the server. clientPublic is the body of the string or mpint of the client's
	// first message; it is checked before anything is computed from it. Both results are the caller's; secret is to be
	// cleared by the caller. It fails when rand does (nil means crypto/rand.Reader).
	Answer func(rand io.Reader, clientPublic []byte) (serverPublic, secret []byte, err error)

	hashed []byte // what the exchange hash covers between the host key and the public values, as encoded
}

// Offer is the client's half of an exchange under way.
type Offer struct {
	// Public is the body of the string (a point, a key) or of the mpint (RFC 4253 §8) to send. It is the caller's.
	Public []byte
	// Finish computes the shared secret from the server's public value, which it checks first. The secret is the
	// caller's, who clears it: a big-endian magnitude, or raw bytes where Method.SecretAsString is set. Finish works
	// once; it forgets the private key, whatever the result. It is not for concurrent use.
	Finish func(serverPublic []byte) (secret []byte, err error)
}

// errOp is the Op of every error of this package.
const errOp = "key exchange"

// maxDraws bounds how often a private key out of range is drawn again. A working source of entropy needs a second draw
// less than once in 2^32, so that a source that fails this often is broken.
const maxDraws = 16

var (
	errPublicLength   = errors.New("kex: the peer's public value has the wrong length")
	errPublicEncoding = errors.New("kex: the peer's public value is not a canonical mpint")
	errPublicRange    = errors.New("kex: the peer's public value is out of range")
	errPublicPoint    = errors.New("kex: the peer's public value is not a point of the curve")
	errPublicModulus  = errors.New("kex: the peer's encapsulation key is not reduced")
	errSecretRange    = errors.New("kex: the shared secret is degenerate")
	errEntropy        = errors.New("kex: the source of entropy is broken")
	errOfferUsed      = errors.New("kex: this offer was finished before")
)

// failed makes the error that ends an exchange (RFC 4253 §11.1, reason 3).
func failed(err error) error {
	return &wire.ProtocolError{Reason: wire.ReasonKeyExchangeFailed, Op: errOp, Err: err}
}

// source returns rand, or what nil stands for.
func source(rand io.Reader) io.Reader {
	if rand == nil {
		return cryptorand.Reader
	}
	return rand
}

// fill fills p from rand, or from crypto/rand.Reader when rand is nil. A short read is a failure: no key is ever made
// of less than all its bytes.
func fill(rand io.Reader, p []byte) error {
	if _, err := io.ReadFull(source(rand), p); err != nil {
		clear(p)
		return failed(errors.Join(errEntropy, err))
	}
	return nil
}

// once lets finish run a single time: a private key never meets two public values, and is unreachable afterwards.
func once(finish func(serverPublic []byte) ([]byte, error)) func([]byte) ([]byte, error) {
	return func(serverPublic []byte) ([]byte, error) {
		run := finish
		if run == nil {
			return nil, failed(errOfferUsed)
		}
		finish = nil
		return run(serverPublic)
	}
}
