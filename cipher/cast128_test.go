//go:build !race

package cipher

import (
	"bytes"
	"testing"

	//lint:ignore SA1019 a cipher of the table
	"golang.org/x/crypto/cast5"
)

// TestVectorCAST128Maintenance is RFC 2144 appendix B.2: a and b are keys for one another a million times, which under
// the race detector takes too long.
func TestVectorCAST128Maintenance(t *testing.T) {
	if testing.Short() {
		t.Skip("takes seconds")
	}
	groups := vectors(t, "cast128_rfc2144.txt", 2)
	a, b := bytes.Clone(groups[0]["key"]), bytes.Clone(groups[0]["key"])
	encrypt := func(key, text []byte) {
		block, err := cast5.NewCipher(key)
		if err != nil {
			t.Fatal(err)
		}
		block.Encrypt(text[:8], text[:8])
		block.Encrypt(text[8:], text[8:])
	}
	for range 1_000_000 {
		encrypt(b, a)
		encrypt(a, b)
	}
	if !bytes.Equal(a, groups[1]["a"]) || !bytes.Equal(b, groups[1]["b"]) {
		t.Errorf("a = %x, b = %x", a, b)
	}
}
