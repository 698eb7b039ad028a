package transport

import (
	"bytes"
	"testing"

	"github.com/hawser-ssh/hawser/cipher"
	"github.com/hawser-ssh/hawser/mac"
)

// TestHeldPacket: before authentication no packet waits in clear for another, not even for as long as nobody takes the
// buffer; after it one does, where two are sealed at once.
func TestHeldPacket(t *testing.T) {
	ciphers, err := cipher.Lookup(cipher.AES128CTR)
	if err != nil {
		t.Fatal(err)
	}
	macs, err := mac.Lookup(mac.HMACSHA256EtM)
	if err != nil {
		t.Fatal(err)
	}
	sealer, err := ciphers[0].NewSealer(&macs[0], make([]byte, 16), make([]byte, 16), make([]byte, 32))
	if err != nil {
		t.Fatal(err)
	}
	_, pairs := sealer.(cipher.PairSealer)
	secret := bytes.Repeat([]byte("secret"), 10)
	for _, open := range []bool{false, true} {
		c := &Conn{cfg: (*Config)(nil).clone()}
		c.out.setSealer(sealer)
		c.out.open = open
		if err := c.seal(secret, nil); err != nil {
			t.Fatal(err)
		}
		if held := bytes.Contains(c.out.buf, secret); held != (open && pairs) {
			t.Errorf("authenticated %v, in pairs %v: in clear %v", open, pairs, held)
		}
		if bytes.Contains(c.out.take(), secret) {
			t.Error("in clear when it leaves")
		}
	}
}
