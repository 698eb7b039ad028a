package userauth

import (
	"context"
	"errors"

	"github.com/hawser-ssh/hawser/wire"
)

// password judges a password or its change (RFC 4252 §8).
func (s *server) password(req *request, a *Attempt) verdict {
	defer clear(req.payload)
	var body wire.UserauthPassword
	if err := body.Parse(req.payload); err != nil {
		return broken(err)
	}
	if reason := s.passwordFault(&body); reason != "" {
		return denied(reason)
	}
	if body.Change {
		return verdict{result: s.call("ChangePassword", func() Result {
			return s.cfg.ChangePassword(s.ctx, a, body.Password, body.NewPassword)
		})}
	}
	return verdict{result: s.call("Password", func() Result { return s.cfg.Password(s.ctx, a, body.Password) })}
}

// passwordFault returns why no callback is asked, or "". A long password is
// refused before anybody spends time on hashing it.
func (s *server) passwordFault(body *wire.UserauthPassword) string {
	switch longest := max(len(body.Password), len(body.NewPassword)); {
	case body.Change && (s.cfg.ChangePassword == nil || !s.changeOffered):
		return "change of password was not asked for"
	case longest > s.limits.password:
		return "password is too long"
	case s.cfg.AllowEmptyPassword:
		return ""
	case len(body.Password) == 0, body.Change && len(body.NewPassword) == 0:
		return "password is empty"
	}
	return ""
}

// Password is the method password. get is called once, when the server accepts
// passwords; its context is that of Authenticate. A server that asks for a new
// password ends the authentication.
func Password(get func(ctx context.Context) (string, error)) Method {
	return PasswordWithChange(get, nil)
}

// PasswordWithChange is Password with an answer to a server that asks for a
// new password (RFC 4252 §8): change is called at most once, with the server's
// text, escaped. The old password goes out again only inside that change.
func PasswordWithChange(get func(ctx context.Context) (string, error),
	change func(ctx context.Context, prompt string) (string, error)) Method {
	return passwordMethod{get: get, change: change}
}

type passwordMethod struct {
	get    func(ctx context.Context) (string, error)
	change func(ctx context.Context, prompt string) (string, error)
}

func (passwordMethod) Name() string   { return MethodPassword }
func (m passwordMethod) begin() offer { return &passwordOffer{passwordMethod: m} }

// passwordOffer is the one use of a password in one authentication.
type passwordOffer struct {
	passwordMethod
	used bool
}

func (o *passwordOffer) next(c *client) (reply, bool, error) {
	if o.used || o.get == nil {
		return reply{}, false, nil
	}
	o.used = true
	password, err := o.get(c.ctx)
	if errors.Is(err, ErrSkip) {
		return reply{}, false, nil
	}
	if err != nil {
		return reply{}, false, c.failed(err)
	}
	if err := c.sendPassword(wire.UserauthPassword{Password: []byte(password)}); err != nil {
		return reply{}, false, err
	}
	p, err := c.read()
	if err != nil {
		return reply{}, false, err
	}
	if number(p) == wire.MsgUserauthPasswdChangeReq {
		return o.changed(c, p, password)
	}
	r, err := c.parseReply(p)
	return r, true, err
}

// changed answers a request for a new password.
func (o *passwordOffer) changed(c *client, p []byte, password string) (reply, bool, error) {
	var m wire.UserauthPasswdChangeReq
	if err := m.Parse(p); err != nil {
		return reply{}, false, err
	}
	if o.change == nil {
		return reply{}, false, c.failed(ErrPasswordExpired)
	}
	changed, err := o.change(c.ctx, shown(m.Prompt))
	if err != nil {
		return reply{}, false, c.failed(err)
	}
	body := wire.UserauthPassword{Change: true, Password: []byte(password), NewPassword: []byte(changed)}
	if err := c.sendPassword(body); err != nil {
		return reply{}, false, err
	}
	if p, err = c.read(); err != nil {
		return reply{}, false, err
	}
	if number(p) == wire.MsgUserauthPasswdChangeReq {
		return reply{}, false, c.failed(ErrPasswordExpired)
	}
	r, err := c.parseReply(p)
	return r, true, err
}

func (c *client) sendPassword(body wire.UserauthPassword) error {
	c.proven = true
	payload := body.Append(nil)
	defer clear(payload)
	defer clear(body.Password)
	defer clear(body.NewPassword)
	return c.request(MethodPassword, payload)
}
