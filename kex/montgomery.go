package kex

import "io"

// montgomery is the Diffie-Hellman of RFC 7748 on one of its two curves. Private keys, public keys and secrets are strings
// of size bytes; all of them are private keys, and public keys too: bits beyond the field are masked, values not below the
// prime are reduced (§5). What the points of small order give, the secret that is all zero, is refused (RFC 8731
// §3). K is the secret read as a big-endian number, so its bytes are used in the order they have.
type montgomery struct {
	size   int
	public func(public, private []byte)
	secret func(secret, private, public []byte) (ok bool)
}

// offer is Method.Offer (RFC 8731 §3).
func (c *montgomery) offer(rand io.Reader) (Offer, error) {
	private, public, err := c.generate(rand)
	if err != nil {
		return Offer{}, err
	}
	finish := func(serverPublic []byte) ([]byte, error) {
		defer clear(private)
		if len(serverPublic) != c.size {
			return nil, failed(errPublicLength)
		}
		return c.agree(private, serverPublic)
	}
	return Offer{Public: public, Finish: once(finish)}, nil
}

// answer is Method.Answer. The client's value is checked before a key is made for it.
func (c *montgomery) answer(rand io.Reader, clientPublic []byte) (serverPublic, secret []byte, err error) {
	if len(clientPublic) != c.size {
		return nil, nil, failed(errPublicLength)
	}
	private, serverPublic, err := c.generate(rand)
	if err != nil {
		return nil, nil, err
	}
	defer clear(private)
	secret, err = c.agree(private, clientPublic)
	if err != nil {
		return nil, nil, err
	}
	return serverPublic, secret, nil
}

// generate draws a private key.
func (c *montgomery) generate(rand io.Reader) (private, public []byte, err error) {
	private, public = make([]byte, c.size), make([]byte, c.size)
	if err := fill(rand, private); err != nil {
		return nil, nil, err
	}
	c.public(public, private)
	return private, public, nil
}

// agree computes the shared secret.
func (c *montgomery) agree(private, peer []byte) ([]byte, error) {
	secret := make([]byte, c.size)
	if !c.secret(secret, private, peer) {
		return nil, failed(errSecretRange)
	}
	return secret, nil
}
