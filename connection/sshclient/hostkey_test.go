package sshclient_test

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"net"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/hawser-ssh/hawser/connection"
	"github.com/hawser-ssh/hawser/connection/sshclient"
	"github.com/hawser-ssh/hawser/transport/sshkey"
	"github.com/hawser-ssh/hawser/transport/transporttest"
	"github.com/hawser-ssh/hawser/userauth"
	"github.com/hawser-ssh/hawser/wire"
)

// script runs a server's part that breaks rules, and returns the client's end
// of the connection. What the script returns is an error of the test.
func script(t testing.TB, f func(p *transporttest.Peer) error) net.Conn {
	t.Helper()
	client, server := transporttest.Pipe()
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer server.Close()
		if err := f(transporttest.NewPeer(server, wire.Server)); err != nil {
			t.Errorf("script: %v", err)
		}
	}()
	t.Cleanup(func() {
		client.Close()
		<-done
	})
	return client
}

func trustAll() *sshclient.Config {
	return &sshclient.Config{User: "user", HostKey: sshclient.InsecureIgnoreHostKey()}
}

// TRU-01: without a policy nothing is sent.
func TestTRU01NoPolicy(t *testing.T) {
	for name, cfg := range map[string]*sshclient.Config{
		"nil":    nil,
		"zero":   {User: "user"},
		"no one": {User: "user", HostKey: nil},
	} {
		client, server := transporttest.Pipe()
		_, err := sshclient.NewClient(testContext(t), client, "host:22", cfg)
		if err != sshclient.ErrNoHostKeyPolicy {
			t.Errorf("%s: %v", name, err)
		}
		if n, err := server.Read(make([]byte, 1)); n > 0 || err == nil {
			t.Errorf("%s: a byte was sent", name)
		}
		if _, err := sshclient.Dial(testContext(t), "tcp", "127.0.0.1:1", cfg); err != sshclient.ErrNoHostKeyPolicy {
			t.Errorf("%s: dial: %v", name, err)
		}
	}
	h := newHouse(t)
	_, err := h.connect(func(cfg *sshclient.Config) { cfg.HostKey = sshclient.HostKeyFunc(nil) })
	if !errors.Is(err, sshclient.ErrNoHostKeyPolicy) {
		t.Errorf("nil function: %v", err)
	}
	_, err = h.connect(func(cfg *sshclient.Config) { cfg.HostKey = sshclient.FixedKey() })
	if !errors.Is(err, sshclient.ErrHostKeyMismatch) {
		t.Errorf("no key: %v", err)
	}
}

// expectRefusal is the server's part where the client must not like the host
// key: after our proof comes DISCONNECT with reason 9, and nothing else.
func expectRefusal(p *transporttest.Peer) error {
	for _, step := range []func() error{p.Versions, p.SendKexInit, p.ReadKexInit, p.Agree, p.SendNewKeys} {
		if err := step(); err != nil {
			return err
		}
	}
	m, err := p.Read()
	if err != nil {
		return err
	}
	var d wire.Disconnect
	if err := d.Parse(m); err != nil {
		return err
	}
	if d.Reason != wire.ReasonHostKeyNotVerifiable {
		return errors.New("reason " + d.Reason.String())
	}
	return nil
}

// knownHostsFile is a known_hosts file that names key for host.
func knownHostsFile(t testing.TB, host string, port int, key sshkey.PublicKey) string {
	t.Helper()
	line, err := sshkey.NewKnownHost(host, port, key)
	if err != nil {
		t.Fatal(err)
	}
	return tempFile(t, line.String()+"\n")
}

