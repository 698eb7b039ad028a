package cipher

import (
	"bytes"
	"fmt"
	"testing"

	//lint:ignore SA1019 the second implementation of Poly1305
	"golang.org/x/crypto/poly1305"
)

// sideBySide returns how many sums of Poly1305 the processor can compute side by side.
func sideBySide() []int {
	var list []int
	if hasAVX2() {
		list = append(list, 4)
	}
	if hasIFMA() {
		list = append(list, 8)
	}
	return list
}

// TestVectorPoly compares with x/crypto's Poly1305: every length over more than a group, texts and keys at the edges
// of what the limbs hold, and sums that end around the modulus, with r of 1, 2 and 5.
func TestVectorPoly(t *testing.T) {
	needVectors(t, len(sideBySide()) > 0)
	ones := [32]byte(bytes.Repeat([]byte{0xff}, 32))
	keys := [][32]byte{ones, {}, {0: 1}, {0: 2}, {0: 5}, {0: 1, 16: 0xff, 31: 0xff}, [32]byte(pattern(32, 9))}
	for n := polyGroup; n < 3*polyGroup+40; n++ {
		for _, key := range keys {
			for _, text := range [][]byte{make([]byte, n), bytes.Repeat([]byte{0xff}, n), pattern(n, 3)} {
				checkPoly(t, key, text)
			}
		}
	}
	// With r = 1 the sum of sixteen blocks is their text and 16 times 2^128, which is 20: here 2^130-5 and around it.
	for d := -3; d <= 6; d++ {
		text := make([]byte, 16*16)
		copy(text, bytes.Repeat([]byte{0xff}, 4*16))
		text[3*16] = byte(0xea + d)
		checkPoly(t, [32]byte{0: 1}, text)
	}
}

func checkPoly(t *testing.T, key [32]byte, text []byte) {
	t.Helper()
	var got, want [16]byte
	poly1305.Sum(&want, text, &key)
	for _, sums := range sideBySide() {
		if polyVector(&got, text, &key, sums); got != want {
			t.Fatalf("%d sums, text of %d bytes, key %x: %x, want %x", sums, len(text), key, got, want)
		}
	}
}

// FuzzPoly compares texts of up to 64 KiB with x/crypto's.
func FuzzPoly(f *testing.F) {
	f.Add([]byte("key"), uint16(3000), []byte("text"))
	f.Add(bytes.Repeat([]byte{0xff}, 32), uint16(1500), []byte{0xff})
	f.Fuzz(func(t *testing.T, key []byte, n uint16, text []byte) {
		var k [32]byte
		copy(k[:], key)
		checkPoly(t, k, bytes.Repeat(append(text, 0), (int(n)+polyGroup)/(len(text)+1)+1))
	})
}

// BenchmarkPoly shows where vectorPolyMin lies.
func BenchmarkPoly(b *testing.B) {
	for _, n := range []int{256, 384, 512, 1 << 10, 2 << 10, 32 << 10} {
		var tag [16]byte
		key, text := [32]byte(pattern(32, 1)), make([]byte, n)
		for _, sums := range sideBySide() {
			b.Run(fmt.Sprintf("%d/%d", sums, n), func(b *testing.B) {
				b.SetBytes(int64(n))
				for b.Loop() {
					polyVector(&tag, text, &key, sums)
				}
			})
		}
		b.Run(fmt.Sprintf("x/%d", n), func(b *testing.B) {
			b.SetBytes(int64(n))
			for b.Loop() {
				poly1305.Sum(&tag, text, &key)
			}
		})
	}
}
