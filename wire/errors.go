package wire

import (
	"errors"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// ProtocolError says that the peer broke the protocol, or that what it asked
// cannot be done. Reason is what the DISCONNECT to the peer carries, so that
// what is sent and what is returned never drift apart.
type ProtocolError struct {
	Reason Reason
	Op     string // what was being done, such as "channel data"
	Err    error  // what was wrong with it
}

// Error returns "ssh: OP: what was wrong".
func (e *ProtocolError) Error() string {
	if e.Err == nil {
		return "ssh: " + e.Op + ": " + e.Reason.String()
	}
	return "ssh: " + e.Op + ": " + e.Err.Error()
}

// Unwrap returns the cause.
func (e *ProtocolError) Unwrap() error { return e.Err }

// Errorf returns a *ProtocolError with a formatted cause; %w works. Text of
// the peer goes through [Escape] first.
func Errorf(reason Reason, op, format string, args ...any) *ProtocolError {
	return &ProtocolError{Reason: reason, Op: op, Err: fmt.Errorf(format, args...)}
}

// The faults that a [Reader] finds, wrapped in a *ProtocolError.
var (
	ErrTruncated   = errors.New("message ends too early")
	ErrTrailing    = errors.New("bytes after the last field")
	ErrTooLong     = errors.New("field exceeds its limit")
	ErrTooMany     = errors.New("count exceeds its limit")
	ErrBadName     = errors.New("name is empty, too long or not printable ASCII")
	ErrBadMpint    = errors.New("mpint is negative or has redundant leading bytes")
	ErrWrongNumber = errors.New("unexpected message number")
)

// Escape returns at most limit bytes of text from the peer as a single line
// that is safe to log and to show: what is not printable, not valid UTF-8, or
// a backslash stands as a Go escape. Longer text ends in "...".
func Escape(text string, limit int) string {
	cut := len(text) > limit
	if cut {
		text = text[:limit]
	}
	var b strings.Builder
	for i := 0; i < len(text); {
		r, n := utf8.DecodeRuneInString(text[i:])
		switch {
		case r == utf8.RuneError && n <= 1:
			fmt.Fprintf(&b, `\x%02x`, text[i])
		case r == '\\':
			b.WriteString(`\\`)
		case unicode.IsPrint(r):
			b.WriteRune(r)
		case r < 0x80:
			fmt.Fprintf(&b, `\x%02x`, r)
		case r <= 0xffff:
			fmt.Fprintf(&b, `\u%04x`, r)
		default:
			fmt.Fprintf(&b, `\U%08x`, r)
		}
		i += n
	}
	if cut {
		b.WriteString("...")
	}
	return b.String()
}
