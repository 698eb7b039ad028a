package sshkey

import (
	"bytes"
	"crypto"
	"crypto/ed25519"
	"slices"

	"github.com/hawser-ssh/hawser/wire"
)

// ed25519Key is a key of RFC 8709.
type ed25519Key struct{ key ed25519.PublicKey }

// smallOrder lists the encodings of the points whose order divides 8, without
// the sign bit of x, canonical ones and the two that exceed the field. With
// such a key or commitment a signature says nothing about who made it
// (RFC 8032 §5.1.7 leaves the case open; KEY-06 closes it).
var smallOrder = [...][ed25519.PublicKeySize]byte{
	{},     // y = 0, order 4
	{0x01}, // y = 1, order 1
	{0x26, 0xe8, 0x95, 0x8f, 0xc2, 0xb2, 0x27, 0xb0, 0x45, 0xc3, 0xf4, 0x89, 0xf2, 0xef, 0x98, 0xf0, 0xd5, 0xdf, 0xac, 0x05, 0xd3, 0xc6, 0x33, 0x39, 0xb1, 0x38, 0x02, 0x88, 0x6d, 0x53, 0xfc, 0x05}, // order 8
	{0xc7, 0x17, 0x6a, 0x70, 0x3d, 0x4d, 0xd8, 0x4f, 0xba, 0x3c, 0x0b, 0x76, 0x0d, 0x10, 0x67, 0x0f, 0x2a, 0x20, 0x53, 0xfa, 0x2c, 0x39, 0xcc, 0xc6, 0x4e, 0xc7, 0xfd, 0x77, 0x92, 0xac, 0x03, 0x7a}, // order 8
	{0xec, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f}, // y = -1, order 2
	{0xed, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f}, // y = p, that is 0
	{0xee, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f}, // y = p+1, that is 1
}

// isSmallOrder reports whether the 32 bytes of point encode a point of small
// order. Public values only: it need not run in constant time.
func isSmallOrder(point []byte) bool {
	p := [ed25519.PublicKeySize]byte(point)
	p[len(p)-1] &= 0x7f
	for _, s := range smallOrder {
		if p == s {
			return true
		}
	}
	return false
}

func newEd25519(point []byte) (scheme, error) {
	if len(point) != ed25519.PublicKeySize {
		return nil, badBlob("Ed25519 key is not 32 bytes")
	}
	if isSmallOrder(point) {
		return nil, badBlob("Ed25519 key is a point of small order")
	}
	return ed25519Key{key: bytes.Clone(point)}, nil
}

// parseEd25519 reads the blob of RFC 8709 §4.
func parseEd25519(r *wire.Reader, _ Limits) (scheme, error) {
	point := r.Bytes("key")
	if err := r.Err(); err != nil {
		return nil, err
	}
	return newEd25519(point)
}

func ed25519FromCrypto(key crypto.PublicKey, _ Limits) (scheme, error) {
	k, ok := key.(ed25519.PublicKey)
	if !ok {
		return nil, errOtherType
	}
	return newEd25519(k)
}

func (k ed25519Key) public() crypto.PublicKey     { return slices.Clone(k.key) }
func (k ed25519Key) appendFields(b []byte) []byte { return wire.AppendBytes(b, k.key) }

// verify checks the signature of RFC 8709 §6; the library refuses S >= L.
func (k ed25519Key) verify(_ *algorithm, data, body []byte) error {
	if len(body) != ed25519.SignatureSize {
		return badSignature("not 64 bytes")
	}
	if isSmallOrder(body[:ed25519.PublicKeySize]) {
		return badSignature("commitment of small order")
	}
	if !ed25519.Verify(k.key, data, body) {
		return ErrSignature
	}
	return nil
}

func (k ed25519Key) encode(raw []byte) ([]byte, error) {
	if len(raw) != ed25519.SignatureSize {
		return nil, badSignature("signer returned no Ed25519 signature")
	}
	return raw, nil
}

// parseEd25519Private reads the public key and then seed and public key.
func parseEd25519Private(r *wire.Reader, _ Limits) (crypto.Signer, error) {
	public, private := r.Bytes("public key"), r.Bytes("private key")
	if err := r.Err(); err != nil {
		return nil, err
	}
	if len(public) != ed25519.PublicKeySize || len(private) != ed25519.PrivateKeySize {
		return nil, badFile("Ed25519 key of wrong length")
	}
	key := ed25519.NewKeyFromSeed(private[:ed25519.SeedSize])
	if !bytes.Equal(key, private) || !bytes.Equal(key[ed25519.SeedSize:], public) {
		return nil, badFile("Ed25519 public key does not belong to the seed")
	}
	return key, nil
}

func appendEd25519Private(b []byte, key crypto.Signer) ([]byte, bool) {
	k, ok := key.(ed25519.PrivateKey)
	if !ok || len(k) != ed25519.PrivateKeySize {
		return b, false
	}
	b = wire.AppendBytes(b, k[ed25519.SeedSize:])
	return wire.AppendBytes(b, k), true
}
