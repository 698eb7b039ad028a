package matrix

import (
	"context"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"errors"
	"math/big"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hawser-ssh/hawser/connection/sshclient"
	"github.com/hawser-ssh/hawser/transport/sshkey"
	"github.com/hawser-ssh/hawser/userauth"
	"github.com/hawser-ssh/hawser/wire"
)

// hostName is the server in memory, and in the certificates of testdata/vectors/x509_dsa.txt.
const hostName = "host.example"

// keyring is a key for each algorithm by which one side, hosts or users, proves who it is, and what the other side has
// to know about them.
type keyring struct {
	bare      map[string]crypto.Signer // by the names of the types
	others    []sshkey.PublicKey       // that are known, too
	signers   map[string]sshkey.Signer // by algorithm; each signs by the algorithm that it is filed under alone
	authority sshkey.Signer            // of the OpenSSH certificates
	certs     sshkey.CertChecker
	root      *x509.Certificate // of those with X.509 but for DSA
	x509      sshkey.X509Trust
}

// newKeyring makes the keys. The certificates are for the names.
func newKeyring(t testing.TB, purpose sshkey.CertPurpose, names ...string) *keyring {
	t.Helper()
	bare := bareKeys(t)
	k := &keyring{bare: bare, signers: map[string]sshkey.Signer{}, authority: signerOver(t, bare["ssh-ed25519"])}
	k.certs.Authorities = []sshkey.PublicKey{k.authority.PublicKey()}
	var plain []sshkey.Signer
	for _, key := range bare {
		plain = append(plain, signerOver(t, key))
	}
	plain = append(plain, newSoftKey(t, bare["ssh-ed25519"]), newSoftKey(t, bare["ecdsa-sha2-nistp256"]))
	for _, s := range plain {
		k.file(t, s)
		for _, name := range algorithmsOf(s.PublicKey().Type()) {
			k.fileCertified(t, name, purpose, names)
		}
	}
	k.fileX509(t, names)
	return k
}

// bareKeys makes a key of each type, by the names of the types.
func bareKeys(t testing.TB) map[string]crypto.Signer {
	t.Helper()
	keys := map[string]crypto.Signer{"ssh-dss": dsaVector(t).key}
	for name, generate := range map[string]func() (crypto.Signer, error){
		"ssh-ed25519": sshkey.GenerateEd25519, "ssh-ed448": sshkey.GenerateEd448,
		"ssh-rsa":             func() (crypto.Signer, error) { return rsa.GenerateKey(rand.Reader, 2048) },
		"ecdsa-sha2-nistp256": func() (crypto.Signer, error) { return sshkey.GenerateECDSA(256) },
		"ecdsa-sha2-nistp384": func() (crypto.Signer, error) { return sshkey.GenerateECDSA(384) },
		"ecdsa-sha2-nistp521": func() (crypto.Signer, error) { return sshkey.GenerateECDSA(521) },
	} {
		key, err := generate()
		if err != nil {
			t.Fatal(err)
		}
		keys[name] = key
	}
	return keys
}

