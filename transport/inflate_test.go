package transport

import (
	"bufio"
	"bytes"
	"compress/flate"
	"compress/zlib"
	"encoding/hex"
	"errors"
	"io"
	"math/rand/v2"
	"os"
	"runtime"
	"strconv"
	"strings"
	"testing"

	"github.com/hawser-ssh/hawser/wire"
)

const testLimit = 256 << 10

// flushStream is one zlib stream, packet by packet.
type flushStream struct {
	name           string
	plain, packets [][]byte
}

// flushStreams reads testdata/vectors/zlib_flush.txt.
func flushStreams(t testing.TB) []flushStream {
	t.Helper()
	f, err := os.Open("../testdata/vectors/zlib_flush.txt")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var streams []flushStream
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		name, value, _ := strings.Cut(lines.Text(), " = ")
		switch last := len(streams) - 1; name {
		case "stream":
			streams = append(streams, flushStream{name: value})
		case "plain":
			streams[last].plain = append(streams[last].plain, unhex(t, value))
		case "packet":
			streams[last].packets = append(streams[last].packets, unhex(t, value))
		}
	}
	if len(streams) != 24 {
		t.Fatalf("%d streams, want 24", len(streams))
	}
	return streams
}

// unhex decodes hexadecimal, or a run "byte*count".
func unhex(t testing.TB, s string) []byte {
	t.Helper()
	s, count, run := strings.Cut(s, "*")
	p, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	if run {
		n, err := strconv.Atoi(count)
		if err != nil {
			t.Fatal(err)
		}
		p = bytes.Repeat(p, n)
	}
	return p
}

// TestInflateFlushes decodes what zlib makes with each of its flushes; after a partial flush a packet ends anywhere in a
// byte, and everything that was compressed must be out all the same.
func TestInflateFlushes(t *testing.T) {
	for _, stream := range flushStreams(t) {
		t.Run(stream.name, func(t *testing.T) {
			z := newInflater(testLimit)
			for i, packet := range stream.packets {
				got, err := z.decompress(packet)
				if err != nil || !bytes.Equal(got, stream.plain[i]) {
					t.Fatalf("packet %d: %d bytes, %v, want %d bytes", i, len(got), err, len(stream.plain[i]))
				}
			}
		})
	}
}

// TestInflateAnyBoundary cuts streams at every place, byte by byte: what a cut keeps back comes with a later piece.
func TestInflateAnyBoundary(t *testing.T) {
	for _, stream := range flushStreams(t) {
		whole, want := bytes.Join(stream.packets, nil), bytes.Join(stream.plain, nil)
		for _, piece := range []int{1, 3, 1000} {
			z := newInflater(testLimit).(*inflater)
			var got []byte
			for rest := whole; len(rest) > 0; {
				n := min(piece, len(rest))
				p, err := z.decompress(rest[:n])
				if err != nil && !errors.Is(err, errInflateNone) {
					t.Fatalf("%s in pieces of %d: %v", stream.name, piece, err)
				}
				got, rest = append(got, p...), rest[n:]
			}
			if !bytes.Equal(got, want) {
				t.Fatalf("%s in pieces of %d: %d bytes, want %d", stream.name, piece, len(got), len(want))
			}
		}
	}
}

// TestInflateOtherEncoders decodes the standard library's encoder at all levels, with payloads of every nature and size.
func TestInflateOtherEncoders(t *testing.T) {
	for level := flate.HuffmanOnly; level <= flate.BestCompression; level++ {
		var sealed bytes.Buffer
		w, err := zlib.NewWriterLevel(&sealed, level)
		if err != nil {
			t.Fatal(err)
		}
		z := newInflater(testLimit)
		rng := rand.New(rand.NewPCG(uint64(level+5), 2))
		for i := range 60 {
			plain := somePayload(rng, 1+rng.IntN(1<<(1+i%17)))
			sealed.Reset()
			w.Write(plain)
			w.Flush()
			got, err := z.decompress(sealed.Bytes())
			if err != nil || !bytes.Equal(got, plain) {
				t.Fatalf("level %d, payload %d of %d bytes: %d bytes, %v", level, i, len(plain), len(got), err)
			}
		}
	}
}

// somePayload returns n bytes that are noise, text, runs or repeats from far back.
func somePayload(rng *rand.Rand, n int) []byte {
	p := make([]byte, n)
	kind, period := rng.IntN(4), 1+rng.IntN(40000)
	for i := range p {
		switch {
		case kind == 0:
			p[i] = byte(rng.Uint32())
		case kind == 1:
			p[i] = "etaoin shrdlu"[rng.IntN(13)]
		case kind == 2:
			p[i] = byte(i / 1000)
		case i < period:
			p[i] = byte(rng.IntN(256))
		default:
			p[i] = p[i-period]
		}
	}
	return p
}

