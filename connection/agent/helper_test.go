package agent

import (
	"bytes"
	"crypto"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"io"
	"net"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/hawser-ssh/hawser/transport/sshkey"
	"github.com/hawser-ssh/hawser/wire"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// must returns v, and panics on an error: for what cannot fail in a test.
func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// testKeys are private keys of each type that agents know, by a short name.
var testKeys = sync.OnceValue(func() map[string]crypto.Signer {
	return map[string]crypto.Signer{
		"ed25519": must(sshkey.GenerateEd25519()),
		"ecdsa":   must(sshkey.GenerateECDSA(384)),
		"rsa":     must(rsa.GenerateKey(rand.Reader, 2048)),
	}
})

func newSigner() sshkey.Signer { return must(sshkey.NewSigner(must(sshkey.GenerateEd25519()))) }

// fixedKey is the same in all processes of a fuzz run.
func fixedKey(n byte) crypto.Signer {
	return ed25519.NewKeyFromSeed(bytes.Repeat([]byte{n}, ed25519.SeedSize))
}

func fixedHost() host { return host{must(sshkey.NewSigner(fixedKey(1))), "h"} }

// connect returns a client of the keyring, both ended with the test.
func connect(t testing.TB, k *Keyring) *Client {
	t.Helper()
	here, there := net.Pipe()
	served := make(chan error, 1)
	go func() { served <- Serve(t.Context(), there, k) }()
	c := NewClient(here)
	t.Cleanup(func() {
		c.Close()
		<-served
	})
	return c
}

// certify returns a certificate for key by an authority.
func certify(authority sshkey.Signer, key sshkey.PublicKey, purpose sshkey.CertPurpose, principal string) *sshkey.Certificate {
	plain := key.Marshal()
	r := wire.NewFieldReader(plain, "key")
	r.String("type")
	b := wire.AppendString(wire.AppendString(nil, key.Type()+"-cert-v01@openssh.com"), "nonce")
	b = append(b, r.Rest()...)
	b = wire.AppendUint32(wire.AppendUint64(b, 1), uint32(purpose))
	b = wire.AppendBytes(wire.AppendString(b, "id"), wire.AppendString(nil, principal))
	b = wire.AppendUint64(wire.AppendUint64(b, 0), sshkey.CertForever)
	b = wire.AppendString(wire.AppendString(wire.AppendString(b, ""), ""), "")
	b = wire.AppendBytes(b, authority.PublicKey().Marshal())
	b = wire.AppendBytes(b, must(authority.Sign(nil, authority.Algorithms()[0], b)))
	return must(sshkey.ParsePublicKey(b)).(*sshkey.Certificate)
}

// host is a server that a connection can be bound to.
type host struct {
	signer sshkey.Signer
	name   string
}

func newHost(name string) host { return host{newSigner(), name} }

// hop returns the host as a constraint knows it.
func (h host) hop(user string) Hop {
	return Hop{User: user, Host: h.name, Keys: []HopKey{{Blob: h.signer.PublicKey().Marshal()}}}
}

// session returns a session identifier and the host's signature of it.
func (h host) session(label string) (id, signature []byte) {
	id = bytes.Repeat([]byte(label), 32)[:32]
	return id, must(h.signer.Sign(nil, h.signer.Algorithms()[0], id))
}

// bind binds a connection to a session with the host.
func (h host) bind(t *testing.T, c *Client, label string, forwarding bool) {
	t.Helper()
	id, signature := h.session(label)
	if err := c.Bind(t.Context(), h.signer.PublicKey(), id, signature, forwarding); err != nil {
		t.Fatalf("bind to %s: %v", h.name, err)
	}
}

// login returns what a client signs to log in with key; without a host key for
// the method publickey.
func login(sessionID []byte, user string, key sshkey.PublicKey, hostKey sshkey.PublicKey) []byte {
	m := wire.UserauthPublicKey{HasSignature: true, Algorithm: key.Type(), Key: key.Marshal()}
	method := "publickey"
	if hostKey != nil {
		m.Bound, m.HostKey, method = true, hostKey.Marshal(), "publickey-hostbound-v00@openssh.com"
	}
	request := wire.UserauthRequest{User: user, Service: "ssh-connection", Method: method, Payload: m.AppendUnsigned(nil)}
	return request.Append(wire.AppendBytes(nil, sessionID))
}

// scripted is a connection whose other side says what it was told to.
type scripted struct {
	io.Reader
	io.Writer
}

func (scripted) Close() error { return nil }

// answering returns a client whose agent answers everything with these bytes.
func answering(stream []byte) *Client {
	return NewClient(scripted{bytes.NewReader(stream), io.Discard})
}

// message returns a message with its length in front.
func message(p ...byte) []byte { return wire.AppendBytes(nil, p) }

const second = time.Second
