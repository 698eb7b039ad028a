package sshkey

import (
	"crypto/rand"
	"errors"
	"io"
	"math/big"
	"strings"
	"testing"
	"testing/iotest"
)

// rocaPrime returns a prime as the generator made it: k*M + 65537^a mod M.
func rocaPrime(t *testing.T, bits int) *big.Int {
	t.Helper()
	m := big.NewInt(2)
	for _, p := range rocaPrimes {
		m.Mul(m, new(big.Int).SetUint64(p))
	}
	for {
		a := must(rand.Int(rand.Reader, big.NewInt(1<<40)))
		k := must(rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), uint(bits-m.BitLen()))))
		k.SetBit(k, bits-m.BitLen()-1, 1).SetBit(k, bits-m.BitLen()-2, 1)
		p := new(big.Int).Mul(k, m)
		p.Add(p, new(big.Int).Exp(big.NewInt(65537), a, m))
		if p.ProbablyPrime(10) {
			return p
		}
	}
}

func rsaOf(p, q *big.Int) PublicKey {
	n := new(big.Int).Mul(p, q)
	return must(Limits{MinRSABits: 1024}.ParsePublicKey(rsaBlob([]byte{1, 0, 1}, mpintContent(n))))
}

func TestKEY11KnownBadKeys(t *testing.T) {
	var zero KnownBad
	bad := rsaOf(rocaPrime(t, 544), rocaPrime(t, 544))
	var e *BadKeyError
	if err := zero.Check(bad); !errors.As(err, &e) || !strings.Contains(e.Error(), "CVE-2017-15361") {
		t.Errorf("ROCA: %v", err)
	}
	if err := (*KnownBad)(nil).Check(bad); !errors.As(err, &e) {
		t.Errorf("ROCA, nil: %v", err)
	}
	for name := range testSigners() {
		if err := zero.Check(testKey(name)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	prime := func() *big.Int { return must(rand.Prime(rand.Reader, 544)) }
	if err := zero.Check(rsaOf(prime(), rocaPrime(t, 544))); err != nil {
		t.Errorf("one prime alone: %v", err)
	}

	// Two devices with one prime in common.
	shared := prime()
	first, second := rsaOf(shared, prime()), rsaOf(shared, prime())
	var seen KnownBad
	for _, key := range []PublicKey{nil, testKey("ed25519"), testKey("rsa"), first} {
		seen.AddKey(key)
	}
	if err := seen.Check(second); !errors.As(err, &e) || !strings.Contains(e.Error(), "shares a factor") {
		t.Errorf("shared factor: %v", err)
	}
	for what, key := range map[string]PublicKey{"the same key": first, "others": rsaOf(prime(), prime()), "ECDSA": testKey("ecdsa")} {
		if err := seen.Check(key); err != nil {
			t.Errorf("%s: %v", what, err)
		}
	}
	if err := seen.Check(nil); err == nil {
		t.Error("nil is good")
	}
}

func TestKEY11Blocklist(t *testing.T) {
	var b KnownBad
	print := strings.ReplaceAll(strings.TrimPrefix(FingerprintMD5(testKey("dsa")), "MD5:"), ":", "")[12:]
	if err := b.AddBlocklist(strings.NewReader("# comment\n\n00112233445566778899\n" + print + " # a key\n")); err != nil {
		t.Fatal(err)
	}
	if err := b.AddBlocklist(strings.NewReader("")); err != nil {
		t.Fatal(err)
	}
	cert := goodCert(testKey("dsa"), UserCertificate).cert(t)
	for _, key := range []PublicKey{testKey("dsa"), cert} {
		if e := new(BadKeyError); !errors.As(b.Check(key), &e) {
			t.Errorf("%s passed", key.Type())
		}
	}
	if err := b.Check(testKey("ecdsa")); err != nil {
		t.Error(err)
	}
	for what, r := range map[string]io.Reader{
		"short": strings.NewReader("0011"), "no digits": strings.NewReader("0011223344556677889x"),
		"too large": strings.NewReader(strings.Repeat("\n", MaxListFile+1)), "unreadable": iotest.ErrReader(io.ErrClosedPipe),
	} {
		if err := b.AddBlocklist(r); err == nil {
			t.Errorf("%s: accepted", what)
		}
	}
}

// TestPlainBlob: a key is one credential, whatever certificate it comes with.
func TestPlainBlob(t *testing.T) {
	want := string(testKey("ecdsa").Marshal())
	x := must(NewX509Signer("x509v3-ecdsa-sha2-nistp256", testSigners()["ecdsa"], newAuthority(t).issue(t, testSigners()["ecdsa"])))
	for _, key := range []PublicKey{testKey("ecdsa"), goodCert(testKey("ecdsa"), UserCertificate).cert(t), x.PublicKey()} {
		blob := PlainBlob(key)
		if string(blob) != want {
			t.Errorf("%s: %x", key.Type(), blob)
		}
		clear(blob)
		if string(PlainBlob(key)) != want {
			t.Errorf("%s: the blob is lent", key.Type())
		}
	}
}
