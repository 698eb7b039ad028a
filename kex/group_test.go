package kex

import (
	"bytes"
	"math/big"
	"testing"
)

// rfc3526 holds what RFC 3526 says about each group.
var rfc3526 = []struct {
	name   string
	group  group
	bits   uint
	offset int64
	slow   bool
}{
	{"group1", group1, 1024, 129093, false}, // RFC 2409
	{"group14", group14, 2048, 124476, false},
	{"group15", group15, 3072, 1690314, true},
	{"group16", group16, 4096, 240904, true},
	{"group17", group17, 6144, 929484, true},
	{"group18", group18, 8192, 4743158, true},
}

// piBits returns floor(2^bits * pi), by Machin's formula with guard bits.
func piBits(bits uint) *big.Int {
	const guard = 64
	arctan := func(x int64) *big.Int { // of 1/x
		term := new(big.Int).Lsh(one, bits+guard)
		term.Quo(term, big.NewInt(x))
		sum, square, part := new(big.Int).Set(term), big.NewInt(x*x), new(big.Int)
		for k, sign := int64(3), -1; term.Sign() > 0; k, sign = k+2, -sign {
			term.Quo(term, square)
			part.Quo(term, big.NewInt(k))
			if sign < 0 {
				sum.Sub(sum, part)
			} else {
				sum.Add(sum, part)
			}
		}
		return sum
	}
	pi := new(big.Int).Mul(arctan(5), big.NewInt(4))
	pi.Sub(pi, arctan(239))
	return pi.Mul(pi, big.NewInt(4)).Rsh(pi, guard)
}

// The moduli are those that the formula of RFC 3526 gives.
func TestGroupFormula(t *testing.T) {
	power2 := func(n uint) *big.Int { return new(big.Int).Lsh(one, n) }
	for _, g := range rfc3526 {
		want := piBits(g.bits - 130)
		want.Add(want, big.NewInt(g.offset))
		want.Mul(want, power2(64))
		want.Add(want, power2(g.bits))
		want.Sub(want, power2(g.bits-64))
		want.Sub(want, one)
		p, last := g.group.open().p, g.group.open().last
		if p.Cmp(want) != 0 {
			t.Errorf("%s: the modulus is %x, want %x", g.name, p, want)
		}
		if uint(p.BitLen()) != g.bits || new(big.Int).Add(last, one).Cmp(p) != 0 {
			t.Errorf("%s: %d bits, p-1 = %x", g.name, p.BitLen(), last)
		}
	}
}

// Each modulus p and (p-1)/2 is prime, and 2 generates the subgroup of that order: it is a square.
func TestGroupSafePrime(t *testing.T) {
	for _, g := range rfc3526 {
		t.Run(g.name, func(t *testing.T) {
			if g.slow && testing.Short() {
				t.Skip("a large group in a short run")
			}
			t.Parallel()
			p, last := g.group.open().p, g.group.open().last
			half := new(big.Int).Rsh(last, 1)
			if !half.ProbablyPrime(0) || !p.ProbablyPrime(0) {
				t.Error("not a safe prime")
			}
			if big.Jacobi(big.NewInt(g.group.generator), p) != 1 {
				t.Error("the generator is not a square")
			}
		})
	}
}

// Exponents are short, but at least 512 bits: twice the strength of the largest group (DH-07).
func TestExponentLength(t *testing.T) {
	if exponentSize*8 < 512 {
		t.Fatalf("exponents have %d bits", exponentSize*8)
	}
	x, public, err := group14.open().generate(bytes.NewReader(bytes.Repeat([]byte{0xff}, exponentSize)))
	if err != nil || x.BitLen() != exponentSize*8 {
		t.Fatalf("%d bits, %v", x.BitLen(), err)
	}
	want := new(big.Int).Exp(big.NewInt(2), x, mustModulus(group14))
	if got := new(big.Int).SetBytes(public); got.Cmp(want) != 0 {
		t.Errorf("public value %x, want %x", got, want)
	}
}

// Both roles of every group draw an exponent of that size and no more, a group exchange's included.
func TestExponentLengthOfRoles(t *testing.T) {
	forEachGroup(t, func(t *testing.T, m Method, _ *big.Int) {
		var client, server countingReader
		exchange(t, m, &client, &server)
		if client.n != exponentSize || server.n != exponentSize {
			t.Errorf("the client drew %d bytes, the server %d, want %d", client.n, server.n, exponentSize)
		}
	})
}

func mustModulus(g group) *big.Int { return g.open().p }
