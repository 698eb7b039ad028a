package kex

import (
	"bytes"
	"crypto/aes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
)

// nistDRBG is the generator of NIST's known answer tests: AES-256 in counter mode, new keys after each call.
type nistDRBG struct{ key, v []byte }

func newNISTDRBG(seed []byte) *nistDRBG {
	d := &nistDRBG{make([]byte, 32), make([]byte, 16)}
	d.update(seed)
	return d
}

func (d *nistDRBG) block(out []byte) {
	for i := 15; i >= 0; i-- {
		if d.v[i]++; d.v[i] != 0 {
			break
		}
	}
	c, err := aes.NewCipher(d.key)
	if err != nil {
		panic(err)
	}
	c.Encrypt(out, d.v)
}

func (d *nistDRBG) update(data []byte) {
	fresh := make([]byte, 48)
	for i := 0; i < 48; i += 16 {
		d.block(fresh[i:])
	}
	for i := range data {
		fresh[i] ^= data[i]
	}
	d.key, d.v = fresh[:32], fresh[32:]
}

func (d *nistDRBG) Read(p []byte) (int, error) {
	var b [16]byte
	for n := 0; n < len(p); {
		d.block(b[:])
		n += copy(p[n:], b[:])
	}
	d.update(nil)
	return len(p), nil
}

// encode returns the private key as the specification has it.
func (k *ntruKey) encode() []byte {
	f, g := k.f.encodeSmall(), k.gInverse.encodeSmall()
	return slices.Concat(f[:], g[:], k.public, k.rho[:], ntruHash(4, k.public))
}

// The 100 known answers of the round 3 submission, by the hash of the file they make.
func TestNTRUKnownAnswers(t *testing.T) {
	entropy := make([]byte, 48)
	for i := range entropy {
		entropy[i] = byte(i)
	}
	seeds := newNISTDRBG(entropy)
	all := sha256.New()
	want := vectors(t, "sntrup761_kat.txt")
	n := 100
	if testing.Short() || raceEnabled {
		n = 1
	}
	for count := range n {
		seed := make([]byte, 48)
		seeds.Read(seed)
		rand := newNISTDRBG(seed)
		key, err := newNTRUKey(rand)
		if err != nil {
			t.Fatal(err)
		}
		encapsulate, err := openNTRU(key.public)
		if err != nil {
			t.Fatal(err)
		}
		ciphertext, secret, err := encapsulate(rand)
		if err != nil {
			t.Fatal(err)
		}
		if got := key.decapsulate(ciphertext); !bytes.Equal(got, secret) {
			t.Fatalf("count %d: decapsulation gives %x, want %x", count, got, secret)
		}
		entry := fmt.Sprintf("count = %d\nseed = %X\npk = %X\nsk = %X\nct = %X\nss = %X\n", count, seed, key.public, key.encode(), ciphertext, secret)
		if sum := sha256.Sum256([]byte(entry)); count == 0 && hex.EncodeToString(sum[:]) != want[0]["first"] {
			t.Errorf("the first answer has hash %x", sum)
		}
		if count > 0 {
			entry = "\n" + entry // an empty line between them
		}
		all.Write([]byte(entry))
	}
	if sum := all.Sum(nil); n == 100 && hex.EncodeToString(sum) != want[0]["all"] {
		t.Errorf("all answers have hash %x", sum)
	}
}

// A decapsulation in full, from the appendix of a draft.
func TestNTRUDecapsulation(t *testing.T) {
	for _, v := range vectors(t, "sntrup761_kat.txt")[1:] {
		private, key := unhex(t, v["sk"]), new(ntruKey)
		small := func(p *ntruPoly, b []byte) {
			for i := range p {
				p[i] = int32(b[i/4]>>(i%4*2)&3) - 1
			}
		}
		small(&key.f, private)
		small(&key.gInverse, private[ntruSmallSize:])
		key.public = private[2*ntruSmallSize:][:ntruPublicSize]
		copy(key.rho[:], private[2*ntruSmallSize+ntruPublicSize:])
		if !bytes.Equal(key.encode(), private) {
			t.Error("the private key is not what it was read from")
		}
		if got := key.decapsulate(unhex(t, v["ct"])); hex.EncodeToString(got) != v["ss"] {
			t.Errorf("%x, want %s", got, v["ss"])
		}
	}
}

