package certstore

import (
	"encoding/pem"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"
)

// parseP7B reads the certificates of a signed message (RFC 2315 §9.1), the
// form in which authorities send chains. It has no private keys.
func parseP7B(in *input) ([]*Key, error) {
	data := in.data
	if block, _ := pem.Decode(data); block != nil {
		if block.Type != "PKCS7" && block.Type != "CMS" && block.Type != "CERTIFICATE" {
			return nil, malformed("a PEM block of type %s", quoted(block.Type))
		}
		data = block.Bytes
	}
	der, err := toDER(data)
	if err != nil {
		return nil, err
	}
	s := cryptobyte.String(der)
	oid, content, err := readContent(&s)
	if err != nil {
		return nil, err
	}
	if !oid.Equal(oidSignedData) {
		return nil, because(ErrUnsupported, "PKCS #7 of type %v", oid)
	}
	var seq, certs cryptobyte.String
	if !content.ReadASN1(&seq, cbasn1.SEQUENCE) || !seq.SkipASN1(cbasn1.INTEGER) || !seq.SkipASN1(cbasn1.SET) ||
		!seq.SkipASN1(cbasn1.SEQUENCE) {
		return nil, malformed("PKCS #7 signed data")
	}
	if seq.PeekASN1Tag(explicit0) && !seq.ReadASN1(&certs, explicit0) {
		return nil, malformed("PKCS #7 certificates")
	}
	var c collector
	for !certs.Empty() {
		var cert cryptobyte.String
		if !certs.PeekASN1Tag(cbasn1.SEQUENCE) { // other kinds of certificates have tags of their own
			if !certs.ReadAnyASN1(&cert, new(cbasn1.Tag)) {
				return nil, malformed("PKCS #7 certificates")
			}
			continue
		}
		if !certs.ReadASN1Element(&cert, cbasn1.SEQUENCE) {
			return nil, malformed("PKCS #7 certificates")
		}
		if err := c.addCertificate("", cert); err != nil {
			return nil, err
		}
	}
	return c.finish()
}
