package kex

import (
	"crypto/sha512"
	"crypto/subtle"
	"encoding/binary"
	"io"
)

// Streamlined NTRU Prime with the parameters of sntrup761 (NTRU Prime, round 3 submission, §3; RFC 9941 §2).
const (
	ntruP = 761  // degree: polynomials are modulo x^p - x - 1
	ntruQ = 4591 // modulus of the coefficients
	ntruW = 286  // coefficients of a short polynomial that are not zero

	ntruSmallSize   = (ntruP + 3) / 4 // bytes of a polynomial of -1, 0 and 1
	ntruPublicSize  = 1158            // bytes of a polynomial modulo q
	ntruRoundedSize = 1007            // bytes of a polynomial of multiples of 3
	ntruConfirmSize = 32
	ntruHashSize    = 32
)

// sntrup761x25519 is the hybrid of RFC 9941 §3.
var sntrup761x25519 = hybrid{
	kem: kem{
		publicSize: ntruPublicSize, ciphertextSize: ntruRoundedSize + ntruConfirmSize,
		generate: generateNTRU, open: openNTRU,
	},
	curve: curve25519, pointSize: x25519Size, hash: sha512.New,
}

// ntruKey is a private key: 1/(3f) was multiplied with g to make the public one.
type ntruKey struct {
	f, gInverse ntruPoly
	public      []byte
	rho         [ntruSmallSize]byte // stands in for what a bad ciphertext does not give
}

// generateNTRU is kem.generate.
func generateNTRU(rand io.Reader) ([]byte, func([]byte) ([]byte, error), error) {
	key, err := newNTRUKey(rand)
	if err != nil {
		return nil, nil, err
	}
	decapsulate := func(ciphertext []byte) ([]byte, error) {
		defer key.clear()
		return key.decapsulate(ciphertext), nil
	}
	return append([]byte(nil), key.public...), decapsulate, nil
}

// newNTRUKey draws a key. A g without an inverse, which is rare, is drawn again.
func newNTRUKey(rand io.Reader) (*ntruKey, error) {
	var g ntruPoly
	defer clear(g[:])
	key := new(ntruKey)
	for draws := 0; ; draws++ {
		if err := g.drawSmall(rand); err != nil {
			return nil, err
		}
		if key.gInverse.invert3(&g) {
			break
		}
		if draws == maxDraws {
			return nil, failed(errEntropy)
		}
	}
	if err := key.f.drawShort(rand); err != nil {
		return nil, err
	}
	if err := fill(rand, key.rho[:]); err != nil {
		return nil, err
	}
	const third = -1530 // 1/3 modulo q
	var h ntruPoly
	h.invert(&key.f, third, modQ) // the ring is a field: f has an inverse
	h.multiply(&h, &g, modQ)
	key.public = h.encode(nil)
	return key, nil
}

// clear forgets the key (best effort).
func (k *ntruKey) clear() {
	clear(k.f[:])
	clear(k.gInverse[:])
	clear(k.rho[:])
}

// openNTRU is kem.open: every string of the right size is a public key.
func openNTRU(public []byte) (func(io.Reader) ([]byte, []byte, error), error) {
	return func(rand io.Reader) (ciphertext, secret []byte, err error) {
		var r ntruPoly
		defer clear(r[:])
		if err := r.drawShort(rand); err != nil {
			return nil, nil, err
		}
		small := r.encodeSmall()
		defer clear(small[:])
		ciphertext = ntruEncrypt(&r, &small, public)
		return ciphertext, ntruSession(1, &small, ciphertext), nil
	}, nil
}

// decapsulate returns the secret of the ciphertext, or one that only we know where it is not one that an encapsulation
// makes. Which of the two it was takes the same time and is not told.
func (k *ntruKey) decapsulate(ciphertext []byte) []byte {
	r := k.decrypt(ciphertext)
	defer clear(r[:])
	small := r.encodeSmall()
	defer clear(small[:])
	good := subtle.ConstantTimeCompare(ntruEncrypt(&r, &small, k.public), ciphertext)
	subtle.ConstantTimeCopy(1-good, small[:], k.rho[:])
	return ntruSession(byte(good), &small, ciphertext)
}

