package mac

import (
	"bytes"
	"crypto/aes"
	"encoding/binary"
	"math/big"
	"math/rand/v2"
	"testing"
)

// TestVectorsUMAC runs the RFC's messages, of up to 32 MiB, under its nonce.
func TestVectorsUMAC(t *testing.T) {
	groups := vectors(t, "umac_rfc4418.txt")
	if len(groups) != 10 {
		t.Fatalf("%d groups, want 10", len(groups))
	}
	nonce := binary.BigEndian.Uint64([]byte("bcdefghi"))
	for _, size := range []int{8, 16} {
		u := newUMAC(size)([]byte("abcdefghijklmnop")).(*umac)
		for _, g := range groups {
			n := int(binary.BigEndian.Uint32(g["length"]))
			if testing.Short() && n > 1<<20 {
				continue
			}
			message := bytes.Repeat(g["unit"], n/len(g["unit"])+1)[:n]
			want := g["tag64"]
			if size == 16 {
				want = g["tag128"]
			}
			if got := u.tag(nil, nonce, message); !bytes.Equal(got, want) {
				t.Errorf("%d bytes of %q: tag %x, want %x", n, g["unit"], got, want)
			}
		}
	}
}

// TestUMACDifferential compares with the RFC's formulas in big integers, over lengths around every boundary.
func TestUMACDifferential(t *testing.T) {
	r := rand.New(rand.NewPCG(4, 418))
	lengths := []int{0, 1, 31, 32, 33, 63, 64, 991, 992, 993, 1023, 1024, 1025, 1055, 1056, 1057, 2047, 2048, 2049, 5000, 35000}
	for _, size := range []int{8, 16} {
		for _, n := range lengths {
			key, message := randomBytes(r, 16), randomBytes(r, n)
			if n%2 == 0 {
				for i := range message {
					message[i] = 0xff // and words that wrap
				}
			}
			a := newUMAC(size)(key)
			for _, seq := range []uint32{0, 1, 2, 1<<32 - 1} {
				want := plainUMAC(key, uint64(seq), message, size)
				if got := a.Tag(nil, seq, message); !bytes.Equal(got, want) {
					t.Fatalf("%d bytes, number %d: tag %x, want %x", n, seq, got, want)
				}
			}
		}
	}
}

func randomBytes(r *rand.Rand, n int) []byte {
	p := make([]byte, n)
	for i := range p {
		p[i] = byte(r.Uint32())
	}
	return p
}

// plainUMAC is RFC 4418 §4 and §5, step by step, for messages of up to 16 MiB.
func plainUMAC(key []byte, nonce uint64, message []byte, size int) []byte {
	block, _ := aes.NewCipher(key)
	iters := size / 4
	l1 := umacDerive(block, 1, 1024+(iters-1)*16)
	l2, l3, masks := umacDerive(block, 2, iters*24), umacDerive(block, 3, iters*64), umacDerive(block, 4, iters*4)
	var hashed []byte
	for i := range iters {
		a := plainL1(l1[16*i:16*i+1024], message)
		b := append(make([]byte, 8), a...)
		if len(message) > 1024 {
			k := new(big.Int).And(number(l2[24*i:24*i+8]), new(big.Int).SetUint64(0x01ffffff01ffffff))
			b = plainPoly(64, 59, k, a).FillBytes(make([]byte, 16))
		}
		c := new(big.Int)
		p36 := new(big.Int).SetUint64(1<<36 - 5)
		for j := range 8 {
			k := new(big.Int).Mod(number(l3[64*i+8*j:64*i+8*j+8]), p36)
			c.Add(c, k.Mul(k, number(b[2*j:2*j+2])))
		}
		word := uint32(c.Mod(c, p36).Uint64()) ^ binary.BigEndian.Uint32(masks[4*i:])
		hashed = binary.BigEndian.AppendUint32(hashed, word)
	}
	index := int(nonce % uint64(16/size))
	pad := binary.BigEndian.AppendUint64(nil, nonce^uint64(index))
	pad = append(pad, make([]byte, 8)...)
	pads, _ := aes.NewCipher(umacDerive(block, 0, 16))
	pads.Encrypt(pad, pad)
	for i := range hashed {
		hashed[i] ^= pad[index*size+i]
	}
	return hashed
}

func number(b []byte) *big.Int { return new(big.Int).SetBytes(b) }

