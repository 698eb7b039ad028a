package certstore

import (
	"crypto/hmac"
	"encoding/asn1"
	"encoding/binary"
	"hash"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"
)

// PKCS #12 (RFC 7292), with the MACs of RFC 9579.

// Types of contents (RFC 2315 §14) and of bags (RFC 7292 App. D).
var (
	oidData          = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 7, 1}
	oidSignedData    = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 7, 2}
	oidEncryptedData = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 7, 6}

	oidKeyBag      = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 12, 10, 1, 1}
	oidShroudedBag = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 12, 10, 1, 2}
	oidCertBag     = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 12, 10, 1, 3}
	oidSafeBag     = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 12, 10, 1, 6}

	oidX509Certificate = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 22, 1}
	oidFriendlyName    = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 20}
	oidPBMAC1          = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 5, 14}
)

// Tags of fields.
var (
	explicit0 = cbasn1.Tag(0).ContextSpecific().Constructed()
	implicit0 = cbasn1.Tag(0).ContextSpecific()
)

// parsePFX reads a PFX file.
func parsePFX(in *input) ([]*Key, error) {
	der, err := toDER(in.data)
	if err != nil {
		return nil, err
	}
	s := cryptobyte.String(der)
	var seq, authSafe cryptobyte.String
	var version int
	if !s.ReadASN1(&seq, cbasn1.SEQUENCE) || !seq.ReadASN1Integer(&version) || version != 3 {
		return nil, malformed("not PKCS #12")
	}
	oid, content, err := readContent(&seq)
	switch {
	case err != nil:
		return nil, err
	case oid.Equal(oidSignedData):
		return nil, because(ErrUnsupported, "PKCS #12 with a signature instead of a password")
	case !oid.Equal(oidData) || !content.ReadASN1(&authSafe, cbasn1.OCTET_STRING):
		return nil, malformed("PKCS #12 content")
	}
	if !seq.Empty() {
		if err := in.checkMAC(&seq, authSafe); err != nil {
			return nil, err
		}
	}
	var c collector
	if err := in.readSafes(&c, authSafe); err != nil {
		return nil, err
	}
	return c.finish()
}

// readContent reads ContentInfo (RFC 2315 §7).
func readContent(s *cryptobyte.String) (oid asn1.ObjectIdentifier, content cryptobyte.String, err error) {
	var seq cryptobyte.String
	if !s.ReadASN1(&seq, cbasn1.SEQUENCE) || !seq.ReadASN1ObjectIdentifier(&oid) ||
		!seq.ReadASN1(&content, explicit0) || !seq.Empty() {
		return nil, nil, malformed("PKCS #7 content")
	}
	return oid, content, nil
}

// checkMAC reads MacData and checks it. An empty password may also have been
// none: programs differ, and the MAC tells.
func (in *input) checkMAC(s *cryptobyte.String, content []byte) error {
	var seq, digestInfo, want, salt cryptobyte.String
	iterations := 1
	if !s.ReadASN1(&seq, cbasn1.SEQUENCE) || !s.Empty() || !seq.ReadASN1(&digestInfo, cbasn1.SEQUENCE) {
		return malformed("PKCS #12 MAC")
	}
	oid, params, err := readAlgorithm(&digestInfo)
	if err != nil {
		return err
	}
	if !digestInfo.ReadASN1(&want, cbasn1.OCTET_STRING) || !digestInfo.Empty() ||
		!seq.ReadASN1(&salt, cbasn1.OCTET_STRING) ||
		!seq.Empty() && !seq.ReadASN1Integer(&iterations) || !seq.Empty() {
		return malformed("PKCS #12 MAC")
	}
	if oid.Equal(oidPBMAC1) {
		return in.checkPBMAC1(params, content, want)
	}
	newHash, err := lookupHash(oid)
	if err != nil {
		return err
	}
	if err := checkSalt(salt); err != nil {
		return err
	}
	for _, null := range [...]bool{false, true} {
		if null && in.password != "" {
			break
		}
		in.nullPassword = null
		if err := in.spend(iterations); err != nil {
			return err
		}
		password := in.bmp()
		key := pkcs12KDF(newHash, forMAC, password, salt, iterations, newHash().Size())
		right := hmac.Equal(mac(newHash, key, content), want)
		clear(password)
		clear(key)
		if right {
			return nil
		}
	}
	return because(ErrPassword, "the MAC of the file is another")
}

// checkPBMAC1 reads PBMAC1-params (RFC 8018 App. A.5).
func (in *input) checkPBMAC1(params cryptobyte.String, content, want []byte) error {
	var seq, kdf cryptobyte.String
	if !params.ReadASN1(&seq, cbasn1.SEQUENCE) || !seq.ReadASN1Element(&kdf, cbasn1.SEQUENCE) {
		return malformed("PBMAC1 parameters")
	}
	oid, _, err := readAlgorithm(&seq)
	if err != nil {
		return err
	}
	newHash, err := lookupHMAC(oid)
	if err != nil {
		return err
	}
	password := []byte(in.password)
	defer clear(password)
	key, err := in.derive(kdf, password, 0)
	if err != nil {
		return err
	}
	defer clear(key)
	if !hmac.Equal(mac(newHash, key, content), want) {
		return because(ErrPassword, "the MAC of the file is another")
	}
	return nil
}

// mac returns the HMAC of data.
func mac(newHash func() hash.Hash, key, data []byte) []byte {
	h := hmac.New(newHash, key)
	h.Write(data)
	return h.Sum(nil)
}

