package transport_test

import (
	"context"
	"crypto"
	"crypto/rsa"
	"errors"
	"testing"

	"github.com/hawser-ssh/hawser/transport"
	"github.com/hawser-ssh/hawser/transport/sshkey"
	"github.com/hawser-ssh/hawser/transport/transporttest"
	"github.com/hawser-ssh/hawser/wire"
)

// newSigner returns a signer with a new key.
func newSigner(t *testing.T, generate func() (crypto.Signer, error)) sshkey.Signer {
	t.Helper()
	key, err := generate()
	must(t, err)
	signer, err := sshkey.NewSigner(key)
	must(t, err)
	return signer
}

// relabelled returns a signature blob under another name.
func relabelled(t *testing.T, signature []byte, label string) []byte {
	t.Helper()
	r := wire.NewFieldReader(signature, "signature")
	r.Bytes("label")
	body := r.Bytes("body")
	must(t, r.Done())
	return wire.AppendBytes(wire.AppendString(nil, label), body)
}

// TestKEY01And02HostSignatures: a client goes on with the signature of the
// negotiated algorithm over this exchange by the key shown, and no other; until
// it has that, nobody is asked about the key.
func TestKEY01And02HostSignatures(t *testing.T) {
	ed, other := hostKey(t), newSigner(t, func() (crypto.Signer, error) { return sshkey.GenerateEd25519() })
	rsaKey := newSigner(t, func() (crypto.Signer, error) { return sshkey.GenerateRSA(0) })
	sign := func(key sshkey.Signer, algorithm string, data []byte) []byte {
		signature, err := key.Sign(nil, algorithm, data)
		must(t, err)
		return signature
	}
	for name, tt := range map[string]struct {
		algorithm string
		key       sshkey.Signer
		change    func(r *wire.KexECDHReply)
	}{
		"flipped":         {"ssh-ed25519", ed, func(r *wire.KexECDHReply) { r.Signature[len(r.Signature)-1] ^= 1 }},
		"truncated":       {"ssh-ed25519", ed, func(r *wire.KexECDHReply) { r.Signature = r.Signature[:len(r.Signature)-1] }},
		"longer":          {"ssh-ed25519", ed, func(r *wire.KexECDHReply) { r.Signature = append(r.Signature, 0) }},
		"empty":           {"ssh-ed25519", ed, func(r *wire.KexECDHReply) { r.Signature = nil }},
		"another hash":    {"ssh-ed25519", ed, func(r *wire.KexECDHReply) { r.Signature = sign(ed, "ssh-ed25519", make([]byte, 32)) }},
		"another key":     {"ssh-ed25519", ed, func(r *wire.KexECDHReply) { r.HostKey = other.PublicKey().Marshal() }},
		"no key":          {"ssh-ed25519", ed, func(r *wire.KexECDHReply) { r.HostKey = nil }},
		"key of RSA":      {"ssh-ed25519", ed, func(r *wire.KexECDHReply) { r.HostKey = rsaKey.PublicKey().Marshal() }},
		"ssh-rsa":         {"rsa-sha2-512", rsaKey, func(r *wire.KexECDHReply) { r.Signature = relabelled(t, r.Signature, "ssh-rsa") }},
		"rsa-sha2-256":    {"rsa-sha2-512", rsaKey, func(r *wire.KexECDHReply) { r.Signature = relabelled(t, r.Signature, "rsa-sha2-256") }},
		"weaker for RSA":  {"rsa-sha2-512", rsaKey, func(r *wire.KexECDHReply) { r.Signature = sign(rsaKey, "rsa-sha2-256", make([]byte, 32)) }},
		"Ed25519 for RSA": {"rsa-sha2-512", rsaKey, func(r *wire.KexECDHReply) { r.HostKey = ed.PublicKey().Marshal() }},
	} {
		t.Run(name, func(t *testing.T) {
			s := signedBy(t, tt.algorithm, tt.key)
			must(t, s.peer.ReadInit())
			reply, err := s.peer.Reply()
			must(t, err)
			tt.change(&reply)
			must(t, s.peer.Send(reply.Append(nil)))
			s.dropped(t, wire.ReasonKeyExchangeFailed)
			if s.HostKey() != nil {
				t.Error("the client has a host key")
			}
		})
	}
}

// signedBy returns a client that waits for the reply of a server with this
// host key, of which it must not be asked.
func signedBy(t *testing.T, algorithm string, key sshkey.Signer) *subject {
	t.Helper()
	ours, theirs := transporttest.Pipe()
	s := &subject{peer: transporttest.NewPeer(theirs, wire.Server), handshake: make(chan error, 1), packets: make(chan []byte, 16), end: make(chan error, 1)}
	s.Conn = transport.Client(ours, &transport.Config{VerifyHostKey: func(context.Context, sshkey.PublicKey) error {
		t.Error("asked about a host key that nobody has proved to own")
		return errors.New("refused")
	}})
	go s.run(t.Context())
	t.Cleanup(func() { theirs.Close(); s.Close() })
	s.peer.HostKey, s.peer.Init.HostKey = key, wire.NewNameList(algorithm)
	s.peer.Init.Kex = wire.NewNameList("curve25519-sha256", "kex-strict-s-v00@openssh.com")
	must(t, s.peer.Versions())
	must(t, s.peer.ReadKexInit())
	must(t, s.peer.SendKexInit())
	must(t, s.peer.Negotiate())
	return s
}

// TestKEY01PreviousExchange: the signature of the exchange before is none.
func TestKEY01PreviousExchange(t *testing.T) {
	s := upToKexInit(t, wire.Client, transport.Config{})
	offerKex(s, "curve25519-sha256")
	must(t, s.peer.SendKexInit())
	must(t, s.peer.Negotiate())
	must(t, s.peer.ReadInit())
	first, err := s.peer.Reply()
	must(t, err)
	must(t, s.peer.Send(first.Append(nil)))
	must(t, s.peer.SendNewKeys())
	must(t, s.peer.ReadNewKeys())
	must(t, <-s.handshake)
	s.login(t)
	must(t, s.peer.SendKexInit())
	must(t, s.peer.ReadKexInit())
	must(t, s.peer.Negotiate())
	must(t, s.peer.ReadInit())
	second, err := s.peer.Reply()
	must(t, err)
	second.Signature = first.Signature
	must(t, s.peer.Send(second.Append(nil)))
	s.dropped(t, wire.ReasonKeyExchangeFailed)
}

// KEY-03: RSA of 1024 bits is a host key only where a client asks for it, and
// what is below never is.
func TestKEY03HostKeySize(t *testing.T) {
	small, err := rsa.GenerateKey(nil, 1024)
	must(t, err)
	key, err := sshkey.Limits{MinRSABits: 1024}.NewSigner(small)
	must(t, err)
	for bits, ok := range map[int]bool{0: false, 1025: false, 1024: true, 1: true} {
		a, b := transporttest.Pipe()
		client := transport.Config{VerifyHostKey: trustAny, KeyLimits: sshkey.Limits{MinRSABits: bits}}
		c, s := transport.Client(a, &client), transport.Server(b, &transport.Config{HostKeys: []sshkey.Signer{key}})
		discarded := make(chan error, 1)
		go func() { discarded <- s.Handshake(t.Context()) }()
		if err := c.Handshake(t.Context()); (err == nil) != ok {
			t.Errorf("at least %d bits: %v", bits, err)
		}
		<-discarded
		discard(c, s)
		c.Close()
		s.Close()
	}
}
