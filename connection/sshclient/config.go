package sshclient

import (
	"context"
	"log/slog"
	"net"
	"net/netip"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/hawser-ssh/hawser/connection"
	"github.com/hawser-ssh/hawser/transport"
	"github.com/hawser-ssh/hawser/transport/sshkey"
	"github.com/hawser-ssh/hawser/userauth"
)

// DefaultPort is where Dial goes when the address names no port.
const DefaultPort = "22"

// Config says how to connect. Only User, Auth and HostKey have to be set. It
// and what its fields point to is copied where a connection is made; hosts
// with the same settings can share one.
type Config struct {
	// User is the name to log in as.
	User string
	// Auth are the credentials, most wanted first; see userauth.Password,
	// userauth.PublicKeys, userauth.KeyboardInteractive and AgentKeys.
	Auth []userauth.Method
	// HostKey decides whether the server is the right one, before any
	// credential leaves. nil refuses every server.
	HostKey HostKeyPolicy

	// LearnHostKeys is given the host keys that the server says it has, the one
	// of this connection among them or not, once it has proved to own each of
	// them (OpenSSH PROTOCOL §2.5): keys to add to those that HostKey knows,
	// and the only ones to keep. Where a proof is wrong it is not called. It
	// runs at most once a connection, on a goroutine of its own that Close
	// waits for; ctx ends with the connection. nil asks for no proofs.
	LearnHostKeys func(ctx context.Context, host Host, keys []sshkey.PublicKey)

	// ForwardAgent connects to the agent that servers may use where a session
	// asked for it; see Session.ForwardAgent. Each connection of theirs is one
	// of its own, bound to this session. nil forwards none.
	ForwardAgent AgentDialer

	// Banner is given the server's message before login, if it sends one,
	// escaped but for line feeds and tabs. It runs on the goroutine that
	// connects. nil drops it.
	Banner func(text string)
	// AllowUnauthenticated accepts a server that lets us in without asking for
	// a credential; otherwise that is userauth.ErrUnproven.
	AllowUnauthenticated bool

	// Transport, Userauth and Connection are the settings of the layers below;
	// nil is their defaults. VerifyHostKey of the first, User, Methods, Banner
	// and AllowNone of the second are set from here. Handler of the third is
	// asked for what Listen, LearnHostKeys and ForwardAgent leave, such as channels of types
	// connection.TypeX11 and TypeAgent that a session asked for; nil refuses.
	Transport  *transport.Config
	Userauth   *userauth.ClientConfig
	Connection *connection.Config

	// Logger gets what all layers have to say that have none of their own in
	// the settings above; nil is silent. Never payloads, passwords or keys.
	Logger *slog.Logger

	// MaxListeners bounds what Listen asks for, and MaxBacklog how many
	// connections may wait for each listener's Accept; more are refused. 0 is
	// the default of package connection.
	MaxListeners, MaxBacklog int
	// Dialer makes the connection of Dial; nil is a net.Dialer without
	// settings.
	Dialer *net.Dialer
}

// check returns what cannot work, before anything is sent.
func (c *Config) check() error {
	if c == nil || c.HostKey == nil {
		return ErrNoHostKeyPolicy
	}
	return checkUser(c.User)
}

// checkUser refuses names that could not be names, and those that would be
// an option or a second line to a program they are handed on to.
func checkUser(user string) error {
	switch {
	case user == "":
		return &ConfigError{"User", "empty"}
	case !utf8.ValidString(user):
		return &ConfigError{"User", "not UTF-8"}
	case strings.HasPrefix(user, "-"):
		return &ConfigError{"User", "begins with -"}
	case strings.ContainsFunc(user, unicode.IsControl):
		return &ConfigError{"User", "holds a control character"}
	}
	return nil
}

// splitAddr returns host and port of "host:port", "host" or "[v6]:port".
// What cannot be the name of a host is refused.
func splitAddr(addr string) (host, port string, err error) {
	host, port, err = net.SplitHostPort(addr)
	if err != nil {
		host, port = strings.TrimSuffix(strings.TrimPrefix(addr, "["), "]"), DefaultPort
		if strings.Contains(host, ":") && !isIPv6(host) {
			return "", "", &ConfigError{"address", err.Error()}
		}
	}
	if err := checkHost(host); err != nil {
		return "", "", err
	}
	return host, port, nil
}

func isIPv6(host string) bool {
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.Is6()
}

func checkHost(host string) error {
	if host == "" {
		return &ConfigError{"address", "no host"} // net would take it for this machine
	}
	if strings.HasPrefix(host, "-") {
		return &ConfigError{"address", "host begins with -"}
	}
	bad := func(r rune) bool {
		return !unicode.IsLetter(r) && !unicode.IsDigit(r) && !unicode.IsMark(r) && !strings.ContainsRune(".-_:%", r)
	}
	if strings.ContainsFunc(host, bad) {
		return &ConfigError{"address", "host holds a character that no host name has"}
	}
	return nil
}
