package cipher

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"os"
	"os/exec"
	"strings"
	"testing"
)

// openssl returns the path of the program; without it, or without its legacy provider, the test is skipped, or fails
// where HAWSER_PEERS=required.
func openssl(t *testing.T) string {
	t.Helper()
	path, err := exec.LookPath("openssl")
	missing := "openssl"
	if err == nil {
		if err = exec.Command(path, "list", "-providers", "-provider", "legacy").Run(); err == nil {
			return path
		}
		missing = "OpenSSL's legacy provider"
	}
	if os.Getenv("HAWSER_PEERS") == "required" {
		t.Fatalf("peer missing with HAWSER_PEERS=required: %s", missing)
	}
	t.Skipf("peer missing: %s", missing)
	return ""
}

// enc runs openssl enc over text, without padding.
func enc(t *testing.T, program, name string, key, iv, text []byte) []byte {
	t.Helper()
	args := []string{"enc", "-e", "-" + name, "-K", hex.EncodeToString(key), "-nopad", "-provider", "legacy", "-provider", "default"}
	if iv != nil {
		args = append(args, "-iv", hex.EncodeToString(iv))
	}
	cmd := exec.Command(program, args...)
	cmd.Stdin = bytes.NewReader(text)
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("openssl enc -%s: %v: %s", name, err, stderr.String())
	}
	return out
}

// TestDifferentialOpenSSL compares the key streams and chains with OpenSSL's. Its program has no Blowfish and no RC4 of
// 256 bits, no SDCTR over 64 bits and no Twofish: for CTR it encrypts the counters, and the rest is compared with Bouncy Castle's.
func TestDifferentialOpenSSL(t *testing.T) {
	program := openssl(t)
	for _, test := range []struct{ name, enc, ecb string }{
		{"aes128-cbc", "aes-128-cbc", ""}, {"aes192-cbc", "aes-192-cbc", ""}, {"aes256-cbc", "aes-256-cbc", ""},
		{"rijndael-cbc@lysator.liu.se", "aes-256-cbc", ""},
		{"aes128-ctr", "aes-128-ctr", ""}, {"aes192-ctr", "aes-192-ctr", ""}, {"aes256-ctr", "aes-256-ctr", ""},
		{"3des-cbc", "des-ede3-cbc", ""}, {"blowfish-cbc", "bf-cbc", ""}, {"cast128-cbc", "cast5-cbc", ""},
		{"3des-ctr", "", "des-ede3"}, {"cast128-ctr", "", "cast5-ecb"},
		{"arcfour", "rc4", ""}, {"arcfour128", "rc4", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			c := row(t, test.name)
			key, iv, plain := pattern(c.KeySize, 21), pattern(c.IVSize, 22), pattern(40000, 23)
			if c.IVSize == 0 {
				iv = nil
			}
			var want []byte
			switch {
			case test.ecb != "":
				want = enc(t, program, test.ecb, key, nil, counters(iv, len(plain)))
				for i := range want {
					want[i] ^= plain[i]
				}
			case test.name == "arcfour128":
				want = enc(t, program, test.enc, key, nil, append(make([]byte, arcfourDiscard), plain...))[arcfourDiscard:]
			default:
				want = enc(t, program, test.enc, key, iv, plain)
			}
			encrypt, err := c.Encrypt(key, iv)
			if err != nil {
				t.Fatal(err)
			}
			decrypt, err := c.Decrypt(key, iv)
			if err != nil {
				t.Fatal(err)
			}
			got := bytes.Clone(plain)
			encrypt(got, got)
			if !bytes.Equal(got, want) {
				t.Error("encrypted differently")
			}
			if decrypt(want, want); !bytes.Equal(want, plain) {
				t.Error("does not decrypt what OpenSSL encrypted")
			}
		})
	}
}

// counters returns n bytes of the counter blocks of SDCTR with blocks of 64 bits.
func counters(iv []byte, n int) []byte {
	var p []byte
	for c := binary.BigEndian.Uint64(iv); len(p) < n; c++ {
		p = binary.BigEndian.AppendUint64(p, c)
	}
	return p
}
