package wire

import (
	"bytes"
	"iter"
	"strings"
)

// NameList is the body of a name-list: names joined by commas (RFC 4251 §5).
// Parsed ones are views into their message. The empty list has no names. A comma
// at the end ends the last name, which RFC 4251 has no use for: libssh 0.10 lists
// its ciphers so.
type NameList []byte

// NewNameList joins names, which the caller knows to be valid.
func NewNameList(names ...string) NameList {
	return NameList(strings.Join(names, ","))
}

// All yields each name as a view into the list, in order.
func (l NameList) All() iter.Seq[[]byte] {
	return func(yield func([]byte) bool) {
		rest := []byte(l)
		for len(rest) > 0 {
			var name []byte
			name, rest, _ = bytes.Cut(rest, []byte{','})
			if !yield(name) {
				return
			}
		}
	}
}

// First returns the first name as a view; it is empty where the list is.
func (l NameList) First() []byte {
	name, _, _ := bytes.Cut(l, []byte{','})
	return name
}

// Contains reports whether name is in the list.
func (l NameList) Contains(name string) bool {
	for n := range l.All() {
		if string(n) == name {
			return true
		}
	}
	return false
}

// Empty reports whether the list has no names.
func (l NameList) Empty() bool { return len(l) == 0 }

// Strings returns copies of all names.
func (l NameList) Strings() []string {
	var names []string
	for n := range l.All() {
		names = append(names, string(n))
	}
	return names
}

// String returns the list as it stands on the wire, made safe to log.
func (l NameList) String() string { return Escape(string(l), MaxNameList) }

// validNameList checks the rules of RFC 4251 §6 and the limits of hawser.
func validNameList(p []byte) error {
	if len(p) > MaxNameList {
		return ErrTooLong
	}
	count := 0
	for name := range NameList(p).All() {
		if count++; count > MaxNames {
			return ErrTooMany
		}
		if !validName(name) {
			return ErrBadName
		}
	}
	return nil
}

// validName reports whether p is 1 to MaxName bytes of printable ASCII without
// white space and comma.
func validName(p []byte) bool {
	if len(p) == 0 || len(p) > MaxName {
		return false
	}
	for _, c := range p {
		if c <= ' ' || c > '~' || c == ',' {
			return false
		}
	}
	return true
}
