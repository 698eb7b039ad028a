package sshkey

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"math/big"
	"strconv"
	"testing"

	"github.com/hawser-ssh/hawser/wire"
)

// check compares the outcome of a vector with what it says.
func check(t *testing.T, v map[string]string, err error) {
	t.Helper()
	if (err == nil) != (v["result"] == "valid") {
		t.Errorf("vector %s (%s): %s expected, got %v", v["id"], v["note"], v["result"], err)
	}
}

func TestVectorsBcryptPBKDF(t *testing.T) {
	for i, v := range vectors(t, "bcrypt_pbkdf.txt") {
		want := unhex(t, v["key"])
		rounds := must(strconv.Atoi(v["rounds"]))
		if rounds > 8 && testing.Short() {
			continue
		}
		got := bcryptPBKDF(unhex(t, v["passphrase"]), unhex(t, v["salt"]), rounds, len(want))
		if !bytes.Equal(got, want) {
			t.Errorf("vector %d: got %x, want %x", i+1, got, want)
		}
	}
}

func TestVectorsEd25519Sign(t *testing.T) {
	for i, v := range vectors(t, "ed25519_rfc8032.txt") {
		s := must(NewSigner(ed25519.NewKeyFromSeed(unhex(t, v["seed"]))))
		_, fields, _ := bytes.Cut(s.PublicKey().Marshal(), []byte("ssh-ed25519\x00\x00\x00\x20"))
		if !bytes.Equal(fields, unhex(t, v["key"])) {
			t.Errorf("vector %d: blob %x", i+1, fields)
		}
		blob := must(s.Sign(nil, "ssh-ed25519", unhex(t, v["msg"])))
		label, body := splitBlob(t, blob)
		if label != "ssh-ed25519" || !bytes.Equal(body, unhex(t, v["sig"])) {
			t.Errorf("vector %d: signature %s %x", i+1, label, body)
		}
	}
}

func TestVectorsEd25519Verify(t *testing.T) {
	for _, v := range vectors(t, "ed25519_wycheproof.txt") {
		key, err := NewPublicKey(ed25519.PublicKey(unhex(t, v["key"])))
		if err == nil {
			err = key.Verify("ssh-ed25519", unhex(t, v["msg"]), signatureBlob("ssh-ed25519", unhex(t, v["sig"])))
		}
		check(t, v, err)
	}
}

// ecdsaPublic returns the key of a type and an uncompressed point.
func ecdsaPublic(algorithm string, point []byte) (PublicKey, error) {
	blob := wire.AppendString(nil, algorithm)
	blob = wire.AppendString(blob, algorithm[len("ecdsa-sha2-"):])
	return ParsePublicKey(wire.AppendBytes(blob, point))
}

func TestVectorsECDSAVerify(t *testing.T) {
	for _, v := range vectors(t, "ecdsa_wycheproof.txt") {
		key, err := ecdsaPublic(v["algorithm"], unhex(t, v["key"]))
		if err != nil {
			t.Fatalf("vector %s: %v", v["id"], err)
		}
		// The content of a DER INTEGER is that of an mpint.
		body := wire.AppendBytes(wire.AppendBytes(nil, unhex(t, v["r"])), unhex(t, v["s"]))
		check(t, v, key.Verify(v["algorithm"], unhex(t, v["msg"]), signatureBlob(v["algorithm"], body)))
	}
}

func TestVectorsECDSADeterministic(t *testing.T) {
	for i, v := range vectors(t, "ecdsa_rfc6979.txt") {
		key := must(ecdsaPublic(v["algorithm"], unhex(t, v["key"])))
		body := wire.AppendMpint(wire.AppendMpint(nil, unhex(t, v["r"])), unhex(t, v["s"]))
		blob := signatureBlob(v["algorithm"], body)
		if err := key.Verify(v["algorithm"], unhex(t, v["msg"]), blob); err != nil {
			t.Errorf("vector %d: %v", i+1, err)
		}
		// A signer that is deterministic, as RFC 6979 has it, makes the same blob.
		public := key.CryptoPublicKey().(*ecdsa.PublicKey)
		private := must(ecdsa.ParseRawPrivateKey(public.Curve, unhex(t, v["private"])))
		s := must(NewSigner(fakeSigner{public, func(digest []byte, opts crypto.SignerOpts) ([]byte, error) {
			return private.Sign(nil, digest, opts)
		}}))
		if own := must(s.Sign(nil, v["algorithm"], unhex(t, v["msg"]))); !bytes.Equal(own, blob) {
			t.Errorf("vector %d: got %x, want %x", i+1, own, blob)
		}
	}
}

func TestVectorsRSAVerify(t *testing.T) {
	for _, v := range vectors(t, "rsa_pkcs1_wycheproof.txt") {
		n, e := new(big.Int).SetBytes(unhex(t, v["n"])), new(big.Int).SetBytes(unhex(t, v["e"]))
		key, err := NewPublicKey(&rsa.PublicKey{N: n, E: int(e.Int64())})
		if err != nil {
			t.Fatalf("vector %s: %v", v["id"], err)
		}
		msg, blob := unhex(t, v["msg"]), signatureBlob(v["algorithm"], unhex(t, v["sig"]))
		check(t, v, key.Verify(v["algorithm"], msg, blob))

		// The verification for large exponents gives the same verdicts.
		k := key.(*publicKey).key.(rsaKey)
		if sig := unhex(t, v["sig"]); len(sig) == k.size() {
			a := lookupAlgorithm(v["algorithm"])
			check(t, v, k.verifyLargeExponent(a, a.digest(msg), sig))
		}
	}
}
