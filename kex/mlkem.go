package kex

import (
	"crypto/mlkem"
	"crypto/sha256"
	"io"
)

// Sizes of the public values of mlkem768x25519-sha256 (draft-ietf-sshm-mlkem-hybrid-kex §2.3): an encapsulation key or a
// ciphertext of ML-KEM-768 (FIPS 203 §8), followed by a public key of X25519.
const (
	mlkemInitSize  = mlkem.EncapsulationKeySize768 + x25519Size
	mlkemReplySize = mlkem.CiphertextSize768 + x25519Size
)

// offerMLKEM is Method.Offer. Both halves are drawn from rand.
func offerMLKEM(rand io.Reader) (Offer, error) {
	seed := make([]byte, mlkem.SeedSize)
	defer clear(seed)
	if err := fill(rand, seed); err != nil {
		return Offer{}, err
	}
	decapsulation, err := mlkem.NewDecapsulationKey768(seed)
	if err != nil {
		return Offer{}, failed(err)
	}
	classical, err := x25519.offer(rand)
	if err != nil {
		return Offer{}, err
	}
	finish := func(serverPublic []byte) ([]byte, error) {
		return finishMLKEM(decapsulation, classical, serverPublic)
	}
	public := append(decapsulation.EncapsulationKey().Bytes(), classical.Public...)
	return Offer{Public: public, Finish: once(finish)}, nil
}

// finishMLKEM is the work of Offer.Finish. A ciphertext that was tampered with gives another secret (FIPS 203 §7.3), and
// so a host key signature that does not verify.
func finishMLKEM(key *mlkem.DecapsulationKey768, classical Offer, serverPublic []byte) ([]byte, error) {
	if len(serverPublic) != mlkemReplySize {
		return nil, failed(errPublicLength)
	}
	ciphertext, point := serverPublic[:mlkem.CiphertextSize768], serverPublic[mlkem.CiphertextSize768:]
	ecSecret, err := classical.Finish(point)
	if err != nil {
		return nil, err
	}
	pqSecret, err := key.Decapsulate(ciphertext)
	if err != nil {
		return nil, failed(err)
	}
	return combine(pqSecret, ecSecret), nil
}

// answerMLKEM is Method.Answer. The randomness of the encapsulation is crypto/mlkem's own, that of X25519 is read from
// rand, so a failing rand fails the exchange.
func answerMLKEM(rand io.Reader, clientPublic []byte) (serverPublic, secret []byte, err error) {
	if len(clientPublic) != mlkemInitSize {
		return nil, nil, failed(errPublicLength)
	}
	key, point := clientPublic[:mlkem.EncapsulationKeySize768], clientPublic[mlkem.EncapsulationKeySize768:]
	encapsulation, err := mlkem.NewEncapsulationKey768(key) // the modulus check of FIPS 203 §7.2
	if err != nil {
		return nil, nil, failed(errPublicModulus)
	}
	public, ecSecret, err := x25519.answer(rand, point)
	if err != nil {
		return nil, nil, err
	}
	pqSecret, ciphertext := encapsulation.Encapsulate()
	return append(ciphertext, public...), combine(pqSecret, ecSecret), nil
}

// combine makes K of the two secrets, the post-quantum one first (draft-ietf-sshm-mlkem-hybrid-kex §2.4), and clears them.
func combine(pqSecret, ecSecret []byte) []byte {
	var both [mlkem.SharedKeySize + x25519Size]byte
	copy(both[:], pqSecret)
	copy(both[mlkem.SharedKeySize:], ecSecret)
	k := sha256.Sum256(both[:])
	clear(both[:])
	clear(pqSecret)
	clear(ecSecret)
	return k[:]
}
