package transport_test

import (
	"bytes"
	"testing"
	"testing/synctest"

	"github.com/hawser-ssh/hawser/transport"
	"github.com/hawser-ssh/hawser/wire"
)

// TestClearedPayloads: whoever judges a password overwrites it where it lies.
// The next request repeats most of it, which a compressed stream expresses by
// reference to what came before.
func TestClearedPayloads(t *testing.T) {
	cfg := transport.Config{Compression: []string{"zlib"}, CompressionLevel: 9}
	c, s := handshaken(t, cfg, cfg)
	request := wire.UserauthRequest{User: "u", Service: "ssh-connection", Method: "password",
		Payload: wire.UserauthPassword{Password: []byte("a secret")}.Append(nil)}.Append(nil)
	for i := range 3 {
		must(t, c.WriteControl(request))
		p, err := s.ReadPacket()
		must(t, err)
		if !bytes.Equal(p, request) {
			t.Fatalf("request %d arrived as %q", i, p)
		}
		clear(p)
	}
}

// TestPipelinedCompressed: a client sends on before it knows of its success.
// What was compressed from the start is so in what has arrived meanwhile too;
// with the delayed method that is not compressed.
func TestPipelinedCompressed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, method := range []string{"zlib", "zlib@openssh.com", "none"} {
			cfg := transport.Config{Compression: []string{method}}
			c, s := handshaken(t, cfg, cfg)
			for range 2 {
				must(t, c.WriteControl(loginRequest))
			}
			synctest.Wait() // both have arrived
			for i := range 2 {
				p, err := s.ReadPacket()
				must(t, err)
				if !bytes.Equal(p, loginRequest) {
					t.Fatalf("%s: %q", method, p)
				}
				if i == 0 {
					s.SetAuthenticated()
				}
			}
		}
	})
}