// TRU-02 and TRU-03: each way of not trusting ends the connection before the
// first byte of authentication.
func TestTRU02NothingIsSent(t *testing.T) {
	other := newSigner(t).PublicKey()
	missing := filepath.Join(t.TempDir(), "none")
	ecdsaKey := ecdsaPublic(t)
	policy := func(f func(context.Context, sshclient.Host, sshkey.PublicKey) error) sshclient.HostKeyPolicy {
		return sshclient.HostKeyFunc(f)
	}
	tests := []struct {
		name   string
		policy sshclient.HostKeyPolicy
		is     func(error) bool
	}{
		{"changed key", sshclient.KnownHosts(knownHostsFile(t, "host", 22, other)), isA[*sshkey.HostKeyChangedError]},
		{"key of another type", sshclient.KnownHosts(knownHostsFile(t, "host", 22, ecdsaKey)), isA[*sshkey.HostKeyChangedError]},
		{"unknown host", sshclient.KnownHosts(knownHostsFile(t, "other", 22, other)), isA[*sshkey.HostKeyUnknownError]},
		{"other port", sshclient.KnownHosts(knownHostsFile(t, "host", 2222, other)), isA[*sshkey.HostKeyUnknownError]},
		{"malformed file", sshclient.KnownHosts(tempFile(t, "host ssh-ed25519 AAAA\nhost\n")), isA[*sshkey.HostKeyUnknownError]},
		{"empty file", sshclient.KnownHosts(tempFile(t, "")), isA[*sshkey.HostKeyUnknownError]},
		{"no file at all", sshclient.KnownHosts(), isA[*sshkey.HostKeyUnknownError]},
		{"fixed key", sshclient.FixedKey(other), is(sshclient.ErrHostKeyMismatch)},
		{"error", policy(func(context.Context, sshclient.Host, sshkey.PublicKey) error { return errFull }), is(errFull)},
		{"panic", policy(func(context.Context, sshclient.Host, sshkey.PublicKey) error { panic("no") }), isA[*connection.PanicError]},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			cfg := &sshclient.Config{User: "user", HostKey: test.policy, Auth: []userauth.Method{password("secret")}}
			_, err := sshclient.NewClient(testContext(t), script(t, expectRefusal), "host:22", cfg)
			if !test.is(err) {
				t.Fatalf("%T: %v", err, err)
			}
			var p *wire.ProtocolError
			if !errors.As(err, &p) || p.Reason != wire.ReasonHostKeyNotVerifiable {
				t.Errorf("reason in %v", err)
			}
		})
	}
	t.Run("unreadable file", func(t *testing.T) {
		client, server := transporttest.Pipe()
		cfg := &sshclient.Config{User: "user", HostKey: sshclient.KnownHosts(missing), Auth: []userauth.Method{password("secret")}}
		_, err := sshclient.NewClient(testContext(t), client, "host:22", cfg)
		if !errors.Is(err, fs.ErrNotExist) {
			t.Fatalf("%v", err)
		}
		if _, err := server.Read(make([]byte, 1)); err == nil {
			t.Error("a byte was sent")
		}
	})
}

// TRU-03: trust that comes after the time was up does not count.
func TestTRU03LateTrust(t *testing.T) {
	ctx, cancel := context.WithCancel(testContext(t))
	cfg := &sshclient.Config{User: "user", Auth: []userauth.Method{password("secret")}, HostKey: sshclient.HostKeyFunc(
		func(context.Context, sshclient.Host, sshkey.PublicKey) error {
			cancel()
			return nil
		})}
	nc := script(t, func(p *transporttest.Peer) error {
		if p.Handshake() == nil {
			return errors.New("the client goes on")
		}
		return nil
	})
	if _, err := sshclient.NewClient(ctx, nc, "host:22", cfg); !errors.Is(err, context.Canceled) {
		t.Fatalf("%v", err)
	}
}

func is(want error) func(error) bool { return func(err error) bool { return errors.Is(err, want) } }

func isA[E error](err error) bool {
	_, ok := errors.AsType[E](err)
	return ok
}

// TRU-04, as far as the client is concerned: a revoked key is refused although
// the same file trusts it.
func TestTRU04Revoked(t *testing.T) {
	h := newHouse(t)
	line, err := sshkey.NewKnownHost("house", 22, h.transport.HostKeys[0].PublicKey())
	if err != nil {
		t.Fatal(err)
	}
	trusted := tempFile(t, line.String()+"\n")
	revoked := tempFile(t, "@revoked * "+strings.TrimPrefix(line.String(), "house ")+"\n")
	if _, err := h.connect(func(cfg *sshclient.Config) { cfg.HostKey = sshclient.KnownHosts(trusted) }); err != nil {
		t.Fatal(err)
	}
	_, err = h.connect(func(cfg *sshclient.Config) { cfg.HostKey = sshclient.KnownHosts(trusted, revoked) })
	if !isA[*sshkey.HostKeyRevokedError](err) {
		t.Fatalf("%v", err)
	}
}

