package cipher

import (
	"crypto/subtle"
	"encoding/binary"
	"math/bits"
)

// chachaKey is words 0 to 11 of the state of ChaCha20 (RFC 8439 §2.3), the constants and a key: what all blocks under
// the key have in common.
type chachaKey [12]uint32

// chachaTails is words 12 to 15 of eight states, a row a word and a column a block: a block counter of 64 bits and a nonce
// of 64 bits.
type chachaTails [4][8]uint32

// chachaVector is ChaCha20 for many blocks at a time, under the two keys of one direction.
type chachaVector struct {
	text, length chachaKey
	wide         bool // sixteen blocks, where there are as many

	// The key stream of eight lengths, of the packets whose sequence number is 8 lengthsAt to 8 lengthsAt+7: each takes a
	// whole block, and eight cost what one does.
	lengths      [8]uint32
	lengthsAt    uint32
	lengthsKnown bool
}

func newChaChaVector(textKey, lengthKey []byte, wide bool) chachaVector {
	return chachaVector{text: newChaChaKey(textKey), length: newChaChaKey(lengthKey), wide: wide}
}

func newChaChaKey(key []byte) chachaKey {
	k := chachaKey{0x61707865, 0x3320646e, 0x79622d32, 0x6b206574} // "expand 32-byte k"
	for i := range 8 {
		k[4+i] = binary.LittleEndian.Uint32(key[4*i:])
	}
	return k
}

// nonceWord returns word 15 of a packet's states: the sequence number in network order. Word 14 is zero, for numbers
// have 32 bits.
func nonceWord(seq uint32) uint32 { return bits.ReverseBytes32(seq) }

// lengthStream returns the key stream of one length, in network order.
func (v *chachaVector) lengthStream(seq uint32) uint32 {
	if at := seq / 8; !v.lengthsKnown || at != v.lengthsAt {
		v.lengthsKnown, v.lengthsAt = true, at
		var tails chachaTails
		for i := range tails[3] {
			tails[3][i] = nonceWord(8*at + uint32(i))
		}
		var blocks [chachaEight]byte
		chachaEights(&v.length, &tails, &blocks[0], &blocks[0], 1)
		for i := range v.lengths {
			v.lengths[i] = binary.BigEndian.Uint32(blocks[64*i:])
		}
	}
	return v.lengths[seq%8]
}

// chachaEight and chachaSixteen are how many bytes chachaEights and chachaSixteens take at a time.
const chachaEight, chachaSixteen = 8 * 64, 16 * 64

// packetStream is the key stream of one packet's text. It lies on the stack of who seals or opens the packet.
type packetStream struct {
	key   *chachaKey
	wide  bool
	first [chachaEight]byte // block 0, which has the key of the packet's Poly1305, and those for the first of its text
	next  chachaTails       // of the blocks behind
}

// begin makes stream, which is zero, that of a packet.
func (v *chachaVector) begin(stream *packetStream, seq uint32) {
	stream.key, stream.wide = &v.text, v.wide
	nonce := nonceWord(seq)
	for i := range 8 {
		stream.next[0][i], stream.next[3][i] = uint32(i), nonce
	}
	stream.eights(stream.first[:], 1)
}

func (s *packetStream) polyKey() *[32]byte { return (*[32]byte)(s.first[:]) }

// crypt encrypts or decrypts the text of the packet, all at once, with the key stream from block 1 on.
func (s *packetStream) crypt(text []byte) {
	text = text[subtle.XORBytes(text, text, s.first[64:]):]
	if n := len(text) / chachaSixteen; n > 0 && s.wide {
		s.sixteens(text, n)
		text = text[n*chachaSixteen:]
	}
	if n := len(text) / chachaEight; n > 0 {
		s.eights(text, n)
		text = text[n*chachaEight:]
	}
	if len(text) > 0 {
		var last [chachaEight]byte
		s.eights(last[:], 1)
		subtle.XORBytes(text, text, last[:])
	}
}

// eights takes the next n groups of eight blocks.
func (s *packetStream) eights(text []byte, n int) {
	chachaEights(s.key, &s.next, &text[0], &text[0], n)
}

// sixteens takes the next n groups of sixteen blocks.
func (s *packetStream) sixteens(text []byte, n int) {
	var state [16]uint32
	copy(state[:], s.key[:])
	for i := range s.next {
		state[12+i] = s.next[i][0]
	}
	chachaSixteens(&state, &text[0], &text[0], n)
	for i := range s.next[0] {
		s.next[0][i] += 16 * uint32(n)
	}
}
