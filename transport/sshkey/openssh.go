package sshkey

import (
	"bytes"
	"crypto"
	"crypto/rand"
	"encoding/pem"
	"fmt"

	"github.com/hawser-ssh/hawser/wire"
)

// The container of OpenSSH PROTOCOL.key.
const (
	opensshPEM   = "OPENSSH PRIVATE KEY"
	opensshMagic = "openssh-key-v1\x00"
	kdfNone      = "none"
	kdfBcrypt    = "bcrypt"

	defaultRounds = 24 // bcrypt rounds of files that we write
	saltSize      = 16 // bytes of salt in files that we write
)

// opensshFile is the container before decryption; slices are views.
type opensshFile struct {
	cipher     *fileCipher
	kdf        string
	kdfOptions []byte
	public     []byte // key blob
	private    []byte // encrypted
	tag        []byte
}

// parse splits the container and checks what can be checked without a key.
func (f *opensshFile) parse(p []byte) error {
	body, ok := bytes.CutPrefix(p, []byte(opensshMagic))
	if !ok {
		return badFile("not in openssh-key-v1 form")
	}
	r := wire.NewFieldReader(body, "private key")
	cipher := r.String("cipher")
	f.kdf, f.kdfOptions = r.String("KDF"), r.Bytes("KDF options")
	count := r.Uint32("number of keys")
	if r.Err() == nil && count != 1 {
		return badFile(fmt.Sprintf("%d keys, 1 expected", count))
	}
	f.public, f.private = r.Bytes("public key"), r.Bytes("private key")
	f.tag = r.Rest()
	if err := r.Done(); err != nil {
		return fmt.Errorf("%w: %w", ErrKeyFile, err)
	}
	var err error
	if f.cipher, err = lookupFileCipher(cipher); err != nil {
		return err
	}
	if len(f.tag) != f.cipher.tag {
		return badFile("tag missing, or bytes after the end")
	}
	if len(f.private) == 0 || len(f.private)%f.cipher.block != 0 {
		return badFile("private part is not a multiple of the block size")
	}
	return nil
}

// kdf is a way to derive key and IV from a passphrase.
type kdf struct {
	name   string
	derive func(options, passphrase []byte, size int) ([]byte, error)
}

var kdfs = [...]kdf{
	{kdfNone, deriveNone},
	{kdfBcrypt, deriveBcrypt},
}

func deriveNone(options, _ []byte, size int) ([]byte, error) {
	if len(options) > 0 || size > 0 {
		return nil, badFile("KDF none with a cipher or with options")
	}
	return nil, nil
}

// deriveBcrypt checks salt and rounds before it spends time on them.
func deriveBcrypt(options, passphrase []byte, size int) ([]byte, error) {
	r := wire.NewFieldReader(options, "bcrypt options")
	salt, rounds := r.Bytes("salt"), r.Uint32("rounds")
	if err := r.Done(); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrKeyFile, err)
	}
	if size == 0 {
		return nil, badFile("KDF bcrypt without a cipher")
	}
	if len(salt) == 0 || len(salt) > MaxKDFSalt {
		return nil, badFile(fmt.Sprintf("salt of %d bytes", len(salt)))
	}
	if rounds == 0 || rounds > MaxKDFRounds {
		return nil, badFile(fmt.Sprintf("%d KDF rounds, at most %d are accepted", rounds, MaxKDFRounds))
	}
	if len(passphrase) == 0 {
		return nil, ErrPassphraseMissing
	}
	return bcryptPBKDF(passphrase, salt, int(rounds), size), nil
}

// derive returns key and IV for the cipher.
func (f *opensshFile) derive(passphrase []byte) ([]byte, error) {
	for _, k := range kdfs {
		if k.name == f.kdf {
			return k.derive(f.kdfOptions, passphrase, f.cipher.key+f.cipher.iv)
		}
	}
	return nil, &UnsupportedError{What: "KDF of a private key", Name: f.kdf}
}

func (l Limits) parseOpenSSH(b *pem.Block, passphrase []byte) (crypto.Signer, string, error) {
	var f opensshFile
	if err := f.parse(b.Bytes); err != nil {
		return nil, "", err
	}
	secret, err := f.derive(passphrase)
	if err != nil {
		return nil, "", err
	}
	defer clear(secret)
	plain, ok := f.cipher.open(secret[:f.cipher.key], secret[f.cipher.key:], f.private, f.tag)
	if !ok {
		return nil, "", ErrPassphraseWrong
	}
	defer clear(plain)
	return l.parsePrivatePart(&f, plain)
}

