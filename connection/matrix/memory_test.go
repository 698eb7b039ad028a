package matrix

import (
	"bytes"
	"context"
	"log/slog"
	mrand "math/rand/v2"
	"os/user"
	"testing"
	"time"

	"github.com/hawser-ssh/hawser/cipher"
	"github.com/hawser-ssh/hawser/connection/peertest"
	"github.com/hawser-ssh/hawser/connection/sshclient"
	"github.com/hawser-ssh/hawser/kex"
	"github.com/hawser-ssh/hawser/mac"
	"github.com/hawser-ssh/hawser/transport"
	"github.com/hawser-ssh/hawser/transport/sshkey"
	"github.com/hawser-ssh/hawser/userauth"
)

// amount is how much goes each way.
func amount() int {
	if testing.Short() {
		return 48 << 10
	}
	return 1 << 20
}

// noise is n bytes that do not compress.
func noise(n int) []byte {
	p := make([]byte, n)
	_, _ = mrand.NewChaCha8([32]byte{byte(n), byte(n >> 8), byte(n >> 16)}).Read(p)
	return p
}

// TestMatrixMemory runs every combination of hawser with itself.
func TestMatrixMemory(t *testing.T) {
	t.Parallel()
	content := noise(amount())
	rings := newRings(t)
	t.Run("cipher and MAC", func(t *testing.T) { t.Parallel(); testCiphers(t, rings, content) })
	t.Run("kex and host key", func(t *testing.T) { t.Parallel(); testExchanges(t, rings, content) })
	t.Run("user key", func(t *testing.T) { t.Parallel(); testUserKeys(t, rings, content) })
	t.Run("compression", func(t *testing.T) { t.Parallel(); testCompression(t, rings, content) })
}

// thinned reports whether the nth of many is left out with -short. Of a table, each line and each column keeps some.
func thinned(n int) bool { return testing.Short() && n%6 != 0 }

// testCiphers runs each cipher with each MAC, the authenticating ones without.
func testCiphers(t *testing.T, r rings, content []byte) {
	ciphers, err := cipher.Lookup("none")
	if err != nil {
		t.Fatal(err)
	}
	macs, err := mac.Lookup("none")
	if err != nil {
		t.Fatal(err)
	}
	ciphers = append(append(cipher.Default(), cipher.Insecure()...), ciphers...)
	macs = append(append(mac.Default(), mac.Insecure()...), macs...)
	for i, c := range ciphers {
		t.Run(c.Name, func(t *testing.T) {
			t.Parallel()
			if c.AEAD {
				r.trip(t, transport.Config{Ciphers: []cipher.Cipher{c}, MACs: []mac.MAC{}}, "", content)
				return
			}
			for k, m := range macs {
				if thinned(i + k) {
					continue
				}
				t.Run(m.Name, func(t *testing.T) {
					r.trip(t, transport.Config{Ciphers: []cipher.Cipher{c}, MACs: []mac.MAC{m}}, "", content)
				})
			}
		})
	}
}

// testExchanges runs each key exchange with each kind of host key.
func testExchanges(t *testing.T, r rings, content []byte) {
	for i, m := range append(append(kex.Default(), kex.Optional()...), kex.Insecure()...) {
		t.Run(m.Name, func(t *testing.T) {
			t.Parallel()
			for k, name := range allKeyAlgorithms() {
				if thinned(i + k) {
					continue
				}
				t.Run(name, func(t *testing.T) {
					r.trip(t, transport.Config{Kex: []kex.Method{m}, HostKeyAlgorithms: []string{name}}, "", content)
				})
			}
		})
	}
}

// testUserKeys logs in with each kind of user key.
func testUserKeys(t *testing.T, r rings, content []byte) {
	for _, name := range allKeyAlgorithms() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r.trip(t, transport.Config{SignatureAlgorithms: []string{name}}, name, content)
		})
	}
}

