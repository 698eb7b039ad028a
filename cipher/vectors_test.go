package cipher

import (
	"bufio"
	"bytes"
	"crypto/aes"
	"encoding/hex"
	"os"
	"strings"
	"testing"

	//lint:ignore SA1019 the vector of the primitive that chachapoly.go uses
	"golang.org/x/crypto/poly1305"
)

// vectors reads a file of "name = hex" lines; an empty line ends a group, '#' starts a comment line.
func vectors(t *testing.T, file string, want int) []map[string][]byte {
	t.Helper()
	f, err := os.Open("../testdata/vectors/" + file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var groups []map[string][]byte
	fresh := true
	for s := bufio.NewScanner(f); s.Scan(); {
		line := s.Text()
		if strings.TrimSpace(line) == "" {
			fresh = true
		}
		name, value, ok := strings.Cut(line, " = ")
		if !ok || line[0] == '#' {
			continue
		}
		if fresh {
			groups, fresh = append(groups, map[string][]byte{}), false
		}
		if groups[len(groups)-1][name], err = hex.DecodeString(strings.TrimSpace(value)); err != nil {
			t.Fatalf("%s: %s: %v", file, name, err)
		}
	}
	if len(groups) != want {
		t.Fatalf("%s: %d groups, want %d", file, len(groups), want)
	}
	return groups
}

// TestVectorsCTR also crosses block and packet boundaries: the key stream goes on.
func TestVectorsCTR(t *testing.T) {
	for i, g := range vectors(t, "aes_ctr_sp800_38a.txt", 3) {
		checkVectorCTR(t, i, newCTR(aes.NewCipher), g, 64, 32, 16, 7, 1)
		checkVectorCTR(t, i, newAESCTR, g, 64, 32, 16)
	}
}

func checkVectorCTR(t *testing.T, i int, construct func(key, iv []byte) (Transform, error), g map[string][]byte, steps ...int) {
	t.Helper()
	for _, step := range steps {
		crypt, err := construct(g["key"], g["iv"])
		if err != nil {
			t.Fatal(err)
		}
		got := bytes.Clone(g["plain"])
		for off := 0; off < len(got); off += step {
			part := got[off:min(off+step, len(got))]
			crypt(part, part)
		}
		if !bytes.Equal(got, g["sealed"]) {
			t.Errorf("case %d in steps of %d: %x", i, step, got)
		}
	}
}

func TestVectorsGCM(t *testing.T) {
	for i, g := range vectors(t, "aes_gcm_mcgrew_viega.txt", 8) {
		for way, construct := range gcmWays() {
			aead, err := construct(g["key"])
			if err != nil {
				t.Fatal(err)
			}
			if got := aead.Seal(nil, g["iv"], g["plain"], g["aad"]); !bytes.Equal(got, g["sealed"]) {
				t.Errorf("case %d, %s: sealed %x", i, way, got)
			}
			got, err := aead.Open(nil, g["iv"], g["sealed"], g["aad"])
			if err != nil || !bytes.Equal(got, g["plain"]) {
				t.Errorf("case %d, %s: opened %x, %v", i, way, got, err)
			}
		}
	}
}

// TestVectorsGCMForged: what Wycheproof seals, and what it forges.
func TestVectorsGCMForged(t *testing.T) {
	for _, g := range vectors(t, "aes_gcm_wycheproof.txt", 21) {
		for way, construct := range gcmWays() {
			aead, err := construct(g["key"])
			if err != nil {
				t.Fatal(err)
			}
			got, err := aead.Open(nil, g["iv"], g["sealed"], g["aad"])
			if valid := g["valid"][0] == 1; valid != (err == nil) || valid && !bytes.Equal(got, g["plain"]) {
				t.Errorf("id %x, %s: opened %x, %v", g["id"], way, got, err)
			}
		}
	}
}

func TestVectorsChaCha20Poly1305(t *testing.T) {
	g := vectors(t, "chacha20_poly1305_rfc8439.txt", 3)
	for _, way := range []chachaWay{byAEAD, byBlock} {
		s := chachaWith(t, g[0]["key"], g[0]["nonce"], way)
		packet := make([]byte, clearLength, 200)
		packet = append(append(packet, g[0]["plain"]...), make([]byte, 16)...)
		s.crypt(packet)
		if got := packet[clearLength : len(packet)-16]; !bytes.Equal(got, g[0]["sealed"]) {
			t.Errorf("§2.4.2, way %d: %x", way, got)
		}
	}
	var tag [16]byte
	poly1305.Sum(&tag, g[1]["message"], (*[32]byte)(g[1]["polykey"]))
	if !bytes.Equal(tag[:], g[1]["tag"]) {
		t.Errorf("§2.5.2: %x", tag)
	}
	s := chachaWith(t, g[2]["key"], g[2]["nonce"], byAEAD)
	s.derivePolyKey()
	if !bytes.Equal(s.polyKey[:], g[2]["polykey"]) {
		t.Errorf("§2.6.2: %x", s.polyKey)
	}
}

// chachaWith returns a state with the given text key, a zero length key and a nonce of 12 bytes.
func chachaWith(t *testing.T, textKey, nonce []byte, way chachaWay) *chachaState {
	t.Helper()
	s, err := newChaCha(append(bytes.Clone(textKey), make([]byte, 32)...), way)
	if err != nil {
		t.Fatal(err)
	}
	s.nonce = [12]byte(nonce)
	return s
}
