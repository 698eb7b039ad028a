package certstore

import (
	"bufio"
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"hash"
	"strconv"
	"strings"

	"golang.org/x/crypto/argon2"

	"github.com/hawser-ssh/hawser/transport/sshkey"
	"github.com/hawser-ssh/hawser/wire"
)

// PuTTY's private key files, versions 2 and 3 (PuTTY manual, appendix C).

const (
	ppkMark      = "PuTTY-User-Key-File-"
	ppkMACKey    = "putty-private-key-file-mac-key" // of version 2
	ppkNone      = "none"
	ppkAES       = "aes256-cbc"
	maxPPKLines  = 4096
	maxPPKLine   = sshkey.MaxKeyComment + 64
	ppkKey       = 32 // bytes of the key, the IV and the MAC key of version 3
	ppkIV        = aes.BlockSize
	ppkMAC       = 32
	maxArgonLane = 255 // parallelism
)

// ppk is what a file says. private is encrypted until open.
type ppk struct {
	version                     int
	algorithm, encryption       string
	comment                     string
	public, private             []byte
	kdf                         string
	memory, passes, parallelism uint64 // of Argon2, memory in KiB
	salt, mac                   []byte
}

func parsePPK(in *input) ([]*Key, error) {
	r := ppkReader{lines: bufio.NewScanner(bytes.NewReader(bytes.TrimSpace(in.data)))}
	r.lines.Buffer(nil, maxPPKLine)
	r.lines.Split(scanLines)
	p, err := r.file()
	if err != nil {
		return nil, err
	}
	if err := p.open(in); err != nil {
		return nil, err
	}
	defer clear(p.private)
	plain, err := p.fields()
	if err != nil {
		return nil, err
	}
	var c collector
	key, err := plain.key(p.comment)
	if err == nil && !bytes.Equal(plain.blob(), p.public) {
		err = malformed("the public key does not belong to the private key")
	}
	if err := c.add(key, err); err != nil {
		return nil, err
	}
	return c.finish()
}

// scanLines splits at LF, CR LF or CR, as PuTTY does.
func scanLines(data []byte, atEOF bool) (advance int, token []byte, err error) {
	i := bytes.IndexAny(data, "\r\n")
	switch {
	case i < 0 && atEOF && len(data) > 0:
		return len(data), data, nil
	case i < 0:
		return 0, nil, nil
	case data[i] == '\r' && i+1 < len(data) && data[i+1] == '\n':
		return i + 2, data[:i], nil
	case data[i] == '\r' && i+1 == len(data) && !atEOF:
		return 0, nil, nil
	}
	return i + 1, data[:i], nil
}

// ppkReader reads headers in their order. The first error stays.
type ppkReader struct {
	lines *bufio.Scanner
	err   error
}

func (r *ppkReader) fail(what string) {
	if r.err == nil {
		r.err = malformed("PuTTY key: %s", what)
	}
}

func (r *ppkReader) header() (name, value string) {
	if r.err == nil && r.lines.Scan() {
		if name, value, ok := strings.Cut(r.lines.Text(), ": "); ok {
			return name, value
		}
	}
	r.fail("a header is missing")
	return "", ""
}

// value reads the header of that name.
func (r *ppkReader) value(name string) string {
	got, value := r.header()
	if got != name {
		r.fail(name + " is missing")
	}
	return value
}

func (r *ppkReader) number(name string) uint64 {
	n, err := strconv.ParseUint(r.value(name), 10, 32)
	if err != nil {
		r.fail(name + " is no number")
	}
	return n
}

func (r *ppkReader) hex(name string) []byte {
	b, err := hex.DecodeString(r.value(name))
	if err != nil {
		r.fail(name + " is not hexadecimal")
	}
	return b
}

// base64 reads as many lines as the header of that name says.
func (r *ppkReader) base64(name string) []byte {
	n := r.number(name)
	if n > maxPPKLines {
		r.fail("too many lines")
	}
	var text strings.Builder
	for ; n > 0 && r.err == nil; n-- {
		if !r.lines.Scan() {
			r.fail("it ends early")
		}
		text.WriteString(r.lines.Text())
	}
	b, err := base64.StdEncoding.DecodeString(text.String())
	if err != nil {
		r.fail(name + " are no base64")
	}
	return b
}

