//go:build unix

package main

import (
	"context"
	"crypto"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/binary"
	"encoding/pem"
	"io"
	"math/big"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hawser-ssh/hawser/connection/peertest"
	"github.com/hawser-ssh/hawser/connection/sshclient"
	"github.com/hawser-ssh/hawser/transport/sshkey"
	"github.com/hawser-ssh/hawser/userauth"
	"github.com/hawser-ssh/hawser/wire"
)

// login logs in with our own client and a key.
func (h *hawserd) login(t testing.TB, signer sshkey.Signer) error {
	t.Helper()
	return h.loginBy(t, userauth.PublicKeys(signer))
}

// loginBy logs in with our own client.
func (h *hawserd) loginBy(t testing.TB, method userauth.Method) error {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	c, err := sshclient.Dial(ctx, "tcp", h.addr, &sshclient.Config{
		User: h.user, Auth: []userauth.Method{method}, HostKey: sshclient.InsecureIgnoreHostKey(),
	})
	if err == nil {
		c.Close()
	}
	return err
}

const skName = "sk-ssh-ed25519@openssh.com"

// softKey is a security key in software (OpenSSH PROTOCOL.u2f), with the flags that it puts into signatures.
type softKey struct {
	inner ed25519.PrivateKey
	flags byte
}

func (k softKey) PublicKey() sshkey.PublicKey {
	blob := wire.AppendBytes(wire.AppendString(nil, skName), k.inner.Public().(ed25519.PublicKey))
	key, err := sshkey.ParsePublicKey(wire.AppendString(blob, "ssh:"))
	if err != nil {
		panic(err)
	}
	return key
}

func (k softKey) Algorithms() []string { return []string{skName} }

func (k softKey) Sign(_ io.Reader, _ string, data []byte) ([]byte, error) {
	application, message := sha256.Sum256([]byte("ssh:")), sha256.Sum256(data)
	shown := binary.BigEndian.AppendUint32([]byte{k.flags}, 1)
	signature := ed25519.Sign(k.inner, slices.Concat(application[:], shown, message[:]))
	return append(wire.AppendBytes(wire.AppendString(nil, skName), signature), shown...), nil
}

// TestKEY07SecurityKeys: a security key has to have been touched unless its line says otherwise, and shown who uses it
// where its line says so.
func TestKEY07SecurityKeys(t *testing.T) {
	t.Parallel()
	const touched, verified = 1, 4
	_, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	line, err := sshkey.AuthorizedKey{Key: softKey{private, 0}.PublicKey()}.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	h := startHawserd(t)
	for _, tt := range []struct {
		options string
		flags   byte
		ok      bool
	}{
		{"", touched, true},
		{"", 0, false},
		{"no-touch-required ", 0, true},
		{"verify-required ", touched, false},
		{"verify-required ", touched | verified, true},
	} {
		h.authorize(t, tt.options+string(line))
		if err := h.login(t, softKey{private, tt.flags}); (err == nil) != tt.ok {
			t.Errorf("%q, flags %d: %v", tt.options, tt.flags, err)
		}
	}
	h.authorize(t, "verify-required "+h.key.Public)
	refused(t, h.target(t).RunSSH(t, nil, "echo in"))
}

// x509User makes a certificate of a user and the root that signed it.
func x509User(t testing.TB, name string, until time.Time) (signer sshkey.Signer, root *x509.Certificate, rootKey crypto.Signer) {
	t.Helper()
	rootKey, err := sshkey.GenerateECDSA(256)
	if err != nil {
		t.Fatal(err)
	}
	key, err := sshkey.GenerateECDSA(256)
	if err != nil {
		t.Fatal(err)
	}
	authority := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "root"}, NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	root = certificate(t, authority, authority, rootKey, rootKey)
	leaf := certificate(t, &x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: name}, NotAfter: until, KeyUsage: x509.KeyUsageDigitalSignature,
	}, root, key, rootKey)
	signer, err = sshkey.NewX509Signer("x509v3-ecdsa-sha2-nistp256", key, leaf)
	if err != nil {
		t.Fatal(err)
	}
	return signer, root, rootKey
}

func certificate(t testing.TB, template, parent *x509.Certificate, key, signer crypto.Signer) *x509.Certificate {
	t.Helper()
	der, err := x509.CreateCertificate(rand.Reader, template, parent, key.Public(), signer)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return cert
}

func TestX509Users(t *testing.T) {
	t.Parallel()
	later := time.Now().Add(time.Hour)
	good, root, rootKey := x509User(t, ownName(t), later)
	another, root2, _ := x509User(t, "somebody", later)
	expired, root3, _ := x509User(t, ownName(t), time.Now().Add(-time.Minute))
	stranger, _, _ := x509User(t, ownName(t), later)
	dir := t.TempDir()
	roots, list := filepath.Join(dir, "roots"), filepath.Join(dir, "revoked")
	var text []byte
	for _, r := range []*x509.Certificate{root, root2, root3} {
		text = append(text, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: r.Raw})...)
	}
	write(t, roots, string(text))
	write(t, list, "")
	h := startHawserd(t, "-x509-roots", roots, "-revoked-keys", list)
	for name, signer := range map[string]sshkey.Signer{"good": good, "another user": another, "expired": expired, "another root": stranger} {
		if err := h.login(t, signer); (err == nil) != (name == "good") {
			t.Errorf("%s: %v", name, err)
		}
	}
	plain := startHawserd(t)
	if err := plain.login(t, good); err == nil {
		t.Error("logged in without -x509-roots")
	}
	for name, key := range map[string]crypto.PublicKey{"key": good.PublicKey().CryptoPublicKey(), "authority": rootKey.Public()} {
		revoked, err := sshkey.NewPublicKey(key)
		if err != nil {
			t.Fatal(err)
		}
		line, err := sshkey.AuthorizedKey{Key: revoked}.Marshal()
		if err != nil {
			t.Fatal(err)
		}
		write(t, list, string(line))
		if err := h.login(t, good); err == nil {
			t.Errorf("logged in with a revoked %s", name)
		}
	}
}

// TestModuliFlag: group exchange takes the only group of the file, which is smaller than what ssh prefers.
func TestModuliFlag(t *testing.T) {
	t.Parallel()
	const system = "/etc/ssh/moduli"
	text, err := os.ReadFile(system)
	if err != nil {
		peertest.Missing(t, system)
	}
	file := filepath.Join(t.TempDir(), "moduli")
	for line := range strings.Lines(string(text)) {
		if f := strings.Fields(line); len(f) == 7 && f[4] == "2047" {
			write(t, file, line)
			break
		}
	}
	for _, tt := range []struct {
		args []string
		ok   bool
	}{{[]string{"-moduli", file}, true}, {nil, false}} {
		g := startHawserd(t, tt.args...).target(t)
		g.Kex = "diffie-hellman-group-exchange-sha256"
		c := g.SSH(t, nil, "echo in")
		c.Args = append([]string{"-o", "LogLevel=DEBUG2"}, c.Args...)
		r := c.Run(t)
		wantOutput(t, r, "in\n")
		if small := regexp.MustCompile(`bits set: \d+/2048`).Match(r.Stderr); small != tt.ok {
			t.Errorf("%q: a group of 2048 bits: %v, %s", tt.args, small, r.Stderr)
		}
	}
}
