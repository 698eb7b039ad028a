package daemon

import (
	"errors"
	"io"
	"strconv"
	"syscall"

	"github.com/hawser-ssh/hawser/transport"
	"github.com/hawser-ssh/hawser/userauth"
	"github.com/hawser-ssh/hawser/wire"
)

// maxAttemptName bounds what a client calls a method, where it is shown.
const maxAttemptName = 64

// failed says why a login did not come about: the last attempt with its
// outcome and reason, where the client gave up or had its last chance. Other
// ends speak for themselves.
func (l *asker) failed(err error) error {
	if l.last == nil || !gaveUp(err) {
		return leftEarly(err)
	}
	r := l.last
	text := "client not authenticated: " + wire.Escape(r.Method, maxAttemptName) + " for " + quote(r.User) + " " + outcome(r)
	for _, limit := range []error{userauth.ErrTooManyFailures, userauth.ErrTooManyRequests} {
		if errors.Is(err, limit) {
			text += "; " + limit.Error()
		}
	}
	return newError(CodeAuthentication, text, err)
}

// outcome puts a judged attempt into words.
func outcome(r *userauth.Report) string {
	switch {
	case r.Query && r.Outcome != userauth.Deny:
		return "would do, but was not proven"
	case r.Outcome == userauth.Partial:
		return "is not enough by itself"
	case r.Reason != "" && r.Reason != reasonDenied:
		return "refused: " + r.Reason
	}
	return "refused"
}

// gaveUp reports whether the client ended a login, or was not let try again.
func gaveUp(err error) bool {
	if d, ok := errors.AsType[*transport.DisconnectError](err); ok {
		return d.Remote
	}
	if p, ok := errors.AsType[*wire.ProtocolError](err); ok && p.Reason == wire.ReasonConnectionLost {
		return true
	}
	return errors.Is(err, userauth.ErrTooManyFailures) || errors.Is(err, userauth.ErrTooManyRequests)
}

// hungUp reports whether the client closed the connection without a word, as
// reading or writing tells, whichever comes first.
func hungUp(err error) bool {
	return errors.Is(err, io.EOF) || errors.Is(err, syscall.EPIPE) || errors.Is(err, io.ErrClosedPipe)
}

// leftEarly makes an error of a connection that the client closed, without a
// word, before it had logged in.
func leftEarly(err error) error {
	if hungUp(err) {
		return newError(CodeReset, "the client left before it logged in", err)
	}
	return err
}

// left judges a connection that the client closed, without a word, after it had
// logged in: with channels that neither side had closed it is a loss, and
// otherwise how many clients end when they have nothing more to do.
func left(err error, channels int) error {
	switch _, known := errors.AsType[*Error](err); {
	case known || !hungUp(err):
		return err
	case channels == 0:
		return nil
	}
	return newError(CodeReset, "the client left, channels open: "+strconv.Itoa(channels), err)
}
