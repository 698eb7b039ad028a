package sshclient

import (
	"context"
	"net"
	"slices"
	"strconv"
	"sync"

	"github.com/hawser-ssh/hawser/connection"
	"github.com/hawser-ssh/hawser/wire"
)

// Global requests of remote forwarding (RFC 4254 §7.1, OpenSSH PROTOCOL §2.4).
const (
	tcpipForward             = "tcpip-forward"
	cancelTCPIPForward       = "cancel-tcpip-forward"
	streamLocalForward       = "streamlocal-forward@openssh.com"
	cancelStreamLocalForward = "cancel-streamlocal-forward@openssh.com"
)

// Listen makes the server listen and pass its connections on to us. addr is
// "host:port" on "tcp", where an empty host is all interfaces and port 0 one of
// the server's choice, or a path on "unix". Accept of the listener returns
// connections with deadlines and CloseWrite; Close waits for the server to stop
// listening. A refusal is a *RequestError.
func (c *Client) Listen(ctx context.Context, network, addr string) (*Listener, error) {
	switch network {
	case "tcp":
		host, port, err := hostPort(addr)
		if err != nil {
			return nil, &net.OpError{Op: "listen", Net: network, Addr: textAddr{network, addr}, Err: err}
		}
		return c.listen(ctx, &Listener{host: host, port: port, network: network})
	case "unix":
		return c.listen(ctx, &Listener{host: addr, network: network})
	}
	return nil, &net.OpError{Op: "listen", Net: network, Addr: textAddr{network, addr}, Err: net.UnknownNetworkError(network)}
}

// ListenUnix is Listen on a Unix socket of the server.
func (c *Client) ListenUnix(ctx context.Context, path string) (*Listener, error) {
	return c.Listen(ctx, "unix", path)
}

func (c *Client) listen(ctx context.Context, l *Listener) (*Listener, error) {
	l.c, l.done = c, make(chan struct{})
	l.waiting = make(chan *connection.OpenRequest, c.forwards.backlog)
	if err := c.forwards.add(l); err != nil {
		return nil, l.opError("listen", err)
	}
	name, payload := l.request(tcpipForward, streamLocalForward)
	ok, reply, err := c.mux.GlobalRequest(ctx, name, true, payload)
	if err = granted(name, ok, err); err == nil {
		err = l.learnPort(reply)
	}
	if err != nil {
		c.forwards.remove(l)
		return nil, l.opError("listen", err)
	}
	c.forwards.confirm(l)
	return l, nil
}

// Listener is a remote forward, a net.Listener.
type Listener struct {
	c       *Client
	network string
	host    string // or path
	port    uint32 // 0 until the server's choice is known
	chosen  bool   // the server has chosen the port
	waiting chan *connection.OpenRequest
	done    chan struct{}
	once    sync.Once
}

// request returns the name and payload of a request about this forward.
func (l *Listener) request(tcp, unix string) (name string, payload []byte) {
	if l.network == "unix" {
		return unix, wire.StreamLocalForward{Path: l.host}.Append(nil)
	}
	return tcp, wire.TCPIPForward{Host: l.host, Port: l.port}.Append(nil)
}

// learnPort takes the server's choice where it had one.
func (l *Listener) learnPort(reply []byte) error {
	if l.network == "unix" || l.port != 0 {
		return nil
	}
	var m wire.TCPIPForwardReply
	if err := m.Parse(reply); err != nil {
		return err
	}
	if m.Port == 0 || m.Port > 65535 {
		return wire.Errorf(wire.ReasonProtocolError, tcpipForward, "server listens on port %d", m.Port)
	}
	l.c.forwards.mu.Lock()
	defer l.c.forwards.mu.Unlock()
	l.port, l.chosen = m.Port, true
	return nil
}

func (l *Listener) opError(op string, err error) error {
	return &net.OpError{Op: op, Net: l.network, Addr: l.Addr(), Err: err}
}

// Addr returns where the server listens.
func (l *Listener) Addr() net.Addr {
	if l.network == "unix" {
		return addrOf(l.network, l.host)
	}
	return joinAddr(l.host, l.port)
}

// Accept waits for a connection. It returns an error that matches
// net.ErrClosed after Close or when the SSH connection has ended.
func (l *Listener) Accept() (net.Conn, error) {
	for {
		select {
		case <-l.done:
			return nil, l.opError("accept", errListenerClosed)
		case r := <-l.waiting:
			remote, err := l.origin(r.Extra)
			if err != nil {
				r.Reject(wire.OpenConnectFailed, "malformed")
				continue
			}
			if ch, err := r.Accept(nil); err == nil {
				return newConn(ch, l.Addr(), remote), nil
			}
		}
	}
}

// origin is the address of who connected to the server.
func (l *Listener) origin(extra []byte) (net.Addr, error) {
	if l.network == "unix" {
		return &net.UnixAddr{Net: "unix"}, nil
	}
	var m wire.DirectTCPIP
	if err := m.Parse(extra); err != nil {
		return nil, err
	}
	return joinAddr(m.OriginHost, m.OriginPort), nil
}

