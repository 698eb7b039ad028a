package cipher

import (
	"math"

	//lint:ignore SA1019 old peers have nothing else, and it must be asked for by name
	"golang.org/x/crypto/twofish"
)

// oneGigabyte is RFC 4344 §3.2 for blocks of less than 128 bits, and RFC 4253 §9 for the rest.
const oneGigabyte = 1 << 30

// insecure has the ciphers that are known but never offered unless named, the strongest first. names.go says what is
// wrong with each.
var insecure = [...]Cipher{
	{Name: InsecureAEADAES256GCM, KeySize: 32, IVSize: 12, BlockSize: 16, MaxBytes: blockLimit128, AEAD: true, NamedAsMAC: true, Sealer: newGCMSealer, Opener: newGCMOpener},
	{Name: InsecureAEADAES128GCM, KeySize: 16, IVSize: 12, BlockSize: 16, MaxBytes: blockLimit128, AEAD: true, NamedAsMAC: true, Sealer: newGCMSealer, Opener: newGCMOpener},
	{Name: InsecureTwofish256CTR, KeySize: 32, IVSize: 16, BlockSize: 16, MaxBytes: blockLimit128, Encrypt: newCTR(twofish.NewCipher), Decrypt: newCTR(twofish.NewCipher)},
	{Name: InsecureTwofish192CTR, KeySize: 24, IVSize: 16, BlockSize: 16, MaxBytes: blockLimit128, Encrypt: newCTR(twofish.NewCipher), Decrypt: newCTR(twofish.NewCipher)},
	{Name: InsecureTwofish128CTR, KeySize: 16, IVSize: 16, BlockSize: 16, MaxBytes: blockLimit128, Encrypt: newCTR(twofish.NewCipher), Decrypt: newCTR(twofish.NewCipher)},
	{Name: InsecureAES256CBC, KeySize: 32, IVSize: 16, BlockSize: 16, MaxBytes: blockLimit128, CBC: true, Encrypt: newAESCBCEncrypt, Decrypt: newAESCBCDecrypt},
	{Name: InsecureRijndaelCBC, KeySize: 32, IVSize: 16, BlockSize: 16, MaxBytes: blockLimit128, CBC: true, Encrypt: newAESCBCEncrypt, Decrypt: newAESCBCDecrypt},
	{Name: InsecureAES192CBC, KeySize: 24, IVSize: 16, BlockSize: 16, MaxBytes: blockLimit128, CBC: true, Encrypt: newAESCBCEncrypt, Decrypt: newAESCBCDecrypt},
	{Name: InsecureAES128CBC, KeySize: 16, IVSize: 16, BlockSize: 16, MaxBytes: blockLimit128, CBC: true, Encrypt: newAESCBCEncrypt, Decrypt: newAESCBCDecrypt},
	{Name: InsecureTwofish256CBC, KeySize: 32, IVSize: 16, BlockSize: 16, MaxBytes: blockLimit128, CBC: true, Encrypt: newCBCEncrypt(twofish.NewCipher), Decrypt: newCBCDecrypt(twofish.NewCipher)},
	{Name: InsecureTwofishCBC, KeySize: 32, IVSize: 16, BlockSize: 16, MaxBytes: blockLimit128, CBC: true, Encrypt: newCBCEncrypt(twofish.NewCipher), Decrypt: newCBCDecrypt(twofish.NewCipher)},
	{Name: InsecureTwofish192CBC, KeySize: 24, IVSize: 16, BlockSize: 16, MaxBytes: blockLimit128, CBC: true, Encrypt: newCBCEncrypt(twofish.NewCipher), Decrypt: newCBCDecrypt(twofish.NewCipher)},
	{Name: InsecureTwofish128CBC, KeySize: 16, IVSize: 16, BlockSize: 16, MaxBytes: blockLimit128, CBC: true, Encrypt: newCBCEncrypt(twofish.NewCipher), Decrypt: newCBCDecrypt(twofish.NewCipher)},
	{Name: InsecureBlowfishCTR, KeySize: 32, IVSize: 8, BlockSize: 8, MaxBytes: oneGigabyte, Encrypt: newMode64(newBlowfish, (*mode64).cryptCTR), Decrypt: newMode64(newBlowfish, (*mode64).cryptCTR)},
	{Name: InsecureCAST128CTR, KeySize: 16, IVSize: 8, BlockSize: 8, MaxBytes: oneGigabyte, Encrypt: newMode64(newCAST128, (*mode64).cryptCTR), Decrypt: newMode64(newCAST128, (*mode64).cryptCTR)},
	{Name: Insecure3DESCTR, KeySize: 24, IVSize: 8, BlockSize: 8, MaxBytes: oneGigabyte, Encrypt: newMode64(newTripleDES, (*mode64).cryptCTR), Decrypt: newMode64(newTripleDES, (*mode64).cryptCTR)},
	{Name: InsecureBlowfishCBC, KeySize: 16, IVSize: 8, BlockSize: 8, MaxBytes: oneGigabyte, CBC: true, Encrypt: newMode64(newBlowfish, (*mode64).encryptCBC), Decrypt: newMode64(newBlowfish, (*mode64).decryptCBC)},
	{Name: InsecureCAST128CBC, KeySize: 16, IVSize: 8, BlockSize: 8, MaxBytes: oneGigabyte, CBC: true, Encrypt: newMode64(newCAST128, (*mode64).encryptCBC), Decrypt: newMode64(newCAST128, (*mode64).decryptCBC)},
	{Name: Insecure3DESCBC, KeySize: 24, IVSize: 8, BlockSize: 8, MaxBytes: oneGigabyte, CBC: true, Encrypt: newMode64(newTripleDES, (*mode64).encryptCBC), Decrypt: newMode64(newTripleDES, (*mode64).decryptCBC)},
	{Name: InsecureArcfour256, KeySize: 32, BlockSize: 8, MaxBytes: oneGigabyte, Encrypt: newArcfour(arcfourDiscard), Decrypt: newArcfour(arcfourDiscard)},
	{Name: InsecureArcfour128, KeySize: 16, BlockSize: 8, MaxBytes: oneGigabyte, Encrypt: newArcfour(arcfourDiscard), Decrypt: newArcfour(arcfourDiscard)},
	{Name: InsecureArcfour, KeySize: 16, BlockSize: 8, MaxBytes: oneGigabyte, Encrypt: newArcfour(0), Decrypt: newArcfour(0)},
}

