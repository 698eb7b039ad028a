package main

import (
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"path/filepath"
	"strings"
	"time"

	"github.com/hawser-ssh/hawser/kex"
	"github.com/hawser-ssh/hawser/transport/sshkey"
)

// maxTrustFile bounds what is read of a file of authorities or groups.
const maxTrustFile = 4 << 20

// trust says which keys users may log in with: those of the authorized keys, those that an authority has certified, and
// none that is revoked. It is used by several connections at once.
type trust struct {
	keys        *keyFile
	authorities []sshkey.AuthorizedKey // of -user-ca, each marked cert-authority
	roots       *x509.CertPool         // of -x509-roots; nil: none
	revoked     string                 // of -revoked-keys, read anew for every login; empty: none
	hosts       *sshkey.KnownHosts     // of -hostbased-known-hosts, whose users are believed; nil: none
	log         *slog.Logger
}

// newTrust loads the files of the flags. One that cannot be used is an error: it must not be mistaken for an empty one.
func newTrust(opt *options, keys *keyFile, log *slog.Logger) (*trust, error) {
	t := &trust{keys: keys, revoked: opt.revokedKeys, log: log}
	var err error
	if opt.userCA != "" {
		if t.authorities, err = loadAuthorities(opt.userCA); err != nil {
			return nil, fmt.Errorf("user CA: %w", err)
		}
	}
	if opt.x509Roots != "" {
		if t.roots, err = loadRoots(opt.x509Roots); err != nil {
			return nil, fmt.Errorf("X.509 roots: %w", err)
		}
	}
	if t.revoked != "" {
		if _, err := sshkey.LoadRevokedKeys(t.revoked); err != nil {
			return nil, fmt.Errorf("revoked keys: %s: %w", t.revoked, err)
		}
	}
	if opt.trustedHosts != "" {
		if t.hosts, err = loadHosts(opt.trustedHosts); err != nil {
			return nil, fmt.Errorf("known hosts: %w", err)
		}
	}
	return t, nil
}

// loadAuthorities reads lines of authorized_keys, all of which are for authorities. Their options hold for what they
// certify.
func loadAuthorities(path string) ([]sshkey.AuthorizedKey, error) {
	text, err := readTrust(path)
	if err != nil {
		return nil, err
	}
	keys, warnings, err := sshkey.ParseAuthorizedKeys(strings.NewReader(text))
	switch {
	case err != nil:
		return nil, fmt.Errorf("%s: %w", path, err)
	case len(warnings) > 0:
		return nil, fmt.Errorf("%s line %d: %s", path, warnings[0].Line, warnings[0].Text)
	case len(keys) == 0:
		return nil, fmt.Errorf("%s has no key", path)
	}
	for i := range keys {
		keys[i].Options.CertAuthority = true
	}
	return keys, nil
}

// loadHosts reads lines of known_hosts. One that is malformed might be to revoke a key, so that it is an error.
func loadHosts(path string) (*sshkey.KnownHosts, error) {
	text, err := readTrust(path)
	if err != nil {
		return nil, err
	}
	hosts, warnings, err := sshkey.ParseKnownHosts(strings.NewReader(text), path)
	switch {
	case err != nil:
		return nil, fmt.Errorf("%s: %w", path, err)
	case len(warnings) > 0:
		return nil, fmt.Errorf("%s line %d: %s", path, warnings[0].Line, warnings[0].Text)
	}
	return hosts, nil
}

func loadRoots(path string) (*x509.CertPool, error) {
	text, err := readTrust(path)
	if err != nil {
		return nil, err
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM([]byte(text)) {
		return nil, fmt.Errorf("%s has no certificate in PEM", path)
	}
	return pool, nil
}

// loadModuli reads the groups of group exchange.
func loadModuli(path string) ([]kex.Group, error) {
	text, err := readTrust(path)
	if err != nil {
		return nil, fmt.Errorf("moduli: %w", err)
	}
	groups, err := kex.ParseModuli(strings.NewReader(text))
	if err == nil && len(groups) == 0 {
		err = errors.New("it has no group that can be used")
	}
	if err != nil {
		return nil, fmt.Errorf("moduli: %s: %w", path, err)
	}
	return groups, nil
}

// readTrust reads a file that others cannot change, nor any directory above it: else they decide whom to trust.
func readTrust(path string) (string, error) {
	f, err := openChecked(path, func(info fs.FileInfo) error {
		if info.Size() > maxTrustFile {
			return fmt.Errorf("%s is larger than %d bytes", path, maxTrustFile)
		}
		return othersWrite(path, string(filepath.Separator), info)
	})
	if err != nil {
		return "", err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxTrustFile))
	return string(text), err
}

// certifies reports whether anybody can log in without a line in the authorized keys.
func (t *trust) certifies() bool { return t.authorities != nil || t.roots != nil || t.hosts != nil }

// vouches reports whether key is that of a host whose word is taken. The key says which host it is: addresses and what
// DNS makes of them prove nothing.
func (t *trust) vouches(host string, key sshkey.PublicKey) bool {
	err := t.hosts.Check(host, 0, key)
	if err == nil {
		err = t.notRevoked(key)
	}
	if err != nil {
		t.log.Debug("host refused", "err", err)
	}
	return err == nil
}

// notRevoked returns why a key is not to be used any more.
func (t *trust) notRevoked(key sshkey.PublicKey) error {
	if t.revoked == "" {
		return nil
	}
	list, err := sshkey.LoadRevokedKeys(t.revoked) // which revokes all if it cannot be read
	if err != nil {
		t.log.Error("all keys refused", "err", err)
		return err
	}
	return list.CheckRevoked(key)
}

// find returns what the key permits a client that wants to log in as user from an address, or nil when it may not.
func (t *trust) find(key sshkey.PublicKey, user, from string) *permissions {
	options, err := t.options(key, user, source(from))
	if err == nil && options.VerifyRequired && !strings.HasPrefix(key.Type(), "sk-") {
		err = errors.New("user verification is required, which only security keys can show")
	}
	if err == nil {
		err = t.notRevoked(key)
	}
	if err != nil {
		t.log.Debug("key refused", "err", err)
		return nil
	}
	return permissionsOf(*options)
}

// options finds who vouches for the key.
func (t *trust) options(key sshkey.PublicKey, user string, from sshkey.Source) (*sshkey.KeyOptions, error) {
	switch key.(type) {
	case *sshkey.Certificate:
		_, options, err := sshkey.FindAuthorizedCertificate(t.authorities, nil, key, user, from)
		if err == nil {
			return options, nil
		}
		_, options, err2 := sshkey.FindAuthorizedCertificate(t.keys.read(), nil, key, user, from)
		if err2 == nil {
			return options, nil
		}
		return nil, errors.Join(err, err2)
	case *sshkey.X509Key:
		if t.roots != nil {
			x := sshkey.X509Trust{Roots: t.roots, Revoked: t.revokedAuthority}
			if err := x.CheckUser(key, user); err != nil {
				t.log.Debug("certificate refused", "err", err)
			} else {
				return &sshkey.KeyOptions{}, nil
			}
		}
	}
	entry, err := sshkey.FindAuthorizedKey(t.keys.read(), key, from, time.Now())
	if err != nil {
		return nil, err
	}
	return &entry.Options, nil
}

// revokedAuthority refuses a path whose certificates have a key that is revoked.
func (t *trust) revokedAuthority(cert *x509.Certificate) error {
	if t.revoked == "" {
		return nil
	}
	key, err := sshkey.NewPublicKey(cert.PublicKey)
	if err != nil {
		return err
	}
	return t.notRevoked(key)
}
