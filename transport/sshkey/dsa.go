package sshkey

import (
	"crypto"
	"crypto/dsa" //lint:ignore SA1019 an old key type that callers may name
	"crypto/rand"
	"io"
	"math/big"

	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"

	"github.com/hawser-ssh/hawser/wire"
)

// The only sizes of DSA keys: RFC 4253 §6.6 has a signature of two numbers of
// 160 bits, and FIPS 186-2, which it names, no larger modulus with those.
const (
	dsaModulusBits = 1024
	dsaOrderBits   = 160
	dsaNumber      = dsaOrderBits / 8 // bytes of r and of s
)

// dsaKey is a key of type ssh-dss (RFC 4253 §6.6).
type dsaKey struct{ key *dsa.PublicKey }

// parseDSA reads p, q, g and y. Sizes are checked on the bytes.
func parseDSA(r *wire.Reader, _ Limits) (scheme, error) {
	p, q, g, y := r.Mpint("p"), r.Mpint("q"), r.Mpint("g"), r.Mpint("y")
	if err := r.Err(); err != nil {
		return nil, err
	}
	return newDSA(p, q, g, y)
}

// newDSA returns the key with these numbers, which are magnitudes without
// leading zeros.
func newDSA(p, q, g, y []byte) (scheme, error) {
	if bits := bitLen(p); bits != dsaModulusBits {
		return nil, &WeakKeyError{Type: "ssh-dss", Bits: bits, Min: dsaModulusBits, Max: dsaModulusBits}
	}
	if bits := bitLen(q); bits != dsaOrderBits {
		return nil, badBlob("DSA order is not of 160 bits")
	}
	if len(g) > len(p) || len(y) > len(p) {
		return nil, badBlob("DSA generator or key out of range")
	}
	k := &dsa.PublicKey{Y: new(big.Int).SetBytes(y)}
	k.P, k.Q, k.G = new(big.Int).SetBytes(p), new(big.Int).SetBytes(q), new(big.Int).SetBytes(g)
	if err := checkDSA(k); err != nil {
		return nil, err
	}
	return dsaKey{key: k}, nil
}

// checkDSA checks that g and y are in the subgroup of order q: with others a
// signature may say nothing about who made it. That p and q are prime is not
// checked; their owner only harms himself if they are not.
func checkDSA(k *dsa.PublicKey) error {
	one := big.NewInt(1)
	if k.P.Bit(0) == 0 || k.Q.Bit(0) == 0 {
		return badBlob("DSA modulus or order is even")
	}
	if k.G.Cmp(one) <= 0 || k.G.Cmp(k.P) >= 0 || k.Y.Cmp(one) <= 0 || k.Y.Cmp(k.P) >= 0 {
		return badBlob("DSA generator or key out of range")
	}
	if new(big.Int).Mod(new(big.Int).Sub(k.P, one), k.Q).Sign() != 0 {
		return badBlob("DSA order does not divide the modulus less one")
	}
	for _, v := range []*big.Int{k.G, k.Y} {
		if new(big.Int).Exp(v, k.Q, k.P).Cmp(one) != 0 {
			return badBlob("DSA generator or key of another order")
		}
	}
	return nil
}

func dsaFromCrypto(key crypto.PublicKey, _ Limits) (scheme, error) {
	k, ok := key.(*dsa.PublicKey)
	if !ok || k == nil {
		return nil, errOtherType
	}
	for _, v := range []*big.Int{k.P, k.Q, k.G, k.Y} {
		if v == nil || v.Sign() <= 0 {
			return nil, badBlob("DSA key with a number missing")
		}
	}
	return newDSA(k.P.Bytes(), k.Q.Bytes(), k.G.Bytes(), k.Y.Bytes())
}

func (k dsaKey) public() crypto.PublicKey { return k.key }

func (k dsaKey) appendFields(b []byte) []byte {
	for _, v := range []*big.Int{k.key.P, k.key.Q, k.key.G, k.key.Y} {
		b = wire.AppendMpint(b, v.Bytes())
	}
	return b
}

// verify checks the signature of RFC 4253 §6.6: r and s of 20 bytes each.
func (k dsaKey) verify(_ *algorithm, digest, body []byte) error {
	if len(body) != 2*dsaNumber {
		return badSignature("not 40 bytes")
	}
	r, s := new(big.Int).SetBytes(body[:dsaNumber]), new(big.Int).SetBytes(body[dsaNumber:])
	if !k.inRange(r) || !k.inRange(s) {
		return badSignature("r or s out of range")
	}
	if !dsa.Verify(k.key, digest, r, s) {
		return ErrSignature
	}
	return nil
}

// inRange reports whether v is in 1..q-1.
func (k dsaKey) inRange(v *big.Int) bool { return v.Sign() > 0 && v.Cmp(k.key.Q) < 0 }

// encode takes the DER form that a crypto.Signer returns, as for ECDSA.
func (k dsaKey) encode(raw []byte) ([]byte, error) {
	r, s, ok := parseDERSignature(raw)
	if !ok || !k.inRange(r) || !k.inRange(s) {
		return nil, badSignature("signer returned no DSA signature for this key")
	}
	b := make([]byte, 2*dsaNumber)
	r.FillBytes(b[:dsaNumber])
	s.FillBytes(b[dsaNumber:])
	return b, nil
}

