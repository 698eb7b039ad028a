package matrix

import (
	"bytes"
	"context"
	"log/slog"
	mrand "math/rand/v2"
	"testing"
	"time"

	"github.com/hawser-ssh/hawser/cipher"
	"github.com/hawser-ssh/hawser/connection/sshclient"
	"github.com/hawser-ssh/hawser/kex"
	"github.com/hawser-ssh/hawser/mac"
	"github.com/hawser-ssh/hawser/transport"
	"github.com/hawser-ssh/hawser/transport/sshkey"
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
	t.Run("cipher and MAC", func(t *testing.T) { t.Parallel(); testCiphers(t, content) })
	t.Run("kex and host key", func(t *testing.T) { t.Parallel(); testExchanges(t, content) })
	t.Run("compression", func(t *testing.T) { t.Parallel(); testCompression(t, content) })
}

// testCiphers runs each cipher with each MAC, the authenticating ones without.
func testCiphers(t *testing.T, content []byte) {
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
	host := newSigner(t, sshkey.GenerateEd25519)
	for _, c := range ciphers {
		t.Run(c.Name, func(t *testing.T) {
			t.Parallel()
			if c.AEAD {
				trip(t, transport.Config{Ciphers: []cipher.Cipher{c}, MACs: []mac.MAC{}}, host, content)
				return
			}
			for _, m := range macs {
				t.Run(m.Name, func(t *testing.T) {
					trip(t, transport.Config{Ciphers: []cipher.Cipher{c}, MACs: []mac.MAC{m}}, host, content)
				})
			}
		})
	}
}

// testExchanges runs each key exchange with each kind of host key.
func testExchanges(t *testing.T, content []byte) {
	methods := append(append(kex.Default(), kex.Optional()...), kex.Insecure()...)
	hosts := hostSigners(t)
	for _, m := range methods {
		t.Run(m.Name, func(t *testing.T) {
			t.Parallel()
			for name, host := range hosts {
				t.Run(name, func(t *testing.T) {
					trip(t, transport.Config{Kex: []kex.Method{m}, HostKeyAlgorithms: []string{name}}, host, content)
				})
			}
		})
	}
}

// testCompression runs each compression, with data that has something to compress, too.
func testCompression(t *testing.T, content []byte) {
	host := newSigner(t, sshkey.GenerateEd25519)
	text := bytes.Repeat([]byte("all work and no play "), len(content)/21)
	for _, name := range transport.CompressionNames() {
		for kind, data := range map[string][]byte{"noise": content, "text": text} {
			t.Run(name+" "+kind, func(t *testing.T) {
				t.Parallel()
				trip(t, transport.Config{Compression: []string{name}}, host, data)
			})
		}
	}
}

// trip connects client and server of the same algorithms and sends the content both ways at once, while first the
// client and then the server begin a key exchange. It is stopped by a deadline that nothing should come near.
func trip(t *testing.T, cfg transport.Config, host sshkey.Signer, content []byte) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	var counted exchanges
	s := &server{cfg: cfg, rekeyAt: int64(len(content) * 2 / 3)}
	s.cfg.HostKeys = []sshkey.Signer{host}
	defer s.stop()
	cfg.Logger = slog.New(&counted)
	client, err := sshclient.NewClient(ctx, s.pipe(), "memory:22", clientConfig(&cfg, host.PublicKey()))
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
