package sshkey

import (
	"bytes"
	"crypto"
	"crypto/dsa" //lint:ignore SA1019 an old key type that callers may name
	"crypto/x509"
	"encoding/asn1"
	"errors"
	"io"
	"math/big"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/cloudflare/circl/sign/ed448"

	"github.com/hawser-ssh/hawser/wire"
)

// marshalPKCS8 is x509.MarshalPKCS8PrivateKey for keys that it does not know
// as well.
func marshalPKCS8(key crypto.Signer) ([]byte, error) {
	if k, ok := key.(ed448.PrivateKey); ok {
		return asn1.Marshal(struct {
			Version   int
			Algorithm struct{ OID asn1.ObjectIdentifier }
			Key       []byte
		}{0, struct{ OID asn1.ObjectIdentifier }{oidEd448}, must(asn1.Marshal(k.Seed()))})
	}
	k, ok := key.(*DSAPrivateKey)
	if !ok {
		return x509.MarshalPKCS8PrivateKey(key)
	}
	type algorithm struct {
		OID    asn1.ObjectIdentifier
		Params struct{ P, Q, G *big.Int }
	}
	a := algorithm{OID: oidDSA}
	a.Params.P, a.Params.Q, a.Params.G = k.P, k.Q, k.G
	return asn1.Marshal(struct {
		Version   int
		Algorithm algorithm
		Key       []byte
	}{0, a, must(asn1.Marshal(k.X))})
}

// dsaPEM is OpenSSL's own form.
func dsaPEM(k *DSAPrivateKey) []byte {
	return pemFile("DSA PRIVATE KEY", must(asn1.Marshal(struct{ V, P, Q, G, Y, X *big.Int }{new(big.Int), k.P, k.Q, k.G, k.Y, k.X})))
}

var hashNames = map[string]crypto.Hash{
	"SHA-1": crypto.SHA1, "SHA-224": crypto.SHA224, "SHA-256": crypto.SHA256, "SHA-384": crypto.SHA384, "SHA-512": crypto.SHA512,
}

func TestVectorsDSADeterministic(t *testing.T) {
	key := rfc6979DSA()
	for i, v := range vectors(t, "dsa_rfc6979.txt")[1:] {
		hash := hashNames[v["hash"]]
		h := hash.New()
		h.Write(unhex(t, v["msg"]))
		digest := h.Sum(nil)
		nonce := newNonceSource(hash, key.Q, key.X, digest, nil).next()
		if want := unhex(t, v["nonce"]); !bytes.Equal(nonce.FillBytes(make([]byte, 20)), want) {
			t.Errorf("vector %d: nonce %x, want %x", i+1, nonce, want)
		}
		raw := must(key.Sign(nil, digest, hash))
		r, s, ok := parseDERSignature(raw)
		if !ok || !bytes.Equal(r.FillBytes(make([]byte, 20)), unhex(t, v["r"])) || !bytes.Equal(s.FillBytes(make([]byte, 20)), unhex(t, v["s"])) {
			t.Errorf("vector %d: signature %x, %x", i+1, r, s)
		}
		if !dsa.Verify(&key.PublicKey, digest[:20], r, s) {
			t.Errorf("vector %d: crypto/dsa refuses it", i+1)
		}
		if hash == crypto.SHA1 { // what SSH does with it
			blob := signatureBlob("ssh-dss", slices.Concat(unhex(t, v["r"]), unhex(t, v["s"])))
			if err := testKey("dsa").Verify("ssh-dss", unhex(t, v["msg"]), blob); err != nil {
				t.Errorf("vector %d: %v", i+1, err)
			}
		}
	}
}

