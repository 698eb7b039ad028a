package matrix

import (
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/hawser-ssh/hawser/connection/peertest"
	"github.com/hawser-ssh/hawser/transport/sshkey"
)

// publicLine is a key as it stands in a file of its own.
func publicLine(key sshkey.PublicKey) string {
	return key.Type() + " " + base64.StdEncoding.EncodeToString(key.Marshal())
}

// store writes the key of that algorithm into files that foreign programs read.
func (k *keyring) store(t testing.TB, name string) peertest.Key {
	t.Helper()
	switch public := k.signers[name].PublicKey().(type) {
	case *sshkey.Certificate:
		return peertest.StoreKey(t, k.private(t, public.Key().Type()), publicLine(public.Key()), publicLine(public))
	case *sshkey.X509Key:
		return peertest.StoreKey(t, k.bundle(t, name, public), publicLine(public), "")
	default:
		return peertest.StoreKey(t, k.private(t, public.Type()), publicLine(public), "")
	}
}

// private is the private key of that type in OpenSSH's form.
func (k *keyring) private(t testing.TB, keyType string) []byte {
	t.Helper()
	if strings.HasPrefix(keyType, "sk-") {
		return nil // inside of the security key
	}
	text, err := sshkey.MarshalPrivateKey(k.bare[keyType], "matrix", nil)
	if err != nil {
		t.Fatalf("%s: %v", keyType, err)
	}
	return text
}

// bundle is a private key with its X.509 certificate, in PEM.
func (k *keyring) bundle(t testing.TB, name string, key *sshkey.X509Key) []byte {
	t.Helper()
	der, err := x509.MarshalPKCS8PrivateKey(k.bare[x509KeyType(name)])
	if err != nil {
		t.Fatal(err)
	}
	return slices.Concat(
		pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}),
		pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: key.Certificates()[0].Raw}))
}

// rootsFile writes who has issued the X.509 certificates into a file, in PEM.
func (k *keyring) rootsFile(t testing.TB) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "roots.pem")
	text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: k.root.Raw})
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// files are the keys of these algorithms in files, each once. A key that has an OpenSSH certificate under one of them
// comes with it; one with an X.509 certificate is one more.
func (k *keyring) files(t testing.TB, names []string) []peertest.Key {
	t.Helper()
	var keys []peertest.Key
	seen := map[string]bool{}
	for _, name := range names {
		if strings.Contains(name, "-cert-") || seen[sshkey.KeyType(name)] {
			continue
		}
		seen[sshkey.KeyType(name)] = true
		for _, other := range algorithmsOf(sshkey.KeyType(name)) {
			if slices.Contains(names, certName(other)) {
				name = certName(other)
			}
		}
		keys = append(keys, k.store(t, name))
	}
	return keys
}

// with returns a ring with host keys that a server brings along, too.
func (k *keyring) with(t testing.TB, keys []peertest.Key) *keyring {
	t.Helper()
	c := *k
	for _, key := range keys {
		c.others = append(slices.Clip(c.others), publicOf(t, key.Public))
	}
	return &c
}

// publicOf is the key of a line.
func publicOf(t testing.TB, line string) sshkey.PublicKey {
	t.Helper()
	blob, err := base64.StdEncoding.DecodeString(strings.Fields(line)[1])
	if err != nil {
		t.Fatal(err)
	}
	key, err := sshkey.ParsePublicKey(blob)
	if err != nil {
		t.Fatal(err)
	}
	return key
}
