package userauth

import (
	"context"
	"crypto/rand"
	"fmt"
	"log/slog"
	"slices"

	"github.com/hawser-ssh/hawser/wire"
)

// Method is a way to authenticate with its credentials, made by [Password],
// [PublicKeys], [KeyboardInteractive] and their like. It holds no state of a
// connection and may be used for many, at the same time too.
type Method interface {
	// Name is the name by which servers list the method.
	Name() string
	// begin returns the credentials for one authentication.
	begin() offer
}

// offer is what is left of a method's credentials in one authentication.
type offer interface {
	// next offers one credential and returns the server's answer; ok is false
	// if none was left to offer.
	next(c *client) (r reply, ok bool, err error)
}

// Authenticate requests the service ssh-userauth and logs in as cfg.User (RFC
// 4252): with each credential once, until the server says success or none is
// left that it would take. It returns nil after SUCCESS was read and the
// transport told. ctx bounds all of it.
//
// Every error has ended the transport. An *AuthError says that the server did
// not let us in and what it offers; a *wire.ProtocolError says that the server
// broke the protocol or a limit; others are those of the transport.
func Authenticate(ctx context.Context, t Transport, cfg *ClientConfig) error {
	settle := abortOnDone(ctx, t)
	c := newClient(ctx, t, cfg)
	err := settle(c.run())
	if err != nil {
		t.Abort(err)
		return err
	}
	t.SetAuthenticated()
	if c.cfg.Accepted != nil {
		c.cfg.Accepted(Acceptance{Method: c.tried[len(c.tried)-1], Partial: c.partial, Proven: c.proven})
	}
	return nil
}

// client is the state of one authentication.
type client struct {
	ctx    context.Context // of Authenticate, for callbacks
	t      Transport
	cfg    ClientConfig
	offers []offer // one for each of cfg.Methods; nil is used up

	rounds, banners, bannerBytes int

	tried    []string // methods of all requests
	partial  []string // methods that were accepted as a factor
	offered  []string // by the last FAILURE
	listed   bool     // there was one
	proven   bool     // a credential went out
	troubles []error  // why credentials could not be used
}

func newClient(ctx context.Context, t Transport, cfg *ClientConfig) *client {
	c := &client{ctx: ctx, t: t}
	if cfg != nil {
		c.cfg = *cfg
	}
	c.cfg.Methods = slices.Clone(c.cfg.Methods)
	c.cfg.MaxRounds = orDefault(c.cfg.MaxRounds, DefaultMaxRounds)
	c.cfg.MaxBannerBytes = orDefault(c.cfg.MaxBannerBytes, DefaultMaxBannerBytes)
	if c.cfg.Rand == nil {
		c.cfg.Rand = rand.Reader
	}
	if c.cfg.Logger == nil {
		c.cfg.Logger = slog.New(slog.DiscardHandler)
	}
	c.offers = make([]offer, len(c.cfg.Methods))
	for i, m := range c.cfg.Methods {
		if m != nil {
			c.offers[i] = m.begin()
		}
	}
	return c
}

func (c *client) run() error {
	r, err := c.begin()
	for err == nil && !r.success {
		r, err = c.step()
	}
	if err == nil && !c.proven && !c.cfg.AllowNone {
		err = wire.Errorf(wire.ReasonProtocolError, "userauth", "%w", ErrUnproven)
	}
	return err
}

// begin requests ssh-userauth and, unless that is to be skipped, asks by none
// which methods the server offers (RFC 4252 §5.2). Like any client that knows
// whom it talks to, it need not wait for the service before it asks (RFC 4253
// §10). The server may grant entrance to none; whether that will do is for run
// to say.
func (c *client) begin() (reply, error) {
	err := c.t.WriteReply(wire.ServiceRequest{Name: serviceUserauth}.Append(nil))
	if err == nil && !c.cfg.SkipNone {
		err = c.request(MethodNone, nil)
	}
	if err == nil {
		err = c.serviceAccepted()
	}
	if err != nil || c.cfg.SkipNone {
		return reply{}, err
	}
	return c.reply()
}

