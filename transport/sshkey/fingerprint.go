package sshkey

import (
	"crypto/md5"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"strings"
)

// Fingerprint returns the key's fingerprint as OpenSSH prints it: "SHA256:"
// and the unpadded base64 of the SHA-256 hash of the key blob.
func Fingerprint(key PublicKey) string {
	sum := sha256.Sum256(key.Marshal())
	return "SHA256:" + base64.RawStdEncoding.EncodeToString(sum[:])
}

// FingerprintMD5 returns the old form of the fingerprint (RFC 4716 §4):
// "MD5:" and sixteen hexadecimal pairs with colons between them. It is for
// comparing with lists that have nothing better.
func FingerprintMD5(key PublicKey) string {
	sum := md5.Sum(key.Marshal())
	pairs := make([]string, len(sum))
	for i, v := range sum {
		pairs[i] = hex.EncodeToString([]byte{v})
	}
	return "MD5:" + strings.Join(pairs, ":")
}
