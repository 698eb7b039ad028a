package mac

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"os"
	"os/exec"
	"strings"
	"testing"
)

// digests names the hash functions of the HMAC rows as OpenSSL does.
var digests = []struct{ prefix, digest string }{
	{"hmac-sha2-256", "SHA256"}, {"hmac-sha2-512", "SHA512"}, {"hmac-sha1", "SHA1"},
	{"hmac-md5", "MD5"}, {"hmac-ripemd160", "RIPEMD160"},
}

// openssl returns the path of the program; without it the test is skipped, or fails where HAWSER_PEERS=required.
func openssl(t *testing.T) string {
	t.Helper()
	path, err := exec.LookPath("openssl")
	if err == nil {
		return path
	}
	if os.Getenv("HAWSER_PEERS") == "required" {
		t.Fatal("peer missing with HAWSER_PEERS=required: openssl")
	}
	t.Skip("peer missing: openssl")
	return ""
}

// TestDifferentialOpenSSL compares every HMAC row with OpenSSL's.
func TestDifferentialOpenSSL(t *testing.T) {
	program := openssl(t)
	for _, m := range append(Default(), Insecure()...) {
		if !strings.HasPrefix(m.Name, "hmac-") {
			continue // umac_test.go
		}
		t.Run(m.Name, func(t *testing.T) {
			key := make([]byte, m.KeySize)
			for i := range key {
				key[i] = byte(i*37 + 1)
			}
			packet := bytes.Repeat([]byte{0, 1, 2, 254, 255}, 333)
			const seq = 0xfffffffe
			digest := ""
			for _, d := range digests {
				if strings.HasPrefix(m.Name, d.prefix) {
					digest = d.digest
				}
			}
			cmd := exec.Command(program, "mac", "-digest", digest, "-macopt", "hexkey:"+hex.EncodeToString(key), "-in", "-", "HMAC")
			cmd.Stdin = bytes.NewReader(append(binary.BigEndian.AppendUint32(nil, seq), packet...))
			var stderr strings.Builder
			cmd.Stderr = &stderr
			out, err := cmd.Output()
			if err != nil {
				t.Fatalf("%v: %s", err, stderr.String())
			}
			want, err := hex.DecodeString(strings.TrimSpace(string(out)))
			if err != nil || len(want) < m.TagSize {
				t.Fatalf("%q: %v", out, err)
			}
			if got := m.New(key).Tag(nil, seq, packet); !bytes.Equal(got, want[:m.TagSize]) {
				t.Errorf("%x, OpenSSL %x", got, want)
			}
		})
	}
}
