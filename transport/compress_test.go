package transport

import (
	"bytes"
	"compress/zlib"
	"io"
	"math/rand/v2"
	"testing"
)

func TestCompressionTable(t *testing.T) {
	for _, test := range []struct {
		name                string
		known, delayed, off bool
	}{
		{"none", true, false, true},
		{"zlib", true, false, false},
		{"zlib@openssh.com", true, true, false},
		{"", false, false, true},
		{"ZLIB", false, false, true},
	} {
		c, ok := findCompression(test.name)
		if ok != test.known || c.delayed != test.delayed {
			t.Errorf("%q: %v, delayed %v", test.name, ok, c.delayed)
		}
		if (c.newCompressor == nil) != test.off || (c.newDecompressor == nil) != test.off {
			t.Errorf("%q: constructors missing or too many", test.name)
		}
	}
}

func TestCompressionNames(t *testing.T) {
	names := CompressionNames()
	if len(names) != len(compressions) || names[0] != CompressionNone {
		t.Errorf("%v", names)
	}
}

// TestDeflateRoundTrip: each payload is whole after its own packet, through our own inflater and through the standard
// library's; nothing grows beyond what the interface promises.
func TestDeflateRoundTrip(t *testing.T) {
	for _, level := range []int{-7, 0, 1, 3, 6, 9, 10} {
		c, z := newDeflater(level), newInflater(testLimit)
		rng := rand.New(rand.NewPCG(uint64(level+10), 1))
		var stream, all bytes.Buffer
		for i := range 60 {
			plain := somePayload(rng, 1+rng.IntN(1<<(1+i%17)))
			before := bytes.Clone(plain)
			packet := c.compress(plain[:i%len(plain)], plain[i%len(plain):])
			if !bytes.Equal(plain, before) {
				t.Fatalf("level %d: the payload was changed", level)
			}
			if n := len(packet); n > len(plain)+len(plain)/64+64 {
				t.Fatalf("level %d: %d bytes became %d", level, len(plain), n)
			}
			got, err := z.decompress(packet)
			if err != nil || !bytes.Equal(got, plain) {
				t.Fatalf("level %d, payload of %d bytes: %d bytes, %v", level, len(plain), len(got), err)
			}
			stream.Write(packet)
			all.Write(plain)
		}
		c.close()
		z.close()
		r, err := zlib.NewReader(&stream)
		if err != nil {
			t.Fatal(err)
		}
		got, err := io.ReadAll(r)
		if err != io.ErrUnexpectedEOF || !bytes.Equal(got, all.Bytes()) {
			t.Fatalf("level %d: the standard library reads %d bytes, %v, want %d", level, len(got), err, all.Len())
		}
	}
}

// TestDeflateContext: a stream goes on over packets, so a payload seen before becomes a few bytes.
func TestDeflateContext(t *testing.T) {
	c := newDeflater(6)
	plain := somePayload(rand.New(rand.NewPCG(4, 4)), 3000)
	first := len(c.compress(plain, nil))
	if second := len(c.compress(plain, nil)); second > 100 || second >= first {
		t.Errorf("%d bytes, then %d", first, second)
	}
}

func TestDeflateNoAllocation(t *testing.T) {
	c := newDeflater(6)
	plain := somePayload(rand.New(rand.NewPCG(5, 5)), 8000)
	for range 20 {
		c.compress(plain[:9], plain[9:])
	}
	if n := testing.AllocsPerRun(100, func() { c.compress(plain[:9], plain[9:]) }); n != 0 {
		t.Errorf("%v allocations a packet", n)
	}
}

func BenchmarkDeflate(b *testing.B) {
	c := newDeflater(6)
	plain := somePayload(rand.New(rand.NewPCG(6, 6)), 32<<10)
	b.SetBytes(int64(len(plain)))
	b.ReportAllocs()
	for b.Loop() {
		c.compress(plain[:9], plain[9:])
	}
}
