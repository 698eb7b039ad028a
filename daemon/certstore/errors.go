package certstore

import (
	"errors"
	"fmt"
	"strings"

	"github.com/hawser-ssh/hawser/wire"
)

// Errors to match with errors.Is. The texts behind them say more.
var (
	// ErrPassword says that the store or the key in it needs a password, or
	// another than the one given. Where a format cannot tell a wrong password
	// from a damaged file, it is this one too.
	ErrPassword = errors.New("certstore: wrong or missing password")
	// ErrMalformed says that the source is not, or not wholly, of the form
	// that its type says.
	ErrMalformed = errors.New("certstore: malformed key store")
	// ErrTooCostly says that opening the store would take more memory or time
	// than the limits of this package allow.
	ErrTooCostly = errors.New("certstore: key store is too large or too costly to open")
	// ErrUnsupported says that the store, or something that it uses, is not
	// built, or not on this platform.
	ErrUnsupported = errors.New("certstore: not supported")
	// ErrEmpty says that nothing is in the store.
	ErrEmpty = errors.New("certstore: the key store is empty")
	// ErrNoPrivateKey says that what was found has no private key.
	ErrNoPrivateKey = errors.New("certstore: no private key")
	// ErrNotFound says that nothing in the store has that subject, or is for
	// that certificate.
	ErrNotFound = errors.New("certstore: no such key")
)

// SeveralError says that a store has several private keys and no subject says
// which is wanted.
type SeveralError struct{ Subjects []string }

// How many subjects the text of a SeveralError repeats, and how much of each.
const (
	maxSubjects = 10
	maxSubject  = 200
)

// Error lists the subjects to choose from.
func (e *SeveralError) Error() string {
	list, more := e.Subjects, ""
	if len(list) > maxSubjects {
		list, more = list[:maxSubjects], ", ..."
	}
	quoted := make([]string, len(list))
	for i, s := range list {
		quoted[i] = "'" + wire.Escape(s, maxSubject) + "'"
	}
	return fmt.Sprintf("certstore: the key store has %d private keys, choose one by its subject: %s%s",
		len(e.Subjects), strings.Join(quoted, ", "), more)
}

// malformed returns an error that is ErrMalformed and says why.
func malformed(format string, args ...any) error { return because(ErrMalformed, format, args...) }

// because returns an error that is kind and says why.
func because(kind error, format string, args ...any) error {
	return fmt.Errorf("%w: %w", kind, fmt.Errorf(format, args...))
}
