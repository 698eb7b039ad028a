package certstore

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/des"
	"crypto/md5"
	"crypto/rc4"
	"crypto/sha1"
	"encoding/asn1"
	"hash"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"
)

// pbe is a way of encryption with a password, key and IV of which come from
// one salt (RFC 8018 §6.1, RFC 7292 App. C).
type pbe struct {
	oid    asn1.ObjectIdentifier
	hash   func() hash.Hash
	pkcs12 bool // keys are derived as PKCS #12 does, otherwise with PBKDF1
	key    int  // bytes
	iv     int
	block  func(key []byte) (cipher.Block, error) // nil is RC4
}

// pbes lists the schemes. All of them are weak and only read.
var pbes = [...]pbe{
	{asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 12, 1, 1}, sha1.New, true, 16, 0, nil},
	{asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 12, 1, 2}, sha1.New, true, 5, 0, nil},
	{asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 12, 1, 3}, sha1.New, true, 24, 8, des.NewTripleDESCipher},
	{asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 12, 1, 4}, sha1.New, true, 16, 8, newTwoKeyDES},
	{asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 12, 1, 5}, sha1.New, true, 16, 8, newFullRC2},
	{asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 12, 1, 6}, sha1.New, true, 5, 8, newFullRC2},
	{asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 5, 3}, md5.New, false, 8, 8, des.NewCipher},
	{asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 5, 6}, md5.New, false, 8, 8, newFullRC2},
	{asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 5, 10}, sha1.New, false, 8, 8, des.NewCipher},
	{asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 5, 11}, sha1.New, false, 8, 8, newFullRC2},
}

func newTwoKeyDES(key []byte) (cipher.Block, error) {
	return des.NewTripleDESCipher(append(key[:16:16], key[:8]...))
}

// newFullRC2 uses all bits of the key.
func newFullRC2(key []byte) (cipher.Block, error) { return newRC2(key, 8*len(key)), nil }

// oidPBES2 is id-PBES2 of RFC 8018 App. A.4.
var oidPBES2 = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 5, 13}

// decrypt decrypts data as the AlgorithmIdentifier says that s starts with.
func (in *input) decrypt(s *cryptobyte.String, data []byte) ([]byte, error) {
	oid, params, err := readAlgorithm(s)
	if err != nil {
		return nil, err
	}
	if oid.Equal(oidPBES2) {
		return in.decryptPBES2(params, data, []byte(in.password))
	}
	for i := range pbes {
		if pbes[i].oid.Equal(oid) {
			return pbes[i].decrypt(in, params, data)
		}
	}
	return nil, because(ErrUnsupported, "encryption %v", oid)
}

// decryptKey decrypts EncryptedPrivateKeyInfo (RFC 5208 §6).
func (in *input) decryptKey(der []byte) ([]byte, error) {
	s := cryptobyte.String(der)
	var seq, algorithm, data cryptobyte.String
	if !s.ReadASN1(&seq, cbasn1.SEQUENCE) || !s.Empty() || !seq.ReadASN1Element(&algorithm, cbasn1.SEQUENCE) ||
		!seq.ReadASN1(&data, cbasn1.OCTET_STRING) || !seq.Empty() {
		return nil, malformed("encrypted private key")
	}
	return in.decrypt(&algorithm, data)
}

// decrypt reads PBEParameter, which is the same in both standards.
func (p *pbe) decrypt(in *input, params cryptobyte.String, data []byte) ([]byte, error) {
	var seq, salt cryptobyte.String
	var iterations int
	if !params.ReadASN1(&seq, cbasn1.SEQUENCE) || !seq.ReadASN1(&salt, cbasn1.OCTET_STRING) ||
		!seq.ReadASN1Integer(&iterations) || !seq.Empty() {
		return nil, malformed("encryption parameters")
	}
	if err := checkSalt(salt); err != nil {
		return nil, err
	}
	if err := in.spend(iterations); err != nil {
		return nil, err
	}
	key, iv := p.derive(in, salt, iterations)
	defer clear(key)
	if p.block == nil {
		return decryptRC4(key, data)
	}
	block, err := p.block(key)
	if err != nil {
		return nil, because(ErrUnsupported, "%w", err)
	}
	return decryptCBC(block, iv, data)
}

