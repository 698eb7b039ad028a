package sshkey

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/rand"
	"errors"
	"fmt"
	"math/big"
	mathrand "math/rand"
	"strings"
	"testing"
	"testing/cryptotest"
)

// TestKEY09Nonces recovers nonces with the known key, k = (z + r*d)/s mod n,
// of the signatures that a key of each type makes: none comes twice,
// and the top 16 bits are those of numbers below n, each as likely
// (CVE-2024-31497: on P-521 they were 9 bits short). Random numbers are fixed,
// so that what holds once holds always.
func TestKEY09Nonces(t *testing.T) {
	for name, generate := range map[string]func() crypto.Signer{
		"ecdsa-sha2-nistp256": func() crypto.Signer { return must(GenerateECDSA(256)) },
		"ecdsa-sha2-nistp384": func() crypto.Signer { return must(GenerateECDSA(384)) },
		"ecdsa-sha2-nistp521": func() crypto.Signer { return must(GenerateECDSA(521)) },
		"ssh-dss":             func() crypto.Signer { return rfc6979DSA() },
	} {
		t.Run(name, func(t *testing.T) {
			cryptotest.SetGlobalRandom(t, 9)
			count := 10_000
			switch {
			case testing.Short():
				count = 500
			case strings.HasSuffix(name, "384") || name == "ssh-dss":
				count = 4_000
			}
			key := generate()
			n, d := nonceParameters(key)
			a := lookupAlgorithm(name)
			var nonces []*big.Int
			for i := range count {
				digest := a.digest([]byte{byte(i >> 1), byte(i >> 9)}) // each twice
				r, s, _ := parseDERSignature(must(key.Sign(rand.Reader, digest, a.hash)))
				z := truncated(digest, n)
				k := new(big.Int).Mul(r, d)
				k.Add(k, z).Mul(k, new(big.Int).ModInverse(s, n)).Mod(k, n)
				nonces = append(nonces, k)
			}
			if err := uniform(nonces, n); err != nil {
				t.Error(err)
			}
		})
	}
}

// nonceParameters returns the order of the group and the private key.
func nonceParameters(key crypto.Signer) (n, d *big.Int) {
	if k, ok := key.(*ecdsa.PrivateKey); ok {
		return k.Params().N, new(big.Int).SetBytes(must(k.Bytes()))
	}
	k := rfc6979DSA()
	return k.Q, k.X
}

// uniform reports numbers that come twice, and groups of four bits that are not
// evenly spread: the upper four groups, of the number as a fraction of n, and
// the lowest. Chi squared with 15 degrees of freedom exceeds 37.7 by chance
// once in 1000.
func uniform(numbers []*big.Int, n *big.Int) error {
	seen := map[string]bool{}
	var bins [5][16]int
	for _, k := range numbers {
		if text := string(k.Bytes()); seen[text] {
			return errors.New("a nonce was used twice")
		} else {
			seen[text] = true
		}
		top := new(big.Int).Div(new(big.Int).Lsh(k, 16), n).Uint64() // 0 to 2^16-1, as likely each
		for i := range 4 {
			bins[i][top>>(12-4*i)&15]++
		}
		bins[4][new(big.Int).And(k, big.NewInt(15)).Uint64()]++
	}
	for i, group := range bins {
		chi, want := 0.0, float64(len(numbers))/16
		for _, count := range group {
			chi += (float64(count) - want) * (float64(count) - want) / want
		}
		if chi > 37.7 {
			return fmt.Errorf("group %d: chi squared is %.1f: %v", i, chi, group)
		}
	}
	return nil
}

// The measure finds nonces that are short, lean to one side, or come twice.
func TestUniform(t *testing.T) {
	n := rfc6979DSA().Q
	numbers := func(bits uint, bias int64) (list []*big.Int) {
		r := mathrand.New(mathrand.NewSource(9))
		for range 1000 {
			k := new(big.Int).Rand(r, n)
			list = append(list, k.Rsh(k, bits).Or(k, big.NewInt(bias)))
		}
		return list
	}
	if err := uniform(numbers(0, 0), n); err != nil {
		t.Error(err)
	}
	for name, list := range map[string][]*big.Int{
		"9 bits short": numbers(9, 0), "1 bit short": numbers(1, 0), "odd": numbers(0, 1),
		"twice": append(numbers(0, 0), numbers(0, 0)[7]),
	} {
		if uniform(list, n) == nil {
			t.Errorf("%s: passed", name)
		}
	}
}
