// Package certstore opens the stores that people keep keys in and gives their
// keys as crypto.Signers.
//
//	store, err := certstore.Open(certstore.PFXFile, []byte("server.pfx"), "password")
//	key, err := certstore.Find(store, "CN=www.example.org")
//	signers, err := key.Signers() // for daemon.SetHostKeys
//
// # Where things are
//
//	store.go      Open, Parse, Store, Key
//	types.go      the types and the table of what reads them
//	auto.go       tells by the contents what a store is; der.go the same for DER
//	subject.go    Find, FindCertificate, distinguished names
//	chain.go      which certificates belong to which key
//	collect.go    what all formats do with the keys they find
//	signers.go    keys as SSH uses them
//	pfx.go jks.go pem.go public.go p7b.go ppk.go xml.go jwk.go bcfks.go   a file per format
//	fields.go     keys that are given as numbers
//	pbe.go kdf.go hash.go   encryption with passwords; ccm.go rc2.go argon2d.go what the library has not
//	ber.go        BER as DER
//	platform.go   stores that are no files
//	errors.go, limits.go
package certstore
