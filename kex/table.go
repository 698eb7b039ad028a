package kex

import (
	"crypto/sha256"
	"crypto/sha512"
	"fmt"
	"slices"
)

// secure are the methods offered by default, the most wanted first: hybrid before classical, the fast curves before the
// large groups.
var secure = [...]Method{
	{Name: "mlkem768x25519-sha256", Hash: sha256.New, SecretAsString: true, Offer: offerMLKEM, Answer: answerMLKEM},
	{Name: "curve25519-sha256", Hash: sha256.New, Offer: x25519.offer, Answer: x25519.answer},
	{Name: "curve25519-sha256@libssh.org", Hash: sha256.New, Offer: x25519.offer, Answer: x25519.answer},
	{Name: "ecdh-sha2-nistp256", Hash: sha256.New, Offer: p256.offer, Answer: p256.answer},
	{Name: "ecdh-sha2-nistp384", Hash: sha512.New384, Offer: p384.offer, Answer: p384.answer},
	{Name: "ecdh-sha2-nistp521", Hash: sha512.New, Offer: p521.offer, Answer: p521.answer},
	{Name: "diffie-hellman-group16-sha512", Hash: sha512.New, Offer: group16.offer, Answer: group16.answer},
	{Name: "diffie-hellman-group18-sha512", Hash: sha512.New, Offer: group18.offer, Answer: group18.answer},
	{Name: "diffie-hellman-group14-sha256", Hash: sha256.New, Offer: group14.offer, Answer: group14.answer},
}

// insecure are the methods that are known here but never offered unless asked for by name.
var insecure = [...]Method{}

// Default returns the methods offered by default, in order of preference. The slice is the caller's.
func Default() []Method { return slices.Clone(secure[:]) }

// Insecure returns the methods that are only used when a Config names them. The slice is the caller's.
func Insecure() []Method { return slices.Clone(insecure[:]) }

// Lookup returns the methods of these names, in this order, from the default and the insecure ones. It fails on a name
// that is not known. The slice is the caller's.
func Lookup(names ...string) ([]Method, error) {
	methods := make([]Method, 0, len(names))
	for _, name := range names {
		m, ok := find(name)
		if !ok {
			return nil, fmt.Errorf("kex: unknown key exchange method %q", name)
		}
		methods = append(methods, m)
	}
	return methods, nil
}

func find(name string) (Method, bool) {
	for _, rows := range [][]Method{secure[:], insecure[:]} {
		for _, m := range rows {
			if m.Name == name {
				return m, true
			}
		}
	}
	return Method{}, false
}
