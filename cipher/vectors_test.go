package cipher

import (
	"bufio"
	"bytes"
	"crypto/aes"
	"encoding/binary"
	"encoding/hex"
	"os"
	"strings"
	"testing"

	"golang.org/x/crypto/chacha20"
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
	g := vectors(t, "chacha20_poly1305_rfc8439.txt", 5)
	forEachWay(t, func(t *testing.T, way chachaWay) {
		for _, i := range []int{0, 3} {
			text := bytes.Clone(g[i]["plain"])
			if cryptWith(t, way, g[i]["key"], g[i]["nonce"], text); !bytes.Equal(text, g[i]["sealed"]) {
				t.Errorf("ChaCha20, group %d: %x", i, text)
			}
		}
		if got := cryptWith(t, way, g[2]["key"], g[2]["nonce"], nil); !bytes.Equal(got[:], g[2]["polykey"]) {
			t.Errorf("§2.6.2: %x", got)
		}
		for _, i := range []int{1, 4} {
			var tag [16]byte
			if polySum(&tag, g[i]["message"], (*[32]byte)(g[i]["polykey"]), way.sums()); !bytes.Equal(tag[:], g[i]["tag"]) {
				t.Errorf("Poly1305, group %d: %x", i, tag)
			}
			if len(g[i]["message"]) < polyGroup || way == byBlock {
				continue
			}
			if polyVector(&tag, g[i]["message"], (*[32]byte)(g[i]["polykey"]), way.sums()); !bytes.Equal(tag[:], g[i]["tag"]) {
				t.Errorf("Poly1305 side by side, group %d: %x", i, tag)
			}
		}
	})
}

// cryptWith encrypts text from block 1 on under any nonce of 12 bytes, and returns the key of Poly1305.
func cryptWith(t *testing.T, way chachaWay, key, nonce, text []byte) (polyKey [32]byte) {
	t.Helper()
	if way == byBlock {
		stream, err := chacha20.NewUnauthenticatedCipher(key, nonce)
		if err != nil {
			t.Fatal(err)
		}
		polyKey = polyKeyOf(stream)
		stream.XORKeyStream(text, text)
		return polyKey
	}
	k := newChaChaKey(key)
	stream := packetStream{key: &k, wide: way == byAVX512}
	for i := range 8 {
		stream.next[0][i] = uint32(i)
		for j := range 3 {
			stream.next[1+j][i] = binary.LittleEndian.Uint32(nonce[4*j:])
		}
	}
	stream.eights(stream.first[:], 1)
	stream.crypt(text)
	return *stream.polyKey()
}
