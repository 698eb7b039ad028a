//go:build pkcs11 && cgo

package certstore

import (
	"net/url"
	"strconv"
	"strings"
)

// tokenName says which token: the library that speaks to it, and what else is
// known of it. Empty fields are not looked at.
type tokenName struct {
	library       string
	label, serial string
	slot          int // -1: any
}

// parseTokenName reads the name of a library, or a URI of RFC 7512:
//
//	pkcs11:token=LABEL;serial=NUMBER;slot-id=NUMBER?module-path=/path/to/library.so
//
// Attributes that would select something else than a token are an error: keys
// are selected by the subject.
func parseTokenName(source string) (tokenName, error) {
	name := tokenName{slot: -1}
	rest, isURI := strings.CutPrefix(source, "pkcs11:")
	if !isURI {
		name.library = source
	} else {
		path, query, _ := strings.Cut(rest, "?")
		for _, attribute := range append(strings.Split(path, ";"), strings.Split(query, "&")...) {
			if attribute == "" {
				continue
			}
			if err := name.set(attribute); err != nil {
				return name, err
			}
		}
	}
	if name.library == "" || strings.ContainsRune(name.library, 0) {
		return name, malformed("name of a token without a library")
	}
	return name, nil
}

func (n *tokenName) set(attribute string) error {
	field, text, _ := strings.Cut(attribute, "=")
	value, err := url.PathUnescape(text)
	if err != nil {
		return malformed("name of a token: %w", err)
	}
	switch field {
	case "token":
		n.label = value
	case "serial":
		n.serial = value
	case "slot-id":
		if n.slot, err = strconv.Atoi(value); err != nil || n.slot < 0 {
			return malformed("name of a token: slot-id")
		}
	case "module-path":
		n.library = value
	default:
		return malformed("name of a token: attribute %q is not known", field)
	}
	return nil
}