// readSafes reads AuthenticatedSafe (RFC 7292 §4.1).
func (in *input) readSafes(c *collector, content []byte) error {
	der, err := toDER(content)
	if err != nil {
		return err
	}
	s := cryptobyte.String(der)
	var safes cryptobyte.String
	if !s.ReadASN1(&safes, cbasn1.SEQUENCE) {
		return malformed("PKCS #12 safes")
	}
	for !safes.Empty() {
		oid, content, err := readContent(&safes)
		if err != nil {
			return err
		}
		var bags []byte
		switch {
		case oid.Equal(oidData):
			var data cryptobyte.String
			if !content.ReadASN1(&data, cbasn1.OCTET_STRING) {
				return malformed("PKCS #12 safe")
			}
			bags = data
		case oid.Equal(oidEncryptedData):
			if bags, err = in.openSafe(content); err != nil {
				return err
			}
		default:
			return because(ErrUnsupported, "PKCS #12 safe of type %v", oid)
		}
		if err := in.readBags(c, bags, 0); err != nil {
			return err
		}
	}
	return nil
}

// openSafe decrypts EncryptedData (RFC 2315 §13).
func (in *input) openSafe(content cryptobyte.String) ([]byte, error) {
	var seq, info, algorithm, data cryptobyte.String
	var version int
	var oid asn1.ObjectIdentifier
	if !content.ReadASN1(&seq, cbasn1.SEQUENCE) || !seq.ReadASN1Integer(&version) ||
		!seq.ReadASN1(&info, cbasn1.SEQUENCE) || !info.ReadASN1ObjectIdentifier(&oid) || !oid.Equal(oidData) ||
		!info.ReadASN1Element(&algorithm, cbasn1.SEQUENCE) {
		return nil, malformed("PKCS #12 encrypted safe")
	}
	switch {
	case info.PeekASN1Tag(explicit0): // a string in pieces
		if !info.ReadASN1(&data, explicit0) {
			return nil, malformed("PKCS #12 encrypted safe")
		}
		joined, err := joinOctets(data)
		if err != nil {
			return nil, err
		}
		data = joined
	case !info.ReadASN1(&data, implicit0):
		return nil, malformed("PKCS #12 encrypted safe")
	}
	return in.decrypt(&algorithm, data)
}

// readBags reads SafeContents (RFC 7292 §4.2).
func (in *input) readBags(c *collector, content []byte, depth int) error {
	der, err := toDER(content)
	if err != nil {
		return err
	}
	if depth == maxNesting {
		return malformed("PKCS #12 bags nested too deeply")
	}
	s := cryptobyte.String(der)
	var bags cryptobyte.String
	if !s.ReadASN1(&bags, cbasn1.SEQUENCE) {
		return malformed("PKCS #12 bags")
	}
	for !bags.Empty() {
		var bag, value, attributes cryptobyte.String
		var oid asn1.ObjectIdentifier
		if !bags.ReadASN1(&bag, cbasn1.SEQUENCE) || !bag.ReadASN1ObjectIdentifier(&oid) || !bag.ReadASN1(&value, explicit0) ||
			!bag.Empty() && !bag.ReadASN1(&attributes, cbasn1.SET) {
			return malformed("PKCS #12 bag")
		}
		if err := in.readBag(c, oid, value, friendlyName(attributes), depth); err != nil {
			return err
		}
	}
	return nil
}

// readBag reads one bag. Revocation lists and secrets are of no use here.
func (in *input) readBag(c *collector, oid asn1.ObjectIdentifier, value []byte, name string, depth int) error {
	switch {
	case oid.Equal(oidKeyBag):
		return c.addPKCS8(name, value)
	case oid.Equal(oidShroudedBag):
		der, err := in.decryptKey(value)
		if err != nil {
			return err
		}
		defer clear(der)
		return decrypted(c.addPKCS8(name, der))
	case oid.Equal(oidCertBag):
		return c.addCertBag(name, value)
	case oid.Equal(oidSafeBag):
		return in.readBags(c, value, depth+1)
	}
	return nil
}

// addCertBag reads CertBag (RFC 7292 §4.2.3).
func (c *collector) addCertBag(name string, value cryptobyte.String) error {
	var seq, outer, der cryptobyte.String
	var oid asn1.ObjectIdentifier
	if !value.ReadASN1(&seq, cbasn1.SEQUENCE) || !seq.ReadASN1ObjectIdentifier(&oid) || !seq.ReadASN1(&outer, explicit0) {
		return malformed("PKCS #12 certificate bag")
	}
	if !oid.Equal(oidX509Certificate) {
		return nil
	}
	if !outer.ReadASN1(&der, cbasn1.OCTET_STRING) {
		return malformed("PKCS #12 certificate bag")
	}
	return c.addCertificate(name, der)
}

// friendlyName finds the name among the attributes of a bag; "" without one.
func friendlyName(attributes cryptobyte.String) string {
	for !attributes.Empty() {
		var attribute, values, value cryptobyte.String
		var oid asn1.ObjectIdentifier
		if !attributes.ReadASN1(&attribute, cbasn1.SEQUENCE) || !attribute.ReadASN1ObjectIdentifier(&oid) {
			return ""
		}
		if oid.Equal(oidFriendlyName) && attribute.ReadASN1(&values, cbasn1.SET) && values.ReadASN1(&value, bmpString) {
			return string(fromUTF16(value, binary.BigEndian))
		}
	}
	return ""
}

// bmpString is BMPString of X.680.
const bmpString = cbasn1.Tag(30)
