package kex

import (
	"io"

	"github.com/cloudflare/circl/dh/x448"
)

// offerX448 is Method.Offer (RFC 8731 §3). K is the secret read as a big-endian number, as on Curve25519.
func offerX448(rand io.Reader) (Offer, error) {
	private, public, err := generateX448(rand)
	if err != nil {
		return Offer{}, err
	}
	finish := func(serverPublic []byte) ([]byte, error) {
		defer clear(private[:])
		peer, err := parseX448(serverPublic)
		if err != nil {
			return nil, err
		}
		return agreeX448(private, peer)
	}
	return Offer{Public: public, Finish: once(finish)}, nil
}

// answerX448 is Method.Answer. The client's value is checked before a key is made for it.
func answerX448(rand io.Reader, clientPublic []byte) (serverPublic, secret []byte, err error) {
	peer, err := parseX448(clientPublic)
	if err != nil {
		return nil, nil, err
	}
	private, serverPublic, err := generateX448(rand)
	if err != nil {
		return nil, nil, err
	}
	defer clear(private[:])
	secret, err = agreeX448(private, peer)
	if err != nil {
		return nil, nil, err
	}
	return serverPublic, secret, nil
}

// generateX448 draws a private key; all strings of bytes are one (RFC 7748 §5).
func generateX448(rand io.Reader) (private *x448.Key, public []byte, err error) {
	private = new(x448.Key)
	if err := fill(rand, private[:]); err != nil {
		return nil, nil, err
	}
	var point x448.Key
	x448.KeyGen(&point, private)
	return private, point[:], nil
}

// parseX448 takes any value of the right length; those not below the prime are reduced (RFC 7748 §5).
func parseX448(public []byte) (*x448.Key, error) {
	if len(public) != x448.Size {
		return nil, failed(errPublicLength)
	}
	return (*x448.Key)(append([]byte(nil), public...)), nil
}

// agreeX448 computes the secret, and refuses the zero that points of low order give (RFC 8731 §3).
func agreeX448(private, peer *x448.Key) ([]byte, error) {
	var secret x448.Key
	if !x448.Shared(&secret, private, peer) {
		return nil, failed(errSecretRange)
	}
	return secret[:], nil
}
