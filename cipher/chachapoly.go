package cipher

import (
	"crypto/cipher"
	"crypto/subtle"
	"encoding/binary"
	"math"
	"runtime"

	"golang.org/x/crypto/chacha20"
	"golang.org/x/crypto/chacha20poly1305"
	//lint:ignore SA1019 this is a composite that needs Poly1305 by itself, over an encrypted length
	"golang.org/x/crypto/poly1305"
)

// chachaState is one direction of chacha20-poly1305@openssh.com (OpenSSH PROTOCOL.chacha20poly1305). Two ChaCha20 keys
// come from the key exchange: the first encrypts the packet and gives a Poly1305 key per packet, the second encrypts the
// length alone. Both use the sequence number as the 64-bit nonce of the original ChaCha20, with a 64-bit block counter;
// in the layout of RFC 8439 that is a nonce of four zero bytes and the sequence number in eight.
//
// What is passed to a cipher.AEAD escapes, so nonce and tag are fields: as locals they would be an allocation per packet.
type chachaState struct {
	textKey, lengthKey [chacha20.KeySize]byte
	way                chachaWay
	aead               cipher.AEAD // by AEAD: with textKey; used for its key stream only
	vector             chachaVector
	nonce              [chacha20.NonceSize]byte
	polyKey            [32]byte
	tag                [poly1305.TagSize]byte
}

// chachaWay is where the key stream of the text comes from.
type chachaWay int

const (
	byBlock  chachaWay = iota // x/crypto's ChaCha20
	byAEAD                    // x/crypto's AEAD of RFC 8439, which has the same key stream
	byVector                  // our own, for sixteen blocks at a time
)

// fastestChaCha returns the fastest way here: on amd64 x/crypto has vector code for the AEAD and none for ChaCha20 by
// itself; elsewhere it is the other way round.
func fastestChaCha() chachaWay {
	switch {
	case hasVectorChaCha():
		return byVector
	case runtime.GOARCH == "amd64":
		return byAEAD
	}
	return byBlock
}

func newChaCha(key []byte, way chachaWay) (*chachaState, error) {
	s := &chachaState{way: way}
	copy(s.textKey[:], key)
	copy(s.lengthKey[:], key[chacha20.KeySize:])
	var err error
	switch way {
	case byAEAD:
		s.aead, err = chacha20poly1305.New(s.textKey[:])
	case byVector:
		s.vector.setKey(&s.textKey)
	}
	return s, err
}

func newChaChaSealer(_ Cipher, key, _ []byte) (Sealer, error) {
	s, err := newChaCha(key, fastestChaCha())
	if err != nil {
		return nil, err
	}
	return s, nil
}

func newChaChaOpener(_ Cipher, key, _ []byte) (Opener, error) {
	s, err := newChaCha(key, fastestChaCha())
	if err != nil {
		return nil, err
	}
	return s, nil
}

// Layout implements Sealer and Opener.
func (s *chachaState) Layout() Layout {
	return Layout{Head: clearLength, Align: 8, LengthClear: true, Tag: poly1305.TagSize, MaxPackets: sequenceNumbers, MaxBytes: math.MaxUint64}
}

// Seal implements Sealer.
func (s *chachaState) Seal(seq uint32, packet []byte) {
	body := packet[:len(packet)-poly1305.TagSize]
	s.setNonce(seq)
	length := s.cryptLength([clearLength]byte(body))
	copy(body, length[:])
	if s.way == byVector {
		var first keyStream
		s.vector.begin(&first, seq)
		s.vector.crypt(&first, body[clearLength:])
		polySum(&s.tag, body, first.polyKey(), hasVectorPoly())
	} else {
		s.derivePolyKey()
		s.crypt(packet)
		poly1305.Sum(&s.tag, body, &s.polyKey)
	}
	copy(packet[len(body):], s.tag[:])
}

// Length implements Opener. head stays encrypted, as the tag covers it so.
func (s *chachaState) Length(seq uint32, head []byte) uint32 {
	s.setNonce(seq)
	length := s.cryptLength([clearLength]byte(head))
	return binary.BigEndian.Uint32(length[:])
}

// Open implements Opener: first the tag, and nothing is decrypted unless it is right.
func (s *chachaState) Open(seq uint32, packet []byte) error {
	if len(packet) < clearLength+poly1305.TagSize {
		return ErrTag
	}
	body, tag := packet[:len(packet)-poly1305.TagSize], packet[len(packet)-poly1305.TagSize:]
	if s.way == byVector {
		return s.openVector(seq, body, tag)
	}
	s.setNonce(seq)
	s.derivePolyKey()
	poly1305.Sum(&s.tag, body, &s.polyKey)
	if subtle.ConstantTimeCompare(s.tag[:], tag) != 1 {
		return ErrTag
	}
	s.crypt(packet)
	return nil
}

func (s *chachaState) openVector(seq uint32, body, tag []byte) error {
	var first keyStream
	s.vector.begin(&first, seq)
	polySum(&s.tag, body, first.polyKey(), hasVectorPoly())
	if subtle.ConstantTimeCompare(s.tag[:], tag) != 1 {
		return ErrTag
	}
	s.vector.crypt(&first, body[clearLength:])
	return nil
}

// setNonce prepares the nonce of a packet, the sequence number in network order.
func (s *chachaState) setNonce(seq uint32) { binary.BigEndian.PutUint32(s.nonce[8:], seq) }

// cryptLength encrypts or decrypts the length field with its own key.
func (s *chachaState) cryptLength(length [clearLength]byte) [clearLength]byte {
	// The sizes are right by their types, so this cannot fail.
	stream, _ := chacha20.NewUnauthenticatedCipher(s.lengthKey[:], s.nonce[:])
	stream.XORKeyStream(length[:], length[:])
	return length
}

// derivePolyKey sets polyKey to the first 32 bytes of block 0 of the text's key stream.
func (s *chachaState) derivePolyKey() {
	clear(s.polyKey[:])
	stream, _ := chacha20.NewUnauthenticatedCipher(s.textKey[:], s.nonce[:])
	stream.XORKeyStream(s.polyKey[:], s.polyKey[:])
}

// crypt encrypts or decrypts the text between the length field and the tag with the key stream from block 1 on.
//
// The AEAD of RFC 8439 has that very key stream, so its Seal does both directions, much faster on amd64. The tag that it
// appends falls on the packet's tag, which the caller writes afterwards or has read before, and means nothing here.
func (s *chachaState) crypt(packet []byte) {
	text := packet[clearLength : len(packet)-poly1305.TagSize]
	if s.way == byAEAD {
		s.aead.Seal(text[:0], s.nonce[:], text, nil)
		return
	}
	stream, _ := chacha20.NewUnauthenticatedCipher(s.textKey[:], s.nonce[:])
	stream.SetCounter(1)
	stream.XORKeyStream(text, text)
}