// testCompression runs each compression, with data that has something to compress, too.
func testCompression(t *testing.T, r rings, content []byte) {
	text := bytes.Repeat([]byte("all work and no play "), len(content)/21)
	for _, name := range transport.CompressionNames() {
		for kind, data := range map[string][]byte{"noise": content, "text": text} {
			t.Run(name+" "+kind, func(t *testing.T) {
				t.Parallel()
				r.trip(t, transport.Config{Compression: []string{name}}, "", data)
			})
		}
	}
}

// rings are the keys of both sides.
type rings struct{ hosts, users *keyring }

// newRings makes keys with certificates for all hosts and users of the tests.
func newRings(t testing.TB) rings {
	t.Helper()
	me, err := user.Current()
	if err != nil {
		t.Fatal(err)
	}
	return rings{
		hosts: newKeyring(t, sshkey.HostCertificate, hostName, "127.0.0.1"),
		users: newKeyring(t, sshkey.UserCertificate, userName, peertest.PythonUser, me.Username),
	}
}

// trip connects client and server of the same algorithms and sends the content both ways at once, while first the
// client and then the server begin a key exchange. The user logs in with the key of that algorithm, or by password. It
// is stopped by a deadline that nothing should come near.
func (r rings) trip(t *testing.T, cfg transport.Config, userKey string, content []byte) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	var counted exchanges
	s := &server{cfg: cfg, keys: r.users.admit, userAlg: cfg.SignatureAlgorithms, rekeyAt: int64(len(content) * 2 / 3)}
	s.cfg.HostKeys = []sshkey.Signer{r.hosts.signers["ssh-ed25519"]}
	if len(cfg.HostKeyAlgorithms) > 0 {
		s.cfg.HostKeys[0] = r.hosts.signers[cfg.HostKeyAlgorithms[0]]
	}
	defer s.stop()
	cfg.Logger = slog.New(&counted)
	login := &sshclient.Config{User: userName, HostKey: r.hosts, Transport: &cfg, Auth: []userauth.Method{password(userPass)}}
	if userKey != "" {
		login.Auth[0] = userauth.PublicKeys(r.users.signers[userKey])
	}
	client, err := sshclient.NewClient(ctx, s.pipe(), hostName+":22", login)
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	got := echo(ctx, t, client, content)
	if !bytes.Equal(got, content) {
		t.Errorf("%d bytes came back of %d, or others", len(got), len(content))
	}
	if n := counted.n.Load(); n != 3 {
		t.Errorf("%d key exchanges, want 3", n)
	}
	wantAlgorithms(t, &cfg, client.Algorithms())
}

// echo sends the content through command echo; a third of the way it exchanges keys.
func echo(ctx context.Context, t *testing.T, client *sshclient.Client, content []byte) []byte {
	t.Helper()
	session, err := client.NewSession(ctx)
	if err != nil {
		t.Fatal(err)
	}
	session.Stdin = &midway{
		Reader: bytes.NewReader(content), at: int64(len(content) / 3),
		do: func() error { return client.Rekey(ctx) },
	}
	got, err := session.Output(ctx, "echo")
	if err != nil {
		t.Fatal(err)
	}
	return got
}

// wantAlgorithms checks that the last key exchange agreed on what was on offer alone.
func wantAlgorithms(t *testing.T, cfg *transport.Config, got kex.Algorithms) {
	t.Helper()
	for _, d := range []kex.Direction{got.ClientToServer, got.ServerToClient} {
		if len(cfg.Ciphers) == 1 && d.Cipher != cfg.Ciphers[0].Name {
			t.Errorf("cipher %q", d.Cipher)
		}
		if len(cfg.MACs) == 1 && d.MAC != cfg.MACs[0].Name {
			t.Errorf("MAC %q", d.MAC)
		}
		if len(cfg.Compression) == 1 && d.Compression != cfg.Compression[0] {
			t.Errorf("compression %q", d.Compression)
		}
	}
	if len(cfg.Kex) == 1 && got.Kex != cfg.Kex[0].Name {
		t.Errorf("key exchange %q", got.Kex)
	}
	if len(cfg.HostKeyAlgorithms) == 1 && got.HostKey != cfg.HostKeyAlgorithms[0] {
		t.Errorf("host key %q", got.HostKey)
	}
}