func signerOver(t testing.TB, key crypto.Signer) sshkey.Signer {
	t.Helper()
	s, err := sshkey.NewSigner(key)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// allKeyAlgorithms are those of the house.
func allKeyAlgorithms() []string {
	return slices.Concat(sshkey.DefaultAlgorithms(), sshkey.OptionalAlgorithms(), sshkey.InsecureAlgorithms())
}

// algorithmsOf are those of a type of key, the insecure among them.
func algorithmsOf(keyType string) []string {
	return slices.DeleteFunc(allKeyAlgorithms(), func(name string) bool { return sshkey.KeyType(name) != keyType })
}

// file takes in a signer, once for each of its algorithms.
func (k *keyring) file(t testing.TB, s sshkey.Signer) {
	t.Helper()
	for _, name := range algorithmsOf(s.PublicKey().Type()) {
		one, err := sshkey.WithAlgorithms(s, name)
		if err != nil {
			t.Fatal(err)
		}
		k.signers[name] = one
	}
}

// fileCertified takes in the signer of that algorithm with a certificate of OpenSSH's form.
func (k *keyring) fileCertified(t testing.TB, name string, purpose sshkey.CertPurpose, principals []string) {
	t.Helper()
	certified := certName(name)
	if !slices.Contains(allKeyAlgorithms(), certified) {
		return // as with ssh-ed448
	}
	s := k.signers[name]
	one, err := sshkey.NewCertSigner(certify(t, k.authority, s.PublicKey(), purpose, principals), s)
	if err != nil {
		t.Fatal(err)
	}
	k.signers[certified] = one
}

// certName is what an algorithm, or a type of key, is called with a certificate of OpenSSH's form.
func certName(name string) string {
	return strings.TrimSuffix(name, "@openssh.com") + "-cert-v01@openssh.com"
}

// certify is a certificate (OpenSSH PROTOCOL.certkeys) that does not expire.
func certify(t testing.TB, authority sshkey.Signer, key sshkey.PublicKey, purpose sshkey.CertPurpose, principals []string) *sshkey.Certificate {
	t.Helper()
	var names []byte
	for _, p := range principals {
		names = wire.AppendString(names, p)
	}
	b := wire.AppendString(wire.AppendString(nil, certName(key.Type())), rand.Text())
	b = append(b, key.Marshal()[4+len(key.Type()):]...)
	b = wire.AppendUint32(wire.AppendUint64(b, 1), uint32(purpose))
	b = wire.AppendBytes(wire.AppendString(b, "matrix"), names)
	b = wire.AppendUint64(wire.AppendUint64(b, 0), sshkey.CertForever)
	b = wire.AppendString(wire.AppendString(wire.AppendString(b, ""), ""), "") // options, extensions, reserved
	b = wire.AppendBytes(b, authority.PublicKey().Marshal())
	signature, err := authority.Sign(nil, authority.Algorithms()[0], b)
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := sshkey.ParsePublicKey(wire.AppendBytes(b, signature))
	if err != nil {
		t.Fatal(err)
	}
	return parsed.(*sshkey.Certificate)
}

// fileX509 takes in the keys with X.509 certificates. Those with DSA are of testdata/vectors: crypto/x509 makes none.
func (k *keyring) fileX509(t testing.TB, names []string) {
	t.Helper()
	dsa := dsaVector(t)
	k.root = x509Root(t, k.bare["ecdsa-sha2-nistp256"])
	k.x509.Roots = x509.NewCertPool()
	k.x509.Roots.AddCert(k.root)
	k.x509.Roots.AddCert(dsa.root)
	for _, name := range allKeyAlgorithms() {
		if !strings.HasPrefix(name, "x509v3-") {
			continue
		}
		key, leaf := crypto.Signer(dsa.key), dsa.leaf
		if !strings.HasSuffix(name, "dss") {
			key = k.bare[x509KeyType(name)]
			leaf = x509Leaf(t, key, names, k.root, k.bare["ecdsa-sha2-nistp256"])
		}
		s, err := sshkey.NewX509Signer(name, key, leaf)
		if err != nil {
			t.Fatal(err)
		}
		k.file(t, s)
	}
}

// x509KeyType is the type of key below a name of RFC 6187, or of the drafts before it.
func x509KeyType(name string) string {
	if rest := strings.TrimPrefix(name, "x509v3-"); strings.HasPrefix(rest, "ecdsa") {
		return rest
	}
	return "ssh-rsa"
}

func x509Root(t testing.TB, key crypto.Signer) *x509.Certificate {
	root := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "matrix root"}, KeyUsage: x509.KeyUsageCertSign,
		NotBefore: time.Unix(1700000000, 0), NotAfter: time.Unix(4000000000, 0), IsCA: true, BasicConstraintsValid: true,
	}
	return x509Issue(t, root, root, key.Public(), key)
}

// x509Leaf is for hosts and for users of these names.
func x509Leaf(t testing.TB, key crypto.Signer, names []string, root *x509.Certificate, rootKey crypto.Signer) *x509.Certificate {
	client, server := asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 3, 21}, asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 3, 22}
	leaf := &x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: "matrix leaf"}, KeyUsage: x509.KeyUsageDigitalSignature,
		NotBefore: root.NotBefore, NotAfter: root.NotAfter, DNSNames: names, EmailAddresses: names,
		UnknownExtKeyUsage: []asn1.ObjectIdentifier{client, server},
	}
	for _, name := range names {
		if ip := net.ParseIP(name); ip != nil {
			leaf.IPAddresses = append(leaf.IPAddresses, ip)
		}
	}
	return x509Issue(t, leaf, root, key.Public(), rootKey)
}

func x509Issue(t testing.TB, c, parent *x509.Certificate, public crypto.PublicKey, by crypto.Signer) *x509.Certificate {
	t.Helper()
	der, err := x509.CreateCertificate(rand.Reader, c, parent, public, by)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return cert
}

var errNotOnRing = errors.New("key is not one of the ring")

// checkPlain returns nil for the keys without certificates.
func (k *keyring) checkPlain(key sshkey.PublicKey) error {
	for _, s := range k.signers {
		if sshkey.Equal(s.PublicKey(), key) {
			return nil
		}
	}
	if slices.ContainsFunc(k.others, func(other sshkey.PublicKey) bool { return sshkey.Equal(other, key) }) {
		return nil
	}
	return errNotOnRing
}

// Algorithms prefers none; see sshclient.HostKeyPolicy.
func (k *keyring) Algorithms(sshclient.Host) ([]string, error) { return nil, nil }

// Check judges a host's key, by its authority where it has one.
func (k *keyring) Check(_ context.Context, host sshclient.Host, key sshkey.PublicKey) error {
	switch key.(type) {
	case *sshkey.Certificate:
		return k.certs.CheckHost(key, host.Name)
	case *sshkey.X509Key:
		return k.x509.CheckHost(key, host.Name)
	}
	return k.checkPlain(key)
}

// admit judges a user's key likewise.
func (k *keyring) admit(a *userauth.Attempt, key sshkey.PublicKey) error {
	switch key.(type) {
	case *sshkey.Certificate:
		_, err := k.certs.CheckUser(key, []string{a.User}, sshkey.Source{})
		return err
	case *sshkey.X509Key:
		return k.x509.CheckUser(key, a.User)
	}
	return k.checkPlain(key)
}
