package sshkey

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"time"

	"github.com/hawser-ssh/hawser/wire"
)

// KnownHosts holds the lines of known_hosts files. It is not changed after it
// was made, so it is safe for concurrent use. The zero value knows no host.
type KnownHosts struct {
	lines   []KnownHost
	revoked map[string]KnownHost // by key blob
}

// errNoKnownHosts is what a nil *KnownHosts answers: a lookup that did not
// happen is not a match.
var errNoKnownHosts = errors.New("sshkey: no known_hosts to check against")

// HostKeyUnknownError says that no line of known_hosts is about the host.
type HostKeyUnknownError struct {
	Host string // as in known_hosts
	Key  PublicKey
}

// Error names the host and the fingerprint.
func (e *HostKeyUnknownError) Error() string {
	return fmt.Sprintf("sshkey: host %s is not known, its %s key is %s", showHost(e.Host), e.Key.Type(), Fingerprint(e.Key))
}

// HostKeyChangedError says that the host is known with other keys only,
// of the same type or of others.
type HostKeyChangedError struct {
	Host  string // as in known_hosts
	Key   PublicKey
	Known []KnownHost // the lines about the host
}

// Error names the host, the fingerprint and the first line with another key.
func (e *HostKeyChangedError) Error() string {
	text := fmt.Sprintf("sshkey: host %s is known with another key, it now shows the %s key %s",
		showHost(e.Host), e.Key.Type(), Fingerprint(e.Key))
	if len(e.Known) > 0 && e.Known[0].Line > 0 {
		text += fmt.Sprintf(" (%s:%d)", e.Known[0].File, e.Known[0].Line)
	}
	return text
}

// HostKeyRevokedError says that the key is revoked.
type HostKeyRevokedError struct {
	Host string // as in known_hosts
	Key  PublicKey
	Line KnownHost // the line that revokes it
}

// Error names the host and the fingerprint.
func (e *HostKeyRevokedError) Error() string {
	return fmt.Sprintf("sshkey: host %s shows the %s key %s, which is revoked", showHost(e.Host), e.Key.Type(), Fingerprint(e.Key))
}

func showHost(host string) string { return wire.Escape(host, maxShown*4) }

// ParseKnownHosts reads one known_hosts file, whose name is only for messages.
// Malformed lines are left out, each with a warning. The error is that of the
// reader, or ErrListTooLarge; there is no result then.
func ParseKnownHosts(r io.Reader, name string) (*KnownHosts, []Warning, error) {
	k := new(KnownHosts)
	w := warnings{file: name}
	if err := k.read(r, &w); err != nil {
		return nil, w.all(), err
	}
	return k, w.all(), nil
}

// LoadKnownHosts reads known_hosts files, which are one list then. A file
// that cannot be read is an error, also if it does not exist (fs.ErrNotExist):
// whether that means an empty list is for the caller to say.
func LoadKnownHosts(paths ...string) (*KnownHosts, []Warning, error) {
	k := new(KnownHosts)
	var all []Warning
	for _, path := range paths {
		w := warnings{file: path}
		err := k.load(path, &w)
		all = append(all, w.all()...)
		if err != nil {
			return nil, all, err
		}
	}
	return k, all, nil
}

func (k *KnownHosts) load(path string, w *warnings) error {
	f, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("sshkey: known hosts: %w", err)
	}
	defer f.Close()
	return k.read(f, w)
}

func (k *KnownHosts) read(r io.Reader, w *warnings) error {
	return eachLine(r, w, func(n int, line string) error {
		h, err := parseKnownHost(line)
		if err != nil {
			return err
		}
		h.File, h.Line = w.file, n
		k.add(h)
		return nil
	})
}

func (k *KnownHosts) add(h KnownHost) {
	if h.Marker != MarkerRevoked {
		k.lines = append(k.lines, h)
		return
	}
	if k.revoked == nil {
		k.revoked = make(map[string]KnownHost)
	}
	k.revoked[string(h.Blob)] = h
}

