package certstore

import (
	"crypto/hmac"
	"slices"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"
)

// Bouncy Castle's FIPS keystores. They have no standard; this is the ASN.1 of
// its package asn1.bc:
//
//	ObjectStore      { CHOICE { EncryptedData, ObjectStoreData }, CHOICE { MAC, [0] signature } }
//	EncryptedData    { AlgorithmIdentifier, OCTET STRING }  -- of ObjectStoreData
//	MAC              { AlgorithmIdentifier, KeyDerivationFunc, OCTET STRING }  -- over the first choice
//	ObjectStoreData  { version, AlgorithmIdentifier, two dates, SEQUENCE OF ObjectData, comment }
//	ObjectData       { type, identifier, two dates, OCTET STRING, comment }
//	private key      { EncryptedPrivateKeyInfo, SEQUENCE OF Certificate }  -- in the octets
//
// Each use derives a key of its own from the password and the name of the use.

// The uses of keys that are derived, and types of ObjectData.
const (
	bcfksStore = "STORE_ENCRYPTION"
	bcfksKey   = "PRIVATE_KEY_ENCRYPTION"
	bcfksMAC   = "INTEGRITY_CHECK"

	bcfksCertificate         = 0
	bcfksPrivateKey          = 1
	bcfksProtectedPrivateKey = 3 // encrypted by the caller
)

func parseBCFKS(in *input) ([]*Key, error) {
	der, err := toDER(in.data)
	if err != nil {
		return nil, err
	}
	in.bouncy = true
	s := cryptobyte.String(der)
	var seq, store cryptobyte.String
	if !s.ReadASN1(&seq, cbasn1.SEQUENCE) || !seq.ReadASN1Element(&store, cbasn1.SEQUENCE) {
		return nil, malformed("no BCFKS keystore")
	}
	if err := in.checkBCFKS(&seq, store); err != nil {
		return nil, err
	}
	var inner cryptobyte.String
	if !store.ReadASN1(&inner, cbasn1.SEQUENCE) {
		return nil, malformed("BCFKS keystore")
	}
	if inner.PeekASN1Tag(cbasn1.SEQUENCE) { // encrypted
		plain, err := in.openBCFKS(&inner, bcfksStore)
		if err != nil {
			return nil, err
		}
		outer := cryptobyte.String(plain)
		if !outer.ReadASN1(&inner, cbasn1.SEQUENCE) || !outer.Empty() {
			return nil, malformed("BCFKS keystore")
		}
	}
	return in.readBCFKS(inner)
}

// bcfksPassword returns what a key for that use is derived from.
func (in *input) bcfksPassword(use string) []byte {
	if in.password == "" {
		return bmp(use)
	}
	return slices.Concat(bmp(in.password), bmp(use))
}

// openBCFKS reads an AlgorithmIdentifier and decrypts the octets behind it.
func (in *input) openBCFKS(s *cryptobyte.String, use string) ([]byte, error) {
	oid, params, err := readAlgorithm(s)
	if err != nil {
		return nil, err
	}
	var data cryptobyte.String
	if !s.ReadASN1(&data, cbasn1.OCTET_STRING) || !s.Empty() {
		return nil, malformed("BCFKS encrypted data")
	}
	if !oid.Equal(oidPBES2) {
		return nil, because(ErrUnsupported, "encryption %v in a BCFKS keystore", oid)
	}
	password := in.bcfksPassword(use)
	defer clear(password)
	return in.decryptPBES2(params, data, password)
}

// checkBCFKS checks the MAC over store. A keystore that is signed instead is
// not read: nobody says whose signature it has to be.
func (in *input) checkBCFKS(s *cryptobyte.String, store []byte) error {
	if s.PeekASN1Tag(explicit0) {
		return because(ErrUnsupported, "BCFKS keystores with a signature instead of a MAC")
	}
	var seq, kdf, want cryptobyte.String
	if !s.ReadASN1(&seq, cbasn1.SEQUENCE) || !s.Empty() {
		return malformed("BCFKS integrity check")
	}
	oid, _, err := readAlgorithm(&seq)
	if err != nil {
		return err
	}
	newHash, err := lookupHMAC(oid)
	if err != nil {
		return err
	}
	if !seq.ReadASN1Element(&kdf, cbasn1.SEQUENCE) || !seq.ReadASN1(&want, cbasn1.OCTET_STRING) || !seq.Empty() {
		return malformed("BCFKS integrity check")
	}
	password := in.bcfksPassword(bcfksMAC)
	defer clear(password)
	key, err := in.derive(kdf, password, 0)
	if err != nil {
		return err
	}
	defer clear(key)
	if !hmac.Equal(mac(newHash, key, store), want) {
		return because(ErrPassword, "the MAC of the keystore is another")
	}
	return nil
}

// readBCFKS reads what is in ObjectStoreData.
func (in *input) readBCFKS(s cryptobyte.String) ([]*Key, error) {
	var objects cryptobyte.String
	if !s.SkipASN1(cbasn1.INTEGER) || !s.SkipASN1(cbasn1.SEQUENCE) || !s.SkipASN1(cbasn1.GeneralizedTime) ||
		!s.SkipASN1(cbasn1.GeneralizedTime) || !s.ReadASN1(&objects, cbasn1.SEQUENCE) {
		return nil, malformed("BCFKS keystore")
	}
	var c collector
	for !objects.Empty() {
		var object, name, data cryptobyte.String
		var kind int
		if !objects.ReadASN1(&object, cbasn1.SEQUENCE) || !object.ReadASN1Integer(&kind) ||
			!object.ReadASN1(&name, cbasn1.UTF8String) || !object.SkipASN1(cbasn1.GeneralizedTime) ||
			!object.SkipASN1(cbasn1.GeneralizedTime) || !object.ReadASN1(&data, cbasn1.OCTET_STRING) {
			return nil, malformed("BCFKS entry")
		}
		var err error
		switch kind {
		case bcfksCertificate:
			err = c.addCertificate(string(name), data)
		case bcfksPrivateKey, bcfksProtectedPrivateKey:
			err = in.addBCFKSKey(&c, string(name), data)
		}
		if err != nil {
			return nil, err
		}
	}
	return c.finish()
}

// addBCFKSKey reads a private key and its certificates.
func (in *input) addBCFKSKey(c *collector, name string, data cryptobyte.String) error {
	var seq, info, certs cryptobyte.String
	if !data.ReadASN1(&seq, cbasn1.SEQUENCE) || !seq.ReadASN1(&info, cbasn1.SEQUENCE) ||
		!seq.ReadASN1(&certs, cbasn1.SEQUENCE) {
		return malformed("BCFKS private key")
	}
	if err := c.full(); err != nil {
		return err
	}
	der, err := in.openBCFKS(&info, bcfksKey)
	if err != nil {
		return err
	}
	defer clear(der)
	var chain [][]byte
	for !certs.Empty() {
		var cert cryptobyte.String
		if !certs.ReadASN1Element(&cert, cbasn1.SEQUENCE) {
			return malformed("BCFKS certificates")
		}
		chain = append(chain, cert)
	}
	return decrypted(c.addPKCS8(name, der, chain...))
}
