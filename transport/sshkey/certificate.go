package sshkey

import (
	"bytes"
	"crypto"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/hawser-ssh/hawser/wire"
)

// OpenSSH's certificates, PROTOCOL.certkeys: a nonce and a public key, then
// what is certified of it, the authority's key, and its signature.

// certType is one type of certificate.
type certType struct {
	name string
	key  string // the type of the plain key inside
}

var certTypes = [...]certType{
	{"ssh-ed25519-cert-v01@openssh.com", "ssh-ed25519"},
	{"ecdsa-sha2-nistp256-cert-v01@openssh.com", "ecdsa-sha2-nistp256"},
	{"ecdsa-sha2-nistp384-cert-v01@openssh.com", "ecdsa-sha2-nistp384"},
	{"ecdsa-sha2-nistp521-cert-v01@openssh.com", "ecdsa-sha2-nistp521"},
	{"ssh-rsa-cert-v01@openssh.com", "ssh-rsa"},
	{"sk-ssh-ed25519-cert-v01@openssh.com", "sk-ssh-ed25519@openssh.com"},
	{"sk-ecdsa-sha2-nistp256-cert-v01@openssh.com", "sk-ecdsa-sha2-nistp256@openssh.com"},
	{"ssh-dss-cert-v01@openssh.com", "ssh-dss"},
}

func lookupCertType(name string) *certType {
	for i := range certTypes {
		if certTypes[i].name == name {
			return &certTypes[i]
		}
	}
	return nil
}

// CertPurpose says what a certificate is for.
type CertPurpose uint32

// The purposes of PROTOCOL.certkeys.
const (
	UserCertificate CertPurpose = 1
	HostCertificate CertPurpose = 2
)

// String returns "user" or "host".
func (p CertPurpose) String() string {
	switch p {
	case UserCertificate:
		return "user"
	case HostCertificate:
		return "host"
	}
	return fmt.Sprintf("purpose %d", uint32(p))
}

// CertForever as ValidBefore says that a certificate does not expire.
const CertForever = math.MaxUint64

// CertOption is a critical option or an extension. Data is as it came: empty
// for flags, and otherwise mostly one SSH string, which Value takes out.
type CertOption struct {
	Name string
	Data string
}

// Value returns the string in Data; false if there is anything else.
func (o CertOption) Value() (string, bool) {
	r := wire.NewFieldReader([]byte(o.Data), "option")
	v := r.String("value")
	return v, r.Done() == nil
}

// Certificate is a public key with what an authority says of its owner. It
// says so, not that it is true: CertChecker, FindAuthorizedCertificate and
// KnownHosts check that. Its fields and what they refer to must not be changed.
type Certificate struct {
	Serial          uint64 // 0 where the authority does not count
	Purpose         CertPurpose
	KeyID           string       // for the log, escaped
	Principals      []string     // user or host names; none is valid for nobody
	ValidAfter      uint64       // seconds since 1970, inclusive
	ValidBefore     uint64       // exclusive; or CertForever
	CriticalOptions []CertOption // in order of their names
	Extensions      []CertOption // in order of their names

	kind      *certType
	key       *publicKey // that is certified
	authority *publicKey
	blob      []byte
	signed    []byte // the part of blob under the signature
	signature []byte
}

// Type returns the name of the type, such as "ssh-ed25519-cert-v01@openssh.com".
func (c *Certificate) Type() string { return c.kind.name }

// Marshal returns the certificate as it came.
func (c *Certificate) Marshal() []byte { return bytes.Clone(c.blob) }

// CryptoPublicKey returns the key that is certified, as that of a plain key.
func (c *Certificate) CryptoPublicKey() crypto.PublicKey { return c.key.CryptoPublicKey() }

// Key returns the plain key that is certified.
func (c *Certificate) Key() PublicKey { return c.key }

// Authority returns the plain key that signed the certificate, or is said to.
func (c *Certificate) Authority() PublicKey { return c.authority }

// Verify checks a signature by the key that is certified; see PublicKey.
// Algorithms are those with certificates, such as
// "rsa-sha2-512-cert-v01@openssh.com"; signatures carry the plain label.
func (c *Certificate) Verify(algorithm string, data, signature []byte) error {
	return c.verifyWith(VerifyOptions{}, algorithm, data, signature)
}

func (c *Certificate) verifyWith(o VerifyOptions, algorithm string, data, signature []byte) error {
	a, err := fittingAlgorithm(algorithm, c.kind.name)
	if err != nil {
		return err
	}
	return verifySignature(c.key.key, o, a, data, signature)
}

// VerifyAuthority checks the authority's signature, which must be made with
// one of algorithms. It does not ask whether anybody trusts the authority.
// An error is ErrCertificate.
func (c *Certificate) VerifyAuthority(algorithms []string) error {
	r := wire.NewFieldReader(c.signature, "signature")
	label := r.String("label")
	if !slices.Contains(algorithms, label) {
		return fmt.Errorf("%w: signature of the authority with %q is not accepted", ErrCertificate, wire.Escape(label, maxShown))
	}
	if err := c.authority.Verify(label, c.signed, c.signature); err != nil {
		return fmt.Errorf("%w: signature of the authority: %w", ErrCertificate, err)
	}
	return nil
}

// String returns type, fingerprint of the key, and key id.
func (c *Certificate) String() string {
	return c.Type() + " " + Fingerprint(c.key) + " " + wire.Escape(c.KeyID, maxShown)
}

