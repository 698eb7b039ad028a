package kex

import (
	"bytes"
	"encoding/hex"
	"math/big"
	"slices"
	"strconv"
	"testing"

	"github.com/cloudflare/circl/dh/x448"
)

func TestX448Vectors(t *testing.T) {
	m := methods(t, "curve448-sha512")[0]
	for i, v := range vectors(t, "x448_rfc7748.txt") {
		n, k, u := 1, unhex(t, v["scalar"]), unhex(t, v["u"])
		if v["iterations"] != "" {
			n, _ = strconv.Atoi(v["iterations"])
			k = append([]byte{5}, make([]byte, x448.Size-1)...)
			u = k
		}
		for range n {
			public, r := finishWith(t, m, k, u)
			if v["public"] != "" && hex.EncodeToString(public) != v["public"] {
				t.Errorf("set %d: public value %x", i, public)
			}
			_, again, err := m.Answer(bytes.NewReader(k), u)
			if err != nil || !bytes.Equal(again, r) {
				t.Errorf("set %d: the server's secret is %x, %v", i, again, err)
			}
			k, u = r, k
		}
		if hex.EncodeToString(k) != v["result"] {
			t.Errorf("set %d: %x, want %s", i, k, v["result"])
		}
	}
}

// x448Prime is 2^448 - 2^224 - 1 (RFC 7748 §4.2).
func x448Prime() *big.Int {
	p := new(big.Int).Lsh(one, 448)
	return p.Sub(p, new(big.Int).Lsh(one, 224)).Sub(p, one)
}

// littleEndian is the encoding of RFC 7748 §5.
func littleEndian(v *big.Int) []byte {
	b := v.FillBytes(make([]byte, x448.Size))
	slices.Reverse(b)
	return b
}

// DH-09: the points of low order in all their encodings, and other lengths.
func TestDH09X448(t *testing.T) {
	m := methods(t, "curve448-sha512")[0]
	p := x448Prime()
	for _, v := range []*big.Int{new(big.Int), one, plus(p, -1), p, plus(p, 1)} {
		point := littleEndian(v)
		_, secret, err := m.Answer(nil, point)
		wantFailed(t, err, errSecretRange)
		if secret != nil {
			t.Errorf("%x: a secret was returned", point)
		}
		refuseAsClient(t, m, point, errSecretRange)
	}
	for _, n := range []int{0, 1, 55, 57, 112, 64 << 10} {
		long := bytes.Repeat([]byte{5}, n)
		refuse(t, m, long, long, errPublicLength)
	}
}

// Values not below the prime are reduced (RFC 7748 §5).
func TestX448Reduces(t *testing.T) {
	m := methods(t, "curve448-sha512")[0]
	private := bytes.Repeat([]byte{0x42}, x448.Size)
	_, a := finishWith(t, m, private, littleEndian(big.NewInt(5)))
	_, b := finishWith(t, m, private, littleEndian(plus(x448Prime(), 5)))
	if !bytes.Equal(a, b) {
		t.Error("5 and p+5 are the same number")
	}
}
