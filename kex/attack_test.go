package kex

import (
	"bytes"
	"crypto/ecdh"
	cryptorand "crypto/rand"
	"encoding/hex"
	"errors"
	"io"
	"math/big"
	"slices"
	"testing"
)

// dhGroups are the methods that exchange mpints, with their groups.
var dhGroups = map[string]group{
	"diffie-hellman-group1-sha1":           group1,
	"diffie-hellman-group14-sha1":          group14,
	"diffie-hellman-group14-sha256":        group14,
	"diffie-hellman-group15-sha512":        group15,
	"diffie-hellman-group16-sha512":        group16,
	"diffie-hellman-group17-sha512":        group17,
	"diffie-hellman-group18-sha512":        group18,
	"diffie-hellman-group-exchange-sha1":   group14,
	"diffie-hellman-group-exchange-sha256": group14,
}

func forEachGroup(t *testing.T, f func(t *testing.T, m Method, p *big.Int)) {
	t.Helper()
	for name, g := range dhGroups {
		t.Run(name, func(t *testing.T) { f(t, ready(methods(t, name)[0]), mustModulus(g)) })
	}
}

func plus(v *big.Int, n int64) *big.Int { return new(big.Int).Add(v, big.NewInt(n)) }

// DH-01: values outside 1 < e < p-1, refused before any exponentiation.
func TestDH01PublicValueOutOfRange(t *testing.T) {
	forEachGroup(t, func(t *testing.T, m Method, p *big.Int) {
		tests := []struct {
			name  string
			body  []byte
			cause error
		}{
			{"0", nil, errPublicRange},
			{"1", []byte{1}, errPublicRange},
			{"p-1", mpintBody(plus(p, -1)), errPublicRange},
			{"p", mpintBody(p), errPublicRange},
			{"p+1", mpintBody(plus(p, 1)), errPublicRange},
			{"-1", []byte{0xff}, errPublicRange},
			{"-2", []byte{0xfe}, errPublicRange},
			{"-p", slices.Concat([]byte{0xff}, make([]byte, len(p.Bytes()))), errPublicRange},
			{"longer than p", mpintBody(new(big.Int).Lsh(p, 8)), errPublicLength},
			{"64 KiB", slices.Concat([]byte{1}, make([]byte, 64<<10)), errPublicLength},
		}
		for _, tt := range tests {
			t.Run(tt.name, func(t *testing.T) { refuse(t, m, tt.body, tt.body, tt.cause) })
		}
	})
}

// The values just inside are no fault: 2 and p-2.
func TestDH01PublicValueInRange(t *testing.T) {
	forEachGroup(t, func(t *testing.T, m Method, p *big.Int) {
		for _, v := range []*big.Int{big.NewInt(2), plus(p, -2)} {
			if _, _, err := m.Answer(nil, mpintBody(v)); err != nil {
				t.Errorf("%x: %v", v, err)
			}
		}
	})
}

// DH-02: results that need no secret. With a safe prime and a value in range they cannot come up, so the check is
// driven from below.
func TestDH02DegenerateSecret(t *testing.T) {
	for name, row := range dhGroups {
		g := row.open()
		p, last := g.p, g.last
		for _, tt := range []struct{ base, exponent *big.Int }{
			{big.NewInt(0), big.NewInt(3)},  // 0
			{big.NewInt(1), big.NewInt(3)},  // 1
			{last, big.NewInt(2)},           // 1
			{last, big.NewInt(3)},           // p-1
			{big.NewInt(5), big.NewInt(0)},  // 1
			{plus(p, 0), big.NewInt(12345)}, // 0
		} {
			k, err := g.power(tt.base, tt.exponent)
			wantFailed(t, err, errSecretRange)
			if k != nil {
				t.Errorf("%s: a degenerate secret was returned", name)
			}
		}
		if k, err := g.power(big.NewInt(3), big.NewInt(2)); err != nil || !bytes.Equal(k, []byte{9}) {
			t.Errorf("%s: 3^2 = %x, %v", name, k, err)
		}
	}
}

