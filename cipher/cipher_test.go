package cipher

import (
	"errors"
	"math"
	"strings"
	"testing"

	"github.com/hawser-ssh/hawser/mac"
)

func TestDefaultOrder(t *testing.T) {
	names := func(list []Cipher) string {
		var s []string
		for _, c := range list {
			s = append(s, c.Name)
		}
		return strings.Join(s, ",")
	}
	const rest = ",aes128-ctr,aes192-ctr,aes256-ctr"
	if got := names(preferred(true)); got != "aes128-gcm@openssh.com,aes256-gcm@openssh.com,chacha20-poly1305@openssh.com"+rest {
		t.Errorf("with AES instructions: %s", got)
	}
	if got := names(preferred(false)); got != "chacha20-poly1305@openssh.com,aes128-gcm@openssh.com,aes256-gcm@openssh.com"+rest {
		t.Errorf("without AES instructions: %s", got)
	}
	Default()[0].Name, Insecure()[0].Name = "changed", "changed"
	if Default()[0].Name == "changed" || Insecure()[0].Name == "changed" {
		t.Error("a caller can change the table")
	}
}

// TestRows: every name stands once, nothing doubtful is a default, and the sizes fit the primitives.
func TestRows(t *testing.T) {
	if len(Default()) != 6 || len(Insecure()) != 22 {
		t.Errorf("%d default and %d insecure rows", len(Default()), len(Insecure()))
	}
	seen := map[string]bool{}
	for _, c := range append(Default(), Insecure()...) {
		if seen[c.Name] || c.Name == "none" {
			t.Errorf("%s stands twice in the tables, or should not", c.Name)
		}
		seen[c.Name] = true
		cbc := strings.Contains(c.Name, "-cbc")
		if c.CBC != cbc || c.BlockSize == 8 != (c.MaxBytes != blockLimit128) || !c.AEAD && !strings.HasPrefix(c.Name, "arcfour") && c.IVSize != c.BlockSize {
			t.Errorf("%s: CBC %v, block %d, IV %d, at most %d bytes", c.Name, c.CBC, c.BlockSize, c.IVSize, c.MaxBytes)
		}
		if c.AEAD == (c.Encrypt != nil) || c.AEAD != (c.Sealer != nil) {
			t.Errorf("%s: AEAD %v with other constructors", c.Name, c.AEAD)
		}
	}
	for _, c := range Default() {
		if c.CBC || c.BlockSize == 8 && !c.AEAD || strings.Contains(c.Name, "twofish") {
			t.Errorf("%s is offered by default", c.Name)
		}
	}
}

func TestLookup(t *testing.T) {
	got, err := Lookup("aes256-ctr", "aes128-gcm@openssh.com")
	if err != nil || len(got) != 2 || got[0].Name != "aes256-ctr" || !got[1].AEAD {
		t.Fatalf("got %v, %v", got, err)
	}
	for _, name := range []string{"None", "", "aes128-cbc\x1b", "AES128-CTR"} {
		_, err := Lookup("aes128-ctr", name)
		var unknown *UnknownError
		if !errors.As(err, &unknown) || unknown.Name != name || strings.Contains(err.Error(), "\x1b") {
			t.Errorf("%q: %v", name, err)
		}
	}
}

// TestWrongParameters: no state is made with keys of another size, without authentication, or with two.
func TestWrongParameters(t *testing.T) {
	m := mac.Default()[0]
	for _, c := range append(Default(), Insecure()...) {
		key, iv, macKey := make([]byte, c.KeySize), make([]byte, c.IVSize), make([]byte, m.KeySize)
		needed, other := &m, (*mac.MAC)(nil)
		if c.AEAD {
			needed, other = nil, &m
		}
		for _, test := range []struct {
			name    string
			m       *mac.MAC
			key, iv []byte
			macKey  []byte
		}{
			{"MAC missing or too many", other, key, iv, macKey},
			{"short key", needed, key[1:], iv, macKey},
			{"long key", needed, append(key, 0), iv, macKey},
			{"no key", needed, nil, iv, macKey},
			{"wrong IV", needed, key, append(iv, 0), macKey},
		} {
			if s, err := c.NewSealer(test.m, test.key, test.iv, test.macKey); err == nil || s != nil {
				t.Errorf("%s: sealer with %s", c.Name, test.name)
			}
			if o, err := c.NewOpener(test.m, test.key, test.iv, test.macKey); err == nil || o != nil {
				t.Errorf("%s: opener with %s", c.Name, test.name)
			}
		}
		if _, err := c.NewSealer(needed, key, iv, macKey[1:]); !c.AEAD && err == nil {
			t.Errorf("%s: sealer with a short MAC key", c.Name)
		}
	}
}

