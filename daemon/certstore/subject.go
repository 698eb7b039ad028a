package certstore

import (
	"bytes"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"fmt"
	"slices"
	"strings"
)

// attribute is one field of a distinguished name.
type attribute struct{ field, value string }

// fields are the names of the fields of a subject. E is EmailAddress.
var fields = [...]struct {
	name string
	oid  asn1.ObjectIdentifier
}{
	{"CN", asn1.ObjectIdentifier{2, 5, 4, 3}},
	{"O", asn1.ObjectIdentifier{2, 5, 4, 10}},
	{"OU", asn1.ObjectIdentifier{2, 5, 4, 11}},
	{"L", asn1.ObjectIdentifier{2, 5, 4, 7}},
	{"S", asn1.ObjectIdentifier{2, 5, 4, 8}},
	{"C", asn1.ObjectIdentifier{2, 5, 4, 6}},
	{"E", asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 1}},
	{"SN", asn1.ObjectIdentifier{2, 5, 4, 4}},
	{"G", asn1.ObjectIdentifier{2, 5, 4, 42}},
	{"T", asn1.ObjectIdentifier{2, 5, 4, 12}},
	{"STREET", asn1.ObjectIdentifier{2, 5, 4, 9}},
	{"SERIALNUMBER", asn1.ObjectIdentifier{2, 5, 4, 5}},
	{"DC", asn1.ObjectIdentifier{0, 9, 2342, 19200300, 100, 1, 25}},
	{"UID", asn1.ObjectIdentifier{0, 9, 2342, 19200300, 100, 1, 1}},
}

// aliases are other names of fields, as other programs write them.
var aliases = map[string]string{"ST": "S", "EMAILADDRESS": "E", "EMAIL": "E", "SURNAME": "SN", "GIVENNAME": "G", "TITLE": "T"}

// Subject returns the subject of the key's certificate, such as
//
//	CN=www.example.org, OU="Ships, boats", O=Example, C=US
//
// with the most specific field first and values in quotes where they need it.
// That of a key without a certificate is its Name.
func (k *Key) Subject() string {
	if len(k.Chain) == 0 {
		return k.Name
	}
	return format(attributes(k.Chain[0]))
}

// attributes returns the subject of a certificate, the last field first.
func attributes(c *x509.Certificate) []attribute {
	var name pkix.RDNSequence
	if rest, err := asn1.Unmarshal(c.RawSubject, &name); err != nil || len(rest) > 0 {
		return nil
	}
	var list []attribute
	for _, set := range slices.Backward(name) {
		for _, a := range set {
			list = append(list, attribute{fieldName(a.Type), fmt.Sprint(a.Value)})
		}
	}
	return list
}

func fieldName(oid asn1.ObjectIdentifier) string {
	for _, f := range fields {
		if f.oid.Equal(oid) {
			return f.name
		}
	}
	return "OID." + oid.String()
}

func format(list []attribute) string {
	parts := make([]string, len(list))
	for i, a := range list {
		parts[i] = a.field + "=" + quote(a.value)
	}
	return strings.Join(parts, ", ")
}

// quote puts a value into quotes where it could be misread without.
func quote(v string) string {
	if v != "" && v == strings.TrimSpace(v) && !strings.ContainsAny(v, ",+=\"\n<>#;\\") {
		return v
	}
	return `"` + strings.ReplaceAll(v, `"`, `""`) + `"`
}

// parseName reads a distinguished name; false if it is none.
func parseName(s string) ([]attribute, bool) {
	var list []attribute
	for {
		field, rest, ok := strings.Cut(s, "=")
		field = strings.ToUpper(strings.TrimSpace(field))
		if !ok || field == "" || strings.ContainsAny(field, " \",") {
			return nil, false
		}
		if name, ok := aliases[field]; ok {
			field = name
		}
		value, rest, ok := parseValue(strings.TrimLeft(rest, " "))
		if !ok {
			return nil, false
		}
		list = append(list, attribute{field, value})
		if rest == "" {
			return list, true
		}
		s = rest
	}
}

