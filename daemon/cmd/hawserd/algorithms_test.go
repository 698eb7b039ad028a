//go:build unix

package main

import (
	"net"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"

	"github.com/hawser-ssh/hawser/connection/peertest"
)

// The algorithms that hawserd is tested with, one at a time. README.md has a table of them.
var (
	testedKex = []string{"curve25519-sha256", "curve25519-sha256@libssh.org", "ecdh-sha2-nistp256", "ecdh-sha2-nistp384",
		"ecdh-sha2-nistp521", "diffie-hellman-group14-sha256", "diffie-hellman-group16-sha512", "diffie-hellman-group18-sha512"}
	testedCiphers = []string{"aes128-gcm@openssh.com", "aes256-gcm@openssh.com", "chacha20-poly1305@openssh.com",
		"aes128-ctr", "aes192-ctr", "aes256-ctr"}
	testedMACs = []string{"hmac-sha2-256-etm@openssh.com", "hmac-sha2-512-etm@openssh.com", "hmac-sha2-256", "hmac-sha2-512", "hmac-sha1"}
)

// hostKeyTypes are the types of host keys and the algorithms that each signs with.
var hostKeyTypes = []struct {
	kind       peertest.KeyType
	algorithms []string
}{
	{peertest.Ed25519, []string{"ssh-ed25519"}},
	{peertest.ECDSA256, []string{"ecdsa-sha2-nistp256"}},
	{peertest.ECDSA384, []string{"ecdsa-sha2-nistp384"}},
	{peertest.ECDSA521, []string{"ecdsa-sha2-nistp521"}},
	{peertest.RSA2048, []string{"rsa-sha2-256", "rsa-sha2-512"}},
}

const (
	smallTransfer = 300 << 10
	bulkTransfer  = 64 << 20
)

// TestOpenSSHAlgorithms forces each algorithm on the client, with data both ways.
func TestOpenSSHAlgorithms(t *testing.T) {
	t.Parallel()
	h := startHawserd(t, "-profile", "all")
	file, content, sum := noise(t, smallTransfer)
	each := func(names []string, set func(g *peertest.Target, name string)) {
		for _, name := range names {
			t.Run(name, func(t *testing.T) {
				g := h.target(t)
				set(&g, name)
				roundTrip(t, func(c string) peertest.Cmd { return g.SSH(t, nil, c) }, file, content, sum)
			})
		}
	}
	each(testedKex, func(g *peertest.Target, name string) { g.Kex = name })
	each(testedCiphers, func(g *peertest.Target, name string) { g.Ciphers = name })
	each(testedMACs, func(g *peertest.Target, name string) { g.MACs, g.Ciphers = name, "aes128-ctr" })
	each([]string{"zlib@openssh.com"}, func(g *peertest.Target, _ string) { g.Compression = true })
}

// TestHostKeyAlgorithms: each type of host key, alone, with OpenSSH and with dbclient, whose guess is wrong then.
func TestHostKeyAlgorithms(t *testing.T) {
	t.Parallel()
	file, content, sum := noise(t, smallTransfer)
	for _, kind := range hostKeyTypes {
		h := startWith(t, peertest.NewKey(t, kind.kind))
		for _, algorithm := range kind.algorithms {
			t.Run(algorithm, func(t *testing.T) {
				g := h.target(t)
				g.HostKeyAlgorithms = algorithm
				roundTrip(t, func(c string) peertest.Cmd { return g.SSH(t, nil, c) }, file, content, sum)
			})
		}
		t.Run("dbclient "+string(kind.kind), func(t *testing.T) {
			roundTrip(t, func(c string) peertest.Cmd { return h.target(t).Dbclient(t, nil, c) }, file, content, sum)
		})
	}
}

// TestDbclientGuess: dbclient sends a guessed key exchange packet; each method once, guessed right or wrong.
func TestDbclientGuess(t *testing.T) {
	t.Parallel()
	file, content, sum := noise(t, smallTransfer)
	key := peertest.NewKey(t, peertest.Ed25519)
	for _, method := range testedKex[:6] {
		t.Run(method, func(t *testing.T) {
			h := startWith(t, key, "-kex", method)
			roundTrip(t, func(c string) peertest.Cmd { return h.target(t).Dbclient(t, nil, c) }, file, content, sum)
		})
	}
	h := startWith(t, key, "-profile", "all")
	for _, tt := range [][2]string{{"chacha20-poly1305@openssh.com", ""}, {"aes128-ctr", "hmac-sha2-256"}, {"aes256-ctr", "hmac-sha1"}} {
		t.Run(tt[0]+" "+tt[1], func(t *testing.T) {
			g := h.target(t)
			g.Ciphers, g.MACs = tt[0], tt[1]
			roundTrip(t, func(c string) peertest.Cmd { return g.Dbclient(t, nil, c) }, file, content, sum)
		})
	}
}

