package certstore

import (
	"bytes"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	keystore "github.com/pavlo-v-chernykh/keystore-go/v4"
	"github.com/smallstep/pkcs7"
	"software.sslmate.com/src/go-pkcs12"
)

// The same formats, written by Go libraries.

func TestGoPKCS12(t *testing.T) {
	k := newKey(t, pkix.Name{CommonName: "a"}, "")
	for name, encoder := range map[string]*pkcs12.Encoder{
		"RC2": pkcs12.LegacyRC2, "3DES": pkcs12.LegacyDES, "2023": pkcs12.Modern2023, "2026": pkcs12.Modern2026, "plain": pkcs12.Passwordless,
	} {
		for _, pass := range []string{"", "sésame €"} {
			if name == "plain" && pass != "" {
				continue
			}
			file, err := encoder.Encode(k.Signer, k.Chain[0], nil, pass)
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			store, err := Open(PFXBlob, file, pass)
			if err != nil {
				t.Errorf("%s, password %q: %v", name, pass, err)
				continue
			}
			if got, err := Find(store, "CN=a"); err != nil || !samePublic(got.Public, k.Public) || len(got.Chain) != 1 {
				t.Errorf("%s, password %q: %v, %v", name, pass, got, err)
			}
		}
	}
	file, err := pkcs12.Modern2023.EncodeTrustStore(k.Chain, "x")
	if err != nil {
		t.Fatal(err)
	}
	store, err := Open(PFXBlob, file, "x")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Find(store, "CN=a"); !errors.Is(err, ErrNoPrivateKey) {
		t.Error(err)
	}
}

func TestGoKeystore(t *testing.T) {
	a, b := newKey(t, pkix.Name{CommonName: "a"}, ""), newKey(t, pkix.Name{CommonName: "b"}, "")
	ks := keystore.New()
	for alias, k := range map[string]*Key{"first": a, "second": b} {
		der, err := x509.MarshalPKCS8PrivateKey(k.Signer)
		if err != nil {
			t.Fatal(err)
		}
		entry := keystore.PrivateKeyEntry{CreationTime: time.Unix(1, 0), PrivateKey: der,
			CertificateChain: []keystore.Certificate{{Type: "X509", Content: k.Chain[0].Raw}}}
		if err := ks.SetPrivateKeyEntry(alias, entry, []byte("password")); err != nil {
			t.Fatal(err)
		}
	}
	var file bytes.Buffer
	if err := ks.Store(&file, []byte("password")); err != nil {
		t.Fatal(err)
	}
	store, err := Open(JKSBlob, file.Bytes(), "password")
	if err != nil {
		// The library takes passwords as bytes where Java takes them as UTF-16.
		t.Fatal(err)
	}
	if got, err := Find(store, "second"); err != nil || !samePublic(got.Public, b.Public) {
		t.Error(got, err)
	}
}

// TestGoJWE encrypts a key and a set with a password.
func TestGoJWE(t *testing.T) {
	k := newKey(t, pkix.Name{CommonName: "a"}, "")
	key := jose.JSONWebKey{Key: k.Signer, KeyID: "mine", Certificates: k.Chain}
	for _, v := range []interface{ MarshalJSON() ([]byte, error) }{key} {
		text, err := v.MarshalJSON()
		if err != nil {
			t.Fatal(err)
		}
		encrypter, err := jose.NewEncrypter(jose.A256GCM, jose.Recipient{Algorithm: jose.PBES2_HS256_A128KW, Key: "pass", PBES2Count: 1000}, nil)
		if err != nil {
			t.Fatal(err)
		}
		object, err := encrypter.Encrypt(text)
		if err != nil {
			t.Fatal(err)
		}
		compact, err := object.CompactSerialize()
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range []string{string(text), compact, object.FullSerialize()} {
			store, err := Open(Auto, []byte(file), "pass")
			if err != nil {
				t.Errorf("%.20s: %v", file, err)
				continue
			}
			if got, err := Find(store, "CN=a"); err != nil || got.Name != "mine" || !samePublic(got.Public, k.Public) {
				t.Errorf("%.20s: %v, %v", file, got, err)
			}
			if file == string(text) {
				continue
			}
			for _, wrong := range []string{"", "other"} {
				if _, err := Open(JWKBlob, []byte(file), wrong); !errors.Is(err, ErrPassword) {
					t.Errorf("%.20s, password %q: %v", file, wrong, err)
				}
			}
		}
	}
}

// TestJWEIterations: what the file asks for comes out of the store's budget, before it is done.
func TestJWEIterations(t *testing.T) {
	encrypter, err := jose.NewEncrypter(jose.A256GCM, jose.Recipient{Algorithm: jose.PBES2_HS256_A128KW, Key: "pass", PBES2Count: 1000}, nil)
	if err != nil {
		t.Fatal(err)
	}
	object, err := encrypter.Encrypt([]byte("{}"))
	if err != nil {
		t.Fatal(err)
	}
	compact, err := object.CompactSerialize()
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{compact, object.FullSerialize()} {
		for _, test := range []struct {
			left int
			ok   bool
		}{{1000, true}, {999, false}} {
			in := &input{password: "pass", iterations: test.left}
			plain, err := in.openJWE(text)
			if (err == nil) != test.ok || test.ok && (string(plain) != "{}" || in.iterations != 0) || !test.ok && !errors.Is(err, ErrTooCostly) {
				t.Errorf("%.20s, %d iterations left: %q, %v, %d", text, test.left, plain, err, in.iterations)
			}
		}
	}
}

func TestGoPKCS7(t *testing.T) {
	k := newKey(t, pkix.Name{CommonName: "a"}, "")
	data, err := pkcs7.NewSignedData([]byte("text"))
	if err != nil {
		t.Fatal(err)
	}
	if err := data.AddSigner(k.Chain[0], k.Signer, pkcs7.SignerInfoConfig{}); err != nil {
		t.Fatal(err)
	}
	signed, err := data.Finish()
	if err != nil {
		t.Fatal(err)
	}
	degenerate, err := pkcs7.DegenerateCertificate(k.Chain[0].Raw)
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range [][]byte{signed, degenerate} {
		store, err := Open(Auto, file, "")
		if err != nil {
			t.Fatal(err)
		}
		if keys, err := store.Keys(); err != nil || len(keys) != 1 || !samePublic(keys[0].Public, k.Public) {
			t.Error(keys, err)
		}
	}
	envelope, err := pkcs7.Encrypt([]byte("text"), nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Open(P7BBlob, envelope, ""); !errors.Is(err, ErrUnsupported) {
		t.Error(err)
	}
}
