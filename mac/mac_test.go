package mac

import (
	"bufio"
	"bytes"
	"crypto/hmac"
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"hash"
	"os"
	"strings"
	"testing"

	//lint:ignore SA1019 a hash function of the table
	"golang.org/x/crypto/ripemd160"
)

// vectors reads a file of "name = value" lines; an empty line ends a group, '#' starts a comment line.
func vectors(t *testing.T, file string) []map[string][]byte {
	t.Helper()
	f, err := os.Open("../testdata/vectors/" + file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var groups []map[string][]byte
	group := map[string][]byte{}
	flush := func() {
		if len(group) > 0 {
			groups = append(groups, group)
			group = map[string][]byte{}
		}
	}
	for s := bufio.NewScanner(f); s.Scan(); {
		line := strings.TrimSpace(s.Text())
		if line == "" {
			flush()
		}
		if name, value, ok := strings.Cut(line, " = "); ok && line[0] != '#' {
			group[name], err = hex.DecodeString(value)
			if err != nil {
				t.Fatalf("%s: %s: %v", file, name, err)
			}
		}
	}
	flush()
	return groups
}

// tagOf computes a MAC over data whose first four bytes travel as the sequence number.
func tagOf(h func() hash.Hash, size int, key, data []byte) []byte {
	return tagBy(newHMAC(h, size), key, data)
}

func tagBy(row func(key []byte) Authenticator, key, data []byte) []byte {
	return row(key).Tag(nil, binary.BigEndian.Uint32(data), data[4:])
}

// TestVectorsHMACForged: Wycheproof's keys, messages and tags, and tags that are another's.
func TestVectorsHMACForged(t *testing.T) {
	groups := vectors(t, "hmac_wycheproof.txt")
	if len(groups) != 30 {
		t.Fatalf("%d groups, want 30", len(groups))
	}
	for _, g := range groups {
		for name, row := range map[string]func([]byte) Authenticator{
			"sha1": newHMAC(sha1.New, 20), "sha256": newHMACSHA256(32), "sha512": newHMAC(sha512.New, 64),
		} {
			want, ok := g[name]
			if got := tagBy(row, g["key"], g["data"]); ok && bytes.Equal(got, want) != (g["valid"][0] == 1) {
				t.Errorf("%s, id %x: %x, tag %x", name, g["id"], got, want)
			}
		}
	}
}

func TestVectorsHMACSHA2(t *testing.T) {
	groups := vectors(t, "hmac_sha2_rfc4231.txt")
	if len(groups) != 7 {
		t.Fatalf("%d groups, want 7", len(groups))
	}
	for i, g := range groups {
		if got := tagOf(sha256.New, len(g["sha256"]), g["key"], g["data"]); !bytes.Equal(got, g["sha256"]) {
			t.Errorf("case %d: sha256 %x, want %x", i+1, got, g["sha256"])
		}
		if got := tagBy(newHMACSHA256(len(g["sha256"])), g["key"], g["data"]); !bytes.Equal(got, g["sha256"]) {
			t.Errorf("case %d: sha256 in pairs %x, want %x", i+1, got, g["sha256"])
		}
		if got := tagOf(sha512.New, len(g["sha512"]), g["key"], g["data"]); !bytes.Equal(got, g["sha512"]) {
			t.Errorf("case %d: sha512 %x, want %x", i+1, got, g["sha512"])
		}
	}
}

// TestVectorsHMAC takes the hash functions of RFC 4253 §6.4, whole and truncated to 96 bits.
func TestVectorsHMAC(t *testing.T) {
	for _, test := range []struct {
		file, field string
		hash        func() hash.Hash
	}{
		{"hmac_sha1_rfc2202.txt", "sha1", sha1.New},
		{"hmac_md5_rfc2202.txt", "md5", md5.New},
		{"hmac_ripemd160_rfc2286.txt", "ripemd160", ripemd160.New},
	} {
		groups := vectors(t, test.file)
		if len(groups) != 7 {
			t.Fatalf("%s: %d groups, want 7", test.file, len(groups))
		}
		for i, g := range groups {
			want := g[test.field]
			for _, size := range []int{len(want), tag96} {
				if got := tagOf(test.hash, size, g["key"], g["data"]); !bytes.Equal(got, want[:size]) {
					t.Errorf("%s, case %d: %x, want %x", test.field, i+1, got, want[:size])
				}
			}
		}
	}
}

func TestRows(t *testing.T) {
	seen := map[string]bool{}
	for _, m := range append(Default(), Insecure()...) {
		if seen[m.Name] {
			t.Errorf("%s stands twice in the tables", m.Name)
		}
		seen[m.Name] = true
		if m.TagSize > MaxTagSize || m.EtM != strings.Contains(m.Name, "-etm@") {
			t.Errorf("%s: tag %d, EtM %v", m.Name, m.TagSize, m.EtM)
		}
		if n := len(m.New(make([]byte, m.KeySize)).Tag(nil, 0, []byte("x"))); n != m.TagSize {
			t.Errorf("%s: tag of %d bytes, want %d", m.Name, n, m.TagSize)
		}
	}
	if len(Default()) != 4 || len(Insecure()) != 18 {
		t.Errorf("%d default and %d insecure rows", len(Default()), len(Insecure()))
	}
	for _, m := range Default() {
		for _, bad := range []string{"sha1", "md5", "ripemd", "-96", "umac", "none"} {
			if strings.Contains(m.Name, bad) {
				t.Errorf("%s is offered by default", m.Name)
			}
		}
	}
}

// TestTruncated: the tag of a -96 form is the beginning of the whole one under the same key, and the tag of an EtM form
// is that of the classic one (what it covers is package cipher's business).
func TestTruncated(t *testing.T) {
	packet := []byte("a packet of any length")
	for _, m := range Insecure() {
		base := strings.TrimSuffix(strings.TrimSuffix(strings.TrimSuffix(m.Name, "@openssh.com"), "-etm"), "-96")
		if strings.HasPrefix(base, "umac") {
			base += "@openssh.com"
		}
		whole, err := Lookup(base)
		if err != nil {
			t.Fatalf("%s: %v", m.Name, err)
		}
		if short := strings.Contains(m.Name, "-96"); short != (m.TagSize < whole[0].TagSize) || short && m.TagSize != 12 {
			t.Errorf("%s: tag of %d bytes, whole of %d", m.Name, m.TagSize, whole[0].TagSize)
		}
		if m.KeySize != whole[0].KeySize {
			t.Errorf("%s: key of %d bytes, whole of %d", m.Name, m.KeySize, whole[0].KeySize)
		}
		key := bytes.Repeat([]byte{11}, m.KeySize)
		got, want := m.New(key).Tag(nil, 77, packet), whole[0].New(key).Tag(nil, 77, packet)
		if !bytes.Equal(got, want[:m.TagSize]) {
			t.Errorf("%s: %x, whole %x", m.Name, got, want)
		}
	}
}

// TestNone: the empty MAC is to be had by its name only.
func TestNone(t *testing.T) {
	m, err := Lookup("none")
	if err != nil || m[0].KeySize != 0 || m[0].TagSize != 0 || m[0].EtM {
		t.Fatalf("%+v, %v", m, err)
	}
	if got := m[0].New(nil).Tag([]byte("packet"), 1, []byte("packet")); string(got) != "packet" {
		t.Errorf("got %q", got)
	}
	for _, m := range append(Default(), Insecure()...) {
		if m.Name == "none" || m.TagSize == 0 {
			t.Errorf("%q is in a list", m.Name)
		}
	}
}

func TestLookup(t *testing.T) {
	got, err := Lookup("hmac-sha1", "hmac-sha2-256")
	if err != nil || len(got) != 2 || got[0].Name != "hmac-sha1" || got[1].Name != "hmac-sha2-256" {
		t.Fatalf("got %v, %v", got, err)
	}
	_, err = Lookup("hmac-sha2-256", "hmac-none\x1b")
	var unknown *UnknownError
	if !errors.As(err, &unknown) || unknown.Name != "hmac-none\x1b" || strings.Contains(err.Error(), "\x1b") {
		t.Fatalf("got %v", err)
	}
	if got, err := Lookup(); err != nil || len(got) != 0 {
		t.Fatalf("no names: %v, %v", got, err)
	}
}

// TestListsAreCopies: whoever changes a returned list changes nobody else's.
func TestListsAreCopies(t *testing.T) {
	Default()[0].Name = "changed"
	Insecure()[0].Name = "changed"
	if Default()[0].Name == "changed" || Insecure()[0].Name == "changed" {
		t.Fatal("a caller can change the table")
	}
}

// TestTagInPlace: the tag lands in the spare bytes behind the packet, the packet stays as it was, the state restarts
// for each packet and the sequence number counts.
func TestTagInPlace(t *testing.T) {
	for _, m := range append(Default(), Insecure()...) {
		key := bytes.Repeat([]byte{7}, m.KeySize)
		a := m.New(key)
		clear(key)
		packet := make([]byte, 40, 40+m.TagSize)
		for i := range packet {
			packet[i] = byte(i)
		}
		before := bytes.Clone(packet)
		first := a.Tag(packet, 5, packet)
		if &first[0] != &packet[0] || len(first) != 40+m.TagSize || !bytes.Equal(first[:40], before) {
			t.Fatalf("%s: not appended in place", m.Name)
		}
		fresh := m.New(bytes.Repeat([]byte{7}, m.KeySize))
		if again := fresh.Tag(nil, 5, packet); !hmac.Equal(again, first[40:]) {
			t.Errorf("%s: the key was not copied", m.Name)
		}
		if again := a.Tag(nil, 5, packet); !hmac.Equal(again, first[40:]) {
			t.Errorf("%s: the second use differs from the first", m.Name)
		}
		if other := a.Tag(nil, 6, packet); hmac.Equal(other, first[40:]) {
			t.Errorf("%s: the sequence number is not covered", m.Name)
		}
	}
}

func TestNoAllocation(t *testing.T) {
	for _, m := range append(Default(), Insecure()...) {
		a, packet := m.New(make([]byte, m.KeySize)), make([]byte, 1024, 1024+m.TagSize)
		if n := testing.AllocsPerRun(100, func() { a.Tag(packet, 1, packet) }); n != 0 {
			t.Errorf("%s: %v allocations a packet", m.Name, n)
		}
	}
}

func BenchmarkTag(b *testing.B) {
	for _, m := range append(Default(), Insecure()...) {
		if m.EtM {
			continue // the same code
		}
		b.Run(m.Name, func(b *testing.B) {
			a, packet := m.New(make([]byte, m.KeySize)), make([]byte, 32<<10, 33<<10)
			b.SetBytes(32 << 10)
			b.ReportAllocs()
			for b.Loop() {
				a.Tag(packet, 1, packet)
			}
		})
	}
}