// DH-03: an encoding that is not canonical is refused; with the high bit set and no zero byte the number is negative.
func TestDH03NotCanonical(t *testing.T) {
	forEachGroup(t, func(t *testing.T, m Method, p *big.Int) {
		high := plus(p, -2).Bytes()
		for _, tt := range []struct {
			name  string
			body  []byte
			cause error
		}{
			{"zero byte in front of 2", []byte{0, 2}, errPublicEncoding},
			{"zero bytes in front of 0x80", []byte{0, 0, 0x80}, errPublicEncoding},
			{"zero as one byte", []byte{0}, errPublicEncoding},
			{"zero as two bytes", []byte{0, 0}, errPublicEncoding},
			{"no zero byte in front of the high bit", high, errPublicRange},
			{"two zero bytes in front of the high bit", slices.Concat([]byte{0, 0}, high), errPublicLength},
		} {
			t.Run(tt.name, func(t *testing.T) { refuse(t, m, tt.body, tt.body, tt.cause) })
		}
	})
}

// lowOrder and aliased are the twelve values of cr.yp.to/ecdh.html#validate. The multiples of the first kind by a clamped
// scalar are zero, with and without their top bit.
var lowOrder = []string{
	"0000000000000000000000000000000000000000000000000000000000000000", // 0
	"0100000000000000000000000000000000000000000000000000000000000000", // 1
	"e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800", // order 8
	"5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157", // order 8
	"ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f", // p-1
	"edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f", // p
	"eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f", // p+1
}

// aliased are of low order only where the top bit counts. It is masked (RFC 7748 §5), which makes other points of them.
var aliased = []string{
	"cdeb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b880",
	"4c9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f11d7",
	"d9ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff", // 2p-1
	"daffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff", // 2p
	"dbffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff", // 2p+1
}

// DH-08: points of low order give zero and are refused, whatever their top bit; so is every other length.
func TestDH08X25519(t *testing.T) {
	for _, m := range methods(t, "curve25519-sha256", "curve25519-sha256@libssh.org") {
		t.Run(m.Name, func(t *testing.T) {
			for _, text := range lowOrder {
				point := unhex(t, text)
				for range 2 {
					_, secret, err := m.Answer(nil, point)
					wantFailed(t, err, errSecretRange)
					if secret != nil {
						t.Errorf("%x: a secret was returned", point)
					}
					refuseAsClient(t, m, point, errSecretRange)
					point[31] ^= 0x80
				}
			}
			for _, n := range []int{0, 1, 31, 33, 64, 64 << 10} {
				long := bytes.Repeat([]byte{9}, n)
				refuse(t, m, long, long, errPublicLength)
			}
		})
	}
}

// DH-08: the top bit is masked, and values not below the prime are reduced (RFC 7748 §5).
func TestDH08X25519MaskAndReduce(t *testing.T) {
	m := methods(t, "curve25519-sha256")[0]
	private := bytes.Repeat([]byte{0x42}, x25519Size)
	secret := func(point []byte) string {
		_, s := finishWith(t, m, private, point)
		return hex.EncodeToString(s)
	}
	nine := append([]byte{9}, make([]byte, x25519Size-1)...)
	masked := slices.Clone(nine)
	masked[31] |= 0x80
	if secret(nine) != secret(masked) {
		t.Error("the top bit is not masked")
	}
	for _, text := range aliased {
		point := unhex(t, text)
		with := secret(point)
		point[31] &= 0x7f
		if with != secret(point) {
			t.Errorf("%s: the top bit is not masked", text)
		}
	}
	// 2^255-19+9 and 9 are the same number.
	reduced := append([]byte{0xf6}, bytes.Repeat([]byte{0xff}, x25519Size-1)...)
	reduced[31] = 0x7f
	if secret(nine) != secret(reduced) {
		t.Error("a value above the prime is not reduced")
	}
}