// bitWriter builds deflate streams by hand.
type bitWriter struct {
	p []byte
	n int
}

func (w *bitWriter) bits(v, n int) *bitWriter {
	for i := range n {
		if w.n%8 == 0 {
			w.p = append(w.p, 0)
		}
		w.p[len(w.p)-1] |= byte(v>>i&1) << (w.n % 8)
		w.n++
	}
	return w
}

// code writes a Huffman code, whose highest bit comes first.
func (w *bitWriter) code(v, n int) *bitWriter {
	for i := n - 1; i >= 0; i-- {
		w.bits(v>>i, 1)
	}
	return w
}

func deflateBits() *bitWriter { return new(bitWriter).bits(0x78, 8).bits(0x9c, 8) }

// fixedA begins a block with the fixed codes that has the literal 'A'.
func fixedA(final int) *bitWriter { return deflateBits().bits(final, 1).bits(1, 2).code(0x30+'A', 8) }

// dynamic begins a block with codes of its own, of the given numbers, whose code length code has, for the symbols 0, 1,
// 17 and 18, two bits each.
func dynamic(literals, distances int) *bitWriter {
	w := deflateBits().bits(0, 1).bits(2, 2).bits(literals-257, 5).bits(distances-1, 5).bits(18-4, 4)
	for _, symbol := range codeLengthOrder[:18] {
		n := 0
		if symbol == 0 || symbol == 1 || symbol == 17 || symbol == 18 {
			n = 2
		}
		w.bits(n, 3)
	}
	return w
}

// TestPKT19: payloads that are no deflate data, or none that SSH allows, are refused.
func TestPKT19(t *testing.T) {
	zeros := func(w *bitWriter, n int) *bitWriter { return w.code(3, 2).bits(n-11, 7) } // symbol 18
	const codeOf0, codeOf1 = 0, 1
	for _, test := range []struct {
		name    string
		payload []byte
		want    error
	}{
		{"empty", nil, errInflateNone},
		{"half a head", []byte{0x78}, errInflateNone},
		{"head alone", []byte{0x78, 0x9c}, errInflateNone},
		{"not zlib", []byte("SSH-2.0-OpenSSH"), errInflateHead},
		{"gzip", []byte{0x1f, 0x8b, 8, 0}, errInflateHead},
		{"window beyond 32 KiB", []byte{0x88, 0x1c, 0, 0}, errInflateHead},
		{"wrong check of the head", []byte{0x78, 0x9d, 0, 0}, errInflateHead},
		{"preset dictionary", []byte{0x78, 0xbb, 1, 2, 3, 4, 5}, errInflateHead},
		{"reserved block", deflateBits().bits(0, 1).bits(3, 2).p, errInflateData},
		{"stored, wrong NLEN", append(deflateBits().bits(0, 3).p, 1, 0, 0xff, 0xff, 'x'), errInflateData},
		{"stored, empty", append(deflateBits().bits(0, 3).p, 0, 0, 0xff, 0xff), errInflateNone},
		{"fixed, empty", deflateBits().bits(0, 1).bits(1, 2).code(0, 7).p, errInflateNone},
		{"final block, empty", deflateBits().bits(1, 1).bits(1, 2).code(0, 7).p, errInflateNone},
		{"final block, then data", append(fixedA(1).code(0, 7).p, 0), errInflateEnd},
		{"final block, then a checksum", append(fixedA(1).code(0, 7).p, 0, 66, 0, 66), errInflateEnd},
		{"match before the beginning", fixedA(0).code(1, 7).code(1, 5).code(0, 7).p, errInflateData},
		{"match far before the beginning", fixedA(0).code(1, 7).code(29, 5).bits(0x1fff, 13).code(0, 7).p, errInflateData},
		{"length symbol 286", fixedA(0).code(0xc6, 8).code(0, 5).bits(0, 16).p, errInflateData},
		{"distance symbol 30", fixedA(0).code(1, 7).code(30, 5).bits(0, 16).p, errInflateData},
		{"287 literals", dynamic(287, 1).bits(0, 99).p, errInflateData},
		{"31 distances", dynamic(257, 31).bits(0, 99).p, errInflateData},
		{"code lengths over-subscribed", deflateBits().bits(0, 1).bits(2, 2).bits(0, 10).bits(0, 4).bits(0x249, 12).bits(0, 99).p, errInflateData},
		{"code lengths incomplete", deflateBits().bits(0, 1).bits(2, 2).bits(0, 10).bits(0, 4).bits(0x4, 12).bits(0, 99).p, errInflateData},
		{"repeat with nothing before", deflateBits().bits(0, 1).bits(2, 2).bits(0, 10).bits(0, 4).bits(0x9, 12).bits(0, 99).p, errInflateData},
		{"too many lengths", zeros(zeros(dynamic(257, 1), 138), 138).p, errInflateData},
		{"no end of block", zeros(zeros(dynamic(257, 1).code(codeOf1, 2).code(codeOf1, 2), 138), 117).code(codeOf0, 2).p, errInflateData},
		{"literals over-subscribed", zeros(zeros(dynamic(257, 1).code(codeOf1, 2).code(codeOf1, 2), 138), 116).code(codeOf1, 2).code(codeOf1, 2).p, errInflateData},
		{"code that does not exist", zeros(zeros(dynamic(257, 1), 138), 118).code(codeOf1, 2).code(codeOf0, 2).bits(0x7fff, 15).bits(0, 32).p, errInflateData},
	} {
		t.Run(test.name, func(t *testing.T) {
			p, err := newInflater(testLimit).decompress(test.payload)
			var protocol *wire.ProtocolError
			if p != nil || !errors.Is(err, test.want) || !errors.As(err, &protocol) {
				t.Fatalf("%x, %v; want %v", p, err, test.want)
			}
			if protocol.Reason != wire.ReasonCompressionError {
				t.Errorf("reason %v", protocol.Reason)
			}
		})
	}
}

