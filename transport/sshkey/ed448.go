package sshkey

import (
	"bytes"
	"crypto"
	"slices"

	"github.com/cloudflare/circl/ecc/goldilocks"
	"github.com/cloudflare/circl/sign/ed448"
	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"

	"github.com/hawser-ssh/hawser/wire"
)

// ed448Key is a key of RFC 8709.
type ed448Key struct{ key ed448.PublicKey }

// ed448MinusOne is the encoding of y = -1 without the sign bit of x, in the
// field of 2^448 - 2^224 - 1.
const ed448MinusOne = "\xfe" + ones27 + "\xfe" + ones27 + "\x00"

const ones27 = "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"

// isSmallOrder448 reports whether the 57 bytes of point encode one of the four
// points whose order divides 4: y is 0, 1 or -1. Encodings beyond the field
// are refused by whoever decodes the point. See isSmallOrder.
func isSmallOrder448(point []byte) bool {
	p := [ed448.PublicKeySize]byte(point)
	p[len(p)-1] &= 0x7f
	zero := [ed448.PublicKeySize]byte{}
	one := [ed448.PublicKeySize]byte{1}
	return p == zero || p == one || string(p[:]) == ed448MinusOne
}

func newEd448(point []byte) (scheme, error) {
	if len(point) != ed448.PublicKeySize {
		return nil, badBlob("Ed448 key is not 57 bytes")
	}
	if isSmallOrder448(point) {
		return nil, badBlob("Ed448 key is a point of small order")
	}
	if _, err := goldilocks.FromBytes(point); err != nil {
		return nil, badBlob("Ed448 key is not a point on the curve")
	}
	return ed448Key{key: bytes.Clone(point)}, nil
}

// parseEd448 reads the blob of RFC 8709 §4.
func parseEd448(r *wire.Reader, _ Limits) (scheme, error) {
	point := r.Bytes("key")
	if err := r.Err(); err != nil {
		return nil, err
	}
	return newEd448(point)
}

func ed448FromCrypto(key crypto.PublicKey, _ Limits) (scheme, error) {
	k, ok := key.(ed448.PublicKey)
	if !ok {
		return nil, errOtherType
	}
	return newEd448(k)
}

func (k ed448Key) public() crypto.PublicKey     { return slices.Clone(k.key) }
func (k ed448Key) appendFields(b []byte) []byte { return wire.AppendBytes(b, k.key) }

// verify checks the signature of RFC 8709 §6, Ed448 without a context; the
// library refuses S >= L.
func (k ed448Key) verify(_ *algorithm, data, body []byte) error {
	if len(body) != ed448.SignatureSize {
		return badSignature("not 114 bytes")
	}
	if isSmallOrder448(body[:ed448.PublicKeySize]) {
		return badSignature("commitment of small order")
	}
	if !ed448.Verify(k.key, data, body, "") {
		return ErrSignature
	}
	return nil
}

func (k ed448Key) encode(raw []byte) ([]byte, error) {
	if len(raw) != ed448.SignatureSize {
		return nil, badSignature("signer returned no Ed448 signature")
	}
	return raw, nil
}

// parseEd448Private reads the public key and then seed and public key, the
// form of Ed25519 with other sizes. OpenSSH has no such keys; PuTTY and
// AsyncSSH write them so.
func parseEd448Private(r *wire.Reader, _ Limits) (crypto.Signer, error) {
	public, private := r.Bytes("public key"), r.Bytes("private key")
	if err := r.Err(); err != nil {
		return nil, err
	}
	if len(public) != ed448.PublicKeySize || len(private) != ed448.PrivateKeySize {
		return nil, badFile("Ed448 key of wrong length")
	}
	key := ed448.NewKeyFromSeed(private[:ed448.SeedSize])
	if !bytes.Equal(key, private) || !bytes.Equal(key[ed448.SeedSize:], public) {
		return nil, badFile("Ed448 public key does not belong to the seed")
	}
	return key, nil
}

func appendEd448Private(b []byte, key crypto.Signer) ([]byte, bool) {
	k, ok := key.(ed448.PrivateKey)
	if !ok || len(k) != ed448.PrivateKeySize {
		return b, false
	}
	b = wire.AppendBytes(b, k[ed448.SeedSize:])
	return wire.AppendBytes(b, k), true
}

// pkcs8Ed448 reads the seed, CurvePrivateKey of RFC 8410 §7.
func pkcs8Ed448(params, inner cryptobyte.String) (crypto.Signer, error) {
	var seed cryptobyte.String
	if !params.Empty() || !inner.ReadASN1(&seed, cbasn1.OCTET_STRING) || !inner.Empty() || len(seed) != ed448.SeedSize {
		return nil, badFile("not an Ed448 key in DER")
	}
	return ed448.NewKeyFromSeed(seed), nil
}
