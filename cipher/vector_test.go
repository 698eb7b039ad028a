package cipher

import (
	"bytes"
	"crypto/aes"
	"encoding/binary"
	"fmt"
	"testing"

	"golang.org/x/crypto/chacha20"
	//lint:ignore SA1019 the second implementation of Poly1305
	"golang.org/x/crypto/poly1305"
)

// needVectors skips where the processor lacks what the test is about.
func needVectors(t testing.TB, has bool) {
	t.Helper()
	if !has {
		t.Skip("this processor lacks the vector instructions")
	}
}

// TestVectorChaCha runs RFC 8439's vector, whose text is shorter than a group, and compares long texts with x/crypto's.
func TestVectorChaCha(t *testing.T) {
	needVectors(t, hasVectorChaCha())
	g := vectors(t, "chacha20_poly1305_rfc8439.txt", 3)[0]
	var v chachaVector
	v.setKey((*[32]byte)(g["key"]))
	var first keyStream
	v.state[12] = 0
	for i := range 3 {
		v.state[13+i] = binary.LittleEndian.Uint32(g["nonce"][4*i:])
	}
	chachaGroups(&v.state, &first[0], &first[0], 1)
	text := bytes.Clone(g["plain"])
	v.crypt(&first, text)
	if !bytes.Equal(text, g["sealed"]) {
		t.Errorf("RFC 8439 §2.4.2: %x", text)
	}
	for n := 900; n < 4500; n += 61 {
		checkChaCha(t, [32]byte(pattern(32, 4)), uint32(n), pattern(n, 8))
	}
}

// checkChaCha compares the key stream and the key of Poly1305 with those of x/crypto.
func checkChaCha(t *testing.T, key [32]byte, seq uint32, text []byte) {
	t.Helper()
	var v chachaVector
	var first keyStream
	v.setKey(&key)
	v.begin(&first, seq)
	got := bytes.Clone(text)
	v.crypt(&first, got)
	want := append(make([]byte, 64), text...)
	stream, err := chacha20.NewUnauthenticatedCipher(key[:], binary.BigEndian.AppendUint64(make([]byte, 4), uint64(seq)))
	if err != nil {
		t.Fatal(err)
	}
	stream.XORKeyStream(want, want)
	if !bytes.Equal(first.polyKey()[:], want[:32]) || !bytes.Equal(got, want[64:]) {
		t.Fatalf("text of %d bytes: not ChaCha20", len(text))
	}
}

// TestVectorPoly compares with x/crypto's Poly1305: every length over more than a group, texts and keys at the edges
// of what the limbs hold, and sums that end around the modulus, with r of 1, 2 and 5.
func TestVectorPoly(t *testing.T) {
	needVectors(t, hasVectorPoly())
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
	polyVector(&got, text, &key)
	poly1305.Sum(&want, text, &key)
	if got != want {
		t.Fatalf("text of %d bytes, key %x: %x, want %x", len(text), key, got, want)
	}
}

func FuzzVector(f *testing.F) {
	f.Add([]byte("key"), uint32(7), uint16(3000), []byte("text"))
	f.Add(bytes.Repeat([]byte{0xff}, 32), ^uint32(0), uint16(1500), []byte{0xff})
	f.Fuzz(func(t *testing.T, key []byte, seq uint32, n uint16, text []byte) {
		needVectors(t, hasVectorChaCha() && hasVectorPoly() && hasVectorCBC())
		var k [32]byte
		copy(k[:], key)
		long := bytes.Repeat(append(text, 0), int(n)/(len(text)+1)+1)
		checkChaCha(t, k, seq, long)
		if len(long) >= polyGroup {
			checkPoly(t, k, long)
		}
		whole := long[:len(long)&^15]
		checkCBCDecrypt(t, k[:16+8*(seq%3)], k[:16], whole, int(seq)%(len(whole)/16+1))
	})
}

func BenchmarkVectorPoly(b *testing.B) {
	needVectors(b, hasVectorPoly())
	for _, n := range []int{512, 1 << 10, 2 << 10, 32 << 10} {
		var tag [16]byte
		key, text := [32]byte(pattern(32, 1)), make([]byte, n)
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			b.SetBytes(int64(n))
			for b.Loop() {
				polyVector(&tag, text, &key)
			}
		})
		b.Run(fmt.Sprintf("%d/x", n), func(b *testing.B) {
			b.SetBytes(int64(n))
			for b.Loop() {
				poly1305.Sum(&tag, text, &key)
			}
		})
	}
}

// TestVectorCBC compares with the standard library: every number of blocks around eight, in pieces, under each key size.
func TestVectorCBC(t *testing.T) {
	needVectors(t, hasVectorCBC())
	for _, size := range []int{16, 24, 32} {
		for n := range 40 {
			checkCBCDecrypt(t, pattern(size, byte(n)), pattern(16, 5), pattern(16*n, 9), n/3)
		}
		checkCBCDecrypt(t, pattern(size, 77), pattern(16, 6), pattern(16*3000, 2), 1234)
	}
	if _, err := newAESCBCDecrypt(make([]byte, 20), make([]byte, 16)); err == nil {
		t.Error("a key of 20 bytes is none of AES")
	}
}

// checkCBCDecrypt decrypts text, of which the first cut blocks go first.
func checkCBCDecrypt(t *testing.T, key, iv, text []byte, cut int) {
	t.Helper()
	fast, err := newAESCBCDecrypt(key, iv)
	if err != nil {
		t.Fatal(err)
	}
	plain, err := newCBCDecrypt(aes.NewCipher)(key, iv)
	if err != nil {
		t.Fatal(err)
	}
	got, want := make([]byte, len(text)), bytes.Clone(text)
	fast(got[:16*cut], text[:16*cut])
	copy(got[16*cut:], text[16*cut:])
	fast(got[16*cut:], got[16*cut:])
	plain(want, want)
	if !bytes.Equal(got, want) {
		t.Fatalf("key of %d bytes, %d blocks: not AES in CBC mode", len(key), len(text)/16)
	}
}

func BenchmarkVectorCBC(b *testing.B) {
	for name, construct := range map[string]func(key, iv []byte) (Transform, error){"ours": newAESCBCDecrypt, "std": newCBCDecrypt(aes.NewCipher)} {
		b.Run(name, func(b *testing.B) {
			decrypt, err := construct(make([]byte, 32), make([]byte, 16))
			if err != nil {
				b.Fatal(err)
			}
			text := make([]byte, 32<<10)
			b.SetBytes(int64(len(text)))
			for b.Loop() {
				decrypt(text, text)
			}
		})
	}
}
