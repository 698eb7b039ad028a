package cipher

import (
	"crypto/aes"
	"crypto/cipher"
	"encoding/binary"
	"math"
)

// gcmTag is the length of GCM's tag in bytes (RFC 5647 §6.2).
const gcmTag = 16

// gcmState is one direction of AES-GCM for SSH (RFC 5647 with the names and negotiation of OpenSSH PROTOCOL §1.6): the length field is
// associated data in the clear. The sequence number is not used. The nonce is 4 fixed bytes and an invocation counter
// of 8 bytes that starts at the value derived by the key exchange and counts packets (§7.1).
type gcmState struct {
	aead   cipher.AEAD
	nonce  [12]byte
	layout Layout
}

func newGCM(c Cipher, key, iv []byte) (*gcmState, error) {
	newAEAD := newGCMStd
	if hasVectorAES() {
		newAEAD = newGCMVector
	}
	aead, err := newAEAD(key)
	if err != nil {
		return nil, err
	}
	s := &gcmState{aead: aead, nonce: [12]byte(iv)}
	s.layout = Layout{Head: clearLength, Align: c.BlockSize, LengthClear: true, Tag: gcmTag, MaxBytes: c.MaxBytes}
	s.layout.MaxPackets = invocationsLeft(binary.BigEndian.Uint64(iv[4:]))
	return s, nil
}

// newGCMStd returns the standard library's AEAD.
func newGCMStd(key []byte) (cipher.AEAD, error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCM(block)
}

// invocationsLeft is the number of packets until the invocation counter would wrap.
func invocationsLeft(counter uint64) uint64 {
	if counter == 0 {
		return math.MaxUint64
	}
	return -counter
}

// step moves the invocation counter on. The carry never reaches the fixed bytes.
func (s *gcmState) step() {
	binary.BigEndian.PutUint64(s.nonce[4:], binary.BigEndian.Uint64(s.nonce[4:])+1)
}

// Layout implements Sealer and Opener.
func (s *gcmState) Layout() Layout { return s.layout }

func newGCMSealer(c Cipher, key, iv []byte) (Sealer, error) {
	s, err := newGCM(c, key, iv)
	if err != nil {
		return nil, err
	}
	return s, nil
}

func newGCMOpener(c Cipher, key, iv []byte) (Opener, error) {
	s, err := newGCM(c, key, iv)
	if err != nil {
		return nil, err
	}
	return s, nil
}

// Seal implements Sealer.
func (s *gcmState) Seal(_ uint32, packet []byte) {
	text := packet[clearLength : len(packet)-gcmTag]
	s.aead.Seal(text[:0], s.nonce[:], text, packet[:clearLength])
	s.step()
}

// Length implements Opener.
func (s *gcmState) Length(_ uint32, head []byte) uint32 { return binary.BigEndian.Uint32(head) }

// Open implements Opener. The AEAD may compute text and tag in one pass over the packet, and clears the text before it
// returns when the tag is wrong: no unverified plaintext gets out (RFC 5647 §7.3).
func (s *gcmState) Open(_ uint32, packet []byte) error {
	if len(packet) < clearLength+gcmTag {
		return ErrTag
	}
	text := packet[clearLength:]
	if _, err := s.aead.Open(text[:0], s.nonce[:], text, packet[:clearLength]); err != nil {
		return ErrTag
	}
	s.step()
	return nil
}
