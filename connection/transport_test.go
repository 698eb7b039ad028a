package connection

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"io"
	"testing"

	"github.com/hawser-ssh/hawser/transport"
	"github.com/hawser-ssh/hawser/transport/sshkey"
	"github.com/hawser-ssh/hawser/transport/transporttest"
	"github.com/hawser-ssh/hawser/wire"
)

var _ Transport = (*transport.Conn)(nil)

// secured returns two ends of a real transport, as after authentication.
func secured(t *testing.T, rekeyBytes uint64) (client, server *transport.Conn) {
	t.Helper()
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	signer, err := sshkey.NewSigner(key)
	if err != nil {
		t.Fatal(err)
	}
	a, b := transporttest.Pipe()
	client = transport.Client(a, &transport.Config{RekeyBytes: rekeyBytes,
		VerifyHostKey: func(context.Context, sshkey.PublicKey) error { return nil }})
	server = transport.Server(b, &transport.Config{RekeyBytes: rekeyBytes, HostKeys: []sshkey.Signer{signer}})
	shaken := make(chan error, 2)
	go func() { shaken <- client.Handshake(context.Background()) }()
	go func() { shaken <- server.Handshake(context.Background()) }()
	for range 2 {
		if err := <-shaken; err != nil {
			t.Fatal(err)
		}
	}
	client.SetAuthenticated()
	server.SetAuthenticated()
	return client, server
}

// Over the real transport, with re-keys in between.
func TestOverTransport(t *testing.T) {
	ct, st := secured(t, 1<<20)
	h, got := accepting(nil)
	c, s := New(ct, wire.Client, nil), New(st, wire.Server, &Config{Handler: h})
	over := make(chan error, 2)
	go func() { over <- c.Run() }()
	go func() { over <- s.Run() }()
	ch, err := c.OpenSession(context.Background(), nil)
	if err != nil {
		t.Fatal(err)
	}
	peer := <-got
	go func() {
		io.Copy(peer, peer)
		peer.SendExitStatus(context.Background(), 0)
		peer.Close()
	}()
	data := bytes.Repeat([]byte("0123456789abcdef"), 500_000)
	go func() {
		for p := data; len(p) > 0; {
			n := min(len(p), 123_457)
			if err := ch.TryWrite(stdoutCode, p[:n]); err == ErrWouldBlock {
				_, err = ch.Write(p[:n])
				if err != nil {
					t.Error(err)
					return
				}
			} else if err != nil {
				t.Error(err)
				return
			}
			p = p[n:]
		}
		ch.CloseWrite()
	}()
	echo, err := io.ReadAll(ch)
	if err != nil || !bytes.Equal(echo, data) {
		t.Fatalf("%d bytes of %d, %v", len(echo), len(data), err)
	}
	ch.Close()
	<-ch.Done()
	c.Close()
	<-over
	<-over
}