// TestInflateFinalBlock: what a final block holds still counts; nothing may follow in later packets either.
func TestInflateFinalBlock(t *testing.T) {
	z := newInflater(testLimit)
	if p, err := z.decompress(fixedA(1).code(0, 7).p); err != nil || string(p) != "A" {
		t.Fatalf("%q, %v", p, err)
	}
	if _, err := z.decompress([]byte{0x4a, 4, 0}); !errors.Is(err, errInflateEnd) {
		t.Fatal(err)
	}
}

// TestInflateSingleCodes: one distance code of one bit, and none at all, are what encoders make.
func TestInflateSingleCodes(t *testing.T) {
	zeros := func(w *bitWriter, n int) *bitWriter { return w.code(3, 2).bits(n-11, 7) }
	// Literal 'A' (65) and the end of block have one bit each; then the distances.
	begin := func(distances int) *bitWriter {
		w := zeros(dynamic(257, distances), 65).code(1, 2)
		return zeros(zeros(w, 138), 52).code(1, 2)
	}
	for _, test := range []struct {
		name string
		w    *bitWriter
	}{
		{"no distance", begin(1).code(0, 2).code(0, 1).code(0, 1).code(1, 1)},
		{"one distance", begin(1).code(1, 2).code(0, 1).code(0, 1).code(1, 1)},
	} {
		if p, err := newInflater(testLimit).decompress(test.w.p); err != nil || string(p) != "AA" {
			t.Errorf("%s: %q, %v", test.name, p, err)
		}
	}
}

// TestPKT18: output is counted while it is made, in matches, literals and stored blocks alike, and memory stays below
// the limit's order whatever the payload promises.
func TestPKT18(t *testing.T) {
	for _, test := range []struct {
		name  string
		level int
	}{{"matches", 9}, {"literals", flate.HuffmanOnly}, {"stored", flate.NoCompression}} {
		for _, over := range []int{0, 1} {
			var sealed bytes.Buffer
			w, _ := zlib.NewWriterLevel(&sealed, test.level)
			w.Write(make([]byte, 5000+over))
			w.Flush()
			p, err := newInflater(5000).decompress(sealed.Bytes())
			if over == 0 && (err != nil || len(p) != 5000) {
				t.Errorf("%s at the limit: %d bytes, %v", test.name, len(p), err)
			}
			if over == 1 && !errors.Is(err, errInflateBomb) {
				t.Errorf("%s above the limit: %d bytes, %v", test.name, len(p), err)
			}
		}
	}
	bomb := bytes.NewBuffer(nil)
	w, _ := zlib.NewWriterLevel(bomb, 9)
	for range 8 {
		w.Write(make([]byte, 1<<20))
	}
	w.Flush()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	z := newInflater(testLimit).(*inflater)
	_, err := z.decompress(bomb.Bytes())
	runtime.ReadMemStats(&after)
	if !errors.Is(err, errInflateBomb) {
		t.Fatal(err)
	}
	if n := after.TotalAlloc - before.TotalAlloc; n > 1<<20 {
		t.Errorf("%d bytes allocated", n)
	}
	if cap(z.out) > inflateKeep+testLimit {
		t.Errorf("a buffer of %d bytes", cap(z.out))
	}
}

