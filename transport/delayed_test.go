package transport_test

import (
	"bytes"
	"testing"

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
