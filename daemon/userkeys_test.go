package daemon

import (
	"crypto/rand"
	"crypto/rsa"
	"slices"
	"strings"
	"testing"

	xssh "golang.org/x/crypto/ssh"

	"github.com/hawser-ssh/hawser/transport/sshkey"
)

// TestUserCertificate: a certificate reaches the program where its algorithm
// was named, and what the program demands of its signature counts.
func TestUserCertificate(t *testing.T) {
	signer := xsigner(t)
	cert := &xssh.Certificate{
		Key: signer.PublicKey(), CertType: xssh.UserCert, ValidPrincipals: []string{"alice"}, ValidBefore: xssh.CertTimeInfinity,
	}
	if err := cert.SignCert(rand.Reader, xsigner(t)); err != nil {
		t.Fatal(err)
	}
	with, err := xssh.NewCertSigner(cert, signer)
	if err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		algorithms []string
		demand     sshkey.VerifyOptions
		ok         bool
	}{
		"named":         {sshkey.CertificateAlgorithms(), sshkey.VerifyOptions{}, true},
		"not named":     {nil, sshkey.VerifyOptions{}, false},
		"demands a PIN": {sshkey.CertificateAlgorithms(), sshkey.VerifyOptions{VerifyRequired: true}, false},
	} {
		t.Run(name, func(t *testing.T) {
			d := newDaemon(t)
			if err := d.SetUserKeyAlgorithms(test.algorithms...); err != nil {
				t.Fatal(err)
			}
			d.OnSSHUserAuthRequest = func(e *SSHUserAuthRequestEvent) {
				_, isCert := e.Key.(*sshkey.Certificate)
				e.Accept, e.Demand = isCert, test.demand
			}
			c, err := dial(serve(t, d), clientConfig("alice", xssh.PublicKeys(with)))
			if (err == nil) != test.ok {
				t.Errorf("login: %v", err)
			}
			if err == nil {
				c.Close()
			}
		})
	}
}

func TestUserKeyAlgorithms(t *testing.T) {
	d := newDaemon(t)
	if err := d.SetUserKeyAlgorithms("nosuch"); err == nil {
		t.Error("an unknown algorithm was taken")
	}
	if err := d.SetUserKeyAlgorithms("ssh-ed448", "ssh-ed25519"); err != nil {
		t.Fatal(err)
	}
	must(t, d, "SSHPublicKeyAlgorithms=ssh-ed25519,ssh-rsa")
	if got := d.opt.snapshot().userKeyAlgorithms(); !slices.Equal(got, []string{"ssh-ed25519", "ssh-rsa", "ssh-ed448"}) {
		t.Error(strings.Join(got, ","))
	}
}

// TestMinRSABits: an old key logs in where the program asks for such (KEY-03).
func TestMinRSABits(t *testing.T) {
	small, err := rsa.GenerateKey(nil, 1024)
	if err != nil {
		t.Fatal(err)
	}
	key, err := xssh.NewSignerFromSigner(small)
	if err != nil {
		t.Fatal(err)
	}
	for _, bits := range []string{"2048", "1024"} {
		d := newDaemon(t)
		must(t, d, "MinRSABits="+bits)
		d.OnSSHUserAuthRequest = func(e *SSHUserAuthRequestEvent) { e.Accept = e.AuthMethod == "publickey" }
		c, err := dial(serve(t, d), clientConfig("bob", xssh.PublicKeys(key)))
		if (err == nil) != (bits == "1024") {
			t.Errorf("%s: %v", bits, err)
		}
		if err == nil {
			c.Close()
		}
	}
}
