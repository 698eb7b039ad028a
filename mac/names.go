package mac

// The names of the MACs that are safe to offer, for Lookup.
const (
	HMACSHA256EtM string = "hmac-sha2-256-etm@openssh.com"
	HMACSHA512EtM string = "hmac-sha2-512-etm@openssh.com"
	HMACSHA256    string = "hmac-sha2-256"
	HMACSHA512    string = "hmac-sha2-512"
)

// Not broken, but one use of a sequence number for two packets gives the hash away, and this code has had less scrutiny
// than HMAC's.
const (
	InsecureUMAC128EtM string = "umac-128-etm@openssh.com"
	InsecureUMAC128    string = "umac-128@openssh.com"
)

// Tags of 96 bits are guessed more easily than a MAC should be, and without EtM what they cover is decrypted first.
const (
	InsecureHMACSHA512Short string = "hmac-sha2-512-96"
	InsecureHMACSHA256Short string = "hmac-sha2-256-96"
)

// Collisions of SHA-1 can be bought. HMAC does not rest on their absence, but nobody needs to wait for what is next.
const (
	InsecureHMACSHA1EtM string = "hmac-sha1-etm@openssh.com"
	InsecureHMACSHA1    string = "hmac-sha1"
)

// RIPEMD-160 has the size of SHA-1 and a fraction of its analysis.
const (
	InsecureHMACRIPEMD160EtM     string = "hmac-ripemd160-etm@openssh.com"
	InsecureHMACRIPEMD160        string = "hmac-ripemd160"
	InsecureHMACRIPEMD160OpenSSH string = "hmac-ripemd160@openssh.com"
)

// A tag of 64 bits, of which a forger gets one right in 2^60.
const (
	InsecureUMAC64EtM string = "umac-64-etm@openssh.com"
	InsecureUMAC64    string = "umac-64@openssh.com"
)

// Old hash functions and short tags.
const (
	InsecureHMACSHA1ShortEtM   string = "hmac-sha1-96-etm@openssh.com"
	InsecureHMACSHA1Short      string = "hmac-sha1-96"
	InsecureHMACRIPEMD160Short string = "hmac-ripemd160-96"
)

// MD5 is broken as a hash function, and its 128 bits are little margin for a MAC.
const (
	InsecureHMACMD5EtM      string = "hmac-md5-etm@openssh.com"
	InsecureHMACMD5         string = "hmac-md5"
	InsecureHMACMD5ShortEtM string = "hmac-md5-96-etm@openssh.com"
	InsecureHMACMD5Short    string = "hmac-md5-96"
)

// InsecureNone vouches for nothing. It is in no list: whoever wants it says so by name (RFC 4253 §6.4).
const InsecureNone string = "none"
