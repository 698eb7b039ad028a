package daemon

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hawser-ssh/hawser/connection"
	"github.com/hawser-ssh/hawser/transport"
	"github.com/hawser-ssh/hawser/userauth"
	"github.com/hawser-ssh/hawser/wire"
)

var (
	errLoginGrace = newError(CodeTimedOut, "the client did not log in in time", context.DeadlineExceeded)
	errIdle       = newError(CodeTimedOut, "the client was idle for too long", context.DeadlineExceeded)
	errCanceled   = newError(CodeAborted, "the server is stopping", context.Canceled)
	errGoexit     = newError(CodeAborted, "a handler ended its goroutine", nil)
)

// conn is one connection. Its goroutine runs serve, and waits there while the
// client is silent.
type conn struct {
	d       *Daemon
	id      int
	uid     uint64
	nc      net.Conn
	opt     *options // as they were when the connection came
	place   *ticket
	events  eventQueue
	metrics Metrics
	since   time.Time // it has its id

	timeout atomic.Int64 // seconds; 0 never waits
	idle    *idleTimer   // nil without a timeout
	layers  *slog.Logger // of the layers below

	mu       sync.Mutex      // guards what follows
	tc       *transport.Conn // set once
	shaken   bool            // the first key exchange is over
	mux      *connection.Mux
	leaving  bool   // this side ends the connection
	cause    *Error // why, nil for a normal end
	draining bool   // no new channels; the last one to close ends the connection
	open     int    // channels, those being opened included
	cut      int    // channels that ended with the connection
	user     string
	factors  []string      // methods of the login
	banner   string        // to be sent with the next answer to an attempt
	prompts  []wire.Prompt // instead of the daemon's, if there are any
}

// serve takes a connection that has been announced to the registry from its
// first byte to its last event, and returns why it ended, nil for a normal end.
// t is given back.
//
// What comes before the connection protocol runs on a goroutine of its own,
// whose stack it makes large: the one that waits while the connection is idle
// keeps a small one.
func (d *Daemon) serve(ctx context.Context, nc net.Conn, t *ticket) error {
	defer t.done()
	defer nc.Close()
	defer d.reg.departed(t)
	c := d.newConn(nc, t)
	entered := make(chan error, 1)
	go func() { // joined here
		err := error(errGoexit)
		defer func() { entered <- err }()
		err = c.enter(ctx)
	}()
	err := <-entered
	if c.id == 0 {
		return newError(CodeAborted, "connection refused", nil)
	}
	return c.converse(ctx, err)
}

// converse runs the connection protocol, unless err ended the connection before,
// and returns why it ended.
func (c *conn) converse(ctx context.Context, err error) (why error) {
	defer func() { why = c.finish(err) }() // also where something ends this goroutine
	if err == nil {
		stop := context.AfterFunc(ctx, func() { c.disconnect(errCanceled) })
		defer stop()
		err = errGoexit
		err = c.mux.Run()
	}
	return err
}

func (d *Daemon) newConn(nc net.Conn, t *ticket) *conn {
	c := &conn{d: d, nc: nc, opt: d.opt.snapshot(), place: t, metrics: d.metrics(), since: time.Now()}
	c.events.init()
	c.timeout.Store(int64(c.opt.timeout))
	return c
}

// enter is serve up to where mux is ready to run. A connection without an id
// has been refused.
func (c *conn) enter(ctx context.Context) error {
	grace, cancel := context.WithTimeoutCause(ctx, c.opt.loginGraceTime(), errLoginGrace)
	defer cancel()
	if !c.admitted(grace) {
		return net.ErrClosed
	}
	tc, err := c.login(grace)
	if err != nil {
		return err
	}
	c.place.authenticated()
	c.startChannels(tc)
	return nil
}

// admitted reports whether the connection may go on; then it has its id.
func (c *conn) admitted(ctx context.Context) bool {
	stop := context.AfterFunc(ctx, func() { c.nc.Close() }) // even while a handler takes its time
	defer stop()
	c.opt.tune(c.nc)
	if !c.requested(ctx) || !c.d.reg.addConnection(c, c.place, c.opt.maxConnections) {
		return false
	}
	c.metrics.ConnectionOpened()
	fire(c, c.d.OnConnected, &ConnectedEvent{ConnectionID: c.id, Description: "OK"})
	return true
}

// requested asks whether to accept the connection.
func (c *conn) requested(ctx context.Context) bool {
	d, client := c.d, c.nc.RemoteAddr()
	host, port := hostPort(client)
	e := &ConnectionRequestEvent{Address: host, Port: port, Accept: allowedClient(ctx, d.resolver, c.opt.allowedClients, client)}
	if d.OnConnectionRequest != nil && !d.invoke(nil, func() { d.OnConnectionRequest(e) }) {
		e.Accept = false
	}
	if !e.Accept {
		d.note(slog.LevelInfo, "connection refused", slog.String("remote", host))
		d.metrics().ConnectionRefused(RefusedRequest)
	}
	return e.Accept && ctx.Err() == nil
}

