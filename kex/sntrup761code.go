package kex

// The encodings of NTRU Prime, round 3 submission, §3.4. Lengths and moduli are public and the same for all values;
// decoding divides, and is used on public values only.

// encode appends a polynomial modulo q to b.
func (a *ntruPoly) encode(b []byte) []byte {
	var values, moduli [ntruP]uint32
	for i, c := range a {
		values[i], moduli[i] = uint32(c+(ntruQ-1)/2), ntruQ
	}
	return encodeMixed(b, values[:], moduli[:])
}

// decode reads what encode wrote; what encode would not write is reduced.
func (a *ntruPoly) decode(b []byte) {
	for i, v := range decodeUniform(b, ntruQ) {
		a[i] = int32(v) - (ntruQ-1)/2
	}
}

// encodeRounded appends a polynomial of multiples of 3 to b.
func (a *ntruPoly) encodeRounded(b []byte) []byte {
	var values, moduli [ntruP]uint32
	for i, c := range a {
		// A third, by multiplication: exact for multiples of 3 of 13 bits.
		values[i], moduli[i] = uint32(c+(ntruQ-1)/2)*10923>>15, (ntruQ+2)/3
	}
	return encodeMixed(b, values[:], moduli[:])
}

// decodeRounded reads what encodeRounded wrote, as decode does.
func (a *ntruPoly) decodeRounded(b []byte) {
	for i, v := range decodeUniform(b, (ntruQ+2)/3) {
		a[i] = int32(v)*3 - (ntruQ-1)/2
	}
}

// encodeSmall returns a polynomial of -1, 0 and 1 with four coefficients a byte.
func (a *ntruPoly) encodeSmall() (b [ntruSmallSize]byte) {
	for i, c := range a {
		b[i/4] |= byte(c+1) << (i % 4 * 2)
	}
	return b
}

// A mixed-radix number is written by joining neighbours to numbers of up to 2^14, the excess of which goes out as bytes,
// until one is left. Values and moduli are overwritten.
const mixedLimit = 1 << 14

// encodeMixed appends values, each below its modulus, to b.
func encodeMixed(b []byte, values, moduli []uint32) []byte {
	for len(values) > 1 {
		n := 0
		for i := 0; i < len(values); i += 2 {
			v, m := values[i], moduli[i]
			if i+1 < len(values) {
				v += values[i+1] * m
				m *= moduli[i+1]
				for m >= mixedLimit {
					b = append(b, byte(v))
					v, m = v>>8, (m+255)>>8
				}
			}
			values[n], moduli[n] = v, m
			n++
		}
		values, moduli = values[:n], moduli[:n]
	}
	for v, m := values[0], moduli[0]; m > 1; v, m = v>>8, (m+255)>>8 {
		b = append(b, byte(v))
	}
	return b
}

// decodeUniform reads p values, all of the same modulus.
func decodeUniform(b []byte, modulus uint32) []uint32 {
	moduli := make([]uint32, ntruP)
	for i := range moduli {
		moduli[i] = modulus
	}
	values, _ := decodeMixed(b, moduli)
	return values
}

// decodeMixed reads as many values as there are moduli, and returns what is behind them.
func decodeMixed(b []byte, moduli []uint32) (values []uint32, rest []byte) {
	if len(moduli) == 1 {
		v, m := uint32(0), moduli[0]
		for shift := 0; m > 1; shift, m = shift+8, (m+255)>>8 {
			v |= uint32(b[0]) << shift
			b = b[1:]
		}
		return []uint32{v % moduli[0]}, b
	}
	pairs := len(moduli) / 2
	joined := make([]uint32, (len(moduli)+1)/2)
	low, lowBits := make([]uint32, pairs), make([]int, pairs)
	for i := range pairs {
		m := moduli[2*i] * moduli[2*i+1]
		for ; m >= mixedLimit; m = (m + 255) >> 8 {
			low[i] |= uint32(b[0]) << lowBits[i]
			lowBits[i] += 8
			b = b[1:]
		}
		joined[i] = m
	}
	if len(moduli)%2 == 1 {
		joined[pairs] = moduli[2*pairs]
	}
	high, rest := decodeMixed(b, joined)
	values = make([]uint32, len(moduli))
	for i := range pairs {
		v := low[i] | high[i]<<lowBits[i]
		values[2*i], values[2*i+1] = v%moduli[2*i], v/moduli[2*i]%moduli[2*i+1]
	}
	if len(moduli)%2 == 1 {
		values[2*pairs] = high[pairs]
	}
	return values, rest
}
