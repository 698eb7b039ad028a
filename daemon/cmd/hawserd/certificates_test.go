//go:build unix

package main

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hawser-ssh/hawser/connection/peertest"
)

// certify makes a certificate of key by ca with ssh-keygen and returns its file.
func certify(t testing.TB, ca, key peertest.Key, options ...string) string {
	t.Helper()
	pub := filepath.Join(t.TempDir(), "key.pub")
	write(t, pub, key.Public+"\n")
	keygen(t, append(append([]string{"-q", "-s", ca.Path}, options...), pub)...)
	return strings.TrimSuffix(pub, ".pub") + "-cert.pub"
}

func keygen(t testing.TB, args ...string) {
	t.Helper()
	if r := peertest.Run(t, nil, "ssh-keygen", args...); r.Code != 0 {
		t.Fatalf("ssh-keygen %q: %s%s", args, r.Stdout, r.Stderr)
	}
}

// withCert is ssh with a certificate for the target's key.
func withCert(t testing.TB, g peertest.Target, cert string, options []string, command ...string) peertest.Cmd {
	c := g.SSH(t, options, command...)
	c.Args = append([]string{"-o", "CertificateFile=" + cert}, c.Args...)
	return c
}

func refused(t *testing.T, r peertest.Result) {
	t.Helper()
	if r.Code != 255 || !strings.Contains(string(r.Stderr), "Permission denied") {
		t.Errorf("status %d, %q, %q", r.Code, r.Stdout, r.Stderr)
	}
}

// TestUserCertificates: OpenSSH's ssh logs in with certificates that ssh-keygen made, where they are good (CRT-01, CRT-02).
func TestUserCertificates(t *testing.T) {
	t.Parallel()
	authorities := peertest.NewKeys(t, peertest.Ed25519, peertest.RSA2048, peertest.ECDSA256, peertest.Ed25519)
	ca, rsaCA, line, stranger := authorities[0], authorities[1], authorities[2], authorities[3]
	dir := t.TempDir()
	cas, list := filepath.Join(dir, "ca"), filepath.Join(dir, "krl")
	write(t, cas, ca.Public+"\n"+`from="127.0.0.1" `+rsaCA.Public+"\n")
	users := peertest.NewKeys(t, peertest.Ed25519, peertest.RSA2048, peertest.ECDSA384)
	badKey := peertest.NewKey(t, peertest.Ed25519)

	spec := filepath.Join(dir, "spec")
	write(t, spec, "serial: 66\nid: bad-id\n")
	keygen(t, "-q", "-k", "-f", list, "-s", ca.Path+".pub", spec)
	keygen(t, "-q", "-k", "-u", "-f", list, badKey.Path+".pub")

	h := startHawserd(t, "-user-ca", cas, "-revoked-keys", list)
	h.authorize(t, "cert-authority,restrict "+line.Public, badKey.Public)
	me := []string{"-I", "good", "-n", h.user}
	with := func(options ...string) []string { return append(append([]string{}, me...), options...) }
	for _, tt := range []struct {
		name    string
		ca, key peertest.Key
		options []string
		ok      bool
	}{
		{"good", ca, users[0], me, true},
		{"RSA key", ca, users[1], me, true},
		{"ECDSA key", ca, users[2], me, true},
		{"RSA authority", rsaCA, users[0], me, true},
		{"authority of a line", line, users[0], me, true},
		{"another serial", ca, users[0], with("-z", "65"), true},
		{"valid now", ca, users[0], with("-V", "-1h:+1h"), true},
		{"expired", ca, users[0], with("-V", "20200101:20210101"), false},
		{"not yet valid", ca, users[0], with("-V", "20900101:20910101"), false},
		{"host certificate", ca, users[0], with("-h"), false},
		{"another principal", ca, users[0], []string{"-I", "x", "-n", "somebody"}, false},
		{"no principal", ca, users[0], []string{"-I", "x"}, false},
		{"unknown critical option", ca, users[0], with("-O", "critical:what@example.com=1"), false},
		{"unknown authority", stranger, users[0], me, false},
		{"SHA-1 authority", rsaCA, users[0], with("-t", "ssh-rsa"), false},
		{"revoked serial", ca, users[0], with("-z", "66"), false},
		{"revoked id", ca, users[0], []string{"-I", "bad-id", "-n", h.user}, false},
		{"revoked key", ca, badKey, me, false},
		{"from here", ca, users[0], with("-O", "source-address=127.0.0.0/8,::1"), true},
		{"from elsewhere", ca, users[0], with("-O", "source-address=192.0.2.0/24"), false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			g := h.target(t)
			g.Key = &tt.key
			r := withCert(t, g, certify(t, tt.ca, tt.key, tt.options...), nil, "echo in").Run(t)
			if tt.ok {
				wantOutput(t, r, "in\n")
			} else {
				refused(t, r)
			}
		})
	}
	t.Run("revoked plain key", func(t *testing.T) {
		g := h.target(t)
		g.Key = &badKey
		refused(t, g.RunSSH(t, nil, "echo in"))
	})
	t.Run("unreadable list revokes all", func(t *testing.T) {
		h.authorize(t, h.key.Public)
		wantOutput(t, h.target(t).RunSSH(t, nil, "echo in"), "in\n")
		write(t, list, "SSHKRL\n\x00broken")
		refused(t, h.target(t).RunSSH(t, nil, "echo in"))
	})
}

