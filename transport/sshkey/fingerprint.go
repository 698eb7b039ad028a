package sshkey

import (
	"crypto/md5"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"strings"
)

// Fingerprint returns the key's fingerprint as OpenSSH prints it: "SHA256:"
// and the unpadded base64 of the SHA-256 hash of the key blob. That of an
// OpenSSH certificate is that of the key in it.
func Fingerprint(key PublicKey) string {
	sum := sha256.Sum256(printed(key))
	return "SHA256:" + base64.RawStdEncoding.EncodeToString(sum[:])
}

// FingerprintMD5 returns the old form of the fingerprint (RFC 4716 §4):
// "MD5:" and sixteen hexadecimal pairs with colons between them. It is for
// comparing with lists that have nothing better.
func FingerprintMD5(key PublicKey) string {
	sum := md5.Sum(printed(key))
	pairs := make([]string, len(sum))
	for i, v := range sum {
		pairs[i] = hex.EncodeToString([]byte{v})
	}
	return "MD5:" + strings.Join(pairs, ":")
}

// printed returns the blob that fingerprints are of.
func printed(key PublicKey) []byte {
	if cert, ok := key.(*Certificate); ok {
		return cert.key.blob
	}
	return key.Marshal()
}
