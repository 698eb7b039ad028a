package certstore

import (
	"crypto/sha1"
	"crypto/subtle"
	"encoding/asn1"
	"encoding/binary"
	"unicode/utf16"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"
)

// Java's keystore of type JKS has no standard: this is what the Java
// documentation and its source say. All numbers are big-endian.
//
//	uint32 magic, version (1 or 2), number of entries
//	an entry: uint32 tag, string alias, uint64 date, then
//	  a key (1): bytes EncryptedPrivateKeyInfo, uint32 number of certificates, these
//	  a certificate (2): one certificate
//	a certificate: in version 2 a string "X.509", then bytes DER
//	SHA-1 of the password, the whitener, and all of this

const (
	jksMagic    = 0xfeedfeed
	jceksMagic  = 0xcececece
	jksWhitener = "Mighty Aphrodite"
	jksKey      = 1
	jksCert     = 2
	jksHead     = 12 // bytes in front of the entries
)

// oidJKS names the encryption of keys of Sun's KeyProtector.
var oidJKS = asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 42, 2, 17, 1, 1}

// parseJKS reads a keystore of keytool, which is PKCS #12 since Java 9 whatever
// its name ends with.
func parseJKS(in *input) ([]*Key, error) {
	if len(in.data) < jksHead+sha1.Size {
		return nil, malformed("no Java keystore")
	}
	switch binary.BigEndian.Uint32(in.data) {
	case jksMagic:
	case jceksMagic:
		return nil, because(ErrUnsupported, "keystores of type JCEKS: keytool -importkeystore -deststoretype pkcs12 converts them")
	default:
		return parsePFX(in)
	}
	body, digest := in.data[:len(in.data)-sha1.Size], in.data[len(in.data)-sha1.Size:]
	password := utf16Bytes(in.password)
	defer clear(password)
	if want := sha1Of(password, []byte(jksWhitener), body); subtle.ConstantTimeCompare(want, digest) != 1 {
		return nil, because(ErrPassword, "the digest of the keystore is another")
	}
	version, count := binary.BigEndian.Uint32(body[4:]), binary.BigEndian.Uint32(body[8:])
	if version != 1 && version != 2 {
		return nil, because(ErrUnsupported, "version %d of JKS", version)
	}
	r := jksReader{version: version, rest: body[jksHead:]}
	var c collector
	for range count {
		if err := r.entry(&c, password); err != nil {
			return nil, err
		}
	}
	if len(r.rest) > 0 {
		return nil, malformed("bytes after the last entry")
	}
	return c.finish()
}

// utf16Bytes returns a password as Java has it.
func utf16Bytes(s string) []byte {
	var b []byte
	for _, u := range utf16.Encode([]rune(s)) {
		b = binary.BigEndian.AppendUint16(b, u)
	}
	return b
}

func sha1Of(parts ...[]byte) []byte {
	h := sha1.New()
	for _, p := range parts {
		h.Write(p)
	}
	return h.Sum(nil)
}

// jksReader reads from rest; bad says that it ended early.
type jksReader struct {
	version uint32
	rest    []byte
	bad     bool
}

func (r *jksReader) take(n uint64) []byte {
	if n > uint64(len(r.rest)) {
		r.bad, r.rest = true, nil
		return nil
	}
	p := r.rest[:n]
	r.rest = r.rest[n:]
	return p
}

func (r *jksReader) uint32() uint32 {
	if p := r.take(4); !r.bad {
		return binary.BigEndian.Uint32(p)
	}
	return 0
}

// text is a string of Java's writeUTF: UTF-8, but for NUL and what is beyond
// 16 bits, which no alias has.
func (r *jksReader) text() string {
	if p := r.take(2); !r.bad {
		return string(r.take(uint64(binary.BigEndian.Uint16(p))))
	}
	return ""
}

func (r *jksReader) certificate() []byte {
	if r.version == 2 {
		r.text() // the type, X.509
	}
	return r.take(uint64(r.uint32()))
}

// entry reads one entry.
func (r *jksReader) entry(c *collector, password []byte) error {
	tag, alias := r.uint32(), r.text()
	r.take(8) // date
	switch {
	case r.bad:
		return malformed("the keystore ends early")
	case tag == jksCert:
		der := r.certificate()
		if r.bad {
			return malformed("the keystore ends early")
		}
		return c.addCertificate(alias, der)
	case tag != jksKey:
		return malformed("entry of type %d", tag)
	}
	sealed := r.take(uint64(r.uint32()))
	var chain [][]byte
	for n := r.uint32(); n > 0 && !r.bad; n-- {
		chain = append(chain, r.certificate())
	}
	if r.bad {
		return malformed("the keystore ends early")
	}
	if err := c.full(); err != nil {
		return err
	}
	der, err := openJKS(sealed, password)
	if err != nil {
		return err
	}
	defer clear(der)
	return c.addPKCS8(alias, der, chain...)
}

// openJKS decrypts a key: salt, the key under a stream of chained SHA-1, and a
// digest of password and key.
func openJKS(sealed, password []byte) ([]byte, error) {
	s := cryptobyte.String(sealed)
	var seq, data cryptobyte.String
	if !s.ReadASN1(&seq, cbasn1.SEQUENCE) || !s.Empty() {
		return nil, malformed("key of the keystore")
	}
	oid, _, err := readAlgorithm(&seq)
	if err != nil {
		return nil, err
	}
	if !oid.Equal(oidJKS) {
		return nil, because(ErrUnsupported, "encryption %v in a keystore of type JKS", oid)
	}
	if !seq.ReadASN1(&data, cbasn1.OCTET_STRING) || !seq.Empty() || len(data) < 2*sha1.Size {
		return nil, malformed("key of the keystore")
	}
	stream, key := data[:sha1.Size], data[sha1.Size:len(data)-sha1.Size]
	out := make([]byte, 0, len(key)+sha1.Size)
	for block := []byte(stream); len(out) < len(key); {
		block = sha1Of(password, block)
		out = append(out, block...)
	}
	plain := out[:subtle.XORBytes(out, out[:len(key)], key)]
	if subtle.ConstantTimeCompare(sha1Of(password, plain), data[len(data)-sha1.Size:]) != 1 {
		return nil, because(ErrPassword, "the key has another password than the keystore")
	}
	return plain, nil
}
