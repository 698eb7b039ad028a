package kex

import (
	"errors"
	"math/big"
)

// Sizes in bits of the groups that a group exchange uses (RFC 4419 §3). Below the minimum they are no longer safe
// (RFC 8270 §3), above the maximum an exchange costs more than it brings.
const (
	MinGroupBits = 2048
	MaxGroupBits = 8192
)

var (
	errGroupSize      = errors.New("kex: the size of the group is not between the bounds")
	errGroupModulus   = errors.New("kex: the modulus of the group is not a prime")
	errGroupSafe      = errors.New("kex: the modulus of the group is not a safe prime")
	errGroupGenerator = errors.New("kex: the generator of the group is out of range")
)

// Group is a multiplicative group modulo a safe prime p, with a generator g, for the exchanges of finite fields. All of
// it is public and none of it changes, so that connections may share it. The zero value is not usable.
type Group struct{ p, last, g *big.Int } // last is p-1

// NewGroup returns the group of two big-endian magnitudes, which are copied. It fails where p is even or has not
// MinGroupBits to MaxGroupBits, and where not 1 < g < p-1. Whether p is a safe prime only Prove tells.
func NewGroup(p, g []byte) (Group, error) { return newGroup(p, g, MinGroupBits, MaxGroupBits) }

// newGroup is NewGroup within other bounds. Sizes come first, so that what a peer sends costs nothing.
func newGroup(p, g []byte, minBits, maxBits int) (Group, error) {
	p, g = trimZeros(p), trimZeros(g)
	if len(p) > (maxBits+7)/8 {
		return Group{}, failed(errGroupSize)
	}
	if len(g) > len(p) {
		return Group{}, failed(errGroupGenerator)
	}
	r := makeGroup(new(big.Int).SetBytes(p), new(big.Int).SetBytes(g))
	if n := r.Bits(); n < minBits || n > maxBits {
		return Group{}, failed(errGroupSize)
	}
	if r.p.Bit(0) == 0 {
		return Group{}, failed(errGroupModulus)
	}
	if !inside(r.g, r.last) {
		return Group{}, failed(errGroupGenerator)
	}
	return r, nil
}

func makeGroup(p, g *big.Int) Group { return Group{p: p, last: new(big.Int).Sub(p, one), g: g} }

func trimZeros(b []byte) []byte {
	for len(b) > 0 && b[0] == 0 {
		b = b[1:]
	}
	return b
}

// Bits returns the size of the modulus.
func (g Group) Bits() int { return g.p.BitLen() }

// P returns the modulus as a big-endian magnitude, a copy.
func (g Group) P() []byte { return g.p.Bytes() }

// G returns the generator as a big-endian magnitude, a copy.
func (g Group) G() []byte { return g.g.Bytes() }

// Prove checks that p is a safe prime: that p and (p-1)/2 pass the Baillie-PSW test, and 16 rounds of Miller-Rabin with
// other bases. It takes from a tenth of a second to several seconds, with the size of the group.
func (g Group) Prove() error {
	const rounds = 16
	if g.known() {
		return nil
	}
	if half := new(big.Int).Rsh(g.last, 1); !half.ProbablyPrime(rounds) || !g.p.ProbablyPrime(rounds) {
		return failed(errGroupSafe)
	}
	return nil
}

// plausible finds a composite modulus at the price of one exponentiation. What was made to pass, passes.
func (g Group) plausible() error {
	if g.known() {
		return nil
	}
	smallPrimes := new(big.Int).SetUint64(3 * 5 * 7 * 11 * 13 * 17 * 19 * 23 * 29 * 31 * 37 * 41 * 43 * 47 * 53)
	if new(big.Int).GCD(nil, nil, g.p, smallPrimes).Cmp(one) != 0 {
		return failed(errGroupModulus)
	}
	// Euler's criterion: a^((p-1)/2) is 1 or -1 modulo a prime.
	r := new(big.Int).Exp(big.NewInt(2), new(big.Int).Rsh(g.last, 1), g.p)
	if r.Cmp(one) != 0 && r.Cmp(g.last) != 0 {
		return failed(errGroupModulus)
	}
	return nil
}

// known reports whether the modulus is one of RFC 3526, which needs no proof.
func (g Group) known() bool {
	for _, row := range rfc3526Groups {
		if known := row.open(); known.p.Cmp(g.p) == 0 {
			return true
		}
	}
	return false
}

// RFC3526 returns the groups of RFC 3526 with 2048 to 8192 bits, the smallest first. The slice is the caller's.
func RFC3526() []Group {
	groups := make([]Group, 0, len(rfc3526Groups))
	for _, row := range rfc3526Groups {
		groups = append(groups, row.open())
	}
	return groups
}
