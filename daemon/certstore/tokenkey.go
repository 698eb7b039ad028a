//go:build pkcs11 && cgo

package certstore

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"encoding/asn1"
	"errors"
	"fmt"
	"io"
	"math/big"

	"github.com/miekg/pkcs11"
	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"
)

// What PKCS#11 3.0 added for Ed25519.
const (
	ckkEdwards = 0x40
	ckmEdDSA   = 0x1057
)

// Keys returns the private keys on the token with their certificates, and the
// certificates without one.
func (t *token) Keys() ([]*Key, error) {
	var keys []*Key
	err := t.with(func(s pkcs11.SessionHandle) error {
		var c collector
		private, err := t.objects(s, pkcs11.NewAttribute(pkcs11.CKA_CLASS, pkcs11.CKO_PRIVATE_KEY))
		if err != nil {
			return err
		}
		for _, o := range private {
			if err := t.addKey(&c, s, o); err != nil {
				return err
			}
		}
		certs, err := t.objects(s, pkcs11.NewAttribute(pkcs11.CKA_CLASS, pkcs11.CKO_CERTIFICATE))
		if err != nil {
			return err
		}
		for _, o := range certs {
			label, der := t.attribute(s, o, pkcs11.CKA_LABEL), t.attribute(s, o, pkcs11.CKA_VALUE)
			if err := c.addCertificate(string(label), der); err != nil {
				return err
			}
		}
		keys, err = c.finish()
		return err
	})
	return keys, err
}

// objectsAtOnce is how many objects a library is asked for in one call.
const objectsAtOnce = 64

// objects finds what the attributes describe, in a bounded number.
func (t *token) objects(s pkcs11.SessionHandle, like ...*pkcs11.Attribute) ([]pkcs11.ObjectHandle, error) {
	if err := t.lib.FindObjectsInit(s, like); err != nil {
		return nil, err
	}
	var list []pkcs11.ObjectHandle
	var err error
	for len(list) <= MaxEntries {
		var more []pkcs11.ObjectHandle
		if more, _, err = t.lib.FindObjects(s, objectsAtOnce); err != nil || len(more) == 0 {
			break
		}
		list = append(list, more...)
	}
	if err := errors.Join(err, t.lib.FindObjectsFinal(s)); err != nil {
		return nil, err
	}
	if len(list) > MaxEntries {
		return nil, because(ErrTooCostly, "more than %d objects on the token", MaxEntries)
	}
	return list, nil
}

// attribute returns one attribute of an object, nil where it has none.
func (t *token) attribute(s pkcs11.SessionHandle, o pkcs11.ObjectHandle, kind uint) []byte {
	list, err := t.lib.GetAttributeValue(s, o, []*pkcs11.Attribute{pkcs11.NewAttribute(kind, nil)})
	if err != nil || len(list) != 1 {
		return nil
	}
	return list[0].Value
}

// addKey adds a private key. Its public half is an object of its own, with the
// same id, or stands in a certificate.
func (t *token) addKey(c *collector, s pkcs11.SessionHandle, o pkcs11.ObjectHandle) error {
	id, label := t.attribute(s, o, pkcs11.CKA_ID), t.attribute(s, o, pkcs11.CKA_LABEL)
	public, err := t.public(s, o, id)
	if err != nil {
		return c.add(nil, err)
	}
	if _, err := accepted.NewPublicKey(public); err != nil {
		return c.add(nil, keyError(err))
	}
	signer := &tokenKey{token: t, id: id, label: label, public: public}
	return c.add(&Key{Name: string(label), Signer: signer, Public: public}, nil)
}

func (t *token) public(s pkcs11.SessionHandle, private pkcs11.ObjectHandle, id []byte) (crypto.PublicKey, error) {
	candidates := []pkcs11.ObjectHandle{private} // RSA keys say themselves what they are
	for _, class := range []uint{pkcs11.CKO_PUBLIC_KEY, pkcs11.CKO_CERTIFICATE} {
		more, err := t.objects(s, pkcs11.NewAttribute(pkcs11.CKA_CLASS, class), pkcs11.NewAttribute(pkcs11.CKA_ID, id))
		if err != nil {
			return nil, err
		}
		candidates = append(candidates, more...)
	}
	for _, o := range candidates {
		if n, e := t.attribute(s, o, pkcs11.CKA_MODULUS), t.attribute(s, o, pkcs11.CKA_PUBLIC_EXPONENT); len(n) > 0 && len(e) > 0 && len(e) <= 4 {
			return &rsa.PublicKey{N: new(big.Int).SetBytes(n), E: int(new(big.Int).SetBytes(e).Int64())}, nil
		}
		if point := t.attribute(s, o, pkcs11.CKA_EC_POINT); len(point) > 0 {
			return tokenPoint(t.attribute(s, o, pkcs11.CKA_EC_PARAMS), point)
		}
		if der := t.attribute(s, o, pkcs11.CKA_VALUE); o != private && len(der) > 0 {
			var c collector
			if c.addCertificate("", der) == nil && len(c.certs) == 1 {
				return publicKey(c.certs[0]), nil
			}
		}
	}
	return nil, because(ErrUnsupported, "a private key without a public half of a known type")
}

// tokenCurves are the curves by their parameters in DER.
var tokenCurves = [...]struct {
	oid   asn1.ObjectIdentifier
	curve elliptic.Curve // nil is Ed25519
}{
	{asn1.ObjectIdentifier{1, 2, 840, 10045, 3, 1, 7}, elliptic.P256()},
	{asn1.ObjectIdentifier{1, 3, 132, 0, 34}, elliptic.P384()},
	{asn1.ObjectIdentifier{1, 3, 132, 0, 35}, elliptic.P521()},
	{asn1.ObjectIdentifier{1, 3, 101, 112}, nil},
	{asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 11591, 15, 1}, nil}, // GnuPG's name of it
}

