package connection

import (
	"context"
	"net"
	"slices"
	"sync"

	"github.com/hawser-ssh/hawser/wire"
)

// RemoteForwards is the client's Handler for connections that the server
// accepts on its behalf (RFC 4254 §7.1, OpenSSH PROTOCOL §2.4). Only what was
// asked for with ListenTCP and ListenUnix is let in. The zero value is ready;
// its fields are set before Run.
type RemoteForwards struct {
	// Next gets everything else; nil refuses it.
	Next Handler
	// MaxListeners bounds the forwards asked for, MaxBacklog the connections of each that wait for Accept. 0 means the
	// default.
	MaxListeners, MaxBacklog int

	mu        sync.Mutex
	listeners []*RemoteListener
	asked     int // listeners granted or waiting for the grant
}

// RemoteListener is a net.Listener for the connections that the server accepts.
type RemoteListener struct {
	owner *RemoteForwards
	m     *Mux
	unix  bool
	host  string // or path
	queue chan *OpenRequest
	done  chan struct{} // closes with left

	// The owner's lock guards these.
	port    uint32
	chosen  bool // by the server
	entered bool // the server has granted it
	left    bool
}

// HandleOpen lets in what was asked for.
func (f *RemoteForwards) HandleOpen(r *OpenRequest) {
	switch r.Type {
	case TypeForwardedTCPIP, TypeForwardedStreamLocal:
		l := f.find(r)
		if l == nil {
			_ = r.Reject(wire.OpenAdministrativelyProhibited, "not asked for")
			return
		}
		l.offer(r)
	default:
		if f.Next != nil {
			f.Next.HandleOpen(r)
			return
		}
		_ = r.Reject(wire.OpenAdministrativelyProhibited, "")
	}
}

// HandleGlobalRequest passes g on.
func (f *RemoteForwards) HandleGlobalRequest(g *GlobalRequest) {
	if f.Next != nil {
		f.Next.HandleGlobalRequest(g)
	}
}

// find returns the listener that r is for. Servers name the address in their
// own way, so a listener on the same port will do where none has the name.
func (f *RemoteForwards) find(r *OpenRequest) *RemoteListener {
	f.mu.Lock()
	defer f.mu.Unlock()
	if r.Type == TypeForwardedStreamLocal {
		var msg wire.ForwardedStreamLocal
		if msg.Parse(r.Extra) != nil {
			return nil
		}
		return f.matchLocked(r.m, true, msg.Path, 0)
	}
	var msg wire.DirectTCPIP
	if msg.Parse(r.Extra) != nil || checkHost("originator", msg.OriginHost) != nil || msg.OriginPort > maxPort {
		return nil
	}
	return f.matchLocked(r.m, false, msg.Host, msg.Port)
}

func (f *RemoteForwards) matchLocked(m *Mux, unix bool, host string, port uint32) *RemoteListener {
	var samePort *RemoteListener
	for _, l := range f.listeners {
		if l.m != m || l.unix != unix {
			continue
		}
		// AsyncSSH 2.10 repeats the port 0 that it was asked for in place of the one that it chose.
		if l.host == host && (l.port == port || port == 0 && l.chosen) {
			return l
		}
		if !unix && l.port == port {
			samePort = l
		}
	}
	return samePort
}

// offer queues r for Accept, or refuses it.
func (l *RemoteListener) offer(r *OpenRequest) {
	l.owner.mu.Lock()
	defer l.owner.mu.Unlock()
	if l.left {
		_ = r.Reject(wire.OpenAdministrativelyProhibited, "no longer listening")
		return
	}
	select {
	case l.queue <- r:
	default:
		_ = r.Reject(wire.OpenResourceShortage, "too many connections wait")
	}
}

// ListenTCP has the server listen on host and port: "" is every address, port
// 0 the server's choice, which Addr tells. A refusal is a *RefusedError.
func (f *RemoteForwards) ListenTCP(ctx context.Context, m *Mux, host string, port uint32) (*RemoteListener, error) {
	l := f.newListener(m, host)
	l.port = port
	return f.listen(ctx, l, RequestTCPIPForward, wire.TCPIPForward{Host: host, Port: port}.Append(nil))
}

// ListenUnix has the server listen on a socket at path.
func (f *RemoteForwards) ListenUnix(ctx context.Context, m *Mux, path string) (*RemoteListener, error) {
	l := f.newListener(m, path)
	l.unix = true
	return f.listen(ctx, l, RequestStreamLocalForward, wire.StreamLocalForward{Path: path}.Append(nil))
}

