package sshkey

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/hawser-ssh/hawser/wire"
)

// Revocation knows which keys are revoked. A *KRL is one.
type Revocation interface {
	// CheckRevoked returns nil if neither the key nor, where it is a
	// certificate, the certificate, the key in it or its authority is revoked.
	// If it cannot tell it returns an error.
	CheckRevoked(key PublicKey) error
}

// CertChecker decides which OpenSSH certificates are accepted. The zero value
// accepts none. It must not be changed while it is in use.
type CertChecker struct {
	// Authorities are the plain keys whose certificates are accepted.
	Authorities []PublicKey
	// SignatureAlgorithms that an authority may have signed with; nil is
	// DefaultAuthorityAlgorithms().
	SignatureAlgorithms []string
	// Revocation is asked about each certificate; nil revokes none.
	Revocation Revocation
	// Now returns the time for validity; nil is time.Now.
	Now func() time.Time
}

// DefaultAuthorityAlgorithms returns the algorithms with which an authority may
// have signed a certificate: those of DefaultAlgorithms, and security keys.
func DefaultAuthorityAlgorithms() []string {
	return slices.Concat(DefaultAlgorithms(), SecurityKeyAlgorithms())
}

// CheckHost returns nil if key is a *Certificate that an authority has issued
// for a host of that name, without a port, in which principals may have the
// wildcards of known_hosts. All errors are ErrCertificate, or those of
// Revocation.
func (c *CertChecker) CheckHost(key PublicKey, host string) error {
	host = strings.ToLower(host)
	cert, err := c.check(key, HostCertificate, func(principal string) bool {
		return host != "" && matchGlob(strings.ToLower(principal), host)
	})
	if err != nil {
		return err
	}
	_, err = cert.Options() // for hosts there is no critical option
	return err
}

// CheckUser returns what key lets its owner do if it is a *Certificate that an
// authority has issued for one of principals, which is the user's name unless
// somebody has said otherwise, and that may be used from there. All errors are
// ErrCertificate, or those of Revocation. Their text is for the log and not for
// the peer. That the owner holds the key is for VerifyOptions to check, with
// what the result asks for.
func (c *CertChecker) CheckUser(key PublicKey, principals []string, from Source) (*KeyOptions, error) {
	cert, err := c.check(key, UserCertificate, func(principal string) bool {
		return slices.Contains(principals, principal)
	})
	if err != nil {
		return nil, err
	}
	o, err := cert.Options()
	if err != nil {
		return nil, err
	}
	address := Source{Addr: from.Addr} // a name could be that of an address
	if len(o.From) > 0 && !address.matches(o.From) {
		return nil, fmt.Errorf("%w: not from %s", ErrCertificate, wire.Escape(from.Addr.String(), maxShown))
	}
	return o, nil
}

// check checks all but the options. The signature comes last: it is what costs
// time, and who has no trusted authority is not worth it.
func (c *CertChecker) check(key PublicKey, purpose CertPurpose, isPrincipal func(string) bool) (*Certificate, error) {
	cert, ok := key.(*Certificate)
	if !ok || cert == nil {
		return nil, fmt.Errorf("%w: key has none", ErrCertificate)
	}
	if c == nil || !c.trusts(cert.authority) {
		return nil, fmt.Errorf("%w: authority %s is not trusted", ErrCertificate, Fingerprint(cert.authority))
	}
	if cert.Purpose != purpose {
		return nil, fmt.Errorf("%w: it is a %s certificate", ErrCertificate, cert.Purpose)
	}
	now := time.Now
	if c.Now != nil {
		now = c.Now
	}
	if why := cert.validAt(now()); why != "" {
		return nil, fmt.Errorf("%w: it is %s", ErrCertificate, why)
	}
	if !slices.ContainsFunc(cert.Principals, isPrincipal) {
		return nil, fmt.Errorf("%w: it is not for this name", ErrCertificate)
	}
	if c.Revocation != nil {
		if err := c.Revocation.CheckRevoked(cert); err != nil {
			return nil, err
		}
	}
	algorithms := c.SignatureAlgorithms
	if algorithms == nil {
		algorithms = DefaultAuthorityAlgorithms()
	}
	return cert, cert.VerifyAuthority(algorithms)
}

// trusts reports whether the key is one of the authorities. A certificate is
// none, whatever the list says.
func (c *CertChecker) trusts(authority *publicKey) bool {
	return slices.ContainsFunc(c.Authorities, func(k PublicKey) bool { return Equal(k, authority) })
}

// FindAuthorizedCertificate returns the first of keys that is a line for the
// authority of the certificate and lets its owner log in as user, and what
// line and certificate together let him do. The line's principals stand for
// the user's name where it has any. The authorities of checker, which may be
// nil, do not count. The error is ErrNotAuthorized or ErrCertificate; its text
// is for the log.
func FindAuthorizedCertificate(keys []AuthorizedKey, checker *CertChecker, key PublicKey, user string, from Source) (*AuthorizedKey, *KeyOptions, error) {
	cert, ok := key.(*Certificate)
	if !ok || cert == nil {
		return nil, nil, fmt.Errorf("%w: key is not a certificate", ErrNotAuthorized)
	}
	var c CertChecker
	if checker != nil {
		c = *checker
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	c.Authorities = []PublicKey{cert.authority} // which is that of the line
	denied := ErrNotAuthorized
	for i := range keys {
		k := &keys[i]
		if !k.Options.CertAuthority || !Equal(k.Key, cert.authority) {
			continue
		}
		o, err := k.admit(&c, cert, user, from)
		if err == nil {
			return k, o, nil
		}
		denied = fmt.Errorf("line %d: %w", k.Line, err)
	}
	return nil, nil, denied
}

// admit checks a certificate whose authority the line is for.
func (k *AuthorizedKey) admit(c *CertChecker, cert *Certificate, user string, from Source) (*KeyOptions, error) {
	if why := k.Options.deny(from, c.Now()); why != "" {
		return nil, fmt.Errorf("%w: %s", ErrNotAuthorized, why)
	}
	principals := k.Options.Principals
	if principals == nil {
		principals = []string{user}
	}
	o, err := c.CheckUser(cert, principals, from)
	if err != nil {
		return nil, err
	}
	return k.Options.merge(o)
}
