package sshkey

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"errors"
	"io"
	"math/big"
	"slices"
	"testing"

	"github.com/hawser-ssh/hawser/wire"
)

// More of the rows of attacks_test.go: curves and signers.

func TestKEY05ECDSAKeyFaults(t *testing.T) {
	key := testSigners()["ecdsa"].(*ecdsa.PrivateKey)
	point := must(key.PublicKey.Bytes())
	blob := func(kind, curve string, point []byte) []byte {
		b := wire.AppendString(wire.AppendString(nil, kind), curve)
		return wire.AppendBytes(b, point)
	}
	const p256 = "ecdsa-sha2-nistp256"
	off := slices.Clone(point)
	off[len(off)-1] ^= 1
	large := bytes.Repeat([]byte{0xff}, len(point))
	large[0] = 4
	compressed := append([]byte{2 | point[64]&1}, point[1:33]...)
	hybrid := slices.Clone(point)
	hybrid[0] = 6 | point[64]&1
	for name, b := range map[string][]byte{
		"curve of another type": blob(p256, "nistp384", point),
		"unknown curve":         blob(p256, "nistp255", point),
		"type of another curve": blob("ecdsa-sha2-nistp384", "nistp384", point),
		"empty point":           blob(p256, "nistp256", nil),
		"infinity":              blob(p256, "nistp256", []byte{0}),
		"not on the curve":      blob(p256, "nistp256", off),
		"coordinates too large": blob(p256, "nistp256", large),
		"origin":                blob(p256, "nistp256", append([]byte{4}, make([]byte, 64)...)),
		"compressed":            blob(p256, "nistp256", compressed),
		"hybrid":                blob(p256, "nistp256", hybrid),
		"one byte short":        blob(p256, "nistp256", point[:64]),
		"one byte long":         blob(p256, "nistp256", append(slices.Clone(point), 0)),
		"trailing byte":         append(blob(p256, "nistp256", point), 0),
	} {
		if _, err := ParsePublicKey(b); err == nil {
			t.Errorf("%s accepted", name)
		}
	}
}

