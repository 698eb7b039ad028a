package matrix

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"math/big"
	"strings"
	"testing"
	"time"

	"github.com/hawser-ssh/hawser/transport/sshkey"
)

// newSigner makes a host key.
func newSigner[K crypto.Signer](t testing.TB, generate func() (K, error)) sshkey.Signer {
	t.Helper()
	key, err := generate()
	if err != nil {
		t.Fatal(err)
	}
	signer, err := sshkey.NewSigner(key)
	if err != nil {
		t.Fatal(err)
	}
	return signer
}

func generateRSA() (crypto.Signer, error) { return rsa.GenerateKey(rand.Reader, 2048) }

func generateECDSA(bits int) func() (crypto.Signer, error) {
	return func() (crypto.Signer, error) { return sshkey.GenerateECDSA(bits) }
}

// hostSigners makes a key for each host key algorithm that a server can have: all but those of security keys, which
// are for users.
func hostSigners(t testing.TB) map[string]sshkey.Signer {
	t.Helper()
	bare := []sshkey.Signer{
		newSigner(t, sshkey.GenerateEd25519), newSigner(t, sshkey.GenerateEd448), newSigner(t, sshkey.GenerateDSA),
		newSigner(t, generateRSA),
	}
	for _, bits := range []int{256, 384, 521} {
		bare = append(bare, newSigner(t, generateECDSA(bits)))
	}
	all := append(append(sshkey.DefaultAlgorithms(), sshkey.OptionalAlgorithms()...), sshkey.InsecureAlgorithms()...)
	signers := certifiedSigners(t)
	for _, name := range all {
		for _, key := range bare {
			if key.PublicKey().Type() == sshkey.KeyType(name) {
				signers[name] = only(t, key, name)
			}
		}
		if signers[name] == nil && !notOfHosts(name) && !strings.Contains(name, "dss") {
			t.Errorf("no key for %s", name)
		}
	}
	return signers
}

// notOfHosts says which names are not for host keys, or are tried elsewhere: security keys are users', and a
// certificate is judged together with the authority behind it.
func notOfHosts(name string) bool {
	return strings.HasPrefix(name, "sk-") || strings.HasSuffix(name, "-cert-v01@openssh.com")
}

// only is a key that signs by one algorithm.
func only(t testing.TB, key sshkey.Signer, name string) sshkey.Signer {
	t.Helper()
	one, err := sshkey.WithAlgorithms(key, name)
	if err != nil {
		t.Fatal(err)
	}
	return one
}

// certifiedSigners makes keys with X.509 certificates.
func certifiedSigners(t testing.TB) map[string]sshkey.Signer {
	t.Helper()
	signers := map[string]sshkey.Signer{}
	for name, generate := range map[string]func() (crypto.Signer, error){
		"x509v3-ecdsa-sha2-nistp256": generateECDSA(256), "x509v3-ecdsa-sha2-nistp384": generateECDSA(384),
		"x509v3-ecdsa-sha2-nistp521": generateECDSA(521), "x509v3-rsa2048-sha256": generateRSA,
		"x509v3-ssh-rsa": generateRSA, "x509v3-sign-rsa": generateRSA,
	} {
		key, err := generate()
		if err != nil {
			t.Fatal(err)
		}
		signer, err := sshkey.NewX509Signer(name, key, certificate(t, key))
		if err != nil {
			t.Fatal(err)
		}
		signers[name] = only(t, signer, name)
	}
	return signers
}

// certificate is one by the key for itself.
func certificate(t testing.TB, key crypto.Signer) *x509.Certificate {
	t.Helper()
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "host"}, KeyUsage: x509.KeyUsageDigitalSignature,
		NotBefore: time.Unix(1700000000, 0), NotAfter: time.Unix(4000000000, 0),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return cert
}
