package cipher

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

const bouncyCastle = "/usr/share/java/bcprov.jar" // Debian's libbcprov-java

// bouncy runs Bouncy Castle over lines of names, keys, IVs and texts and returns the ciphertexts; without a JVM or the
// library the test is skipped, or fails where HAWSER_PEERS=required.
func bouncy(t *testing.T, lines string) [][]byte {
	t.Helper()
	java, err := exec.LookPath("java")
	if err == nil {
		_, err = os.Stat(bouncyCastle)
	}
	if err != nil {
		if os.Getenv("HAWSER_PEERS") == "required" {
			t.Fatalf("peer missing with HAWSER_PEERS=required: %v", err)
		}
		t.Skipf("peer missing: %v", err)
	}
	cmd := exec.Command(java, "-XX:TieredStopAtLevel=1", "-cp", bouncyCastle, "testdata/Modes.java")
	cmd.Stdin = strings.NewReader(lines)
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v: %s", err, stderr.String())
	}
	var texts [][]byte
	for line := range strings.Lines(string(out)) {
		text, err := hex.DecodeString(strings.TrimSpace(line))
		if err != nil {
			t.Fatal(err)
		}
		texts = append(texts, text)
	}
	return texts
}

// TestDifferentialBouncyCastle compares every cipher that needs a MAC, Twofish and all counter modes among them, with
// Bouncy Castle's, in both directions.
func TestDifferentialBouncyCastle(t *testing.T) {
	all := slices.DeleteFunc(slices.Concat(Default(), Insecure()), func(c Cipher) bool { return c.AEAD })
	plain := pattern(4000, 23)
	var lines strings.Builder
	for _, c := range all {
		iv := "-"
		if c.IVSize > 0 {
			iv = hex.EncodeToString(pattern(c.IVSize, 22))
		}
		fmt.Fprintf(&lines, "%s %x %s %x\n", c.Name, pattern(c.KeySize, 21), iv, plain)
	}
	texts := bouncy(t, lines.String())
	if len(texts) != len(all) {
		t.Fatalf("%d ciphertexts for %d ciphers", len(texts), len(all))
	}
	for i, c := range all {
		key, iv := pattern(c.KeySize, 21), pattern(c.IVSize, 22)
		encrypt, err := c.Encrypt(key, iv)
		if err != nil {
			t.Fatal(err)
		}
		decrypt, err := c.Decrypt(key, iv)
		if err != nil {
			t.Fatal(err)
		}
		got := bytes.Clone(plain)
		if encrypt(got, got); !bytes.Equal(got, texts[i]) {
			t.Errorf("%s: encrypted differently", c.Name)
		}
		if decrypt(texts[i], texts[i]); !bytes.Equal(texts[i], plain) {
			t.Errorf("%s: does not decrypt what Bouncy Castle encrypted", c.Name)
		}
	}
}
