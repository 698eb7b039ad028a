package kex

import (
	"bytes"
	"crypto/mlkem"
	"crypto/mlkem/mlkemtest"
	"encoding/hex"
	"slices"
	"strings"
	"testing"
)

// mlkemHybrids are the parameter sets with the methods that use them.
var mlkemHybrids = map[string][]hybrid{"768": {mlkem768x25519, mlkem768p256}, "1024": {mlkem1024p384}}

// mlkemSets calls f with each set of a file and each hybrid of its size.
func mlkemSets(t *testing.T, file string, f func(t *testing.T, h hybrid, v map[string]string)) {
	t.Helper()
	for _, v := range vectors(t, file) {
		for _, h := range mlkemHybrids[v["size"]] {
			t.Run(v["size"]+" "+v["id"]+" "+v["note"], func(t *testing.T) { f(t, h, v) })
		}
	}
}

// offerOf is a hybrid's offer with a seed for the kem, and a private key for the curve that is all ones: 48 bytes do for each.
func offerOf(t *testing.T, h hybrid, seed string) Offer {
	t.Helper()
	offer, err := h.offer(bytes.NewReader(append(unhex(t, seed), bytes.Repeat([]byte{1}, p384.keySize)...)))
	if err != nil {
		t.Fatal(err)
	}
	return offer
}

// The keys that a client makes of a seed, and what it finishes with: the secret of the kem and that of the curve, hashed.
func TestMLKEMVectors(t *testing.T) {
	for _, file := range []string{"mlkem_acvp.txt", "mlkem_wycheproof.txt"} {
		mlkemSets(t, file, func(t *testing.T, h hybrid, v map[string]string) {
			if v["seed"] == "" {
				encapsulates(t, h, v)
				return
			}
			offer := offerOf(t, h, v["seed"])
			if want := v["ek"]; want != "" && hex.EncodeToString(offer.Public[:h.kem.publicSize]) != want {
				t.Errorf("encapsulation key %x", offer.Public[:h.kem.publicSize])
			}
			if v["c"] == "" {
				return
			}
			point, ecSecret, err := h.curve.answer(nil, offer.Public[h.kem.publicSize:])
			if err != nil {
				t.Fatal(err)
			}
			secret, err := offer.Finish(slices.Concat(unhex(t, v["c"]), point))
			if v["K"] == "" {
				wantFailed(t, err, errPublicLength)
				return
			}
			if want := h.combine(unhex(t, v["K"]), ecSecret); err != nil || !bytes.Equal(secret, want) {
				t.Errorf("K = %x, %v, want %x", secret, err, want)
			}
		})
	}
}

// encapsulates checks what a server makes of a client's key: it refuses the bad ones before it draws anything. What it
// encapsulates to a good one is random, so that ciphertext and secret are those of the function underneath.
func encapsulates(t *testing.T, h hybrid, v map[string]string) {
	t.Helper()
	ek := unhex(t, v["ek"])
	point := offerOf(t, h, strings.Repeat("00", mlkem.SeedSize)).Public[h.kem.publicSize:]
	_, _, err := h.answer(nil, slices.Concat(ek, point))
	if v["K"] == "" {
		want := errPublicModulus
		if len(ek) != h.kem.publicSize {
			want = errPublicLength
		}
		wantFailed(t, err, want)
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	secret, ciphertext, err := encapsulateWith(ek, unhex(t, v["m"]))
	if err != nil || hex.EncodeToString(secret) != v["K"] || hex.EncodeToString(ciphertext) != v["c"] {
		t.Errorf("K = %x, c = %x, %v", secret, ciphertext, err)
	}
}

func encapsulateWith(ek, random []byte) (secret, ciphertext []byte, err error) {
	if len(ek) == mlkem.EncapsulationKeySize768 {
		key, err := mlkem.NewEncapsulationKey768(ek)
		if err != nil {
			return nil, nil, err
		}
		return mlkemtest.Encapsulate768(key, random)
	}
	key, err := mlkem.NewEncapsulationKey1024(ek)
	if err != nil {
		return nil, nil, err
	}
	return mlkemtest.Encapsulate1024(key, random)
}
