package cipher

import (
	"bytes"
	"crypto/des"
	"math/big"
	"math/bits"
	"strings"
	"testing"

	//lint:ignore SA1019 the second implementation of Blowfish
	"golang.org/x/crypto/blowfish"
	//lint:ignore SA1019 the second implementation of CAST-128
	"golang.org/x/crypto/cast5"
)

// twin64 is a cipher with blocks of 64 bits, in a mode, by two implementations.
type twin64 struct {
	name         string
	key          int // bytes
	ours, theirs constructor
}

func twins64() []twin64 {
	return []twin64{
		{"3des-cbc/encrypt", 24, newMode64(newTripleDES, (*mode64).encryptCBC), newCBCEncrypt(des.NewTripleDESCipher)},
		{"3des-cbc/decrypt", 24, newMode64(newTripleDES, (*mode64).decryptCBC), newCBCDecrypt(des.NewTripleDESCipher)},
		{"3des-ctr", 24, newMode64(newTripleDES, (*mode64).cryptCTR), newCTR(des.NewTripleDESCipher)},
		{"blowfish-cbc/encrypt", 16, newMode64(newBlowfish, (*mode64).encryptCBC), newCBCEncrypt(blowfish.NewCipher)},
		{"blowfish-cbc/decrypt", 16, newMode64(newBlowfish, (*mode64).decryptCBC), newCBCDecrypt(blowfish.NewCipher)},
		{"blowfish-ctr", 32, newMode64(newBlowfish, (*mode64).cryptCTR), newCTR(blowfish.NewCipher)},
		{"cast128-cbc/encrypt", 16, newMode64(newCAST128, (*mode64).encryptCBC), newCBCEncrypt(cast5.NewCipher)},
		{"cast128-cbc/decrypt", 16, newMode64(newCAST128, (*mode64).decryptCBC), newCBCDecrypt(cast5.NewCipher)},
		{"cast128-ctr", 16, newMode64(newCAST128, (*mode64).cryptCTR), newCTR(cast5.NewCipher)},
	}
}

// check64 compares the two over text, of which the first cut blocks go first.
func check64(t *testing.T, w twin64, key, iv, text []byte, cut int) {
	t.Helper()
	ours, err := w.ours(key, iv)
	if err != nil {
		t.Fatal(err)
	}
	theirs, err := w.theirs(key, iv)
	if err != nil {
		t.Fatal(err)
	}
	got, want := make([]byte, len(text)), bytes.Clone(text)
	ours(got[:cut*block64Size], text[:cut*block64Size])
	copy(got[cut*block64Size:], text[cut*block64Size:])
	ours(got[cut*block64Size:], got[cut*block64Size:])
	theirs(want, want)
	if !bytes.Equal(got, want) {
		t.Fatalf("%s, key %x, %d blocks cut at %d: %x, want %x", w.name, key, len(text)/block64Size, cut, got, want)
	}
}

// TestBlock64 takes every number of blocks around the lanes, in pieces, with many keys, and a counter that wraps.
func TestBlock64(t *testing.T) {
	for _, w := range twins64() {
		for n := range 4 * lanes64 {
			key := pattern(w.key, byte(n))
			check64(t, w, key, pattern(block64Size, 5), pattern(n*block64Size, 9), n/3)
			check64(t, w, key, bytes.Repeat([]byte{0xff}, block64Size), pattern(n*block64Size, 1), n/2)
		}
	}
}

func TestBlock64Keys(t *testing.T) {
	for n := range 80 {
		_, errDES := newTripleDES(make([]byte, n))
		_, errBlowfish := newBlowfish(make([]byte, n))
		_, errCAST := newCAST128(make([]byte, n))
		if errDES == nil != (n == 24) || errBlowfish == nil != (1 <= n && n <= 56) || errCAST == nil != (n == 16) {
			t.Errorf("a key of %d bytes: %v, %v, %v", n, errDES, errBlowfish, errCAST)
		}
	}
	for _, n := range []int{1, 5, 16, 56} {
		ours, err := newBlowfish(pattern(n, 3))
		theirs, errTheirs := blowfish.NewCipher(pattern(n, 3))
		if err != nil || errTheirs != nil {
			t.Fatal(err, errTheirs)
		}
		var got, want [8]byte
		oneBlock{ours}.Encrypt(got[:], want[:])
		theirs.Encrypt(want[:], want[:])
		if got != want {
			t.Errorf("a key of %d bytes: %x, want %x", n, got, want)
		}
	}
}

