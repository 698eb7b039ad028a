package certstore

import (
	"bytes"
	"encoding/binary"
)

// parseAny tells by the contents what a store is.
func parseAny(in *input) ([]*Key, error) {
	data := bytes.TrimSpace(in.data)
	switch {
	case len(data) == 0:
		return nil, malformed("it is empty")
	case len(data) >= 4 && isJavaMagic(binary.BigEndian.Uint32(data)):
		return parseJKS(in)
	case hasPEM(data) && (bytes.Contains(data, []byte("BEGIN PKCS7-----")) || bytes.Contains(data, []byte("BEGIN CMS-----"))):
		return parseP7B(in)
	case hasPEM(data):
		return parsePEM(in)
	case bytes.HasPrefix(data, []byte(ppkMark)):
		return parsePPK(in)
	case data[0] == '<':
		return parseXML(in)
	case data[0] == '{', data[0] == '[', bytes.HasPrefix(data, []byte(jweMark)):
		return parseJWK(in)
	case looksDER(data):
		return parseDER(in)
	}
	return parseSSHPublic(in)
}

func isJavaMagic(v uint32) bool { return v == jksMagic || v == jceksMagic }

// looksDER reports whether data begins with a sequence and its length. One of
// 128 bytes or more cannot be text.
func looksDER(data []byte) bool {
	b := ber{in: data}
	tag, n, err := b.header()
	return data[0] == 0x30 && (err == nil && len(tag) == 1 && n == len(b.in) || len(data) > 1 && data[1] >= lengthIndefinite)
}
