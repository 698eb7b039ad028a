package kex

import (
	"bytes"
	"crypto/ecdh"
	"crypto/sha256"
	"crypto/sha512"
	"hash"
	"slices"
	"testing"

	circlkem "github.com/cloudflare/circl/kem"
	circl1024 "github.com/cloudflare/circl/kem/mlkem/mlkem1024"
	circl768 "github.com/cloudflare/circl/kem/mlkem/mlkem768"
)

// hybrids are the methods of two halves, with their parameters written down anew.
var hybrids = []struct {
	name                              string
	publicSize, ciphertextSize, point int
	curve                             ecdh.Curve
	hash                              func() hash.Hash
	other                             circlkem.Scheme // a second implementation, where there is one
	badPoint                          error           // what a half full of zeros is
}{
	{"mlkem768x25519-sha256", 1184, 1088, 32, ecdh.X25519(), sha256.New, circl768.Scheme(), errSecretRange},
	{"mlkem768nistp256-sha256", 1184, 1088, 65, ecdh.P256(), sha256.New, circl768.Scheme(), errPublicPoint},
	{"mlkem1024nistp384-sha384", 1568, 1568, 97, ecdh.P384(), sha512.New384, circl1024.Scheme(), errPublicPoint},
	{"sntrup761x25519-sha512", 1158, 1039, 32, ecdh.X25519(), sha512.New, nil, errSecretRange},
	{"sntrup761x25519-sha512@openssh.com", 1158, 1039, 32, ecdh.X25519(), sha512.New, nil, errSecretRange},
}

// The hybrid is put together here anew, with another implementation of ML-KEM, from either side.
func TestHybridComposition(t *testing.T) {
	for _, h := range hybrids {
		if h.other == nil {
			continue
		}
		t.Run(h.name, func(t *testing.T) {
			m := methods(t, h.name)[0]
			key, err := h.curve.GenerateKey(nil)
			if err != nil {
				t.Fatal(err)
			}
			check := func(pq []byte, point, secret []byte) {
				t.Helper()
				peer, err := h.curve.NewPublicKey(point)
				if err != nil {
					t.Fatal(err)
				}
				ec, err := key.ECDH(peer)
				if err != nil {
					t.Fatal(err)
				}
				k := h.hash()
				k.Write(pq)
				k.Write(ec)
				if want := k.Sum(nil); !bytes.Equal(secret, want) {
					t.Errorf("K = %x, want %x", secret, want)
				}
			}
			public, private, err := h.other.GenerateKeyPair()
			if err != nil {
				t.Fatal(err)
			}
			encoded, _ := public.MarshalBinary()
			reply, secret, err := m.Answer(nil, slices.Concat(encoded, key.PublicKey().Bytes()))
			if err != nil {
				t.Fatal(err)
			}
			pq, err := h.other.Decapsulate(private, reply[:h.ciphertextSize])
			if err != nil {
				t.Fatal(err)
			}
			check(pq, reply[h.ciphertextSize:], secret)

			offer, err := m.Offer(nil)
			if err != nil {
				t.Fatal(err)
			}
			public, err = h.other.UnmarshalBinaryPublicKey(offer.Public[:h.publicSize])
			if err != nil {
				t.Fatal(err)
			}
			ciphertext, pq, err := h.other.Encapsulate(public)
			if err != nil {
				t.Fatal(err)
			}
			secret, err = offer.Finish(slices.Concat(ciphertext, key.PublicKey().Bytes()))
			if err != nil {
				t.Fatal(err)
			}
			check(pq, offer.Public[h.publicSize:], secret)
		})
	}
}

// DH-11, DH-12: lengths of each half, and a point that makes the other half the only one.
func TestDH11Halves(t *testing.T) {
	for _, h := range hybrids {
		t.Run(h.name, func(t *testing.T) {
			m := methods(t, h.name)[0]
			offer, reply := pair(t, m)
			if len(offer.Public) != h.publicSize+h.point || len(reply) != h.ciphertextSize+h.point {
				t.Fatalf("sizes %d and %d", len(offer.Public), len(reply))
			}
			for _, d := range []int{-len(reply), -h.point - 1, -h.point, -1, 1, h.point, 64 << 10} {
				refuse(t, m, resize(offer.Public, d), resize(reply, d), errPublicLength)
			}
			zeros := make([]byte, h.point)
			_, secret, err := m.Answer(nil, slices.Concat(offer.Public[:h.publicSize], zeros))
			wantFailed(t, err, h.badPoint)
			if secret != nil {
				t.Error("a secret was returned")
			}
			refuseAsClient(t, m, slices.Concat(reply[:h.ciphertextSize], zeros), h.badPoint)
		})
	}
}

// DH-11, DH-12: the X25519 half of low order.
func TestDH11LowOrder(t *testing.T) {
	for _, h := range hybrids {
		if h.curve != ecdh.X25519() {
			continue
		}
		m := methods(t, h.name)[0]
		offer, reply := pair(t, m)
		for _, text := range lowOrder {
			toServer, toClient := slices.Clone(offer.Public), slices.Clone(reply)
			copy(toServer[h.publicSize:], unhex(t, text))
			copy(toClient[h.ciphertextSize:], unhex(t, text))
			_, _, err := m.Answer(nil, toServer)
			wantFailed(t, err, errSecretRange)
			refuseAsClient(t, m, toClient, errSecretRange)
		}
	}
}

// DH-11: an encapsulation key with a coefficient that is not reduced, refused before anything is drawn for it.
func TestDH11Modulus(t *testing.T) {
	const q, rho = 3329, 32 // FIPS 203 §2.4, §7.1
	for _, h := range hybrids {
		if h.other == nil {
			continue
		}
		m := methods(t, h.name)[0]
		offer, _ := pair(t, m)
		for _, at := range []int{0, 3, h.publicSize - rho - 3} {
			key := slices.Clone(offer.Public)
			key[at], key[at+1] = q&0xff, key[at+1]&0xf0|q>>8 // the first 12 bits of three bytes
			_, _, err := m.Answer(untouched{t}, key)
			wantFailed(t, err, errPublicModulus)
		}
	}
}

// DH-11, DH-12: a ciphertext with a bit flipped gives another secret and no error, so that the signature decides.
func TestDH11FlippedCiphertext(t *testing.T) {
	for _, h := range hybrids {
		m := methods(t, h.name)[0]
		for _, bit := range []int{0, 7, 4000, h.ciphertextSize*8 - 1} {
			offer, err := m.Offer(nil)
			if err != nil {
				t.Fatal(err)
			}
			reply, secret, err := m.Answer(nil, offer.Public)
			if err != nil {
				t.Fatal(err)
			}
			reply[bit/8] ^= 1 << (bit % 8)
			other, err := offer.Finish(reply)
			if err != nil || len(other) != len(secret) || bytes.Equal(other, secret) {
				t.Errorf("%s, bit %d: %d bytes, equal %v, %v", h.name, bit, len(other), bytes.Equal(other, secret), err)
			}
		}
	}
}

// pair returns an offer and a good answer to it.
func pair(t *testing.T, m Method) (Offer, []byte) {
	t.Helper()
	offer, err := m.Offer(nil)
	if err != nil {
		t.Fatal(err)
	}
	reply, _, err := m.Answer(nil, offer.Public)
	if err != nil {
		t.Fatal(err)
	}
	return offer, reply
}

// resize returns p cut or extended by d bytes.
func resize(p []byte, d int) []byte {
	if d < 0 {
		return p[:len(p)+d]
	}
	return slices.Concat(p, make([]byte, d))
}