// DH-10: everything that is not an uncompressed point of the right curve.
func TestDH10NISTPoints(t *testing.T) {
	rows := []struct {
		method string
		curve  ecdh.Curve
		other  ecdh.Curve
	}{
		{"ecdh-sha2-nistp256", ecdh.P256(), ecdh.P384()},
		{"ecdh-sha2-nistp384", ecdh.P384(), ecdh.P521()},
		{"ecdh-sha2-nistp521", ecdh.P521(), ecdh.P256()},
	}
	for _, row := range rows {
		m := methods(t, row.method)[0]
		good := newPoint(t, row.curve)
		size := (len(good) - 1) / 2
		changed := func(f func(p []byte)) []byte {
			p := slices.Clone(good)
			f(p)
			return p
		}
		tests := map[string][]byte{
			"empty":                {},
			"infinity":             {0},
			"infinity, padded":     make([]byte, len(good)),
			"compressed even":      slices.Concat([]byte{2}, good[1:1+size]),
			"compressed odd":       slices.Concat([]byte{3}, good[1:1+size]),
			"hybrid even":          changed(func(p []byte) { p[0] = 6 }),
			"hybrid odd":           changed(func(p []byte) { p[0] = 7 }),
			"zero coordinates":     changed(func(p []byte) { clear(p[1:]) }),
			"x not below p":        changed(func(p []byte) { fillWith(p[1:1+size], 0xff) }),
			"y not below p":        changed(func(p []byte) { fillWith(p[1+size:], 0xff) }),
			"off the curve, x":     changed(func(p []byte) { p[size] ^= 1 }),
			"off the curve, y":     changed(func(p []byte) { p[2*size] ^= 1 }),
			"another curve":        newPoint(t, row.other),
			"one byte short":       good[:len(good)-1],
			"one byte long":        slices.Concat(good, []byte{0}),
			"one byte in front":    slices.Concat([]byte{0}, good),
			"without the format":   good[1:],
			"64 KiB":               slices.Concat(good, make([]byte, 64<<10)),
			"a point of X25519":    append([]byte{9}, make([]byte, x25519Size-1)...),
			"twice the coordinate": slices.Concat(good, good[1:]),
		}
		for name, point := range tests {
			t.Run(row.method+"/"+name, func(t *testing.T) { refuse(t, m, point, point, errPublicPoint) })
		}
	}
}

func fillWith(p []byte, v byte) {
	for i := range p {
		p[i] = v
	}
}

