package sshkey

import (
	"encoding/base64"
	"fmt"
	"strings"
	"unicode/utf8"
)

// The public key file of RFC 4716 §3.
const (
	rfc4716Begin = "---- BEGIN SSH2 PUBLIC KEY ----\n"
	rfc4716End   = "---- END SSH2 PUBLIC KEY ----\n"
	rfc4716Line  = 70   // characters a line; the RFC allows 72
	rfc4716Value = 1024 // bytes of a header's value
)

// MarshalRFC4716 returns a public key in the form of RFC 4716, which commercial
// servers and many programs exchange keys in. An empty comment is left out; one
// that has control characters, is not UTF-8 or has more than 1022 bytes is an
// error.
func MarshalRFC4716(key PublicKey, comment string) ([]byte, error) {
	b := []byte(rfc4716Begin)
	if comment != "" {
		value := `"` + comment + `"` // the quotation marks are no part of it
		if len(value) > rfc4716Value || !utf8.ValidString(comment) || strings.ContainsFunc(comment, isControl) {
			return nil, fmt.Errorf("sshkey: comment does not fit into a header of RFC 4716")
		}
		b = appendHeader(b, "Comment: "+value)
	}
	text := base64.StdEncoding.AppendEncode(nil, key.Marshal())
	return append(appendLines(b, text, rfc4716Line), rfc4716End...), nil
}

// appendHeader appends a header, with a backslash where a line goes on (§3.3).
// Characters are left whole, so that each line is UTF-8.
func appendHeader(b []byte, header string) []byte {
	for len(header) > rfc4716Line {
		n := rfc4716Line - 1
		for !utf8.RuneStart(header[n]) {
			n--
		}
		b = append(append(b, header[:n]...), "\\\n"...)
		header = header[n:]
	}
	return append(append(b, header...), '\n')
}
