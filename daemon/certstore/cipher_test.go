package certstore

import (
	"bytes"
	"encoding/hex"
	"errors"
	"testing"

	"golang.org/x/crypto/cryptobyte"
)

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// TestArgon2d has the vector of RFC 9106 §5.1.
func TestArgon2d(t *testing.T) {
	got := argon2dWith(bytes.Repeat([]byte{1}, 32), bytes.Repeat([]byte{2}, 16), bytes.Repeat([]byte{3}, 8), bytes.Repeat([]byte{4}, 12), 3, 32, 4, 32)
	if want := unhex(t, "512b391b6f1162975371d30919734294f868e3be3984f3c1a13a4db9fabe4acb"); !bytes.Equal(got, want) {
		t.Errorf("%x, want %x", got, want)
	}
}

// TestKWP has the vectors of RFC 5649 §6.
func TestKWP(t *testing.T) {
	key := unhex(t, "5840df6e29b02af1ab493b705bf16ea1ae8338f4dcc176a8")
	for _, c := range [][2]string{
		{"138bdeaa9b8fa7fc61f97742e72248ee5ae6ae5360d1ae6a5f54f373fa543b6a", "c37b7e6492584340bed12207808941155068f738"},
		{"afbeb0f07dfbf5419200f2ccb50bb24f", "466f7250617369"},
	} {
		wrapped := unhex(t, c[0])
		if got, err := openKWP(key, nil, wrapped); err != nil || !bytes.Equal(got, unhex(t, c[1])) {
			t.Errorf("%x, %v, want %s", got, err, c[1])
		}
		for i := range 8 * len(wrapped) {
			wrapped[i/8] ^= 1 << (i % 8)
			if _, err := openKWP(key, nil, wrapped); !errors.Is(err, ErrPassword) {
				t.Errorf("bit %d: %v", i, err)
			}
			wrapped[i/8] ^= 1 << (i % 8)
		}
	}
	for _, n := range []int{0, 8, 15, 17} {
		if _, err := openKWP(key, nil, make([]byte, n)); !errors.Is(err, ErrMalformed) {
			t.Errorf("%d bytes: %v", n, err)
		}
	}
}

// TestCCM opens what Python's cryptography package sealed, since the vectors of RFC 3610 have additional data:
// AESCCM(bytes(range(16)), tag_length=8).encrypt(bytes(range(13)), b"hawser carries ropes", None).
func TestCCM(t *testing.T) {
	params := func(nonce []byte, tag byte) cryptobyte.String {
		body := append([]byte{0x04, byte(len(nonce))}, nonce...)
		body = append(body, 0x02, 1, tag)
		return append([]byte{0x30, byte(len(body))}, body...)
	}
	key, nonce := make([]byte, 16), make([]byte, 13)
	for i := range key {
		key[i] = byte(i)
	}
	copy(nonce, key)
	sealed := unhex(t, "7e55c3fb367bdae13be541cef8473eaa8c70615175d514a51ec72d22")
	got, err := openCCM(key, params(nonce, 8), sealed)
	if err != nil || string(got) != "hawser carries ropes" {
		t.Fatalf("%q, %v", got, err)
	}
	for i := range 8 * len(sealed) {
		sealed[i/8] ^= 1 << (i % 8)
		if _, err := openCCM(key, params(nonce, 8), sealed); !errors.Is(err, ErrPassword) {
			t.Errorf("bit %d: %v", i, err)
		}
		sealed[i/8] ^= 1 << (i % 8)
	}
	for _, p := range []cryptobyte.String{params(nonce[:6], 8), params(append(nonce, 0), 8), params(nonce, 7), params(nonce, 6), params(nonce, 18), nil} {
		if _, err := openCCM(key, p, sealed); !errors.Is(err, ErrMalformed) {
			t.Errorf("%x: %v", p, err)
		}
	}
	if _, err := openCCM(key, params(nonce, 8), sealed[:7]); !errors.Is(err, ErrMalformed) {
		t.Error(err)
	}
}
