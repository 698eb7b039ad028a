package certstore

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
)

// Keys in XML as .NET's ToXmlString writes them: RSAKeyValue and DSAKeyValue
// of XML signatures (W3C xmldsig-core §4.5.2), with elements for the private
// numbers beside the public ones. All numbers are base64, big-endian.

// xmlNumbers are the elements of both.
type xmlNumbers struct {
	Modulus, Exponent, D, P, Q string // RSA
	G, Y, X                    string // DSA, with P and Q
}

// xmlKeys are the elements that hold keys.
var xmlKeys = map[string]func(n func(string) []byte, v *xmlNumbers) plainKey{
	"RSAKeyValue": func(n func(string) []byte, v *xmlNumbers) plainKey {
		return rsaKey(n(v.Modulus), n(v.Exponent), n(v.D), n(v.P), n(v.Q))
	},
	"DSAKeyValue": func(n func(string) []byte, v *xmlNumbers) plainKey {
		return dsaKey(n(v.P), n(v.Q), n(v.G), n(v.Y), n(v.X))
	},
}

// parseXML reads the keys and the certificates of a document, wherever in it
// they are.
func parseXML(in *input) ([]*Key, error) {
	d := xml.NewDecoder(bytes.NewReader(in.data))
	d.CharsetReader = func(_ string, r io.Reader) (io.Reader, error) { return r, nil } // UTF-16 is UTF-8 by now
	var c collector
	found := false
	for depth := 0; ; {
		token, err := d.Token()
		if errors.Is(err, io.EOF) && found {
			return c.finish()
		}
		if err != nil {
			return nil, malformed("XML without a key: %w", err)
		}
		switch t := token.(type) {
		case xml.EndElement:
			depth--
		case xml.StartElement:
			if depth++; depth > maxNesting {
				return nil, malformed("elements nested too deeply")
			}
			key, err := in.xmlElement(&c, d, &t)
			if err != nil {
				return nil, err
			}
			if key {
				depth--
				found = true
			}
		}
	}
}

// xmlElement reads an element if it is a key or a certificate.
func (in *input) xmlElement(c *collector, d *xml.Decoder, start *xml.StartElement) (bool, error) {
	if start.Name.Local == "X509Certificate" {
		var text string
		if err := d.DecodeElement(&text, start); err != nil {
			return false, malformed("%w", err)
		}
		der, ok := unbase64([]byte(text))
		if !ok {
			return false, malformed("certificate in XML is no base64")
		}
		return true, c.addCertificate("", der)
	}
	build := xmlKeys[start.Name.Local]
	if build == nil {
		return false, nil
	}
	var v xmlNumbers
	if err := d.DecodeElement(&v, start); err != nil {
		return false, malformed("%w", err)
	}
	bad := false
	number := func(s string) []byte {
		b, ok := unbase64([]byte(s))
		bad = bad || !ok && s != ""
		return b
	}
	k := build(number, &v)
	if bad {
		return false, malformed("a number in XML is no base64")
	}
	return true, c.add(k.key(""))
}
