package sshkey

import (
	"crypto"
	"crypto/rsa"
	"crypto/subtle"
	"fmt"
	"math"
	"math/big"

	"github.com/hawser-ssh/hawser/wire"
)

// rsaKey is a key of type ssh-rsa (RFC 4253 §6.6).
type rsaKey struct {
	n *big.Int
	e uint32
}

// parseRSA reads e and n. Sizes are checked on the bytes, before there is a
// number to calculate with.
func parseRSA(r *wire.Reader, l Limits) (scheme, error) {
	e, n := r.Mpint("e"), r.Mpint("n")
	if err := r.Err(); err != nil {
		return nil, err
	}
	return newRSA(n, e, l)
}

// newRSA returns the key with modulus n and exponent e, which are magnitudes
// without leading zeros.
func newRSA(n, e []byte, l Limits) (scheme, error) {
	bits := bitLen(n)
	if low := l.minRSABits(); bits < low || bits > MaxRSABits {
		return nil, &WeakKeyError{Type: "ssh-rsa", Bits: bits, Min: low, Max: MaxRSABits}
	}
	if n[len(n)-1]&1 == 0 {
		return nil, badBlob("RSA modulus is even")
	}
	if bitLen(e) > MaxRSAExponent {
		return nil, badBlob("RSA exponent exceeds 32 bits")
	}
	var exponent uint32
	for _, v := range e {
		exponent = exponent<<8 | uint32(v)
	}
	if exponent < 3 || exponent&1 == 0 {
		return nil, badBlob("RSA exponent is even or 1")
	}
	return rsaKey{n: new(big.Int).SetBytes(n), e: exponent}, nil
}

// bitLen returns the length in bits of a magnitude without leading zeros.
func bitLen(b []byte) int {
	if len(b) == 0 {
		return 0
	}
	n := (len(b) - 1) * 8
	for v := b[0]; v > 0; v >>= 1 {
		n++
	}
	return n
}

func rsaFromCrypto(key crypto.PublicKey, l Limits) (scheme, error) {
	k, ok := key.(*rsa.PublicKey)
	if !ok || k == nil {
		return nil, errOtherType
	}
	if k.N == nil || k.N.Sign() <= 0 || k.E <= 0 {
		return nil, badBlob("RSA key without modulus or exponent")
	}
	return newRSA(k.N.Bytes(), big.NewInt(int64(k.E)).Bytes(), l)
}

func (k rsaKey) size() int { return (k.n.BitLen() + 7) / 8 }

func (k rsaKey) public() crypto.PublicKey {
	if uint64(k.e) > math.MaxInt {
		return nil
	}
	return &rsa.PublicKey{N: new(big.Int).Set(k.n), E: int(k.e)}
}

func (k rsaKey) appendFields(b []byte) []byte {
	b = wire.AppendMpint(b, big.NewInt(int64(k.e)).Bytes())
	return wire.AppendMpint(b, k.n.Bytes())
}

// verify checks the RSASSA-PKCS1-v1_5 signature of RFC 8332 §3. Some peers
// strip leading zeros from it, which RFC 4253 §6.6 does not allow and
// everybody accepts: the value is unchanged.
func (k rsaKey) verify(a *algorithm, digest, body []byte) error {
	size := k.size()
	if len(body) == 0 || len(body) > size {
		return badSignature("length is not that of the modulus")
	}
	if len(body) < size {
		body = append(make([]byte, size-len(body), size), body...)
	}
	if k.e > math.MaxInt32 {
		return k.verifyLargeExponent(a, digest, body)
	}
	key := &rsa.PublicKey{N: k.n, E: int(k.e)}
	if err := rsa.VerifyPKCS1v15(key, a.hash, digest, body); err != nil {
		return ErrSignature
	}
	return nil
}

// verifyLargeExponent is PKCS #1 verification (RFC 8017 §8.2.2) for public
// exponents of 32 bits, which crypto/rsa refuses and lsh-keygen makes: the
// padded digest is built, not parsed, and compared as a whole. All values are
// public, so math/big will do.
func (k rsaKey) verifyLargeExponent(a *algorithm, digest, body []byte) error {
	s := new(big.Int).SetBytes(body)
	if s.Cmp(k.n) >= 0 {
		return ErrSignature
	}
	want, err := paddedDigest(a, digest, k.size())
	if err != nil {
		return err
	}
	got := s.Exp(s, big.NewInt(int64(k.e)), k.n).FillBytes(make([]byte, k.size()))
	if subtle.ConstantTimeCompare(got, want) != 1 {
		return ErrSignature
	}
	return nil
}

