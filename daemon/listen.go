package daemon

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"sync"
	"syscall"
	"time"
)

// maxAcceptDelay bounds the pause after a failed accept.
const maxAcceptDelay = time.Second

// listener is one listening socket and its accept loop.
type listener struct {
	net.Listener
	once sync.Once
	stop chan struct{} // closed to end the loop
	done chan struct{} // closed when it has ended
}

// StartListening starts to accept connections on LocalHost and LocalPort, and
// returns; LocalPort is the real one from then on. It fails with error 104
// where it listens already, 1301 without a host key, and the code of the
// system's error, such as 10048 for an address in use.
func (d *Daemon) StartListening() error {
	if err := d.loadHostKeys(); err != nil {
		return err
	}
	d.starting.Lock()
	defer d.starting.Unlock()
	d.mu.Lock()
	listening := d.own != nil
	d.mu.Unlock()
	if listening {
		return &Error{Code: CodeAlreadyListening}
	}
	ln, err := d.opt.snapshot().listen(d.resolver)
	if err != nil {
		return asError(err)
	}
	if tcp, ok := ln.Addr().(*net.TCPAddr); ok {
		d.opt.update(func(o *options) error { o.localPort = tcp.Port; return nil })
	}
	l := d.addListener(ln, true)
	// The accept loop: it ends with the listener, and StopListening joins it.
	go func() {
		if err := d.acceptLoop(l); err != nil {
			d.note(slog.LevelError, "listening has ended", slog.String("err", err.Error()))
		}
	}()
	return nil
}

// StopListening stops accepting connections, on the listeners of Serve, too.
// Connections go on.
func (d *Daemon) StopListening() error {
	d.mu.Lock()
	var all []*listener
	for l := range d.listeners {
		all = append(all, l)
	}
	d.mu.Unlock()
	for _, l := range all {
		l.shut()
	}
	for _, l := range all {
		<-l.done
	}
	return nil
}

// Serve accepts connections on ln until ctx ends or StopListening is called,
// and returns nil then; or until ln fails for good. ln is closed, connections
// go on. Several listeners may be served at a time, besides StartListening's.
func (d *Daemon) Serve(ctx context.Context, ln net.Listener) error {
	if err := d.loadHostKeys(); err != nil {
		ln.Close()
		return err
	}
	l := d.addListener(ln, false)
	stop := context.AfterFunc(ctx, l.shut)
	defer stop()
	return asError(d.acceptLoop(l))
}

// ServeConn serves one connection, and returns when it has ended and
// OnDisconnected has returned: nil for a normal end. The connection ends with
// ctx. nc is closed; it need not be a socket. The caller's goroutine waits with
// the stack it has: where there are thousands, let new ones call.
func (d *Daemon) ServeConn(ctx context.Context, nc net.Conn) error {
	if err := d.loadHostKeys(); err != nil {
		nc.Close()
		return err
	}
	t, err := d.gate.enter(nc.RemoteAddr(), d.opt.snapshot())
	if err != nil {
		d.countRefused(err)
		d.refuse(nc, d.opt.snapshot().version, err)
		return newError(CodeAborted, "connection refused", err)
	}
	d.reg.arrived(t, nc)
	return d.serve(ctx, nc, t)
}

func (d *Daemon) addListener(ln net.Listener, own bool) *listener {
	l := &listener{Listener: ln, stop: make(chan struct{}), done: make(chan struct{})}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.listeners[l] = struct{}{}
	if own {
		d.own = l
	}
	return l
}

// shut ends the accept loop; it may be called more than once.
func (l *listener) shut() {
	l.once.Do(func() {
		close(l.stop)
		l.Close()
	})
}

// acceptLoop accepts connections until the listener is shut, which is no
// error. It reads nothing and runs no handler: each connection gets a goroutine
// of its own.
func (d *Daemon) acceptLoop(l *listener) error {
	defer d.removeListener(l)
	var delay time.Duration
	for {
		nc, err := l.Accept()
		if err == nil {
			delay = 0
			d.admit(nc)
			continue
		}
		select {
		case <-l.stop:
			return nil
		default:
		}
		if !passing(err) {
			return err
		}
		delay = min(max(2*delay, 5*time.Millisecond), maxAcceptDelay)
		d.note(slog.LevelWarn, "accept failed", slog.String("err", err.Error()), slog.Duration("retry", delay))
		pause := time.NewTimer(delay)
		select {
		case <-pause.C:
		case <-l.stop:
			pause.Stop()
			return nil
		}
	}
}

