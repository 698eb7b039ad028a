package sshkey

import (
	"crypto/sha512"
	"encoding/binary"

	//lint:ignore SA1019 the KDF of OpenSSH key files is built on Blowfish
	"golang.org/x/crypto/blowfish"
)

// bcryptBlock is the output size of one bcrypt hash.
const bcryptBlock = 32

// bcryptMagic is what the hash encrypts, as OpenBSD's bcrypt_pbkdf(3) has it.
const bcryptMagic = "OxychromaticBlowfishSwatDynamite"

// bcryptPBKDF derives size bytes, as OpenBSD's bcrypt_pbkdf(3): PBKDF2 with a
// bcrypt hash of SHA-512 sums as its function, and its blocks interleaved, so
// that no part of the key costs less than the whole. The caller has checked
// that passphrase and salt are not empty and that rounds is in 1..MaxKDFRounds.
func bcryptPBKDF(passphrase, salt []byte, rounds, size int) []byte {
	pass := sha512.Sum512(passphrase)
	defer clear(pass[:])
	blocks := (size + bcryptBlock - 1) / bcryptBlock
	key := make([]byte, size)
	for n := range blocks {
		block := bcryptPBKDFBlock(pass[:], salt, rounds, uint32(n+1))
		for i := 0; i < bcryptBlock && i*blocks+n < size; i++ {
			key[i*blocks+n] = block[i]
		}
		clear(block[:])
	}
	return key
}

// bcryptPBKDFBlock returns block number n, counted from 1.
func bcryptPBKDFBlock(pass, salt []byte, rounds int, n uint32) [bcryptBlock]byte {
	saltSum := sha512.Sum512(binary.BigEndian.AppendUint32(salt[:len(salt):len(salt)], n))
	u := bcryptHash(pass, saltSum[:])
	out := u
	for range rounds - 1 {
		saltSum = sha512.Sum512(u[:])
		u = bcryptHash(pass, saltSum[:])
		for i := range out {
			out[i] ^= u[i]
		}
	}
	return out
}

// bcryptHash is the bcrypt of 64 rounds over two SHA-512 sums.
func bcryptHash(pass, salt []byte) (out [bcryptBlock]byte) {
	c, err := blowfish.NewSaltedCipher(pass, salt)
	if err != nil {
		panic("sshkey: blowfish refused a SHA-512 sum as key: " + err.Error())
	}
	for range 64 {
		blowfish.ExpandKey(salt, c)
		blowfish.ExpandKey(pass, c)
	}
	copy(out[:], bcryptMagic)
	for i := 0; i < bcryptBlock; i += blowfish.BlockSize {
		for range 64 {
			c.Encrypt(out[i:], out[i:])
		}
	}
	// The reference writes its words in little-endian order.
	for i := 0; i < bcryptBlock; i += 4 {
		binary.LittleEndian.PutUint32(out[i:], binary.BigEndian.Uint32(out[i:]))
	}
	return out
}
