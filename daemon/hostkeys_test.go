package daemon

import (
	"context"
	"crypto"
	"encoding/base64"
	"os"
	"path/filepath"
	"strings"
	"testing"

	xssh "golang.org/x/crypto/ssh"

	"github.com/hawser-ssh/hawser/daemon/certstore"
	"github.com/hawser-ssh/hawser/transport"
	"github.com/hawser-ssh/hawser/transport/sshkey"
)

// keysDir holds keys that other programs made.
const keysDir = "../testdata/keys/"

// keyText returns a private key as text, with a comment.
func keyText(t *testing.T, ecdsa bool, comment, password string) []byte {
	t.Helper()
	generate := sshkey.GenerateEd25519
	if ecdsa {
		generate = func() (s crypto.Signer, err error) { return sshkey.GenerateECDSA(256) }
	}
	key, err := generate()
	if err != nil {
		t.Fatal(err)
	}
	text, err := sshkey.MarshalPrivateKey(key, comment, []byte(password))
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func TestHostKeyStores(t *testing.T) {
	text := keyText(t, false, "host@example.org", "")
	file := filepath.Join(t.TempDir(), "key")
	if err := os.WriteFile(file, text, 0o600); err != nil {
		t.Fatal(err)
	}
	locked := keyText(t, false, "locked", "pass")
	for _, c := range []struct {
		name      string
		storeType int
		store     []byte
		password  string
		subject   string
		want      string // the subject found; empty is error 1301
	}{
		{"file", 6, []byte(file), "", "*", "host@example.org"},
		{"file, part of the subject", 6, []byte(file), "", "example", "host@example.org"},
		{"file, other subject", 6, []byte(file), "", "CN=other", ""},
		{"missing file", 6, []byte(file + "x"), "", "*", ""},
		{"blob", 7, text, "", "*", "host@example.org"},
		{"blob in base64", 7, []byte(base64.StdEncoding.EncodeToString(text)), "", "*", "host@example.org"},
		{"blob with password", 7, locked, "pass", "*", "locked"},
		{"automatic, file", 99, []byte(file), "", "*", "host@example.org"},
		{"automatic, blob", 99, text, "", "*", "host@example.org"},
		{"not a key", 7, []byte("nonsense"), "", "*", ""},
		{"another kind of store", 2, []byte(file), "", "*", ""},
		{"PKCS #12", 2, []byte(keysDir + "rsa.p12"), "sesame", "server", `CN=rsa.example.org, O="Ships, boats", C=NL`},
		{"PKCS #12, wrong password", 2, []byte(keysDir + "rsa.p12"), "open", "server", ""},
		{"Java keystore, several keys", 4, []byte(keysDir + "several.jks"), "sesame", "CN=ec256", `CN=ec256.example.org, O="Ships, boats", C=NL`},
		{"Java keystore, no subject", 4, []byte(keysDir + "several.jks"), "sesame", "", ""},
		{"Java keystore, empty", 4, []byte(keysDir + "empty.jks"), "sesame", "*", ""},
		{"public key", 8, []byte(keysDir + "rsa.crt"), "", "*", ""},
		{"PKCS #7", 11, []byte(keysDir + "chain.p7b"), "", "*", ""},
		{"PuTTY", 14, []byte(keysDir + "rsa-v2.ppk"), "sesame", "a comment", "a comment"},
		{"BCFKS", 21, []byte(keysDir + "rsa-scrypt.bcfks"), "sesame", `C=NL,O="Ships, boats",CN=rsa.example.org`, `CN=rsa.example.org, O="Ships, boats", C=NL`},
		{"automatic, JWK", 99, []byte(keysDir + "set.jwk"), "", "ec384", "ec384"},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := New()
			d.SetSSHCertStoreType(c.storeType)
			d.SetSSHCertStore(c.store)
			d.SetSSHCertStorePassword(c.password)
			err := d.SetSSHCertSubject(c.subject)
			if c.want == "" {
				wantCode(t, err, CodeNoHostKey)
			} else if err != nil {
				t.Error(err)
			}
			if got := d.SSHCertSubject(); got != c.want {
				t.Errorf("subject %q, want %q", got, c.want)
			}
			if encoded := string(d.SSHCertEncoded()); (c.want != "") != strings.HasPrefix(encoded, "-----BEGIN ") ||
				strings.HasPrefix(c.want, "CN=") != strings.Contains(encoded, "CERTIFICATE") {
				t.Errorf("encoded %q", encoded)
			}
			if string(d.SSHCertStore()) != string(c.store) || d.SSHCertStoreType() != c.storeType || d.SSHCertStorePassword() != c.password {
				t.Error("a property does not read back")
			}
		})
	}
}