// naive is the product modulo x^p - x - 1 by definition.
func naive(b, c *ntruPoly, q int32) (a ntruPoly) {
	var product [2*ntruP - 1]int64
	for i, x := range b {
		for j, y := range c {
			product[i+j] += int64(x) * int64(y)
		}
	}
	for i := len(product) - 1; i >= ntruP; i-- {
		product[i-ntruP] += product[i]
		product[i-ntruP+1] += product[i]
	}
	for i := range a {
		r := int32(product[i] % int64(q))
		if r > q/2 {
			r -= q
		} else if r < -(q / 2) {
			r += q
		}
		a[i] = r
	}
	return a
}

func randomNTRU(limit int32) (a ntruPoly) {
	for i := range a {
		a[i] = rand.Int32N(2*limit+1) - limit
	}
	return a
}

func constantNTRU(v int32) (a ntruPoly) {
	for i := range a {
		a[i] = v
	}
	return a
}

func TestNTRUMultiply(t *testing.T) {
	for _, f := range []ntruField{modQ, mod3} {
		half := f.q / 2
		pairs := [][2]ntruPoly{
			{constantNTRU(half), constantNTRU(1)}, {constantNTRU(-half), constantNTRU(1)}, {constantNTRU(0), constantNTRU(1)},
			{constantNTRU(half), {1}}, {constantNTRU(-half), {ntruP - 1: -1}},
		}
		for range 20 {
			pairs = append(pairs, [2]ntruPoly{randomNTRU(half), randomNTRU(1)})
		}
		for i, p := range pairs {
			var got ntruPoly
			got.multiply(&p[0], &p[1], f)
			if got != naive(&p[0], &p[1], f.q) {
				t.Errorf("modulo %d, pair %d: another product", f.q, i)
			}
		}
	}
}

func TestNTRUCenter(t *testing.T) {
	for _, f := range []ntruField{modQ, mod3} {
		check := func(x int32) {
			if r := f.center(x); r < -(f.q/2) || r > f.q/2 || (int64(x)-int64(r))%int64(f.q) != 0 {
				t.Fatalf("%d modulo %d: %d", x, f.q, r)
			}
		}
		for k := int32(-1 << 25); k < 1<<25; k += 997 {
			check(k)
		}
		for _, near := range []int32{-1 << 25, -f.q, 0, f.q, 1<<25 - 2*f.q} { // all residues
			for i := range 2 * f.q {
				check(near + i)
			}
		}
		for x := int32(1); x <= f.q/2; x++ {
			if f.center(x*f.invertScalar(x)) != 1 || f.center(-x*f.invertScalar(-x)) != 1 {
				t.Fatalf("1/%d modulo %d is wrong", x, f.q)
			}
		}
	}
}

// Inverses give one, and what has none is noticed.
func TestNTRUInvert(t *testing.T) {
	one := ntruPoly{1}
	for range 10 {
		f, inverse := randomNTRU(1), ntruPoly{}
		if !inverse.invert(&f, 1, modQ) || naive(&inverse, &f, ntruQ) != one {
			t.Fatal("modulo q: no inverse")
		}
		var words ntruPoly
		ok := inverse.invert(&f, 1, mod3)
		if ok && naive(&inverse, &f, 3) != one {
			t.Fatal("modulo 3: not an inverse")
		}
		if words.invert3(&f) != ok || ok && words != inverse {
			t.Fatal("modulo 3: the words have another inverse")
		}
	}
	var zero, none ntruPoly
	if none.invert3(&zero) || none.invert(&zero, 1, mod3) || none.invert(&zero, 1, modQ) {
		t.Error("0 has an inverse")
	}
	var third ntruPoly
	f := randomNTRU(1)
	third.invert(&f, -1530, modQ)
	if naive(&third, &f, ntruQ) != (ntruPoly{-1530}) || modQ.center(-1530*3) != 1 {
		t.Error("the scale is lost")
	}
}

