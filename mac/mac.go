package mac

import (
	"crypto/sha512"
	"fmt"
)

// MAC is one message authentication code, a row of the table. The zero value is not usable.
type MAC struct {
	// Name is the SSH algorithm name, as in a KEXINIT (RFC 4253 §7.1).
	Name string
	// KeySize is the length in bytes of the integrity key (RFC 4253 §7.2).
	KeySize int
	// TagSize is the length in bytes of a tag on the wire, at most MaxTagSize.
	TagSize int
	// EtM is true where the MAC covers the ciphertext and the clear packet length (OpenSSH PROTOCOL §1.5).
	EtM bool
	// New returns the keyed state for one direction. It copies key, which is KeySize bytes long.
	New func(key []byte) Authenticator
}

// MaxTagSize is the largest tag of any MAC, in bytes: that of hmac-sha2-512.
const MaxTagSize = sha512.Size

// Authenticator is a MAC with its key, for one direction of one connection. It is not for concurrent use.
type Authenticator interface {
	// Tag appends the TagSize bytes of the MAC of seq and packet to dst and returns the result (RFC 4253 §6.4). seq must
	// not repeat under one key. It allocates only when dst lacks the capacity. packet is a view and is not changed; dst may be packet[:len(packet)].
	Tag(dst []byte, seq uint32, packet []byte) []byte
}

// table has the MACs that are safe to offer, the preferred one first. Encrypt-then-MAC stands before encrypt-and-MAC
// since a forged packet is then refused before anything of it is decrypted.
var table = [...]MAC{
	{Name: HMACSHA256EtM, KeySize: 32, TagSize: 32, EtM: true, New: newHMACSHA256(32)},
	{Name: HMACSHA512EtM, KeySize: 64, TagSize: 64, EtM: true, New: newHMAC(sha512.New, 64)},
	{Name: HMACSHA256, KeySize: 32, TagSize: 32, New: newHMACSHA256(32)},       // RFC 6668
	{Name: HMACSHA512, KeySize: 64, TagSize: 64, New: newHMAC(sha512.New, 64)}, // RFC 6668
}

// Default returns the MACs a connection offers unless told otherwise, in order of preference. The slice is the caller's.
func Default() []MAC { return append([]MAC(nil), table[:]...) }

// Lookup returns the rows of the given names, default, insecure or "none", in the order given. A name that is not
// built is an *UnknownError.
func Lookup(names ...string) ([]MAC, error) {
	found := make([]MAC, 0, len(names))
	for _, name := range names {
		m, ok := find(name)
		if !ok {
			return nil, &UnknownError{Name: name}
		}
		found = append(found, m)
	}
	return found, nil
}

func find(name string) (MAC, bool) {
	for _, list := range [...][]MAC{table[:], insecure[:], unlisted[:]} {
		for _, m := range list {
			if m.Name == name {
				return m, true
			}
		}
	}
	return MAC{}, false
}

// UnknownError says that no MAC of that name is built.
type UnknownError struct {
	// Name is the name that was asked for.
	Name string
}

// Error implements error; the name is quoted, so that control characters in it do no harm.
func (e *UnknownError) Error() string { return fmt.Sprintf("mac: unknown name %q", e.Name) }
