package sshkey

import (
	"bytes"
	"crypto"
	"crypto/rsa"
	"crypto/sha256"
	"errors"
	"math/big"
	"slices"
	"testing"

	"github.com/hawser-ssh/hawser/wire"
)

// The rows of the project's list of attacks that end in this package, named
// by their ids; those of a feature are in the tests of its file.

func TestKEY01SignatureOfAnother(t *testing.T) {
	data := []byte("exchange hash")
	eachKey(t, func(t *testing.T, key crypto.Signer) {
		s := must(NewSigner(key))
		for _, a := range s.Algorithms() {
			good := must(s.Sign(nil, a, data))
			if err := s.PublicKey().Verify(a, data, good); err != nil {
				t.Fatal(err)
			}
			bad := [][]byte{nil, {}, signatureBlob(a, nil), append(slices.Clone(good), 0)}
			for n := 0; n < len(good); n += 1 + len(good)/64 {
				bad = append(bad, good[:n])
				flipped := slices.Clone(good)
				flipped[n] ^= 1 << (n % 8)
				bad = append(bad, flipped)
			}
			for i, b := range bad {
				err := s.PublicKey().Verify(a, data, b)
				if !errors.Is(err, ErrSignature) && !errors.Is(err, ErrAlgorithm) {
					t.Fatalf("%s: bad signature %d: %v", a, i, err)
				}
			}
			if err := s.PublicKey().Verify(a, []byte("another hash"), good); !errors.Is(err, ErrSignature) {
				t.Errorf("%s: other data: %v", a, err)
			}
		}
	})
	other := must(NewSigner(must(GenerateEd25519())))
	mine := must(NewSigner(testSigners()["ed25519"]))
	sig := must(other.Sign(nil, "ssh-ed25519", data))
	if err := mine.PublicKey().Verify("ssh-ed25519", data, sig); !errors.Is(err, ErrSignature) {
		t.Errorf("signature by another key: %v", err)
	}
}

func TestKEY02LabelAndKeyMustFit(t *testing.T) {
	data := []byte("data")
	s := must(NewSigner(testRSA()))
	label, body := splitBlob(t, must(s.Sign(nil, "rsa-sha2-512", data)))
	if label != "rsa-sha2-512" {
		t.Fatalf("label %s", label)
	}
	for _, l := range []string{"ssh-rsa", "rsa-sha2-256", "", "RSA-SHA2-512", "rsa-sha2-512\x00", "ssh-ed25519"} {
		if err := s.PublicKey().Verify("rsa-sha2-512", data, signatureBlob(l, body)); err == nil {
			t.Errorf("label %q accepted", l)
		}
	}
	eachKey(t, func(t *testing.T, key crypto.Signer) {
		s := must(NewSigner(key))
		good := must(s.Sign(nil, s.Algorithms()[0], data))
		for _, a := range append(DefaultAlgorithms(), "", "ssh-rsa", "none") {
			if slices.Contains(s.Algorithms(), a) {
				continue
			}
			if err := s.PublicKey().Verify(a, data, good); !errors.Is(err, ErrAlgorithm) {
				t.Errorf("%s verified as %q: %v", s.PublicKey().Type(), a, err)
			}
			if _, err := s.Sign(nil, a, data); !errors.Is(err, ErrAlgorithm) {
				t.Errorf("%s signed as %q: %v", s.PublicKey().Type(), a, err)
			}
		}
	})
}

// rsaBlob builds a key blob from raw mpint contents.
func rsaBlob(e, n []byte) []byte {
	b := wire.AppendString(nil, "ssh-rsa")
	return wire.AppendBytes(wire.AppendBytes(b, e), n)
}

// modulus returns the mpint content of an odd number of that many bits.
func modulus(bits int) []byte {
	n := new(big.Int).Lsh(big.NewInt(1), uint(bits-1))
	n.SetBit(n, 0, 1)
	return wire.AppendMpint(nil, n.Bytes())[4:]
}

