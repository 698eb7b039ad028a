package cipher

import (
	"bytes"
	"crypto/aes"
	"testing"
)

// needVectors skips where the processor lacks what the test is about.
func needVectors(t testing.TB, has bool) {
	t.Helper()
	if !has {
		t.Skip("this processor lacks the vector instructions")
	}
}

// TestVectorCBC compares with the standard library: every number of blocks around eight, in pieces, under each key size.
func TestVectorCBC(t *testing.T) {
	needVectors(t, hasVectorCBC())
	for _, size := range []int{16, 24, 32} {
		for n := range 40 {
			checkAESCBC(t, pattern(size, byte(n)), pattern(16, 5), pattern(16*n, 9), n/3)
		}
		checkAESCBC(t, pattern(size, 77), pattern(16, 6), pattern(16*3000, 2), 1234)
	}
	for _, build := range []constructor{newAESCBCEncrypt, newAESCBCDecrypt} {
		if _, err := build(make([]byte, 20), make([]byte, 16)); err == nil {
			t.Error("a key of 20 bytes is none of AES")
		}
	}
}

// checkAESCBC encrypts and decrypts text, of which the first cut blocks go first.
func checkAESCBC(t *testing.T, key, iv, text []byte, cut int) {
	t.Helper()
	for _, w := range [...]struct{ ours, std constructor }{
		{newAESCBCEncrypt, newCBCEncrypt(aes.NewCipher)}, {newAESCBCDecrypt, newCBCDecrypt(aes.NewCipher)},
	} {
		fast, err := w.ours(key, iv)
		if err != nil {
			t.Fatal(err)
		}
		plain, err := w.std(key, iv)
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
}

func FuzzCBC(f *testing.F) {
	f.Add([]byte("key"), uint8(0), uint16(700), uint16(7), []byte("text"))
	f.Add(bytes.Repeat([]byte{0xff}, 32), uint8(2), uint16(1500), uint16(0), []byte{0xff})
	f.Fuzz(func(t *testing.T, key []byte, size uint8, n, cut uint16, text []byte) {
		needVectors(t, hasVectorCBC())
		var k [32]byte
		copy(k[:], key)
		whole := bytes.Repeat(append(text, 0), int(n)/(len(text)+1)+1)[:n&^15]
		checkAESCBC(t, k[:16+8*(size%3)], k[:16], whole, int(cut)%(len(whole)/16+1))
	})
}

func BenchmarkVectorCBC(b *testing.B) {
	for _, w := range []struct {
		name  string
		build constructor
	}{
		{"encrypt/ours", newAESCBCEncrypt}, {"encrypt/std", newCBCEncrypt(aes.NewCipher)},
		{"decrypt/ours", newAESCBCDecrypt}, {"decrypt/std", newCBCDecrypt(aes.NewCipher)},
	} {
		b.Run(w.name, func(b *testing.B) {
			crypt, err := w.build(make([]byte, 32), make([]byte, 16))
			if err != nil {
				b.Fatal(err)
			}
			text := make([]byte, 32<<10)
			b.SetBytes(int64(len(text)))
			for b.Loop() {
				crypt(text, text)
			}
		})
	}
}
