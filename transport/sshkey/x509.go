package sshkey

import (
	"bytes"
	"crypto"
	"crypto/x509"
	"errors"
	"fmt"
	"slices"

	"github.com/hawser-ssh/hawser/wire"
)

// X.509 certificates as public keys, in two layouts that have little in common.
//
// RFC 6187 (x509v3-ssh-rsa, x509v3-ssh-dss, x509v3-rsa2048-sha256,
// x509v3-ecdsa-sha2-*): the name, then a chain of certificates with the key's
// own in front, then OCSP responses. Signatures are labelled as those of the
// plain key, except for rsa2048-sha256.
//
// Drafts of RFC 4253, up to draft-ietf-secsh-transport-12 (x509v3-sign-rsa,
// x509v3-sign-dss): they do not say what a blob looks like, and those who
// built them, PKIX-SSH and the Java and Windows libraries among them, send
// the bare certificate in DER, without a name in front. Signatures carry the
// name of the algorithm and are made with SHA-1. With DSA PKIX-SSH sends the
// two numbers in DER and takes them raw as well, others know them raw only: we
// take both, and send them raw. A name in front of the certificate, as the
// drafts' general form has it, is taken too and never sent.

// x509Type is one type of key with certificates.
type x509Type struct {
	name string
	key  string // the type of the plain key inside
	bare bool   // the layout of the drafts
	bits int    // smallest RSA modulus, where the type has a limit of its own
}

var x509Types = [...]x509Type{
	{name: "x509v3-ecdsa-sha2-nistp256", key: "ecdsa-sha2-nistp256"},
	{name: "x509v3-ecdsa-sha2-nistp384", key: "ecdsa-sha2-nistp384"},
	{name: "x509v3-ecdsa-sha2-nistp521", key: "ecdsa-sha2-nistp521"},
	{name: "x509v3-rsa2048-sha256", key: "ssh-rsa", bits: 2048},
	{name: "x509v3-ssh-rsa", key: "ssh-rsa"},
	{name: "x509v3-sign-rsa", key: "ssh-rsa", bare: true},
	{name: "x509v3-ssh-dss", key: "ssh-dss"},
	{name: "x509v3-sign-dss", key: "ssh-dss", bare: true},
}

func lookupX509Type(name string) *x509Type {
	for i := range x509Types {
		if x509Types[i].name == name {
			return &x509Types[i]
		}
	}
	return nil
}

// X509Key is a public key with the certificates that speak for it. It says
// what they say, not that any of it is true: X509Trust checks that.
type X509Key struct {
	kind  *x509Type
	key   scheme
	blob  []byte
	chain []*x509.Certificate
	ocsp  [][]byte
}

// Type returns the name of the type, such as "x509v3-rsa2048-sha256".
func (k *X509Key) Type() string { return k.kind.name }

// Marshal returns the key blob as it came, or as NewX509Signer made it.
func (k *X509Key) Marshal() []byte { return bytes.Clone(k.blob) }

// CryptoPublicKey returns the key inside, as that of a plain key.
func (k *X509Key) CryptoPublicKey() crypto.PublicKey { return k.key.public() }

// Certificates returns the certificates that came with the key, its own first,
// at least that one and at most MaxX509Chain. They must not be changed.
func (k *X509Key) Certificates() []*x509.Certificate { return slices.Clone(k.chain) }

// OCSPResponses returns the OCSP responses that came with the key, in DER and
// not looked at. They must not be changed.
func (k *X509Key) OCSPResponses() [][]byte { return slices.Clone(k.ocsp) }

// Verify checks a signature by the key inside; see PublicKey. It looks at no
// certificate.
func (k *X509Key) Verify(algorithm string, data, signature []byte) error {
	return k.verifyWith(VerifyOptions{}, algorithm, data, signature)
}

