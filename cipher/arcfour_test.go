package cipher

import (
	"bytes"
	"crypto/rc4"
	"testing"
)

// checkArcfour compares with the standard library over text, of which the first cut bytes go first.
func checkArcfour(t *testing.T, key, text []byte, cut int) {
	t.Helper()
	ours, err := newArcfour(0)(key, nil)
	if err != nil {
		t.Fatal(err)
	}
	theirs, err := rc4.NewCipher(key)
	if err != nil {
		t.Fatal(err)
	}
	got, want := make([]byte, len(text)), make([]byte, len(text))
	ours(got[:cut], text[:cut])
	ours(got[cut:], text[cut:])
	theirs.XORKeyStream(want, text)
	if !bytes.Equal(got, want) {
		t.Fatalf("key %x, %d bytes cut at %d: not RC4", key, len(text), cut)
	}
}

// TestArcfour takes enough keys and bytes that both indices meet in every way.
func TestArcfour(t *testing.T) {
	for n := range 256 {
		checkArcfour(t, pattern(n+1, byte(n)), pattern(1000+n, 3), n)
	}
	for _, n := range []int{0, 257} {
		if _, err := newArcfour(0)(make([]byte, n), nil); err == nil {
			t.Errorf("a key of %d bytes was taken", n)
		}
	}
}

func FuzzArcfour(f *testing.F) {
	f.Add([]byte("key"), uint16(3), []byte("some text of more than eight bytes"))
	f.Fuzz(func(t *testing.T, key []byte, cut uint16, text []byte) {
		key = append(key, 1)
		checkArcfour(t, key[:min(len(key), 256)], text, int(cut)%(len(text)+1))
	})
}

func BenchmarkArcfour(b *testing.B) {
	ours, err := newArcfour(0)(make([]byte, 16), nil)
	if err != nil {
		b.Fatal(err)
	}
	std, err := rc4.NewCipher(make([]byte, 16))
	if err != nil {
		b.Fatal(err)
	}
	p := make([]byte, 32<<10)
	for name, crypt := range map[string]Transform{"ours": ours, "std": std.XORKeyStream} {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(p)))
			for b.Loop() {
				crypt(p, p)
			}
		})
	}
}