// TestHostKeyWithoutSubject: StartListening looks for a key by itself.
func TestHostKeyWithoutSubject(t *testing.T) {
	d := New()
	d.SetSSHCertStoreType(int(certstore.PEMKeyBlob))
	d.SetSSHCertStore([]byte("nonsense"))
	wantCode(t, d.StartListening(), CodeNoHostKey)
	d.SetSSHCertStore(keyText(t, false, "", ""))
	listen(t, d)
	if d.SSHCertSubject() != "" || d.opt.snapshot().cert.key == nil {
		t.Error("no key")
	}
}

func TestSSHCertEncoded(t *testing.T) {
	d := New()
	text := keyText(t, false, "mine", "")
	if err := d.SetSSHCertEncoded(text); err != nil || d.SSHCertSubject() != "mine" || string(d.SSHCertEncoded()) != string(text) {
		t.Errorf("%v, subject %q", err, d.SSHCertSubject())
	}
	wantCode(t, d.SetSSHCertEncoded([]byte("nonsense")), CodeNoHostKey)
	if d.SSHCertSubject() != "" || len(d.SSHCertEncoded()) > 0 {
		t.Error("the key is still there")
	}
}

// TestSSHCertEncodedCertificate: the private key of a certificate is in the store.
func TestSSHCertEncodedCertificate(t *testing.T) {
	d := New()
	d.SetSSHCertStoreType(int(certstore.JKSFile))
	d.SetSSHCertStore([]byte(keysDir + "several.jks"))
	d.SetSSHCertStorePassword("sesame")
	for _, c := range []struct{ file, subject string }{
		{"ec256.crt", `CN=ec256.example.org, O="Ships, boats", C=NL`},
		{"ec256-crt.der", `CN=ec256.example.org, O="Ships, boats", C=NL`},
		{"ed25519.crt", ""}, // not in the store
		{"ca.crt", ""},      // without its private key
		{"rsa-public.pem", ""},
	} {
		text, err := os.ReadFile(keysDir + c.file)
		if err != nil {
			t.Fatal(err)
		}
		for _, encoded := range [][]byte{text, []byte(base64.StdEncoding.EncodeToString(text))} {
			err := d.SetSSHCertEncoded(encoded)
			if c.subject == "" {
				wantCode(t, err, CodeNoHostKey)
			} else if err != nil || string(d.SSHCertEncoded()) != string(encoded) {
				t.Errorf("%s: %v, reads back %q", c.file, err, d.SSHCertEncoded())
			}
			if d.SSHCertSubject() != c.subject {
				t.Errorf("%s: subject %q", c.file, d.SSHCertSubject())
			}
		}
	}
}

// TestAltHostKeys: the client's wish decides between the keys.
func TestAltHostKeys(t *testing.T) {
	d := newDaemon(t)
	must(t, d, "AltSSHCertCount=1", "AltSSHCertStoreType[0]=7", "AltSSHCertStore[0]="+string(keyText(t, true, "second", "")), "AltSSHCertSubject[0]=*")
	if v, err := d.Config("AltSSHCertSubject[0]"); err != nil || v != "second" {
		t.Errorf("subject %q, %v", v, err)
	}
	for _, algorithm := range []string{xssh.KeyAlgoED25519, xssh.KeyAlgoECDSA256} {
		cfg := clientConfig("alice", xssh.Password("secret"))
		cfg.HostKeyAlgorithms = []string{algorithm}
		c, err := dial(serve(t, d), cfg)
		if err != nil {
			t.Errorf("%s: %v", algorithm, err)
			continue
		}
		c.Close()
	}
	must(t, d, "AltSSHCertCount=0")
	if n := len(d.opt.snapshot().signers()); n != 1 {
		t.Errorf("%d keys", n)
	}
}