func FuzzBlock64(f *testing.F) {
	f.Add(uint8(0), []byte("key"), []byte("iv"), uint16(3), []byte("text of some blocks"))
	f.Add(uint8(7), bytes.Repeat([]byte{0xff}, 24), bytes.Repeat([]byte{0xff}, 8), uint16(0), make([]byte, 200))
	all := twins64()
	f.Fuzz(func(t *testing.T, i uint8, key, iv []byte, cut uint16, text []byte) {
		w := all[int(i)%len(all)]
		key, iv = append(key, make([]byte, w.key)...)[:w.key], append(iv, make([]byte, block64Size)...)[:block64Size]
		text = text[:len(text)/block64Size*block64Size]
		check64(t, w, key, iv, text, int(cut)%(len(text)/block64Size+1))
	})
}

// TestBlowfishTables computes the fraction of pi, by Machin's formula: pi/4 = 4 arctan(1/5) - arctan(1/239).
func TestBlowfishTables(t *testing.T) {
	const words, guard = 18 + 4*256, 64
	unity := new(big.Int).Lsh(big.NewInt(1), 32*words+guard)
	arctan := func(x int64) *big.Int {
		sum, power, square := new(big.Int), new(big.Int).Quo(unity, big.NewInt(x)), big.NewInt(x*x)
		for k, term := int64(1), new(big.Int); power.Sign() != 0; k += 2 {
			if term.Quo(power, big.NewInt(k)); k%4 == 1 {
				sum.Add(sum, term)
			} else {
				sum.Sub(sum, term)
			}
			power.Quo(power, square)
		}
		return sum
	}
	pi := arctan(5)
	pi.Sub(pi.Lsh(pi, 2), arctan(239))
	pi.Rsh(pi.Lsh(pi, 2), guard)
	word := func(i int) uint32 { return uint32(new(big.Int).Rsh(pi, uint(32*(words-1-i))).Uint64()) }
	for i := range words {
		got := blowfishKeys[i%18]
		if i >= 18 {
			got = blowfishBoxes[(i-18)/256][(i-18)%256]
		}
		if want := word(i); got != want {
			t.Fatalf("word %d: %#x, want %#x", i, got, want)
		}
	}
}

// TestDESTables puts P behind the S-boxes as FIPS 46-3 prints them, four rows of sixteen a box.
func TestDESTables(t *testing.T) {
	const digits = "0123456789abcdef"
	boxes := [8]string{
		"e4d12fb83a6c5907" + "0f74e2d1a6cb9538" + "41e8d62bfc973a50" + "fc8249175b3ea06d",
		"f18e6b34972dc05a" + "3d47f28ec01a69b5" + "0e7ba4d158c6932f" + "d8a13f42b67c05e9",
		"a09e63f51dc7b428" + "d709346a285ecbf1" + "d6498f30b12c5ae7" + "1ad069874fe3b52c",
		"7de3069a1285bc4f" + "d8b56f03472c1ae9" + "a690cb7df13e5284" + "3f06a1d8945bc72e",
		"2c417ab6853fd0e9" + "eb2c47d150fa3986" + "421bad78f9c5630e" + "b8c71e2d6f09a453",
		"c1af92680d34e75b" + "af427c9561de0b38" + "9ef528c3704a1db6" + "432c95fabe17608d",
		"4b2ef08d3c975a61" + "d0b7491ae35c2f86" + "14bdc37eaf680592" + "6bd814a7950fe23c",
		"d2846fb1a93e50c7" + "1fd8a374c56b0e92" + "7b419ce206adf358" + "21e74a8dfc90356b",
	}
	p := [32]int{
		16, 7, 20, 21, 29, 12, 28, 17, 1, 15, 23, 26, 5, 18, 31, 10,
		2, 8, 24, 14, 32, 27, 3, 9, 19, 13, 30, 6, 22, 11, 4, 25,
	}
	for box, rows := range boxes {
		for in, got := range desBoxes[box] {
			row, column := in>>4&2|in&1, in>>1&15
			out, want := uint32(strings.IndexByte(digits, rows[16*row+column]))<<(28-4*box), uint32(0)
			for _, bit := range p {
				want = want<<1 | out>>(32-bit)&1
			}
			if want = bits.RotateLeft32(want, 1); got != want {
				t.Fatalf("S%d of %d: %#x, want %#x", box+1, in, got, want)
			}
		}
	}
}
