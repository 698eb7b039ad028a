package sshkey

import (
	"bytes"
	"crypto"
	"crypto/dsa" //lint:ignore SA1019 a key type that is not built
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"errors"
	"reflect"
	"slices"
	"strings"
	"testing"

	"golang.org/x/crypto/ssh"

	"github.com/hawser-ssh/hawser/wire"
)

func TestPublicKeyRoundTrip(t *testing.T) {
	eachKey(t, func(t *testing.T, key crypto.Signer) {
		k := must(NewPublicKey(key.Public()))
		blob := k.Marshal()
		again := must(ParsePublicKey(blob))
		if again.Type() != k.Type() || !bytes.Equal(again.Marshal(), blob) || !Equal(again, k) {
			t.Fatalf("%s: parse and marshal differ", k.Type())
		}
		if !reflect.DeepEqual(key.Public(), again.CryptoPublicKey()) || !Equal(must(NewPublicKey(again.CryptoPublicKey())), k) {
			t.Error("CryptoPublicKey differs")
		}
		clear(blob)
		if bytes.Equal(k.Marshal(), blob) {
			t.Error("Marshal lends its blob")
		}
	})
}

func TestPublicKeyTruncatedAndTrailing(t *testing.T) {
	eachKey(t, func(t *testing.T, key crypto.Signer) {
		blob := must(NewPublicKey(key.Public())).Marshal()
		for n := range blob {
			if _, err := ParsePublicKey(blob[:n]); err == nil {
				t.Fatalf("%d of %d bytes accepted", n, len(blob))
			}
		}
		_, err := ParsePublicKey(append(blob, 0))
		if pe := new(wire.ProtocolError); !errors.As(err, &pe) {
			t.Errorf("trailing byte: %v", err)
		}
	})
}

func TestPublicKeyUnsupported(t *testing.T) {
	blob := wire.AppendString(nil, "ssh-new@example.com")
	_, err := ParsePublicKey(blob)
	if u := new(UnsupportedError); !errors.As(err, &u) || u.Name != "ssh-new@example.com" {
		t.Errorf("got %v", err)
	}
	for _, key := range []crypto.PublicKey{nil, &dsa.PublicKey{}, (*rsa.PublicKey)(nil), (*ecdsa.PublicKey)(nil), &rsa.PublicKey{}, 7} {
		if k, err := NewPublicKey(key); err == nil || k != nil {
			t.Errorf("%T: accepted", key)
		}
	}
	p224 := must(ecdsa.GenerateKey(elliptic.P224(), rand.Reader))
	if _, err := NewPublicKey(p224.Public()); err == nil {
		t.Error("P-224 accepted")
	}
	if Equal(nil, nil) {
		t.Error("nil equals nil")
	}
	if text := testKey("rsa").(*publicKey).String(); !strings.HasPrefix(text, "ssh-rsa SHA256:") {
		t.Error(text)
	}
}

func TestAlgorithmTable(t *testing.T) {
	for _, name := range DefaultAlgorithms() {
		kind := KeyType(name)
		if _, err := lookupKeyType(kind); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if !slices.Contains(AlgorithmsFor(kind), name) {
			t.Errorf("%s is not among those of %s", name, kind)
		}
	}
	if got := AlgorithmsFor("ssh-rsa"); !slices.Equal(got, []string{"rsa-sha2-512", "rsa-sha2-256"}) {
		t.Errorf("ssh-rsa signs with %v", got)
	}
	if got := AlgorithmsFor("ssh-dss"); !slices.Equal(got, []string{"ssh-dss"}) {
		t.Errorf("ssh-dss signs with %v", got)
	}
	insecure := InsecureAlgorithms()
	if insecure[0] != "ssh-rsa" || !slices.Contains(insecure, "ssh-dss") {
		t.Errorf("insecure are %v", insecure)
	}
	for _, name := range insecure {
		if slices.Contains(DefaultAlgorithms(), name) || KeyType(name) == "" {
			t.Errorf("%s is a default, or has no key type", name)
		}
	}
	if KeyType("") != "" || KeyType("rsa") != "" || AlgorithmsFor("x") != nil {
		t.Error("unknown names are known")
	}
	DefaultAlgorithms()[0] = "x"
	if DefaultAlgorithms()[0] != "ssh-ed25519" {
		t.Error("DefaultAlgorithms lends its table")
	}
}

// xcryptoSigner returns key as x/crypto has it.
func xcryptoSigner(key crypto.Signer) ssh.AlgorithmSigner {
	if k, ok := key.(*DSAPrivateKey); ok {
		return must(ssh.NewSignerFromKey(&k.PrivateKey)).(ssh.AlgorithmSigner)
	}
	return must(ssh.NewSignerFromSigner(key)).(ssh.AlgorithmSigner)
}

// TestSecondImplementation signs and verifies against x/crypto both ways.
func TestSecondImplementation(t *testing.T) {
	data := []byte("the quick brown fox")
	eachKey(t, func(t *testing.T, key crypto.Signer) {
		skipEd448(t, key, "x/crypto")
		ours := must(NewSigner(key))
		theirs := xcryptoSigner(key)
		if !bytes.Equal(theirs.PublicKey().Marshal(), ours.PublicKey().Marshal()) {
			t.Fatal("blobs differ")
		}
		if ssh.FingerprintSHA256(theirs.PublicKey()) != Fingerprint(ours.PublicKey()) ||
			"MD5:"+ssh.FingerprintLegacyMD5(theirs.PublicKey()) != FingerprintMD5(ours.PublicKey()) {
			t.Error("fingerprints differ")
		}
		ours = must(WithAlgorithms(ours, slices.Concat(DefaultAlgorithms(), InsecureAlgorithms())...))
		for _, a := range ours.Algorithms() {
			label, body := splitBlob(t, must(ours.Sign(nil, a, data)))
			if err := theirs.PublicKey().Verify(data, &ssh.Signature{Format: label, Blob: body}); err != nil {
				t.Errorf("%s: they refuse ours: %v", a, err)
			}
			sig := must(theirs.SignWithAlgorithm(rand.Reader, data, a))
			if err := ours.PublicKey().Verify(a, data, signatureBlob(sig.Format, sig.Blob)); err != nil {
				t.Errorf("%s: we refuse theirs: %v", a, err)
			}
		}
	})
}

func TestGenerateSizes(t *testing.T) {
	for _, bits := range []int{256, 384, 521} {
		key := must(GenerateECDSA(bits)).(*ecdsa.PrivateKey)
		if key.Params().BitSize != bits {
			t.Errorf("%d bits asked, got %d", bits, key.Params().BitSize)
		}
	}
	for name, err := range map[string]error{
		"ECDSA of 224": second(GenerateECDSA(224)),
		"RSA of 3071":  second(GenerateRSA(DefaultRSABits - 1)),
		"RSA of 16385": second(GenerateRSA(MaxRSABits + 1)),
	} {
		if w := new(WeakKeyError); !errors.As(err, &w) || !strings.Contains(w.Error(), "accepted are") {
			t.Errorf("%s: %v", name, err)
		}
	}
	if testing.Short() {
		return
	}
	if key := must(GenerateRSA(0)).(*rsa.PrivateKey); key.N.BitLen() != DefaultRSABits {
		t.Errorf("default RSA key has %d bits", key.N.BitLen())
	}
}

func second[T any](_ T, err error) error { return err }
