package sshkey

import (
	"crypto"
	"crypto/cipher"
	"crypto/pbkdf2"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/asn1"
	"encoding/pem"
	"errors"
	"fmt"
	"hash"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"
)

// The names of RFC 8018 App. C.
var (
	oidPBES2  = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 5, 13}
	oidPBKDF2 = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 5, 12}
)

// pbes2PRFs are the hashes whose HMAC PBKDF2 is run with (RFC 8018 App. B.1.2).
var pbes2PRFs = [...]struct {
	oid asn1.ObjectIdentifier
	new func() hash.Hash
}{
	{asn1.ObjectIdentifier{1, 2, 840, 113549, 2, 7}, sha1.New}, // the default where none is named
	{asn1.ObjectIdentifier{1, 2, 840, 113549, 2, 9}, sha256.New},
	{asn1.ObjectIdentifier{1, 2, 840, 113549, 2, 10}, sha512.New384},
	{asn1.ObjectIdentifier{1, 2, 840, 113549, 2, 11}, sha512.New},
}

// pbes2Ciphers are the CBC ciphers of RFC 8018 App. B.2.
var pbes2Ciphers = [...]struct {
	oid   asn1.ObjectIdentifier
	key   int
	block func(key []byte) cipher.Block
}{
	{asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 1, 2}, 16, aesBlock},
	{asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 1, 22}, 24, aesBlock},
	{asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 1, 42}, 32, aesBlock},
	{asn1.ObjectIdentifier{1, 2, 840, 113549, 3, 7}, 24, desBlock},
}

// The rows that files we write have.
const (
	pbes2WritePRF = 1 // HMAC-SHA-256
	pbes2Write    = 2 // AES-256-CBC
)

// pbes2 holds the parameters of an EncryptedPrivateKeyInfo; slices are views.
type pbes2 struct {
	salt       []byte
	iterations int
	keyLength  int // 0 where not given
	prf        asn1.ObjectIdentifier
	cipher     asn1.ObjectIdentifier
	iv         []byte
	data       []byte
}

// parse reads the DER of RFC 5208 §6 with the parameters of RFC 8018 App. A.4.
func (p *pbes2) parse(der []byte) error {
	var outer, algorithm, params, scheme, data cryptobyte.String
	var oid asn1.ObjectIdentifier
	s := cryptobyte.String(der)
	if !s.ReadASN1(&outer, cbasn1.SEQUENCE) || !s.Empty() ||
		!outer.ReadASN1(&algorithm, cbasn1.SEQUENCE) || !algorithm.ReadASN1ObjectIdentifier(&oid) ||
		!outer.ReadASN1(&data, cbasn1.OCTET_STRING) || !outer.Empty() {
		return badFile("not an encrypted PKCS #8 key in DER")
	}
	p.data = data
	if !oid.Equal(oidPBES2) {
		return &UnsupportedError{What: "encryption of a PKCS #8 key", Name: oid.String()}
	}
	if !algorithm.ReadASN1(&params, cbasn1.SEQUENCE) || !algorithm.Empty() {
		return badFile("PBES2 parameters")
	}
	if err := p.parseKDF(&params); err != nil {
		return err
	}
	var iv cryptobyte.String
	if !params.ReadASN1(&scheme, cbasn1.SEQUENCE) || !params.Empty() ||
		!scheme.ReadASN1ObjectIdentifier(&p.cipher) ||
		!scheme.ReadASN1(&iv, cbasn1.OCTET_STRING) || !scheme.Empty() {
		return badFile("PBES2 cipher")
	}
	p.iv = iv
	return nil
}

