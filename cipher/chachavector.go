package cipher

import (
	"crypto/subtle"
	"encoding/binary"

	"golang.org/x/crypto/chacha20"
)

// chachaVector is ChaCha20 for sixteen blocks at a time, under one key: the words of RFC 8439 §2.3, of which the 64-bit
// nonce are the last two.
type chachaVector struct{ state [16]uint32 }

// chachaGroup is how many bytes chachaGroups makes at a time: sixteen blocks.
const chachaGroup = 16 * 64

// keyStream is the first sixteen blocks of a packet's key stream: block 0, which has the key of the packet's Poly1305,
// and those for the first bytes of its text. It lies on the stack of who seals or opens the packet.
type keyStream [chachaGroup]byte

func (k *keyStream) polyKey() *[32]byte { return (*[32]byte)(k[:]) }

func (v *chachaVector) setKey(key *[chacha20.KeySize]byte) {
	copy(v.state[:], []uint32{0x61707865, 0x3320646e, 0x79622d32, 0x6b206574}) // "expand 32-byte k"
	for i := range 8 {
		v.state[4+i] = binary.LittleEndian.Uint32(key[4*i:])
	}
}

// begin sets first, which is zero, to the key stream of a packet.
func (v *chachaVector) begin(first *keyStream, seq uint32) {
	nonce := binary.BigEndian.AppendUint64(make([]byte, 0, 8), uint64(seq))
	v.state[12], v.state[13] = 0, 0
	v.state[14], v.state[15] = binary.LittleEndian.Uint32(nonce), binary.LittleEndian.Uint32(nonce[4:])
	chachaGroups(&v.state, &first[0], &first[0], 1)
}

// crypt encrypts or decrypts text with the key stream from block 1 on, which first has, and what follows there.
func (v *chachaVector) crypt(first *keyStream, text []byte) {
	n := subtle.XORBytes(text, text, first[64:])
	text = text[n:]
	if groups := len(text) / chachaGroup; groups > 0 {
		chachaGroups(&v.state, &text[0], &text[0], groups)
		text = text[groups*chachaGroup:]
	}
	if len(text) > 0 {
		var last keyStream
		chachaGroups(&v.state, &last[0], &last[0], 1)
		subtle.XORBytes(text, text, last[:])
	}
}