func TestNTRUEncodings(t *testing.T) {
	for _, a := range []ntruPoly{constantNTRU(ntruQ / 2), constantNTRU(-(ntruQ / 2)), {}, randomNTRU(ntruQ / 2), randomNTRU(ntruQ / 2)} {
		var back ntruPoly
		b := a.encode(nil)
		if back.decode(b); len(b) != ntruPublicSize || back != a {
			t.Errorf("%d bytes, the same %v", len(b), back == a)
		}
		for i := range a {
			a[i] -= mod3.center(a[i])
		}
		b = a.encodeRounded(nil)
		if back.decodeRounded(b); len(b) != ntruRoundedSize || back != a {
			t.Errorf("rounded: %d bytes, the same %v", len(b), back == a)
		}
	}
	var a ntruPoly
	for v := int32(-ntruQ / 2); v <= ntruQ/2; v++ { // multiples of 3, each once in some place
		a[(v+ntruQ)%ntruP] = v - mod3.center(v)
		var back ntruPoly
		if back.decodeRounded(a.encodeRounded(nil)); v%ntruP == 0 && back != a {
			t.Fatalf("%d is lost", v)
		}
	}
}

func TestNTRUDraws(t *testing.T) {
	for range 50 {
		var short, small ntruPoly
		if err := short.drawShort(nil); err != nil {
			t.Fatal(err)
		}
		if err := small.drawSmall(nil); err != nil {
			t.Fatal(err)
		}
		weight := 0
		for i := range ntruP {
			weight += int(short[i] * short[i])
			if short[i] < -1 || short[i] > 1 || small[i] < -1 || small[i] > 1 {
				t.Fatalf("coefficients %d and %d", short[i], small[i])
			}
		}
		if weight != ntruW {
			t.Fatalf("%d coefficients are not zero", weight)
		}
	}
}

func TestSortConstantTime(t *testing.T) {
	for n := range 70 {
		for _, limit := range []uint32{1, 3, 1 << 31, 1<<32 - 1} {
			v := make([]uint32, n)
			for i := range v {
				v[i] = rand.Uint32N(limit)
				if i%5 == 0 {
					v[i] = 1<<32 - 1
				}
			}
			want := slices.Sorted(slices.Values(v))
			if sortConstantTime(v); !slices.Equal(v, want) {
				t.Fatalf("%d is not sorted", v)
			}
		}
	}
}

// DH-12: any ciphertext has a secret, the same each time, and another one than the ciphertext it was made of.
func TestDH12ImplicitRejection(t *testing.T) {
	key, err := newNTRUKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	encapsulate, _ := openNTRU(key.public)
	good, secret, err := encapsulate(nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, at := range []int{0, 500, ntruRoundedSize - 1, ntruRoundedSize, len(good) - 1} {
		bad := slices.Clone(good)
		bad[at] ^= 1
		a, b := key.decapsulate(bad), key.decapsulate(bad)
		if !bytes.Equal(a, b) || bytes.Equal(a, secret) {
			t.Errorf("byte %d: %x and %x", at, a, b)
		}
	}
	for _, v := range []byte{0, 0xff} {
		if a := key.decapsulate(bytes.Repeat([]byte{v}, len(good))); len(a) != ntruHashSize {
			t.Errorf("%d bytes", len(a))
		}
	}
}

func BenchmarkNTRU(b *testing.B) {
	key, _ := newNTRUKey(nil)
	encapsulate, _ := openNTRU(key.public)
	ciphertext, _, _ := encapsulate(nil)
	b.Run("generate", func(b *testing.B) {
		for b.Loop() {
			newNTRUKey(nil)
		}
	})
	b.Run("encapsulate", func(b *testing.B) {
		for b.Loop() {
			encapsulate(nil)
		}
	})
	b.Run("decapsulate", func(b *testing.B) {
		for b.Loop() {
			key.decapsulate(ciphertext)
		}
	})
}
