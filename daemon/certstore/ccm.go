package certstore

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/subtle"
	"encoding/binary"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"
)

// openCCM opens AES-CCM (RFC 3610) without further data, its parameters as in
// RFC 5084 §3.1.
func openCCM(key []byte, params cryptobyte.String, data []byte) ([]byte, error) {
	var seq, nonce cryptobyte.String
	tag := 12
	if !params.ReadASN1(&seq, cbasn1.SEQUENCE) || !seq.ReadASN1(&nonce, cbasn1.OCTET_STRING) ||
		!seq.Empty() && !seq.ReadASN1Integer(&tag) || !seq.Empty() {
		return nil, malformed("CCM parameters")
	}
	if len(nonce) < 7 || len(nonce) > 13 || tag < 8 || tag > 16 || tag%2 != 0 || len(data) < tag {
		return nil, malformed("CCM with a nonce of %d bytes and a tag of %d", len(nonce), tag)
	}
	size := len(data) - tag
	if lengthSize := 15 - len(nonce); lengthSize < 4 && size>>(8*lengthSize) != 0 {
		return nil, malformed("CCM of %d bytes with a nonce of %d", size, len(nonce))
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, because(ErrUnsupported, "%w", err)
	}
	plain := make([]byte, size)
	mask := ccmKeystream(block, nonce, plain, data[:size])
	mac := ccmMAC(block, nonce, tag, plain)
	subtle.XORBytes(mac[:], mac[:], mask[:])
	if subtle.ConstantTimeCompare(mac[:tag], data[size:]) != 1 {
		clear(plain)
		return nil, errPadding
	}
	return plain, nil
}

// ccmKeystream encrypts in counter mode (RFC 3610 §2.3) and returns what masks
// the tag.
func ccmKeystream(block cipher.Block, nonce, dst, src []byte) (mask [aes.BlockSize]byte) {
	var counter [aes.BlockSize]byte
	counter[0] = byte(15 - len(nonce) - 1)
	copy(counter[1:], nonce)
	stream := cipher.NewCTR(block, counter[:])
	stream.XORKeyStream(mask[:], mask[:])
	stream.XORKeyStream(dst, src)
	return mask
}

// ccmMAC is the CBC-MAC of RFC 3610 §2.2, without additional data.
func ccmMAC(block cipher.Block, nonce []byte, tag int, plain []byte) (mac [aes.BlockSize]byte) {
	lengthSize := 15 - len(nonce)
	var length [8]byte
	binary.BigEndian.PutUint64(length[:], uint64(len(plain)))
	mac[0] = byte((tag-2)/2<<3 | (lengthSize - 1))
	copy(mac[1:], nonce)
	copy(mac[16-lengthSize:], length[8-lengthSize:])
	block.Encrypt(mac[:], mac[:])
	for len(plain) > 0 {
		n := subtle.XORBytes(mac[:], mac[:], plain[:min(len(plain), len(mac))])
		block.Encrypt(mac[:], mac[:])
		plain = plain[n:]
	}
	return mac
}

// kwpMark is the constant of RFC 5649 §3.
const kwpMark = 0xa65959a6

// openKWP opens AES key wrap with padding (RFC 5649).
func openKWP(key []byte, _ cryptobyte.String, data []byte) ([]byte, error) {
	if len(data) < 16 || len(data)%8 != 0 {
		return nil, malformed("wrapped key of %d bytes", len(data))
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, because(ErrUnsupported, "%w", err)
	}
	head, plain := unwrap(block, data)
	mark, size := binary.BigEndian.Uint32(head[:4]), int64(binary.BigEndian.Uint32(head[4:]))
	good := subtle.ConstantTimeEq(int32(mark), int32(kwpMark-1<<32))
	if good != 1 || size <= int64(len(plain)-8) || size > int64(len(plain)) {
		return nil, errPadding
	}
	for _, v := range plain[size:] {
		if v != 0 {
			return nil, errPadding
		}
	}
	return plain[:size], nil
}

// unwrap is RFC 3394 §2.2.2, and for two blocks that of RFC 5649 §4.2.
func unwrap(block cipher.Block, data []byte) (head [8]byte, plain []byte) {
	var b [aes.BlockSize]byte
	if len(data) == len(b) {
		block.Decrypt(b[:], data)
		return [8]byte(b[:8]), b[8:]
	}
	copy(head[:], data)
	plain = append(plain, data[8:]...)
	n := len(plain) / 8
	for t := uint64(6 * n); t > 0; t-- {
		r := plain[8*((int(t)-1)%n):][:8]
		binary.BigEndian.PutUint64(b[:], binary.BigEndian.Uint64(head[:])^t)
		copy(b[8:], r)
		block.Decrypt(b[:], b[:])
		copy(head[:], b[:8])
		copy(r, b[8:])
	}
	return head, plain
}