// parseKDF reads PBKDF2-params (RFC 8018 App. A.2).
func (p *pbes2) parseKDF(params *cryptobyte.String) error {
	var kdf, values, salt, prf cryptobyte.String
	var oid asn1.ObjectIdentifier
	if !params.ReadASN1(&kdf, cbasn1.SEQUENCE) || !kdf.ReadASN1ObjectIdentifier(&oid) {
		return badFile("PBES2 key derivation")
	}
	if !oid.Equal(oidPBKDF2) {
		return &UnsupportedError{What: "KDF of a PKCS #8 key", Name: oid.String()}
	}
	if !kdf.ReadASN1(&values, cbasn1.SEQUENCE) || !kdf.Empty() ||
		!values.ReadASN1(&salt, cbasn1.OCTET_STRING) || !values.ReadASN1Integer(&p.iterations) {
		return badFile("PBKDF2 parameters")
	}
	p.salt, p.prf = salt, pbes2PRFs[0].oid
	if values.PeekASN1Tag(cbasn1.INTEGER) && !values.ReadASN1Integer(&p.keyLength) {
		return badFile("PBKDF2 key length")
	}
	if !values.Empty() && (!values.ReadASN1(&prf, cbasn1.SEQUENCE) || !prf.ReadASN1ObjectIdentifier(&p.prf)) {
		return badFile("PBKDF2 function")
	}
	if !values.Empty() {
		return badFile("PBKDF2 parameters")
	}
	return p.check()
}

// check refuses parameters that would cost too much.
func (p *pbes2) check() error {
	if len(p.salt) == 0 || len(p.salt) > MaxKDFSalt {
		return badFile(fmt.Sprintf("salt of %d bytes", len(p.salt)))
	}
	if p.iterations < 1 || p.iterations > MaxPBKDF2 {
		return badFile(fmt.Sprintf("%d KDF iterations, at most %d are accepted", p.iterations, MaxPBKDF2))
	}
	return nil
}

func (p *pbes2) hash() (func() hash.Hash, error) {
	for _, f := range pbes2PRFs {
		if f.oid.Equal(p.prf) {
			return f.new, nil
		}
	}
	return nil, &UnsupportedError{What: "KDF function of a PKCS #8 key", Name: p.prf.String()}
}

// decrypt returns the plaintext without its padding.
func (p *pbes2) decrypt(passphrase []byte) ([]byte, error) {
	newHash, err := p.hash()
	if err != nil {
		return nil, err
	}
	for _, c := range pbes2Ciphers {
		if !c.oid.Equal(p.cipher) {
			continue
		}
		if p.keyLength != 0 && p.keyLength != c.key {
			return nil, badFile("PBKDF2 key length is not that of the cipher")
		}
		key, err := pbkdf2.Key(newHash, string(passphrase), p.salt, p.iterations, c.key)
		if err != nil {
			return nil, fmt.Errorf("%w: %w", ErrKeyFile, err)
		}
		defer clear(key)
		return p.decryptCBC(c.block(key))
	}
	return nil, &UnsupportedError{What: "cipher of a PKCS #8 key", Name: p.cipher.String()}
}

func (p *pbes2) decryptCBC(b cipher.Block) ([]byte, error) {
	size := b.BlockSize()
	if len(p.iv) != size || len(p.data) == 0 || len(p.data)%size != 0 {
		return nil, badFile("encrypted data is not a multiple of the block size")
	}
	plain := make([]byte, len(p.data))
	cipher.NewCBCDecrypter(b, p.iv).CryptBlocks(plain, p.data)
	n := int(plain[len(plain)-1])
	if n == 0 || n > size {
		return nil, ErrPassphraseWrong
	}
	for _, v := range plain[len(plain)-n:] {
		if int(v) != n {
			return nil, ErrPassphraseWrong
		}
	}
	return plain[:len(plain)-n], nil
}

// parseEncryptedPKCS8 reads EncryptedPrivateKeyInfo of RFC 5208 §6.
func (l Limits) parseEncryptedPKCS8(b *pem.Block, passphrase []byte) (crypto.Signer, string, error) {
	var p pbes2
	if err := p.parse(b.Bytes); err != nil {
		return nil, "", err
	}
	if len(passphrase) == 0 {
		return nil, "", ErrPassphraseMissing
	}
	der, err := p.decrypt(passphrase)
	if err != nil {
		return nil, "", err
	}
	defer clear(der)
	key, err := l.pkcs8(der)
	if errors.Is(err, ErrKeyFile) {
		err = ErrPassphraseWrong // the padding fits by chance for one passphrase in 256
	}
	if err != nil {
		return nil, "", err
	}
	return key, "", nil
}