// login does the handshake and the authentication, before ctx ends.
func (c *conn) login(ctx context.Context) (*transport.Conn, error) {
	cfg, err := c.transportConfig()
	if err != nil {
		return nil, err
	}
	c.layers = c.logger()
	tc := transport.Server(c.nc, cfg)
	tc.SetLogger(c.layers)
	c.idle = c.watchIdle(tc)
	if !c.setTransport(tc) {
		return nil, net.ErrClosed
	}
	start := time.Now()
	err = tc.Handshake(ctx)
	c.countHandshake(tc, err, time.Since(start))
	if err != nil {
		return nil, leftEarly(err)
	}
	c.mu.Lock()
	c.shaken = true
	c.mu.Unlock()
	if !matchAny(c.opt.versionPattern, tc.RemoteVersion()) {
		tc.Disconnect(wire.ReasonProtocolVersionNotSupported, "identification not accepted")
		return nil, newError(CodeAborted, "identification not accepted", nil)
	}
	asker := &asker{c: c, tc: tc, since: time.Now()}
	who, err := userauth.Serve(ctx, tc, asker.config())
	if err != nil {
		return nil, asker.failed(err)
	}
	c.mu.Lock()
	c.user = who.User
	for _, step := range who.Steps {
		c.factors = append(c.factors, step.Method)
	}
	c.mu.Unlock()
	c.status("user " + quote(who.User) + " logged in with " + who.Method)
	c.tellLogin(who)
	return tc, nil
}

// startChannels makes the connection protocol ready to run.
func (c *conn) startChannels(tc *transport.Conn) {
	mux := connection.New(tc, wire.Server, &connection.Config{
		Handler:           c,
		KeepaliveInterval: time.Duration(c.opt.keepaliveInterval) * time.Second,
		KeepaliveCount:    c.opt.keepaliveCount,
		Logger:            c.layers,
		Budget:            c.opt.windows,
	})
	c.mu.Lock()
	c.mux = mux
	c.mu.Unlock()
	c.announceHostKeys(tc)
}

// finish fires what is left to fire and forgets the connection.
func (c *conn) finish(err error) error {
	c.idle.stop()
	if c.tc != nil {
		c.tc.Close()
	}
	for _, ch := range c.d.reg.channels(c) {
		ch.closed()
	}
	c.mu.Lock()
	err = left(err, c.cut)
	if c.leaving {
		err = nil
		if c.cause != nil {
			err = c.cause
		}
	}
	c.leaving = true
	c.mu.Unlock()
	code, text := disconnectStatus(err)
	if code == 0 {
		err = nil
		c.status("disconnected")
	} else {
		c.status("disconnected: " + text)
	}
	c.tell("disconnected", slog.Int("code", code), slog.String("why", text))
	c.events.last(func() {
		if h := c.d.OnDisconnected; h != nil {
			c.d.invoke(c, func() { h(&DisconnectedEvent{ConnectionID: c.id, StatusCode: code, Description: text}) })
		}
		c.place.done()
		c.countEnd(code)
		c.d.reg.removeConnection(c)
	})
	return asError(err)
}

// setTransport stores tc unless the connection has been ended already.
func (c *conn) setTransport(tc *transport.Conn) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.tc = tc
	return !c.leaving
}

// disconnect ends the connection from this side, because of cause or normally
// where it is nil, and does not wait. It reports whether that was news.
func (c *conn) disconnect(cause *Error) bool {
	c.mu.Lock()
	tc, news := c.tc, !c.leaving
	if news {
		c.leaving, c.cause = true, cause
	}
	c.mu.Unlock()
	switch {
	case !news:
	case tc == nil:
		c.nc.Close()
	default:
		text := "server closed the connection"
		if cause != nil {
			text = cause.Description()
		}
		tc.Abort(&transport.DisconnectError{Reason: wire.ReasonByApplication, Text: text})
	}
	return news
}

// isLeaving reports whether this side has ended the connection: nobody is
// asked or told about what the client sent on it any more.
func (c *conn) isLeaving() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.leaving
}

// drain lets the client finish: the connection ends with its last channel.
func (c *conn) drain() {
	c.mu.Lock()
	c.draining = true
	idle := c.open == 0
	c.mu.Unlock()
	if idle {
		c.disconnect(nil)
	}
}

// reserve counts one more channel unless there may be no new one.
func (c *conn) reserve() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.draining || c.leaving {
		return false
	}
	c.open++
	return true
}

// unreserve counts one channel less; cut is one that the end of the connection
// has ended.
func (c *conn) unreserve(cut bool) {
	c.mu.Lock()
	c.open--
	if cut {
		c.cut++
	}
	last := c.open == 0 && c.draining
	c.mu.Unlock()
	if last {
		c.disconnect(nil)
	}
}

// exchangeKeys starts a key exchange and does not wait for its end.
func (c *conn) exchangeKeys() error {
	c.mu.Lock()
	tc := c.tc
	c.mu.Unlock()
	if tc == nil {
		return &Error{Code: CodeNotConnected}
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := tc.Rekey(ctx); err != nil && !errors.Is(err, context.Canceled) {
		return newError(CodeNotConnected, "no key exchange is possible now", err)
	}
	return nil
}

// announceHostKeys tells the client all host keys, so that it can learn new
// ones before an old one goes (OpenSSH PROTOCOL §2.5). No answer is wanted.
func (c *conn) announceHostKeys(tc *transport.Conn) {
	request := wire.GlobalRequest{Name: wire.RequestHostKeys, Payload: tc.AnnouncedHostKeys()}
	// An error means that the connection has ended, as its reader will see.
	_ = tc.WriteControl(request.Append(nil))
}

// muxed returns the connection protocol, or an error before the login.
func (c *conn) muxed() (*connection.Mux, *transport.Conn, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.mux == nil || c.leaving {
		return nil, nil, &Error{Code: CodeNotConnected}
	}
	return c.mux, c.tc, nil
}

// hostPort splits an address of TCP; for any other the host is its text.
func hostPort(addr net.Addr) (host string, port int) {
	if addr == nil {
		return "", 0
	}
	host, text, err := net.SplitHostPort(addr.String())
	if err != nil {
		return addr.String(), 0
	}
	port, _ = strconv.Atoi(text)
	return host, port
}