func (r *ppkReader) file() (*ppk, error) {
	p := &ppk{}
	mark, algorithm := r.header()
	version, ok := strings.CutPrefix(mark, ppkMark)
	if !ok {
		return nil, malformed("not a PuTTY key")
	}
	if version != "2" && version != "3" {
		return nil, because(ErrUnsupported, "PuTTY keys of version %s: puttygen converts them", quoted(version))
	}
	p.version, p.algorithm = int(version[0]-'0'), algorithm
	p.encryption, p.comment = r.value("Encryption"), r.value("Comment")
	p.public = r.base64("Public-Lines")
	if p.version == 3 && p.encryption != ppkNone {
		p.kdf = r.value("Key-Derivation")
		p.memory, p.passes, p.parallelism = r.number("Argon2-Memory"), r.number("Argon2-Passes"), r.number("Argon2-Parallelism")
		p.salt = r.hex("Argon2-Salt")
	}
	p.private = r.base64("Private-Lines")
	p.mac = r.hex("Private-MAC")
	if r.err == nil && r.lines.Scan() {
		r.fail("lines after the end")
	}
	return p, r.err
}

// open checks the MAC and decrypts.
func (p *ppk) open(in *input) error {
	var key, iv, macKey []byte
	newHash := sha256.New
	password := in.password
	switch {
	case p.encryption == ppkNone:
		password = ""
	case p.encryption != ppkAES:
		return because(ErrUnsupported, "PuTTY keys with the cipher %s", quoted(p.encryption))
	case password == "":
		return because(ErrPassword, "the PuTTY key has one")
	}
	if p.version == 2 {
		newHash = sha1.New
		key, iv, macKey = ppk2Keys(password)
	} else if p.encryption == ppkAES {
		secret, err := p.argon2(in)
		if err != nil {
			return err
		}
		key, iv, macKey = secret[:ppkKey], secret[ppkKey:ppkKey+ppkIV], secret[ppkKey+ppkIV:]
	}
	defer func() { clear(key); clear(iv); clear(macKey) }()
	if p.encryption == ppkAES {
		if err := p.decrypt(key, iv); err != nil {
			return err
		}
	}
	return p.checkMAC(newHash, macKey)
}

// ppk2Keys are SHA-1 hashes of the password and a counter.
func ppk2Keys(password string) (key, iv, macKey []byte) {
	for i := range byte(2) {
		key = append(key, sha1Of([]byte{0, 0, 0, i}, []byte(password))...)
	}
	return key[:ppkKey], make([]byte, ppkIV), sha1Of([]byte(ppkMACKey), []byte(password))
}

// argons are the variants of Argon2.
var argons = map[string]func(password, salt []byte, passes, memory uint32, lanes uint8, size uint32) []byte{
	"Argon2id": argon2.IDKey,
	"Argon2i":  argon2.Key,
	"Argon2d":  argon2d,
}

// argon2 derives cipher key, IV and MAC key, if that does not cost too much: a
// pass over a KiB counts as an iteration.
func (p *ppk) argon2(in *input) ([]byte, error) {
	kdf := argons[p.kdf]
	switch {
	case kdf == nil:
		return nil, because(ErrUnsupported, "PuTTY keys with the key derivation %s", quoted(p.kdf))
	case p.memory > MaxMemory>>10, p.passes > MaxIterations, p.parallelism > maxArgonLane:
		return nil, because(ErrTooCostly, "%d passes of Argon2 over %d KiB with %d threads", p.passes, p.memory, p.parallelism)
	case p.memory < 8*p.parallelism, p.passes == 0, p.parallelism == 0:
		return nil, malformed("PuTTY key: %d passes of Argon2 over %d KiB with %d threads", p.passes, p.memory, p.parallelism)
	}
	if err := checkSalt(p.salt); err != nil {
		return nil, err
	}
	if err := in.spend(int(min(p.memory*p.passes, MaxIterations+1))); err != nil {
		return nil, err
	}
	return kdf([]byte(in.password), p.salt, uint32(p.passes), uint32(p.memory), uint8(p.parallelism), ppkKey+ppkIV+ppkMAC), nil
}

