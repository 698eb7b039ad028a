package kex

// ntruPoly is a polynomial modulo x^p - x - 1, the coefficient of 1 first. Nothing here branches or indexes by a
// coefficient.
type ntruPoly [ntruP]int32

// ntruField are the integers modulo q, represented from -(q-1)/2 to (q-1)/2.
type ntruField struct {
	q       int32
	inverse int64 // 2^38/q, rounded
}

var (
	modQ = ntruField{q: ntruQ, inverse: 59873210}
	mod3 = ntruField{q: 3, inverse: 91625968981}
)

// center reduces x, of at most 25 bits: it takes off the multiple of q nearest to it. The error of the quotient, below
// 2^-14, cannot matter for an odd q of up to 13 bits.
func (f ntruField) center(x int32) int32 {
	const shift = 38
	return x - f.q*int32((int64(x)*f.inverse+1<<(shift-1))>>shift)
}

// invertScalar returns 1/x, as x^(q-2).
func (f ntruField) invertScalar(x int32) int32 {
	r := int32(1)
	for e := f.q - 2; e > 0; e >>= 1 {
		if e&1 != 0 {
			r = f.center(r * x)
		}
		x = f.center(x * x)
	}
	return r
}

// ntruSize is the number of coefficients that multiplication works on: p, made divisible by two to the levels.
const (
	ntruSize = 768
	ntruBase = 24
)

// multiply sets a to b*c, of which c is small. It takes the product of integers first: those have 24 bits.
func (a *ntruPoly) multiply(b, c *ntruPoly, f ntruField) {
	var left, right [ntruSize]int32
	var product, scratch [2 * ntruSize]int32
	defer clear(left[:])
	defer clear(right[:])
	defer clear(product[:])
	defer clear(scratch[:])
	copy(left[:], b[:])
	copy(right[:], c[:])
	karatsuba(product[:], left[:], right[:], scratch[:])
	for i := 2*ntruP - 2; i >= ntruP; i-- { // x^p = x + 1
		product[i-ntruP] += product[i]
		product[i-ntruP+1] += product[i]
	}
	for i := range a {
		a[i] = f.center(product[i])
	}
}

// karatsuba sets product to a*b, by three products of halves. scratch is as long as product. Coefficients double with
// each of the five levels, and at the bottom 24 products of 17 and 6 bits are added: 28 bits.
func karatsuba(product, a, b, scratch []int32) {
	n := len(a)
	if n <= ntruBase {
		schoolbook(product, a, b)
		return
	}
	h := n / 2
	low, high := product[:n], product[n:]
	sumA, sumB := low[:h], low[h:]
	for i := range h {
		sumA[i], sumB[i] = a[i]+a[h+i], b[i]+b[h+i]
	}
	middle := scratch[:n]
	karatsuba(middle, sumA, sumB, scratch[n:])
	karatsuba(low, a[:h], b[:h], scratch[n:])
	karatsuba(high, a[h:], b[h:], scratch[n:])
	for i := range middle {
		middle[i] -= low[i] + high[i]
	}
	for i, v := range middle {
		product[h+i] += v
	}
}

// schoolbook sets product to a*b.
func schoolbook(product, a, b []int32) {
	clear(product)
	for i, x := range a {
		row := product[i:][:len(b)]
		for j, y := range b {
			row[j] += x * y
		}
	}
}

// invert sets a to scale/in, and reports whether there is an inverse; where there is none, a has no meaning. It makes
// 2p-1 division steps (Bernstein and Yang, Fast constant-time gcd computation and modular inversion, 2019, §5), on
// f = x^p - x - 1 and g = in with their coefficients reversed. v and r are what was done to 0 and scale.
func (a *ntruPoly) invert(in *ntruPoly, scale int32, q ntruField) bool {
	var f, g, v, r [ntruP + 1]int32
	defer clear(f[:])
	defer clear(g[:])
	defer clear(v[:])
	defer clear(r[:])
	f[0], f[ntruP-1], f[ntruP] = 1, -1, -1
	for i, c := range in {
		g[ntruP-1-i] = q.center(c)
	}
	r[0] = scale
	const steps = 2*ntruP - 1
	delta := int32(1)
	for n := range steps {
		swap := (-delta >> 31) & nonzeroMask(g[0])
		delta ^= swap & (delta ^ -delta)
		delta++
		t := swap & (f[0] ^ g[0])
		f0, g0 := f[0]^t, g[0]^t
		// What the remaining steps do not look at is left alone.
		divideStep(f[:min(ntruP+1, steps-n+1)], g[:], f0, g0, swap, q)
		multiplyStep(v[:min(ntruP+1, n+2)], r[:], f0, g0, swap, q)
	}
	unit := q.invertScalar(f[0])
	for i := range a {
		a[i] = q.center(unit * v[ntruP-1-i])
	}
	return delta == 0
}

// divideStep swaps f and g where swap is set, and sets g to (f0*g - g0*f)/x.
func divideStep(f, g []int32, f0, g0, swap int32, q ntruField) {
	g = g[:len(f)]
	t := swap & (f[0] ^ g[0])
	f[0] ^= t // g loses its own
	for i := 1; i < len(f); i++ {
		x, y := f[i], g[i]
		t := swap & (x ^ y)
		x, y = x^t, y^t
		f[i], g[i-1] = x, q.center(f0*y-g0*x)
	}
	g[len(g)-1] = 0
}

// multiplyStep sets v to v*x, swaps v and r where swap is set, and sets r to f0*r - g0*v.
func multiplyStep(v, r []int32, f0, g0, swap int32, q ntruField) {
	r = r[:len(v)]
	for i := len(v) - 1; i >= 0; i-- {
		x, y := int32(0), r[i]
		if i > 0 {
			x = v[i-1]
		}
		t := swap & (x ^ y)
		x, y = x^t, y^t
		v[i], r[i] = x, q.center(f0*y-g0*x)
	}
}

// nonzeroMask returns -1 unless x is 0.
func nonzeroMask(x int32) int32 { return (x | -x) >> 31 }
