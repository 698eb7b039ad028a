package userauth

import (
	"errors"
	"fmt"
	"runtime/debug"
	"strings"

	"github.com/hawser-ssh/hawser/wire"
)

// Errors that Serve returns, wrapped in the *wire.ProtocolError whose reason
// the peer was told.
var (
	ErrTooManyFailures = errors.New("too many authentication failures")
	ErrTooManyRequests = errors.New("too many authentication requests")
	ErrServiceRefused  = errors.New("service not available")
)

// Errors that Authenticate returns, wrapped in a *wire.ProtocolError or an
// *AuthError.
var (
	// ErrNoMethodLeft is the end of the list: the server takes none of the
	// credentials that are left.
	ErrNoMethodLeft = errors.New("no authentication method left")
	// ErrUnproven says that the server granted a login for which it asked no
	// credential, and ClientConfig.AllowNone is not set.
	ErrUnproven = errors.New("server asked for no credential")
	// ErrTooManyRounds says that the server kept answering without an end.
	ErrTooManyRounds = errors.New("too many rounds of authentication")
	// ErrTooManyBanners says that the server sent banners without an end.
	ErrTooManyBanners = errors.New("too many banners")
	// ErrWrongPKOK says that the server's answer to the query of a key names
	// another key or algorithm (RFC 4252 §7).
	ErrWrongPKOK = errors.New("answer names another key or algorithm than the query")
	// ErrPasswordExpired says that the server wants a new password and there
	// is no callback to give one, or that it keeps asking.
	ErrPasswordExpired = errors.New("server asks for a new password")
	// ErrAnswerCount says that a callback gave another number of answers than
	// there are prompts.
	ErrAnswerCount = errors.New("number of answers differs from number of prompts")
)

// ErrSkip is returned by a client's callback that has nothing to offer: the
// next method is tried. Any other error of a callback ends the authentication.
var ErrSkip = errors.New("method skipped")

// Errors that the ask function of keyboard-interactive returns on the server.
// After any of them the exchange is over, whatever the callback returns.
var (
	// ErrAbandoned: the client began anew; this exchange gets no answer.
	ErrAbandoned = errors.New("exchange abandoned by the client")
	// ErrBadAnswers: the client's answers are not as many as the prompts, or
	// too long.
	ErrBadAnswers = errors.New("answers do not fit the prompts")
	// ErrTooManyPrompts: the callback asks more than the limit.
	ErrTooManyPrompts = errors.New("too many prompts")
	// ErrExchangeOver: ask was called again after an error.
	ErrExchangeOver = errors.New("exchange is over")
)

// AuthError says that the server let us in by none of our methods.
type AuthError struct {
	Tried   []string // names of methods in the order of their requests, from "none" on
	Partial []string // those that were accepted as one factor of several
	Offered []string // what the server would accept, by its last answer; nil where it gave none
	Err     error    // why it ended: ErrNoMethodLeft, or what a callback or signer returned
}

// Error names methods only; the server's names are made safe to show.
func (e *AuthError) Error() string {
	var b strings.Builder
	b.WriteString("userauth: not authenticated: ")
	b.WriteString(e.Err.Error())
	b.WriteString("; tried ")
	b.WriteString(listText(e.Tried))
	if len(e.Partial) > 0 {
		b.WriteString("; accepted in part ")
		b.WriteString(listText(e.Partial))
	}
	b.WriteString("; server offers ")
	b.WriteString(listText(e.Offered))
	return b.String()
}

// Unwrap returns the cause.
func (e *AuthError) Unwrap() error { return e.Err }

func listText(names []string) string {
	if len(names) == 0 {
		return "nothing"
	}
	return wire.Escape(strings.Join(names, ","), 256)
}

// PanicError says that a callback panicked. The request was denied and the
// connection ended; the process lives. Error does not show Value, which may
// hold what the peer sent.
type PanicError struct {
	Callback string // name of the field in ServerConfig
	Value    string // what was given to panic, as text
	Stack    []byte // of the panicking goroutine
}

// Error returns the name of the callback.
func (e *PanicError) Error() string { return "callback " + e.Callback + " panicked" }

// guard calls f and turns a panic into an error of the connection.
func guard(callback string, f func()) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = &wire.ProtocolError{
				Reason: wire.ReasonByApplication,
				Op:     "userauth",
				Err:    &PanicError{Callback: callback, Value: fmt.Sprint(v), Stack: debug.Stack()},
			}
		}
	}()
	f()
	return nil
}

// unexpected is the error for a message that has no place here.
func unexpected(p []byte, where string) error {
	name := "empty message"
	if len(p) > 0 {
		name = wire.Msg(p[0]).String()
	}
	return wire.Errorf(wire.ReasonProtocolError, "userauth", "unexpected %s %s", name, where)
}

// number returns the message number of p; 0, which is none, if p is empty.
func number(p []byte) wire.Msg {
	if len(p) == 0 {
		return 0
	}
	return wire.Msg(p[0])
}
