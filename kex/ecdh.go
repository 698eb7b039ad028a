package kex

import (
	"crypto/ecdh"
	"io"
)

// curve is a group of crypto/ecdh together with what it takes to draw a private key of it from any reader:
// ecdh.Curve.GenerateKey may ignore the reader it is given, and then a failing one would go unnoticed.
type curve struct {
	group   ecdh.Curve
	keySize int  // bytes of a private key
	topMask byte // the bits of its first byte that may be set
}

// Sizes in bytes of points in uncompressed form.
const (
	p256PointSize = 1 + 2*32
	p384PointSize = 1 + 2*48
)

// The curves of RFC 5656 §10.1. The order of P-521 has 521 bits, so one bit of the first byte is used.
var (
	p256 = curve{group: ecdh.P256(), keySize: 32, topMask: 0xff}
	p384 = curve{group: ecdh.P384(), keySize: 48, topMask: 0xff}
	p521 = curve{group: ecdh.P521(), keySize: 66, topMask: 0x01}
)

// offer is Method.Offer (RFC 5656 §4).
func (c curve) offer(rand io.Reader) (Offer, error) {
	key, err := c.generate(rand)
	if err != nil {
		return Offer{}, err
	}
	finish := func(serverPublic []byte) ([]byte, error) {
		peer, err := c.parse(serverPublic)
		if err != nil {
			return nil, err
		}
		return agree(key, peer)
	}
	return Offer{Public: key.PublicKey().Bytes(), Finish: once(finish)}, nil
}

// answer is Method.Answer. The client's value is checked before a key is made for it.
func (c curve) answer(rand io.Reader, clientPublic []byte) (serverPublic, secret []byte, err error) {
	peer, err := c.parse(clientPublic)
	if err != nil {
		return nil, nil, err
	}
	key, err := c.generate(rand)
	if err != nil {
		return nil, nil, err
	}
	secret, err = agree(key, peer)
	if err != nil {
		return nil, nil, err
	}
	return key.PublicKey().Bytes(), secret, nil
}

// generate draws a private key. Scalars that are zero or not below the order of the group are drawn again.
func (c curve) generate(rand io.Reader) (*ecdh.PrivateKey, error) {
	scalar := make([]byte, c.keySize)
	defer clear(scalar)
	for range maxDraws {
		if err := fill(rand, scalar); err != nil {
			return nil, err
		}
		scalar[0] &= c.topMask
		if key, err := c.group.NewPrivateKey(scalar); err == nil {
			return key, nil
		}
	}
	return nil, failed(errEntropy)
}

// parse checks a peer's point: only the uncompressed form of a point of the curve other than infinity
// (RFC 5656 §4, SEC 1 §3.2.2.1).
func (c curve) parse(public []byte) (*ecdh.PublicKey, error) {
	peer, err := c.group.NewPublicKey(public)
	if err != nil {
		return nil, failed(errPublicPoint)
	}
	return peer, nil
}

// agree computes the shared secret. It fails where the result is the point at infinity.
func agree(key *ecdh.PrivateKey, peer *ecdh.PublicKey) ([]byte, error) {
	secret, err := key.ECDH(peer)
	if err != nil {
		return nil, failed(errSecretRange)
	}
	return secret, nil
}
