package sshclient_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"hash"
	"io"
	"log/slog"
	"math/rand/v2"
	"slices"
	"strings"
	"sync/atomic"
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
	"github.com/hawser-ssh/hawser/wire"
)

// testContext bounds one test; nothing of it should take that long.
func testContext(t testing.TB) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	t.Cleanup(cancel)
	return ctx
}

func signerOf(t testing.TB, key peertest.Key) sshkey.Signer {
	t.Helper()
	private, _, err := sshkey.ParsePrivateKey(key.Private(t), nil)
	if err != nil {
		t.Fatal(err)
	}
	signer, err := sshkey.NewSigner(private)
	if err != nil {
		t.Fatal(err)
	}
	return signer
}

func publicOf(t testing.TB, key peertest.Key) sshkey.PublicKey {
	t.Helper()
	blob, err := base64.StdEncoding.DecodeString(strings.Fields(key.Public)[1])
	if err != nil {
		t.Fatal(err)
	}
	public, err := sshkey.ParsePublicKey(blob)
	if err != nil {
		t.Fatal(err)
	}
	return public
}

func password(text string) userauth.Method {
	return userauth.Password(func(context.Context) (string, error) { return text, nil })
}

// answers answers each prompt by a text that it contains.
func answers(texts map[string]string) userauth.Method {
	return userauth.KeyboardInteractive(func(_ context.Context, _, _ string, prompts []wire.Prompt) ([]string, error) {
		var out []string
		for _, p := range prompts {
			for part, answer := range texts {
				if strings.Contains(p.Text, part) {
					out = append(out, answer)
				}
			}
		}
		if len(out) != len(prompts) {
			return nil, errors.New("unexpected prompt")
		}
		return out, nil
	})
}

// peer is a foreign server and how to log in to it.
type peer struct {
	addr, user string
	auth       []userauth.Method
	keys       []sshkey.PublicKey // its host keys; no others are trusted
}

func newPeer(t testing.TB, s *peertest.Server, auth ...userauth.Method) peer {
	t.Helper()
	p := peer{addr: s.Addr, user: s.User, auth: auth}
	for _, k := range s.HostKeys {
		p.keys = append(p.keys, publicOf(t, k))
	}
	return p
}

func (p peer) config() *sshclient.Config {
	return &sshclient.Config{
		User: p.user, Auth: p.auth, HostKey: sshclient.FixedKey(p.keys...),
		Transport: new(transport.Config),
	}
}

func (p peer) dial(t testing.TB, change ...func(*sshclient.Config)) *sshclient.Client {
	t.Helper()
	cfg := p.config()
	for _, f := range change {
		f(cfg)
	}
	client, err := sshclient.Dial(testContext(t), "tcp", p.addr, cfg)
	if err != nil {
		t.Fatalf("dial: %v", err)
	}
	t.Cleanup(func() { client.Close() })
	return client
}

// algorithm is one name of one kind, to be forced alone.
type algorithm struct {
	kind, name string
}