func (k *X509Key) verifyWith(o VerifyOptions, algorithm string, data, signature []byte) error {
	a, err := fittingAlgorithm(algorithm, k.kind.name)
	if err != nil {
		return err
	}
	return verifySignature(k.key, o, a, data, signature)
}

// plainBlob returns the blob of the key inside.
func (k *X509Key) plainBlob() []byte {
	return k.key.appendFields(wire.AppendString(nil, k.kind.key))
}

// String returns the type, the fingerprint and the subject.
func (k *X509Key) String() string {
	return k.Type() + " " + Fingerprint(k) + " " + wire.Escape(k.chain[0].Subject.String(), maxShown)
}

// isBareDER reports whether a key blob is a certificate without a name in
// front: as the length of a name these bytes say 800 megabytes.
func isBareDER(blob []byte) bool { return len(blob) > 4 && blob[0] == 0x30 && blob[1] == 0x82 }

// bareTypes are the types of bare certificates.
var bareTypes = [...]string{"x509v3-sign-rsa", "x509v3-sign-dss"}

// parseBareX509 parses a blob that is a certificate alone.
func (l Limits) parseBareX509(blob []byte) (*X509Key, error) {
	cert, err := parseX509(blob)
	if err != nil {
		return nil, err
	}
	for _, name := range bareTypes {
		k, err := l.newX509(lookupX509Type(name), blob, []*x509.Certificate{cert}, nil)
		if err != errOtherType {
			return k, err
		}
	}
	return nil, &UnsupportedError{What: "key in a certificate", Name: cert.PublicKeyAlgorithm.String()}
}

// parseX509Blob parses a blob with a name in front, which r has read.
func (l Limits) parseX509Blob(kind *x509Type, r *wire.Reader, blob []byte) (*X509Key, error) {
	if kind.bare {
		return l.parseNamedX509(kind, r.Rest(), blob)
	}
	var chain []*x509.Certificate
	var ocsp [][]byte
	for range count(r, "certificates", 1, MaxX509Chain) {
		der := r.BytesMax("certificate", MaxX509Certificate)
		if err := r.Err(); err != nil {
			return nil, err
		}
		cert, err := parseX509(der)
		if err != nil {
			return nil, err
		}
		chain = append(chain, cert)
	}
	for range count(r, "OCSP responses", 0, len(chain)) {
		ocsp = append(ocsp, bytes.Clone(r.BytesMax("OCSP response", MaxX509Certificate)))
	}
	if err := r.Done(); err != nil {
		return nil, err
	}
	k, err := l.newX509(kind, blob, chain, ocsp)
	if err == errOtherType {
		return nil, badBlob("certificate is for another type of key")
	}
	return k, err
}

var errCount = errors.New("too few or too many")

// count reads a number of things that must be in that range; 0 on an error.
func count(r *wire.Reader, field string, low, high int) uint32 {
	n := r.Uint32(field)
	if r.Err() == nil && (uint64(n) < uint64(low) || uint64(n) > uint64(high)) {
		r.Fail(field, errCount)
		return 0
	}
	return n
}

// parseNamedX509 parses a certificate behind a name, with or without a length.
func (l Limits) parseNamedX509(kind *x509Type, der, blob []byte) (*X509Key, error) {
	if !isBareDER(der) {
		r := wire.NewFieldReader(der, "key blob")
		der = r.BytesMax("certificate", MaxX509Certificate)
		if err := r.Done(); err != nil {
			return nil, err
		}
	}
	cert, err := parseX509(der)
	if err != nil {
		return nil, err
	}
	k, err := l.newX509(kind, blob, []*x509.Certificate{cert}, nil)
	if err == errOtherType {
		return nil, badBlob("certificate is for another type of key")
	}
	return k, err
}

func parseX509(der []byte) (*x509.Certificate, error) {
	if len(der) > MaxX509Certificate {
		return nil, badBlob("certificate too large")
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, wire.Errorf(wire.ReasonProtocolError, "key blob", "certificate: %w", err)
	}
	return cert, nil
}

