package kex

// ntruTrits are p+1 coefficients modulo 3, sixty-four to a word: a bit in plus for each 1, in minus for each -1. What
// the words do to one coefficient they do to all, and no branch depends on any.
type ntruTrits struct{ plus, minus [ntruWords]uint64 }

const ntruWords = (ntruP + 1 + 63) / 64

// set sets coefficient i, which is 0, to v.
func (a *ntruTrits) set(i int, v int32) {
	a.plus[i/64] |= uint64(v&1&^(v>>1)) << (i % 64)
	a.minus[i/64] |= uint64(v>>1&1) << (i % 64)
}

// first returns coefficient 0 as masks of all bits.
func (a *ntruTrits) first() (plus, minus uint64) { return -(a.plus[0] & 1), -(a.minus[0] & 1) }

// get returns coefficient i.
func (a *ntruTrits) get(i int) int32 {
	return int32(a.plus[i/64]>>(i%64)&1) - int32(a.minus[i/64]>>(i%64)&1)
}

// timesX moves each coefficient one up, overX one down.
func (a *ntruTrits) timesX() {
	for i := ntruWords - 1; i > 0; i-- {
		a.plus[i] = a.plus[i]<<1 | a.plus[i-1]>>63
		a.minus[i] = a.minus[i]<<1 | a.minus[i-1]>>63
	}
	a.plus[0] <<= 1
	a.minus[0] <<= 1
}

func (a *ntruTrits) overX() {
	for i := range ntruWords - 1 {
		a.plus[i] = a.plus[i]>>1 | a.plus[i+1]<<63
		a.minus[i] = a.minus[i]>>1 | a.minus[i+1]<<63
	}
	a.plus[ntruWords-1] >>= 1
	a.minus[ntruWords-1] >>= 1
}

// swapAdd swaps a and b where swap is set, and adds to b the a of then, times 1 where plus is set and times -1 where
// minus is.
func (a *ntruTrits) swapAdd(b *ntruTrits, swap, plus, minus uint64) {
	for i := range ntruWords {
		ap, am, bp, bm := a.plus[i], a.minus[i], b.plus[i], b.minus[i]
		tp, tm := swap&(ap^bp), swap&(am^bm)
		ap, am, bp, bm = ap^tp, am^tm, bp^tp, bm^tm
		a.plus[i], a.minus[i] = ap, am
		cp, cm := ap&plus|am&minus, am&plus|ap&minus
		zeroB, zeroC := ^(bp | bm), ^(cp | cm)
		b.plus[i] = bp&zeroC | cp&zeroB | bm&cm
		b.minus[i] = bm&zeroC | cm&zeroB | bp&cp
	}
}

func (a *ntruTrits) clear() { *a = ntruTrits{} }

// invert3 sets a to 1/in modulo 3, and reports whether there is an inverse; where there is none, a has no meaning. It
// takes the steps of invert, many coefficients at once.
func (a *ntruPoly) invert3(in *ntruPoly) bool {
	var f, g, v, r ntruTrits
	for _, t := range []*ntruTrits{&f, &g, &v, &r} {
		defer t.clear()
	}
	f.set(0, 1)
	f.set(ntruP-1, -1)
	f.set(ntruP, -1)
	for i, c := range in {
		g.set(ntruP-1-i, c)
	}
	r.set(0, 1)
	delta := int64(1)
	for range 2*ntruP - 1 {
		v.timesX()
		fPlus, fMinus := f.first()
		gPlus, gMinus := g.first()
		swap := uint64(-delta>>63) & (gPlus | gMinus)
		delta ^= int64(swap) & (delta ^ -delta)
		delta++
		// f0 is never 0, so that -g0*f0 times f takes g0 away; the product is the same when they are swapped.
		plus, minus := gPlus&fMinus|gMinus&fPlus, gPlus&fPlus|gMinus&fMinus
		f.swapAdd(&g, swap, plus, minus)
		v.swapAdd(&r, swap, plus, minus)
		g.overX()
	}
	unit := f.get(0)
	for i := range a {
		a[i] = unit * v.get(ntruP-1-i)
	}
	return delta == 0
}
