package cipher

import (
	"bytes"
	"encoding/binary"
	"errors"
	"testing"
)

// forEachPair runs f for every suite that seals two packets at once; without instructions for that there is none.
func forEachPair(t *testing.T, f func(t *testing.T, s suite)) {
	found := false
	for _, su := range suites() {
		if s, _ := pairOf(t, su.cipher, su.mac); !isPair(s) {
			continue
		}
		found = true
		t.Run(su.name, func(t *testing.T) { f(t, su) })
	}
	if !found {
		t.Skip("no MAC of this processor takes two packets at once")
	}
}

func isPair(s Sealer) bool {
	_, ok := s.(PairSealer)
	return ok
}

// TestSealPair compares with packets that were sealed one after the other, under states that go on.
func TestSealPair(t *testing.T) {
	forEachPair(t, func(t *testing.T, su suite) {
		one, _ := pairOf(t, su.cipher, su.mac)
		both, _ := pairOf(t, su.cipher, su.mac)
		l := one.Layout()
		seq := ^uint32(0) - 6
		for _, n := range []int{0, 1, 40, 59, 60, 61, 300, 5000} {
			for _, m := range []int{0, 44, 300} {
				a, b, c := frame(l, n), frame(l, m), frame(l, 9)
				wantA, wantB, wantC := bytes.Clone(a), bytes.Clone(b), bytes.Clone(c)
				one.Seal(seq, wantA)
				one.Seal(seq+1, wantB)
				one.Seal(seq+2, wantC)
				both.(PairSealer).SealPair(seq, a, b)
				both.Seal(seq+2, c)
				if !bytes.Equal(a, wantA) || !bytes.Equal(b, wantB) || !bytes.Equal(c, wantC) {
					t.Fatalf("payloads of %d and %d: not what Seal makes", n, m)
				}
				seq += 3
			}
		}
	})
}

// stream seals packets one behind the other, and returns where each ends.
func stream(s Sealer, payloads ...int) (sealed, plain []byte, ends []int) {
	for i, n := range payloads {
		p := frame(s.Layout(), n)
		plain = append(plain, p...)
		s.Seal(uint32(i), p)
		sealed = append(sealed, p...)
		ends = append(ends, len(sealed))
	}
	return sealed, plain, ends
}

func aheadOf(t testing.TB, su suite) AheadOpener {
	_, o := pairOf(t, su.cipher, su.mac)
	a, ok := o.(AheadOpener)
	if ok != su.mac.EtM {
		t.Fatalf("opens ahead: %v; can read the next length: %v", ok, su.mac.EtM)
	}
	return a
}

// TestOpenAhead opens a stream of which so many bytes more than the packet at hand have arrived: none, less than a
// length, less than a packet, one, and several.
func TestOpenAhead(t *testing.T) {
	forEachPair(t, func(t *testing.T, su suite) {
		s, _ := pairOf(t, su.cipher, su.mac)
		sealed, plain, ends := stream(s, 0, 100, 1000, 1000, 59, 60, 2000, 0, 3, 1000)
		for _, more := range []int{0, 3, 4, 30, 170, 2000, len(sealed)} {
			o := aheadOf(t, su)
			if o == nil {
				return
			}
			got, start := bytes.Clone(sealed), 0
			for i, end := range ends {
				next := got[end:min(end+more, len(got))]
				before := bytes.Clone(next)
				if err := o.OpenAhead(uint32(i), got[start:end], next); err != nil {
					t.Fatalf("%d more, packet %d: %v", more, i, err)
				}
				text := end - o.Layout().Tag
				if !bytes.Equal(got[start:text], plain[start:text]) || !bytes.Equal(next, before) {
					t.Fatalf("%d more, packet %d: another text, or the next packet has changed", more, i)
				}
				start = end
			}
		}
	})
}

// TestOpenAheadForged changes the packet whose tag is computed ahead: it is refused, and no other, wherever the change
// is and whatever length it then seems to have.
func TestOpenAheadForged(t *testing.T) {
	forEachPair(t, func(t *testing.T, su suite) {
		s, _ := pairOf(t, su.cipher, su.mac)
		sealed, _, ends := stream(s, 50, 90, 50)
		for at := ends[0]; at < ends[1]; at++ {
			o := aheadOf(t, su)
			if o == nil {
				return
			}
			got := bytes.Clone(sealed)
			got[at] ^= 0x80
			if err := o.OpenAhead(0, got[:ends[0]], got[ends[0]:]); err != nil {
				t.Fatalf("changed at %d: the packet before: %v", at, err)
			}
			if err := o.OpenAhead(1, got[ends[0]:ends[1]], got[ends[1]:]); !errors.Is(err, ErrTag) {
				t.Fatalf("changed at %d: %v", at, err)
			}
		}
		for _, length := range []uint32{0, 1, 1<<31 - 1, 1<<32 - 1, uint32(len(sealed) - ends[0] - 4)} {
			o := aheadOf(t, su)
			got := bytes.Clone(sealed)
			binary.BigEndian.PutUint32(got[ends[0]:], length)
			if err := o.OpenAhead(0, got[:ends[0]], got[ends[0]:]); err != nil {
				t.Fatalf("a next packet that says %d: %v", length, err)
			}
		}
	})
}

func TestPairNoAllocation(t *testing.T) {
	forEachPair(t, func(t *testing.T, su suite) {
		s, _ := pairOf(t, su.cipher, su.mac)
		o := aheadOf(t, su)
		plain := append(frame(s.Layout(), 1000), frame(s.Layout(), 1000)...)
		packets, half := make([]byte, len(plain)), len(plain)/2
		seq := uint32(0)
		n := testing.AllocsPerRun(100, func() {
			copy(packets, plain)
			s.(PairSealer).SealPair(seq, packets[:half], packets[half:])
			if o != nil && (o.OpenAhead(seq, packets[:half], packets[half:]) != nil || o.OpenAhead(seq+1, packets[half:], nil) != nil) {
				t.Fatal("refused")
			}
			seq += 2
		})
		if n != 0 {
			t.Errorf("%v allocations", n)
		}
	})
}
