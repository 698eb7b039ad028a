package cipher

import (
	"crypto/subtle"
	"encoding/binary"
	"math"

	"golang.org/x/crypto/chacha20"
	//lint:ignore SA1019 this is a composite that needs Poly1305 by itself, over an encrypted length
	"golang.org/x/crypto/poly1305"
)

// chachaState is one direction of chacha20-poly1305@openssh.com (OpenSSH PROTOCOL.chacha20poly1305). Two ChaCha20 keys
// come from the key exchange: the first encrypts the packet and gives a Poly1305 key per packet, the second encrypts the
// length alone. Both use the sequence number as the 64-bit nonce of the original ChaCha20, with a 64-bit block counter;
// in the layout of RFC 8439 that is a nonce of four zero bytes and the sequence number in eight.
type chachaState struct {
	way                chachaWay
	textKey, lengthKey [chacha20.KeySize]byte // by block
	vector             chachaVector           // otherwise
}

// chachaWay is what computes ChaCha20 and Poly1305. Whoever makes a state says which: tests and benchmarks have all.
type chachaWay int

const (
	byBlock  chachaWay = iota // x/crypto's ChaCha20, which has assembly on some processors, but not on amd64
	byAVX2                    // our own: eight blocks at a time, four sums of Poly1305 side by side
	byAVX512                  // sixteen blocks at a time, and eight sums where the processor has IFMA
)

// available reports whether the processor has the instructions.
func (w chachaWay) available() bool {
	switch w {
	case byAVX2:
		return hasAVX2()
	case byAVX512:
		return hasAVX2() && hasAVX512()
	}
	return true
}

// sums is how many sums of Poly1305 are computed side by side.
func (w chachaWay) sums() int {
	switch {
	case w == byAVX512 && hasIFMA():
		return 8
	case w != byBlock:
		return 4
	}
	return 1
}

func fastestChaCha() chachaWay {
	way := byAVX512
	for !way.available() {
		way--
	}
	return way
}

func newChaCha(key []byte, way chachaWay) *chachaState {
	s := &chachaState{way: way}
	textKey, lengthKey := key[:chacha20.KeySize], key[chacha20.KeySize:]
	if way == byBlock {
		copy(s.textKey[:], textKey)
		copy(s.lengthKey[:], lengthKey)
	} else {
		s.vector = newChaChaVector(textKey, lengthKey, way == byAVX512)
	}
	return s
}

func newChaChaSealer(_ Cipher, key, _ []byte) (Sealer, error) {
	return newChaCha(key, fastestChaCha()), nil
}

func newChaChaOpener(_ Cipher, key, _ []byte) (Opener, error) {
	return newChaCha(key, fastestChaCha()), nil
}

// Layout implements Sealer and Opener.
func (s *chachaState) Layout() Layout {
	return Layout{Head: clearLength, Align: 8, LengthClear: true, Tag: poly1305.TagSize, MaxPackets: sequenceNumbers, MaxBytes: math.MaxUint64}
}

// Seal implements Sealer.
func (s *chachaState) Seal(seq uint32, packet []byte) {
	body := packet[:len(packet)-poly1305.TagSize]
	text, tag := body[clearLength:], (*[poly1305.TagSize]byte)(packet[len(body):])
	binary.BigEndian.PutUint32(body, binary.BigEndian.Uint32(body)^s.lengthStream(seq))
	if s.way == byBlock {
		nonce := packetNonce(seq)
		stream, _ := chacha20.NewUnauthenticatedCipher(s.textKey[:], nonce[:]) // the sizes are right by their types
		polyKey := polyKeyOf(stream)
		stream.XORKeyStream(text, text)
		polySum(tag, body, &polyKey, s.way.sums())
		return
	}
	var stream packetStream
	s.vector.begin(&stream, seq)
	stream.crypt(text)
	polySum(tag, body, stream.polyKey(), s.way.sums())
}

// Length implements Opener. head stays encrypted, as the tag covers it so.
func (s *chachaState) Length(seq uint32, head []byte) uint32 {
	return binary.BigEndian.Uint32(head) ^ s.lengthStream(seq)
}

// Open implements Opener: first the tag, and nothing is decrypted unless it is right.
func (s *chachaState) Open(seq uint32, packet []byte) error {
	if len(packet) < clearLength+poly1305.TagSize {
		return ErrTag
	}
	body, tag := packet[:len(packet)-poly1305.TagSize], packet[len(packet)-poly1305.TagSize:]
	text := body[clearLength:]
	var want [poly1305.TagSize]byte
	if s.way == byBlock {
		nonce := packetNonce(seq)
		stream, _ := chacha20.NewUnauthenticatedCipher(s.textKey[:], nonce[:])
		polyKey := polyKeyOf(stream)
		polySum(&want, body, &polyKey, s.way.sums())
		if subtle.ConstantTimeCompare(want[:], tag) != 1 {
			return ErrTag
		}
		stream.XORKeyStream(text, text)
		return nil
	}
	var stream packetStream
	s.vector.begin(&stream, seq)
	polySum(&want, body, stream.polyKey(), s.way.sums())
	if subtle.ConstantTimeCompare(want[:], tag) != 1 {
		return ErrTag
	}
	stream.crypt(text)
	return nil
}

// packetNonce returns the nonce of a packet, the sequence number in network order.
func packetNonce(seq uint32) (nonce [chacha20.NonceSize]byte) {
	binary.BigEndian.PutUint32(nonce[8:], seq)
	return nonce
}

// polyKeyOf returns the key of the packet's Poly1305, which is the first half of block 0 of the key stream of its text,
// and leaves the stream at block 1, where the text begins.
func polyKeyOf(stream *chacha20.Cipher) (polyKey [32]byte) {
	var block [64]byte
	stream.XORKeyStream(block[:], block[:])
	return [32]byte(block[:])
}

// lengthStream returns the key stream for the length field of a packet, in network order: four bytes of the other key's.
func (s *chachaState) lengthStream(seq uint32) uint32 {
	if s.way != byBlock {
		return s.vector.lengthStream(seq)
	}
	nonce := packetNonce(seq)
	stream, _ := chacha20.NewUnauthenticatedCipher(s.lengthKey[:], nonce[:])
	var length [clearLength]byte
	stream.XORKeyStream(length[:], length[:])
	return binary.BigEndian.Uint32(length[:])
}