// parsePrivatePart reads what was encrypted: two equal check integers, the
// key, its comment, and padding.
func (l Limits) parsePrivatePart(f *opensshFile, plain []byte) (crypto.Signer, string, error) {
	r := wire.NewFieldReader(plain, "private key")
	check := r.Uint32("check")
	if r.Uint32("check") != check {
		if f.cipher.name == noCipher {
			return nil, "", badFile("check integers differ")
		}
		return nil, "", ErrPassphraseWrong
	}
	name := r.Name("type")
	if err := r.Err(); err != nil {
		return nil, "", fmt.Errorf("%w: %w", ErrKeyFile, err)
	}
	kind, err := lookupKeyType(name)
	if err != nil {
		return nil, "", err
	}
	if kind.parsePrivate == nil {
		return nil, "", &UnsupportedError{What: "private key", Name: name}
	}
	key, err := kind.parsePrivate(&r, l)
	if err != nil {
		return nil, "", keyFileError(err)
	}
	comment := r.StringMax("comment", MaxKeyComment)
	padding := r.Rest()
	if err := r.Done(); err != nil {
		return nil, "", fmt.Errorf("%w: %w", ErrKeyFile, err)
	}
	if !validPadding(padding) {
		return nil, "", badFile("bad padding")
	}
	public, err := l.newPublicKey(key.Public())
	if err != nil {
		return nil, "", err
	}
	if !bytes.Equal(public.blob, f.public) {
		return nil, "", badFile("public key does not belong to the private key")
	}
	return key, comment, nil
}

// maxPadding is how much padding a file may have. OpenSSH has less than a
// block; PuTTY pads to 16 bytes whatever the block is, by 1 to 16 bytes.
const maxPadding = 16

// validPadding reports whether p is 1, 2, 3, ... and not too long.
func validPadding(p []byte) bool {
	for i, v := range p {
		if v != byte(i+1) {
			return false
		}
	}
	return len(p) <= maxPadding
}

// marshal writes key in format f, which has no zero fields.
func (f PrivateKeyFormat) marshal(key crypto.Signer, comment string, passphrase []byte) ([]byte, error) {
	c, err := lookupFileCipher(f.Cipher)
	if err != nil {
		return nil, err
	}
	if c.name == noCipher && len(passphrase) > 0 {
		return nil, badFile("passphrase given and no cipher")
	}
	if len(comment) > MaxKeyComment {
		return nil, badFile("comment too long")
	}
	public, plain, err := privatePart(key, comment, c.block)
	if err != nil {
		return nil, err
	}
	defer clear(plain)
	file := opensshFile{cipher: c, kdf: kdfNone, public: public}
	if c.key > 0 {
		file.kdf, file.kdfOptions = kdfBcrypt, newBcryptOptions(f.Rounds)
	}
	secret, err := file.derive(passphrase)
	if err != nil {
		return nil, err
	}
	defer clear(secret)
	file.private, file.tag = c.seal(secret[:c.key], secret[c.key:], plain)
	body := file.append([]byte(opensshMagic))
	defer clear(body)
	return pem.EncodeToMemory(&pem.Block{Type: opensshPEM, Bytes: body}), nil
}

// newBcryptOptions returns options with a fresh salt.
func newBcryptOptions(rounds uint32) []byte {
	salt := make([]byte, saltSize)
	rand.Read(salt) // never fails, crypto/rand ends the program instead
	return wire.AppendUint32(wire.AppendBytes(nil, salt), rounds)
}

// privatePart returns the key blob and the padded plaintext.
func privatePart(key crypto.Signer, comment string, block int) (public, plain []byte, err error) {
	k, err := Limits{MinRSABits: LowestMinRSABits}.newPublicKey(key.Public())
	if err != nil {
		return nil, nil, err
	}
	var check [4]byte
	rand.Read(check[:])
	plain = append(append(make([]byte, 0, 4096), check[:]...), check[:]...)
	plain = wire.AppendString(plain, k.kind.name)
	plain, ok := k.kind.appendPrivate(plain, key)
	if !ok {
		return nil, nil, &UnsupportedError{What: "private key", Name: fmt.Sprintf("%T", key)}
	}
	plain = wire.AppendString(plain, comment)
	for i := byte(1); len(plain)%block != 0; i++ {
		plain = append(plain, i)
	}
	return k.blob, plain, nil
}

// append appends the container to b.
func (f *opensshFile) append(b []byte) []byte {
	b = wire.AppendString(b, f.cipher.name)
	b = wire.AppendString(b, f.kdf)
	b = wire.AppendBytes(b, f.kdfOptions)
	b = wire.AppendUint32(b, 1)
	b = wire.AppendBytes(b, f.public)
	b = wire.AppendBytes(b, f.private)
	return append(b, f.tag...)
}