func (f *RemoteForwards) newListener(m *Mux, host string) *RemoteListener {
	return &RemoteListener{owner: f, m: m, host: host, done: make(chan struct{}),
		queue: make(chan *OpenRequest, orDefault(f.MaxBacklog, DefaultMaxBacklog))}
}

// listen asks the server. The listener is entered on the reader, before any
// connection on it can arrive.
func (f *RemoteForwards) listen(ctx context.Context, l *RemoteListener, request string, payload []byte) (*RemoteListener, error) {
	f.mu.Lock()
	full := f.asked >= orDefault(f.MaxListeners, DefaultMaxListeners)
	if !full {
		f.asked++
	}
	f.mu.Unlock()
	if full {
		return nil, &ForwardError{"count: too many listeners"}
	}
	ok, _, err := l.m.globalRequest(ctx, request, true, payload, func(ok bool, reply []byte) {
		if ok {
			f.enter(l, reply)
		}
	})
	if err == nil && !ok {
		err = &RefusedError{request}
	}
	if err != nil {
		l.leave()
		return nil, err
	}
	return l, nil
}

// enter adds l, with the port the server chose. Where nobody waits for it any
// more the server is told to stop.
func (f *RemoteForwards) enter(l *RemoteListener, reply []byte) {
	f.mu.Lock()
	defer f.mu.Unlock()
	var msg wire.TCPIPForwardReply
	if !l.unix && l.port == 0 && msg.Parse(reply) == nil {
		l.port, l.chosen = msg.Port, true
	}
	if l.left {
		l.cancelLocked()
		return
	}
	l.entered = true
	f.listeners = append(f.listeners, l)
}

// Accept waits for the next connection and opens its channel. One for which no
// window is left is refused, and is no error: the next may find one.
func (l *RemoteListener) Accept() (net.Conn, error) {
	for {
		select {
		case <-l.done:
			return nil, errMuxClosed
		case <-l.m.Done():
			return nil, &endedError{l.m.Err()}
		case r := <-l.queue:
			ch, err := r.Accept(nil)
			if err == errNoWindow {
				continue
			}
			if err != nil {
				return nil, err
			}
			ch.DiscardStderr()
			return &ForwardConn{ch, l.Addr(), l.origin(r)}, nil
		}
	}
}

// origin returns who connected, as far as the server tells.
func (l *RemoteListener) origin(r *OpenRequest) net.Addr {
	if l.unix {
		return &net.UnixAddr{Net: "unix", Name: "@"}
	}
	var msg wire.DirectTCPIP
	_ = msg.Parse(r.Extra) // it did so before, without an error
	return tcpAddr(msg.OriginHost, msg.OriginPort)
}

// Addr returns what the server listens on.
func (l *RemoteListener) Addr() net.Addr {
	if l.unix {
		return &net.UnixAddr{Net: "unix", Name: l.host}
	}
	l.owner.mu.Lock()
	defer l.owner.mu.Unlock()
	return tcpAddr(l.host, l.port)
}

// Close stops listening here at once, and tells the server to stop.
func (l *RemoteListener) Close() error {
	if !l.leave() {
		return errMuxClosed
	}
	return nil
}

// cancelLocked tells the server to stop listening. No answer is wanted.
func (l *RemoteListener) cancelLocked() {
	msg := wire.GlobalRequest{Name: RequestCancelTCPIPForward, Payload: wire.TCPIPForward{Host: l.host, Port: l.port}.Append(nil)}
	if l.unix {
		msg = wire.GlobalRequest{Name: RequestCancelStreamLocalForward, Payload: wire.StreamLocalForward{Path: l.host}.Append(nil)}
	}
	_ = l.m.t.WriteControl(msg.Append(nil)) // an error means the end, and the listener's with it
}

// leave removes l and refuses what waits; false where that was done before.
func (l *RemoteListener) leave() bool {
	f := l.owner
	f.mu.Lock()
	defer f.mu.Unlock()
	if l.left {
		return false
	}
	l.left = true
	close(l.done)
	f.asked--
	if l.entered {
		f.listeners = slices.DeleteFunc(f.listeners, func(other *RemoteListener) bool { return other == l })
		l.cancelLocked()
	}
	for len(l.queue) > 0 { // only offer adds, with the lock held
		select {
		case r := <-l.queue:
			_ = r.Reject(wire.OpenAdministrativelyProhibited, "no longer listening")
		default:
		}
	}
	return true
}
