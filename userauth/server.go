package userauth

import (
	"context"
	"slices"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/hawser-ssh/hawser/wire"
)

// Serve authenticates the client at the other end of t (RFC 4252), starting
// with its request of the service ssh-userauth. It returns after SUCCESS was
// queued and the transport told. ctx bounds all of it: the login grace time.
//
// Every error has ended the transport: the reason in a *wire.ProtocolError is
// the one that the client was told. Other errors are those of the transport.
func Serve(ctx context.Context, t Transport, cfg *ServerConfig) (*Login, error) {
	settle := abortOnDone(ctx, t)
	inner, cancel := context.WithCancel(ctx)
	s := newServer(inner, t, cfg)
	login, err := s.run()
	cancel()
	if err = settle(err); err == nil {
		err = s.succeed()
	}
	if err != nil {
		t.Abort(err)
		return nil, err
	}
	return login, nil
}

// server is the state of one connection until it is authenticated.
type server struct {
	ctx      context.Context // ends when Serve returns
	t        Transport
	cfg      ServerConfig
	limits   serverLimits
	progress progress

	user          string // of the last request; empty if nobody can have its name
	named         string // the name in the last request, cut to the limit, for reports
	requests      int
	failures      int
	greeted       bool   // the banner's turn is over
	changeOffered bool   // user was asked for a new password
	pending       []byte // request that ended an exchange of questions, a view
	panicked      error  // of the last callback
}

func newServer(ctx context.Context, t Transport, cfg *ServerConfig) *server {
	s := &server{ctx: ctx, t: t, cfg: cfg.clone()}
	s.limits = newServerLimits(&s.cfg)
	s.progress = progress{chains: s.cfg.Chains, configured: s.cfg.configured()}
	return s
}

func (s *server) run() (*Login, error) {
	if err := s.service(); err != nil {
		return nil, err
	}
	for {
		p, err := s.next()
		if err != nil {
			return nil, err
		}
		if number(p) != wire.MsgUserauthRequest {
			return nil, unexpected(p, "before authentication")
		}
		login, err := s.request(p)
		if login != nil || err != nil {
			return login, err
		}
	}
}

// service grants ssh-userauth and nothing else (RFC 4253 §10).
func (s *server) service() error {
	p, err := s.t.ReadPacket()
	if err != nil {
		return err
	}
	if number(p) != wire.MsgServiceRequest {
		return unexpected(p, "before the request of a service")
	}
	var m wire.ServiceRequest
	if err := m.Parse(p); err != nil {
		return err
	}
	granted := m.Name == serviceUserauth
	if granted && s.cfg.ServiceRequest != nil {
		granted = false
		err := guard("ServiceRequest", func() { granted = s.cfg.ServiceRequest(s.ctx, m.Name) })
		if err != nil {
			return err
		}
	}
	if !granted {
		return wire.Errorf(wire.ReasonServiceNotAvailable, "userauth", "%w: %s", ErrServiceRefused, wire.Escape(m.Name, maxLoggedName))
	}
	return s.write(wire.ServiceAccept{Name: serviceUserauth})
}

// next returns the request that ended an exchange of questions, or reads one.
func (s *server) next() ([]byte, error) {
	if p := s.pending; p != nil {
		s.pending = nil
		return p, nil
	}
	return s.t.ReadPacket()
}

// message is a message of wire.
type message interface{ Append(b []byte) []byte }

func (s *server) write(m message) error { return s.t.WriteReply(m.Append(nil)) }

// request judges one USERAUTH_REQUEST and answers it.
func (s *server) request(p []byte) (*Login, error) {
	req, err := parseRequest(p)
	if err != nil {
		return nil, err
	}
	start := time.Now()
	if err := s.count(); err != nil {
		return nil, err
	}
	if string(req.service) != serviceConnection {
		return nil, wire.Errorf(wire.ReasonServiceNotAvailable, "userauth", "%w: %s", ErrServiceRefused, wire.Escape(cut(req.service), maxLoggedName))
	}
	s.bind(&req)
	a := s.attempt(&req)
	if err := s.greet(a); err != nil {
		return nil, err
	}
	v := s.judge(&req, a)
	if v.err == nil {
		v.err = s.panicked
	}
	if v.err == nil && s.ctx.Err() != nil {
		v.err = contextError(s.ctx)
	}
	return s.answer(&v, a, start)
}

// bind ties the state to the request's user: under another name, nothing has
// succeeded yet.
func (s *server) bind(req *request) {
	user := ""
	if req.fault = userFault(req.user, s.limits.user); req.fault == "" {
		user = string(req.user)
	}
	if user != s.user || user == "" {
		s.progress.reset()
		s.changeOffered = false
	}
	s.user, s.named = user, string(req.user[:min(len(req.user), s.limits.user)])
}

// userFault returns why no account can have this name, or "". Such requests
// fail like those of an unknown user, without a callback that might use the
// name in a path or a log.
func userFault(user []byte, limit int) string {
	switch {
	case len(user) == 0:
		return "user name is empty"
	case len(user) > limit:
		return "user name is too long"
	case !utf8.Valid(user):
		return "user name is not UTF-8"
	case slices.ContainsFunc([]rune(string(user)), unicode.IsControl):
		return "user name has control characters"
	}
	return ""
}

func (s *server) attempt(req *request) *Attempt {
	return &Attempt{
		User:      s.user,
		Service:   serviceConnection,
		Method:    req.method,
		SessionID: slices.Clone(s.t.SessionID()),
		Requests:  s.requests,
		Failures:  s.failures,
		Steps:     slices.Clone(s.progress.steps),
	}
}

// greet sends the banner, once, before the first answer (RFC 4252 §5.4).
func (s *server) greet(a *Attempt) error {
	if s.greeted || s.cfg.Banner == nil {
		return nil
	}
	s.greeted = true
	var text string
	if err := guard("Banner", func() { text = s.cfg.Banner(s.ctx, a) }); err != nil || text == "" {
		return err
	}
	return s.t.WriteControl(wire.UserauthBanner{Message: text}.Append(nil)) // the verdict may take its time
}

// judge finds the method and lets it judge. What it may cost and what it
// answers does not depend on whether the user exists.
func (s *server) judge(req *request, a *Attempt) verdict {
	if req.fault != "" {
		return denied(req.fault)
	}
	name := req.method
	if name == methodHostBound {
		name = MethodPublicKey
	}
	if !s.progress.allows(name) {
		return denied("method is not offered")
	}
	a.Method = name
	switch req.method {
	case MethodNone:
		return s.none(a)
	case MethodPublicKey:
		return s.publicKey(req, a)
	case methodHostBound:
		a.HostBound = true
		return s.publicKey(req, a)
	case MethodPassword:
		return s.password(req, a)
	case MethodInteractive:
		return s.interactive(req, a)
	case MethodHostBased:
		return s.hostBased(req, a)
	}
	return denied("method is not offered")
}

// call asks a callback; a panic denies and ends the connection.
func (s *server) call(name string, f func() Result) (r Result) {
	if s.panicked = guard(name, func() { r = f() }); s.panicked != nil {
		return Result{}
	}
	return r
}

// succeed tells the client and the transport.
func (s *server) succeed() error {
	if err := s.write(wire.UserauthSuccess{}); err != nil {
		return err
	}
	s.t.SetAuthenticated()
	return nil
}