func TestKEY03RSANumbers(t *testing.T) {
	e := []byte{1, 0, 1}
	even := modulus(2048)
	even[len(even)-1] = 2
	for name, blob := range map[string][]byte{
		"modulus of 1023 bits":        rsaBlob(e, modulus(1023)),
		"modulus of 1024 bits":        rsaBlob(e, modulus(1024)),
		"modulus of 2047 bits":        rsaBlob(e, modulus(2047)),
		"modulus of 16385 bits":       rsaBlob(e, modulus(16385)),
		"modulus of a million bits":   rsaBlob(e, modulus(1e6)),
		"modulus zero":                rsaBlob(e, nil),
		"modulus negative":            rsaBlob(e, bytes.Repeat([]byte{0xff}, 256)),
		"modulus with a leading zero": rsaBlob(e, append([]byte{0}, modulus(2047)...)),
		"modulus even":                rsaBlob(e, even),
		"exponent 0":                  rsaBlob(nil, modulus(2048)),
		"exponent 1":                  rsaBlob([]byte{1}, modulus(2048)),
		"exponent 2":                  rsaBlob([]byte{2}, modulus(2048)),
		"exponent even":               rsaBlob([]byte{1, 0, 0}, modulus(2048)),
		"exponent of 33 bits":         rsaBlob([]byte{1, 0, 0, 0, 1}, modulus(2048)),
		"exponent of a million bits":  rsaBlob(modulus(1e6), modulus(2048)),
		"exponent negative":           rsaBlob([]byte{0xff}, modulus(2048)),
	} {
		if _, err := ParsePublicKey(blob); err == nil {
			t.Errorf("%s accepted", name)
		}
	}
	for name, blob := range map[string][]byte{
		"modulus of 2048 bits":  rsaBlob(e, modulus(2048)),
		"modulus of 16384 bits": rsaBlob(e, modulus(16384)),
		"exponent 3":            rsaBlob([]byte{3}, modulus(2048)),
		"exponent of 32 bits":   rsaBlob([]byte{0, 0xff, 0xff, 0xff, 0xff}, modulus(2048)),
	} {
		if _, err := ParsePublicKey(blob); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestKEY03RSASizeOnRequest(t *testing.T) {
	low := Limits{MinRSABits: 1}
	if _, err := low.ParsePublicKey(rsaBlob([]byte{3}, modulus(1024))); err != nil {
		t.Errorf("1024 bits on request: %v", err)
	}
	_, err := low.ParsePublicKey(rsaBlob([]byte{3}, modulus(1023)))
	if w := new(WeakKeyError); !errors.As(err, &w) || w.Bits != 1023 || w.Min != 1024 {
		t.Errorf("1023 bits: %v", err)
	}
	key := newRSAKey(1024)()
	if _, err := NewSigner(key); err == nil {
		t.Error("signer with 1024 bits not on request")
	}
	s := must(low.NewSigner(key))
	sig := must(s.Sign(nil, "rsa-sha2-512", nil))
	if err := s.PublicKey().Verify("rsa-sha2-512", nil, sig); err != nil {
		t.Error(err)
	}
}

// rawRSA raises em to the private exponent: a signature over any padding.
func rawRSA(key *rsa.PrivateKey, em []byte) []byte {
	m := new(big.Int).SetBytes(em)
	return m.Exp(m, key.D, key.N).FillBytes(make([]byte, key.Size()))
}

func TestKEY03RSAPadding(t *testing.T) {
	key := testRSA().(*rsa.PrivateKey)
	public := must(NewPublicKey(key.Public()))
	data := []byte("data")
	a := lookupAlgorithm("rsa-sha2-256")
	digest := a.digest(data)
	good := must(paddedDigest(a, digest, key.Size()))
	tail := good[len(good)-len(digest)-19:]
	noNull := append([]byte("\x30\x2f\x30\x0b\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x01\x04\x20"), digest...)
	pad := func(t []byte) []byte {
		em := bytes.Repeat([]byte{0xff}, key.Size())
		em[0], em[1] = 0, 1
		em[len(em)-len(t)-1] = 0
		copy(em[len(em)-len(t):], t)
		return em
	}
	change := func(i int, v byte) []byte {
		em := slices.Clone(good)
		em[i] = v
		return em
	}
	// PKCS #1 padding of eight bytes, the digest, and garbage behind it: the
	// forgery of those who parse the padding.
	garbage := slices.Concat([]byte{0, 1}, bytes.Repeat([]byte{0xff}, 8), []byte{0}, tail)
	garbage = append(garbage, make([]byte, key.Size()-len(garbage))...)
	other := sha256.Sum224(data)
	for name, em := range map[string][]byte{
		"garbage behind the digest": garbage,
		"padding byte":              change(9, 0xfe),
		"block type 2":              change(1, 2),
		"other hash OID":            change(len(good)-len(digest)-5, 3),
		"no NULL parameter":         pad(noNull),
		"digest alone":              pad(digest),
		"SHA-224":                   pad(other[:]),
		"zero":                      make([]byte, key.Size()),
	} {
		if err := public.Verify(a.name, data, signatureBlob(a.name, rawRSA(key, em))); !errors.Is(err, ErrSignature) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := public.Verify(a.name, data, signatureBlob(a.name, rawRSA(key, good))); err != nil {
		t.Errorf("good padding: %v", err)
	}
}

func TestKEY03RSASignatureLength(t *testing.T) {
	key := testRSA().(*rsa.PrivateKey)
	s := must(NewSigner(key))
	var data, body []byte
	for i := 0; body == nil || body[0] != 0; i++ { // one in 256 has a leading zero
		data = wire.AppendUint32(nil, uint32(i))
		_, body = splitBlob(t, must(s.Sign(nil, "rsa-sha2-256", data)))
	}
	verify := func(sig []byte) error {
		return s.PublicKey().Verify("rsa-sha2-256", data, signatureBlob("rsa-sha2-256", sig))
	}
	if err := verify(body); err != nil {
		t.Errorf("whole: %v", err)
	}
	if err := verify(bytes.TrimLeft(body, "\x00")); err != nil {
		t.Errorf("without leading zeros: %v", err)
	}
	above := new(big.Int).Add(new(big.Int).SetBytes(body), key.N).Bytes()
	for name, sig := range map[string][]byte{
		"longer by a zero": append([]byte{0}, body...),
		"shorter":          body[:len(body)-1],
		"one byte":         {1},
		"empty":            {},
		"plus the modulus": above,
		"a million bits":   make([]byte, 1e6/8),
	} {
		if err := verify(sig); !errors.Is(err, ErrSignature) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestRSALargeExponent verifies with exponents that crypto/rsa refuses and
// lsh-keygen makes.
func TestRSALargeExponent(t *testing.T) {
	base := testRSA().(*rsa.PrivateKey)
	one := big.NewInt(1)
	phi := new(big.Int).Mul(new(big.Int).Sub(base.Primes[0], one), new(big.Int).Sub(base.Primes[1], one))
	for e := int64(1<<32 - 1); ; e -= 2 {
		d := new(big.Int).ModInverse(big.NewInt(e), phi)
		if d == nil {
			continue
		}
		key := &rsa.PrivateKey{PublicKey: rsa.PublicKey{N: base.N, E: int(e)}, D: d}
		public := must(ParsePublicKey(rsaBlob(wire.AppendMpint(nil, big.NewInt(e).Bytes())[4:], wire.AppendMpint(nil, base.N.Bytes())[4:])))
		for _, name := range AlgorithmsFor("ssh-rsa") {
			a := lookupAlgorithm(name)
			sig := rawRSA(key, must(paddedDigest(a, a.digest([]byte("data")), key.Size())))
			if err := public.Verify(name, []byte("data"), signatureBlob(name, sig)); err != nil {
				t.Errorf("%s: %v", name, err)
			}
			sig[20] ^= 1
			if err := public.Verify(name, []byte("data"), signatureBlob(name, sig)); !errors.Is(err, ErrSignature) {
				t.Errorf("%s: flipped bit: %v", name, err)
			}
			whole := bytes.Repeat([]byte{0xff}, key.Size())
			if err := public.Verify(name, []byte("data"), signatureBlob(name, whole)); !errors.Is(err, ErrSignature) {
				t.Errorf("%s: above the modulus: %v", name, err)
			}
		}
		return
	}
}
