package cipher

import (
	"errors"
	"fmt"
	"math"

	"golang.org/x/sys/cpu"

	"github.com/hawser-ssh/hawser/mac"
)

// Cipher is one packet cipher, a row of the table. The zero value is not usable.
//
// An AEAD sets Sealer and Opener; any other cipher sets Encrypt and Decrypt and is combined with a MAC.
type Cipher struct {
	// Name is the SSH algorithm name, as in a KEXINIT (RFC 4253 §7.1).
	Name string
	// KeySize and IVSize are the lengths in bytes of the key and of the initial IV (RFC 4253 §7.2).
	KeySize, IVSize int
	// BlockSize is the cipher's block in bytes, 8 for a stream cipher: the alignment of packets (RFC 4253 §6).
	BlockSize int
	// MaxBytes is how many bytes may go under one key in one direction before a re-key (RFC 4344 §3.2).
	MaxBytes uint64
	// AEAD is true where the cipher authenticates by itself and the negotiated MAC is not used.
	AEAD bool
	// NamedAsMAC is true where an AEAD's name has to stand among the MACs of a KEXINIT too (RFC 5647 §5.1).
	NamedAsMAC bool
	// CBC is true where a block decrypts to the same text, but for a known difference, wherever it stands: CBC mode.
	// Layout.HideLength follows from it.
	CBC bool

	// Sealer and Opener make the states of an AEAD. They copy key and iv, which have the sizes above.
	Sealer func(c Cipher, key, iv []byte) (Sealer, error)
	Opener func(c Cipher, key, iv []byte) (Opener, error)
	// Encrypt and Decrypt make the transforms of a cipher that needs a MAC. They copy key and iv.
	Encrypt, Decrypt func(key, iv []byte) (Transform, error)
}

// Transform encrypts or decrypts src to dst, which are the same slice or do not overlap. Its state goes on from call to
// call, over packets. With a block cipher len(src) is a multiple of the block size.
type Transform func(dst, src []byte)

// Sealer protects outgoing packets under one set of keys.
type Sealer interface {
	// Layout describes the packets that Seal takes.
	Layout() Layout
	// Seal encrypts and authenticates a packet in place. packet is packet_length, padding_length, payload, padding
	// (RFC 4253 §6) and Layout().Tag spare bytes, which become the tag. The caller has kept to the alignment; seq is
	// the sequence number of the packet, which must never repeat under these keys.
	Seal(seq uint32, packet []byte)
}

// Opener checks and decrypts incoming packets under one set of keys. For each packet, Length is called once and then
// Open once; after ErrTag nothing more may be called.
type Opener interface {
	// Layout describes the packets that Open takes.
	Layout() Layout
	// Length returns packet_length, unchecked: any value up to 2^32-1 that a peer or an attacker chose. head is the
	// first Layout().Head bytes of the packet and may be decrypted in place.
	Length(seq uint32, head []byte) uint32
	// Open verifies and decrypts a packet in place. packet is 4 + packet_length + Layout().Tag bytes, its head as
	// Length left it. A wrong tag, or a packet too short to hold one, or of broken blocks, is ErrTag, always and for
	// any position of the fault. On success the bytes from padding_length to the padding are plaintext.
	Open(seq uint32, packet []byte) error
}

// Layout is what the framing code needs to know of a packet cipher.
type Layout struct {
	// Head is the number of bytes from which Length can tell the packet's length: 4, or a cipher block.
	Head int
	// Align is what the padded part must be a multiple of, in bytes: the larger of 8 and the block (RFC 4253 §6).
	Align int
	// LengthClear is true where the four bytes of packet_length do not count for the alignment, as the cipher proper
	// does not cover them: EtM and AEAD.
	LengthClear bool
	// HideLength is true where nobody may learn what Length returned for a packet that is then refused: in CBC mode with
	// encrypt-and-MAC an attacker can put any block of the past where the length is expected, and four bytes of its
	// plaintext are what it decrypts to (CVE-2008-5161). The framing code takes a length that it does not like for the
	// shortest there is, Head-4, and refuses the packet after Open, whatever that returns. When it refuses a packet for
	// its length or its tag, it first reads on to the end of the largest packet there may be and calls Open once more,
	// for the rest, so that bytes read, time and error are the same for every length.
	HideLength bool
	// Tag is the length of the tag behind the packet, in bytes.
	Tag int
	// MaxPackets is how many packets may be sealed or opened before the sequence number, or GCM's invocation counter,
	// would come back to a value used under these keys (RFC 4344 §3.1, RFC 5647 §7.1). At least 1.
	MaxPackets uint64
	// MaxBytes is the most bytes to seal or open under these keys before a re-key (RFC 4344 §3.2).
	MaxBytes uint64
}

// ErrTag says that a packet is not what the peer sealed: its tag is wrong, or it is too short to have one.
var ErrTag = errors.New("cipher: message authentication failed")

// UnknownError says that no cipher of that name is built.
type UnknownError struct {
	// Name is the name that was asked for.
	Name string
}

// Error implements error; the name is quoted, so that control characters in it do no harm.
func (e *UnknownError) Error() string { return fmt.Sprintf("cipher: unknown name %q", e.Name) }

