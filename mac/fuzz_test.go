package mac

import (
	"bytes"
	"testing"
)

// FuzzTag computes the tag of any packet with every row: of the right size, the same from a used state and from a fresh
// one, without a change to the packet; UMAC's as the RFC's formulas have it.
func FuzzTag(f *testing.F) {
	all := append(Default(), Insecure()...)
	for i := range all {
		f.Add(uint8(i), uint32(i), []byte("key"), []byte("packet"))
		f.Add(uint8(i), ^uint32(0), []byte{}, bytes.Repeat([]byte{0xff}, 1100))
	}
	f.Fuzz(func(t *testing.T, i uint8, seq uint32, seed, packet []byte) {
		m := all[int(i)%len(all)]
		key := make([]byte, m.KeySize)
		copy(key, seed)
		a, before := m.New(key), bytes.Clone(packet)
		a.Tag(nil, seq+1, bytes.Join([][]byte{seed, packet}, nil))
		got := a.Tag(nil, seq, packet)
		if len(got) != m.TagSize || !bytes.Equal(packet, before) {
			t.Fatalf("%s: tag of %d bytes, packet changed: %v", m.Name, len(got), !bytes.Equal(packet, before))
		}
		if fresh := m.New(key).Tag(nil, seq, packet); !bytes.Equal(got, fresh) {
			t.Fatalf("%s: %x, a fresh state says %x", m.Name, got, fresh)
		}
		if _, ok := a.(*umac); ok {
			if want := plainUMAC(key, uint64(seq), packet, m.TagSize); !bytes.Equal(got, want) {
				t.Fatalf("%s: %x, want %x", m.Name, got, want)
			}
		}
	})
}