// force makes cfg offer that algorithm and nothing else of its kind.
func (a algorithm) force(t testing.TB, cfg *transport.Config) {
	t.Helper()
	var err error
	switch a.kind {
	case "kex":
		cfg.Kex, err = kex.Lookup(a.name)
	case "cipher":
		cfg.Ciphers, err = cipher.Lookup(a.name)
	case "mac":
		cfg.MACs, err = mac.Lookup(a.name)
		if err == nil {
			cfg.Ciphers, err = cipher.Lookup("aes128-ctr")
		}
	case "hostkey":
		cfg.HostKeyAlgorithms = []string{a.name}
	case "compression":
		cfg.Compression = []string{a.name}
	default:
		t.Fatalf("unknown kind %q", a.kind)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// chosen returns what was agreed on, one entry a direction.
func (a algorithm) chosen(got kex.Algorithms) []string {
	switch a.kind {
	case "kex":
		return []string{got.Kex}
	case "cipher":
		return []string{got.ClientToServer.Cipher, got.ServerToClient.Cipher}
	case "mac":
		return []string{got.ClientToServer.MAC, got.ServerToClient.MAC}
	case "hostkey":
		return []string{got.HostKey}
	}
	return []string{got.ClientToServer.Compression, got.ServerToClient.Compression}
}

// algorithms makes a list from "kind: name name ..." lines.
func algorithms(lines ...string) []algorithm {
	var list []algorithm
	for _, line := range lines {
		kind, names, _ := strings.Cut(line, ": ")
		for _, name := range strings.Fields(names) {
			list = append(list, algorithm{kind, name})
		}
	}
	return list
}

// testAlgorithms forces one algorithm after the other and sends data both ways.
func testAlgorithms(t *testing.T, p peer, list []algorithm) {
	for i, a := range list {
		t.Run(a.kind+"/"+a.name, func(t *testing.T) {
			if testing.Short() && i%4 != 0 {
				t.Skip("each fourth in short mode")
			}
			client := p.dial(t, func(cfg *sshclient.Config) { a.force(t, cfg.Transport) })
			for _, got := range a.chosen(client.Algorithms()) {
				if got != a.name {
					t.Fatalf("agreed on %q", got)
				}
			}
			echo(t, client, 200<<10)
		})
	}
}

// source is n bytes that look random and their hash, made as they are read.
func source(n int64) (io.Reader, hash.Hash) {
	sum := sha256.New()
	random := rand.NewChaCha8([32]byte{byte(n), byte(n >> 8), byte(n >> 16), byte(n >> 24)})
	return io.TeeReader(io.LimitReader(random, n), sum), sum
}

// echo sends n bytes through the remote cat and checks what comes back.
func echo(t testing.TB, client *sshclient.Client, n int64) {
	t.Helper()
	ctx, s := newSession(t, client)
	in, sent := source(n)
	got := sha256.New()
	s.Stdin, s.Stdout = in, got
	var problems bytes.Buffer
	s.Stderr = &problems
	if err := s.Run(ctx, "cat; echo end >&2"); err != nil {
		t.Fatalf("%v; stderr %q", err, problems.String())
	}
	if !bytes.Equal(got.Sum(nil), sent.Sum(nil)) {
		t.Fatalf("the %d bytes came back changed", n)
	}
	if problems.String() != "end\n" {
		t.Fatalf("stderr %q", problems.String())
	}
}

// login connects and runs one command.
func login(t *testing.T, p peer) {
	t.Helper()
	out, err := p.dial(t).Output(testContext(t), "echo in")
	if err != nil || string(out) != "in\n" {
		t.Fatalf("%q, %v", out, err)
	}
}

// refused connects with credentials that must not do, and returns the error.
func refused(t *testing.T, p peer) *userauth.AuthError {
	t.Helper()
	client, err := sshclient.Dial(testContext(t), "tcp", p.addr, p.config())
	if err == nil {
		client.Close()
		t.Fatal("logged in")
	}
	var authError *userauth.AuthError
	if !errors.As(err, &authError) {
		t.Fatalf("error %T: %v", err, err)
	}
	return authError
}

// testLogins logs in by each key, and not by a key nobody knows.
func testLogins(t *testing.T, s *peertest.Server, keys []peertest.Key) {
	for _, key := range keys {
		t.Run("key "+string(key.Type), func(t *testing.T) {
			login(t, newPeer(t, s, userauth.PublicKeys(signerOf(t, key))))
		})
	}
	t.Run("unknown key", func(t *testing.T) {
		stranger := signerOf(t, peertest.NewKey(t, peertest.Ed25519))
		err := refused(t, newPeer(t, s, userauth.PublicKeys(stranger)))
		if !slices.Contains(err.Offered, "publickey") {
			t.Fatalf("offered %q", err.Offered)
		}
	})
}

// exchanges is a log handler that counts key exchanges.
type exchanges struct{ n atomic.Int32 }

func (e *exchanges) Enabled(context.Context, slog.Level) bool { return true }
func (e *exchanges) WithAttrs([]slog.Attr) slog.Handler       { return e }
func (e *exchanges) WithGroup(string) slog.Handler            { return e }

func (e *exchanges) Handle(_ context.Context, r slog.Record) error {
	if r.Message == "keys" {
		e.n.Add(1)
	}
	return nil
}

// testRekeys moves size bytes each way and checks that keys were exchanged at
// least once for each two MiB.
func testRekeys(t *testing.T, p peer, size int64, change func(*sshclient.Config)) {
	t.Helper()
	var counted exchanges
	client := p.dial(t, change, func(cfg *sshclient.Config) { cfg.Transport.Logger = slog.New(&counted) })
	echo(t, client, size)
	if got, want := counted.n.Load(), int32(size>>21); got < want {
		t.Errorf("%d key exchanges, want at least %d", got, want)
	}
}

// byUs makes the client begin a key exchange after each MiB.
func byUs(cfg *sshclient.Config) { cfg.Transport.RekeyBytes = 1 << 20 }

// byServer leaves it to the server.
func byServer(*sshclient.Config) {}