func (d *Daemon) removeListener(l *listener) {
	l.shut()
	d.mu.Lock()
	delete(d.listeners, l)
	if d.own == l {
		d.own = nil
	}
	d.mu.Unlock()
	close(l.done)
}

// admit starts a connection that fits in, and refuses another.
func (d *Daemon) admit(nc net.Conn) {
	o := d.opt.snapshot()
	t, err := d.gate.enter(nc.RemoteAddr(), o)
	if err != nil {
		d.tellFull(nc, err)
		d.countRefused(err)
		go d.refuse(nc, o.version, err) // at most maxRefusals of them wait, for refusalTime
		return
	}
	// The connection's goroutine: it ends with the connection, which Shutdown
	// brings about.
	d.reg.arrived(t, nc)
	go d.serve(context.Background(), nc, t)
}

// passing reports whether accept may succeed later: descriptors or memory have
// run out, or the client has gone already. Only a socket that is none any more
// is final.
func passing(err error) bool {
	var errno syscall.Errno
	if !errors.As(err, &errno) {
		return false
	}
	switch errno {
	case syscall.EBADF, syscall.EINVAL, syscall.ENOTSOCK, syscall.EOPNOTSUPP, syscall.EFAULT:
		return false
	}
	return true
}

// listen opens the socket that the properties describe.
func (o *options) listen(r *net.Resolver) (net.Listener, error) {
	host, err := o.listenHost(r)
	if err != nil {
		return nil, err
	}
	network := [...]string{"tcp4", "tcp6", "tcp"}[o.ipv6]
	cfg := net.ListenConfig{Control: o.controlListener, KeepAlive: -1} // tune sets it
	ln, err := cfg.Listen(context.Background(), network, net.JoinHostPort(host, strconv.Itoa(o.localPort)))
	if err != nil {
		return nil, err
	}
	if tcp, ok := ln.(*net.TCPListener); ok {
		applyBacklog(tcp, o.backlog)
	}
	return ln, nil
}

// listenHost returns LocalHost as an address of the family that UseIPv6 asks
// for, IPv4 rather than IPv6 where it asks for both, or empty for any.
func (o *options) listenHost(r *net.Resolver) (string, error) {
	if o.localHost == "" {
		return "", nil
	}
	if ip, err := netip.ParseAddr(o.localHost); err == nil {
		if o.ipv6 == 0 && !ip.Unmap().Is4() || o.ipv6 == 1 && !ip.Is6() {
			return "", newError(codeAddressFamily, "LocalHost is not of the family that UseIPv6 says", nil)
		}
		return o.localHost, nil
	}
	ctx := context.Background()
	ips, err := r.LookupNetIP(ctx, [...]string{"ip4", "ip6", "ip"}[o.ipv6], o.localHost)
	if err != nil {
		if _, other := r.LookupNetIP(ctx, "ip", o.localHost); other == nil {
			return "", newError(codeNoAddress, "LocalHost has no address of the family that UseIPv6 says", err)
		}
		return "", err
	}
	best := max(0, slices.IndexFunc(ips, func(ip netip.Addr) bool { return ip.Unmap().Is4() }))
	return ips[best].Unmap().String(), nil
}

// tune sets the socket options of a connection. What a socket does not
// support stays as it is.
func (o *options) tune(nc net.Conn) {
	tcp, ok := nc.(*net.TCPConn)
	if !ok {
		return
	}
	tcp.SetNoDelay(o.noDelay)
	if o.inBuffer > 0 {
		tcp.SetReadBuffer(o.inBuffer)
	}
	if o.outBuffer > 0 {
		tcp.SetWriteBuffer(o.outBuffer)
	}
	// A client that is gone without a word is to be found out in the end: at
	// the system's own times, where no setting gives others.
	keepAlive := net.KeepAliveConfig{Enable: true, Idle: wholeSeconds(o.tcpTime), Interval: wholeSeconds(o.tcpInterval), Count: -1}
	if o.tcpRetries > 0 {
		keepAlive.Count = o.tcpRetries
	}
	tcp.SetKeepAliveConfig(keepAlive)
}

// wholeSeconds rounds milliseconds up to what systems take; 0 becomes -1,
// which leaves what the system has.
func wholeSeconds(ms int) time.Duration {
	if ms == 0 {
		return -1
	}
	return time.Duration((ms+999)/1000) * time.Second
}
