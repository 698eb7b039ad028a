package cipher

import (
	"encoding/binary"

	"github.com/hawser-ssh/hawser/mac"
)

// PairSealer is a Sealer that seals two packets in less time than one after the other.
type PairSealer interface {
	Sealer
	// SealPair is Seal for a under seq and for b under seq+1.
	SealPair(seq uint32, a, b []byte)
}

// AheadOpener is an Opener that works ahead: while it opens one packet it computes the tag of the one behind it.
type AheadOpener interface {
	Opener
	// OpenAhead is Open. next is what has arrived behind packet, whole or not, any bytes at all; it is not changed, and
	// what is there already must be the same when the next packet is opened.
	OpenAhead(seq uint32, packet, next []byte) error
}

// pairSealer is a macSealer whose MAC takes two packets at once.
type pairSealer struct {
	macSealer
	pair mac.PairAuthenticator
}

// SealPair implements PairSealer.
func (s *pairSealer) SealPair(seq uint32, a, b []byte) {
	a, b = a[:len(a)-s.layout.Tag], b[:len(b)-s.layout.Tag]
	if s.etm {
		s.crypt(a[clearLength:], a[clearLength:])
		s.crypt(b[clearLength:], b[clearLength:])
		s.pair.TagPair(a, b, seq, a, b)
		return
	}
	s.pair.TagPair(a, b, seq, a, b)
	s.crypt(a, a)
	s.crypt(b, b)
}

// aheadOpener is a macOpener whose MAC takes two packets at once: with encrypt-then-MAC, where the length of the second
// can be read before it is decrypted.
type aheadOpener struct {
	macOpener
	pair  mac.PairAuthenticator
	ahead bool // next is the tag of the next packet
	next  [mac.MaxTagSize]byte
}

// OpenAhead implements AheadOpener.
func (s *aheadOpener) OpenAhead(seq uint32, packet, next []byte) error {
	if s.ahead {
		s.ahead = false
		return s.verify(packet, s.next[:s.layout.Tag])
	}
	following := s.following(next)
	if following == nil || len(packet) < s.layout.Head+s.layout.Tag {
		return s.Open(seq, packet)
	}
	s.ahead = true
	want, _ := s.pair.TagPair(s.want[:0], s.next[:0], seq, packet[:len(packet)-s.layout.Tag], following)
	return s.verify(packet, want)
}

// following returns what the MAC of the packet covers that next begins with, or nil where that has not all arrived.
func (s *aheadOpener) following(next []byte) []byte {
	if len(next) < clearLength {
		return nil
	}
	body := clearLength + uint64(binary.BigEndian.Uint32(next))
	if body+uint64(s.layout.Tag) > uint64(len(next)) {
		return nil
	}
	return next[:body]
}
