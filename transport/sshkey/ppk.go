package sshkey

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"math/big"
	"strings"

	"github.com/cloudflare/circl/sign/ed448"
	"golang.org/x/crypto/argon2"

	"github.com/hawser-ssh/hawser/wire"
)

// PuTTY's private key files of version 3 (PuTTY's manual, appendix "PPK file
// format").

const (
	ppkCipher     = "aes256-cbc"
	ppkKDF        = "Argon2id"
	ppkLine       = 64 // characters of base64 in a line
	ppkMACKey     = 32
	ppkDefaultKiB = 8 << 10
	ppkPasses     = 21
)

// Limits on what PPKFormat may ask for.
const (
	MaxPPKMemory      = 1 << 20 // KiB of Argon2
	MaxPPKPasses      = 1 << 10
	MaxPPKParallelism = 64
)

// PPKFormat says what guessing the passphrase of a PPK file costs, and opening
// it. Zero fields are those that PuTTY has by default.
type PPKFormat struct {
	Memory      uint32 // KiB for Argon2id, 8 KiB a thread to MaxPPKMemory; 0 stands for 8192
	Passes      uint32 // over that memory, up to MaxPPKPasses; 0 stands for 21, about 100 ms
	Parallelism uint8  // threads, up to MaxPPKParallelism; 0 stands for 1
}

// MarshalPPK returns key as PuTTY's tools keep it, a PPK file of version 3,
// encrypted (Argon2id, aes256-cbc) if passphrase is not empty. Keys are those
// of MarshalPrivateKey, with the same errors; the comment may have
// MaxKeyComment bytes and no control characters. No slice is kept, the caller
// owns the result, which is a secret.
func MarshalPPK(key crypto.Signer, comment string, passphrase []byte) ([]byte, error) {
	return PPKFormat{}.MarshalPPK(key, comment, passphrase)
}

// MarshalPPK is like the function of that name, with the cost that f says.
func (f PPKFormat) MarshalPPK(key crypto.Signer, comment string, passphrase []byte) ([]byte, error) {
	if len(comment) > MaxKeyComment || strings.ContainsFunc(comment, isControl) || strings.Contains(comment, "\t") {
		return nil, badFile("comment too long, or with control characters")
	}
	public, err := Limits{MinRSABits: LowestMinRSABits}.newPublicKey(key.Public())
	if err != nil {
		return nil, err
	}
	private, err := appendPPKPrivate(nil, key)
	if err != nil {
		return nil, err
	}
	defer clear(private)
	p := ppkFile{keyType: public.Type(), cipher: noCipher, comment: comment, public: public.blob, private: private}
	if len(passphrase) == 0 {
		return p.text("", p.mac(nil), private), nil
	}
	return p.encrypt(f, passphrase)
}

// ppkFile is what the MAC covers.
type ppkFile struct {
	keyType, cipher, comment string
	public, private          []byte // private with its padding, not encrypted
}

// encrypt pads the private part and returns the file.
func (p *ppkFile) encrypt(f PPKFormat, passphrase []byte) ([]byte, error) {
	if err := f.check(); err != nil {
		return nil, err
	}
	c, err := lookupFileCipher(ppkCipher)
	if err != nil {
		return nil, err
	}
	padding := make([]byte, -len(p.private)&(c.block-1))
	rand.Read(padding) // never fails, crypto/rand ends the program instead
	p.cipher, p.private = ppkCipher, append(p.private[:len(p.private):len(p.private)], padding...)
	defer clear(p.private)
	salt := make([]byte, saltSize)
	rand.Read(salt)
	secret := argon2.IDKey(passphrase, salt, f.Passes, f.Memory, f.Parallelism, uint32(c.key+c.iv+ppkMACKey))
	defer clear(secret)
	mac := p.mac(secret[c.key+c.iv:])
	sealed, _ := c.seal(secret[:c.key], secret[c.key:c.key+c.iv], append([]byte(nil), p.private...))
	derivation := fmt.Sprintf("Key-Derivation: %s\nArgon2-Memory: %d\nArgon2-Passes: %d\nArgon2-Parallelism: %d\nArgon2-Salt: %x\n",
		ppkKDF, f.Memory, f.Passes, f.Parallelism, salt)
	return p.text(derivation, mac, sealed), nil
}