// TestServerLists: what is not in the lists of the flags is not spoken.
func TestServerLists(t *testing.T) {
	t.Parallel()
	h := startHawserd(t, "-kex", "ecdh-sha2-nistp384", "-ciphers", "aes256-ctr", "-macs", "hmac-sha2-512", "-compression", "none",
		"-hostkey-algorithms", "ssh-ed25519", "-profile", "all")
	wantOutput(t, h.target(t).RunSSH(t, nil, "echo in"), "in\n")
	for _, change := range []func(g *peertest.Target){
		func(g *peertest.Target) { g.Kex = "curve25519-sha256" },
		func(g *peertest.Target) { g.Ciphers = "aes128-ctr" },
		func(g *peertest.Target) { g.MACs = "hmac-sha2-256" },
		func(g *peertest.Target) { g.HostKeyAlgorithms = "rsa-sha2-512" },
	} {
		g := h.target(t)
		change(&g)
		if r := g.SSH(t, []string{"-v"}, "echo in").Run(t); r.Code != 255 || !strings.Contains(string(r.Stderr), "no matching") {
			t.Errorf("status %d, %s", r.Code, r.Stderr)
		}
	}
}

// TestRekeyBulk moves 64 MiB both ways while keys are exchanged after every MiB, at the wish of either side.
func TestRekeyBulk(t *testing.T) {
	short(t)
	size := bulkTransfer
	file, content, sum := noise(t, size)
	t.Run("client's limit", func(t *testing.T) {
		h := startHawserd(t)
		g := h.target(t)
		g.RekeyLimit = "1M"
		roundTrip(t, func(c string) peertest.Cmd { return g.SSH(t, nil, c) }, file, content, sum)
		wantRekeys(t, h, size>>20)
	})
	t.Run("server's limit", func(t *testing.T) {
		h := startHawserd(t, "-config", "KeyRenegotiationThreshold=1048576")
		roundTrip(t, func(c string) peertest.Cmd { return h.target(t).SSH(t, nil, c) }, file, content, sum)
		wantRekeys(t, h, size>>20)
	})
}

// wantRekeys checks the log for at least so many later key exchanges.
func wantRekeys(t testing.TB, h *hawserd, n int) {
	t.Helper()
	if got := strings.Count(h.Stderr.String(), "rekey=true"); got < n {
		t.Errorf("%d key exchanges after the first, want %d at least", got, n)
	}
}

// TestGoClient: mlkem768x25519-sha256 has no other client here than that of golang.org/x/crypto.
func TestGoClient(t *testing.T) {
	t.Parallel()
	h := startHawserd(t)
	signer, err := ssh.ParsePrivateKey(h.key.Private(t))
	if err != nil {
		t.Fatal(err)
	}
	hostKey, _, _, _, err := ssh.ParseAuthorizedKey([]byte(h.hostKey.Public))
	if err != nil {
		t.Fatal(err)
	}
	for _, method := range []string{"mlkem768x25519-sha256", "curve25519-sha256"} {
		t.Run(method, func(t *testing.T) {
			conn, err := net.Dial("tcp", h.addr)
			if err != nil {
				t.Fatal(err)
			}
			c, channels, requests, err := ssh.NewClientConn(conn, h.addr, &ssh.ClientConfig{
				Config: ssh.Config{KeyExchanges: []string{method}}, User: h.user, Timeout: time.Minute,
				Auth: []ssh.AuthMethod{ssh.PublicKeys(signer)}, HostKeyCallback: ssh.FixedHostKey(hostKey),
			})
			if err != nil {
				t.Fatal(err)
			}
			client := ssh.NewClient(c, channels, requests)
			defer client.Close()
			session, err := client.NewSession()
			if err != nil {
				t.Fatal(err)
			}
			session.Stdin = strings.NewReader(strings.Repeat("x", 1<<20))
			out, err := session.Output("wc -c; exit 4")
			exit, ok := err.(*ssh.ExitError)
			if !ok || exit.ExitStatus() != 4 || strings.TrimSpace(string(out)) != "1048576" {
				t.Errorf("%q, %v", out, err)
			}
		})
	}
}
