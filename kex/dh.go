package kex

import (
	"io"
	"math/big"

	"github.com/hawser-ssh/hawser/wire"
)

// exponentSize is the length of a private exponent in bytes. 512 bits are twice a key of 256 bits, the longest of a cipher
// here (RFC 4419 §6.2), and more than twice the strength of the largest group: 200 bits by SP 800-56A rev. 3, table 26, and
// 190 by RFC 3526 §8. All the groups are of safe primes, which have no small subgroups for a short exponent to leak to. One
// as long as the modulus would cost four to sixteen times as much, which a flood of connections would ask us to pay.
const exponentSize = 64

var one = big.NewInt(1)

// group is a group of the table.
type group struct {
	prime     string // hexadecimal
	generator int64
}

// open returns the group as one to compute with.
func (g group) open() Group {
	p, ok := new(big.Int).SetString(g.prime, 16)
	if !ok {
		panic("kex: a group of the table is not a number")
	}
	return makeGroup(p, big.NewInt(g.generator))
}

// offer is Method.Offer.
func (g group) offer(rand io.Reader) (Offer, error) { return g.open().offer(rand) }

// answer is Method.Answer.
func (g group) answer(rand io.Reader, clientPublic []byte) (serverPublic, secret []byte, err error) {
	return g.open().answer(rand, clientPublic)
}

// offer is Method.Offer (RFC 4253 §8, RFC 4419 §3, RFC 8268).
func (g Group) offer(rand io.Reader) (Offer, error) {
	x, public, err := g.generate(rand)
	if err != nil {
		return Offer{}, err
	}
	finish := func(serverPublic []byte) ([]byte, error) {
		defer clear(x.Bits())
		f, err := g.parsePublic(serverPublic)
		if err != nil {
			return nil, err
		}
		return g.power(f, x)
	}
	return Offer{Public: public, Finish: once(finish)}, nil
}

// answer is Method.Answer. The client's value is checked before a key is made for it.
func (g Group) answer(rand io.Reader, clientPublic []byte) (serverPublic, secret []byte, err error) {
	e, err := g.parsePublic(clientPublic)
	if err != nil {
		return nil, nil, err
	}
	y, serverPublic, err := g.generate(rand)
	if err != nil {
		return nil, nil, err
	}
	defer clear(y.Bits())
	secret, err = g.power(e, y)
	if err != nil {
		return nil, nil, err
	}
	return serverPublic, secret, nil
}

// generate draws a private exponent and computes its public value, the body of an mpint.
func (g Group) generate(rand io.Reader) (x *big.Int, public []byte, err error) {
	var buf [exponentSize]byte
	defer clear(buf[:])
	for range maxDraws {
		if err := fill(rand, buf[:]); err != nil {
			return nil, nil, err
		}
		// Half of the bits of the strength wanted: an exponent this small is a broken source, not bad luck.
		if x := new(big.Int).SetBytes(buf[:]); x.BitLen() > exponentSize*4 {
			public := new(big.Int).Exp(g.g, x, g.p)
			return x, mpintBody(public), nil
		}
	}
	return nil, nil, failed(errEntropy)
}

// parsePublic reads a peer's public value y, the body of an mpint (RFC 4251 §5), and checks that 1 < y < p-1
// (RFC 8268 §4). Only the canonical encoding is accepted, so that both sides hash the same bytes.
func (g Group) parsePublic(body []byte) (*big.Int, error) {
	if len(body) > (g.last.BitLen()+7)/8+1 {
		return nil, failed(errPublicLength)
	}
	if len(body) == 0 || body[0] >= 0x80 {
		return nil, failed(errPublicRange) // zero or negative
	}
	if body[0] == 0 && (len(body) == 1 || body[1] < 0x80) {
		return nil, failed(errPublicEncoding)
	}
	y := new(big.Int).SetBytes(body)
	if !inside(y, g.last) {
		return nil, failed(errPublicRange)
	}
	return y, nil
}

// power computes base^exponent mod p and refuses the results that need no knowledge of an exponent (RFC 8268 §4).
func (g Group) power(base, exponent *big.Int) ([]byte, error) {
	k := new(big.Int).Exp(base, exponent, g.p)
	defer clear(k.Bits())
	if !inside(k, g.last) {
		return nil, failed(errSecretRange)
	}
	return k.Bytes(), nil
}

// inside reports 1 < v < last.
func inside(v, last *big.Int) bool { return v.Cmp(one) > 0 && v.Cmp(last) < 0 }

// mpintBody returns the body of v as an mpint: big-endian, with a zero byte in front where the top bit is set.
func mpintBody(v *big.Int) []byte {
	const lengthSize = 4
	return wire.AppendMpint(nil, v.Bytes())[lengthSize:]
}
