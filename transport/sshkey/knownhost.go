package sshkey

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha1"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/hawser-ssh/hawser/wire"
)

// DefaultPort is the port that known_hosts does not write (RFC 4250 §4).
const DefaultPort = 22

// The markers of known_hosts lines.
const (
	MarkerCertAuthority = "@cert-authority"
	MarkerRevoked       = "@revoked"
)

// KnownHost is one line of a known_hosts file (sshd(8), "SSH_KNOWN_HOSTS FILE
// FORMAT"). The key is kept as a blob, so that lines work whose key type is
// not built or not accepted.
type KnownHost struct {
	Marker  string // "", MarkerCertAuthority or MarkerRevoked
	Hosts   string // the field as written: patterns, or one hashed name
	Type    string // type of the key
	Blob    []byte // the key, not to be changed
	Comment string
	File    string // where the line was read, may be empty
	Line    int    // counted from 1; 0 if it comes from no file

	patterns []string // of Hosts; nil if it is hashed
	salt     []byte   // of a hashed name
	hash     []byte
}

var (
	errMarker     = errors.New("unknown marker")
	errHashedHost = errors.New("malformed hashed name")
	errHostChars  = errors.New("sshkey: host name cannot stand in known_hosts")
)

// parseKnownHost parses a line without its end.
func parseKnownHost(line string) (KnownHost, error) {
	var k KnownHost
	if line[0] == '@' {
		k.Marker, line = cutField(line)
		if k.Marker != MarkerCertAuthority && k.Marker != MarkerRevoked {
			return k, errMarker
		}
	}
	k.Hosts, line = cutField(line)
	if strings.HasPrefix(k.Hosts, "@") {
		return k, errMarker
	}
	k.Type, line = cutField(line)
	var text string
	text, k.Comment = cutField(line)
	if text == "" {
		return k, errNoKey
	}
	if err := k.parseHosts(); err != nil {
		return k, err
	}
	var err error
	if k.Blob, err = decodeBlob(k.Type, text); err != nil {
		return k, err
	}
	return k, checkListed(k.Blob)
}

// checkListed refuses a key that is malformed: as a line of the list it would
// match no key and say nothing. One that is weak or not built can still be
// revoked, and makes a host known.
func checkListed(blob []byte) error {
	_, err := ParsePublicKey(blob)
	var unsupported *UnsupportedError
	var weak *WeakKeyError
	if errors.As(err, &unsupported) || errors.As(err, &weak) {
		return nil
	}
	return err
}

// hashPrefix starts a hashed name: HMAC-SHA1 under a salt, both in base64.
const hashPrefix = "|1|"

func (k *KnownHost) parseHosts() (err error) {
	if !strings.HasPrefix(k.Hosts, "|") {
		k.patterns, err = splitPatterns(k.Hosts)
		return err
	}
	text, ok := strings.CutPrefix(k.Hosts, hashPrefix)
	saltText, hashText, ok2 := strings.Cut(text, "|")
	if !ok || !ok2 {
		return errHashedHost
	}
	salt, err1 := base64.StdEncoding.DecodeString(saltText)
	hash, err2 := base64.StdEncoding.DecodeString(hashText)
	if err1 != nil || err2 != nil || len(salt) == 0 || len(salt) > MaxKDFSalt || len(hash) != sha1.Size {
		return errHashedHost
	}
	k.salt, k.hash = salt, hash
	return nil
}

// matches reports whether the line is about the host of that normal name.
func (k *KnownHost) matches(name string) bool {
	if k.hash != nil {
		return subtle.ConstantTimeCompare(hashHost(k.salt, name), k.hash) == 1
	}
	return matchHost(k.patterns, name)
}

func hashHost(salt []byte, name string) []byte {
	h := hmac.New(sha1.New, salt)
	h.Write([]byte(name))
	return h.Sum(nil)
}

// String returns the line without a line end.
func (k KnownHost) String() string {
	fields := []string{k.Marker, k.Hosts, k.Type, base64.StdEncoding.EncodeToString(k.Blob), k.Comment}
	fields = slices.DeleteFunc(fields, func(f string) bool { return f == "" })
	return strings.Join(fields, " ")
}

// Key parses the key of the line. Errors are those of ParsePublicKey.
func (k KnownHost) Key() (PublicKey, error) { return ParsePublicKey(k.Blob) }

// HostName returns the name of a host in known_hosts: in lower case, and as
// [HOST]:PORT unless the port is 22 or 0. IPv6 addresses come without brackets.
func HostName(host string, port int) string {
	host = strings.ToLower(host)
	if port == DefaultPort || port == 0 {
		return host
	}
	return "[" + host + "]:" + strconv.Itoa(port)
}

// NewKnownHost returns the line for a host's key. A host that holds a
// character with a meaning in known_hosts is an error.
func NewKnownHost(host string, port int, key PublicKey) (KnownHost, error) {
	name := HostName(host, port)
	if host == "" || len(name) > MaxPattern || strings.ContainsFunc(host, badHostRune) {
		return KnownHost{}, fmt.Errorf("%w: %q", errHostChars, wire.Escape(host, maxShown))
	}
	return KnownHost{
		Hosts: name, Type: key.Type(), Blob: key.Marshal(), patterns: []string{name},
	}, nil
}

// badHostRune reports whether r would end the name, or make a pattern, marker,
// comment or hash of it.
func badHostRune(r rune) bool {
	return isControl(r) || strings.ContainsRune(" \t,*?!|@#[]\"", r)
}

// NewHashedKnownHost is like NewKnownHost, with the name hashed under a fresh
// salt: who reads the file does not learn which hosts it is about.
func NewHashedKnownHost(host string, port int, key PublicKey) (KnownHost, error) {
	k, err := NewKnownHost(host, port, key)
	if err != nil {
		return k, err
	}
	k.salt = make([]byte, sha1.Size)
	rand.Read(k.salt)
	k.hash = hashHost(k.salt, k.Hosts)
	k.patterns = nil
	k.Hosts = hashPrefix + base64.StdEncoding.EncodeToString(k.salt) + "|" + base64.StdEncoding.EncodeToString(k.hash)
	return k, nil
}