// TestUserCertificateOptions: a certificate's options bind as those of authorized_keys do, and all that it does not permit
// is off (CRT-03).
func TestUserCertificateOptions(t *testing.T) {
	t.Parallel()
	ca := peertest.NewKey(t, peertest.Ed25519)
	cas := filepath.Join(t.TempDir(), "ca")
	write(t, cas, ca.Public+"\n")
	h := startHawserd(t, "-user-ca", cas)
	h.authorize(t, "# nobody")
	echoed := echoServer(t, "tcp", "127.0.0.1:0")
	for _, tt := range []struct {
		name           string
		options        []string
		runs           string
		terminal, open bool
	}{
		{"as made", nil, "asked", true, true},
		{"clear", []string{"-O", "clear"}, "asked", false, false},
		{"no-pty", []string{"-O", "no-pty"}, "asked", false, true},
		{"no-port-forwarding", []string{"-O", "no-port-forwarding"}, "asked", true, false},
		{"force-command", []string{"-O", "force-command=echo forced $SSH_ORIGINAL_COMMAND"}, "forced echo asked", true, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			cert := certify(t, ca, h.key, append([]string{"-I", "x", "-n", h.user}, tt.options...)...)
			g := h.target(t)
			wantOutput(t, withCert(t, g, cert, nil, "echo asked").Run(t), tt.runs+"\n")
			r := withCert(t, g, cert, []string{"-tt"}, "echo asked").Run(t)
			if got := !strings.Contains(string(r.Stderr), "PTY allocation request failed"); got != tt.terminal {
				t.Errorf("terminal: %v, %s", got, r.Stderr)
			}
			forward := withCert(t, g, cert, []string{"-W", echoed.Addr().String()})
			forward.Stdin = strings.NewReader("ping")
			if r := forward.Run(t); (string(r.Stdout) == "ping") != tt.open {
				t.Errorf("forwarding: %q, %s", r.Stdout, r.Stderr)
			}
			remote := withCert(t, g, cert, []string{"-o", "ExitOnForwardFailure=yes", "-R", "0:" + echoed.Addr().String()}, "true")
			if r := remote.Run(t); (r.Code == 0) != tt.open {
				t.Errorf("remote forwarding: status %d, %s", r.Code, r.Stderr)
			}
			socket := withCert(t, g, cert, []string{"-o", "ExitOnForwardFailure=yes", "-R", filepath.Join(h.home, tt.name) + ":" + echoed.Addr().String()}, "true")
			if r := socket.Run(t); (r.Code == 0) != tt.open {
				t.Errorf("remote forwarding of a socket: status %d, %s", r.Code, r.Stderr)
			}
			if tt.name == "force-command" {
				sftp := withCert(t, g, cert, []string{"-s"}, "sftp").Run(t)
				wantOutput(t, sftp, "forced sftp\n")
			}
		})
	}
}

