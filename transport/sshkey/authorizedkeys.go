package sshkey

import (
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/hawser-ssh/hawser/wire"
)

// AuthorizedKey is one line of an authorized_keys file (sshd(8)).
type AuthorizedKey struct {
	Key     PublicKey
	Comment string
	Options KeyOptions
	Line    int // counted from 1; 0 if the line comes from no file
}

// ParseAuthorizedKeys reads an authorized_keys file. Lines that are not
// understood wholly, among them those with an unknown option or an option's
// value that makes no sense, are left out, each with a warning: a key whose
// restrictions we do not know does not log in. The error is that of the
// reader, or ErrListTooLarge; there are no keys then.
func ParseAuthorizedKeys(r io.Reader) ([]AuthorizedKey, []Warning, error) {
	return Limits{}.ParseAuthorizedKeys(r)
}

// ParseAuthorizedKeys is like the function of that name, under limits of the
// caller.
func (l Limits) ParseAuthorizedKeys(r io.Reader) ([]AuthorizedKey, []Warning, error) {
	var keys []AuthorizedKey
	var w warnings
	err := eachLine(r, &w, func(n int, line string) error {
		k, err := l.parseAuthorizedKey(line)
		if err != nil {
			return err
		}
		k.Line = n
		keys = append(keys, k)
		return nil
	})
	if err != nil {
		return nil, w.all(), err
	}
	return keys, w.all(), nil
}

// ParseAuthorizedKey parses one line, such as the content of a .pub file. A
// line end is allowed, a second line is not.
func ParseAuthorizedKey(line string) (AuthorizedKey, error) {
	return Limits{}.parseKeyLine(line)
}

// parseKeyLine parses one line with its end, if it has one.
func (l Limits) parseKeyLine(line string) (AuthorizedKey, error) {
	line = strings.TrimSuffix(strings.TrimSuffix(line, "\n"), "\r")
	if len(line) > MaxLine {
		return AuthorizedKey{}, errLineTooLong
	}
	if strings.ContainsFunc(line, isControl) {
		return AuthorizedKey{}, errControl
	}
	return l.parseAuthorizedKey(strings.Trim(line, " \t"))
}

// parseAuthorizedKey parses a line without its end. Options come first and
// look like anything, so a line starts with the key where its first field is
// a type that we know, or is the type of the blob in the second.
func (l Limits) parseAuthorizedKey(line string) (k AuthorizedKey, err error) {
	if !startsWithKey(line) {
		var options string
		if options, line, err = cutOptions(line); err != nil {
			return k, err
		}
		if k.Options, err = parseKeyOptions(options); err != nil {
			return k, err
		}
	}
	declared, rest := cutField(line)
	text, comment := cutField(rest)
	if declared == "" || text == "" {
		return k, errNoKey
	}
	blob, err := decodeBlob(declared, text)
	if err != nil {
		return k, err
	}
	if k.Key, err = l.ParsePublicKey(blob); err != nil {
		return k, err
	}
	k.Comment = comment
	return k, nil
}

func startsWithKey(line string) bool {
	first, rest := cutField(line)
	if _, err := lookupKeyType(first); err == nil {
		return true
	}
	second, _ := cutField(rest)
	blob, err := base64.StdEncoding.DecodeString(second)
	if err != nil {
		return false
	}
	t, ok := blobType(blob)
	return ok && t == first
}

// Marshal returns the line of k with a line end. It fails if an option or
// the comment cannot stand in one line, or has a form that a reader would
// understand otherwise.
func (k AuthorizedKey) Marshal() ([]byte, error) {
	if k.Key == nil {
		return nil, errNoKey
	}
	var b []byte
	if options := k.Options.String(); options != "" {
		b = append(append(b, options...), ' ')
	}
	b = append(append(b, k.Key.Type()...), ' ')
	b = base64.StdEncoding.AppendEncode(b, k.Key.Marshal())
	if k.Comment != "" {
		b = append(append(b, ' '), k.Comment...)
	}
	line := string(b)
	if strings.ContainsFunc(line, isControl) || len(line) > MaxLine {
		return nil, errors.New("sshkey: option or comment does not fit into a line of authorized_keys")
	}
	if _, err := parseKeyOptions(k.Options.String()); err != nil {
		return nil, fmt.Errorf("sshkey: options of an authorized key: %w", err)
	}
	return append(b, '\n'), nil
}

// FindAuthorizedKey returns the first of keys that lets the owner of key log
// in from that source at that time. A line for certificate authorities does
// not let its own key in. The error is ErrNotAuthorized; its text, which is
// for the log and not for the peer, says why a line with that key did not do.
func FindAuthorizedKey(keys []AuthorizedKey, key PublicKey, from Source, now time.Time) (*AuthorizedKey, error) {
	denied := ErrNotAuthorized
	if _, ok := key.(*Certificate); ok {
		return nil, fmt.Errorf("%w: certificates are checked otherwise", denied)
	}
	for i := range keys {
		k := &keys[i]
		if k.Options.CertAuthority || !Equal(k.Key, key) {
			continue
		}
		why := k.Options.deny(from, now)
		if why == "" {
			return k, nil
		}
		denied = fmt.Errorf("%w: line %d: %s", ErrNotAuthorized, k.Line, why)
	}
	return nil, denied
}

// deny returns why the options do not allow a login, or "".
func (o *KeyOptions) deny(from Source, now time.Time) string {
	if !o.Expiry.IsZero() && !now.Before(o.Expiry) {
		return "expired"
	}
	if len(o.From) > 0 && !from.matches(o.From) {
		return "source " + wire.Escape(from.Addr.String(), maxShown) + " is not in its from list"
	}
	return ""
}