// plainL1 is L1-HASH (RFC 4418 §5.2).
func plainL1(key, message []byte) []byte {
	var out []byte
	for first := true; first || len(message) > 0; first = false {
		c := message[:min(1024, len(message))]
		message = message[len(c):]
		sum := uint64(len(c)) * 8
		padded := append(append([]byte(nil), c...), make([]byte, (32-len(c)%32)%32)...)
		if len(c) == 0 {
			padded = make([]byte, 32)
		}
		word := func(i int) uint32 {
			return binary.LittleEndian.Uint32(padded[4*i:]) + binary.BigEndian.Uint32(key[4*i:])
		}
		for i := 0; i < len(padded)/4; i += 8 {
			for j := range 4 {
				sum += uint64(word(i+j)) * uint64(word(i+j+4))
			}
		}
		out = binary.BigEndian.AppendUint64(out, sum)
	}
	return out
}

// plainPoly is POLY (RFC 4418 §5.3.2) over words of so many bits, modulo 2^bits - offset.
func plainPoly(bits uint, offset int64, k *big.Int, m []byte) *big.Int {
	one := big.NewInt(1)
	p := new(big.Int).Sub(new(big.Int).Lsh(one, bits), big.NewInt(offset))
	most := new(big.Int).Sub(new(big.Int).Lsh(one, bits), new(big.Int).Lsh(one, bits-32)) // words from here on take two steps
	y := big.NewInt(1)
	for ; len(m) > 0; m = m[bits/8:] {
		word := number(m[:bits/8])
		if word.Cmp(most) >= 0 {
			y.Mul(y, k).Add(y, p).Sub(y, one).Mod(y, p)
			word.Sub(word, big.NewInt(offset))
		}
		y.Mul(y, k).Add(y, word).Mod(y, p)
	}
	return y
}

// TestUMACPoly compares the polynomials with big integers where random messages never come: words near the modulus, the
// largest keys, and values of y on both sides of every carry.
func TestUMACPoly(t *testing.T) {
	r := rand.New(rand.NewPCG(64, 128))
	edges := []uint64{0, 1, 58, 59, 60, 158, 159, 160, polyMask, 1 << 63, polyRange - 1, polyRange, prime64 - 1, prime64, 1<<64 - 1}
	pick := func() uint64 {
		if r.IntN(2) == 0 {
			return edges[r.IntN(len(edges))]
		}
		return r.Uint64()
	}
	for range 20000 {
		k := umacL2Key{pick() & polyMask, pick() & polyMask, pick() & polyMask}
		var m []byte
		y64, high, low := uint64(1), uint64(0), uint64(1)
		for range 4 {
			a, b := pick(), pick()
			m = binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint64(m, a), b)
			y64 = poly64(poly64(y64, k.k64, a), k.k64, b)
			high, low = poly128(high, low, &k, a, b)
		}
		if want := plainPoly(64, 59, new(big.Int).SetUint64(k.k64), m); want.Uint64() != y64 {
			t.Fatalf("64 bits, key %x, words %x: %x, want %x", k.k64, m, y64, want)
		}
		key := number(binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint64(nil, k.high), k.low))
		got := number(binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint64(nil, high), low))
		if want := plainPoly(128, 159, key, m); want.Cmp(got) != 0 {
			t.Fatalf("128 bits, key %x, words %x: %x, want %x", key, m, got, want)
		}
	}
}

// TestUMACArithmetic multiplies with operands of full size, which the masked keys of RFC 4418 never are.
func TestUMACArithmetic(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	p128 := new(big.Int).Sub(new(big.Int).Lsh(big.NewInt(1), 128), big.NewInt(159))
	for range 20000 {
		w := [6]uint64{r.Uint64(), r.Uint64(), r.Uint64(), r.Uint64(), r.Uint64(), r.Uint64()}
		for i := range w {
			if r.IntN(4) == 0 {
				w[i] = -uint64(r.IntN(200))
			}
		}
		join := func(h, l uint64) *big.Int {
			return number(binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint64(nil, h), l))
		}
		want := new(big.Int).Mul(join(w[0], w[1]), join(w[2], w[3]))
		want.Add(want, join(w[4], w[5])).Mod(want, p128)
		if high, low := mulAdd128(w[0], w[1], &umacL2Key{high: w[2], low: w[3]}, w[4], w[5]); join(high, low).Cmp(want) != 0 {
			t.Fatalf("%x: %x %x, want %x", w, high, low, want)
		}
	}
}