// TestHostCertificate: ssh knows the authority alone, and so the server by its certificate.
func TestHostCertificate(t *testing.T) {
	t.Parallel()
	ca := peertest.NewKey(t, peertest.Ed25519)
	for _, kind := range []peertest.KeyType{peertest.Ed25519, peertest.RSA2048, peertest.ECDSA256} {
		t.Run(string(kind), func(t *testing.T) {
			key := peertest.NewKey(t, kind)
			for name, host := range map[string]string{"right": "127.0.0.1", "wrong": "host.example"} {
				h := startWith(t, key, "-host-cert", certify(t, ca, key, "-h", "-I", "host", "-n", host))
				_, port, err := net.SplitHostPort(h.addr)
				if err != nil {
					t.Fatal(err)
				}
				known := filepath.Join(t.TempDir(), "known_hosts")
				write(t, known, fmt.Sprintf("@cert-authority [127.0.0.1]:%s %s\n", port, ca.Public))
				c := h.target(t).SSH(t, nil, "echo in")
				c.Args = append([]string{"-o", "UserKnownHostsFile=" + known}, c.Args...)
				r := c.Run(t)
				if name == "right" {
					wantOutput(t, r, "in\n")
				} else if r.Code != 255 || len(r.Stdout) > 0 {
					t.Errorf("%s: status %d, %q, %q", name, r.Code, r.Stdout, r.Stderr)
				}
				wantOutput(t, h.target(t).RunSSH(t, nil, "echo in"), "in\n") // the plain key is still there
			}
		})
	}
}

// TestTrustFilesRefused: a file that cannot be used is one line, and no start.
func TestTrustFilesRefused(t *testing.T) {
	key, other := peertest.NewKey(t, peertest.Ed25519), peertest.NewKey(t, peertest.Ed25519)
	dir := t.TempDir()
	absent, broken, loose := filepath.Join(dir, "absent"), filepath.Join(dir, "broken"), filepath.Join(dir, "loose")
	write(t, broken, "what?\n")
	write(t, loose, key.Public+"\n")
	if err := os.Chmod(loose, 0o666); err != nil {
		t.Fatal(err)
	}
	for _, tt := range [][2]string{
		{"-user-ca", absent}, {"-user-ca", broken}, {"-user-ca", loose}, {"-user-ca", os.DevNull},
		{"-x509-roots", absent}, {"-x509-roots", broken}, {"-x509-roots", key.Path},
		{"-revoked-keys", absent}, {"-revoked-keys", broken},
		{"-moduli", absent}, {"-moduli", broken},
		{"-hostbased-known-hosts", absent}, {"-hostbased-known-hosts", broken}, {"-hostbased-known-hosts", loose},
		{"-host-cert", absent}, {"-host-cert", broken}, {"-host-cert", key.Path + ".pub"},
		{"-host-cert", certify(t, other, other, "-h", "-I", "x", "-n", "x")},
		{"-host-cert", certify(t, other, key, "-I", "x", "-n", "x")},
	} {
		t.Run(strings.Join(tt[:], " "), func(t *testing.T) {
			r := peertest.Cmd{
				Path: hawserdBinary(t), Args: []string{"-listen", "127.0.0.1:0", "-hostkey", key.Path, tt[0], tt[1]},
				Env: []string{"HOME=" + newHome(t)},
			}.Run(t)
			wantOneLine(t, r, exitFailure, tt[1])
		})
	}
}
