package connection

import (
	"context"
	"encoding/hex"
	"strings"

	"github.com/hawser-ssh/hawser/wire"
)

// Channel types that a server opens for what a session asked to have forwarded:
// X11 clients (RFC 4254 §6.3.2) and programs that use the client's agent.
const (
	TypeX11   = "x11"
	TypeAgent = "auth-agent@openssh.com"
)

// X11 asks for X11 forwarding (RFC 4254 §6.3.1): connections of X11 clients
// where the session's program runs become channels of type TypeX11.
type X11 struct {
	Single   bool   // no more than one connection
	Protocol string // of authentication, such as MIT-MAGIC-COOKIE-1: letters, digits, "-"
	Cookie   []byte // what X11 clients have to present; not the one of the real display
	Screen   uint32 // number
}

func (*X11) sessionRequest() {}

// AgentForwarding asks to have the client's agent within reach of the session's
// program: connections to it become channels of type TypeAgent.
type AgentForwarding struct{}

func (AgentForwarding) sessionRequest() {}

// RequestX11 asks for X11 forwarding and waits for the answer. The Handler
// then gets opens of type TypeX11; see ParseX11Open.
func (c *Channel) RequestX11(ctx context.Context, x *X11) error {
	msg := wire.X11Req{SingleConnection: x.Single, Protocol: x.Protocol, Cookie: hex.EncodeToString(x.Cookie), Screen: x.Screen}
	return c.require(ctx, reqX11, msg.Append(nil))
}

// RequestAgent asks for agent forwarding and waits for the answer. The Handler
// then gets opens of type TypeAgent.
func (c *Channel) RequestAgent(ctx context.Context) error { return c.require(ctx, reqAgent, nil) }

// ParseX11Open reads the parameters of an open of type TypeX11: where the X11
// client's connection comes from.
func ParseX11Open(extra []byte) (wire.X11Open, error) {
	var msg wire.X11Open
	if err := msg.Parse(extra); err != nil {
		return msg, err
	}
	return msg, checkPort("originator port", msg.OriginPort)
}

func (t *SessionTracker) admitX11(r *Request) (SessionRequest, error) {
	var msg wire.X11Req
	if err := msg.Parse(r.Payload); err != nil {
		return nil, err
	}
	switch {
	case t.state != programNone || t.x11:
		return nil, &SessionError{r.Type, "too late or twice"}
	case len(msg.Cookie) > 2*t.limits.MaxX11Cookie || msg.Screen > t.limits.MaxX11Screen:
		return nil, &SessionError{r.Type, "cookie too long or no such screen"}
	case !plainName(msg.Protocol):
		return nil, &SessionError{r.Type, "unusable protocol name"}
	}
	cookie, err := hex.DecodeString(msg.Cookie)
	if err != nil || len(cookie) == 0 {
		return nil, &SessionError{r.Type, "the cookie is not in hexadecimal"} // what it is instead may be half a secret
	}
	t.x11 = true
	return &X11{Single: msg.SingleConnection, Protocol: msg.Protocol, Cookie: cookie, Screen: msg.Screen}, nil
}

// plainName reports whether an authentication protocol's name may stand in an
// authority file and in a log.
func plainName(name string) bool {
	return name != "" && len(name) <= maxRequestName &&
		strings.Trim(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-") == ""
}

func (t *SessionTracker) admitAgent(r *Request) (SessionRequest, error) {
	switch {
	case len(r.Payload) > 0:
		return nil, &SessionError{r.Type, "has fields"}
	case t.state != programNone:
		return nil, &SessionError{r.Type, "after the program"}
	}
	return AgentForwarding{}, nil
}