// digestInfo are the DER prefixes of RFC 8017 §9.2 note 1.
var digestInfo = [...]struct {
	hash   crypto.Hash
	prefix string
}{
	{crypto.SHA1, "\x30\x21\x30\x09\x06\x05\x2b\x0e\x03\x02\x1a\x05\x00\x04\x14"},
	{crypto.SHA256, "\x30\x31\x30\x0d\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x01\x05\x00\x04\x20"},
	{crypto.SHA512, "\x30\x51\x30\x0d\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x03\x05\x00\x04\x40"},
}

// paddedDigest is EMSA-PKCS1-v1_5 of RFC 8017 §9.2 for size bytes.
func paddedDigest(a *algorithm, digest []byte, size int) ([]byte, error) {
	for _, d := range digestInfo {
		if d.hash != a.hash {
			continue
		}
		t := append([]byte(d.prefix), digest...)
		if size < len(t)+11 {
			break
		}
		em := make([]byte, size)
		em[1] = 1
		pad := em[2 : size-len(t)-1]
		for i := range pad {
			pad[i] = 0xff
		}
		copy(em[size-len(t):], t)
		return em, nil
	}
	return nil, badSignature("no such padding for " + a.name)
}

// encode makes the signature as long as the modulus (RFC 4253 §6.6).
func (k rsaKey) encode(raw []byte) ([]byte, error) {
	size := k.size()
	if len(raw) == 0 || len(raw) > size {
		return nil, badSignature("signer returned no RSA signature for this key")
	}
	return append(make([]byte, size-len(raw), size), raw...), nil
}

// parseRSAPrivate reads n, e, d, iqmp, p, q. Sizes are checked before there
// is a number: a prime of a hundred thousand bits costs nothing.
func parseRSAPrivate(r *wire.Reader, l Limits) (crypto.Signer, error) {
	n, e, d := r.Mpint("n"), r.Mpint("e"), r.Mpint("d")
	r.Mpint("iqmp") // calculated anew
	p, q := r.Mpint("p"), r.Mpint("q")
	if err := r.Err(); err != nil {
		return nil, err
	}
	public, err := newRSA(n, e, l)
	if err != nil {
		return nil, err
	}
	if len(d) > len(n) || len(p) >= len(n) || len(q) >= len(n) {
		return nil, badFile("RSA numbers larger than the modulus")
	}
	pub, ok := public.public().(*rsa.PublicKey)
	if !ok {
		return nil, badFile("RSA exponent too large to sign with")
	}
	return finishRSAPrivate(&rsa.PrivateKey{
		PublicKey: *pub,
		D:         new(big.Int).SetBytes(d),
		Primes:    []*big.Int{new(big.Int).SetBytes(p), new(big.Int).SetBytes(q)},
	})
}

// finishRSAPrivate checks that the numbers belong together and precomputes.
// The product is compared first, because that is quick; and the CRT values are
// calculated here, because the library takes seconds for them if the numbers
// are large and no primes, before it finds that they are wrong.
func finishRSAPrivate(key *rsa.PrivateKey) (crypto.Signer, error) {
	one := big.NewInt(1)
	p, q := key.Primes[0], key.Primes[1]
	if p.Cmp(one) <= 0 || q.Cmp(one) <= 0 || new(big.Int).Mul(p, q).Cmp(key.N) != 0 {
		return nil, badFile("RSA modulus is not the product of its primes")
	}
	key.Precomputed.Dp = new(big.Int).Mod(key.D, new(big.Int).Sub(p, one))
	key.Precomputed.Dq = new(big.Int).Mod(key.D, new(big.Int).Sub(q, one))
	key.Precomputed.Qinv = new(big.Int).ModInverse(q, p)
	if key.Precomputed.Qinv == nil {
		return nil, badFile("RSA primes with a common factor")
	}
	key.Precompute()
	if err := key.Validate(); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrKeyFile, err)
	}
	return key, nil
}

func appendRSAPrivate(b []byte, key crypto.Signer) ([]byte, bool) {
	k, ok := key.(*rsa.PrivateKey)
	if !ok || len(k.Primes) != 2 || k.D == nil {
		return b, false
	}
	p, q := k.Primes[0], k.Primes[1]
	iqmp := new(big.Int).ModInverse(q, p)
	if iqmp == nil {
		return b, false
	}
	for _, v := range []*big.Int{k.N, big.NewInt(int64(k.E)), k.D, iqmp, p, q} {
		b = wire.AppendMpint(b, v.Bytes())
	}
	return b, true
}
