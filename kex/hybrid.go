package kex

import (
	"hash"
	"io"
)

// kem is a key encapsulation mechanism. Its functions take slices of the sizes given and do not keep them; what they
// return is the caller's.
type kem struct {
	publicSize, ciphertextSize int
	// generate draws a key pair. decapsulate has a secret for every ciphertext: another one where it was tampered with.
	generate func(rand io.Reader) (public []byte, decapsulate func(ciphertext []byte) ([]byte, error), err error)
	// open checks a public key before anything is drawn for it.
	open func(public []byte) (encapsulate func(rand io.Reader) (ciphertext, secret []byte, err error), err error)
}

// agreement is a Diffie-Hellman on a curve, with the two functions of a Method.
type agreement interface {
	offer(rand io.Reader) (Offer, error)
	answer(rand io.Reader, clientPublic []byte) (serverPublic, secret []byte, err error)
}

// hybrid is a kem and a curve together, safe while one of the two is. Public values are those of the two, the kem's first;
// K is the hash of both secrets, in the same order, and enters the exchange hash as a string
// (draft-ietf-sshm-mlkem-hybrid-kex §2, RFC 9941 §3).
type hybrid struct {
	kem       kem
	curve     agreement
	pointSize int
	hash      func() hash.Hash
}

// offer is Method.Offer. Both halves are drawn from rand.
func (h hybrid) offer(rand io.Reader) (Offer, error) {
	public, decapsulate, err := h.kem.generate(rand)
	if err != nil {
		return Offer{}, err
	}
	classical, err := h.curve.offer(rand)
	if err != nil {
		return Offer{}, err
	}
	finish := func(serverPublic []byte) ([]byte, error) {
		ciphertext, point, err := h.split(serverPublic, h.kem.ciphertextSize)
		if err != nil {
			return nil, err
		}
		ecSecret, err := classical.Finish(point)
		if err != nil {
			return nil, err
		}
		pqSecret, err := decapsulate(ciphertext)
		if err != nil {
			return nil, failed(err)
		}
		return h.combine(pqSecret, ecSecret), nil
	}
	return Offer{Public: append(public, classical.Public...), Finish: once(finish)}, nil
}

// answer is Method.Answer. The point is checked in the curve's answer, before that draws its key.
func (h hybrid) answer(rand io.Reader, clientPublic []byte) (serverPublic, secret []byte, err error) {
	public, point, err := h.split(clientPublic, h.kem.publicSize)
	if err != nil {
		return nil, nil, err
	}
	encapsulate, err := h.kem.open(public)
	if err != nil {
		return nil, nil, err
	}
	ecPublic, ecSecret, err := h.curve.answer(rand, point)
	if err != nil {
		return nil, nil, err
	}
	ciphertext, pqSecret, err := encapsulate(rand)
	if err != nil {
		return nil, nil, err
	}
	return append(ciphertext, ecPublic...), h.combine(pqSecret, ecSecret), nil
}

// split cuts a public value into its two parts, the first of which has size bytes.
func (h hybrid) split(public []byte, size int) (pq, point []byte, err error) {
	if len(public) != size+h.pointSize {
		return nil, nil, failed(errPublicLength)
	}
	return public[:size], public[size:], nil
}

// combine makes K of the two secrets, and clears them.
func (h hybrid) combine(pqSecret, ecSecret []byte) []byte {
	k := h.hash()
	k.Write(pqSecret)
	k.Write(ecSecret)
	clear(pqSecret)
	clear(ecSecret)
	defer k.Reset()
	return k.Sum(nil)
}
