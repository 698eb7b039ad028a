package kex

import dh "github.com/cloudflare/circl/dh/x25519"

// x25519Size is the length of private keys, public keys and secrets of X25519 (RFC 7748 §5).
const x25519Size = dh.Size

// curve25519 is X25519. The package of circl makes a key in a third of the time that crypto/ecdh takes, by a table of
// the base point; both are constant in time.
var curve25519 = &montgomery{
	size:   dh.Size,
	public: func(public, private []byte) { dh.KeyGen((*dh.Key)(public), (*dh.Key)(private)) },
	secret: func(secret, private, public []byte) bool {
		return dh.Shared((*dh.Key)(secret), (*dh.Key)(private), (*dh.Key)(public))
	},
}