// parseCertificate parses a blob, of which r has read the type.
func (l Limits) parseCertificate(kind *certType, r *wire.Reader, blob []byte) (*Certificate, error) {
	if len(blob) > MaxCertificate {
		return nil, badBlob("certificate too large")
	}
	plain, err := lookupKeyType(kind.key)
	if err != nil {
		return nil, err
	}
	r.Bytes("nonce")
	key, err := plain.parse(r, l)
	if err != nil {
		return nil, err
	}
	c := &Certificate{kind: kind, key: newPublicKey(plain, key), blob: bytes.Clone(blob)}
	c.Serial, c.Purpose, c.KeyID = r.Uint64("serial"), CertPurpose(r.Uint32("purpose")), r.String("key id")
	principals := r.Bytes("principals")
	c.ValidAfter, c.ValidBefore = r.Uint64("valid after"), r.Uint64("valid before")
	options, extensions := r.Bytes("critical options"), r.Bytes("extensions")
	r.Bytes("reserved")
	authority := r.Bytes("signature key")
	c.signed = c.blob[:len(blob)-r.Len()]
	c.signature = bytes.Clone(r.Bytes("signature"))
	if err := r.Done(); err != nil {
		return nil, err
	}
	return c, c.parseParts(l, principals, options, extensions, authority)
}

// parseParts parses what stands in strings of the certificate.
func (c *Certificate) parseParts(l Limits, principals, options, extensions, authority []byte) (err error) {
	if c.Purpose != UserCertificate && c.Purpose != HostCertificate {
		return badBlob("certificate is neither for users nor for hosts")
	}
	if c.Principals, err = parsePrincipals(principals); err != nil {
		return err
	}
	if c.CriticalOptions, err = parseCertOptions(options); err != nil {
		return err
	}
	if c.Extensions, err = parseCertOptions(extensions); err != nil {
		return err
	}
	// By its type before anything of it is parsed: certificates that certify
	// certificates could be nested as deep as a packet is long.
	if name, ok := blobType(authority); !ok || lookupCertType(name) != nil || lookupX509Type(name) != nil {
		return badBlob("certificate is not signed by a plain key")
	}
	c.authority, err = l.parsePublicKey(authority)
	return err
}

func parsePrincipals(b []byte) ([]string, error) {
	r := wire.NewFieldReader(b, "principals")
	var list []string
	for r.Len() > 0 {
		name := r.StringMax("principal", MaxPrincipal)
		if err := r.Err(); err != nil {
			return nil, err
		}
		if name == "" || strings.ContainsAny(name, ",") || strings.ContainsFunc(name, isControl) {
			return nil, badBlob("malformed principal in certificate")
		}
		if list = append(list, name); len(list) > MaxPrincipals {
			return nil, badBlob("too many principals in certificate")
		}
	}
	return list, r.Done()
}

// NewCertSigner returns a Signer whose public key is cert, over a Signer for
// the key that is certified. Its algorithms are those of s, with certificates.
// The certificate is not checked.
func NewCertSigner(cert *Certificate, s Signer) (Signer, error) {
	if cert == nil || s == nil || !Equal(cert.key, s.PublicKey()) {
		return nil, errors.New("sshkey: certificate is for another key")
	}
	c := &certSigner{cert: cert, signer: s}
	own := s.Algorithms()
	for _, name := range allAlgorithmsFor(cert.Type()) {
		if slices.Contains(own, lookupAlgorithm(name).label) {
			c.algorithms = append(c.algorithms, name)
		}
	}
	if len(c.algorithms) == 0 {
		return nil, fmt.Errorf("%w: signer has none for a %s", ErrAlgorithm, cert.Type())
	}
	return c, nil
}

type certSigner struct {
	cert       *Certificate
	signer     Signer
	algorithms []string
}

func (s *certSigner) PublicKey() PublicKey { return s.cert }
func (s *certSigner) Algorithms() []string { return slices.Clone(s.algorithms) }

func (s *certSigner) Sign(random io.Reader, algorithm string, data []byte) ([]byte, error) {
	if !slices.Contains(s.algorithms, algorithm) {
		return nil, notAllowed(algorithm, s.cert)
	}
	signature, err := s.signer.Sign(random, lookupAlgorithm(algorithm).label, data)
	if err != nil {
		return nil, err
	}
	if _, own := s.signer.(*signer); own {
		return signature, nil
	}
	if err := s.cert.verifyWith(VerifyOptions{NoTouchRequired: true}, algorithm, data, signature); err != nil {
		return nil, fmt.Errorf("sshkey: signer returned a bad signature: %w", err)
	}
	return signature, nil
}

// ParseCertificate reads the certificate in a file as ssh-keygen -s writes it,
// NAME-cert.pub. Errors are those of ParsePublicKey, and ErrCertificate if the
// file holds another kind of key.
func ParseCertificate(file []byte) (*Certificate, error) {
	return Limits{}.ParseCertificate(file)
}

// ParseCertificate is like the function of that name, under limits of the caller.
func (l Limits) ParseCertificate(file []byte) (*Certificate, error) {
	k, err := l.parseKeyLine(string(file))
	if err != nil {
		return nil, err
	}
	c, ok := k.Key.(*Certificate)
	if !ok {
		return nil, fmt.Errorf("%w: file holds a %s key", ErrCertificate, k.Key.Type())
	}
	return c, nil
}

// validAt returns why the certificate is not valid then, or "".
func (c *Certificate) validAt(now time.Time) string {
	seconds := now.Unix()
	switch {
	case seconds < 0 || uint64(seconds) < c.ValidAfter:
		return "not yet valid"
	case c.ValidBefore != CertForever && uint64(seconds) >= c.ValidBefore:
		return "expired"
	}
	return ""
}