func newPoint(t *testing.T, c ecdh.Curve) []byte {
	t.Helper()
	key, err := c.GenerateKey(cryptorand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key.PublicKey().Bytes()
}

// DH-14: every exchange has values of its own, and an offer is good for one answer.
func TestDH14NothingReused(t *testing.T) {
	forEach(t, func(t *testing.T, m Method) {
		if m.ServerOffers {
			m, runs := methods(t, m.Name)[0], 2 // keys of their own; TestRSAExchange has the ciphertexts
			seen := map[string]bool{}
			for range runs {
				offer, _ := pair(t, m)
				seen[string(offer.Public)] = true
			}
			if len(seen) != runs {
				t.Error("a key came twice")
			}
			return
		}
		runs := quickOr(m, 1000, 20)
		seen := make(map[string]bool, 2*runs)
		for range runs {
			offer, err := m.Offer(nil)
			if err != nil {
				t.Fatal(err)
			}
			if seen[string(offer.Public)] {
				t.Fatal("a client value came twice")
			}
			seen[string(offer.Public)] = true
		}
		first, err := m.Offer(nil)
		if err != nil {
			t.Fatal(err)
		}
		for range runs {
			public, _, err := m.Answer(nil, first.Public)
			if err != nil {
				t.Fatal(err)
			}
			if seen[string(public)] {
				t.Fatal("a server value came twice")
			}
			seen[string(public)] = true
		}
	})
}

// quickOr returns many for the methods of which a run takes a tenth of a millisecond, few for the others.
func quickOr(m Method, many, few int) int {
	switch m.Name {
	case "mlkem768x25519-sha256", "mlkem768nistp256-sha256", "curve25519-sha256", "curve25519-sha256@libssh.org", "ecdh-sha2-nistp256":
		if testing.Short() {
			return many / 10
		}
		return many
	case "rsa2048-sha256", "sntrup761x25519-sha512", "sntrup761x25519-sha512@openssh.com", "mlkem1024nistp384-sha384":
		return few / 10
	case "diffie-hellman-group17-sha512", "diffie-hellman-group18-sha512":
		return 3
	}
	if testing.Short() || raceEnabled {
		return few / 4
	}
	return few
}

// DH-14: the second Finish of an offer fails.
func TestDH14OfferWorksOnce(t *testing.T) {
	forEach(t, func(t *testing.T, m Method) {
		offer, err := m.Offer(nil)
		if err != nil {
			t.Fatal(err)
		}
		reply, _, err := m.Answer(nil, offer.Public)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := offer.Finish(reply); err != nil {
			t.Fatal(err)
		}
		secret, err := offer.Finish(reply)
		wantFailed(t, err, errOfferUsed)
		if secret != nil {
			t.Error("a secret was returned")
		}
	})
}

// KEX-22: a source of entropy that fails, at any byte, fails the exchange, and nothing is sent.
func TestKEX22EntropyFails(t *testing.T) {
	forEach(t, func(t *testing.T, m Method) {
		offer, err := m.Offer(nil)
		if err != nil {
			t.Fatal(err)
		}
		if m.ServerOffers {
			m = methods(t, m.Name)[0]
		}
		need := consumed(t, m)
		for _, n := range []int{0, 1, need / 2, need - 1} {
			got, err := m.Offer(&brokenReader{n: n})
			wantFailed(t, err, errNoEntropy)
			if got.Public != nil || got.Finish != nil {
				t.Errorf("%d bytes of entropy: an offer was made", n)
			}
		}
		for _, n := range []int{0, 1, 31} {
			public, secret, err := m.Answer(&brokenReader{n: n}, offer.Public)
			wantFailed(t, err, errNoEntropy)
			if public != nil || secret != nil {
				t.Errorf("%d bytes of entropy: an answer was made", n)
			}
		}
	})
}

// consumed counts the bytes that an offer takes from its reader.
func consumed(t *testing.T, m Method) int {
	t.Helper()
	r := &countingReader{}
	if _, err := m.Offer(r); err != nil {
		t.Fatal(err)
	}
	return r.n
}

type countingReader struct{ n int }

func (r *countingReader) Read(p []byte) (int, error) {
	r.n += len(p)
	return cryptorand.Read(p)
}

// KEX-22: a source stuck at values that make no key ends in an error, not in a loop. X25519 and ML-KEM have a key for
// every string of bytes, so nothing can be noticed there.
func TestKEX22EntropyStuck(t *testing.T) {
	stuck := func(v byte) io.Reader { return readerFunc(func(p []byte) { fillWith(p, v) }) }
	names := []string{"ecdh-sha2-nistp256", "ecdh-sha2-nistp384", "ecdh-sha2-nistp521", "diffie-hellman-group14-sha256"}
	for _, m := range methods(t, names...) {
		_, err := m.Offer(stuck(0))
		wantFailed(t, err, errEntropy)
		good, err := m.Offer(nil)
		if err != nil {
			t.Fatal(err)
		}
		_, _, err = m.Answer(stuck(0), good.Public)
		wantFailed(t, err, errEntropy)
	}
	for _, m := range methods(t, names[:3]...) {
		_, err := m.Offer(stuck(0xff)) // above the order
		wantFailed(t, err, errEntropy)
	}
}

type readerFunc func(p []byte)

func (f readerFunc) Read(p []byte) (int, error) { f(p); return len(p), nil }

// A deterministic reader is used for every private byte: the same bytes, the same public value.
func TestOfferReadsOnlyItsReader(t *testing.T) {
	forEach(t, func(t *testing.T, m Method) {
		if m.ServerOffers {
			t.Skip("crypto/rsa makes keys from a source of its own")
		}
		entropy := random(t, 16<<10)
		a, errA := m.Offer(bytes.NewReader(entropy))
		b, errB := m.Offer(bytes.NewReader(entropy))
		if err := errors.Join(errA, errB); err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(a.Public, b.Public) {
			t.Error("the public value depends on something else than the reader")
		}
	})
}