// TestInflateMemory: however long a stream is, the buffer is bounded and is made once.
func TestInflateMemory(t *testing.T) {
	var sealed bytes.Buffer
	w, _ := zlib.NewWriterLevel(&sealed, 1)
	z := newInflater(testLimit).(*inflater)
	plain := somePayload(rand.New(rand.NewPCG(1, 1)), 32<<10)
	next := func() {
		sealed.Reset()
		w.Write(plain)
		w.Flush()
		if p, err := z.decompress(sealed.Bytes()); err != nil || len(p) != len(plain) {
			t.Fatal(len(p), err)
		}
	}
	for range 20 {
		next()
	}
	if n := testing.AllocsPerRun(100, next); n != 0 {
		t.Errorf("%v allocations a packet", n)
	}
	if cap(z.out) > inflateKeep+2*len(plain) {
		t.Errorf("a buffer of %d bytes for packets of %d", cap(z.out), len(plain))
	}
	z.close()
	if z.out != nil {
		t.Error("close keeps the window")
	}
}

// FuzzInflate compares with compress/flate: what one accepts whole, both decode alike, in one piece or in two. The
// standard library is laxer about incomplete codes, so our refusal alone is no fault.
func FuzzInflate(f *testing.F) {
	for _, stream := range flushStreams(f) {
		if whole := bytes.Join(stream.packets, nil); len(whole) < 4000 {
			f.Add(whole[2:], uint16(len(whole)/2))
		}
	}
	f.Add([]byte{0x4b, 4, 0}, uint16(1))
	f.Fuzz(func(t *testing.T, data []byte, cut uint16) {
		const limit = 64 << 10
		want, stdErr := io.ReadAll(io.LimitReader(flate.NewReader(bytes.NewReader(data)), limit))
		payload := append([]byte{0x78, 0x9c}, data...)
		p, err := newInflater(limit).decompress(payload)
		got := bytes.Clone(p)
		if err == nil {
			if stdErr != nil && !errors.Is(stdErr, io.ErrUnexpectedEOF) {
				t.Fatalf("only we accept it: %v", stdErr)
			}
			if n := min(len(got), len(want)); !bytes.Equal(got[:n], want[:n]) || stdErr == nil && len(got) != len(want) {
				t.Fatalf("%d bytes differ from %d", len(got), len(want))
			}
		}
		var twice []byte
		z := newInflater(limit)
		at := min(int(cut), len(payload))
		for _, piece := range [][]byte{payload[:at], payload[at:]} {
			p, pieceErr := z.decompress(piece)
			if pieceErr != nil && !errors.Is(pieceErr, errInflateNone) {
				if err == nil {
					t.Fatalf("cut at %d: %v", at, pieceErr)
				}
				return
			}
			twice = append(twice, p...)
		}
		if err == nil && !bytes.Equal(twice, got) {
			t.Fatalf("cut at %d: %d bytes, want %d", at, len(twice), len(got))
		}
	})
}

// BenchmarkInflate decodes the second packet of a stream again and again: it matches what went before each time, be that
// the first packet or itself, only at the same distance.
func BenchmarkInflate(b *testing.B) {
	for kind, name := range []string{"noise", "text", "runs"} {
		b.Run(name, func(b *testing.B) {
			rng := rand.New(rand.NewPCG(1, 1))
			var sealed bytes.Buffer
			w, _ := zlib.NewWriterLevel(&sealed, 6)
			var packets [2][]byte
			plain := make([]byte, 32<<10)
			for n := range packets {
				for i := range plain {
					plain[i] = [...]byte{byte(rng.Uint32()), "etaoin shrdlu"[rng.IntN(13)], byte(i >> 10)}[kind]
				}
				sealed.Reset()
				w.Write(plain)
				w.Flush()
				packets[n] = bytes.Clone(sealed.Bytes())
			}
			z := newInflater(testLimit)
			if _, err := z.decompress(packets[0]); err != nil {
				b.Fatal(err)
			}
			b.SetBytes(int64(len(plain)))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := z.decompress(packets[1]); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