// Close makes the server stop listening and refuses the connections that wait.
// Accepted ones go on.
func (l *Listener) Close() error {
	err := error(l.opError("close", errListenerClosed))
	l.once.Do(func() {
		l.c.forwards.remove(l)
		l.stop()
		ctx, cancel := context.WithTimeout(context.Background(), cancelTimeout)
		defer cancel()
		name, payload := l.request(cancelTCPIPForward, cancelStreamLocalForward)
		ok, _, reqErr := l.c.mux.GlobalRequest(ctx, name, true, payload)
		err = granted(name, ok, reqErr)
	})
	return err
}

// stop wakes Accept and refuses what waits; the listener gets no more.
func (l *Listener) stop() {
	close(l.done)
	for {
		select {
		case r := <-l.waiting:
			r.Reject(wire.OpenConnectFailed, "listener closed")
		default:
			return
		}
	}
}

// forwards are the remote forwards of a client. It is the Handler of the
// connection: a server may open channels for what we asked it to listen on,
// and nothing else.
type forwards struct {
	backlog int // constant

	mu        sync.Mutex
	listeners []*Listener
	unsure    []*Listener // their request is unanswered; also in listeners
	early     []*connection.OpenRequest
	ended     bool
}

// add makes room for l before the server is asked: its first connection may
// come before its answer has reached us.
func (f *forwards) add(l *Listener) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.ended {
		return errListenerClosed
	}
	if len(f.listeners) >= MaxListeners {
		return &ConfigError{"Listen", "more than " + strconv.Itoa(MaxListeners) + " listeners"}
	}
	f.listeners = append(f.listeners, l)
	f.unsure = append(f.unsure, l)
	return nil
}

// confirm gives l the connections that came before its port was known.
func (f *forwards) confirm(l *Listener) {
	f.mu.Lock()
	f.unsure = without(f.unsure, l)
	early := f.early
	f.early = nil
	f.mu.Unlock()
	for _, r := range early {
		f.HandleOpen(r)
	}
}

func (f *forwards) remove(l *Listener) {
	f.mu.Lock()
	f.listeners = without(f.listeners, l)
	f.mu.Unlock()
	f.confirm(l)
}

func without(list []*Listener, l *Listener) []*Listener {
	return slices.DeleteFunc(list, func(other *Listener) bool { return other == l })
}

// end closes all listeners with the connection.
func (f *forwards) end() {
	f.mu.Lock()
	listeners := f.listeners
	f.listeners, f.unsure, f.early, f.ended = nil, nil, nil, true
	f.mu.Unlock()
	for _, l := range listeners {
		l.once.Do(l.stop)
	}
}

// HandleOpen finds the listener of a forwarded connection. What nobody listens
// for is refused.
func (f *forwards) HandleOpen(r *connection.OpenRequest) {
	network, host, port, err := forwardedTo(r)
	switch {
	case network == "":
		r.Reject(wire.OpenUnknownChannelType, "unknown channel type")
	case err != nil:
		r.Reject(wire.OpenConnectFailed, "malformed")
	default:
		f.deliver(r, network, host, port)
	}
}

func (f *forwards) deliver(r *connection.OpenRequest, network, host string, port uint32) {
	f.mu.Lock()
	defer f.mu.Unlock()
	l := f.findLocked(network, host, port)
	if l == nil {
		if len(f.unsure) > 0 && len(f.early) < f.backlog {
			f.early = append(f.early, r)
			return
		}
		r.Reject(wire.OpenAdministrativelyProhibited, "not asked for")
		return
	}
	select {
	case l.waiting <- r:
	default:
		r.Reject(wire.OpenResourceShortage, "too many connections wait")
	}
}

// findLocked returns the listener that the server means. Servers differ in how
// they write the host (as asked for, resolved, or empty), so the port alone
// decides where only one listener has it.
func (f *forwards) findLocked(network, host string, port uint32) *Listener {
	sameHost := func(l *Listener) bool { return l.host == host }
	if network == "unix" {
		return f.onlyLocked(network, sameHost)
	}
	if port == 0 {
		// AsyncSSH 2.10 repeats the 0 that it was asked for in place of the
		// port that it chose.
		return f.onlyLocked(network, func(l *Listener) bool { return l.chosen && sameHost(l) })
	}
	samePort := func(l *Listener) bool { return l.port == port }
	if l := f.onlyLocked(network, func(l *Listener) bool { return samePort(l) && sameHost(l) }); l != nil {
		return l
	}
	return f.onlyLocked(network, samePort)
}

// onlyLocked returns the listener that fits, if it is the only one.
func (f *forwards) onlyLocked(network string, fits func(*Listener) bool) *Listener {
	var found *Listener
	for _, l := range f.listeners {
		if l.network != network || !fits(l) {
			continue
		}
		if found != nil {
			return nil
		}
		found = l
	}
	return found
}

// forwardedTo returns where the server took the connection; network is empty
// for a channel type that is none of forwarding.
func forwardedTo(r *connection.OpenRequest) (network, host string, port uint32, err error) {
	switch r.Type {
	case forwardedTCPIP:
		var m wire.DirectTCPIP
		err := m.Parse(r.Extra)
		return "tcp", m.Host, m.Port, err
	case forwardedStreamLocal:
		var m wire.ForwardedStreamLocal
		err := m.Parse(r.Extra)
		return "unix", m.Path, 0, err
	}
	return "", "", 0, nil
}

// HandleGlobalRequest refuses what a server may ask: keepalive, which wants an
// answer and no more, and host keys to learn, which we do not.
func (f *forwards) HandleGlobalRequest(*connection.GlobalRequest) {}
