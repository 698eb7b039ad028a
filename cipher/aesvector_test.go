package cipher

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"encoding/binary"
	"fmt"
	"slices"
	"testing"
)

// gcmWays are the AEADs of which one serves on this processor.
func gcmWays() map[string]func(key []byte) (cipher.AEAD, error) {
	ways := map[string]func(key []byte) (cipher.AEAD, error){"std": newGCMStd}
	if hasVectorAES() {
		ways["vector"] = newGCMVector
	}
	return ways
}

// TestVectorGCM compares with the standard library: every length over more than two groups, then around more of them,
// data of none to several blocks, under each key size.
func TestVectorGCM(t *testing.T) {
	needVectors(t, hasVectorAES())
	for n := range 3*gcmGroup + 40 {
		checkGCM(t, pattern(16+16*(n%2), byte(n)), pattern(12, 5), pattern(n%70, 9), pattern(n, byte(n)))
	}
	for _, n := range []int{4, 5, 9, 32, 128, 1024} {
		for d := -33; d < 34; d++ {
			checkGCM(t, pattern(32, byte(d)), pattern(12, byte(n)), pattern(4, 8), pattern(n*gcmGroup-aes.BlockSize+d, byte(n)))
		}
	}
	if _, err := newGCMVector(make([]byte, 20)); err == nil {
		t.Error("a key of 20 bytes is none of AES")
	}
}

// checkGCM seals in place and apart, opens, and changes one bit.
func checkGCM(t *testing.T, key, nonce, data, text []byte) {
	t.Helper()
	fast, err := newGCMVector(key)
	if err != nil {
		t.Fatal(err)
	}
	std, err := newGCMStd(key)
	if err != nil {
		t.Fatal(err)
	}
	want := std.Seal(nil, nonce, text, data)
	got := append(make([]byte, 0, len(want)), text...)
	got = fast.Seal(got[:0], nonce, got, data)
	if !bytes.Equal(got, want) || !bytes.Equal(fast.Seal([]byte{7}, nonce, text, data)[1:], want) {
		t.Fatalf("key of %d bytes, %d bytes of data, text of %d: sealed otherwise", len(key), len(data), len(text))
	}
	opened, err := fast.Open([]byte{7}, nonce, want, data)
	if err != nil || !bytes.Equal(opened[1:], text) {
		t.Fatalf("key of %d bytes, %d bytes of data, text of %d: opened otherwise: %v", len(key), len(data), len(text), err)
	}
	at := len(text) * int(key[0]) / 256
	got[at] ^= 1 << (at % 8)
	if opened, err := fast.Open(got[:0], nonce, got, data); err != ErrTag || opened != nil {
		t.Fatalf("text of %d bytes, changed at %d: %v", len(text), at, err)
	}
	if !bytes.Equal(got[:len(text)], make([]byte, len(text))) {
		t.Fatalf("text of %d bytes, changed at %d: plaintext is left", len(text), at)
	}
}

// TestVectorGCMShort: what is too short for a tag is refused.
func TestVectorGCMShort(t *testing.T) {
	needVectors(t, hasVectorAES())
	aead, err := newGCMVector(make([]byte, 16))
	if err != nil {
		t.Fatal(err)
	}
	for n := range 2 * gcmTag {
		if _, err := aead.Open(nil, make([]byte, 12), make([]byte, n), nil); err != ErrTag {
			t.Errorf("%d bytes: %v", n, err)
		}
	}
}

// TestVectorCTRBlocks compares with the standard library's block cipher, across the wrap of the 32 bits that count.
func TestVectorCTRBlocks(t *testing.T) {
	needVectors(t, hasVectorAES())
	for _, size := range []int{16, 24, 32} {
		for n := 1; n < 50; n++ {
			for _, first := range []uint32{0, 1, 1 << 31, 1<<32 - 1, 1<<32 - 2, 1<<32 - 16, 1<<32 - 31, 0xff00ff} {
				counter := [16]byte(pattern(16, byte(size)))
				binary.BigEndian.PutUint32(counter[12:], first)
				checkCTRBlocks(t, pattern(size, byte(n)), counter, pattern(16*n, 3))
			}
		}
	}
}

func checkCTRBlocks(t *testing.T, key []byte, counter [16]byte, text []byte) {
	t.Helper()
	var keys aesKeys
	if err := keys.set(key); err != nil {
		t.Fatal(err)
	}
	got := bytes.Clone(text)
	ctrBlocks(&keys, (*[12]byte)(counter[:]), binary.BigEndian.Uint32(counter[12:]), &got[0], len(text)/aes.BlockSize)
	if want := ctrPlain(t, key, counter, text); !bytes.Equal(got, want) {
		t.Fatalf("key of %d bytes, %d blocks from %x: not AES in counter mode", len(key), len(text)/aes.BlockSize, counter[12:])
	}
}