func (p *ppk) decrypt(key, iv []byte) error {
	block, err := aes.NewCipher(key)
	if err != nil {
		return because(ErrUnsupported, "%w", err)
	}
	if len(p.private) == 0 || len(p.private)%aes.BlockSize != 0 {
		return malformed("PuTTY key: private part of %d bytes", len(p.private))
	}
	cipher.NewCBCDecrypter(block, iv).CryptBlocks(p.private, p.private)
	return nil
}

// checkMAC checks the MAC, which is over everything that can be changed.
func (p *ppk) checkMAC(newHash func() hash.Hash, key []byte) error {
	var b []byte
	for _, s := range []string{p.algorithm, p.encryption, p.comment} {
		b = wire.AppendString(b, s)
	}
	b = wire.AppendBytes(wire.AppendBytes(b, p.public), p.private)
	defer clear(b)
	switch {
	case hmac.Equal(mac(newHash, key, b), p.mac):
		return nil
	case p.encryption == ppkNone:
		return malformed("PuTTY key: the MAC is another")
	}
	return because(ErrPassword, "the MAC of the PuTTY key is another")
}

// ppkTypes says what the public and the private part of a key hold, behind
// the type.
var ppkTypes = map[string]func(pub, priv *wire.Reader) plainKey{
	"ssh-rsa":             ppkRSA,
	"ssh-dss":             ppkDSA,
	"ecdsa-sha2-nistp256": ppkECDSA,
	"ecdsa-sha2-nistp384": ppkECDSA,
	"ecdsa-sha2-nistp521": ppkECDSA,
	"ssh-ed25519":         ppkEd("ssh-ed25519"),
	"ssh-ed448":           ppkEd("ssh-ed448"),
}

func ppkRSA(pub, priv *wire.Reader) plainKey {
	e, n := pub.Mpint("e"), pub.Mpint("n")
	d, p, q := priv.Mpint("d"), priv.Mpint("p"), priv.Mpint("q")
	priv.Mpint("iqmp")
	return rsaKey(n, e, d, p, q)
}

func ppkDSA(pub, priv *wire.Reader) plainKey {
	p, q, g, y := pub.Mpint("p"), pub.Mpint("q"), pub.Mpint("g"), pub.Mpint("y")
	return dsaKey(p, q, g, y, priv.Mpint("x"))
}

func ppkECDSA(pub, priv *wire.Reader) plainKey {
	curve, point := pub.String("curve"), pub.Bytes("point")
	return ecKey(curve, point, priv.Mpint("private key"))
}

// ppkEd reads keys of Edwards curves. PuTTY writes their seeds as little-endian
// numbers without the zeros at the end.
func ppkEd(name string) func(pub, priv *wire.Reader) plainKey {
	return func(pub, priv *wire.Reader) plainKey {
		point, seed := pub.Bytes("point"), priv.Bytes("private key")
		if missing := len(point) - len(seed); missing > 0 && missing < len(point) {
			seed = append(bytes.Clone(seed), make([]byte, missing)...)
		}
		return edKey(name, point, seed)
	}
}

// fields reads the private part, which ends with padding.
func (p *ppk) fields() (plainKey, error) {
	pub, priv := wire.NewFieldReader(p.public, "PuTTY key"), wire.NewFieldReader(p.private, "PuTTY key")
	if pub.String("type") != p.algorithm {
		return plainKey{}, malformed("PuTTY key: the type in the public key is another")
	}
	read := ppkTypes[p.algorithm]
	if read == nil {
		return plainKey{}, because(ErrUnsupported, "PuTTY keys of type %s", quoted(p.algorithm))
	}
	k := read(&pub, &priv)
	padding := priv.Rest()
	if err := errors.Join(pub.Done(), priv.Done()); err != nil {
		return k, malformed("%w", err)
	}
	if k.private == nil || len(padding) >= aes.BlockSize || len(p.comment) > sshkey.MaxKeyComment {
		return k, malformed("PuTTY key: private part")
	}
	return k, nil
}