// sequenceNumbers is how many packets have different sequence numbers.
const sequenceNumbers = 1 << 32

// blockLimit128 is RFC 4344 §3.2 for blocks of 128 bits: 2^(128/4) blocks.
const blockLimit128 = 16 << 32

// table has the ciphers that are safe to offer.
var table = [...]Cipher{
	{Name: AES128GCM, KeySize: 16, IVSize: 12, BlockSize: 16, MaxBytes: blockLimit128, AEAD: true, Sealer: newGCMSealer, Opener: newGCMOpener},
	{Name: AES256GCM, KeySize: 32, IVSize: 12, BlockSize: 16, MaxBytes: blockLimit128, AEAD: true, Sealer: newGCMSealer, Opener: newGCMOpener},
	{Name: ChaCha20Poly1305, KeySize: 64, BlockSize: 8, MaxBytes: math.MaxUint64, AEAD: true, Sealer: newChaChaSealer, Opener: newChaChaOpener},
	{Name: AES128CTR, KeySize: 16, IVSize: 16, BlockSize: 16, MaxBytes: blockLimit128, Encrypt: newAESCTR, Decrypt: newAESCTR},
	{Name: AES192CTR, KeySize: 24, IVSize: 16, BlockSize: 16, MaxBytes: blockLimit128, Encrypt: newAESCTR, Decrypt: newAESCTR},
	{Name: AES256CTR, KeySize: 32, IVSize: 16, BlockSize: 16, MaxBytes: blockLimit128, Encrypt: newAESCTR, Decrypt: newAESCTR},
}

// Default returns the ciphers a connection offers unless told otherwise, in order of preference: the fastest on this
// processor first. Without instructions for AES, chacha20-poly1305 is faster, and safer since AES in software looks up
// tables by secret values. The slice is the caller's.
func Default() []Cipher { return preferred(hasAES()) }

func preferred(aes bool) []Cipher {
	list := append([]Cipher(nil), table[:]...)
	if !aes {
		list[0], list[1], list[2] = list[2], list[0], list[1]
	}
	return list
}

// hasAES reports whether the processor has instructions for AES and for the multiplication that GCM needs.
func hasAES() bool {
	return cpu.X86.HasAES && cpu.X86.HasPCLMULQDQ && cpu.X86.HasSSE41 && cpu.X86.HasSSSE3 ||
		cpu.ARM64.HasAES && cpu.ARM64.HasPMULL ||
		cpu.S390X.HasAES && cpu.S390X.HasAESCTR && cpu.S390X.HasGHASH ||
		cpu.PPC64.IsPOWER8
}

// Lookup returns the rows of the given names, default, insecure or "none", in the order given. A name that is not built
// is an *UnknownError.
func Lookup(names ...string) ([]Cipher, error) {
	found := make([]Cipher, 0, len(names))
	for _, name := range names {
		c, ok := find(name)
		if !ok {
			return nil, &UnknownError{Name: name}
		}
		found = append(found, c)
	}
	return found, nil
}

func find(name string) (Cipher, bool) {
	for _, list := range [...][]Cipher{table[:], insecure[:], unlisted[:]} {
		for _, c := range list {
			if c.Name == name {
				return c, true
			}
		}
	}
	return Cipher{}, false
}

// NewSealer returns the outgoing state of the cipher. m is nil for an AEAD and the negotiated MAC otherwise; keys of
// another size than the table says are an error. key, iv and macKey are copied.
func (c Cipher) NewSealer(m *mac.MAC, key, iv, macKey []byte) (Sealer, error) {
	if err := c.check(m, key, iv, macKey); err != nil {
		return nil, err
	}
	if c.AEAD {
		return c.Sealer(c, key, iv)
	}
	encrypt, err := c.Encrypt(key, iv)
	if err != nil {
		return nil, err
	}
	return newMACSealer(c, m, encrypt, macKey), nil
}

// NewOpener returns the incoming state of the cipher; the parameters are those of NewSealer.
func (c Cipher) NewOpener(m *mac.MAC, key, iv, macKey []byte) (Opener, error) {
	if err := c.check(m, key, iv, macKey); err != nil {
		return nil, err
	}
	if c.AEAD {
		return c.Opener(c, key, iv)
	}
	decrypt, err := c.Decrypt(key, iv)
	if err != nil {
		return nil, err
	}
	return newMACOpener(c, m, decrypt, macKey), nil
}

// check compares keys and MAC with what the row needs. An AEAD takes no MAC, and the others take one: there is no
// encryption without authentication.
func (c Cipher) check(m *mac.MAC, key, iv, macKey []byte) error {
	if c.AEAD != (m == nil) {
		return fmt.Errorf("cipher: %s: a MAC is for ciphers that are no AEAD, and they need one", c.Name)
	}
	if len(key) != c.KeySize || len(iv) != c.IVSize {
		return fmt.Errorf("cipher: %s: key of %d and IV of %d bytes, want %d and %d", c.Name, len(key), len(iv), c.KeySize, c.IVSize)
	}
	if m != nil && (len(macKey) != m.KeySize || m.TagSize > mac.MaxTagSize) {
		return fmt.Errorf("cipher: %s: MAC key of %d bytes, want %d", m.Name, len(macKey), m.KeySize)
	}
	return nil
}