// ctrPlain is ctrBlocks by the standard library, and returns what it makes.
func ctrPlain(t *testing.T, key []byte, counter [16]byte, text []byte) []byte {
	t.Helper()
	block, err := aes.NewCipher(key)
	if err != nil {
		t.Fatal(err)
	}
	out := bytes.Clone(text)
	for b := range slices.Chunk(out, aes.BlockSize) {
		var stream [aes.BlockSize]byte
		block.Encrypt(stream[:], counter[:])
		for i := range b {
			b[i] ^= stream[i]
		}
		binary.BigEndian.PutUint32(counter[12:], binary.BigEndian.Uint32(counter[12:])+1)
	}
	return out
}

// ghashPlain is ghashBlocks bit by bit, as SP 800-38D §6.3 has it, under the key h itself.
func ghashPlain(h, sum [16]byte, p []byte) [16]byte {
	for b := range slices.Chunk(p, aes.BlockSize) {
		for i := range b {
			sum[i] ^= b[i]
		}
		var product [16]byte
		v := h
		for i := range 128 {
			if sum[i/8]>>(7-i%8)&1 == 1 {
				for j := range product {
					product[j] ^= v[j]
				}
			}
			low := v[15] & 1
			for j := 15; j > 0; j-- {
				v[j] = v[j]>>1 | v[j-1]<<7
			}
			v[0] = v[0]>>1 ^ low*0xe1
		}
		sum = product
	}
	return sum
}

// TestVectorGHASH: every number of blocks over more than two groups, keys and sums at the edges.
func TestVectorGHASH(t *testing.T) {
	needVectors(t, hasVectorAES())
	ones := [16]byte(bytes.Repeat([]byte{0xff}, 16))
	elements := [][16]byte{{}, ones, {0: 0x80}, {15: 1}, {0: 0x40}, {7: 1}, {8: 0x80}, [16]byte(pattern(16, 3))}
	for i, h := range elements {
		for n := 1; n < 40; n++ {
			checkGHASH(t, h, elements[(i+n)%len(elements)], pattern(16*n, byte(i)))
			checkGHASH(t, h, ones, bytes.Repeat(ones[:], n))
		}
	}
}

func checkGHASH(t *testing.T, h, sum [16]byte, p []byte) {
	t.Helper()
	var key hashKey
	key.set(&h)
	got := sum
	ghashBlocks(&key, &got, &p[0], len(p)/aes.BlockSize)
	if want := ghashPlain(h, sum, p); got != want {
		t.Fatalf("%d blocks under %x: %x, want %x", len(p)/aes.BlockSize, h, got, want)
	}
}

// TestVectorGCMGroups compares with the two others: hashing behind the text, and the text as it was.
func TestVectorGCMGroups(t *testing.T) {
	needVectors(t, hasVectorAES())
	for n := 1; n < 6; n++ {
		for _, lag := range []int{0, gcmGroup, gcmGroup + 16, 3 * gcmGroup} {
			checkGCMGroups(t, pattern(16+8*(n%3), byte(n)), [16]byte(pattern(16, 4)), pattern(lag+n*gcmGroup, 7), lag)
		}
	}
}

func checkGCMGroups(t *testing.T, key []byte, h [16]byte, text []byte, lag int) {
	t.Helper()
	var keys aesKeys
	if err := keys.set(key); err != nil {
		t.Fatal(err)
	}
	var hash hashKey
	hash.set(&h)
	n := (len(text) - lag) / gcmGroup
	counter, sum := h, h
	got, want := bytes.Clone(text), bytes.Clone(text)
	copy(want[lag:], ctrPlain(t, key, counter, text[lag:lag+n*gcmGroup]))
	hashed := want
	if lag == 0 {
		hashed = text
	}
	gcmGroups(&keys, &hash, (*[12]byte)(counter[:]), binary.BigEndian.Uint32(counter[12:]), &sum, &got[lag], lag, n)
	if sum != ghashPlain(h, h, hashed[:n*gcmGroup]) || !bytes.Equal(got, want) {
		t.Fatalf("key of %d bytes, %d groups, lag %d: not what one by one makes", len(key), n, lag)
	}
}

// TestVectorCTR compares with the standard library, in pieces, and across the wraps of the counter's words.
func TestVectorCTR(t *testing.T) {
	needVectors(t, hasVectorAES())
	ones := bytes.Repeat([]byte{0xff}, 16)
	ivs := [][]byte{pattern(16, 5), ones, append(make([]byte, 8), ones[:8]...), append(make([]byte, 12), ones[:4]...)}
	for _, iv := range ivs {
		for n := range 50 {
			iv = bytes.Clone(iv)
			iv[15] -= byte(n / 2)
			checkCTR(t, pattern(16+8*(n%3), byte(n)), iv, pattern(16*n, 9), n/3)
		}
	}
	if _, err := newAESCTR(make([]byte, 20), make([]byte, 16)); err == nil {
		t.Error("a key of 20 bytes is none of AES")
	}
}

