package mac

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"testing"
)

// pairOrSkip returns the code for two messages at once, and the standard library's HMAC under the same key.
func pairOrSkip(t testing.TB, key []byte) (*pairHMAC, Authenticator) {
	t.Helper()
	if !hasSHA256() {
		t.Skip("this processor has no instructions for SHA-256")
	}
	return newPairHMAC(key, 32), newHMAC(sha256.New, 32)(key)
}

// Every length up to a few blocks, with a second packet that is shorter, as long, and longer: where the parts of the
// two meet, and where padding takes a block more.
func TestPairEqualsHMAC(t *testing.T) {
	pair, plain := pairOrSkip(t, bytes.Repeat([]byte{7}, 32))
	text := make([]byte, 400)
	for i := range text {
		text[i] = byte(i * 11)
	}
	for n := range 270 {
		want := plain.Tag(nil, uint32(n), text[:n])
		if got := pair.Tag(nil, uint32(n), text[:n]); !bytes.Equal(got, want) {
			t.Fatalf("%d bytes: %x, want %x", n, got, want)
		}
		for _, m := range []int{0, 59, 60, n, 270 - n, n + 1, n + 64} {
			next := text[5 : 5+m]
			gotA, gotB := pair.TagPair(nil, nil, uint32(n), text[:n], next)
			if wantB := plain.Tag(nil, uint32(n)+1, next); !bytes.Equal(gotA, want) || !bytes.Equal(gotB, wantB) {
				t.Fatalf("%d and %d bytes: %x, %x, want %x, %x", n, m, gotA, gotB, want, wantB)
			}
		}
	}
}

// Sequence numbers wrap, and a pair may lie across that.
func TestPairWraps(t *testing.T) {
	pair, plain := pairOrSkip(t, make([]byte, 32))
	a, b := pair.TagPair(nil, nil, 1<<32-1, []byte("last"), []byte("first"))
	if !bytes.Equal(a, plain.Tag(nil, 1<<32-1, []byte("last"))) || !bytes.Equal(b, plain.Tag(nil, 0, []byte("first"))) {
		t.Fatal("tags across the wrap of the sequence number differ")
	}
}

// Both tags go behind their packets in one buffer, as a sender has them.
func TestPairInPlace(t *testing.T) {
	pair, plain := pairOrSkip(t, make([]byte, 32))
	buf := bytes.Repeat([]byte{3}, 2*(100+32))
	a, b := buf[:100:132], buf[132:232:264]
	if n := testing.AllocsPerRun(10, func() { pair.TagPair(a, b, 1, a, b) }); n != 0 {
		t.Fatalf("%v allocations", n)
	}
	if !bytes.Equal(buf[100:132], plain.Tag(nil, 1, a)) || !bytes.Equal(buf[232:], plain.Tag(nil, 2, b)) {
		t.Fatal("tags behind the packets differ")
	}
}

func FuzzPair(f *testing.F) {
	f.Add([]byte("key"), uint32(3), []byte("packet"), []byte("another"))
	f.Add(bytes.Repeat([]byte{1}, 65), uint32(1<<32-1), make([]byte, 60), make([]byte, 200))
	f.Fuzz(func(t *testing.T, key []byte, seq uint32, a, b []byte) {
		pair, plain := pairOrSkip(t, key)
		gotA, gotB := pair.TagPair(nil, nil, seq, a, b)
		if !bytes.Equal(gotA, plain.Tag(nil, seq, a)) || !bytes.Equal(gotB, plain.Tag(nil, seq+1, b)) || !bytes.Equal(pair.Tag(nil, seq, a), gotA) {
			t.Fatalf("tags of %x and %x differ", a, b)
		}
	})
}

func BenchmarkPair(b *testing.B) {
	pair, plain := pairOrSkip(b, make([]byte, 32))
	for _, n := range []int{64, 1 << 10, 32 << 10} {
		p, q, tag := make([]byte, n), make([]byte, n), make([]byte, 0, 64)
		b.Run(fmt.Sprint(n)+"/std", func(b *testing.B) {
			b.SetBytes(2 * int64(n))
			for range b.N {
				plain.Tag(tag, 1, p)
				plain.Tag(tag, 2, q)
			}
		})
		b.Run(fmt.Sprint(n)+"/single", func(b *testing.B) {
			b.SetBytes(2 * int64(n))
			for range b.N {
				pair.Tag(tag, 1, p)
				pair.Tag(tag, 2, q)
			}
		})
		b.Run(fmt.Sprint(n)+"/pair", func(b *testing.B) {
			b.SetBytes(2 * int64(n))
			for range b.N {
				pair.TagPair(tag[:0:32], tag[32:32], 1, p, q)
			}
		})
	}
}