// TRU-08: what a server says of its keys is neither learnt nor allowed early.
func TestTRU08HostKeysBeforeLogin(t *testing.T) {
	request := wire.GlobalRequest{Name: wire.RequestHostKeys, Payload: wire.AppendBytes(nil, ecdsaPublic(t).Marshal())}
	nc := script(t, func(p *transporttest.Peer) error {
		if err := p.Handshake(); err != nil {
			return err
		}
		return expectDrop(p, request.Append(nil))
	})
	_, err := sshclient.NewClient(testContext(t), nc, "host:22", trustAll())
	checkProtocolError(t, err)
}

// expectDrop sends a message and expects DISCONNECT with reason 2.
func expectDrop(p *transporttest.Peer, message []byte) error {
	if err := p.Send(message); err != nil {
		return err
	}
	if reason := p.ReadDisconnect(); reason != wire.ReasonProtocolError {
		return errors.New("reason " + reason.String())
	}
	return nil
}

func checkProtocolError(t testing.TB, err error) {
	t.Helper()
	var p *wire.ProtocolError
	if !errors.As(err, &p) || p.Reason != wire.ReasonProtocolError {
		t.Fatalf("%v", err)
	}
}

// The policy learns what was dialled, and known keys decide what the server is
// asked to prove.
func TestHostAndAlgorithms(t *testing.T) {
	first, second := newSigner(t), ecdsaSigner(t)
	h := newHouse(t, first, second)
	t.Run("host", func(t *testing.T) {
		var got sshclient.Host
		h.client(func(cfg *sshclient.Config) {
			cfg.HostKey = sshclient.HostKeyFunc(func(_ context.Context, host sshclient.Host, _ sshkey.PublicKey) error {
				got = host
				return nil
			})
		})
		if got.Name != "house" || got.Port != 22 || got.Remote == nil {
			t.Errorf("%+v", got)
		}
	})
	for _, key := range []sshkey.PublicKey{first.PublicKey(), second.PublicKey()} {
		t.Run(key.Type(), func(t *testing.T) {
			file := knownHostsFile(t, "house", 22, key)
			for name, policy := range map[string]sshclient.HostKeyPolicy{
				"known hosts": sshclient.KnownHosts(file), "fixed key": sshclient.FixedKey(key),
			} {
				client := h.client(func(cfg *sshclient.Config) { cfg.HostKey = policy })
				if !bytes.Equal(client.HostKey().Marshal(), key.Marshal()) {
					t.Errorf("%s: the server was asked for another key", name)
				}
			}
		})
	}
	t.Run("caller's order is kept", func(t *testing.T) {
		client := h.client(func(cfg *sshclient.Config) {
			cfg.Transport.HostKeyAlgorithms = []string{"ecdsa-sha2-nistp256", "ssh-ed25519"}
		})
		if got := client.Algorithms().HostKey; got != "ecdsa-sha2-nistp256" {
			t.Errorf("%q", got)
		}
	})
	t.Run("policy fails", func(t *testing.T) {
		_, err := h.connect(func(cfg *sshclient.Config) { cfg.HostKey = failingPolicy{} })
		if !errors.Is(err, errFull) {
			t.Errorf("%v", err)
		}
	})
}

type failingPolicy struct{}

func (failingPolicy) Algorithms(sshclient.Host) ([]string, error) { return nil, errFull }
func (failingPolicy) Check(context.Context, sshclient.Host, sshkey.PublicKey) error {
	return nil
}

// A caller's settings are not touched by those of one connection.
func TestConfigIsNotChanged(t *testing.T) {
	h := newHouse(t)
	cfg := h.config()
	cfg.Transport.HostKeyAlgorithms = []string{"rsa-sha2-256", "ssh-ed25519"}
	client, err := sshclient.NewClient(testContext(t), h.pipe(), "house", cfg)
	if err != nil {
		t.Fatal(err)
	}
	client.Close()
	if !slices.Equal(cfg.Transport.HostKeyAlgorithms, []string{"rsa-sha2-256", "ssh-ed25519"}) || cfg.Transport.VerifyHostKey != nil {
		t.Fatalf("%+v", cfg.Transport)
	}
}
