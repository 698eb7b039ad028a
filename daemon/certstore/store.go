package certstore

import (
	"bytes"
	"crypto"
	"crypto/x509"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"strings"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"
)

// Store is a key store that has been opened.
type Store interface {
	// Keys returns what is in the store, in its order. What it refers to must
	// not be changed. Where the keys are on a token they are asked for anew.
	Keys() ([]*Key, error)
	// Close ends the session with a token or a system's store; signers of its
	// keys fail then. It has no effect on what came from a file.
	io.Closer
}

// Key is a private key, or the public half of one.
type Key struct {
	// Name is what the store calls it: an alias, a friendly name or a comment.
	// It may be empty.
	Name string
	// Signer signs with the private key. It is nil where the store has only
	// the public half.
	Signer crypto.Signer
	// Public is the public half, of a type that sshkey.NewPublicKey takes.
	Public crypto.PublicKey
	// Chain is the certificate for the key, then those that certify one
	// another as far as the store has them. It is empty for a plain key.
	Chain []*x509.Certificate
}

// Open opens a store. source is, as t says, the name of a file, what is in it,
// or the name of a system's store; password is the one of the store and of the
// keys in it, and not looked at where there is none to give. Neither is kept,
// but for the PIN of a token, until Close.
//
// Errors to match are ErrPassword, ErrMalformed, ErrTooCostly, ErrUnsupported,
// and for a file those of io/fs. A store without keys is no error.
func Open(t Type, source []byte, password string) (Store, error) {
	k := lookup(t)
	switch {
	case k == nil:
		return nil, because(ErrUnsupported, "key stores of %v", t)
	case k.open != nil:
		return k.open(source, password)
	}
	data, err := k.read(source)
	if err != nil {
		return nil, err
	}
	return parse(k, data, password)
}

// Parse opens a store whose contents are data, of whatever form they are. It
// is Open with Auto, but no file is read.
func Parse(data []byte, password string) (Store, error) {
	return parse(lookup(Auto), data, password)
}

func parse(k *kind, data []byte, password string) (Store, error) {
	if len(data) > MaxStore {
		return nil, because(ErrTooCostly, "%d bytes, at most %d are read", len(data), MaxStore)
	}
	keys, err := k.parse(&input{data: plain(data), password: password, iterations: MaxIterations})
	if err != nil {
		return nil, err
	}
	return memory(keys), nil
}

// memory is a store that has been read as a whole.
type memory []*Key

func (m memory) Keys() ([]*Key, error) { return slices.Clone(m), nil }
func (m memory) Close() error          { return nil }

// input is what a parser reads.
type input struct {
	data       []byte
	password   string
	iterations int // what is left of MaxIterations

	nullPassword bool // PKCS #12 derives keys from no password, not from an empty one
	bouncy       bool // scrypt is as in BCFKS
}

// read returns the contents of the store. For either, base64 and long text are
// contents where they are not the name of a file.
func (k *kind) read(source []byte) ([]byte, error) {
	switch {
	case k.place == inBlob, k.place == inEither && !isFileName(source):
		return source, nil
	case !isFileName(source):
		return nil, malformed("%v, but the store is not the name of a file", k.t)
	}
	data, err := readFile(string(source))
	if err != nil && k.place == inEither && !errors.Is(err, ErrTooCostly) && (isBase64(source) || len(source) > maxShownName) {
		return source, nil
	}
	return data, err
}

// maxFileName is how long a source may be to be tried as the name of a file.
const maxFileName = 4096

// isFileName reports whether source can be the name of a file: a key in text
// has lines, braces or tags, a key in binary has other bytes.
func isFileName(source []byte) bool {
	return len(source) > 0 && len(source) < maxFileName && utf8.Valid(source) &&
		!bytes.ContainsFunc(source, unicode.IsControl) && !bytes.ContainsAny(source, "<{") &&
		!bytes.HasPrefix(source, []byte("ssh-")) && !bytes.HasPrefix(source, []byte("ecdsa-sha2-"))
}

// readFile reads a file of at most MaxStore bytes.
func readFile(name string) ([]byte, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, openError(name, err)
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, MaxStore+1))
	if len(data) > MaxStore {
		return nil, because(ErrTooCostly, "%s has more than %d bytes", name, MaxStore)
	}
	return data, err
}

// openError repeats the name unless it is so long that it may be a key.
func openError(name string, err error) error {
	if path, ok := errors.AsType[*fs.PathError](err); ok && len(name) > maxShownName {
		err = path.Err
	}
	return fmt.Errorf("certstore: %w", err)
}

// maxShownName is how long a name may be to be repeated in an error.
const maxShownName = 255

func isBase64(source []byte) bool { _, ok := unbase64(source); return ok }

// unbase64 decodes base64 with spaces and line ends in it.
func unbase64(source []byte) ([]byte, bool) {
	compact := strings.Join(strings.Fields(string(source)), "")
	data, err := base64.StdEncoding.DecodeString(compact)
	return data, err == nil && len(data) > 0
}

// plain takes off what editors and the mail put around a store: base64, a byte
// order mark, and UTF-16, which Windows writes.
func plain(data []byte) []byte {
	if inner, ok := unbase64(data); ok {
		data = inner
	}
	if len(data) < 2 {
		return data
	}
	switch mark := [2]byte(data); mark {
	case [2]byte{0xff, 0xfe}:
		data = fromUTF16(data[2:], binary.LittleEndian)
	case [2]byte{0xfe, 0xff}:
		data = fromUTF16(data[2:], binary.BigEndian)
	}
	return bytes.TrimPrefix(data, []byte("\xef\xbb\xbf"))
}

func fromUTF16(b []byte, order binary.ByteOrder) []byte {
	units := make([]uint16, len(b)/2)
	for i := range units {
		units[i] = order.Uint16(b[2*i:])
	}
	return []byte(string(utf16.Decode(units)))
}
