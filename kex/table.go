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
	{Name: MLKEM768X25519, Hash: sha256.New, SecretAsString: true, Offer: mlkem768x25519.offer, Answer: mlkem768x25519.answer},
	{Name: Curve25519, Hash: sha256.New, KeyAsDrawn: true, Offer: curve25519.offer, Answer: curve25519.answer},
	{Name: Curve25519LibSSH, Hash: sha256.New, KeyAsDrawn: true, Offer: curve25519.offer, Answer: curve25519.answer},
	{Name: ECDHP256, Hash: sha256.New, Offer: p256.offer, Answer: p256.answer},
	{Name: ECDHP384, Hash: sha512.New384, Offer: p384.offer, Answer: p384.answer},
	{Name: ECDHP521, Hash: sha512.New, Offer: p521.offer, Answer: p521.answer},
	{Name: DHGroup16, Hash: sha512.New, KeyAsDrawn: true, Costly: true, Offer: group16.offer, Answer: group16.answer},
	{Name: DHGroup18, Hash: sha512.New, KeyAsDrawn: true, Costly: true, Offer: group18.offer, Answer: group18.answer},
	{Name: DHGroup14, Hash: sha256.New, KeyAsDrawn: true, Costly: true, Offer: group14.offer, Answer: group14.answer},
	{Name: DHGroupExchange, Hash: sha256.New, KeyAsDrawn: true, Costly: true, GroupExchange: true},
}

// optional are the methods that are safe, but of which one that is offered does the same better or for more peers.
var optional = [...]Method{
	{Name: SNTRUP761X25519, Hash: sha512.New, SecretAsString: true, Offer: sntrup761x25519.offer, Answer: sntrup761x25519.answer},
	{Name: SNTRUP761X25519OpenSSH, Hash: sha512.New, SecretAsString: true, Offer: sntrup761x25519.offer, Answer: sntrup761x25519.answer},
	{Name: MLKEM768P256, Hash: sha256.New, SecretAsString: true, Offer: mlkem768p256.offer, Answer: mlkem768p256.answer},
	{Name: MLKEM1024P384, Hash: sha512.New384, SecretAsString: true, Offer: mlkem1024p384.offer, Answer: mlkem1024p384.answer},
	{Name: Curve448, Hash: sha512.New, Offer: curve448.offer, Answer: curve448.answer},
	{Name: DHGroup15, Hash: sha512.New, KeyAsDrawn: true, Costly: true, Offer: group15.offer, Answer: group15.answer},
	{Name: DHGroup17, Hash: sha512.New, KeyAsDrawn: true, Costly: true, Offer: group17.offer, Answer: group17.answer},
	// A transient key of RSA, so that what was recorded stays secret; but making one takes a server tenths of a second.
	{Name: RSA2048, Hash: sha256.New, ServerOffers: true, Costly: true, Offer: offerRSA, Answer: answerRSA},
}

// insecure are the methods that are known here but never offered unless asked for by name, the strongest first. names.go
// says what is wrong with each.
var insecure = [...]Method{
	{Name: InsecureDHGroupExchangeSHA1, Hash: sha1.New, KeyAsDrawn: true, Costly: true, GroupExchange: true},
	{Name: InsecureDHGroup14SHA1, Hash: sha1.New, KeyAsDrawn: true, Costly: true, Offer: group14.offer, Answer: group14.answer},
	{Name: InsecureDHGroup1SHA1, Hash: sha1.New, KeyAsDrawn: true, Costly: true, Offer: group1.offer, Answer: group1.answer},
}

// Default returns the methods offered by default, in order of preference. The slice is the caller's.
func Default() []Method { return slices.Clone(secure[:]) }

// Optional returns the methods that are safe but not offered by default, in order of preference. The slice is the
// caller's.
func Optional() []Method { return slices.Clone(optional[:]) }

// Insecure returns the methods that are only used when a Config names them, for devices that know nothing better, the
// strongest first. The slice is the caller's. What is wrong with them:
//
//   - diffie-hellman-group-exchange-sha1, diffie-hellman-group14-sha1: the exchange hash is SHA-1, for which collisions
//     can be computed.
//   - diffie-hellman-group1-sha1: the same, and a group of 1024 bits, small enough to be broken.
func Insecure() []Method { return slices.Clone(insecure[:]) }

// Lookup returns the rows of the given names, default, optional or insecure, in the order given. A name that is not
// built is an *UnknownError. The slice is the caller's.
func Lookup(names ...string) ([]Method, error) {
	methods := make([]Method, 0, len(names))
	for _, name := range names {
		m, ok := find(name)
		if !ok {
			return nil, &UnknownError{Name: name}
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

// UnknownError says that no method of that name is built.
type UnknownError struct {
	// Name is the name that was asked for.
	Name string
}

// Error implements error; the name is quoted, so that control characters in it do no harm.
func (e *UnknownError) Error() string { return fmt.Sprintf("kex: unknown name %q", e.Name) }
