package kex

import dh "github.com/cloudflare/circl/dh/x448"

// curve448 is X448.
var curve448 = &montgomery{
	size:   dh.Size,
	public: func(public, private []byte) { dh.KeyGen((*dh.Key)(public), (*dh.Key)(private)) },
	secret: func(secret, private, public []byte) bool {
		return dh.Shared((*dh.Key)(secret), (*dh.Key)(private), (*dh.Key)(public))
	},
}