func TestLayouts(t *testing.T) {
	etm, clear := mac.Default()[0], mac.Default()[2]
	for _, test := range []struct {
		name string
		m    *mac.MAC
		want Layout
	}{
		{"aes256-ctr", &clear, Layout{Head: 16, Align: 16, Tag: 32, MaxPackets: 1 << 32, MaxBytes: 1 << 36}},
		{"aes256-ctr", &etm, Layout{Head: 4, Align: 16, LengthClear: true, Tag: 32, MaxPackets: 1 << 32, MaxBytes: 1 << 36}},
		{"aes192-cbc", &clear, Layout{Head: 16, Align: 16, HideLength: true, Tag: 32, MaxPackets: 1 << 32, MaxBytes: 1 << 36}},
		{"aes192-cbc", &etm, Layout{Head: 4, Align: 16, LengthClear: true, Tag: 32, MaxPackets: 1 << 32, MaxBytes: 1 << 36}},
		{"3des-cbc", &clear, Layout{Head: 8, Align: 8, HideLength: true, Tag: 32, MaxPackets: 1 << 32, MaxBytes: 1 << 30}},
		{"cast128-ctr", &clear, Layout{Head: 8, Align: 8, Tag: 32, MaxPackets: 1 << 32, MaxBytes: 1 << 30}},
		{"arcfour256", &clear, Layout{Head: 8, Align: 8, Tag: 32, MaxPackets: 1 << 32, MaxBytes: 1 << 30}},
		{"none", &clear, Layout{Head: 8, Align: 8, Tag: 32, MaxPackets: 1 << 32, MaxBytes: math.MaxUint64}},
		{"AEAD_AES_256_GCM", nil, Layout{Head: 4, Align: 16, LengthClear: true, Tag: 16, MaxPackets: math.MaxUint64, MaxBytes: 1 << 36}},
		{"aes128-gcm@openssh.com", nil, Layout{Head: 4, Align: 16, LengthClear: true, Tag: 16, MaxPackets: math.MaxUint64, MaxBytes: 1 << 36}},
		{"chacha20-poly1305@openssh.com", nil, Layout{Head: 4, Align: 8, LengthClear: true, Tag: 16, MaxPackets: 1 << 32, MaxBytes: math.MaxUint64}},
	} {
		s, o := pair(t, test.name, test.m)
		if s.Layout() != test.want || o.Layout() != test.want {
			t.Errorf("%s: %+v and %+v, want %+v", test.name, s.Layout(), o.Layout(), test.want)
		}
	}
}

func TestNone(t *testing.T) {
	s, o := None()
	want := Layout{Head: 4, Align: 8, MaxPackets: 1 << 32, MaxBytes: math.MaxUint64}
	if s.Layout() != want || o.Layout() != want {
		t.Errorf("layouts %+v, %+v", s.Layout(), o.Layout())
	}
	packet := []byte{0, 0, 0, 12, 10, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}
	before := string(packet)
	s.Seal(0, packet)
	if n := o.Length(0, packet[:4]); n != 12 {
		t.Errorf("length %d", n)
	}
	if err := o.Open(0, packet); err != nil || string(packet) != before {
		t.Errorf("%v, %x", err, packet)
	}
}

// pair returns both ends of one direction, with the same fixed keys.
func pair(t testing.TB, name string, m *mac.MAC) (Sealer, Opener) {
	t.Helper()
	c, err := Lookup(name)
	if err != nil {
		t.Fatal(err)
	}
	return pairOf(t, c[0], m)
}

func pairOf(t testing.TB, c Cipher, m *mac.MAC) (Sealer, Opener) {
	t.Helper()
	key, iv, macKey := pattern(c.KeySize, 1), pattern(c.IVSize, 2), pattern(0, 3)
	clear(iv) // the invocation counter starts at 0
	if m != nil {
		macKey = pattern(m.KeySize, 3)
	}
	s, err := c.NewSealer(m, key, iv, macKey)
	if err != nil {
		t.Fatal(err)
	}
	o, err := c.NewOpener(m, key, iv, macKey)
	if err != nil {
		t.Fatal(err)
	}
	clear(key) // the states must have copies
	clear(macKey)
	return s, o
}

// pattern returns n bytes that depend on seed.
func pattern(n int, seed byte) []byte {
	p := make([]byte, n)
	for i := range p {
		p[i] = seed*31 + byte(i)*7
	}
	return p
}