func TestKEY05ECDSASignatureFaults(t *testing.T) {
	s := must(NewSigner(testSigners()["ecdsa"]))
	const a = "ecdsa-sha2-nistp256"
	data := []byte("data")
	_, body := splitBlob(t, must(s.Sign(nil, a, data)))
	f := wire.NewFieldReader(body, "signature")
	r, sv := f.Mpint("r"), f.Mpint("s")
	n := testSigners()["ecdsa"].(*ecdsa.PrivateKey).Params().N
	add := func(v []byte) []byte { return new(big.Int).Add(new(big.Int).SetBytes(v), n).Bytes() }
	pair := func(r, s []byte) []byte { return wire.AppendMpint(wire.AppendMpint(nil, r), s) }
	raw := func(r, s []byte) []byte { return wire.AppendBytes(wire.AppendBytes(nil, r), s) }
	zeroLed := append([]byte{0, 0}, r...)
	negative := append([]byte{0x80}, r...)
	for name, b := range map[string][]byte{
		"r zero":          pair(nil, sv),
		"s zero":          pair(r, nil),
		"r equal to n":    pair(n.Bytes(), sv),
		"s equal to n":    pair(r, n.Bytes()),
		"r plus n":        pair(add(r), sv),
		"s plus n":        pair(r, add(sv)),
		"r negative":      raw(negative, sv),
		"r not canonical": raw(zeroLed, wire.AppendMpint(nil, sv)[4:]),
		"r of a megabyte": raw(append([]byte{1}, make([]byte, 1<<20)...), sv),
		"s missing":       wire.AppendMpint(nil, r),
		"trailing byte":   append(pair(r, sv), 0),
		"DER, not mpints": must(appendDERSignature(new(big.Int).SetBytes(r), new(big.Int).SetBytes(sv))),
		"s and r swapped": pair(sv, r),
		"empty":           {},
	} {
		if err := s.PublicKey().Verify(a, data, signatureBlob(a, b)); !errors.Is(err, ErrSignature) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := s.PublicKey().Verify(a, data, signatureBlob(a, pair(r, sv))); err != nil {
		t.Errorf("good: %v", err)
	}
}

func TestKEY06Ed25519Lengths(t *testing.T) {
	for _, n := range []int{0, 31, 33, 64} {
		blob := wire.AppendBytes(wire.AppendString(nil, "ssh-ed25519"), make([]byte, n))
		if _, err := ParsePublicKey(blob); err == nil {
			t.Errorf("key of %d bytes accepted", n)
		}
		if _, err := NewPublicKey(ed25519.PublicKey(make([]byte, n))); err == nil {
			t.Errorf("Go key of %d bytes accepted", n)
		}
	}
	s := must(NewSigner(testSigners()["ed25519"]))
	_, body := splitBlob(t, must(s.Sign(nil, "ssh-ed25519", nil)))
	for _, sig := range [][]byte{body[:63], append(slices.Clone(body), 0), nil} {
		if err := s.PublicKey().Verify("ssh-ed25519", nil, signatureBlob("ssh-ed25519", sig)); !errors.Is(err, ErrSignature) {
			t.Errorf("signature of %d bytes: %v", len(sig), err)
		}
	}
	// S + L is the same number modulo the order and must be refused.
	order, _ := new(big.Int).SetString("1000000000000000000000000000000014def9dea2f79cd65812631a5cf5d3ed", 16)
	little := slices.Clone(body[32:])
	slices.Reverse(little)
	sum := new(big.Int).Add(new(big.Int).SetBytes(little), order).FillBytes(make([]byte, 32))
	slices.Reverse(sum)
	if err := s.PublicKey().Verify("ssh-ed25519", nil, signatureBlob("ssh-ed25519", append(body[:32:32], sum...))); !errors.Is(err, ErrSignature) {
		t.Errorf("S+L: %v", err)
	}
}

// TestKEY06Ed25519SmallOrder calculates all points of small order and checks
// that each encoding of each is in the list, and nothing else is.
func TestKEY06Ed25519SmallOrder(t *testing.T) {
	encodings := smallOrderEncodings()
	if len(encodings) != 2*len(smallOrder) {
		t.Fatalf("%d encodings, the list stands for %d", len(encodings), 2*len(smallOrder))
	}
	key := testSigners()["ed25519"]
	public := must(NewPublicKey(key.Public()))
	for _, p := range encodings {
		if !isSmallOrder(p) {
			t.Errorf("%x is not in the list", p)
		}
		blob := wire.AppendBytes(wire.AppendString(nil, "ssh-ed25519"), p)
		if _, err := ParsePublicKey(blob); err == nil {
			t.Errorf("key %x accepted", p)
		}
		sig := append(slices.Clone(p), make([]byte, 32)...)
		if err := public.Verify("ssh-ed25519", nil, signatureBlob("ssh-ed25519", sig)); !errors.Is(err, ErrSignature) {
			t.Errorf("commitment %x: %v", p, err)
		}
	}
}

// smallOrderEncodings solves the curve equation of RFC 8032 §5.1 for the
// points whose order divides 8. Doubling (x, y) twice gives y = ±1 or 0, so
// the orders 1, 2, 4 have y = 1, -1, 0, and order 8 has x^2 = ±y^2, that is
// d*y^4 ± 2y^2 - 1 = 0 on -x^2 + y^2 = 1 + d*x^2*y^2. Each y is listed with
// both sign bits, and once more with p added where that fits 255 bits.
func smallOrderEncodings() [][]byte {
	p := new(big.Int).Sub(new(big.Int).Lsh(big.NewInt(1), 255), big.NewInt(19))
	d := new(big.Int).ModInverse(big.NewInt(121666), p)
	d.Mul(d, big.NewInt(-121665)).Mod(d, p)
	ys := []*big.Int{big.NewInt(1), new(big.Int).Sub(p, big.NewInt(1)), big.NewInt(0)}
	root := new(big.Int).ModSqrt(new(big.Int).Mod(new(big.Int).Add(d, big.NewInt(1)), p), p)
	for _, b := range []int64{1, -1} { // y^2 = (b ± sqrt(1+d)) / d
		for _, r := range []*big.Int{root, new(big.Int).Sub(p, root)} {
			y2 := new(big.Int).Add(big.NewInt(b), r)
			y2.Mul(y2, new(big.Int).ModInverse(d, p)).Mod(y2, p)
			y := new(big.Int).ModSqrt(y2, p)
			if y == nil {
				continue
			}
			for _, v := range []*big.Int{y, new(big.Int).Sub(p, y)} {
				if onEdwardsCurve(v, d, p) && !slices.ContainsFunc(ys, func(have *big.Int) bool { return have.Cmp(v) == 0 }) {
					ys = append(ys, v)
				}
			}
		}
	}
	var list [][]byte
	for _, y := range ys {
		for _, v := range []*big.Int{y, new(big.Int).Add(y, p)} {
			if v.BitLen() > 255 {
				continue
			}
			for sign := range 2 {
				enc := new(big.Int).SetBit(v, 255, uint(sign)).FillBytes(make([]byte, 32))
				slices.Reverse(enc)
				list = append(list, enc)
			}
		}
	}
	return list
}

// onEdwardsCurve reports whether some x goes with y: (y^2-1)/(d*y^2+1) is a square.
func onEdwardsCurve(y, d, p *big.Int) bool {
	y2 := new(big.Int).Mul(y, y)
	v := new(big.Int).Add(new(big.Int).Mul(d, y2), big.NewInt(1))
	x2 := new(big.Int).Mul(new(big.Int).Sub(y2, big.NewInt(1)), new(big.Int).ModInverse(v.Mod(v, p), p))
	return new(big.Int).ModSqrt(x2.Mod(x2, p), p) != nil
}

func TestKEY08SignerReturnsAnotherFormat(t *testing.T) {
	formats := map[string][]byte{
		"nothing": nil, "empty": {}, "one byte": {1}, "zeros": make([]byte, 64),
		"a sequence": {0x30, 0}, "bad DER": {0x30, 0x82, 0xff, 0xff}, "a megabyte": make([]byte, 1<<20),
		"negative r": {0x30, 6, 2, 1, 0xff, 2, 1, 1}, "r zero": {0x30, 6, 2, 1, 0, 2, 1, 1},
		"not minimal": {0x30, 7, 2, 2, 0, 1, 2, 1, 1}, "trailing": {0x30, 6, 2, 1, 1, 2, 1, 1, 0},
		"inner trailing": {0x30, 7, 2, 1, 1, 2, 1, 1, 0}, "all ones": bytes.Repeat([]byte{0xff}, 256),
	}
	for name, other := range testSigners() {
		hash := crypto.SHA512
		if name == "ed25519" || name == "ed448" {
			hash = 0
		}
		formats["a signature of "+name] = must(other.Sign(nil, make([]byte, 64), hash))
	}
	eachKey(t, func(t *testing.T, key crypto.Signer) {
		for name, raw := range formats {
			s := must(NewSigner(fakeSigner{key.Public(), func([]byte, crypto.SignerOpts) ([]byte, error) { return raw, nil }}))
			for _, a := range s.Algorithms() {
				if sig, err := s.Sign(nil, a, []byte("data")); !errors.Is(err, ErrSignature) {
					t.Errorf("%s, %s: got %x, %v", a, name, sig, err)
				}
			}
		}
		s := must(NewSigner(fakeSigner{key.Public(), func([]byte, crypto.SignerOpts) ([]byte, error) { return nil, io.ErrClosedPipe }}))
		if _, err := s.Sign(nil, s.Algorithms()[0], nil); !errors.Is(err, io.ErrClosedPipe) {
			t.Errorf("error of the signer: %v", err)
		}
	})
	if _, err := NewSigner(nil); err == nil {
		t.Error("nil signer accepted")
	}
	if _, err := NewSigner(fakeSigner{public: nil}); err == nil {
		t.Error("signer without a public key accepted")
	}
}

// TestKEY10FaultySignature signs with an error in one half of the CRT, which
// would give away a factor of the modulus.
func TestKEY10FaultySignature(t *testing.T) {
	key := testRSA().(*rsa.PrivateKey)
	p, q := key.Primes[0], key.Primes[1]
	faulty := func(digest []byte, opts crypto.SignerOpts) ([]byte, error) {
		a := lookupAlgorithm("rsa-sha2-256")
		if opts.HashFunc() == crypto.SHA512 {
			a = lookupAlgorithm("rsa-sha2-512")
		}
		m := new(big.Int).SetBytes(must(paddedDigest(a, digest, key.Size())))
		sp := new(big.Int).Exp(m, key.D, p)
		sq := new(big.Int).Exp(m, key.D, q)
		sq.Xor(sq, big.NewInt(1)) // the fault
		h := new(big.Int).Sub(sp, sq)
		h.Mul(h, new(big.Int).ModInverse(q, p)).Mod(h, p)
		return h.Mul(h, q).Add(h, sq).FillBytes(make([]byte, key.Size())), nil
	}
	s := must(NewSigner(fakeSigner{key.Public(), faulty}))
	for _, a := range s.Algorithms() {
		if sig, err := s.Sign(nil, a, []byte("data")); !errors.Is(err, ErrSignature) || sig != nil {
			t.Errorf("%s: faulty signature returned, error %v", a, err)
		}
	}
	// Nor does the library's own key with a wrong CRT value sign.
	broken := *key
	broken.Precomputed = rsa.PrecomputedValues{
		Dp: key.Precomputed.Dp, Dq: new(big.Int).Add(key.Precomputed.Dq, big.NewInt(2)), Qinv: key.Precomputed.Qinv,
	}
	s = must(NewSigner(&broken))
	sig, err := s.Sign(nil, "rsa-sha2-256", []byte("data"))
	if err == nil && s.PublicKey().Verify("rsa-sha2-256", []byte("data"), sig) != nil {
		t.Error("bad signature returned")
	}
}