// newX509 returns the key of that type; errOtherType if the first certificate
// is for another.
func (l Limits) newX509(kind *x509Type, blob []byte, chain []*x509.Certificate, ocsp [][]byte) (*X509Key, error) {
	plain, err := lookupKeyType(kind.key)
	if err != nil {
		return nil, err
	}
	l.MinRSABits = max(l.minRSABits(), kind.bits)
	key, err := plain.from(chain[0].PublicKey, l)
	if err != nil {
		return nil, err
	}
	if d, ok := key.(dsaKey); ok && kind.bare {
		key = draftDSAKey{d}
	}
	return &X509Key{kind: kind, key: key, blob: bytes.Clone(blob), chain: chain, ocsp: ocsp}, nil
}

// draftDSAKey also takes signatures in DER.
type draftDSAKey struct{ dsaKey }

func (k draftDSAKey) verify(a *algorithm, digest, body []byte) error {
	if len(body) != 2*dsaNumber {
		raw, err := k.encode(body)
		if err != nil {
			return badSignature("neither 40 bytes nor DER")
		}
		body = raw
	}
	return k.dsaKey.verify(a, digest, body)
}

// NewX509Signer returns a Signer of the type called name, such as
// "x509v3-rsa2048-sha256", over key and the certificates for it: its own
// first, then those that certify one another, without the root. The types of
// the drafts take one. The certificates are not checked, but the first must be
// for key; they must not be changed.
func NewX509Signer(name string, key crypto.Signer, chain ...*x509.Certificate) (Signer, error) {
	return Limits{}.NewX509Signer(name, key, chain...)
}

// NewX509Signer is like the function of that name, under limits of the caller.
func (l Limits) NewX509Signer(name string, key crypto.Signer, chain ...*x509.Certificate) (Signer, error) {
	kind := lookupX509Type(name)
	if kind == nil {
		return nil, &UnsupportedError{What: "key type", Name: name}
	}
	if len(chain) == 0 || len(chain) > MaxX509Chain || kind.bare && len(chain) > 1 {
		return nil, fmt.Errorf("sshkey: %d certificates do not fit into a %s key", len(chain), name)
	}
	if key == nil {
		return nil, &UnsupportedError{What: "key", Name: "nil"}
	}
	public, err := l.newX509(kind, kind.marshal(chain), slices.Clone(chain), nil)
	if err != nil {
		return nil, fmt.Errorf("sshkey: certificate for a %s key: %w", name, err)
	}
	own, err := l.newPublicKey(key.Public())
	if err != nil {
		return nil, err
	}
	if inner, err := l.newPublicKey(chain[0].PublicKey); err != nil || !Equal(own, inner) {
		return nil, errors.New("sshkey: certificate is for another key")
	}
	return newSigner(key, public, public.key), nil
}

// NewX509Signers returns what NewX509Signer gives for each type that the key
// and the certificates fit, those for SHA-1 last. The types of the drafts get
// the first certificate alone. It is empty if none fits.
func (l Limits) NewX509Signers(key crypto.Signer, chain ...*x509.Certificate) []Signer {
	var signers []Signer
	for i := range x509Types {
		t, sent := &x509Types[i], chain
		if t.bare && len(chain) > 1 {
			sent = chain[:1]
		}
		if s, err := l.NewX509Signer(t.name, key, sent...); err == nil {
			signers = append(signers, s)
		}
	}
	return signers
}

// marshal returns the blob of a chain.
func (t *x509Type) marshal(chain []*x509.Certificate) []byte {
	if t.bare {
		return chain[0].Raw
	}
	b := wire.AppendUint32(wire.AppendString(nil, t.name), uint32(len(chain)))
	for _, c := range chain {
		b = wire.AppendBytes(b, c.Raw)
	}
	return wire.AppendUint32(b, 0)
}
