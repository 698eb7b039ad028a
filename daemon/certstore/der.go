package certstore

import (
	"bytes"
	"encoding/pem"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"
)

// form is what an element in DER can be, told by the types of its children.
type form struct {
	first []cbasn1.Tag // the first children
	inner []cbasn1.Tag // the first of those of the first child that is a sequence
	exact bool         // there are no more children
	parse func(in *input) ([]*Key, error)
}

const (
	tagSeq    = cbasn1.SEQUENCE
	tagInt    = cbasn1.INTEGER
	tagOctets = cbasn1.OCTET_STRING
	tagBits   = cbasn1.BIT_STRING
	tagOID    = cbasn1.OBJECT_IDENTIFIER
)

// forms lists what is told apart, in the order in which they are tried.
var forms = [...]form{
	{first: []cbasn1.Tag{tagInt, tagSeq, tagOctets}, inner: []cbasn1.Tag{tagOID}, parse: parseBlock("PRIVATE KEY")},
	{first: []cbasn1.Tag{tagInt, tagSeq}, inner: []cbasn1.Tag{tagOID, explicit0}, parse: parsePFX},
	{first: []cbasn1.Tag{tagOID, explicit0}, exact: true, parse: parseP7B},
	{first: []cbasn1.Tag{tagSeq, tagOctets}, inner: []cbasn1.Tag{tagOID}, exact: true, parse: parseBlock(encryptedPKCS8)},
	{first: []cbasn1.Tag{tagSeq, tagBits}, inner: []cbasn1.Tag{tagOID}, exact: true, parse: parseBlock("PUBLIC KEY")},
	{first: []cbasn1.Tag{tagSeq, tagSeq, tagBits}, exact: true, parse: parseBlock("CERTIFICATE")},
	{first: []cbasn1.Tag{tagSeq, tagSeq}, exact: true, parse: parseBCFKS},
	{first: []cbasn1.Tag{tagSeq, explicit0}, exact: true, parse: parseBCFKS},
	{first: []cbasn1.Tag{tagInt, tagOctets}, parse: parseBlock("EC PRIVATE KEY")},
	{first: []cbasn1.Tag{tagInt, tagInt, tagInt, tagInt, tagInt, tagInt, tagInt}, parse: parseBlock("RSA PRIVATE KEY")},
	{first: []cbasn1.Tag{tagInt, tagInt, tagInt, tagInt, tagInt, tagInt}, exact: true, parse: parseBlock("DSA PRIVATE KEY")},
	{first: []cbasn1.Tag{tagInt, tagInt}, exact: true, parse: parseBlock("RSA PUBLIC KEY")},
}

// parseDER reads whatever is in DER, or in BER.
func parseDER(in *input) ([]*Key, error) {
	der, err := toDER(in.data)
	if err != nil {
		return nil, err
	}
	for _, f := range forms {
		if f.fits(der) {
			return f.parse(in)
		}
	}
	return nil, malformed("none of the forms that are known")
}

// fits reports whether an element can be of that form.
func (f *form) fits(der []byte) bool {
	s := cryptobyte.String(der)
	var seq cryptobyte.String
	if !s.ReadASN1(&seq, cbasn1.SEQUENCE) {
		return false
	}
	inner := f.inner
	for _, tag := range f.first {
		var child cryptobyte.String
		if !seq.ReadASN1(&child, tag) {
			return false
		}
		if tag != tagSeq {
			continue
		}
		for _, tag := range inner {
			if !child.SkipASN1(tag) {
				return false
			}
		}
		inner = nil
	}
	return !f.exact || seq.Empty()
}

// parseBlock returns the parser of a PEM block of that type without its armour.
func parseBlock(blockType string) func(*input) ([]*Key, error) {
	return func(in *input) ([]*Key, error) {
		var c collector
		if err := in.addBlock(&c, &pem.Block{Type: blockType, Bytes: bytes.Clone(in.data)}); err != nil {
			return nil, err
		}
		return c.finish()
	}
}
