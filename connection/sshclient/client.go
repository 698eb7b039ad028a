package sshclient

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"runtime/debug"
	"slices"
	"strconv"
	"sync/atomic"

	"github.com/hawser-ssh/hawser/connection"
	"github.com/hawser-ssh/hawser/kex"
	"github.com/hawser-ssh/hawser/transport"
	"github.com/hawser-ssh/hawser/transport/sshkey"
	"github.com/hawser-ssh/hawser/userauth"
	"github.com/hawser-ssh/hawser/wire"
)

// Client is an authenticated connection to a server. Its methods may be called
// from any goroutine.
type Client struct {
	t        *transport.Conn
	mux      *connection.Mux
	forwards connection.RemoteForwards
	learner  learner
	agents   agentForwarder
	closing  atomic.Bool
	user     string
	accepted userauth.Acceptance // fixed once there is a Client
	done     chan struct{}       // closed when the reader has ended
	err      error               // why it did; read after done
}

// Dial connects to addr, "host:port" or "host", on a network that net.Dialer
// knows, and logs in. ctx bounds all of it.
func Dial(ctx context.Context, network, addr string, cfg *Config) (*Client, error) {
	if err := cfg.check(); err != nil {
		return nil, err
	}
	target := addr
	if network != "unix" {
		host, port, err := splitAddr(addr)
		if err != nil {
			return nil, err
		}
		target = net.JoinHostPort(host, port)
	}
	var d net.Dialer
	if cfg.Dialer != nil {
		d = *cfg.Dialer
	}
	nc, err := d.DialContext(ctx, network, target)
	if err != nil {
		return nil, err
	}
	return NewClient(ctx, nc, addr, cfg)
}

// NewClient logs in over nc, which it takes: it is closed with the client and
// after an error. addr is the server's "host:port" or "host", for the host key
// policy. ctx bounds the key exchange and the login.
func NewClient(ctx context.Context, nc net.Conn, addr string, cfg *Config) (*Client, error) {
	c := &Client{done: make(chan struct{})}
	if err := c.connect(ctx, nc, addr, cfg); err != nil {
		if c.t != nil {
			c.t.Close() // after the reason has left
		}
		nc.Close()
		return nil, err
	}
	cc := connection.Config{}
	if cfg.Connection != nil {
		cc = *cfg.Connection
	}
	c.agents.start(c.t, cfg.ForwardAgent, cc.Handler)
	c.learner.learn, c.learner.client, c.learner.next = cfg.LearnHostKeys, c, &c.agents
	setLogger(&cc.Logger, cfg.Logger)
	cc.Handler = &c.forwards
	c.forwards.Next = &c.learner
	c.forwards.MaxListeners, c.forwards.MaxBacklog = cfg.MaxListeners, cfg.MaxBacklog
	c.mux = connection.New(c.t, wire.Client, &cc)
	go c.read()
	return c, nil
}

// connect does what comes before the connection protocol, on the caller's
// goroutine.
func (c *Client) connect(ctx context.Context, nc net.Conn, addr string, cfg *Config) error {
	if err := cfg.check(); err != nil {
		return err
	}
	host, err := newHost(addr, nc.RemoteAddr())
	if err != nil {
		return err
	}
	tc, err := transportConfig(cfg, host)
	if err != nil {
		return err
	}
	c.t = transport.Client(nc, tc)
	if err := c.t.Handshake(ctx); err != nil {
		return err
	}
	c.learner.host = host
	uc := userauth.ClientConfig{}
	if cfg.Userauth != nil {
		uc = *cfg.Userauth
	}
	uc.User, uc.Methods = cfg.User, cfg.Auth
	uc.Banner, uc.AllowNone = cfg.Banner, cfg.AllowUnauthenticated
	setLogger(&uc.Logger, cfg.Logger)
	c.noteAccepted(&uc)
	agents := &agentSession{t: c.t}
	defer agents.close()
	return userauth.Authenticate(context.WithValue(ctx, agentSessionKey{}, agents), c.t, &uc)
}

// setLogger gives a layer that has no logger the caller's.
func setLogger(layer **slog.Logger, l *slog.Logger) {
	if *layer == nil {
		*layer = l
	}
}

// newHost describes the server for the policy. The address of a Unix socket,
// which has no host, stands for itself.
func newHost(addr string, remote net.Addr) (Host, error) {
	if remote != nil && remote.Network() == "unix" {
		if name, port, err := splitAddr(addr); err == nil {
			return numberedHost(name, port, remote)
		}
		return Host{Name: addr, Remote: remote}, nil
	}
	name, port, err := splitAddr(addr)
	if err != nil {
		return Host{}, err
	}
	return numberedHost(name, port, remote)
}

func numberedHost(name, port string, remote net.Addr) (Host, error) {
	n, err := strconv.ParseUint(port, 10, 16)
	if err != nil {
		p, err := net.LookupPort("tcp", port)
		if err != nil {
			return Host{}, &ConfigError{"address", "port is neither a number nor a known service"}
		}
		n = uint64(p)
	}
	return Host{Name: name, Port: int(n), Remote: remote}, nil
}