// Check returns nil if the host is known with that key and the key is not
// revoked, else *HostKeyRevokedError, *HostKeyChangedError or
// *HostKeyUnknownError, in that order. A port of 0 stands for 22.
//
// A revoked key is refused whatever host the line names: sshd(8) says that it
// must not ever be accepted. A line with another port, or none, does not
// count.
//
// A certificate is accepted if an authority that a line names for the host has
// issued it for that host (see CertChecker), or if the host is known with the
// key in it. Otherwise the error is ErrCertificate if a line is for the
// authority that issued it, and that for the key in it if none is.
func (k *KnownHosts) Check(host string, port int, key PublicKey) error {
	return k.check(host, port, key, time.Now())
}

func (k *KnownHosts) check(host string, port int, key PublicKey, now time.Time) error {
	if k == nil {
		return errNoKnownHosts
	}
	if key == nil {
		return errNoKey
	}
	name := HostName(host, port)
	if line, ok := k.findRevoked(key); ok {
		return &HostKeyRevokedError{Host: name, Key: key, Line: line}
	}
	cert, ok := key.(*Certificate)
	if !ok {
		return k.checkPlain(name, key)
	}
	checker := CertChecker{Authorities: k.authorities(name), Now: func() time.Time { return now }}
	err := checker.CheckHost(cert, host)
	if err == nil || k.checkPlain(name, cert.key) == nil {
		return nil
	}
	if checker.trusts(cert.authority) {
		return err
	}
	return k.checkPlain(name, cert.key)
}

// findRevoked returns the line that revokes a key, or what is in a certificate.
func (k *KnownHosts) findRevoked(key PublicKey) (KnownHost, bool) {
	keys := []PublicKey{key}
	if cert, ok := key.(*Certificate); ok {
		keys = append(keys, cert.key, cert.authority)
	}
	for _, key := range keys {
		if line, ok := k.revoked[string(key.Marshal())]; ok {
			return line, true
		}
	}
	return KnownHost{}, false
}

// authorities returns the keys that may certify the host of that normal name.
func (k *KnownHosts) authorities(name string) []PublicKey {
	var keys []PublicKey
	for _, h := range k.lookup(name) {
		if key, err := h.Key(); err == nil && h.Marker == MarkerCertAuthority {
			keys = append(keys, key)
		}
	}
	return keys
}

// checkPlain compares with the lines that have keys of the host itself.
func (k *KnownHosts) checkPlain(name string, key PublicKey) error {
	blob := key.Marshal()
	known := k.plain(name)
	if slices.ContainsFunc(known, func(h KnownHost) bool { return bytes.Equal(h.Blob, blob) }) {
		return nil
	}
	if len(known) > 0 {
		return &HostKeyChangedError{Host: name, Key: key, Known: known}
	}
	return &HostKeyUnknownError{Host: name, Key: key}
}

// Revoked reports whether a line revokes the key, be it a host's or that of a
// certificate authority.
func (k *KnownHosts) Revoked(key PublicKey) bool {
	if k == nil {
		return false
	}
	_, ok := k.findRevoked(key)
	return ok
}

// Lookup returns the lines about the host that do not revoke: its keys, and
// with MarkerCertAuthority the authorities that may certify them.
func (k *KnownHosts) Lookup(host string, port int) []KnownHost {
	if k == nil {
		return nil
	}
	return k.lookup(HostName(host, port))
}

func (k *KnownHosts) lookup(name string) []KnownHost {
	var found []KnownHost
	for i := range k.lines {
		if k.lines[i].matches(name) {
			found = append(found, k.lines[i])
		}
	}
	return found
}

// plain returns the lines with keys of the host itself.
func (k *KnownHosts) plain(name string) []KnownHost {
	return slices.DeleteFunc(k.lookup(name), func(h KnownHost) bool { return h.Marker != "" })
}

// Algorithms returns the signature algorithms that the host's known keys work
// with, most preferred first, those with certificates in front if the host has
// an authority, none if it is not known. A client that puts them first in its
// offer is not shown a key that it has to refuse.
func (k *KnownHosts) Algorithms(host string, port int) []string {
	if k == nil {
		return nil
	}
	known := k.lookup(HostName(host, port))
	var list []string
	if slices.ContainsFunc(known, func(h KnownHost) bool { return h.Marker == MarkerCertAuthority }) {
		list = CertificateAlgorithms()
	}
	plain := names(func(a *algorithm) bool {
		return slices.ContainsFunc(known, func(h KnownHost) bool {
			return h.Marker == "" && h.Type == a.keyType && slices.Contains(AlgorithmsFor(h.Type), a.name)
		})
	})
	return append(list, plain...)
}
