package certstore

import (
	"bytes"
	"encoding/hex"
	"testing"
)

// TestRC2 has the vectors of RFC 2268 §5.
func TestRC2(t *testing.T) {
	for _, c := range []struct {
		key    string
		bits   int
		plain  string
		cipher string
	}{
		{"0000000000000000", 63, "0000000000000000", "ebb773f993278eff"},
		{"ffffffffffffffff", 64, "ffffffffffffffff", "278b27e42e2f0d49"},
		{"3000000000000000", 64, "1000000000000001", "30649edf9be7d2c2"},
		{"88", 64, "0000000000000000", "61a8a244adacccf0"},
		{"88bca90e90875a", 64, "0000000000000000", "6ccf4308974c267f"},
		{"88bca90e90875a7f0f79c384627bafb2", 64, "0000000000000000", "1a807d272bbe5db1"},
		{"88bca90e90875a7f0f79c384627bafb2", 128, "0000000000000000", "2269552ab0f85ca6"},
		{"88bca90e90875a7f0f79c384627bafb216f80a6f85920584c42fceb0be255daf1e", 129, "0000000000000000", "5b78d3a43dfff1f1"},
	} {
		key, _ := hex.DecodeString(c.key)
		plain, _ := hex.DecodeString(c.plain)
		want, _ := hex.DecodeString(c.cipher)
		block, out := newRC2(key, c.bits), make([]byte, rc2BlockSize)
		block.Encrypt(out, plain)
		if !bytes.Equal(out, want) {
			t.Errorf("key %s: %x, want %x", c.key, out, want)
		}
		block.Decrypt(out, want)
		if !bytes.Equal(out, plain) {
			t.Errorf("key %s: %x, want %x", c.key, out, plain)
		}
	}
}
