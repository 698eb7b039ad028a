package certstore

import (
	"crypto"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"math/big"
	"testing"
	"time"

	"github.com/hawser-ssh/hawser/transport/sshkey"
)

// newKey makes a key with a certificate for that name, unless it is empty.
func newKey(t testing.TB, name pkix.Name, comment string) *Key {
	t.Helper()
	signer, err := sshkey.GenerateECDSA(256)
	if err != nil {
		t.Fatal(err)
	}
	k := &Key{Name: comment, Signer: signer, Public: signer.Public()}
	if name.String() != "" {
		k.Chain = []*x509.Certificate{certify(t, name, signer)}
	}
	return k
}

// certify makes a certificate that the key signs itself.
func certify(t testing.TB, name pkix.Name, signer crypto.Signer) *x509.Certificate {
	t.Helper()
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: name, NotAfter: time.Unix(1<<32, 0)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, signer.Public(), signer)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return cert
}

func TestFind(t *testing.T) {
	server := newKey(t, pkix.Name{CommonName: "www.example.org", Organization: []string{"Ships, boats"}, Country: []string{"NL"}}, "")
	other := newKey(t, pkix.Name{CommonName: "www.example.org.other", Organization: []string{`The "best"`}}, "alias")
	plain := newKey(t, pkix.Name{}, "me@example")
	public := newKey(t, pkix.Name{CommonName: "nobody"}, "")
	public.Signer = nil
	store := memory{public, other, server, plain}
	if got, want := server.Subject(), `CN=www.example.org, O="Ships, boats", C=NL`; got != want {
		t.Errorf("subject %s, want %s", got, want)
	}
	if got, want := other.Subject(), `CN=www.example.org.other, O="The ""best"""`; got != want {
		t.Errorf("subject %s, want %s", got, want)
	}
	for _, c := range []struct {
		subject string
		want    *Key
		err     error
	}{
		{"*", other, nil},
		{server.Subject(), server, nil},
		{other.Subject(), other, nil},
		{`C=NL,O="Ships, boats",CN=www.example.org`, server, nil},
		{`c=NL , CN = "www.example.org"`, server, nil},
		{"CN=www.example.org", other, nil}, // the first that contains it
		{"CN=www.example.org,C=NL", server, nil},
		{"www.example.org.other", other, nil},
		{"Ships, boats", server, nil},
		{"alias", other, nil},
		{"me@example", plain, nil},
		{"@exam", plain, nil},
		{"CN=missing", nil, ErrNotFound},
		{`CN="open`, nil, ErrNotFound},
		{"CN=nobody", nil, ErrNoPrivateKey},
	} {
		got, err := Find(store, c.subject)
		if got != c.want || !errors.Is(err, c.err) {
			t.Errorf("%s: %v, %v", c.subject, got, err)
		}
	}
	_, err := Find(store, "")
	if several, ok := errors.AsType[*SeveralError](err); !ok || len(several.Subjects) != 3 {
		t.Errorf("no subject and three keys: %v", err)
	}
	if got, err := Find(memory{public, plain}, ""); got != plain || err != nil {
		t.Errorf("no subject and one key: %v, %v", got, err)
	}
	if _, err := Find(memory{}, ""); !errors.Is(err, ErrEmpty) {
		t.Errorf("empty: %v", err)
	}
	if _, err := Find(memory{public}, "*"); !errors.Is(err, ErrNoPrivateKey) {
		t.Errorf("public alone: %v", err)
	}
}

func TestFindCertificate(t *testing.T) {
	a, b := newKey(t, pkix.Name{CommonName: "a"}, ""), newKey(t, pkix.Name{}, "b")
	public := newKey(t, pkix.Name{CommonName: "nobody"}, "")
	public.Signer = nil
	store := memory{public, a, b}
	if k, err := FindCertificate(store, a.Chain[0]); err != nil || k.Signer != a.Signer {
		t.Error(k, err)
	}
	cert := certify(t, pkix.Name{CommonName: "new"}, b.Signer)
	if k, err := FindCertificate(store, cert); err != nil || k.Signer != b.Signer || k.Subject() != "CN=new" || len(b.Chain) > 0 {
		t.Error(k, err)
	}
	if _, err := FindCertificate(store, public.Chain[0]); !errors.Is(err, ErrNoPrivateKey) {
		t.Error(err)
	}
	if _, err := FindCertificate(store, newKey(t, pkix.Name{CommonName: "x"}, "").Chain[0]); !errors.Is(err, ErrNotFound) {
		t.Error(err)
	}
	if _, err := FindCertificate(memory{}, cert); !errors.Is(err, ErrEmpty) {
		t.Error(err)
	}
}

// TestSigners: a key is served plain and with its certificate.
func TestSigners(t *testing.T) {
	k := newKey(t, pkix.Name{CommonName: "a"}, "")
	signers, err := k.Signers()
	if err != nil || len(signers) != 2 {
		t.Fatal(signers, err)
	}
	for i, want := range []string{"ecdsa-sha2-nistp256", "x509v3-ecdsa-sha2-nistp256"} {
		if got := signers[i].PublicKey().Type(); got != want {
			t.Errorf("%s, want %s", got, want)
		}
		signature, err := signers[i].Sign(nil, want, []byte("data"))
		if err != nil {
			t.Fatal(err)
		}
		if err := signers[i].PublicKey().Verify(want, []byte("data"), signature); err != nil {
			t.Error(err)
		}
	}
	k.Signer = nil
	if _, err := k.Signers(); !errors.Is(err, ErrNoPrivateKey) {
		t.Error(err)
	}
}
