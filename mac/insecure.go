package mac

import (
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha512"

	//lint:ignore SA1019 old peers have nothing else, and it must be asked for by name
	"golang.org/x/crypto/ripemd160"
)

// tag96 is the tag length in bytes of the truncated forms (RFC 4253 §6.4, RFC 2104 §5).
const tag96 = 12

// insecure has the MACs that are known but never offered unless named, the strongest first. names.go says what is wrong
// with each.
var insecure = [...]MAC{
	{Name: InsecureUMAC128EtM, KeySize: umacKey, TagSize: 16, EtM: true, New: newUMAC(16)},
	{Name: InsecureUMAC128, KeySize: umacKey, TagSize: 16, New: newUMAC(16)},
	{Name: InsecureHMACSHA512Short, KeySize: 64, TagSize: tag96, New: newHMAC(sha512.New, tag96)},
	{Name: InsecureHMACSHA256Short, KeySize: 32, TagSize: tag96, New: newHMACSHA256(tag96)},
	{Name: InsecureHMACSHA1EtM, KeySize: 20, TagSize: 20, EtM: true, New: newHMAC(sha1.New, 20)},
	{Name: InsecureHMACSHA1, KeySize: 20, TagSize: 20, New: newHMAC(sha1.New, 20)}, // RFC 4253 §6.4
	{Name: InsecureHMACRIPEMD160EtM, KeySize: 20, TagSize: 20, EtM: true, New: newHMAC(ripemd160.New, 20)},
	{Name: InsecureHMACRIPEMD160, KeySize: 20, TagSize: 20, New: newHMAC(ripemd160.New, 20)},
	{Name: InsecureHMACRIPEMD160OpenSSH, KeySize: 20, TagSize: 20, New: newHMAC(ripemd160.New, 20)},
	{Name: InsecureUMAC64EtM, KeySize: umacKey, TagSize: 8, EtM: true, New: newUMAC(8)},
	{Name: InsecureUMAC64, KeySize: umacKey, TagSize: 8, New: newUMAC(8)},
	{Name: InsecureHMACSHA1ShortEtM, KeySize: 20, TagSize: tag96, EtM: true, New: newHMAC(sha1.New, tag96)},
	{Name: InsecureHMACSHA1Short, KeySize: 20, TagSize: tag96, New: newHMAC(sha1.New, tag96)}, // RFC 4253 §6.4
	{Name: InsecureHMACRIPEMD160Short, KeySize: 20, TagSize: tag96, New: newHMAC(ripemd160.New, tag96)},
	{Name: InsecureHMACMD5EtM, KeySize: 16, TagSize: 16, EtM: true, New: newHMAC(md5.New, 16)},
	{Name: InsecureHMACMD5, KeySize: 16, TagSize: 16, New: newHMAC(md5.New, 16)}, // RFC 4253 §6.4
	{Name: InsecureHMACMD5ShortEtM, KeySize: 16, TagSize: tag96, EtM: true, New: newHMAC(md5.New, tag96)},
	{Name: InsecureHMACMD5Short, KeySize: 16, TagSize: tag96, New: newHMAC(md5.New, tag96)}, // RFC 4253 §6.4
}

// unlisted are the rows that only Lookup gives: whoever wants no authentication says so by name (RFC 4253 §6.4).
var unlisted = [...]MAC{
	{Name: InsecureNone, New: newNothing},
}

// nothing is the MAC that vouches for nothing: its tags are empty.
type nothing struct{}

func newNothing([]byte) Authenticator { return nothing{} }

// Tag implements Authenticator.
func (nothing) Tag(dst []byte, _ uint32, _ []byte) []byte { return dst }

// Insecure returns the MACs that are built but offered only when asked for by name, the strongest first. The slice is the
// caller's. What is wrong with them:
//
//   - umac-128-etm@openssh.com, umac-128@openssh.com: they do not survive a repeated sequence number; less scrutiny.
//   - hmac-sha2-512-96, hmac-sha2-256-96: tags of 96 bits.
//   - hmac-sha1-etm@openssh.com, hmac-sha1: SHA-1 is broken as a hash function.
//   - hmac-ripemd160-etm@openssh.com, hmac-ripemd160, hmac-ripemd160@openssh.com: an old hash function, little studied.
//   - umac-64-etm@openssh.com, umac-64@openssh.com: tags of 64 bits.
//   - hmac-sha1-96-etm@openssh.com, hmac-sha1-96, hmac-ripemd160-96: old hash functions, tags of 96 bits.
//   - hmac-md5-etm@openssh.com, hmac-md5: MD5 is broken as a hash function.
//   - hmac-md5-96-etm@openssh.com, hmac-md5-96: MD5, and tags of 96 bits.
//
// The MAC "none" is in no list; Lookup returns it.
func Insecure() []MAC { return append([]MAC(nil), insecure[:]...) }