func TestDSAPrivateForms(t *testing.T) {
	key := rfc6979DSA()
	files := map[string][]byte{
		"DSA PRIVATE KEY": dsaPEM(key),
		"PKCS #8":         pemFile("PRIVATE KEY", must(marshalPKCS8(key))),
		"OpenSSH":         must(MarshalPrivateKey(key, "c", nil)),
	}
	for name, file := range files {
		got, _, err := ParsePrivateKey(file, nil)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		sameKey(t, got, key)
	}
	bad := func(change func(k *DSAPrivateKey)) *DSAPrivateKey {
		k := *key
		change(&k)
		return &k
	}
	for name, k := range map[string]*DSAPrivateKey{
		"x of another key": bad(func(k *DSAPrivateKey) { k.X = new(big.Int).Add(k.X, big.NewInt(1)) }),
		"x zero":           bad(func(k *DSAPrivateKey) { k.X = new(big.Int) }),
		"x = q":            bad(func(k *DSAPrivateKey) { k.X = k.Q }),
		"x of 1e5 bits":    bad(func(k *DSAPrivateKey) { k.X = new(big.Int).Lsh(k.X, 1e5) }),
		"p of 1e5 bits":    bad(func(k *DSAPrivateKey) { k.P = new(big.Int).Lsh(k.P, 1e5) }),
		"p = 1":            bad(func(k *DSAPrivateKey) { k.P = big.NewInt(1) }),
	} {
		for form, file := range map[string][]byte{
			"DSA PRIVATE KEY": dsaPEM(k),
			"OpenSSH":         opensshFileOf(t, k),
		} {
			if _, _, err := ParsePrivateKey(file, nil); err == nil {
				t.Errorf("%s, %s: accepted", form, name)
			}
		}
		if name == "x of another key" {
			continue // is the secret of another public key in PKCS #8
		}
		if _, _, err := ParsePrivateKey(pemFile("PRIVATE KEY", must(marshalPKCS8(k))), nil); err == nil {
			t.Errorf("PKCS #8, %s: accepted", name)
		}
	}
	der := must(marshalPKCS8(key))
	for n := range der {
		if _, _, err := ParsePrivateKey(pemFile("PRIVATE KEY", der[:n]), nil); err == nil {
			t.Fatalf("%d of %d bytes accepted", n, len(der))
		}
	}
}

// opensshFileOf writes the numbers of k whatever they are.
func opensshFileOf(t *testing.T, k *DSAPrivateKey) []byte {
	t.Helper()
	blob := dsaKey{&k.PublicKey}.appendFields(wire.AppendString(nil, "ssh-dss"))
	plain := wire.AppendString(make([]byte, 8), "ssh-dss")
	plain = dsaKey{&k.PublicKey}.appendFields(plain)
	plain = wire.AppendString(wire.AppendMpint(plain, k.X.Bytes()), "")
	for i := byte(1); len(plain)%8 != 0; i++ {
		plain = append(plain, i)
	}
	f := opensshFile{cipher: must(lookupFileCipher(noCipher)), kdf: kdfNone, public: blob, private: plain}
	return pemFile(opensshPEM, f.append([]byte(opensshMagic)))
}

func dsaBlob(numbers ...[]byte) []byte {
	b := wire.AppendString(nil, "ssh-dss")
	for _, n := range numbers {
		b = wire.AppendBytes(b, n)
	}
	return b
}

// mpintContent is the content of v as an mpint.
func mpintContent(v *big.Int) []byte { return wire.AppendMpint(nil, v.Bytes())[4:] }

