//go:build unix

package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hawser-ssh/hawser/connection/peertest"
	"github.com/hawser-ssh/hawser/transport/sshkey"
	"github.com/hawser-ssh/hawser/userauth"
)

// certSigner reads a private key and a certificate that ssh-keygen made.
func certSigner(t testing.TB, key peertest.Key, file string) sshkey.Signer {
	t.Helper()
	signer, err := loadHostKey(key.Path)
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := sshkey.ParseCertificate(text)
	if err != nil {
		t.Fatal(err)
	}
	if signer, err = sshkey.NewCertSigner(cert, signer); err != nil {
		t.Fatal(err)
	}
	return signer
}

// TestHostBased: AsyncSSH's client logs in with what its host says of its user, where the file of -hostbased-known-hosts
// knows the host, and by no other key, host or name (AUT-22).
func TestHostBased(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	hosts := peertest.NewKeys(t, peertest.Ed25519, peertest.RSA2048, peertest.ECDSA384)
	ca, certified, banned, stranger := peertest.NewKey(t, peertest.Ed25519), peertest.NewKey(t, peertest.Ed25519),
		peertest.NewKey(t, peertest.Ed25519), peertest.NewKey(t, peertest.Ed25519)
	lines := []string{"@cert-authority pc.example " + ca.Public, "lab.example " + banned.Public}
	for _, k := range hosts {
		lines = append(lines, "desk.example "+k.Public)
	}
	known, list := filepath.Join(dir, "known_hosts"), filepath.Join(dir, "revoked")
	write(t, known, strings.Join(lines, "\n")+"\n")
	write(t, list, banned.Public+"\n")

	h := startHawserd(t, "-hostbased-known-hosts", known, "-revoked-keys", list)
	h.authorize(t, "# nobody")
	for _, tt := range []struct {
		name       string
		key        peertest.Key
		host, user string
		ok         bool
	}{
		{"Ed25519", hosts[0], "desk.example", h.user, true},
		{"RSA", hosts[1], "desk.example", h.user, true},
		{"ECDSA", hosts[2], "desk.example", h.user, true},
		{"another name there", hosts[0], "desk.example", "somebody", false},
		{"another host's key", hosts[0], "lab.example", h.user, false},
		{"unknown key", stranger, "desk.example", h.user, false},
		{"revoked key", banned, "lab.example", h.user, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			g := h.target(t)
			g.Key = nil
			c := g.PythonClient(t)
			c.Command, c.HostBased = "echo in", [3]string{tt.key.Path, tt.host, tt.user}
			r := c.AsyncSSH(t).Run(t)
			if ok := r.Code == 0 && string(r.Stdout) == "in\n"; ok != tt.ok || !ok && r.Code != 254 {
				t.Errorf("status %d, %q, %q", r.Code, r.Stdout, r.Stderr)
			}
		})
	}
	for name, tt := range map[string]struct {
		key, ca  peertest.Key
		kind, of string
		ok       bool
	}{
		"certified host":             {certified, ca, "-h", "pc.example", true},
		"certified for another host": {certified, ca, "-h", "lab.example", false},
		"certified by another":       {certified, stranger, "-h", "pc.example", false},
		"certificate of a user":      {certified, ca, "", "pc.example", false},
		"certified and revoked":      {banned, ca, "-h", "pc.example", false},
	} {
		t.Run(name, func(t *testing.T) {
			options := []string{"-I", "x", "-n", tt.of}
			if tt.kind != "" {
				options = append(options, tt.kind)
			}
			signer := certSigner(t, tt.key, certify(t, tt.ca, tt.key, options...))
			if err := h.loginBy(t, userauth.HostBased("pc.example", h.user, signer)); (err == nil) != tt.ok {
				t.Errorf("%v", err)
			}
		})
	}
	t.Run("off without the flag", func(t *testing.T) {
		off := startHawserd(t)
		c := off.target(t).PythonClient(t)
		c.Key, c.Command, c.HostBased = "", "echo in", [3]string{hosts[0].Path, "desk.example", off.user}
		if r := c.AsyncSSH(t).Run(t); r.Code != 254 {
			t.Errorf("status %d, %q, %q", r.Code, r.Stdout, r.Stderr)
		}
	})
}

// TestHostBasedAndKey: -require counts it as one factor of several.
func TestHostBasedAndKey(t *testing.T) {
	t.Parallel()
	host := peertest.NewKey(t, peertest.Ed25519)
	known := filepath.Join(t.TempDir(), "known_hosts")
	write(t, known, "desk.example "+host.Public+"\n")
	h := startHawserd(t, "-hostbased-known-hosts", known, "-require", "hostbased,publickey")
	h.authorize(t, h.key.Public)
	for user, code := range map[string]int{h.user: 0, "somebody": 254} {
		c := h.target(t).PythonClient(t)
		c.Command, c.HostBased = "echo in", [3]string{host.Path, "desk.example", user}
		if r := c.AsyncSSH(t).Run(t); r.Code != code {
			t.Errorf("%s: status %d, %q, %q", user, r.Code, r.Stdout, r.Stderr)
		}
	}
	refused(t, h.target(t).RunSSH(t, nil, "echo in"))
}
