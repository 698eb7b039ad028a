package userauth

import (
	"time"

	"github.com/hawser-ssh/hawser/wire"
)

// Limits of a server; each has a field in [ServerConfig].
const (
	DefaultMaxFailures  = 6    // failed requests; the one that reaches it ends the connection
	DefaultMaxRequests  = 128  // requests of any outcome, and answers to questions
	DefaultMaxPassword  = 1024 // bytes of a password or of one answer
	DefaultMaxPrompts   = 32   // prompts of one question round
	DefaultMaxUserName  = 256  // bytes of a user name
	DefaultFailureFloor = 20 * time.Millisecond
	maxInteractiveHint  = 1024 // bytes of the submethods and of the language tag
	maxLoggedName       = 64   // bytes of a peer's name in a log line
)

// Limits of a client; each has a field in [ClientConfig].
const (
	DefaultMaxRounds      = 64       // answers of the server in one authentication, banners not counted
	DefaultMaxBannerBytes = 64 << 10 // bytes of banner text that are shown, in all
	maxBanners            = 128      // banners in one authentication
	maxTextBytes          = 64 << 10 // bytes that are shown of one text of a question round
)

// serverLimits are the limits in force for one connection.
type serverLimits struct {
	failures, requests, password, prompts, user int
	floor                                       time.Duration
}

func newServerLimits(cfg *ServerConfig) serverLimits {
	l := serverLimits{
		failures: orDefault(cfg.MaxFailures, DefaultMaxFailures),
		requests: orDefault(cfg.MaxRequests, DefaultMaxRequests),
		password: orDefault(cfg.MaxPassword, DefaultMaxPassword),
		prompts:  orDefault(cfg.MaxPrompts, DefaultMaxPrompts),
		user:     orDefault(cfg.MaxUserName, DefaultMaxUserName),
		floor:    cfg.FailureFloor,
	}
	if l.floor == 0 {
		l.floor = DefaultFailureFloor
	}
	return l
}

// orDefault returns n if it is positive, else the default.
func orDefault(n, def int) int {
	if n > 0 {
		return n
	}
	return def
}

// count counts one more message that costs the server work.
func (s *server) count() error {
	if s.requests >= s.limits.requests {
		return noMoreMethods(ErrTooManyRequests)
	}
	s.requests++
	return nil
}

func noMoreMethods(cause error) error {
	return &wire.ProtocolError{Reason: wire.ReasonNoMoreAuthMethodsAvailable, Op: "userauth", Err: cause}
}

// hold delays the answer to a failed request until the time since start is a
// whole multiple of the floor. So the time says little about how the request
// failed, or whether the user exists, as long as the work differs by less than
// the floor. It returns early when ctx ends.
func (s *server) hold(start time.Time) {
	floor := s.limits.floor
	if floor <= 0 {
		return
	}
	timer := time.NewTimer(floor - time.Since(start)%floor)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-s.ctx.Done():
	}
}
