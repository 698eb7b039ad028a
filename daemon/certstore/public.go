package certstore

import (
	"bytes"
	"encoding/base64"
	"strings"

	"github.com/hawser-ssh/hawser/transport/sshkey"
)

// Public keys as SSH programs write them: lines as in authorized_keys, the
// blocks of RFC 4716, or the blob alone.

const (
	rfc4716Begin   = "---- BEGIN SSH2 PUBLIC KEY ----"
	rfc4716End     = "---- END SSH2 PUBLIC KEY ----"
	rfc4716Private = "---- BEGIN SSH2 ENCRYPTED PRIVATE KEY ----" // of ssh.com's programs
)

// parseSSHPublic reads any of them.
func parseSSHPublic(in *input) ([]*Key, error) {
	switch {
	case bytes.Contains(in.data, []byte(rfc4716Private)):
		return nil, because(ErrUnsupported, "private keys of ssh.com: ssh-keygen -i converts those without a password")
	case bytes.Contains(in.data, []byte(rfc4716Begin)):
		return parseRFC4716(in)
	case isBlob(in.data):
		var c collector
		if err := c.add(publicBlob("", in.data)); err != nil {
			return nil, err
		}
		return c.finish()
	}
	return parseLines(in)
}

// isBlob reports whether data can be a key blob: all have names shorter than
// 256 bytes.
func isBlob(data []byte) bool { return len(data) > 4 && data[0] == 0 && data[1] == 0 && data[2] == 0 }

// parseLines reads a public key on each line.
func parseLines(in *input) ([]*Key, error) {
	lines, warnings, err := accepted.ParseAuthorizedKeys(bytes.NewReader(in.data))
	if err != nil {
		return nil, malformed("%w", err)
	}
	if len(lines) == 0 && len(warnings) > 0 {
		return nil, malformed("no public key: %s", warnings[0].Text)
	}
	var c collector
	for _, l := range lines {
		if err := c.add(publicOnly(l.Comment, l.Key)); err != nil {
			return nil, err
		}
	}
	return c.finish()
}

// parseRFC4716 reads blocks of RFC 4716 §3.
func parseRFC4716(in *input) ([]*Key, error) {
	var c collector
	rest := string(in.data)
	for {
		_, after, ok := strings.Cut(rest, rfc4716Begin)
		if !ok {
			return c.finish()
		}
		body, end, ok := strings.Cut(after, rfc4716End)
		if !ok {
			return nil, malformed("the end of the public key is missing")
		}
		comment, text := cutHeaders(body)
		blob, err := base64.StdEncoding.DecodeString(text)
		if err != nil {
			return nil, malformed("public key: %w", err)
		}
		if err := c.add(publicBlob(comment, blob)); err != nil {
			return nil, err
		}
		rest = end
	}
}

// cutHeaders returns the comment and the base64 behind the headers, which go
// on in the next line where one ends with a backslash.
func cutHeaders(body string) (comment, text string) {
	var header string
	var b strings.Builder
	for line := range strings.Lines(body) {
		line = strings.TrimSpace(line)
		if header == "" && !strings.Contains(line, ":") {
			b.WriteString(line)
			continue
		}
		var more bool
		line, more = strings.CutSuffix(line, `\`)
		if header += line; more {
			continue
		}
		tag, value, _ := strings.Cut(header, ":")
		if strings.EqualFold(tag, "Comment") {
			comment = strings.Trim(strings.TrimSpace(value), `"`)
		}
		header = ""
	}
	return comment[:min(len(comment), sshkey.MaxKeyComment)], b.String()
}