// parseDERSignature reads the two numbers of a DSA or ECDSA signature in DER.
func parseDERSignature(raw []byte) (r, s *big.Int, ok bool) {
	var seq cryptobyte.String
	r, s = new(big.Int), new(big.Int)
	der := cryptobyte.String(raw)
	ok = der.ReadASN1(&seq, asn1.SEQUENCE) && der.Empty() &&
		seq.ReadASN1Integer(r) && seq.ReadASN1Integer(s) && seq.Empty()
	return r, s, ok
}

// DSAPrivateKey is a DSA key as a crypto.Signer, which *dsa.PrivateKey is not.
// It must not be changed once it is in use.
type DSAPrivateKey struct{ dsa.PrivateKey }

// Public returns the public half, a *dsa.PublicKey.
func (k *DSAPrivateKey) Public() crypto.PublicKey { return &k.PublicKey }

// Equal reports whether x is the same key.
func (k *DSAPrivateKey) Equal(x crypto.PrivateKey) bool {
	o, ok := x.(*DSAPrivateKey)
	return ok && k.X.Cmp(o.X) == 0 && k.Y.Cmp(o.Y) == 0 &&
		k.P.Cmp(o.P) == 0 && k.Q.Cmp(o.Q) == 0 && k.G.Cmp(o.G) == 0
}

// Sign returns the signature of a digest in DER, Dss-Sig-Value of RFC 3279
// §2.2.2. The nonce is that of RFC 6979 if random is nil; otherwise 32 bytes
// of it go in besides (RFC 6979 §3.6), so that neither a bad source nor a
// fault that repeats can give the key away.
func (k *DSAPrivateKey) Sign(random io.Reader, digest []byte, opts crypto.SignerOpts) ([]byte, error) {
	hash := crypto.SHA256
	if opts != nil && opts.HashFunc() != 0 {
		hash = opts.HashFunc()
	}
	var extra []byte
	if random != nil {
		extra = make([]byte, 32)
		if _, err := io.ReadFull(random, extra); err != nil {
			return nil, err
		}
	}
	nonces := newNonceSource(hash, k.Q, k.X, digest, extra)
	for range maxNonces {
		if r, s, ok := k.sign(nonces.next(), digest); ok {
			return appendDERSignature(r, s)
		}
	}
	return nil, badSignature("no usable DSA nonce, the key is broken")
}

// maxNonces is how often signing starts anew when r or s is 0, which with a
// good key happens never.
const maxNonces = 8

// sign is FIPS 186-4 §4.6. The exponent is the nonce plus a random multiple of
// the order, and the secrets are multiplied by a random number while s is
// calculated: math/big does not take constant time, and bits of nonces give
// the key away.
func (k *DSAPrivateKey) sign(nonce *big.Int, digest []byte) (r, s *big.Int, ok bool) {
	blind, err := rand.Int(rand.Reader, new(big.Int).Sub(k.Q, big.NewInt(1)))
	if err != nil {
		return nil, nil, false
	}
	blind.Add(blind, big.NewInt(1))
	exponent := new(big.Int).Lsh(big.NewInt(1), 2*dsaOrderBits)
	exponent.Add(exponent.Add(exponent, blind).Mul(exponent, k.Q), nonce)
	r = exponent.Exp(k.G, exponent, k.P)
	r.Mod(r, k.Q)

	inverse := new(big.Int).Mul(nonce, blind)
	if inverse.ModInverse(inverse, k.Q) == nil { // 1/(nonce*blind)
		return nil, nil, false
	}
	s = new(big.Int).Mul(blind, k.X)
	s.Mod(s, k.Q).Mul(s, r)
	z := truncated(digest, k.Q)
	s.Add(s, z.Mul(z, blind)).Mod(s, k.Q) // blind*(z + r*x)
	s.Mul(s, inverse).Mod(s, k.Q)
	return r, s, r.Sign() > 0 && s.Sign() > 0
}

// parseDSAPrivate reads p, q, g, y and x.
func parseDSAPrivate(r *wire.Reader, l Limits) (crypto.Signer, error) {
	public, err := parseDSA(r, l)
	if err != nil {
		return nil, err
	}
	x := r.Mpint("x")
	if err := r.Err(); err != nil {
		return nil, err
	}
	return newDSAPrivate(public.(dsaKey).key, x)
}

// newDSAPrivate checks that x, a magnitude, is the secret of the key.
func newDSAPrivate(public *dsa.PublicKey, x []byte) (crypto.Signer, error) {
	if bitLen(x) > dsaOrderBits {
		return nil, badFile("DSA private key out of range")
	}
	k := &DSAPrivateKey{dsa.PrivateKey{PublicKey: *public, X: new(big.Int).SetBytes(x)}}
	if k.X.Sign() <= 0 || k.X.Cmp(k.Q) >= 0 {
		return nil, badFile("DSA private key out of range")
	}
	if new(big.Int).Exp(k.G, k.X, k.P).Cmp(k.Y) != 0 {
		return nil, badFile("DSA public key does not belong to the private key")
	}
	return k, nil
}

func appendDSAPrivate(b []byte, key crypto.Signer) ([]byte, bool) {
	k, ok := key.(*DSAPrivateKey)
	if !ok || k.X == nil {
		return b, false
	}
	b = dsaKey{&k.PublicKey}.appendFields(b)
	return wire.AppendMpint(b, k.X.Bytes()), true
}