// check sets defaults and refuses what is out of bounds.
func (f *PPKFormat) check() error {
	if f.Memory == 0 {
		f.Memory = ppkDefaultKiB
	}
	if f.Passes == 0 {
		f.Passes = ppkPasses
	}
	if f.Parallelism == 0 {
		f.Parallelism = 1
	}
	if f.Memory > MaxPPKMemory || f.Memory < 8*uint32(f.Parallelism) || f.Passes > MaxPPKPasses || f.Parallelism > MaxPPKParallelism {
		return badFile(fmt.Sprintf("Argon2 with %d KiB, %d passes and %d threads is not accepted", f.Memory, f.Passes, f.Parallelism))
	}
	return nil
}

// mac authenticates all that is not a line's name, under no key where the file
// is not encrypted.
func (p *ppkFile) mac(key []byte) []byte {
	h := hmac.New(sha256.New, key)
	for _, part := range [][]byte{[]byte(p.keyType), []byte(p.cipher), []byte(p.comment), p.public, p.private} {
		h.Write(wire.AppendUint32(nil, uint32(len(part))))
		h.Write(part)
	}
	return h.Sum(nil)
}

// text writes the file with private as it is to stand there.
func (p *ppkFile) text(derivation string, mac, private []byte) []byte {
	b := fmt.Appendf(nil, "PuTTY-User-Key-File-3: %s\nEncryption: %s\nComment: %s\n", p.keyType, p.cipher, p.comment)
	b = appendPPKLines(b, "Public-Lines", p.public)
	b = append(b, derivation...)
	b = appendPPKLines(b, "Private-Lines", private)
	return append(b, "Private-MAC: "+hex.EncodeToString(mac)+"\n"...)
}

// appendPPKLines appends the number of lines, then data in base64.
func appendPPKLines(b []byte, name string, data []byte) []byte {
	text := base64.StdEncoding.AppendEncode(nil, data)
	defer clear(text)
	b = fmt.Appendf(b, "%s: %d\n", name, (len(text)+ppkLine-1)/ppkLine)
	return appendLines(b, text, ppkLine)
}

// appendLines appends text in lines of at most width characters.
func appendLines(b, text []byte, width int) []byte {
	for len(text) > 0 {
		n := min(len(text), width)
		b = append(append(b, text[:n]...), '\n')
		text = text[n:]
	}
	return b
}

// appendPPKPrivate appends the private part: what the public one lacks.
func appendPPKPrivate(b []byte, key crypto.Signer) ([]byte, error) {
	switch k := key.(type) {
	case ed25519.PrivateKey:
		if len(k) == ed25519.PrivateKeySize {
			return wire.AppendBytes(b, k.Seed()), nil
		}
	case ed448.PrivateKey:
		if len(k) == ed448.PrivateKeySize {
			return wire.AppendBytes(b, k.Seed()), nil
		}
	case *ecdsa.PrivateKey:
		if d, err := k.Bytes(); err == nil {
			defer clear(d)
			return wire.AppendMpint(b, d), nil
		}
	case *rsa.PrivateKey:
		if len(k.Primes) == 2 && k.D != nil {
			p, q := k.Primes[0], k.Primes[1]
			return appendMpints(b, k.D, p, q, new(big.Int).ModInverse(q, p)), nil
		}
	case *DSAPrivateKey:
		if k.X != nil {
			return appendMpints(b, k.X), nil
		}
	}
	return nil, &UnsupportedError{What: "private key", Name: fmt.Sprintf("%T", key)}
}

func appendMpints(b []byte, numbers ...*big.Int) []byte {
	for _, n := range numbers {
		b = wire.AppendMpint(b, n.Bytes())
	}
	return b
}
