//go:build !race

package cipher

import (
	"bytes"
	"encoding/binary"
	"testing"
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
		block, err := newCAST128(key)
		if err != nil {
			t.Fatal(err)
		}
		for _, half := range [][]byte{text[:8], text[8:]} {
			l, r := block.encrypt(binary.BigEndian.Uint32(half), binary.BigEndian.Uint32(half[4:]))
			binary.BigEndian.PutUint32(half, l)
			binary.BigEndian.PutUint32(half[4:], r)
		}
	}
	for range 1_000_000 {
		encrypt(b, a)
		encrypt(a, b)
	}
	if !bytes.Equal(a, groups[1]["a"]) || !bytes.Equal(b, groups[1]["b"]) {
		t.Errorf("a = %x, b = %x", a, b)
	}
}