func (p *pbe) derive(in *input, salt []byte, iterations int) (key, iv []byte) {
	if !p.pkcs12 {
		t := pbkdf1(p.hash, []byte(in.password), salt, iterations)
		return t[:p.key], t[p.key : p.key+p.iv]
	}
	password := in.bmp()
	defer clear(password)
	key = pkcs12KDF(p.hash, forKey, password, salt, iterations, p.key)
	if p.iv > 0 {
		iv = pkcs12KDF(p.hash, forIV, password, salt, iterations, p.iv)
	}
	return key, iv
}

// bmp returns the password for PKCS #12.
func (in *input) bmp() []byte {
	if in.nullPassword {
		return nil
	}
	return bmp(in.password)
}

func decryptRC4(key, data []byte) ([]byte, error) {
	c, err := rc4.NewCipher(key)
	if err != nil {
		return nil, because(ErrUnsupported, "%w", err)
	}
	plain := make([]byte, len(data))
	c.XORKeyStream(plain, data)
	return plain, nil
}

// errPadding says that data that was decrypted makes no sense.
var errPadding = because(ErrPassword, "what was decrypted makes no sense")

// decryptCBC decrypts, and takes off the padding of RFC 8018 §6.1.1.
func decryptCBC(b cipher.Block, iv, data []byte) ([]byte, error) {
	size := b.BlockSize()
	if len(iv) != size || len(data) == 0 || len(data)%size != 0 {
		return nil, malformed("encrypted data of %d bytes", len(data))
	}
	plain := make([]byte, len(data))
	cipher.NewCBCDecrypter(b, iv).CryptBlocks(plain, data)
	n := int(plain[len(plain)-1])
	if n == 0 || n > size {
		return nil, errPadding
	}
	for _, v := range plain[len(plain)-n:] {
		if int(v) != n {
			return nil, errPadding
		}
	}
	return plain[:len(plain)-n], nil
}

// scheme is a cipher of PBES2.
type scheme struct {
	oid  asn1.ObjectIdentifier
	key  int // bytes
	open func(key []byte, params cryptobyte.String, data []byte) ([]byte, error)
}

var schemes = [...]scheme{
	{asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 1, 2}, 16, openCBC(aes.NewCipher)},
	{asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 1, 22}, 24, openCBC(aes.NewCipher)},
	{asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 1, 42}, 32, openCBC(aes.NewCipher)},
	{asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 1, 47}, 32, openCCM},
	{asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 1, 48}, 32, openKWP},
	{asn1.ObjectIdentifier{1, 2, 840, 113549, 3, 7}, 24, openCBC(des.NewTripleDESCipher)},
	{asn1.ObjectIdentifier{1, 3, 14, 3, 2, 7}, 8, openCBC(des.NewCipher)},
}

// decryptPBES2 reads PBES2-params (RFC 8018 App. A.4).
func (in *input) decryptPBES2(params cryptobyte.String, data, password []byte) ([]byte, error) {
	var seq, kdf cryptobyte.String
	if !params.ReadASN1(&seq, cbasn1.SEQUENCE) || !seq.ReadASN1Element(&kdf, cbasn1.SEQUENCE) {
		return nil, malformed("PBES2 parameters")
	}
	oid, params, err := readAlgorithm(&seq)
	if err != nil {
		return nil, err
	}
	for _, s := range schemes {
		if !s.oid.Equal(oid) {
			continue
		}
		key, err := in.derive(kdf, password, s.key)
		if err != nil {
			return nil, err
		}
		defer clear(key)
		return s.open(key, params, data)
	}
	return nil, because(ErrUnsupported, "cipher %v", oid)
}

// openCBC returns the opener of a block cipher whose parameter is the IV.
func openCBC(newBlock func(key []byte) (cipher.Block, error)) func([]byte, cryptobyte.String, []byte) ([]byte, error) {
	return func(key []byte, params cryptobyte.String, data []byte) ([]byte, error) {
		var iv cryptobyte.String
		if !params.ReadASN1(&iv, cbasn1.OCTET_STRING) {
			return nil, malformed("IV")
		}
		block, err := newBlock(key)
		if err != nil {
			return nil, because(ErrUnsupported, "%w", err)
		}
		return decryptCBC(block, iv, data)
	}
}