// checkCTR encrypts text, of which the first cut blocks go first.
func checkCTR(t *testing.T, key, iv, text []byte, cut int) {
	t.Helper()
	fast, err := newAESCTR(key, iv)
	if err != nil {
		t.Fatal(err)
	}
	std, err := newCTR(aes.NewCipher)(key, iv)
	if err != nil {
		t.Fatal(err)
	}
	got, want := make([]byte, len(text)), bytes.Clone(text)
	fast(got[:16*cut], text[:16*cut])
	copy(got[16*cut:], text[16*cut:])
	fast(got[16*cut:], got[16*cut:])
	std(want, want)
	if !bytes.Equal(got, want) {
		t.Fatalf("key of %d bytes, IV %x, %d blocks: not AES in SDCTR mode", len(key), iv, len(text)/16)
	}
}

// FuzzVectorAES compares all of the above with the standard library and with arithmetic bit by bit.
func FuzzVectorAES(f *testing.F) {
	f.Add([]byte("key"), []byte("nonce"), uint32(7), uint16(3000), []byte("text"))
	f.Add(bytes.Repeat([]byte{0xff}, 32), bytes.Repeat([]byte{0xff}, 16), ^uint32(0), uint16(1500), []byte{0xff})
	f.Fuzz(func(t *testing.T, key, iv []byte, block uint32, n uint16, text []byte) {
		needVectors(t, hasVectorAES())
		key, counter := append(bytes.Clone(key), make([]byte, 32)...)[:16+16*(n%2)], [16]byte{}
		copy(counter[:], iv)
		long := bytes.Repeat(append(text, 0), int(n)/(len(text)+1)+1)
		checkGCM(t, key, counter[:12], text, long)
		whole := long[:len(long)&^15]
		checkCTR(t, key, counter[:], whole, int(block)%(len(whole)/16+1))
		checkAESCBC(t, key, counter[:], whole, int(block)%(len(whole)/16+1))
		if len(whole) > 0 {
			checkGHASH(t, [16]byte(key), counter, whole[:min(len(whole), 3*gcmGroup)])
			binary.BigEndian.PutUint32(counter[12:], block)
			checkCTRBlocks(t, key, counter, whole)
		}
		if groups := whole[:len(whole)/gcmGroup*gcmGroup]; len(groups) > 0 {
			checkGCMGroups(t, key, counter, groups, 0)
			checkGCMGroups(t, key, counter, append(make([]byte, gcmGroup), groups...), gcmGroup)
		}
	})
}

func BenchmarkVectorCTR(b *testing.B) {
	for _, n := range []int{16, 64, 1 << 10, 32 << 10} {
		for name, construct := range map[string]func(key, iv []byte) (Transform, error){"vector": newAESCTR, "std": newCTR(aes.NewCipher)} {
			crypt, err := construct(make([]byte, 16), make([]byte, 16))
			if err != nil {
				b.Fatal(err)
			}
			text := make([]byte, n)
			b.Run(fmt.Sprintf("%d/%s", n, name), func(b *testing.B) {
				b.SetBytes(int64(n))
				for b.Loop() {
					crypt(text, text)
				}
			})
		}
	}
}

func BenchmarkVectorGCM(b *testing.B) {
	for _, size := range []int{16, 32} {
		for _, n := range []int{16, 64, 1 << 10, 16 << 10, 32 << 10, 64 << 10} {
			for name, construct := range gcmWays() {
				aead, err := construct(make([]byte, size))
				if err != nil {
					b.Fatal(err)
				}
				nonce, data := make([]byte, 12), make([]byte, 4)
				text := make([]byte, n, n+gcmTag)
				sealed := aead.Seal(nil, nonce, text, data)
				work := make([]byte, len(sealed))
				b.Run(fmt.Sprintf("seal/%d/%d/%s", 8*size, n, name), func(b *testing.B) {
					b.SetBytes(int64(n))
					for b.Loop() {
						aead.Seal(text[:0], nonce, text, data)
					}
				})
				b.Run(fmt.Sprintf("open/%d/%d/%s", 8*size, n, name), func(b *testing.B) {
					b.SetBytes(int64(n))
					for b.Loop() {
						copy(work, sealed)
						if _, err := aead.Open(work[:0], nonce, work, data); err != nil {
							b.Fatal(err)
						}
					}
				})
			}
		}
	}
}
