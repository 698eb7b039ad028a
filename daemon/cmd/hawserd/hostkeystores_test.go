//go:build unix

package main

import (
	"crypto"
	"crypto/rsa"
	"encoding/base64"
	"encoding/xml"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hawser-ssh/hawser/connection/peertest"
	"github.com/hawser-ssh/hawser/daemon/certstore"
	"github.com/hawser-ssh/hawser/transport/sshkey"
)

// madeKey copies a file of testdata/keys to where only its owner reads it.
func madeKey(t testing.TB, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("../../../testdata/keys", name))
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), name)
	write(t, file, string(text))
	return file
}

// passwordFile is what -hostkey-password-file names.
func passwordFile(t testing.TB, password string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "password")
	write(t, file, password+"\n")
	return file
}

// publicLine returns the public half of a key in PEM, or of one of RSA in XML, as known_hosts has it.
func publicLine(t testing.TB, file string) string {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var public crypto.PublicKey
	if strings.HasSuffix(file, ".xml") {
		public = publicXML(t, text)
	} else {
		private, _, err := sshkey.ParsePrivateKey(text, nil)
		if err != nil {
			t.Fatal(err)
		}
		public = private.Public()
	}
	key, err := sshkey.NewPublicKey(public)
	if err != nil {
		t.Fatal(err)
	}
	line, err := sshkey.AuthorizedKey{Key: key}.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(line))
}

func publicXML(t testing.TB, text []byte) *rsa.PublicKey {
	t.Helper()
	var key struct{ Modulus, Exponent string }
	if err := xml.Unmarshal(text, &key); err != nil {
		t.Fatal(err)
	}
	numbers := [2]*big.Int{}
	for i, number := range []string{key.Modulus, key.Exponent} {
		b, err := base64.StdEncoding.DecodeString(number)
		if err != nil {
			t.Fatal(err)
		}
		numbers[i] = new(big.Int).SetBytes(b)
	}
	return &rsa.PublicKey{N: numbers[0], E: int(numbers[1].Int64())}
}

// TestHostKeyFormats: the client knows the key in PEM, hawserd has it in another form.
func TestHostKeyFormats(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ file, key, subject string }{
		{file: "rsa-legacy.p12", key: "rsa.pem"},
		{file: "ec256.p12", key: "ec256.pem"},
		{file: "rsa.jks", key: "rsa.pem"},
		{file: "several.jks", key: "ec256.pem", subject: "CN=ec256.example.org"},
		{file: "keytool.jks", key: "rsa.pem"},
		{file: "rsa-with-chain.pem", key: "rsa.pem"},
		{file: "ec384-sec1.der", key: "ec384.pem"},
		{file: "ed25519-argon2d.ppk", key: "ssh-ed25519"},
		{file: "rsa-v2.ppk", key: "rsa.pem"},
		{file: "set.jwk", key: "ec521.pem", subject: "ec521"},
		{file: "rsa-scrypt.bcfks", key: "rsa.pem"},
		{file: "rsa.xml", key: "rsa.xml"},
		{file: "rsa-pkcs1-3des.pem", key: "rsa.pem"},
	} {
		t.Run(c.file, func(t *testing.T) {
			t.Parallel()
			h := &hawserd{home: newHome(t), key: peertest.NewKey(t, peertest.Ed25519), user: ownName(t)}
			h.hostKey = peertest.Key{Public: publicLine(t, filepath.Join("../../../testdata/keys", c.key))}
			h.authorize(t, h.key.Public)
			h.launch(t, "-listen", "127.0.0.1:0", "-hostkey", madeKey(t, c.file),
				"-hostkey-password-file", passwordFile(t, "sesame"), "-hostkey-subject", c.subject)
			wantOutput(t, h.target(t).RunSSH(t, nil, "echo in"), "in\n")
		})
	}
}

// TestHostKeyFileErrors: each says what is wrong.
func TestHostKeyFileErrors(t *testing.T) {
	open := madeKey(t, "rsa.p12")
	if err := os.Chmod(open, 0o640); err != nil {
		t.Fatal(err)
	}
	openPassword := passwordFile(t, "sesame")
	if err := os.Chmod(openPassword, 0o604); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ file, password, subject, want string }{
		{open, passwordFile(t, "sesame"), "", "chmod 600"},
		{madeKey(t, "rsa.p12"), openPassword, "", "chmod 600"},
		{madeKey(t, "rsa.p12"), passwordFile(t, "sesam"), "", "password"},
		{madeKey(t, "rsa.p12"), "", "", "-hostkey-password-file"},
		{madeKey(t, "chain.p7b"), "", "", "no private key"},
		{madeKey(t, "ssh-rsa.pub"), "", "", "no private key"},
		{madeKey(t, "empty.jks"), passwordFile(t, "sesame"), "", "empty"},
		{madeKey(t, "two.pem"), "", "", "-hostkey-subject"},
		{madeKey(t, "two.pem"), "", "CN=nobody", "CN=nobody"},
		{madeKey(t, "rsa.jceks"), passwordFile(t, "sesame"), "", "JCEKS"},
	} {
		_, _, err := hostKeys(&options{hostKeys: []string{c.file}, hostKeyPassword: c.password, hostKeySubject: c.subject})
		if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: %v, want %q", filepath.Base(c.file), err, c.want)
		}
	}
}

// TestHostKeyWithCertificate: a file with a certificate serves the plain key too, and the same one.
func TestHostKeyWithCertificate(t *testing.T) {
	keys, certs, err := hostKeys(&options{hostKeys: []string{madeKey(t, "ec256.p12")}, hostKeyPassword: passwordFile(t, "sesame\r\nrest")})
	if err != nil || len(keys) != 1 || len(certs) != 1 {
		t.Fatal(keys, certs, err)
	}
	if got := certs[0].PublicKey().(*sshkey.X509Key).Certificates(); len(got) != 1 || got[0].Subject.CommonName != "ec256.example.org" {
		t.Errorf("sent %d certificates, the first for %v", len(got), got[0].Subject)
	}
	store, err := certstore.Open(certstore.PEMKeyFile, []byte("../../../testdata/keys/ec256.pem"), "")
	if err != nil {
		t.Fatal(err)
	}
	plain, err := certstore.Find(store, "")
	if err != nil {
		t.Fatal(err)
	}
	if want, err := sshkey.NewPublicKey(plain.Public); err != nil || !sshkey.Equal(keys[0].PublicKey(), want) {
		t.Error("another key", err)
	}
}
