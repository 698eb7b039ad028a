package sshkey

import (
	"crypto/x509"
	"encoding/asn1"
	"errors"
	"fmt"
	"slices"
	"time"
)

// The key purposes of RFC 6187 §2.2.2.
var (
	oidSecureShellClient = asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 3, 21}
	oidSecureShellServer = asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 3, 22}
)

// X509Trust says which X.509 certificates are believed. The zero value believes
// none. It must not be changed while it is in use.
//
// Paths are validated by crypto/x509: a certificate that is signed with SHA-1,
// MD5 or DSA is not believed, whatever the algorithm of its key.
type X509Trust struct {
	// Roots are the authorities, or certificates of keys themselves. Nil is
	// none, and not those of the system.
	Roots *x509.CertPool
	// Intermediates may stand between a root and a certificate, beside those
	// that came with the key. May be nil.
	Intermediates *x509.CertPool
	// Revoked returns an error if a certificate of a valid path is revoked. Nil
	// asks nobody: revocation lists and OCSP responses are not looked at.
	Revoked func(cert *x509.Certificate) error
	// TLSPurposes accepts the key purposes of TLS servers and clients instead
	// of those for SSH, which few authorities issue.
	TLSPurposes bool
	// Limits on the RSA keys of all certificates of a path.
	Limits Limits
	// Now returns the time for validity; nil is time.Now.
	Now func() time.Time
}

// ErrX509 says that no X.509 certificate speaks for a key. Errors of
// crypto/x509 can be found behind it.
var ErrX509 = errors.New("sshkey: X.509 certificate is not accepted")

// CheckHost returns nil if key is an *X509Key whose certificate is valid for a
// server of that name or address: DNS names and addresses of its alternative
// names count, its common name does not. All other errors are ErrX509.
func (t *X509Trust) CheckHost(key PublicKey, host string) error {
	leaf, err := t.check(key, oidSecureShellServer, x509.ExtKeyUsageServerAuth)
	if err != nil {
		return err
	}
	if host == "" {
		return fmt.Errorf("%w: no host name to compare with", ErrX509)
	}
	if err := leaf.VerifyHostname(host); err != nil {
		return fmt.Errorf("%w: %w", ErrX509, err)
	}
	return nil
}

// CheckUser returns nil if key is an *X509Key whose certificate is valid for a
// client that logs in as user: that is one of X509Principals, compared byte by
// byte. All other errors are ErrX509.
func (t *X509Trust) CheckUser(key PublicKey, user string) error {
	leaf, err := t.check(key, oidSecureShellClient, x509.ExtKeyUsageClientAuth)
	if err != nil {
		return err
	}
	if user == "" || !slices.Contains(X509Principals(leaf), user) {
		return fmt.Errorf("%w: it is not for this user", ErrX509)
	}
	return nil
}

// X509Principals returns the users that a certificate is for: the e-mail
// addresses among its alternative names, which authorities for SSH fill with
// user names; if it has no alternative names at all, its common name.
func X509Principals(cert *x509.Certificate) []string {
	for _, e := range cert.Extensions {
		if e.Id.Equal(asn1.ObjectIdentifier{2, 5, 29, 17}) {
			return slices.Clone(cert.EmailAddresses)
		}
	}
	if cert.Subject.CommonName == "" {
		return nil
	}
	return []string{cert.Subject.CommonName}
}

// check validates a path and returns the certificate of the key.
func (t *X509Trust) check(key PublicKey, purpose asn1.ObjectIdentifier, tls x509.ExtKeyUsage) (*x509.Certificate, error) {
	k, ok := key.(*X509Key)
	if !ok || k == nil {
		return nil, fmt.Errorf("%w: key has none", ErrX509)
	}
	if t == nil || t.Roots == nil {
		return nil, fmt.Errorf("%w: no authority is trusted", ErrX509)
	}
	leaf := k.chain[0]
	if leaf.KeyUsage != 0 && leaf.KeyUsage&x509.KeyUsageDigitalSignature == 0 {
		return nil, fmt.Errorf("%w: key usage does not allow signatures", ErrX509)
	}
	if !t.hasPurpose(leaf, purpose, tls) {
		return nil, fmt.Errorf("%w: it has another purpose", ErrX509)
	}
	paths, err := leaf.Verify(t.options(k.chain[1:]))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrX509, err)
	}
	for _, path := range paths {
		if err = t.checkPath(path); err == nil {
			return leaf, nil
		}
	}
	return nil, fmt.Errorf("%w: %w", ErrX509, err)
}

// options for crypto/x509. The purpose is checked apart from it, since it has
// no value for those of SSH.
func (t *X509Trust) options(chain []*x509.Certificate) x509.VerifyOptions {
	between := x509.NewCertPool()
	if t.Intermediates != nil {
		between = t.Intermediates.Clone()
	}
	for _, c := range chain {
		between.AddCert(c)
	}
	now := time.Now
	if t.Now != nil {
		now = t.Now
	}
	return x509.VerifyOptions{
		Roots: t.Roots, Intermediates: between, CurrentTime: now(),
		KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageAny},
	}
}

// hasPurpose is RFC 6187 §2.2.2: a certificate without purposes is for all.
func (t *X509Trust) hasPurpose(leaf *x509.Certificate, purpose asn1.ObjectIdentifier, tls x509.ExtKeyUsage) bool {
	if len(leaf.ExtKeyUsage) == 0 && len(leaf.UnknownExtKeyUsage) == 0 {
		return true
	}
	return slices.ContainsFunc(leaf.UnknownExtKeyUsage, purpose.Equal) ||
		slices.Contains(leaf.ExtKeyUsage, x509.ExtKeyUsageAny) ||
		t.TLSPurposes && slices.Contains(leaf.ExtKeyUsage, tls)
}

// checkPath checks the sizes of keys and asks who knows what is revoked.
func (t *X509Trust) checkPath(path []*x509.Certificate) error {
	for _, c := range path {
		if _, err := rsaFromCrypto(c.PublicKey, t.Limits); err != nil && err != errOtherType {
			return err
		}
		if t.Revoked == nil {
			continue
		}
		if err := t.Revoked(c); err != nil {
			return fmt.Errorf("revoked: %w", err)
		}
	}
	return nil
}
