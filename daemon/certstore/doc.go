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
//	subject.go    Find, FindCertificate, distinguished names
//	chain.go      which certificates belong to which key
//	signers.go    keys as SSH uses them
//	pem.go        a file per format
//	platform.go   stores that are no files
//	errors.go, limits.go
package certstore