// TestAltStores: each client is shown the key that it asks for, with the certificate if it asks for that.
func TestAltStores(t *testing.T) {
	d := newDaemon(t)
	must(t, d, "AltSSHCertCount=3",
		"AltSSHCertStoreType[0]=2", "AltSSHCertStore[0]="+keysDir+"rsa.p12", "AltSSHCertStorePassword[0]=sesame", "AltSSHCertSubject[0]=*",
		"AltSSHCertStoreType[1]=14", "AltSSHCertStore[1]="+keysDir+"ec384-v2.ppk", "AltSSHCertStorePassword[1]=sesame",
		"AltSSHCertStoreType[2]=99", "AltSSHCertStore[2]="+keysDir+"several.jks", "AltSSHCertStorePassword[2]=sesame",
		"AltSSHCertSubject[2]=CN=ec256.example.org")
	for algorithm, certified := range map[string]string{
		"ssh-ed25519": "", "rsa-sha2-256": "", "rsa-sha2-512": "", "ecdsa-sha2-nistp384": "", "ecdsa-sha2-nistp256": "",
		"x509v3-rsa2048-sha256": "rsa.example.org", "x509v3-ecdsa-sha2-nistp256": "ec256.example.org",
	} {
		seen := shownKey(t, d, algorithm)
		if seen == nil || seen.Type() != sshkey.KeyType(algorithm) {
			t.Errorf("%s: shown %v", algorithm, seen)
			continue
		}
		if x, ok := seen.(*sshkey.X509Key); ok != (certified != "") || ok && x.Certificates()[0].Subject.CommonName != certified {
			t.Errorf("%s: shown %v", algorithm, seen)
		}
	}
	if seen := shownKey(t, d, "x509v3-ecdsa-sha2-nistp384"); seen != nil { // the PuTTY key has no certificate
		t.Errorf("shown %v", seen)
	}
}

// TestCertificatesOfOldClients: the lists of the reference have the forms of the drafts of RFC 4253.
func TestCertificatesOfOldClients(t *testing.T) {
	d := newDaemon(t)
	must(t, d, "AlgorithmProfile=compat2022", "AltSSHCertCount=2",
		"AltSSHCertStoreType[0]=2", "AltSSHCertStore[0]="+keysDir+"rsa.p12", "AltSSHCertStorePassword[0]=sesame", "AltSSHCertSubject[0]=*",
		"AltSSHCertStoreType[1]=2", "AltSSHCertStore[1]="+keysDir+"dsa.p12", "AltSSHCertStorePassword[1]=sesame", "AltSSHCertSubject[1]=*")
	for _, algorithm := range []string{"x509v3-sign-rsa", "x509v3-sign-dss", "ssh-rsa", "ssh-dss"} {
		if seen := shownKey(t, d, algorithm); seen == nil || seen.Type() != sshkey.KeyType(algorithm) {
			t.Errorf("%s: shown %v", algorithm, seen)
		}
	}
	if seen := shownKey(t, d, "x509v3-rsa2048-sha256"); seen != nil { // not in the list
		t.Errorf("shown %v", seen)
	}
}

// shownKey returns the host key that a client with that algorithm alone is shown; nil if there is none.
func shownKey(t *testing.T, d *Daemon, algorithm string) (seen sshkey.PublicKey) {
	t.Helper()
	c := transport.Client(serve(t, d).client, &transport.Config{
		HostKeyAlgorithms: []string{algorithm},
		VerifyHostKey:     func(_ context.Context, key sshkey.PublicKey) error { seen = key; return nil },
	})
	defer c.Close()
	if err := c.Handshake(t.Context()); err != nil && seen != nil {
		t.Errorf("%s: %v", algorithm, err)
	}
	return seen
}