// unlisted are the rows that only Lookup gives: whoever wants no encryption says so by name (RFC 4253 §6.3).
var unlisted = [...]Cipher{
	{Name: InsecureNone, BlockSize: 8, MaxBytes: math.MaxUint64, Encrypt: newIdentity, Decrypt: newIdentity},
}

// newIdentity makes the transform that leaves everything as it is.
func newIdentity(_, _ []byte) (Transform, error) {
	return func(dst, src []byte) { copy(dst, src) }, nil
}

// Insecure returns the ciphers that are built but offered only when asked for by name, the strongest first. The slice is
// the caller's. What is wrong with them:
//
//   - AEAD_AES_256_GCM, AEAD_AES_128_GCM: their negotiation (RFC 5647 §5.1) is ambiguous; otherwise as the
//     @openssh.com forms.
//   - twofish256-ctr, twofish192-ctr, twofish128-ctr: secret-dependent table lookups, little scrutiny.
//   - aes256-cbc, rijndael-cbc@lysator.liu.se, aes192-cbc, aes128-cbc: predictable IVs, and with encrypt-and-MAC the
//     length is decrypted unverified (CVE-2008-5161).
//   - twofish256-cbc, twofish-cbc, twofish192-cbc, twofish128-cbc: CBC and table lookups.
//   - blowfish-ctr, cast128-ctr, 3des-ctr: blocks of 64 bits collide (CVE-2016-2183).
//   - blowfish-cbc, cast128-cbc, 3des-cbc: blocks of 64 bits, in CBC.
//   - arcfour256, arcfour128: a biased key stream (RFC 8758).
//   - arcfour: the same from its worst first bytes on.
//
// The cipher "none" is in no list; Lookup returns it.
func Insecure() []Cipher { return append([]Cipher(nil), insecure[:]...) }
