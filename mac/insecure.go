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

// insecure has the MACs that are known but never offered unless named, the strongest first.
var insecure = [...]MAC{
	// Not broken, but one use of a sequence number for two packets gives the hash away, and this code has had less
	// scrutiny than HMAC's.
	{Name: "umac-128-etm@openssh.com", KeySize: umacKey, TagSize: 16, EtM: true, New: newUMAC(16)},
	{Name: "umac-128@openssh.com", KeySize: umacKey, TagSize: 16, New: newUMAC(16)},

	// Tags of 96 bits are guessed more easily than a MAC should be, and without EtM what they cover is decrypted first.
	{Name: "hmac-sha2-512-96", KeySize: 64, TagSize: tag96, New: newHMAC(sha512.New, tag96)},
	{Name: "hmac-sha2-256-96", KeySize: 32, TagSize: tag96, New: newHMACSHA256(tag96)},

	// Collisions of SHA-1 can be bought. HMAC does not rest on their absence, but nobody needs to wait for what is next.
	{Name: "hmac-sha1-etm@openssh.com", KeySize: 20, TagSize: 20, EtM: true, New: newHMAC(sha1.New, 20)},
	{Name: "hmac-sha1", KeySize: 20, TagSize: 20, New: newHMAC(sha1.New, 20)}, // RFC 4253 §6.4

	// RIPEMD-160 has the size of SHA-1 and a fraction of its analysis.
	{Name: "hmac-ripemd160-etm@openssh.com", KeySize: 20, TagSize: 20, EtM: true, New: newHMAC(ripemd160.New, 20)},
	{Name: "hmac-ripemd160", KeySize: 20, TagSize: 20, New: newHMAC(ripemd160.New, 20)},
	{Name: "hmac-ripemd160@openssh.com", KeySize: 20, TagSize: 20, New: newHMAC(ripemd160.New, 20)},

	// A tag of 64 bits, of which a forger gets one right in 2^60.
	{Name: "umac-64-etm@openssh.com", KeySize: umacKey, TagSize: 8, EtM: true, New: newUMAC(8)},
	{Name: "umac-64@openssh.com", KeySize: umacKey, TagSize: 8, New: newUMAC(8)},

	// Old hash functions and short tags.
	{Name: "hmac-sha1-96-etm@openssh.com", KeySize: 20, TagSize: tag96, EtM: true, New: newHMAC(sha1.New, tag96)},
	{Name: "hmac-sha1-96", KeySize: 20, TagSize: tag96, New: newHMAC(sha1.New, tag96)}, // RFC 4253 §6.4
	{Name: "hmac-ripemd160-96", KeySize: 20, TagSize: tag96, New: newHMAC(ripemd160.New, tag96)},

	// MD5 is broken as a hash function, and its 128 bits are little margin for a MAC.
	{Name: "hmac-md5-etm@openssh.com", KeySize: 16, TagSize: 16, EtM: true, New: newHMAC(md5.New, 16)},
	{Name: "hmac-md5", KeySize: 16, TagSize: 16, New: newHMAC(md5.New, 16)}, // RFC 4253 §6.4
	{Name: "hmac-md5-96-etm@openssh.com", KeySize: 16, TagSize: tag96, EtM: true, New: newHMAC(md5.New, tag96)},
	{Name: "hmac-md5-96", KeySize: 16, TagSize: tag96, New: newHMAC(md5.New, tag96)}, // RFC 4253 §6.4
}

// unlisted are the rows that only Lookup gives: whoever wants no authentication says so by name (RFC 4253 §6.4).
var unlisted = [...]MAC{
	{Name: "none", New: newNothing},
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
