package kex

import (
	"crypto/rsa"
	"crypto/sha256"
	"errors"
	"io"
	"math/big"
	"sync"
	"time"

	"github.com/hawser-ssh/hawser/wire"
)

// Sizes in bits of a transient key: the method's least (RFC 4432 §6), the one we make, and one that still is a matter of
// milliseconds.
const (
	minRSABits  = 2048
	ownRSABits  = 2048
	maxRSABits  = 8192
	rsaKeyType  = "ssh-rsa"
	rsaHashBits = 8 * sha256.Size
)

var (
	errRSAKey    = errors.New("kex: the transient key is not one of RSA with 2048 to 8192 bits")
	errRSASecret = errors.New("kex: the encrypted secret is not one")
)

// offerRSA is Method.Offer, with a key for this exchange alone.
func offerRSA(rand io.Reader) (Offer, error) {
	key, err := generateRSA(rand)
	if err != nil {
		return Offer{}, err
	}
	return offerRSAKey(key), nil
}

// generateRSA draws a key. crypto/rsa has a source of its own; that of the caller is asked whether it works, so that a
// failing one fails the exchange.
func generateRSA(rand io.Reader) (*rsa.PrivateKey, error) {
	var probe [sha256.Size]byte
	defer clear(probe[:])
	if err := fill(rand, probe[:]); err != nil {
		return nil, err
	}
	key, err := rsa.GenerateKey(source(rand), ownRSABits)
	if err != nil {
		return nil, failed(err)
	}
	return key, nil
}

func offerRSAKey(key *rsa.PrivateKey) Offer {
	public := wire.AppendString(nil, rsaKeyType)
	public = wire.AppendMpint(public, big.NewInt(int64(key.E)).Bytes())
	public = wire.AppendMpint(public, key.N.Bytes())
	finish := func(encrypted []byte) ([]byte, error) { return decryptRSA(key, encrypted) }
	return Offer{Public: public, Finish: once(finish)}
}

// decryptRSA returns K. There is one error for whatever is wrong, and nothing is computed after it.
func decryptRSA(key *rsa.PrivateKey, encrypted []byte) ([]byte, error) {
	message, err := rsa.DecryptOAEP(sha256.New(), nil, key, encrypted, nil)
	if err != nil {
		return nil, failed(errRSASecret)
	}
	defer clear(message)
	r := wire.NewFieldReader(message, errOp)
	k := r.Mpint("secret")
	if r.Done() != nil || len(k) < sha256.Size || new(big.Int).SetBytes(k).BitLen() > secretBits(&key.PublicKey) {
		return nil, failed(errRSASecret)
	}
	return append([]byte(nil), k...), nil
}

// secretBits is the length that K may have, KLEN - 2*HLEN - 49 (RFC 4432 §4).
func secretBits(key *rsa.PublicKey) int { return key.N.BitLen() - 2*rsaHashBits - 49 }

// answerRSA is Method.Answer: the client draws K, and encrypts it for the server's key.
func answerRSA(rand io.Reader, serverPublic []byte) (encrypted, secret []byte, err error) {
	key, err := parseRSA(serverPublic)
	if err != nil {
		return nil, nil, err
	}
	bits := secretBits(key)
	k := make([]byte, (bits+7)/8)
	if err := fill(rand, k); err != nil {
		return nil, nil, err
	}
	k[0] &= byte(1<<((bits-1)%8+1) - 1)
	if secret = trimZeros(k); len(secret) < sha256.Size {
		return nil, nil, failed(errEntropy)
	}
	message := wire.AppendMpint(nil, secret)
	defer clear(message)
	if encrypted, err = rsa.EncryptOAEP(sha256.New(), source(rand), key, message, nil); err != nil {
		return nil, nil, failed(errors.Join(errRSAKey, err))
	}
	return encrypted, secret, nil
}

// parseRSA reads and checks a transient key (RFC 4253 §6.6).
func parseRSA(blob []byte) (*rsa.PublicKey, error) {
	r := wire.NewFieldReader(blob, errOp)
	kind, e, n := r.String("type"), r.Mpint("e"), r.Mpint("n")
	if r.Done() != nil || kind != rsaKeyType || len(e) > 4 || len(n) > maxRSABits/8 {
		return nil, failed(errRSAKey)
	}
	exponent, modulus := new(big.Int).SetBytes(e).Int64(), new(big.Int).SetBytes(n)
	const maxExponent = 1<<31 - 1 // of crypto/rsa
	if exponent < 3 || exponent > maxExponent || exponent%2 == 0 || modulus.Bit(0) == 0 || modulus.BitLen() < minRSABits {
		return nil, failed(errRSAKey)
	}
	return &rsa.PublicKey{N: modulus, E: int(exponent)}, nil
}

// TransientRSA makes the transient keys of rsa2048-sha256 for a server and uses each for several exchanges, so that a
// connection does not cost the making of a key. What was said in those exchanges is secret until the key is forgotten.
// Connections may share it; it is for use by several goroutines.
type TransientRSA struct {
	uses     int
	lifetime time.Duration

	mu      sync.Mutex
	key     *rsa.PrivateKey
	left    int
	expires time.Time
}

// NewTransientRSA returns a source of keys that are replaced after so many exchanges, or when they are as old as
// lifetime, whichever comes first.
func NewTransientRSA(uses int, lifetime time.Duration) *TransientRSA {
	return &TransientRSA{uses: uses, lifetime: lifetime}
}

// Method returns the row of rsa2048-sha256 that offers the keys of t.
func (t *TransientRSA) Method() Method { return rsaMethod(t.offer) }

// RSAMethod returns the row of rsa2048-sha256 that offers key, 2048 to 8192 bits, for a server that makes its transient
// keys elsewhere. What was said in its exchanges is secret until the last copy of key is forgotten (RFC 4432 §7).
func RSAMethod(key *rsa.PrivateKey) (Method, error) {
	if _, err := parseRSA(offerRSAKey(key).Public); err != nil {
		return Method{}, err
	}
	return rsaMethod(func(io.Reader) (Offer, error) { return offerRSAKey(key), nil }), nil
}

// rsaMethod returns the row of rsa2048-sha256 with another Offer.
func rsaMethod(offer func(io.Reader) (Offer, error)) Method {
	m, ok := find(RSA2048)
	if !ok {
		panic("kex: the table has no RSA")
	}
	m.Offer = offer
	return m
}

// offer is Method.Offer.
func (t *TransientRSA) offer(rand io.Reader) (Offer, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	now := time.Now()
	if t.left <= 0 || !now.Before(t.expires) {
		key, err := generateRSA(rand)
		if err != nil {
			return Offer{}, err
		}
		t.key, t.left, t.expires = key, t.uses, now.Add(t.lifetime)
	}
	t.left--
	return offerRSAKey(t.key), nil
}