// parseValue reads a value up to the comma, which is left out of the rest. In
// quotes a comma is part of the value and "" stands for a quote.
func parseValue(s string) (value, rest string, ok bool) {
	if !strings.HasPrefix(s, `"`) {
		value, rest, _ = strings.Cut(s, ",")
		return strings.TrimSpace(value), rest, true
	}
	for i := 1; i < len(s); i++ {
		switch {
		case s[i] != '"':
		case strings.HasPrefix(s[i+1:], `"`):
			i++
		default:
			rest = strings.TrimLeft(s[i+1:], " ")
			if rest != "" && rest[0] != ',' {
				return "", "", false
			}
			return strings.ReplaceAll(s[1:i], `""`, `"`), strings.TrimPrefix(rest, ","), true
		}
	}
	return "", "", false
}

// Find returns the private key that a subject selects.
//
// An empty subject selects the only one; a *SeveralError lists the subjects
// where there are several. "*" selects the first. Any other selects the first
// whose subject or name it is, else the first whose subject or name contains
// it. Distinguished names are the same in any order of their fields and with
// or without spaces and quotes where they mean nothing.
//
// Errors are ErrEmpty, ErrNoPrivateKey, ErrNotFound, *SeveralError, or that of
// the store.
func Find(s Store, subject string) (*Key, error) {
	keys, err := s.Keys()
	if err != nil {
		return nil, err
	}
	if len(keys) == 0 {
		return nil, ErrEmpty
	}
	private := slices.DeleteFunc(slices.Clone(keys), func(k *Key) bool { return k.Signer == nil })
	switch {
	case len(private) == 0:
		return nil, because(ErrNoPrivateKey, "%d public keys or certificates are in the store", len(keys))
	case subject == "*" || subject == "" && len(private) == 1:
		return private[0], nil
	case subject == "":
		return nil, several(private)
	}
	for _, fits := range []func(*Key, string) bool{(*Key).is, (*Key).contains} {
		if i := slices.IndexFunc(private, func(k *Key) bool { return fits(k, subject) }); i >= 0 {
			return private[i], nil
		}
		if slices.ContainsFunc(keys, func(k *Key) bool { return fits(k, subject) }) {
			return nil, because(ErrNoPrivateKey, "the store has the certificate of %q alone", subject)
		}
	}
	return nil, because(ErrNotFound, "none has the subject %q", subject)
}

func several(keys []*Key) error {
	e := &SeveralError{}
	for _, k := range keys {
		e.Subjects = append(e.Subjects, k.Subject())
	}
	return e
}

// is reports whether that is the subject or the name of the key.
func (k *Key) is(subject string) bool {
	if subject == k.Name || subject == k.Subject() {
		return true
	}
	wanted, ok := parseName(subject)
	return ok && len(k.Chain) > 0 && slices.Equal(sorted(wanted), sorted(attributes(k.Chain[0])))
}

// contains reports whether that is part of the subject or of the name, or
// whether each of its fields is one of the subject's.
func (k *Key) contains(subject string) bool {
	if strings.Contains(k.Subject(), subject) || strings.Contains(k.Name, subject) {
		return true
	}
	wanted, ok := parseName(subject)
	if !ok || len(k.Chain) == 0 {
		return false
	}
	own := attributes(k.Chain[0])
	return !slices.ContainsFunc(wanted, func(a attribute) bool { return !slices.Contains(own, a) })
}

// sorted returns the fields in an order that does not depend on theirs.
func sorted(list []attribute) []attribute {
	list = slices.Clone(list)
	slices.SortFunc(list, func(a, b attribute) int {
		return strings.Compare(a.field+"="+a.value, b.field+"="+b.value)
	})
	return list
}

// FindCertificate returns the private key that cert is for, with cert as its
// certificate. Errors are those of Find.
func FindCertificate(s Store, cert *x509.Certificate) (*Key, error) {
	keys, err := s.Keys()
	if err != nil {
		return nil, err
	}
	if len(keys) == 0 {
		return nil, ErrEmpty
	}
	found := error(because(ErrNotFound, "none is for the certificate of %q", cert.Subject.String()))
	for _, k := range keys {
		switch {
		case !samePublic(k.Public, publicKey(cert)):
		case k.Signer == nil:
			found = because(ErrNoPrivateKey, "the store has the certificate of %q alone", cert.Subject.String())
		default:
			with := *k
			if len(k.Chain) == 0 || !bytes.Equal(k.Chain[0].Raw, cert.Raw) {
				with.Chain = []*x509.Certificate{cert}
			}
			return &with, nil
		}
	}
	return nil, found
}