// transportConfig returns the caller's settings with the policy built in:
// algorithms of known keys go first, in the order they already have.
func transportConfig(cfg *Config, host Host) (*transport.Config, error) {
	tc := new(transport.Config)
	if cfg.Transport != nil {
		*tc = *cfg.Transport
	}
	setLogger(&tc.Logger, cfg.Logger)
	known, err := cfg.HostKey.Algorithms(host)
	if err != nil {
		return nil, fmt.Errorf("sshclient: host key policy: %w", err)
	}
	names := tc.HostKeyAlgorithms
	if names == nil {
		names = sshkey.DefaultAlgorithms()
	}
	names = slices.Clone(names)
	slices.SortStableFunc(names, func(a, b string) int {
		return unknown(known, a) - unknown(known, b)
	})
	tc.HostKeyAlgorithms = names
	tc.VerifyHostKey = func(ctx context.Context, key sshkey.PublicKey) error {
		return checkHostKey(ctx, cfg.HostKey, host, key)
	}
	return tc, nil
}

func unknown(known []string, name string) int {
	if slices.Contains(known, name) {
		return 0
	}
	return 1
}

// checkHostKey asks the policy. A panic there must not be taken for trust, nor
// end the process that connects.
func checkHostKey(ctx context.Context, policy HostKeyPolicy, host Host, key sshkey.PublicKey) (err error) {
	answered := false
	defer func() {
		if answered {
			return
		}
		if v := recover(); v != nil {
			err = &connection.PanicError{Text: fmt.Sprint(v), Stack: debug.Stack()}
		}
	}()
	err = policy.Check(ctx, host, key)
	answered = true
	if err == nil {
		err = ctx.Err() // an answer that came too late does not count
	}
	return err
}

// read is the goroutine that owns the connection's receiving side. It ends
// with the connection and is joined by Close.
func (c *Client) read() {
	c.err = c.mux.Run()
	c.learner.stop()
	c.agents.stop()
	close(c.done)
}

// Close tells the server goodbye, ends the connection and waits until nothing
// of it runs any more. Everything that waits returns an error that matches
// net.ErrClosed.
//
// It must not be called from a callback of the connection.
func (c *Client) Close() error {
	if c.closing.Swap(true) {
		<-c.done
		return net.ErrClosed
	}
	ended := c.mux.Err() != nil
	c.t.Disconnect(wire.ReasonByApplication, "closed by client")
	c.mux.Close()
	<-c.done
	if ended {
		return net.ErrClosed
	}
	return nil
}

// Wait waits for the end of the connection and returns why it ended: nil after
// Close.
func (c *Client) Wait(ctx context.Context) error {
	select {
	case <-c.done:
	case <-ctx.Done():
		return ctx.Err()
	}
	if c.closing.Load() {
		return nil
	}
	return c.err
}

// Done returns a channel that is closed when the connection has ended.
func (c *Client) Done() <-chan struct{} { return c.done }

// Rekey exchanges new keys now and waits for it.
func (c *Client) Rekey(ctx context.Context) error { return c.t.Rekey(ctx) }

// Keepalive asks the server whether it lives and waits for any answer. For
// regular questions set KeepaliveInterval of Config.Connection.
func (c *Client) Keepalive(ctx context.Context) error {
	_, _, err := c.mux.GlobalRequest(ctx, wire.RequestKeepalive, true, nil)
	return err
}

// GlobalRequest sends a request for the connection as a whole (RFC 4254 §4)
// and returns whether the server granted it, and with what. Without wantReply
// it returns false, nil as soon as it is sent. payload stays the caller's, so
// does reply.
func (c *Client) GlobalRequest(ctx context.Context, name string, wantReply bool, payload []byte) (ok bool, reply []byte, err error) {
	return c.mux.GlobalRequest(ctx, name, wantReply, payload)
}

// Mux returns the connection, for channels of types that this package does not
// know.
func (c *Client) Mux() *connection.Mux { return c.mux }

// SessionID returns the session identifier (RFC 4253 §7.2), a copy.
func (c *Client) SessionID() []byte { return slices.Clone(c.t.SessionID()) }

// HostKey returns the key by which the server proved to be itself.
func (c *Client) HostKey() sshkey.PublicKey { return c.t.HostKey() }

// Algorithms returns what the last key exchange agreed on.
func (c *Client) Algorithms() kex.Algorithms { return c.t.Algorithms() }

// ServerVersion returns the server's identification line. It is the server's:
// escape it before showing it.
func (c *Client) ServerVersion() string { return c.t.RemoteVersion() }

// LocalAddr returns the local address of the underlying connection.
func (c *Client) LocalAddr() net.Addr { return c.t.LocalAddr() }

// RemoteAddr returns the remote address of the underlying connection.
func (c *Client) RemoteAddr() net.Addr { return c.t.RemoteAddr() }

// isClosed reports whether err only says that something has ended.
func isClosed(err error) bool { return errors.Is(err, net.ErrClosed) }
