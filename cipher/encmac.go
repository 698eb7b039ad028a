package cipher

import (
	"crypto/subtle"
	"encoding/binary"

	"github.com/hawser-ssh/hawser/mac"
)

// macState is what both directions of a cipher with a MAC share.
type macState struct {
	crypt  Transform
	auth   mac.Authenticator
	etm    bool
	layout Layout
}

func newMACState(c Cipher, m *mac.MAC, crypt Transform, macKey []byte) macState {
	align := max(8, c.BlockSize)
	s := macState{crypt: crypt, auth: m.New(macKey), etm: m.EtM}
	s.layout = Layout{Head: align, Align: align, HideLength: c.CBC, Tag: m.TagSize, MaxPackets: sequenceNumbers, MaxBytes: c.MaxBytes}
	if m.EtM {
		s.layout.Head, s.layout.LengthClear, s.layout.HideLength = clearLength, true, false
	}
	return s
}

// Layout implements Sealer and Opener.
func (s *macState) Layout() Layout { return s.layout }

// macSealer encrypts and authenticates with a cipher and a MAC.
type macSealer struct{ macState }

func newMACSealer(c Cipher, m *mac.MAC, encrypt Transform, macKey []byte) Sealer {
	s := macSealer{newMACState(c, m, encrypt, macKey)}
	if pair, ok := s.auth.(mac.PairAuthenticator); ok {
		return &pairSealer{s, pair}
	}
	return &s
}

// Seal implements Sealer. Encrypt-and-MAC covers the plaintext (RFC 4253 §6.4); encrypt-then-MAC leaves the length clear
// and covers it and the ciphertext (OpenSSH PROTOCOL §1.5).
func (s *macSealer) Seal(seq uint32, packet []byte) {
	body := packet[:len(packet)-s.layout.Tag]
	if s.etm {
		s.crypt(body[clearLength:], body[clearLength:])
		s.auth.Tag(body, seq, body)
		return
	}
	s.auth.Tag(body, seq, body)
	s.crypt(body, body)
}

// macOpener verifies and decrypts with a cipher and a MAC.
type macOpener struct {
	macState
	want [mac.MaxTagSize]byte
}

func newMACOpener(c Cipher, m *mac.MAC, decrypt Transform, macKey []byte) Opener {
	s := macOpener{macState: newMACState(c, m, decrypt, macKey)}
	if pair, ok := s.auth.(mac.PairAuthenticator); ok && s.etm {
		return &aheadOpener{macOpener: s, pair: pair}
	}
	return &s
}

// Length implements Opener. With encrypt-and-MAC the length is in the first block, which is decrypted here and therefore
// before anything is known of who wrote it.
func (s *macOpener) Length(_ uint32, head []byte) uint32 {
	if !s.etm {
		s.crypt(head, head)
	}
	return binary.BigEndian.Uint32(head)
}

// Open implements Opener. The bytes of a broken block at the end are not decrypted, as no mode of blocks could.
func (s *macOpener) Open(seq uint32, packet []byte) error {
	if len(packet) < s.layout.Head+s.layout.Tag {
		return ErrTag
	}
	body := packet[:len(packet)-s.layout.Tag]
	if !s.etm {
		rest := s.whole(body)
		s.crypt(rest, rest)
	}
	return s.verify(packet, s.auth.Tag(s.want[:0], seq, body))
}

// verify compares the tag of a packet with the one that it should have, and with encrypt-then-MAC decrypts it.
func (s *macOpener) verify(packet, want []byte) error {
	body, tag := packet[:len(packet)-s.layout.Tag], packet[len(packet)-s.layout.Tag:]
	rest := s.whole(body)
	if subtle.ConstantTimeCompare(want, tag) != 1 || len(rest) != len(body)-s.layout.Head {
		return ErrTag
	}
	if s.etm {
		s.crypt(rest, rest)
	}
	return nil
}

// whole returns the whole blocks of body behind its head.
func (s *macOpener) whole(body []byte) []byte {
	broken := (len(body) - s.layout.Head) % s.layout.Align
	return body[s.layout.Head : len(body)-broken]
}