func TestKEY04DSAKeys(t *testing.T) {
	k := rfc6979DSA()
	p, q, g, y := mpintContent(k.P), mpintContent(k.Q), mpintContent(k.G), mpintContent(k.Y)
	one := big.NewInt(1)
	less := mpintContent(new(big.Int).Sub(k.P, one))
	if _, err := ParsePublicKey(dsaBlob(p, q, g, y)); err != nil {
		t.Fatal(err)
	}
	for name, blob := range map[string][]byte{
		"q of 159 bits":        dsaBlob(p, modulus(159), g, y),
		"q of 161 bits":        dsaBlob(p, modulus(161), g, y),
		"q of 224 bits":        dsaBlob(p, modulus(224), g, y),
		"q of a million bits":  dsaBlob(p, modulus(1e6), g, y),
		"q that does not fit":  dsaBlob(p, modulus(160), g, y),
		"q zero":               dsaBlob(p, nil, g, y),
		"q negative":           dsaBlob(p, q[1:], g, y),
		"p of 1023 bits":       dsaBlob(modulus(1023), q, g, y),
		"p of 1025 bits":       dsaBlob(modulus(1025), q, g, y),
		"p of 2048 bits":       dsaBlob(modulus(2048), q, g, y),
		"p of a million bits":  dsaBlob(modulus(1e6), q, g, y),
		"p even":               dsaBlob(mpintContent(new(big.Int).Add(k.P, one)), q, g, y),
		"p zero":               dsaBlob(nil, q, g, y),
		"g zero":               dsaBlob(p, q, nil, y),
		"g one":                dsaBlob(p, q, []byte{1}, y),
		"g = p-1":              dsaBlob(p, q, less, y),
		"g = p":                dsaBlob(p, q, p, y),
		"g = p+1":              dsaBlob(p, q, mpintContent(new(big.Int).Add(k.P, one)), y),
		"g of another order":   dsaBlob(p, q, []byte{2}, y),
		"g of a million bits":  dsaBlob(p, q, modulus(1e6), y),
		"y zero":               dsaBlob(p, q, g, nil),
		"y one":                dsaBlob(p, q, g, []byte{1}),
		"y = p-1":              dsaBlob(p, q, g, less),
		"y = p":                dsaBlob(p, q, g, p),
		"y of another order":   dsaBlob(p, q, g, []byte{2}),
		"y of a million bits":  dsaBlob(p, q, g, modulus(1e6)),
		"y with leading zeros": dsaBlob(p, q, g, append([]byte{0}, y...)),
		"y missing":            dsaBlob(p, q, g),
		"number behind y":      dsaBlob(p, q, g, y, y),
	} {
		if key, err := ParsePublicKey(blob); err == nil || key != nil {
			t.Errorf("%s: accepted", name)
		}
	}
	_, err := ParsePublicKey(dsaBlob(modulus(2048), q, g, y))
	if w := new(WeakKeyError); !errors.As(err, &w) || w.Bits != 2048 || w.Max != 1024 {
		t.Errorf("2048 bits: %v", err)
	}
	for name, key := range map[string]*dsa.PublicKey{
		"nil": nil, "empty": {}, "no y": {Parameters: k.Parameters}, "negative y": {Parameters: k.Parameters, Y: big.NewInt(-2)},
	} {
		if _, err := NewPublicKey(key); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

func TestKEY04DSASignatures(t *testing.T) {
	k := rfc6979DSA()
	s := must(NewSigner(k))
	data := []byte("data")
	_, body := splitBlob(t, must(s.Sign(nil, "ssh-dss", data)))
	if len(body) != 40 {
		t.Fatalf("signature of %d bytes", len(body))
	}
	zero, q := make([]byte, 20), k.Q.FillBytes(make([]byte, 20))
	ones := bytes.Repeat([]byte{0xff}, 20)
	der := must(appendDERSignature(new(big.Int).SetBytes(body[:20]), new(big.Int).SetBytes(body[20:])))
	for name, b := range map[string][]byte{
		"r zero":         slices.Concat(zero, body[20:]),
		"s zero":         slices.Concat(body[:20], zero),
		"r = q":          slices.Concat(q, body[20:]),
		"s = q":          slices.Concat(body[:20], q),
		"r of ones":      slices.Concat(ones, body[20:]),
		"s of ones":      slices.Concat(body[:20], ones),
		"swapped":        slices.Concat(body[20:], body[:20]),
		"39 bytes":       body[:39],
		"41 bytes":       append(slices.Clone(body), 0),
		"41 bytes ahead": append([]byte{0}, body...),
		"empty":          nil,
		"64 bytes":       make([]byte, 64),
		"DER":            der,
	} {
		if err := s.PublicKey().Verify("ssh-dss", data, signatureBlob("ssh-dss", b)); !errors.Is(err, ErrSignature) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestDSANonceIsHedged(t *testing.T) {
	k := rfc6979DSA()
	digest := make([]byte, 20)
	sign := func(random io.Reader) string { return string(must(k.Sign(random, digest, crypto.SHA1))) }
	plain := sign(nil)
	if again := sign(nil); plain != again {
		t.Error("without randomness, two signatures differ")
	}
	if sign(strings.NewReader(strings.Repeat("a", 32))) == plain {
		t.Error("randomness does not go in")
	}
	constant := func() io.Reader { return bytes.NewReader(make([]byte, 32)) }
	hedged := sign(constant())
	if again := sign(constant()); hedged != again {
		t.Error("the blinding changes the signature")
	}
	other := slices.Clone(digest)
	other[0] = 1
	a, _, _ := parseDERSignature([]byte(hedged))
	b, _, _ := parseDERSignature(must(k.Sign(constant(), other, crypto.SHA1)))
	if a.Cmp(b) == 0 {
		t.Error("a source that repeats makes the nonce repeat")
	}
	for _, broken := range []io.Reader{strings.NewReader("short"), iotest.ErrReader(io.ErrClosedPipe)} {
		if _, err := k.Sign(broken, digest, crypto.SHA1); err == nil {
			t.Error("signed with a broken source of randomness")
		}
	}
}

// TestInsecureRSAOnRequest: SHA-1 is used where it is named, and nowhere else.
func TestInsecureRSAOnRequest(t *testing.T) {
	data := []byte("data")
	s := must(NewSigner(testRSA()))
	if slices.Contains(s.Algorithms(), "ssh-rsa") {
		t.Error("SHA-1 is among the algorithms of an RSA key")
	}
	if _, err := s.Sign(nil, "ssh-rsa", data); !errors.Is(err, ErrAlgorithm) {
		t.Errorf("signed with SHA-1 unasked: %v", err)
	}
	old := must(WithAlgorithms(s, "ssh-dss", "ssh-rsa", "rsa-sha2-256", "ssh-rsa"))
	if got := old.Algorithms(); !slices.Equal(got, []string{"ssh-rsa", "rsa-sha2-256"}) {
		t.Errorf("algorithms %v", got)
	}
	blob := must(old.Sign(nil, "ssh-rsa", data))
	if err := s.PublicKey().Verify("ssh-rsa", data, blob); err != nil {
		t.Error(err)
	}
	for _, a := range []string{"rsa-sha2-256", "rsa-sha2-512"} {
		if err := s.PublicKey().Verify(a, data, blob); !errors.Is(err, ErrAlgorithm) {
			t.Errorf("SHA-1 signature passed as %s: %v", a, err)
		}
	}
	if _, err := old.Sign(nil, "rsa-sha2-512", data); !errors.Is(err, ErrAlgorithm) {
		t.Errorf("signed with what was not named: %v", err)
	}
	if _, err := WithAlgorithms(s, "ssh-dss"); !errors.Is(err, ErrAlgorithm) {
		t.Errorf("algorithms of another key: %v", err)
	}
	foreign := must(WithAlgorithms(wrappedSigner{s}, "ssh-rsa", "rsa-sha2-256"))
	if got := foreign.Algorithms(); !slices.Equal(got, []string{"rsa-sha2-256"}) {
		t.Errorf("algorithms of another's signer: %v", got)
	}
	if _, err := foreign.Sign(nil, "rsa-sha2-512", data); !errors.Is(err, ErrAlgorithm) {
		t.Errorf("signed with what was not named: %v", err)
	}
	if err := s.PublicKey().Verify("rsa-sha2-256", data, must(foreign.Sign(nil, "rsa-sha2-256", data))); err != nil {
		t.Error(err)
	}
}

// wrappedSigner is a Signer that is not of this package.
type wrappedSigner struct{ Signer }

func TestGenerateDSA(t *testing.T) {
	if testing.Short() {
		t.Skip("takes seconds")
	}
	k := must(GenerateDSA())
	s := must(NewSigner(k))
	if err := s.PublicKey().Verify("ssh-dss", nil, must(s.Sign(nil, "ssh-dss", nil))); err != nil {
		t.Error(err)
	}
	sameKey(t, must2(ParsePrivateKey(dsaPEM(k), nil)), k)
}

// must2 is must for a function with three results.
func must2[T, U any](v T, _ U, err error) T { return must(v, err) }
