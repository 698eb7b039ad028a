package certstore

import "slices"

// BER (X.690 §8) as Java and Firefox write it: lengths that are left open and
// strings in pieces. The parsers read DER.

const (
	classConstructed  = 0x20
	tagOctetString    = 0x04
	lengthIndefinite  = 0x80
	maxNesting        = 32
	endOfContentsSize = 2
)

// toDER returns the first element of data in DER, as far as lengths and octet
// strings go. It is a view of data if that is DER already.
func toDER(data []byte) ([]byte, error) {
	b := ber{in: data}
	out, err := b.element(make([]byte, 0, len(data)), 0)
	if err != nil {
		return nil, err
	}
	if len(b.in) > 0 {
		return nil, malformed("%d bytes after the end", len(b.in))
	}
	return out, nil
}

// ber reads elements from in.
type ber struct{ in []byte }

// element reads one element and appends it to out in DER.
func (b *ber) element(out []byte, depth int) ([]byte, error) {
	tag, length, err := b.header()
	if err != nil {
		return nil, err
	}
	if depth == maxNesting {
		return nil, malformed("elements nested too deeply")
	}
	if tag[0]&classConstructed == 0 {
		if length < 0 {
			return nil, malformed("primitive element without length")
		}
		return appendElement(out, tag, b.take(length)), nil
	}
	content, err := b.contents(length, depth+1)
	if err != nil {
		return nil, err
	}
	if tag[0] == tagOctetString|classConstructed {
		tag = []byte{tagOctetString}
		if content, err = joinOctets(content); err != nil {
			return nil, err
		}
	}
	return appendElement(out, tag, content), nil
}

// contents reads what is in a constructed element, to its end.
func (b *ber) contents(length, depth int) (out []byte, err error) {
	inner := b
	if length >= 0 {
		inner = &ber{in: b.take(length)}
	}
	for {
		switch {
		case length >= 0 && len(inner.in) == 0:
			return out, nil
		case length < 0 && len(inner.in) >= endOfContentsSize && inner.in[0] == 0 && inner.in[1] == 0:
			inner.take(endOfContentsSize)
			return out, nil
		}
		if out, err = inner.element(out, depth); err != nil {
			return nil, err
		}
	}
}

// header reads tag and length; a length of -1 is left open. What it says is
// there.
func (b *ber) header() (tag []byte, length int, err error) {
	size := 1
	if len(b.in) > 0 && b.in[0]&0x1f == 0x1f { // a number of several bytes
		for size < len(b.in) && size < 4 && b.in[size]&0x80 != 0 {
			size++
		}
		size++
	}
	if len(b.in) <= size {
		return nil, 0, malformed("it ends early")
	}
	tag, first := b.take(size), b.take(1)[0]
	if first == lengthIndefinite {
		return tag, -1, nil
	}
	length = int(first)
	if first > lengthIndefinite {
		n := int(first &^ lengthIndefinite)
		if n > 4 || n > len(b.in) {
			return nil, 0, malformed("a length of %d bytes", n)
		}
		length = 0
		for _, v := range b.take(n) {
			length = length<<8 | int(v)
		}
	}
	if length < 0 || length > len(b.in) {
		return nil, 0, malformed("it ends early")
	}
	return tag, length, nil
}

func (b *ber) take(n int) []byte {
	p := b.in[:n:n]
	b.in = b.in[n:]
	return p
}

// joinOctets returns what is in a row of octet strings in DER.
func joinOctets(pieces []byte) ([]byte, error) {
	var out []byte
	for b := (ber{in: pieces}); len(b.in) > 0; {
		tag, length, err := b.header()
		if err != nil {
			return nil, err
		}
		if tag[0] != tagOctetString || length < 0 {
			return nil, malformed("a string has pieces of another type")
		}
		out = append(out, b.take(length)...)
	}
	return out, nil
}

// appendElement appends an element in DER.
func appendElement(out, tag, content []byte) []byte {
	out = append(out, tag...)
	n := len(content)
	if n < lengthIndefinite {
		return append(append(out, byte(n)), content...)
	}
	var size []byte
	for ; n > 0; n >>= 8 {
		size = append(size, byte(n))
	}
	slices.Reverse(size)
	out = append(append(out, lengthIndefinite|byte(len(size))), size...)
	return append(out, content...)
}
