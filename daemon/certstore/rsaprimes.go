package certstore

import "math/big"

// maxCommon bounds the search of rsaPrimes.
const maxCommon = 1 << 10

// rsaPrimes finds the primes of a key that has only n, e and d, as RFC 7518
// §6.3.2 allows: two, or none where d is not the inverse of e.
//
// d e - 1 is k times (p-1)(q-1) divided by g, a divisor of the factor that p-1
// and q-1 have in common: 1, or that factor, which is small. (p-1)(q-1) is so
// little less than n that g gives k; and n and (p-1)(q-1) give p and q.
func rsaPrimes(n, e, d []byte) (p, q []byte) {
	N, one := new(big.Int).SetBytes(n), big.NewInt(1)
	de := new(big.Int).Mul(new(big.Int).SetBytes(d), new(big.Int).SetBytes(e))
	if de.Sub(de, one); N.Sign() == 0 || de.Sign() <= 0 {
		return nil, nil
	}
	t, k, phi, rest := new(big.Int), new(big.Int), new(big.Int), new(big.Int)
	for g := int64(1); g <= maxCommon; g++ {
		t.Mul(de, big.NewInt(g))
		k.Add(k.Quo(t, N), one)
		if phi.QuoRem(t, k, rest); rest.Sign() != 0 {
			continue
		}
		if a, b := factors(N, phi); a != nil {
			return a.Bytes(), b.Bytes()
		}
	}
	return nil, nil
}

// factors returns p and q with p q = n and (p-1)(q-1) = phi, or nil.
func factors(n, phi *big.Int) (p, q *big.Int) {
	sum := new(big.Int).Sub(n, phi)
	sum.Add(sum, big.NewInt(1)) // p + q
	difference := new(big.Int).Mul(sum, sum)
	difference.Sub(difference, new(big.Int).Lsh(n, 2))
	if difference.Sign() < 0 {
		return nil, nil
	}
	difference.Sqrt(difference) // p - q
	p = new(big.Int).Add(sum, difference)
	q = new(big.Int).Sub(sum, difference)
	p.Rsh(p, 1)
	q.Rsh(q, 1)
	if q.Sign() <= 0 || new(big.Int).Mul(p, q).Cmp(n) != 0 {
		return nil, nil
	}
	return p, q
}
