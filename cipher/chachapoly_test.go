package cipher

import (
	"bytes"
	"encoding/binary"
	"math"
	"testing"

	"golang.org/x/crypto/chacha20"
	//lint:ignore SA1019 the second implementation needs Poly1305 by itself
	"golang.org/x/crypto/poly1305"
)

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

// TestChaChaDifferential compares every way to the key stream with the plain construction, sealing and opening.
func TestChaChaDifferential(t *testing.T) {
	key := pattern(64, 1)
	ways := map[string]chachaWay{"by block": byBlock, "by the AEAD": byAEAD}
	if hasVectorChaCha() {
		ways["by vectors"] = byVector
	}
	for name, way := range ways {
		for _, seq := range []uint32{0, 1, 255, 256, 1 << 31, math.MaxUint32} {
			for _, n := range lengths() {
				s, err := newChaCha(key, way)
				if err != nil {
					t.Fatal(err)
				}
				plain := frame(s.Layout(), n)
				want, got := bytes.Clone(plain), bytes.Clone(plain)
				plainly(key, seq, want)
				s.Seal(seq, got)
				if !bytes.Equal(got, want) {
					t.Fatalf("payload of %d, number %d, %s: sealed differently", n, seq, name)
				}
				if err := open(t, s, seq, got); err != nil || !bytes.Equal(got[4:len(got)-16], plain[4:len(plain)-16]) {
					t.Fatalf("payload of %d, number %d, %s: %v", n, seq, name, err)
				}
			}
		}
	}
}
