package cipher

// The names of the ciphers that are safe to offer, for Lookup.
const (
	AES128GCM        string = "aes128-gcm@openssh.com"
	AES256GCM        string = "aes256-gcm@openssh.com"
	ChaCha20Poly1305 string = "chacha20-poly1305@openssh.com"
	AES128CTR        string = "aes128-ctr"
	AES192CTR        string = "aes192-ctr"
	AES256CTR        string = "aes256-ctr"
)

// Sound as ciphers, but selected by agreement of two lists (RFC 5647 §5.1): a peer that finds the name among the MACs
// alone expects what this side has not agreed to.
const (
	InsecureAEADAES256GCM string = "AEAD_AES_256_GCM"
	InsecureAEADAES128GCM string = "AEAD_AES_128_GCM"
)

// Twofish looks up tables by secret values, so that it leaks its key to whoever shares the processor's caches, and few
// look at its code any more.
const (
	InsecureTwofish256CTR string = "twofish256-ctr"
	InsecureTwofish192CTR string = "twofish192-ctr"
	InsecureTwofish128CTR string = "twofish128-ctr"
)

// CBC in SSH has IVs that are known before the plaintext is chosen (RFC 4251 §9.3.1), and with encrypt-and-MAC the
// length must be decrypted before anything is verified (CVE-2008-5161); see Layout.HideLength.
const (
	InsecureAES256CBC   string = "aes256-cbc"
	InsecureRijndaelCBC string = "rijndael-cbc@lysator.liu.se" // aes256-cbc before it had that name
	InsecureAES192CBC   string = "aes192-cbc"
	InsecureAES128CBC   string = "aes128-cbc"
)

// Both of the above: CBC, and tables.
const (
	InsecureTwofish256CBC string = "twofish256-cbc"
	InsecureTwofishCBC    string = "twofish-cbc" // twofish256-cbc (RFC 4253 §6.3)
	InsecureTwofish192CBC string = "twofish192-cbc"
	InsecureTwofish128CBC string = "twofish128-cbc"
)

// Blocks of 64 bits repeat within tens of gigabytes and then tell what they hold (CVE-2016-2183, "Sweet32"), which
// MaxBytes only puts off. The keys of these forms are those of RFC 4344 §4.
const (
	InsecureBlowfishCTR string = "blowfish-ctr"
	InsecureCAST128CTR  string = "cast128-ctr"
	Insecure3DESCTR     string = "3des-ctr"
)

// Short blocks and CBC.
const (
	InsecureBlowfishCBC string = "blowfish-cbc"
	InsecureCAST128CBC  string = "cast128-cbc"
	Insecure3DESCBC     string = "3des-cbc"
)

// The key stream of RC4 is not random, at its beginning least of all, and gives away text that is sent repeatedly
// (RFC 7465, RFC 8758).
const (
	InsecureArcfour256 string = "arcfour256"
	InsecureArcfour128 string = "arcfour128"
	InsecureArcfour    string = "arcfour" // with the beginning of the key stream
)

// InsecureNone does not encrypt. It is in no list: whoever wants it says so by name (RFC 4253 §6.3).
const InsecureNone string = "none"