// decrypt returns r of the ciphertext, or a fixed short polynomial where there is none.
func (k *ntruKey) decrypt(ciphertext []byte) (r ntruPoly) {
	var c ntruPoly
	c.decodeRounded(ciphertext[:ntruRoundedSize])
	defer clear(c[:])
	c.multiply(&c, &k.f, modQ)
	for i := range ntruP {
		c[i] = mod3.center(modQ.center(3 * c[i]))
	}
	c.multiply(&c, &k.gInverse, mod3)
	weight := int32(0)
	for i := range ntruP {
		weight += c[i] & 1
	}
	right := int32(subtle.ConstantTimeEq(weight, ntruW))
	for i := range ntruP {
		fixed := int32(0)
		if i < ntruW {
			fixed = 1
		}
		r[i] = fixed ^ -right&(fixed^c[i])
	}
	return r
}

// ntruEncrypt returns the ciphertext of r, of which small is the encoding: h*r rounded, and a hash that proves r known.
func ntruEncrypt(r *ntruPoly, small *[ntruSmallSize]byte, public []byte) []byte {
	var c ntruPoly
	c.decode(public)
	c.multiply(&c, r, modQ)
	for i := range ntruP {
		c[i] -= mod3.center(c[i])
	}
	ciphertext := c.encodeRounded(make([]byte, 0, ntruRoundedSize+ntruConfirmSize+x25519Size))
	confirm := ntruHash(2, ntruHash(3, small[:]), ntruHash(4, public))
	return append(ciphertext, confirm...)
}

// ntruSession returns the secret; good is 0 for a ciphertext that was refused.
func ntruSession(good byte, small *[ntruSmallSize]byte, ciphertext []byte) []byte {
	return ntruHash(good, ntruHash(3, small[:]), ciphertext)
}

// ntruHash hashes the parts behind a byte that says what for.
func ntruHash(purpose byte, parts ...[]byte) []byte {
	h := sha512.New()
	defer h.Reset()
	h.Write([]byte{purpose})
	for _, p := range parts {
		h.Write(p)
	}
	return h.Sum(nil)[:ntruHashSize]
}

// drawSmall draws each coefficient from -1, 0 and 1; the bias is 2^-30.
func (a *ntruPoly) drawSmall(rand io.Reader) error {
	draws, err := drawWords(rand)
	defer clear(draws[:])
	for i, v := range draws {
		a[i] = int32(v&0x3fffffff*3>>30) - 1
	}
	return err
}

// drawShort draws a polynomial of which w coefficients are -1 or 1 and the others 0, by sorting random numbers whose two
// lowest bits say what is to be: so no memory access depends on them.
func (a *ntruPoly) drawShort(rand io.Reader) error {
	draws, err := drawWords(rand)
	defer clear(draws[:])
	for i := range draws {
		if i < ntruW {
			draws[i] &^= 1
		} else {
			draws[i] = draws[i]&^2 | 1
		}
	}
	sortConstantTime(draws[:])
	for i, v := range draws {
		a[i] = int32(v&3) - 1
	}
	return err
}

// drawWords draws a number for each coefficient.
func drawWords(rand io.Reader) (words [ntruP]uint32, err error) {
	var b [4 * ntruP]byte
	defer clear(b[:])
	if err := fill(rand, b[:]); err != nil {
		return words, err
	}
	for i := range words {
		words[i] = binary.LittleEndian.Uint32(b[4*i:])
	}
	return words, nil
}

// sortConstantTime sorts by a network that is the same for all values (Batcher's merge exchange; Knuth, The Art of
// Computer Programming, vol. 3, §5.2.2, algorithm M).
func sortConstantTime(v []uint32) {
	top := 1
	for 2*top < len(v) {
		top *= 2
	}
	for p := top; p > 0; p /= 2 {
		for q, r, d := top, 0, p; ; q, r, d = q/2, p, q-p {
			for i := 0; i+d < len(v); i++ {
				if i&p == r {
					exchange32(&v[i], &v[i+d])
				}
			}
			if q == p {
				break
			}
		}
	}
}

// exchange32 puts the smaller number first.
func exchange32(a, b *uint32) {
	swap := uint32((int64(*b) - int64(*a)) >> 63)
	t := (*a ^ *b) & swap
	*a ^= t
	*b ^= t
}
