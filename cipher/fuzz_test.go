package cipher

import (
	"bytes"
	"encoding/binary"
	"errors"
	"testing"
)

// FuzzOpen gives any bytes, of any number, to any opener: as one packet, and behind it, where the length must be hidden,
// as the rest that is read on. Nothing panics, and nothing is a packet.
func FuzzOpen(f *testing.F) {
	all := suites()
	for i := range all {
		f.Add(uint16(i), uint32(i), uint16(40), bytes.Repeat([]byte{byte(i)}, 100))
		f.Add(uint16(i), ^uint32(0), uint16(0), []byte{0, 0, 0, 12})
	}
	f.Fuzz(func(t *testing.T, i uint16, seq uint32, cut uint16, input []byte) {
		su := all[int(i)%len(all)]
		_, o := pairOf(t, su.cipher, su.mac)
		l := o.Layout()
		input = append(bytes.Clone(input), make([]byte, l.Head)...)
		o.Length(seq, input[:l.Head])
		end := min(int(cut), len(input))
		if err := o.Open(seq, input[:end]); !errors.Is(err, ErrTag) {
			t.Fatalf("%s: %x was taken for a packet: %v", su.name, input[:end], err)
		}
		if !l.HideLength {
			return
		}
		if err := o.Open(seq, input[end:]); !errors.Is(err, ErrTag) {
			t.Fatalf("%s: %x was taken for a packet: %v", su.name, input[end:], err)
		}
	})
}

// FuzzSeal sends two packets in a row, sealed together where that can be, of which the second may be changed at one place.
func FuzzSeal(f *testing.F) {
	all := suites()
	for i := range all {
		f.Add(uint16(i), uint32(i), uint16(0), []byte("payload"), uint16(0), uint8(0))
		f.Add(uint16(i), ^uint32(0), uint16(300), []byte("payload"), uint16(9*i), uint8(1))
	}
	f.Fuzz(func(t *testing.T, i uint16, seq uint32, first uint16, payload []byte, at uint16, flip uint8) {
		su := all[int(i)%len(all)]
		s, o := pairOf(t, su.cipher, su.mac)
		l := s.Layout()
		one, two := frame(l, int(first)), frame(l, len(payload))
		copy(two[clearLength+1:], payload)
		plain := bytes.Clone(two)
		if both, ok := s.(PairSealer); ok && first%2 == 0 {
			both.SealPair(seq, one, two)
		} else {
			s.Seal(seq, one)
			s.Seal(seq+1, two)
		}
		two[int(at)%len(two)] ^= flip
		o.Length(seq, one[:l.Head])
		if err := openAhead(o, seq, one, two); err != nil {
			t.Fatalf("%s: the first packet: %v", su.name, err)
		}
		n := o.Length(seq+1, two[:l.Head])
		err := openAhead(o, seq+1, two, nil)
		if flip != 0 {
			if !errors.Is(err, ErrTag) {
				t.Fatalf("%s: changed at %d: %v", su.name, int(at)%len(two), err)
			}
			return
		}
		end := len(two) - l.Tag
		if err != nil || n != binary.BigEndian.Uint32(plain) || !bytes.Equal(two[clearLength:end], plain[clearLength:end]) {
			t.Fatalf("%s: %x was opened as %x, length %d, %v", su.name, plain, two, n, err)
		}
	})
}

// openAhead is o.OpenAhead where o has it, and Open otherwise.
func openAhead(o Opener, seq uint32, packet, next []byte) error {
	if a, ok := o.(AheadOpener); ok {
		return a.OpenAhead(seq, packet, next)
	}
	return o.Open(seq, packet)
}
