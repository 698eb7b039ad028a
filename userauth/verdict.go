package userauth

import (
	"cmp"
	"log/slog"
	"slices"
	"time"

	"github.com/hawser-ssh/hawser/transport/sshkey"
	"github.com/hawser-ssh/hawser/wire"
)

// verdict is what a method makes of a request.
type verdict struct {
	result    Result
	step      Step               // what succeeds if result says so
	query     *wire.UserauthPKOK // the answer to the query of a key, if result accepts
	abandoned bool               // no answer: the client went on to another request
	err       error              // ends the connection
}

func denied(reason string) verdict { return verdict{result: Result{Reason: reason}} }
func broken(err error) verdict     { return verdict{err: err} }

// answer sends what the verdict calls for; a Login is returned instead of
// SUCCESS, which is for Serve to send.
func (s *server) answer(v *verdict, a *Attempt, start time.Time) (*Login, error) {
	switch {
	case v.err != nil:
		s.report(v, a, Deny)
		return nil, v.err
	case v.abandoned:
		return nil, s.report(v, a, Deny)
	case v.query != nil && (v.result.Outcome == Accept || v.result.Outcome == Partial):
		return nil, s.invite(v, a)
	case v.result.Outcome == Accept, v.result.Outcome == Partial:
		return s.advance(v, a)
	case v.result.Outcome == ChangePassword && a.Method == MethodPassword && s.cfg.ChangePassword != nil:
		return nil, s.demandChange(v, a)
	}
	return nil, s.fail(v, a, start)
}

// invite answers the query of a key.
func (s *server) invite(v *verdict, a *Attempt) error {
	s.changeOffered = false
	if err := s.report(v, a, Accept); err != nil {
		return err
	}
	return s.write(v.query)
}

// advance records a factor: the last one is the login, any other is a FAILURE
// with partial success (RFC 4252 §5.1).
func (s *server) advance(v *verdict, a *Attempt) (*Login, error) {
	s.changeOffered = false
	v.step.Method, v.step.HostBound = a.Method, a.HostBound
	v.step.Permissions = v.result.Permissions
	if s.progress.add(v.step, &v.result) {
		if err := s.report(v, a, Accept); err != nil {
			return nil, err
		}
		return &Login{
			Step: v.step, User: s.user, Service: serviceConnection,
			Steps: slices.Clone(s.progress.steps), Failures: s.failures, Requests: s.requests,
		}, nil
	}
	if err := s.report(v, a, Partial); err != nil {
		return nil, err
	}
	return nil, s.write(wire.UserauthFailure{Methods: wire.NewNameList(s.progress.offered()...), Partial: true})
}

// demandChange asks for a new password (RFC 4252 §8).
func (s *server) demandChange(v *verdict, a *Attempt) error {
	s.changeOffered = true
	if err := s.report(v, a, ChangePassword); err != nil {
		return err
	}
	return s.write(wire.UserauthPasswdChangeReq{Prompt: v.result.Prompt})
}

// fail answers FAILURE, or ends the connection when it is one too many. The
// first none is how clients ask for the list and is free.
func (s *server) fail(v *verdict, a *Attempt, start time.Time) error {
	s.changeOffered = false
	if a.Method != MethodNone || s.requests > 1 {
		s.failures++
	}
	if err := s.report(v, a, Deny); err != nil {
		return err
	}
	if a.Method != MethodNone || s.cfg.None != nil {
		s.hold(start)
	}
	if s.ctx.Err() != nil {
		return contextError(s.ctx)
	}
	if s.failures >= s.limits.failures {
		return noMoreMethods(ErrTooManyFailures)
	}
	methods := v.result.Methods
	if methods == nil {
		methods = s.progress.offered()
	}
	return s.write(wire.UserauthFailure{Methods: wire.NewNameList(methods...)})
}

// report tells Observe and the log. It has no effect on what the client sees,
// unless Observe panics.
func (s *server) report(v *verdict, a *Attempt, outcome Outcome) error {
	r := Report{
		User: s.named, Method: a.Method, Query: v.query != nil, Outcome: outcome,
		Reason: v.result.Reason, Key: v.step.Key, Algorithm: v.step.Algorithm,
		Err: v.err, Requests: s.requests, Failures: s.failures,
	}
	if v.abandoned {
		r.Reason = cmp.Or(r.Reason, ErrAbandoned.Error())
	}
	if outcome == Deny {
		r.Reason = cmp.Or(r.Reason, "denied by callback")
	}
	s.log(&r)
	if s.cfg.Observe == nil {
		return nil
	}
	return guard("Observe", func() { s.cfg.Observe(s.ctx, &r) })
}

func (s *server) log(r *Report) {
	level := slog.LevelInfo
	if r.Query {
		level = slog.LevelDebug
	}
	if !s.cfg.Logger.Enabled(s.ctx, level) {
		return
	}
	attrs := []slog.Attr{
		slog.String("phase", "userauth"), slog.String("user", wire.Escape(r.User, maxLoggedName)),
		slog.String("method", wire.Escape(r.Method, maxLoggedName)), slog.Bool("query", r.Query),
		slog.String("outcome", r.Outcome.String()), slog.String("reason", r.Reason), slog.Int("failures", r.Failures),
	}
	if r.Key != nil {
		attrs = append(attrs, slog.String("key", sshkey.Fingerprint(r.Key)))
	}
	if r.Err != nil {
		attrs = append(attrs, slog.String("error", r.Err.Error()))
	}
	s.cfg.Logger.LogAttrs(s.ctx, level, "authentication request", attrs...)
}
