package cipher

import (
	"crypto/aes"
	"crypto/des"
	"math"

	//lint:ignore SA1019 old peers have nothing else, and it must be asked for by name
	"golang.org/x/crypto/blowfish"
	//lint:ignore SA1019 old peers have nothing else, and it must be asked for by name
	"golang.org/x/crypto/cast5"
	//lint:ignore SA1019 old peers have nothing else, and it must be asked for by name
	"golang.org/x/crypto/twofish"
)

// oneGigabyte is RFC 4344 §3.2 for blocks of less than 128 bits, and RFC 4253 §9 for the rest.
const oneGigabyte = 1 << 30

// insecure has the ciphers that are known but never offered unless named, the strongest first.
var insecure = [...]Cipher{
	// Sound as ciphers, but selected by agreement of two lists (RFC 5647 §5.1): a peer that finds the name among the
	// MACs alone expects what this side has not agreed to.
	{Name: "AEAD_AES_256_GCM", KeySize: 32, IVSize: 12, BlockSize: 16, MaxBytes: blockLimit128, AEAD: true, NamedAsMAC: true, Sealer: newGCMSealer, Opener: newGCMOpener},
	{Name: "AEAD_AES_128_GCM", KeySize: 16, IVSize: 12, BlockSize: 16, MaxBytes: blockLimit128, AEAD: true, NamedAsMAC: true, Sealer: newGCMSealer, Opener: newGCMOpener},

	// Twofish looks up tables by secret values, so that it leaks its key to whoever shares the processor's caches, and
	// few look at its code any more.
	{Name: "twofish256-ctr", KeySize: 32, IVSize: 16, BlockSize: 16, MaxBytes: blockLimit128, Encrypt: newCTR(twofish.NewCipher), Decrypt: newCTR(twofish.NewCipher)},
	{Name: "twofish192-ctr", KeySize: 24, IVSize: 16, BlockSize: 16, MaxBytes: blockLimit128, Encrypt: newCTR(twofish.NewCipher), Decrypt: newCTR(twofish.NewCipher)},
	{Name: "twofish128-ctr", KeySize: 16, IVSize: 16, BlockSize: 16, MaxBytes: blockLimit128, Encrypt: newCTR(twofish.NewCipher), Decrypt: newCTR(twofish.NewCipher)},

	// CBC in SSH has IVs that are known before the plaintext is chosen (RFC 4251 §9.3.1), and with encrypt-and-MAC the
	// length must be decrypted before anything is verified (CVE-2008-5161); see Layout.HideLength.
	{Name: "aes256-cbc", KeySize: 32, IVSize: 16, BlockSize: 16, MaxBytes: blockLimit128, CBC: true, Encrypt: newCBCEncrypt(aes.NewCipher), Decrypt: newCBCDecrypt(aes.NewCipher)},
	{Name: "rijndael-cbc@lysator.liu.se", KeySize: 32, IVSize: 16, BlockSize: 16, MaxBytes: blockLimit128, CBC: true, Encrypt: newCBCEncrypt(aes.NewCipher), Decrypt: newCBCDecrypt(aes.NewCipher)}, // aes256-cbc before it had that name
	{Name: "aes192-cbc", KeySize: 24, IVSize: 16, BlockSize: 16, MaxBytes: blockLimit128, CBC: true, Encrypt: newCBCEncrypt(aes.NewCipher), Decrypt: newCBCDecrypt(aes.NewCipher)},
	{Name: "aes128-cbc", KeySize: 16, IVSize: 16, BlockSize: 16, MaxBytes: blockLimit128, CBC: true, Encrypt: newCBCEncrypt(aes.NewCipher), Decrypt: newCBCDecrypt(aes.NewCipher)},

	// Both of the above: CBC, and tables. twofish-cbc is twofish256-cbc (RFC 4253 §6.3).
	{Name: "twofish256-cbc", KeySize: 32, IVSize: 16, BlockSize: 16, MaxBytes: blockLimit128, CBC: true, Encrypt: newCBCEncrypt(twofish.NewCipher), Decrypt: newCBCDecrypt(twofish.NewCipher)},
	{Name: "twofish-cbc", KeySize: 32, IVSize: 16, BlockSize: 16, MaxBytes: blockLimit128, CBC: true, Encrypt: newCBCEncrypt(twofish.NewCipher), Decrypt: newCBCDecrypt(twofish.NewCipher)},
	{Name: "twofish192-cbc", KeySize: 24, IVSize: 16, BlockSize: 16, MaxBytes: blockLimit128, CBC: true, Encrypt: newCBCEncrypt(twofish.NewCipher), Decrypt: newCBCDecrypt(twofish.NewCipher)},
	{Name: "twofish128-cbc", KeySize: 16, IVSize: 16, BlockSize: 16, MaxBytes: blockLimit128, CBC: true, Encrypt: newCBCEncrypt(twofish.NewCipher), Decrypt: newCBCDecrypt(twofish.NewCipher)},

	// Blocks of 64 bits repeat within tens of gigabytes and then tell what they hold (CVE-2016-2183, "Sweet32"), which
	// MaxBytes only puts off. The keys of the CTR forms are those of RFC 4344 §4.
	{Name: "blowfish-ctr", KeySize: 32, IVSize: 8, BlockSize: 8, MaxBytes: oneGigabyte, Encrypt: newCTR(blowfish.NewCipher), Decrypt: newCTR(blowfish.NewCipher)},
	{Name: "cast128-ctr", KeySize: 16, IVSize: 8, BlockSize: 8, MaxBytes: oneGigabyte, Encrypt: newCTR(cast5.NewCipher), Decrypt: newCTR(cast5.NewCipher)},
	{Name: "3des-ctr", KeySize: 24, IVSize: 8, BlockSize: 8, MaxBytes: oneGigabyte, Encrypt: newCTR(des.NewTripleDESCipher), Decrypt: newCTR(des.NewTripleDESCipher)},

	// Short blocks and CBC.
	{Name: "blowfish-cbc", KeySize: 16, IVSize: 8, BlockSize: 8, MaxBytes: oneGigabyte, CBC: true, Encrypt: newCBCEncrypt(blowfish.NewCipher), Decrypt: newCBCDecrypt(blowfish.NewCipher)},
	{Name: "cast128-cbc", KeySize: 16, IVSize: 8, BlockSize: 8, MaxBytes: oneGigabyte, CBC: true, Encrypt: newCBCEncrypt(cast5.NewCipher), Decrypt: newCBCDecrypt(cast5.NewCipher)},
	{Name: "3des-cbc", KeySize: 24, IVSize: 8, BlockSize: 8, MaxBytes: oneGigabyte, CBC: true, Encrypt: newCBCEncrypt(des.NewTripleDESCipher), Decrypt: newCBCDecrypt(des.NewTripleDESCipher)},

	// The key stream of RC4 is not random, at its beginning least of all, and gives away text that is sent repeatedly
	// (RFC 7465, RFC 8758).
	{Name: "arcfour256", KeySize: 32, BlockSize: 8, MaxBytes: oneGigabyte, Encrypt: newArcfour(arcfourDiscard), Decrypt: newArcfour(arcfourDiscard)},
	{Name: "arcfour128", KeySize: 16, BlockSize: 8, MaxBytes: oneGigabyte, Encrypt: newArcfour(arcfourDiscard), Decrypt: newArcfour(arcfourDiscard)},
	{Name: "arcfour", KeySize: 16, BlockSize: 8, MaxBytes: oneGigabyte, Encrypt: newArcfour(0), Decrypt: newArcfour(0)},
}

// unlisted are the rows that only Lookup gives: whoever wants no encryption says so by name (RFC 4253 §6.3).
var unlisted = [...]Cipher{
	{Name: "none", BlockSize: 8, MaxBytes: math.MaxUint64, Encrypt: newIdentity, Decrypt: newIdentity},
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
