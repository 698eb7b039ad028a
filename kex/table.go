package kex

import (
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"fmt"
	"slices"
)

// secure are the methods offered by default, the most wanted first: hybrid before classical, the fast curves before the
// large groups.
var secure = [...]Method{
	{Name: "mlkem768x25519-sha256", Hash: sha256.New, SecretAsString: true, Offer: mlkem768x25519.offer, Answer: mlkem768x25519.answer},
	{Name: "curve25519-sha256", Hash: sha256.New, Offer: x25519.offer, Answer: x25519.answer},
	{Name: "curve25519-sha256@libssh.org", Hash: sha256.New, Offer: x25519.offer, Answer: x25519.answer},
	{Name: "ecdh-sha2-nistp256", Hash: sha256.New, Offer: p256.offer, Answer: p256.answer},
	{Name: "ecdh-sha2-nistp384", Hash: sha512.New384, Offer: p384.offer, Answer: p384.answer},
	{Name: "ecdh-sha2-nistp521", Hash: sha512.New, Offer: p521.offer, Answer: p521.answer},
	{Name: "diffie-hellman-group16-sha512", Hash: sha512.New, Costly: true, Offer: group16.offer, Answer: group16.answer},
	{Name: "diffie-hellman-group18-sha512", Hash: sha512.New, Costly: true, Offer: group18.offer, Answer: group18.answer},
	{Name: "diffie-hellman-group14-sha256", Hash: sha256.New, Costly: true, Offer: group14.offer, Answer: group14.answer},
	{Name: "diffie-hellman-group-exchange-sha256", Hash: sha256.New, Costly: true, GroupExchange: true},
}

// optional are the methods that are safe, but of which one that is offered does the same better or for more peers.
var optional = [...]Method{
	{Name: "sntrup761x25519-sha512", Hash: sha512.New, SecretAsString: true, Offer: sntrup761x25519.offer, Answer: sntrup761x25519.answer},
	{Name: "sntrup761x25519-sha512@openssh.com", Hash: sha512.New, SecretAsString: true, Offer: sntrup761x25519.offer, Answer: sntrup761x25519.answer},
	{Name: "mlkem768nistp256-sha256", Hash: sha256.New, SecretAsString: true, Offer: mlkem768p256.offer, Answer: mlkem768p256.answer},
	{Name: "mlkem1024nistp384-sha384", Hash: sha512.New384, SecretAsString: true, Offer: mlkem1024p384.offer, Answer: mlkem1024p384.answer},
	{Name: "curve448-sha512", Hash: sha512.New, Offer: offerX448, Answer: answerX448},
	{Name: "diffie-hellman-group15-sha512", Hash: sha512.New, Costly: true, Offer: group15.offer, Answer: group15.answer},
	{Name: "diffie-hellman-group17-sha512", Hash: sha512.New, Costly: true, Offer: group17.offer, Answer: group17.answer},
	// A transient key of RSA, so that what was recorded stays secret; but making one takes a server tenths of a second.
	{Name: "rsa2048-sha256", Hash: sha256.New, ServerOffers: true, Costly: true, Offer: offerRSA, Answer: answerRSA},
}

// insecure are the methods that are known here but never offered unless asked for by name.
var insecure = [...]Method{
	// SHA-1: collisions of the exchange hash are within reach (RFC 9142 §1.1).
	{Name: "diffie-hellman-group-exchange-sha1", Hash: sha1.New, Costly: true, GroupExchange: true},
	{Name: "diffie-hellman-group14-sha1", Hash: sha1.New, Costly: true, Offer: group14.offer, Answer: group14.answer},
	// And a group of 1024 bits, which one computation can break for all who use it (RFC 9142 §3.1.1).
	{Name: "diffie-hellman-group1-sha1", Hash: sha1.New, Costly: true, Offer: group1.offer, Answer: group1.answer},
}

// Default returns the methods offered by default, in order of preference. The slice is the caller's.
func Default() []Method { return slices.Clone(secure[:]) }

// Optional returns the methods that are safe but not offered by default, in order of preference. The slice is the
// caller's.
func Optional() []Method { return slices.Clone(optional[:]) }

// Insecure returns the methods that are only used when a Config names them, for devices that know nothing better: their
// exchange hash is SHA-1, for which collisions can be computed, or their group is small enough to be broken. The slice
// is the caller's.
func Insecure() []Method { return slices.Clone(insecure[:]) }

// Lookup returns the methods of these names, in this order, of all that are known. It fails on a name
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
	for _, rows := range [][]Method{secure[:], optional[:], insecure[:]} {
		for _, m := range rows {
			if m.Name == name {
				return m, true
			}
		}
	}
	return Method{}, false
}