// tokenPoint returns a key by its parameters, an OID or for Ed25519 also the
// name in a PrintableString, and its point, which is in an OCTET STRING or bare.
func tokenPoint(params, point []byte) (crypto.PublicKey, error) {
	inner, s := cryptobyte.String(nil), cryptobyte.String(point)
	if s.ReadASN1(&inner, cbasn1.OCTET_STRING) && s.Empty() {
		point = inner
	}
	var oid asn1.ObjectIdentifier
	p := cryptobyte.String(params)
	if bytes.Contains(params, []byte("edwards25519")) {
		oid = asn1.ObjectIdentifier{1, 3, 101, 112}
	} else if !p.ReadASN1ObjectIdentifier(&oid) || !p.Empty() {
		return nil, because(ErrUnsupported, "a key on a curve without a name")
	}
	for _, c := range tokenCurves {
		switch {
		case !c.oid.Equal(oid):
		case c.curve == nil && len(point) == ed25519.PublicKeySize:
			return ed25519.PublicKey(bytes.Clone(point)), nil
		case c.curve != nil:
			key, err := ecdsa.ParseUncompressedPublicKey(c.curve, point)
			if err != nil {
				return nil, malformed("point of a key: %w", err)
			}
			return key, nil
		}
	}
	return nil, because(ErrUnsupported, "a key on the curve %v", oid)
}

// tokenKey is a private key that never leaves its token.
type tokenKey struct {
	token     *token
	id, label []byte
	public    crypto.PublicKey
}

// Public returns the public half.
func (k *tokenKey) Public() crypto.PublicKey { return k.public }

// Sign has the token sign: RSA by PKCS #1 v1.5, ECDSA in DER, Ed25519 over the
// message itself.
func (k *tokenKey) Sign(_ io.Reader, digest []byte, opts crypto.SignerOpts) ([]byte, error) {
	mechanism, input, err := k.mechanism(digest, opts)
	if err != nil {
		return nil, err
	}
	var signature []byte
	err = k.token.with(func(s pkcs11.SessionHandle) error {
		o, err := k.object(s)
		if err != nil {
			return err
		}
		if err := k.token.lib.SignInit(s, []*pkcs11.Mechanism{pkcs11.NewMechanism(mechanism, nil)}, o); err != nil {
			return err
		}
		signature, err = k.token.lib.Sign(s, input)
		return err
	})
	if err != nil {
		return nil, err
	}
	if _, ok := k.public.(*ecdsa.PublicKey); ok {
		return derSignature(signature)
	}
	return signature, nil
}

// object finds the key anew: handles are those of a time that the token was in.
func (k *tokenKey) object(s pkcs11.SessionHandle) (pkcs11.ObjectHandle, error) {
	list, err := k.token.objects(s, pkcs11.NewAttribute(pkcs11.CKA_CLASS, pkcs11.CKO_PRIVATE_KEY),
		pkcs11.NewAttribute(pkcs11.CKA_ID, k.id), pkcs11.NewAttribute(pkcs11.CKA_LABEL, k.label))
	if err != nil {
		return 0, err
	}
	for _, o := range list {
		if public, err := k.token.public(s, o, k.id); err == nil && samePublic(public, k.public) {
			return o, nil
		}
	}
	return 0, because(ErrNotFound, "the token has this key no more")
}

// mechanism returns how to sign, and what the token is given.
func (k *tokenKey) mechanism(digest []byte, opts crypto.SignerOpts) (uint, []byte, error) {
	hash := crypto.Hash(0)
	if opts != nil {
		hash = opts.HashFunc()
	}
	if hash != 0 && len(digest) != hash.Size() {
		return 0, nil, fmt.Errorf("certstore: digest of %d bytes is not one of %v", len(digest), hash)
	}
	switch k.public.(type) {
	case *ecdsa.PublicKey:
		return pkcs11.CKM_ECDSA, digest, nil
	case ed25519.PublicKey:
		if hash == 0 {
			return ckmEdDSA, digest, nil
		}
	case *rsa.PublicKey:
		_, pss := opts.(*rsa.PSSOptions)
		for _, p := range digestPrefixes {
			if p.hash == hash && !pss {
				return pkcs11.CKM_RSA_PKCS, append([]byte(p.prefix), digest...), nil
			}
		}
	}
	return 0, nil, because(ErrUnsupported, "signature by a key of type %T over a hash of type %v", k.public, hash)
}

// digestPrefixes are the DER prefixes of RFC 8017 §9.2 note 1.
var digestPrefixes = [...]struct {
	hash   crypto.Hash
	prefix string
}{
	{crypto.SHA1, "\x30\x21\x30\x09\x06\x05\x2b\x0e\x03\x02\x1a\x05\x00\x04\x14"},
	{crypto.SHA256, "\x30\x31\x30\x0d\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x01\x05\x00\x04\x20"},
	{crypto.SHA384, "\x30\x41\x30\x0d\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x02\x05\x00\x04\x30"},
	{crypto.SHA512, "\x30\x51\x30\x0d\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x03\x05\x00\x04\x40"},
}

// derSignature makes Ecdsa-Sig-Value of the two numbers that tokens return one
// behind the other.
func derSignature(raw []byte) ([]byte, error) {
	if len(raw) == 0 || len(raw)%2 != 0 {
		return nil, because(ErrUnsupported, "the token returned an ECDSA signature of %d bytes", len(raw))
	}
	var b cryptobyte.Builder
	b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1BigInt(new(big.Int).SetBytes(raw[:len(raw)/2]))
		b.AddASN1BigInt(new(big.Int).SetBytes(raw[len(raw)/2:]))
	})
	return b.Bytes()
}
