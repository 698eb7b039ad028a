package sshkey

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"math/big"

	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"

	"github.com/hawser-ssh/hawser/wire"
)

// curve is one of the curves of RFC 5656 §10.1 that must be there.
type curve struct {
	name string // as the key blob repeats it
	elliptic.Curve
}

// ecdsaKey is a key of RFC 5656 §3.
type ecdsaKey struct {
	curve curve
	point []byte // uncompressed, SEC 1 §2.3.3
	key   *ecdsa.PublicKey
}

// ecdsaKeyType returns the row of one curve.
func ecdsaKeyType(name string, c curve) keyType {
	return keyType{
		name:          name,
		parse:         c.parse,
		from:          c.fromCrypto,
		parsePrivate:  c.parsePrivate,
		appendPrivate: c.appendPrivate,
	}
}

// parse reads the blob of RFC 5656 §3.1. Compressed points are refused: no
// implementation sends them, and the RFC only allows them.
func (c curve) parse(r *wire.Reader, _ Limits) (scheme, error) {
	name, point := r.Name("curve"), r.Bytes("point")
	if err := r.Err(); err != nil {
		return nil, err
	}
	if name != c.name {
		return nil, badBlob("curve is not the one that the key type names")
	}
	return c.newKey(point)
}

func (c curve) newKey(point []byte) (scheme, error) {
	key, err := ecdsa.ParseUncompressedPublicKey(c.Curve, point)
	if err != nil {
		return nil, badBlob("not an uncompressed point on " + c.name)
	}
	return ecdsaKey{curve: c, point: bytes.Clone(point), key: key}, nil
}

func (c curve) fromCrypto(key crypto.PublicKey, _ Limits) (scheme, error) {
	k, ok := key.(*ecdsa.PublicKey)
	if !ok || k == nil || k.Curve != c.Curve {
		return nil, errOtherType
	}
	point, err := k.Bytes()
	if err != nil {
		return nil, badBlob("not a point on " + c.name)
	}
	return c.newKey(point)
}

func (k ecdsaKey) public() crypto.PublicKey { return k.key }

func (k ecdsaKey) appendFields(b []byte) []byte {
	return wire.AppendBytes(wire.AppendString(b, k.curve.name), k.point)
}

// verify checks the signature of RFC 5656 §3.1.2: r and s as mpints.
func (k ecdsaKey) verify(_ *algorithm, digest, body []byte) error {
	f := wire.NewFieldReader(body, "ECDSA signature")
	r, s := new(big.Int).SetBytes(f.Mpint("r")), new(big.Int).SetBytes(f.Mpint("s"))
	if err := f.Done(); err != nil {
		return badSignature("malformed r or s")
	}
	if !k.inRange(r) || !k.inRange(s) {
		return badSignature("r or s out of range")
	}
	der, err := appendDERSignature(r, s)
	if err != nil || !ecdsa.VerifyASN1(k.key, digest, der) {
		return ErrSignature
	}
	return nil
}

// inRange reports whether v is in 1..n-1.
func (k ecdsaKey) inRange(v *big.Int) bool {
	return v.Sign() > 0 && v.Cmp(k.curve.Params().N) < 0
}

func appendDERSignature(r, s *big.Int) ([]byte, error) {
	var b cryptobyte.Builder
	b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1BigInt(r)
		b.AddASN1BigInt(s)
	})
	return b.Bytes()
}

// encode takes the DER form that crypto.Signer promises for ECDSA.
func (k ecdsaKey) encode(raw []byte) ([]byte, error) {
	r, s, ok := parseDERSignature(raw)
	if !ok || !k.inRange(r) || !k.inRange(s) {
		return nil, badSignature("signer returned no ECDSA signature for " + k.curve.name)
	}
	return wire.AppendMpint(wire.AppendMpint(nil, r.Bytes()), s.Bytes()), nil
}

// parsePrivate reads curve, point and private scalar.
func (c curve) parsePrivate(r *wire.Reader, l Limits) (crypto.Signer, error) {
	public, err := c.parse(r, l)
	if err != nil {
		return nil, err
	}
	d := r.Mpint("private key")
	if err := r.Err(); err != nil {
		return nil, err
	}
	size := (c.Params().BitSize + 7) / 8
	if len(d) > size {
		return nil, badFile("ECDSA private key out of range")
	}
	scalar := make([]byte, size)
	defer clear(scalar)
	copy(scalar[size-len(d):], d)
	key, err := ecdsa.ParseRawPrivateKey(c.Curve, scalar)
	if err != nil {
		return nil, badFile("ECDSA private key out of range")
	}
	if !key.PublicKey.Equal(public.public()) {
		return nil, badFile("ECDSA public key does not belong to the private key")
	}
	return key, nil
}

func (c curve) appendPrivate(b []byte, key crypto.Signer) ([]byte, bool) {
	k, ok := key.(*ecdsa.PrivateKey)
	if !ok || k.Curve != c.Curve {
		return b, false
	}
	d, err := k.Bytes()
	if err != nil {
		return b, false
	}
	defer clear(d)
	point, err := k.PublicKey.Bytes()
	if err != nil {
		return b, false
	}
	b = wire.AppendBytes(wire.AppendString(b, c.name), point)
	return wire.AppendMpint(b, d), true
}
