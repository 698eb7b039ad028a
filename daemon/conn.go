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
)

// conn is one connection. Its goroutine runs serve: the handshake, the login
// and then the reader of the connection protocol.
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
	idle    idleTimer

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
func (d *Daemon) serve(ctx context.Context, nc net.Conn, t *ticket) (err error) {
	defer t.done()
	defer nc.Close()
	defer d.reg.departed(t)
	opt := d.opt.snapshot()
	grace, cancel := context.WithTimeoutCause(ctx, opt.loginGraceTime(), errLoginGrace)
	defer cancel()
	opt.tune(nc)
	c := &conn{d: d, nc: nc, opt: opt, place: t, metrics: d.metrics(), since: time.Now()}
	c.events.init()
	c.timeout.Store(int64(opt.timeout))
	stop := context.AfterFunc(grace, func() { nc.Close() }) // even while a handler takes its time
	if !d.requested(grace, nc, opt) || !d.reg.addConnection(c, t, opt.maxConnections) {
		stop()
		return newError(CodeAborted, "connection refused", nil)
	}
	c.metrics.ConnectionOpened()
	defer func() { err = c.finish(err) }() // also where a handler ends this goroutine
	fire(c, d.OnConnected, &ConnectedEvent{ConnectionID: c.id, Description: "OK"})
	stop()
	tc, err := c.login(grace)
	if err != nil {
		return err
	}
	cancel()
	t.authenticated()
	stop = context.AfterFunc(ctx, func() { c.disconnect(errCanceled) })
	defer stop()
	return c.serveChannels(tc)
}

// requested asks whether to accept a connection.
func (d *Daemon) requested(ctx context.Context, nc net.Conn, opt *options) bool {
	host, port := hostPort(nc.RemoteAddr())
	e := &ConnectionRequestEvent{Address: host, Port: port, Accept: allowedClient(ctx, d.resolver, opt.allowedClients, nc.RemoteAddr())}
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
	tc := transport.Server(c.watchIdle(), cfg)
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

// serveChannels runs the connection protocol to its end.
func (c *conn) serveChannels(tc *transport.Conn) error {
	mux := connection.New(tc, wire.Server, &connection.Config{
		Handler:           c,
		KeepaliveInterval: time.Duration(c.opt.keepaliveInterval) * time.Second,
		KeepaliveCount:    c.opt.keepaliveCount,
		Logger:            c.logger(),
		Budget:            c.opt.windows,
	})
	c.mu.Lock()
	c.mux = mux
	c.mu.Unlock()
	c.announceHostKeys(tc)
	return mux.Run()
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

// transportConfig returns the configuration of the layer below.
func (c *conn) transportConfig() (*transport.Config, error) {
	cfg := &transport.Config{
		Version:             c.opt.version,
		HostKeys:            c.opt.signers(),
		SignatureAlgorithms: c.opt.userKeyAlgorithms(),
		CompressionLevel:    c.opt.compressionLevel,
		HandshakeTimeout:    c.opt.loginGraceTime(),
		RekeyBytes:          uint64(c.opt.rekeyBytes),
		KeyLogWriter:        c.d.keyLogWriter(),
		Logger:              c.logger(),
		Lab:                 c.packetLab(c.d.labNow()),
	}
	if err := c.opt.algorithms.apply(cfg); err != nil {
		return nil, asError(err)
	}
	c.d.exchanges.apply(cfg, c.opt.groups)
	return cfg, nil
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