// serviceAccepted reads the answer to the request of ssh-userauth.
func (c *client) serviceAccepted() error {
	p, err := c.t.ReadPacket()
	if err != nil {
		return err
	}
	if number(p) != wire.MsgServiceAccept {
		return unexpected(p, "in answer to the request of a service")
	}
	var m wire.ServiceAccept
	if err := m.Parse(p); err != nil {
		return err
	}
	if m.Name != serviceUserauth {
		return wire.Errorf(wire.ReasonProtocolError, "userauth", "accepted service is %s", wire.Escape(m.Name, maxLoggedName))
	}
	return nil
}

// step offers the first credential that the server's list allows.
func (c *client) step() (reply, error) {
	for i, m := range c.cfg.Methods {
		if c.offers[i] == nil || c.listed && !slices.Contains(c.offered, m.Name()) {
			continue
		}
		r, ok, err := c.offers[i].next(c)
		if ok || err != nil {
			return r, err
		}
		c.offers[i] = nil
	}
	cause := ErrNoMethodLeft
	for _, trouble := range c.troubles {
		cause = fmt.Errorf("%w; %w", cause, trouble)
	}
	return reply{}, c.ended(wire.ReasonNoMoreAuthMethodsAvailable, cause)
}

// request sends a USERAUTH_REQUEST.
func (c *client) request(method string, payload []byte) error {
	name := method
	if name == methodHostBound {
		name = MethodPublicKey
	}
	c.tried = append(c.tried, name)
	p := wire.UserauthRequest{User: c.cfg.User, Service: serviceConnection, Method: method, Payload: payload}.Append(nil)
	defer clear(p)
	return c.t.WriteReply(p)
}

// reply is a server's answer to a request that may end in success.
type reply struct {
	success bool
	partial bool
}

func (c *client) reply() (reply, error) {
	p, err := c.read()
	if err != nil {
		return reply{}, err
	}
	return c.parseReply(p)
}

// parseReply reads SUCCESS or FAILURE; whoever calls it has a request open
// that either may answer.
func (c *client) parseReply(p []byte) (reply, error) {
	switch number(p) {
	case wire.MsgUserauthSuccess:
		var m wire.UserauthSuccess
		return reply{success: true}, m.Parse(p)
	case wire.MsgUserauthFailure:
		var m wire.UserauthFailure
		if err := m.Parse(p); err != nil {
			return reply{}, err
		}
		c.offered, c.listed = m.Methods.Strings(), true
		method := c.tried[len(c.tried)-1]
		if m.Partial {
			c.partial = append(c.partial, method)
		}
		c.cfg.Logger.DebugContext(c.ctx, "authentication refused", "phase", "userauth", "method", method,
			"partial", m.Partial, "offered", m.Methods.String())
		return reply{partial: m.Partial}, nil
	}
	return reply{}, unexpected(p, "in answer to a request")
}

// read returns the server's next message that is not a banner.
func (c *client) read() ([]byte, error) {
	for {
		p, err := c.t.ReadPacket()
		if err != nil {
			return nil, err
		}
		if number(p) == wire.MsgUserauthBanner {
			if err := c.banner(p); err != nil {
				return nil, err
			}
			continue
		}
		if c.rounds++; c.rounds > c.cfg.MaxRounds {
			return nil, wire.Errorf(wire.ReasonProtocolError, "userauth", "%w", ErrTooManyRounds)
		}
		return p, nil
	}
}

// failed is the end because a callback could not or would not go on.
func (c *client) failed(cause error) error { return c.ended(wire.ReasonAuthCancelledByUser, cause) }

// ended is the end without the server's breaking a rule.
func (c *client) ended(reason wire.Reason, cause error) error {
	return &AuthError{
		Tried: c.tried, Partial: c.partial, Offered: c.offered,
		Err: &wire.ProtocolError{Reason: reason, Op: "userauth", Err: cause},
	}
}

// troubled remembers why a credential could not be used.
func (c *client) troubled(err error) { c.troubles = append(c.troubles, err) }
