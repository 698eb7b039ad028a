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
	aead     cipher.AEAD // of key; nil after Rest: it is ten times as large as the rest
	key      [32]byte
	keySize  uint8
	nonce    [12]byte
	packets  uint64 // as Layout has it
	maxBytes uint64
}

func newGCM(c Cipher, key, iv []byte) (*gcmState, error) {
	aead, err := newAEAD(key)
	if err != nil {
		return nil, err
	}
	s := &gcmState{aead: aead, keySize: uint8(len(key)), nonce: [12]byte(iv), maxBytes: c.MaxBytes}
	copy(s.key[:], key)
	s.packets = invocationsLeft(binary.BigEndian.Uint64(iv[4:]))
	return s, nil
}

// newAEAD returns the fastest AES-GCM here.
func newAEAD(key []byte) (cipher.AEAD, error) {
	if hasVectorAES() {
		return newGCMVector(key)
	}
	return newGCMStd(key)
}

// newGCMStd returns the standard library's AEAD.
func newGCMStd(key []byte) (cipher.AEAD, error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCM(block)
}

// Rest implements Rester.
func (s *gcmState) Rest() {
	if v, ok := s.aead.(*gcmVector); ok {
		*v = gcmVector{} // the library's cannot be cleared
	}
	s.aead = nil
}

// awake returns the AEAD.
func (s *gcmState) awake() cipher.AEAD {
	if s.aead == nil {
		s.aead, _ = newAEAD(s.key[:s.keySize]) // of this key there was one before
	}
	return s.aead
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
func (s *gcmState) Layout() Layout {
	return Layout{Head: clearLength, Align: aes.BlockSize, LengthClear: true, Tag: gcmTag, MaxPackets: s.packets, MaxBytes: s.maxBytes}
}

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
	s.awake().Seal(text[:0], s.nonce[:], text, packet[:clearLength])
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
	if _, err := s.awake().Open(text[:0], s.nonce[:], text, packet[:clearLength]); err != nil {
		return ErrTag
	}
	s.step()
	return nil
}
