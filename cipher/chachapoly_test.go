package cipher

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math"
	"testing"

	"golang.org/x/crypto/chacha20"
	//lint:ignore SA1019 the second implementation needs Poly1305 by itself
	"golang.org/x/crypto/poly1305"
)

var chachaLayout = (*chachaState)(nil).Layout()

// plainly seals a packet as OpenSSH PROTOCOL.chacha20poly1305 says, step by step, without regard to speed.
func plainly(key []byte, seq uint32, packet []byte) {
	nonce := binary.BigEndian.AppendUint64(make([]byte, 4), uint64(seq))
	text, _ := chacha20.NewUnauthenticatedCipher(key[:32], nonce)
	length, _ := chacha20.NewUnauthenticatedCipher(key[32:], nonce)
	block0 := make([]byte, 64)
	text.XORKeyStream(block0, block0)
	body := packet[:len(packet)-16]
	length.XORKeyStream(body[:4], body[:4])
	text.XORKeyStream(body[4:], body[4:])
	var tag [16]byte
	poly1305.Sum(&tag, body, (*[32]byte)(block0))
	copy(packet[len(body):], tag[:])
}

// forEachWay runs f for each way to ChaCha20 and Poly1305 that the processor has.
func forEachWay(t *testing.T, f func(t *testing.T, way chachaWay)) {
	for way, name := range wayNames {
		t.Run(name, func(t *testing.T) {
			needVectors(t, chachaWay(way).available())
			f(t, chachaWay(way))
		})
	}
}

var wayNames = [...]string{byBlock: "block", byAVX2: "AVX2", byAVX512: "AVX512"}

// TestChaChaDifferential compares every way with the plain construction, sealing and opening.
func TestChaChaDifferential(t *testing.T) {
	key := pattern(64, 1)
	forEachWay(t, func(t *testing.T, way chachaWay) {
		for _, seq := range []uint32{0, 1, 255, 256, 1 << 31, math.MaxUint32} {
			for _, n := range lengths() {
				checkChaChaPoly(t, newChaCha(key, way), key, seq, frame(chachaLayout, n))
			}
		}
	})
}

// checkChaChaPoly seals plain, compares it with the plain construction, and opens it again; then it opens it with a tag
// that is wrong.
func checkChaChaPoly(t *testing.T, s *chachaState, key []byte, seq uint32, plain []byte) {
	t.Helper()
	end := len(plain) - 16
	want, got := bytes.Clone(plain), bytes.Clone(plain)
	plainly(key, seq, want)
	if s.Seal(seq, got); !bytes.Equal(got, want) {
		t.Fatalf("packet of %d, number %d: sealed differently", len(plain), seq)
	}
	if n := s.Length(seq, got[:clearLength]); n != binary.BigEndian.Uint32(plain) {
		t.Fatalf("packet of %d, number %d: length %d", len(plain), seq, n)
	}
	if err := s.Open(seq, got); err != nil || !bytes.Equal(got[clearLength:end], plain[clearLength:end]) {
		t.Fatalf("packet of %d, number %d: %v", len(plain), seq, err)
	}
	got = append(got[:0], want...)
	got[end] ^= 1
	if err := s.Open(seq, got); err != ErrTag || !bytes.Equal(got[:end], want[:end]) {
		t.Fatalf("packet of %d, number %d, with a wrong tag: %v, or decrypted", len(plain), seq, err)
	}
}

// TestChaChaLengthOrder: the key stream of eight lengths is kept, and no number gets that of another.
func TestChaChaLengthOrder(t *testing.T) {
	key := pattern(64, 2)
	forEachWay(t, func(t *testing.T, way chachaWay) {
		s := newChaCha(key, way)
		for _, seq := range []uint32{0, 7, 8, 1, 1, 15, 16, math.MaxUint32, 0, math.MaxUint32 - 8, 5} {
			packet := make([]byte, 40)
			plainly(key, seq, packet)
			if n := s.Length(seq, packet[:clearLength]); n != 0 {
				t.Errorf("number %d: length %x", seq, n)
			}
		}
	})
}

// TestChaChaBounds: nothing outside the packet changes, wherever in memory it lies.
func TestChaChaBounds(t *testing.T) {
	key := pattern(64, 3)
	forEachWay(t, func(t *testing.T, way chachaWay) {
		s := newChaCha(key, way)
		for n := 20; n < 2500; n += 13 {
			buffer := pattern(n+128, 5)
			at := 33 + n%31
			packet := buffer[at : at+n : at+n]
			want := bytes.Clone(packet)
			plainly(key, 9, want)
			if s.Seal(9, packet); !bytes.Equal(packet, want) {
				t.Fatalf("%d bytes at %d: sealed differently", n, at)
			}
			copy(packet, pattern(n+128, 5)[at:])
			if !bytes.Equal(buffer, pattern(n+128, 5)) {
				t.Fatalf("%d bytes at %d: bytes outside have changed", n, at)
			}
		}
	})
}

// FuzzChaChaPoly compares every way the processor has with the plain construction, in packets of up to 64 KiB.
func FuzzChaChaPoly(f *testing.F) {
	f.Add([]byte("key"), uint32(7), uint16(3000), []byte("text"))
	f.Add(bytes.Repeat([]byte{0xff}, 64), ^uint32(0), uint16(1500), []byte{0xff})
	f.Add([]byte{}, uint32(8), uint16(65535), []byte{})
	f.Fuzz(func(t *testing.T, input []byte, seq uint32, n uint16, text []byte) {
		key := make([]byte, 64)
		copy(key, input)
		packet := bytes.Repeat(append(text, 0), int(n)/(len(text)+1)+1)[:n]
		packet = append(make([]byte, clearLength, clearLength+len(packet)+16), append(packet, make([]byte, 16)...)...)
		for way := byBlock; way <= byAVX512; way++ {
			if way.available() {
				checkChaChaPoly(t, newChaCha(key, way), key, seq, packet)
			}
		}
	})
}

// BenchmarkChaChaWays seals, and opens and seals again, packets of each way; 64 bytes are what a keystroke takes.
func BenchmarkChaChaWays(b *testing.B) {
	for way, name := range wayNames {
		for _, size := range []int{64, 1 << 10, 32 << 10} {
			s, packet := newChaCha(pattern(64, 1), chachaWay(way)), frame(chachaLayout, size)
			b.Run(fmt.Sprintf("%s/seal/%d", name, size), func(b *testing.B) {
				needVectors(b, chachaWay(way).available())
				b.SetBytes(int64(size))
				for seq := uint32(0); b.Loop(); seq++ {
					s.Seal(seq, packet)
				}
			})
			b.Run(fmt.Sprintf("%s/open/%d", name, size), func(b *testing.B) {
				needVectors(b, chachaWay(way).available())
				b.SetBytes(int64(size))
				for seq := uint32(0); b.Loop(); seq++ {
					s.Seal(seq, packet)
					s.Length(seq, packet[:clearLength])
					if err := s.Open(seq, packet); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}
