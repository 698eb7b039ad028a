package certstore

import (
	"crypto/rsa"
	"encoding/base64"
	"fmt"
	"math/big"
	"testing"
)

// d may be the inverse of e modulo (p-1)(q-1), or modulo their least common multiple.
func TestRSAPrimes(t *testing.T) {
	for _, name := range []string{"rsa.pem", "rsa-pkcs1.pem"} {
		store, err := Open(Auto, readFileT(t, keysDir, name), "")
		if err != nil {
			t.Fatal(err)
		}
		found, err := Find(store, "*")
		if err != nil {
			t.Fatal(err)
		}
		key := found.Signer.(*rsa.PrivateKey)
		one, e := big.NewInt(1), big.NewInt(int64(key.E))
		a, b := new(big.Int).Sub(key.Primes[0], one), new(big.Int).Sub(key.Primes[1], one)
		phi := new(big.Int).Mul(a, b)
		lcm := new(big.Int).Quo(phi, new(big.Int).GCD(nil, nil, a, b))
		for _, modulus := range []*big.Int{phi, lcm} {
			d := new(big.Int).ModInverse(e, modulus)
			p, q := rsaPrimes(key.N.Bytes(), e.Bytes(), d.Bytes())
			product := new(big.Int).Mul(new(big.Int).SetBytes(p), new(big.Int).SetBytes(q))
			if product.Cmp(key.N) != 0 || len(p) != len(q) {
				t.Fatalf("%s: %x times %x is not n", name, p, q)
			}
			checkBareJWK(t, key, d)
			wrong := new(big.Int).Add(d, one)
			if p, q := rsaPrimes(key.N.Bytes(), e.Bytes(), wrong.Bytes()); p != nil || q != nil {
				t.Fatalf("%s: primes with a wrong d", name)
			}
		}
	}
	for _, c := range [][3]int64{{0, 3, 3}, {15, 0, 0}, {15, 1, 1}, {1, 3, 3}} {
		n, e, d := big.NewInt(c[0]).Bytes(), big.NewInt(c[1]).Bytes(), big.NewInt(c[2]).Bytes()
		if p, q := rsaPrimes(n, e, d); p != nil || q != nil {
			t.Errorf("%v: %x, %x", c, p, q)
		}
	}
}

// checkBareJWK opens the key as a JWK without its primes.
func checkBareJWK(t *testing.T, key *rsa.PrivateKey, d *big.Int) {
	t.Helper()
	number := func(n *big.Int) string { return base64.RawURLEncoding.EncodeToString(n.Bytes()) }
	text := fmt.Sprintf(`{"kty":"RSA","n":%q,"e":%q,"d":%q}`, number(key.N), number(big.NewInt(int64(key.E))), number(d))
	store, err := Open(JWKBlob, []byte(text), "")
	if err != nil {
		t.Fatal(err)
	}
	got, err := Find(store, "*")
	if err != nil || !samePublic(got.Public, key.Public()) || got.Signer == nil {
		t.Fatalf("%v, %v", got, err)
	}
}
