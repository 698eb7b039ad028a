package transport_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"errors"
	"net"
	"testing"

	"go.uber.org/goleak"

	"github.com/hawser-ssh/hawser/transport"
	"github.com/hawser-ssh/hawser/transport/sshkey"
	"github.com/hawser-ssh/hawser/transport/transporttest"
	"github.com/hawser-ssh/hawser/wire"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func hostKey(t testing.TB) sshkey.Signer {
	t.Helper()
	_, private, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	signer, err := sshkey.NewSigner(private)
	if err != nil {
		t.Fatal(err)
	}
	return signer
}

func trustAny(context.Context, sshkey.PublicKey) error { return nil }

// connect returns both ends of a connection, authenticated, with their readers
// not yet running.
func connect(t testing.TB, client, server transport.Config) (c, s *transport.Conn) {
	t.Helper()
	c, s = handshaken(t, client, server)
	login(t, c, s)
	return c, s
}

// handshaken is connect without the authentication.
func handshaken(t testing.TB, client, server transport.Config) (c, s *transport.Conn) {
	t.Helper()
	a, b := transporttest.Pipe()
	client.VerifyHostKey = trustAny
	server.HostKeys = []sshkey.Signer{hostKey(t)}
	c, s = transport.Client(a, &client), transport.Server(b, &server)
	t.Cleanup(func() { c.Close(); s.Close() })
	result := make(chan error, 1)
	go func() { result <- s.Handshake(t.Context()) }()
	if err := c.Handshake(t.Context()); err != nil {
		t.Fatalf("client: %v", err)
	}
	if err := <-result; err != nil {
		t.Fatalf("server: %v", err)
	}
	return c, s
}

// login does what the authentication layer would: after it, nothing that was
// sent before is under way.
func login(t testing.TB, c, s *transport.Conn) {
	t.Helper()
	if err := c.WritePacket(nil, wire.ServiceRequest{Name: "ssh-userauth"}.Append(nil), nil); err != nil {
		t.Fatal(err)
	}
	if _, err := s.ReadPacket(); err != nil {
		t.Fatal(err)
	}
	if err := s.WriteControl(wire.UserauthSuccess{}.Append(nil)); err != nil {
		t.Fatal(err)
	}
	s.SetAuthenticated()
	if p, err := c.ReadPacket(); err != nil || wire.Msg(p[0]) != wire.MsgUserauthSuccess {
		t.Fatalf("%q %v", p, err)
	}
	c.SetAuthenticated()
}

func TestHandshakeAndEcho(t *testing.T) {
	c, s := connect(t, transport.Config{}, transport.Config{})
	go func() {
		for {
			p, err := s.ReadPacket()
			if err != nil {
				return
			}
			s.WritePacket(nil, p, nil)
		}
	}()
	payload := wire.ChannelData{Recipient: 7, Data: bytes.Repeat([]byte("x"), 30000)}.Append(nil)
	for range 100 {
		if err := c.WritePacket(nil, payload[:9], payload[9:]); err != nil {
			t.Fatal(err)
		}
		p, err := c.ReadPacket()
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(p, payload) {
			t.Fatal("echo differs")
		}
	}
	if !bytes.Equal(c.SessionID(), s.SessionID()) {
		t.Error("session identifiers differ")
	}
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := c.ReadPacket(); !errors.Is(err, net.ErrClosed) {
		t.Errorf("read after Close: %v, want net.ErrClosed", err)
	}
}

// TestClearedSecretsStayInTheWindow: the layer above clears the passwords that it reads. What comes later may still be
// compressed as a repetition of them.
func TestClearedSecretsStayInTheWindow(t *testing.T) {
	zlib := transport.Config{Compression: []string{"zlib"}}
	a, b := transporttest.Pipe()
	client, server := zlib, zlib
	client.VerifyHostKey, server.HostKeys = trustAny, []sshkey.Signer{hostKey(t)}
	c, s := transport.Client(a, &client), transport.Server(b, &server)
	defer c.Close()
	defer s.Close()
	result := make(chan error, 1)
	go func() { result <- s.Handshake(t.Context()) }()
	if err := errors.Join(c.Handshake(t.Context()), <-result); err != nil {
		t.Fatal(err)
	}
	request := wire.UserauthRequest{User: "open sesame", Service: "ssh-connection", Method: "password"}.Append(nil)
	for range 3 {
		if err := c.WritePacket(nil, request, nil); err != nil {
			t.Fatal(err)
		}
		p, err := s.ReadPacket()
		if err != nil || !bytes.Equal(p, request) {
			t.Fatalf("%q, %v", p, err)
		}
		clear(p)
	}
}
