package daemon

import (
	"crypto"
	"encoding/base64"
	"os"
	"path/filepath"
	"strings"
	"testing"

	xssh "golang.org/x/crypto/ssh"

	"github.com/hawser-ssh/hawser/transport/sshkey"
)

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
		{"store of another issue", 2, []byte(file), "", "*", ""},
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
			if encoded := d.SSHCertEncoded(); (c.want != "") != strings.Contains(string(encoded), "PUBLIC KEY") {
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
	d.SetSSHCertStoreType(StorePEMKeyBlob)
	d.SetSSHCertStore([]byte("nonsense"))
	wantCode(t, d.StartListening(), CodeNoHostKey)
	d.SetSSHCertStore(keyText(t, false, "", ""))
	listen(t, d)
	if d.SSHCertSubject() != "" || d.opt.snapshot().cert.signer == nil {
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
