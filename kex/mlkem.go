package kex

import (
	"crypto/mlkem"
	"crypto/sha256"
	"crypto/sha512"
	"io"
)

// The hybrids of draft-ietf-sshm-mlkem-hybrid-kex §2.3, each with the hash of its method.
var (
	mlkem768x25519 = hybrid{kem: mlkem768, curve: curve25519, pointSize: x25519Size, hash: sha256.New}
	mlkem768p256   = hybrid{kem: mlkem768, curve: p256, pointSize: p256PointSize, hash: sha256.New}
	mlkem1024p384  = hybrid{kem: mlkem1024, curve: p384, pointSize: p384PointSize, hash: sha512.New384}
)

// The parameter sets of FIPS 203 §8. The randomness of an encapsulation is crypto/mlkem's own; a hybrid reads that of
// its curve from the reader it is given, so that a failing one fails the exchange.
var (
	mlkem768 = kem{
		publicSize: mlkem.EncapsulationKeySize768, ciphertextSize: mlkem.CiphertextSize768,
		generate: func(rand io.Reader) ([]byte, func([]byte) ([]byte, error), error) {
			key, err := fromSeed(rand, mlkem.NewDecapsulationKey768)
			if err != nil {
				return nil, nil, err
			}
			return key.EncapsulationKey().Bytes(), key.Decapsulate, nil
		},
		open: func(public []byte) (func(io.Reader) ([]byte, []byte, error), error) {
			return openMLKEM(mlkem.NewEncapsulationKey768(public))
		},
	}
	mlkem1024 = kem{
		publicSize: mlkem.EncapsulationKeySize1024, ciphertextSize: mlkem.CiphertextSize1024,
		generate: func(rand io.Reader) ([]byte, func([]byte) ([]byte, error), error) {
			key, err := fromSeed(rand, mlkem.NewDecapsulationKey1024)
			if err != nil {
				return nil, nil, err
			}
			return key.EncapsulationKey().Bytes(), key.Decapsulate, nil
		},
		open: func(public []byte) (func(io.Reader) ([]byte, []byte, error), error) {
			return openMLKEM(mlkem.NewEncapsulationKey1024(public))
		},
	}
)

// fromSeed draws the seed of a key pair (FIPS 203 §7.1).
func fromSeed[K any](rand io.Reader, newKey func(seed []byte) (K, error)) (key K, err error) {
	var seed [mlkem.SeedSize]byte
	defer clear(seed[:])
	if err := fill(rand, seed[:]); err != nil {
		return key, err
	}
	if key, err = newKey(seed[:]); err != nil {
		return key, failed(err)
	}
	return key, nil
}

// encapsulator is an encapsulation key of either parameter set.
type encapsulator interface {
	Encapsulate() (secret, ciphertext []byte)
}

// openMLKEM is kem.open; err is the outcome of the modulus check (FIPS 203 §7.2).
func openMLKEM(key encapsulator, err error) (func(io.Reader) ([]byte, []byte, error), error) {
	if err != nil {
		return nil, failed(errPublicModulus)
	}
	return func(io.Reader) (ciphertext, secret []byte, err error) {
		secret, ciphertext = key.Encapsulate()
		return ciphertext, secret, nil
	}, nil
}
