package sshkey

import (
	"bytes"
	"crypto"
	"crypto/x509"
	"encoding/hex"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// asyncSSH returns a Python that has AsyncSSH, see peer. Distributions have it
// for their own Python only, which need not be the first one found.
func asyncSSH(t *testing.T) string {
	t.Helper()
	for _, python := range []string{"/usr/bin/python3", "python3"} {
		path, err := exec.LookPath(python)
		if err == nil && exec.CommandContext(t.Context(), path, "-W", "ignore", "-c", "import asyncssh, OpenSSL").Run() == nil {
			return path
		}
	}
	if os.Getenv("HAWSER_PEERS") == "required" {
		t.Fatal("asyncssh with x509 is missing")
	}
	t.Skip("asyncssh with x509 is missing")
	return ""
}

// asyncX509 makes a chain of AsyncSSH's, with which it signs and whose key and
// authority it writes; then it reads a chain and a signature of ours.
const asyncX509 = `
import sys, asyncssh
from asyncssh.public_key import SSHLocalKeyPair, SSHX509CertificateChain, decode_ssh_certificate
name, kind, out = sys.argv[1], sys.argv[2], sys.argv[3]
if len(sys.argv) > 4:
    cert = decode_ssh_certificate(bytes.fromhex(sys.argv[4]))
    root = asyncssh.read_certificate(sys.argv[6])
    cert.validate_chain([root], [], set(), 'secureShellServer', host_principal='host.example')
    print(cert.key.verify(b'a message', bytes.fromhex(sys.argv[5])))
    sys.exit(0)
ca = asyncssh.generate_private_key('ecdsa-sha2-nistp256')
root = ca.generate_x509_ca_certificate(ca, 'CN=root')
key = asyncssh.generate_private_key(kind)
cert = ca.generate_x509_host_certificate(key, 'CN=leaf', 'CN=root', principals='host.example')
pair = SSHLocalKeyPair(key, None, SSHX509CertificateChain.construct_from_certs([cert, root]))
pair.set_sig_algorithm(name.encode())
root.write_certificate(out + '/root', 'pem')
key.write_private_key(out + '/key', 'pkcs8-pem')
print(pair.public_data.hex())
print(pair.sign(b'a message').hex())
`

func TestPeerAsyncSSHX509(t *testing.T) {
	python := asyncSSH(t)
	for name, kind := range map[string]string{
		"x509v3-ecdsa-sha2-nistp256": "ecdsa-sha2-nistp256", "x509v3-ecdsa-sha2-nistp384": "ecdsa-sha2-nistp384",
		"x509v3-ecdsa-sha2-nistp521": "ecdsa-sha2-nistp521", "x509v3-rsa2048-sha256": "ssh-rsa", "x509v3-ssh-rsa": "ssh-rsa",
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			script := write(t, filepath.Join(dir, "peer.py"), []byte(asyncX509))
			lines := strings.Fields(run(t, python, "-W", "ignore", script, name, kind, dir))
			blob, sig := must(hex.DecodeString(lines[0])), must(hex.DecodeString(lines[1]))
			theirs, err := ParsePublicKey(blob)
			if err != nil {
				t.Fatal(err)
			}
			if theirs.Type() != name || len(theirs.(*X509Key).Certificates()) != 2 || !bytes.Equal(theirs.Marshal(), blob) {
				t.Errorf("their chain is a %s", theirs)
			}
			if err := theirs.Verify(name, []byte("a message"), sig); err != nil {
				t.Errorf("their signature: %v", err)
			}
			roots := x509.NewCertPool()
			if !roots.AppendCertsFromPEM(read(t, filepath.Join(dir, "root"))) {
				t.Fatal("no root")
			}
			if err := (&X509Trust{Roots: roots}).CheckHost(theirs, "host.example"); err != nil {
				t.Errorf("their chain: %v", err)
			}

			key := must2(ParsePrivateKey(read(t, filepath.Join(dir, "key")), nil))
			ours := must(NewX509Signer(name, key, theirs.(*X509Key).Certificates()...))
			if !Equal(ours.PublicKey(), theirs) {
				t.Error("the same chain makes another blob")
			}
			out := run(t, python, "-W", "ignore", script, name, kind, dir,
				hex.EncodeToString(ours.PublicKey().Marshal()), hex.EncodeToString(must(ours.Sign(nil, name, []byte("a message")))), filepath.Join(dir, "root"))
			if strings.TrimSpace(out) != "True" {
				t.Errorf("they say %s", out)
			}
		})
	}
}

// TestPeerOpenSSLX509Drafts lets openssl verify what we sign under the names
// of the drafts, which no SSH program at hand speaks.
func TestPeerOpenSSLX509Drafts(t *testing.T) {
	openssl := peer(t, "openssl")
	v := vectors(t, "x509_dsa.txt")[0]
	for name, c := range map[string]struct {
		key  crypto.Signer
		cert *x509.Certificate
	}{
		"x509v3-sign-rsa": {testRSA(), newAuthority(t).issue(t, testRSA())},
		"x509v3-sign-dss": {rfc6979DSA(), must(x509.ParseCertificate(unhex(t, v["leaf"])))},
	} {
		s := must(NewX509Signer(name, c.key, c.cert))
		dir := t.TempDir()
		cert := write(t, filepath.Join(dir, "cert"), pemFile("CERTIFICATE", s.PublicKey().Marshal()))
		public := write(t, filepath.Join(dir, "public"), []byte(run(t, openssl, "x509", "-in", cert, "-noout", "-pubkey")))
		message := write(t, filepath.Join(dir, "message"), []byte("a message"))
		_, body := splitBlob(t, must(s.Sign(nil, name, []byte("a message"))))
		if name == "x509v3-sign-dss" {
			body = must(appendDERSignature(bigInt(body[:20]), bigInt(body[20:])))
		}
		sig := write(t, filepath.Join(dir, "sig"), body)
		if out := run(t, openssl, "dgst", "-sha1", "-verify", public, "-signature", sig, message); !strings.Contains(out, "OK") {
			t.Errorf("%s: openssl says %s", name, out)
		}
	}
}
