package cipher

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/subtle"
	"encoding/binary"
	"slices"
)

// gcmVector is AES-GCM (NIST SP 800-38D) for many blocks at a time, a cipher.AEAD that works in place where it can. It
// encrypts and authenticates in one pass. Unlike the standard library's, it is not for concurrent use.
type gcmVector struct {
	keys  aesKeys
	hash  hashKey
	nonce [12]byte
	sum   [aes.BlockSize]byte // of GHASH
}

// hashKey has the first sixteen powers of GHASH's key H, divided by x, the highest first, and for each the sum of its
// halves, twice. A power is two words, the lower first, in which the bit of x^127 is the lowest. The last entry is zero.
type hashKey struct{ powers, halves [gcmBlocks + 1][2]uint64 }

// gcmBlocks is how many blocks the vector code takes at a time, and gcmGroup that in bytes.
const (
	gcmBlocks = 16
	gcmGroup  = gcmBlocks * aes.BlockSize

	firstBlock = 2 // counts the first block of a text; 1 is for the tag
)

// newGCMVector returns the AEAD for a key of 16 or 32 bytes, which it copies.
func newGCMVector(key []byte) (cipher.AEAD, error) {
	v := new(gcmVector)
	if err := v.keys.set(key); err != nil {
		return nil, err
	}
	var h [aes.BlockSize]byte
	ctrBlocks(&v.keys, &v.nonce, 0, &h[0], 1) // all zero: the cipher of a block of zeros
	v.hash.set(&h)
	clear(h[:])
	return v, nil
}

// set computes the powers of h.
func (k *hashKey) set(h *[aes.BlockSize]byte) {
	hi, lo := binary.BigEndian.Uint64(h[:]), binary.BigEndian.Uint64(h[8:])
	carry := hi >> 63 // the coefficient of x^0, and 1/x = x^127 + x^6 + x + 1
	k.powers[gcmBlocks-1] = [2]uint64{lo<<1 | carry, hi<<1 | lo>>63 ^ carry*0xc2<<56}
	for i := gcmBlocks - 1; ; i-- {
		p := k.powers[i]
		k.halves[i] = [2]uint64{p[0] ^ p[1], p[0] ^ p[1]}
		if i == 0 {
			return
		}
		var zero, product [aes.BlockSize]byte
		binary.BigEndian.PutUint64(product[:], p[1])
		binary.BigEndian.PutUint64(product[8:], p[0])
		ghashBlocks(k, &product, &zero[0], 1)
		k.powers[i-1] = [2]uint64{binary.BigEndian.Uint64(product[8:]), binary.BigEndian.Uint64(product[:])}
	}
}

// NonceSize implements cipher.AEAD.
func (v *gcmVector) NonceSize() int { return 12 }

// Overhead implements cipher.AEAD.
func (v *gcmVector) Overhead() int { return gcmTag }

// Seal implements cipher.AEAD.
func (v *gcmVector) Seal(dst, nonce, plaintext, data []byte) []byte {
	sealed := slices.Grow(dst, len(plaintext)+gcmTag)[:len(dst)+len(plaintext)+gcmTag]
	text, tag := sealed[len(dst):len(sealed)-gcmTag], sealed[len(sealed)-gcmTag:]
	copy(text, plaintext) // nothing where they are the same
	v.begin(nonce, data)
	crypted, hashed := 0, 0
	if n := len(text) / gcmGroup; n > 1 {
		ctrBlocks(&v.keys, &v.nonce, firstBlock, &text[0], gcmBlocks)
		gcmGroups(&v.keys, &v.hash, &v.nonce, firstBlock+gcmBlocks, &v.sum, &text[gcmGroup], gcmGroup, n-1)
		crypted, hashed = n*gcmGroup, (n-1)*gcmGroup
	}
	v.crypt(text, crypted)
	v.take(text[hashed:])
	gcmFinish(&v.keys, &v.hash, &v.nonce, &v.sum, len(data), len(text))
	copy(tag, v.sum[:])
	return sealed
}

// Open implements cipher.AEAD. Where the tag is wrong, the text that was computed is cleared.
func (v *gcmVector) Open(dst, nonce, ciphertext, data []byte) ([]byte, error) {
	n := len(ciphertext) - gcmTag
	if n < 0 {
		return nil, ErrTag
	}
	opened := slices.Grow(dst, n)[:len(dst)+n]
	text, tag := opened[len(dst):], ciphertext[n:]
	copy(text, ciphertext)
	v.begin(nonce, data)
	whole := n / gcmGroup * gcmGroup
	if whole > 0 {
		gcmGroups(&v.keys, &v.hash, &v.nonce, firstBlock, &v.sum, &text[0], 0, whole/gcmGroup)
	}
	v.take(text[whole:])
	v.crypt(text, whole)
	gcmFinish(&v.keys, &v.hash, &v.nonce, &v.sum, len(data), n)
	if subtle.ConstantTimeCompare(v.sum[:], tag) != 1 {
		clear(text)
		return nil, ErrTag
	}
	return opened, nil
}

// begin prepares a packet: its nonce, and the sum with the associated data.
func (v *gcmVector) begin(nonce, data []byte) {
	v.nonce, v.sum = [12]byte(nonce), [aes.BlockSize]byte{}
	v.take(data)
}

// crypt encrypts or decrypts text from a whole number of blocks on.
func (v *gcmVector) crypt(text []byte, from int) {
	block := uint32(firstBlock + from/aes.BlockSize)
	text = text[from:]
	n := len(text) / aes.BlockSize
	if n > 0 {
		ctrBlocks(&v.keys, &v.nonce, block, &text[0], n)
	}
	if rest := text[n*aes.BlockSize:]; len(rest) > 0 {
		var last [aes.BlockSize]byte
		copy(last[:], rest)
		ctrBlocks(&v.keys, &v.nonce, block+uint32(n), &last[0], 1)
		copy(rest, last[:])
	}
}

// take takes p, padded with zeros to whole blocks, into the sum.
func (v *gcmVector) take(p []byte) {
	n := len(p) / aes.BlockSize
	if n > 0 {
		ghashBlocks(&v.hash, &v.sum, &p[0], n)
	}
	if rest := p[n*aes.BlockSize:]; len(rest) > 0 {
		var last [aes.BlockSize]byte
		copy(last[:], rest)
		ghashBlocks(&v.hash, &v.sum, &last[0], 1)
	}
}
