package connection

import (
	"context"
	"errors"
	"io"
	"net"
	"strconv"
	"strings"

	"github.com/hawser-ssh/hawser/wire"
)

// Channel types of forwarding (RFC 4254 §7, OpenSSH PROTOCOL §2.4).
const (
	TypeDirectTCPIP          = "direct-tcpip"
	TypeForwardedTCPIP       = "forwarded-tcpip"
	TypeDirectStreamLocal    = "direct-streamlocal@openssh.com"
	TypeForwardedStreamLocal = "forwarded-streamlocal@openssh.com"
)

// Global requests of forwarding.
const (
	RequestTCPIPForward             = "tcpip-forward"
	RequestCancelTCPIPForward       = "cancel-tcpip-forward"
	RequestStreamLocalForward       = "streamlocal-forward@openssh.com"
	RequestCancelStreamLocalForward = "cancel-streamlocal-forward@openssh.com"
)

// Forward copies both ways between ch and conn, passes each end of data on,
// and returns when both have ended, or one side or ctx has. Both are closed
// then. It returns the first error that is not an end.
func Forward(ctx context.Context, ch *Channel, conn net.Conn) error {
	ch.DiscardStderr()
	up, down := make(chan error, 1), make(chan error, 1)
	go func() { up <- forwardUp(ch, conn) }()
	go func() { down <- forwardDown(ch, conn) }()
	var first error
	over := false
	for gone, canceled := ch.Done(), ctx.Done(); up != nil || down != nil; {
		var err error
		select {
		case err = <-up:
			up = nil
		case err = <-down:
			down = nil
		case <-gone:
			gone, over = nil, true
		case <-canceled:
			canceled, err = nil, ctx.Err()
			_ = ch.Close()
			_ = conn.Close()
		}
		if first == nil && !errors.Is(err, net.ErrClosed) {
			first = err
		}
		if over && down == nil { // nobody takes what conn still sends
			_ = conn.Close()
		}
	}
	_ = ch.Close()
	_ = conn.Close()
	return first
}

// forwardUp copies from conn to ch. Ends when either has ended.
func forwardUp(ch *Channel, conn net.Conn) error {
	r := &sideReader{r: conn}
	_, err := ch.ReadFrom(r)
	switch {
	case err == nil:
		return ch.CloseWrite()
	case r.failed:
		_ = ch.Close()
	case errors.Is(err, ErrNotReading):
		return nil
	}
	return err // where ch failed, what it has received still goes down
}

// sideReader remembers that it was the source that failed.
type sideReader struct {
	r      io.Reader
	failed bool
}

func (s *sideReader) Read(p []byte) (int, error) {
	n, err := s.r.Read(p)
	s.failed = err != nil && err != io.EOF
	return n, err
}

// forwardDown copies from ch to conn. Ends when either has ended.
func forwardDown(ch *Channel, conn net.Conn) error {
	_, err := ch.WriteTo(conn)
	if err != nil {
		_ = ch.CloseRead()
		_ = conn.Close()
		return err
	}
	if half, ok := conn.(interface{ CloseWrite() error }); ok {
		_ = half.CloseWrite() // an error here shows in the other direction too
	}
	return nil
}

// ForwardError says which part of a forward cannot be used.
type ForwardError struct{ Field string }

// Error names the field.
func (e *ForwardError) Error() string { return "connection: forward: unusable " + e.Field }

// checkHost allows what a resolver or a dialer may be given.
func checkHost(field, host string) error {
	if len(host) > MaxHostName || strings.ContainsRune(host, 0) {
		return &ForwardError{field}
	}
	return nil
}

func checkPort(field string, port uint32) error {
	if port > maxPort {
		return &ForwardError{field}
	}
	return nil
}

func checkPath(path string) error {
	if path == "" || len(path) > MaxSocketPath || strings.ContainsRune(path, 0) {
		return &ForwardError{"path"}
	}
	return nil
}

// ParseTCPIP reads the Extra of a direct-tcpip or forwarded-tcpip open and
// checks it: a host without NUL of at most MaxHostName bytes, ports that are
// ports, a target port that is not 0.
func ParseTCPIP(extra []byte) (wire.DirectTCPIP, error) {
	var msg wire.DirectTCPIP
	if err := msg.Parse(extra); err != nil {
		return msg, err
	}
	err := errors.Join(checkHost("host", msg.Host), checkHost("originator", msg.OriginHost),
		checkPort("port", msg.Port), checkPort("originator port", msg.OriginPort))
	if msg.Port == 0 {
		err = &ForwardError{"port"}
	}
	return msg, err
}

// ParseTCPIPForward reads the payload of a tcpip-forward or
// cancel-tcpip-forward request and checks it. Port 0 lets the server choose.
func ParseTCPIPForward(payload []byte) (wire.TCPIPForward, error) {
	var msg wire.TCPIPForward
	if err := msg.Parse(payload); err != nil {
		return msg, err
	}
	return msg, errors.Join(checkHost("host", msg.Host), checkPort("port", msg.Port))
}

// ParseDirectStreamLocal reads the Extra of a direct-streamlocal open and
// checks the path: not empty, no NUL, at most MaxSocketPath bytes.
func ParseDirectStreamLocal(extra []byte) (path string, err error) {
	var msg wire.DirectStreamLocal
	if err := msg.Parse(extra); err != nil {
		return "", err
	}
	return msg.Path, checkPath(msg.Path)
}

// ParseStreamLocalForward reads the payload of a streamlocal-forward or
// cancel-streamlocal-forward request and checks the path likewise.
func ParseStreamLocalForward(payload []byte) (path string, err error) {
	var msg wire.StreamLocalForward
	if err := msg.Parse(payload); err != nil {
		return "", err
	}
	return msg.Path, checkPath(msg.Path)
}

// OpenTCPIP opens a channel of type direct-tcpip (client) or forwarded-tcpip
// (server), see RFC 4254 §7.2.
func (m *Mux) OpenTCPIP(ctx context.Context, channelType string, target wire.DirectTCPIP, ev *Events) (*Channel, error) {
	return m.Open(ctx, channelType, target.Append(nil), ev)
}

// OpenForwardedStreamLocal tells the client of a connection to the socket at
// path that it asked to be forwarded (OpenSSH PROTOCOL §2.4).
func (m *Mux) OpenForwardedStreamLocal(ctx context.Context, path string, ev *Events) (*Channel, error) {
	return m.Open(ctx, TypeForwardedStreamLocal, wire.ForwardedStreamLocal{Path: path}.Append(nil), ev)
}

// ForwardConn is a channel that stands for a connection of its own, with the
// addresses of that connection as far as they are known.
type ForwardConn struct {
	*Channel
	local, remote net.Addr
}

// LocalAddr returns the near end of the forwarded connection.
func (f *ForwardConn) LocalAddr() net.Addr { return f.local }

// RemoteAddr returns the far end of the forwarded connection.
func (f *ForwardConn) RemoteAddr() net.Addr { return f.remote }

// DialTCP has the server connect to host and port (RFC 4254 §7.2); client
// only. origin, which may be nil, is where the connection is said to come from.
func (m *Mux) DialTCP(ctx context.Context, host string, port uint32, origin *net.TCPAddr) (*ForwardConn, error) {
	if err := errors.Join(checkHost("host", host), checkPort("port", port)); err != nil {
		return nil, err
	}
	if origin == nil {
		origin = &net.TCPAddr{IP: net.IPv4zero}
	}
	msg := wire.DirectTCPIP{Host: host, Port: port, OriginHost: origin.IP.String(), OriginPort: uint32(origin.Port)}
	ch, err := m.OpenTCPIP(ctx, TypeDirectTCPIP, msg, nil)
	if err != nil {
		return nil, err
	}
	ch.DiscardStderr()
	return &ForwardConn{ch, origin, tcpAddr(host, port)}, nil
}

// DialUnix has the server connect to the socket at path (OpenSSH PROTOCOL
// §2.4); client only.
func (m *Mux) DialUnix(ctx context.Context, path string) (*ForwardConn, error) {
	ch, err := m.Open(ctx, TypeDirectStreamLocal, wire.DirectStreamLocal{Path: path}.Append(nil), nil)
	if err != nil {
		return nil, err
	}
	ch.DiscardStderr()
	return &ForwardConn{ch, &net.UnixAddr{Net: "unix", Name: "@"}, &net.UnixAddr{Net: "unix", Name: path}}, nil
}

// nameAddr is the address of a host that only the server can resolve.
type nameAddr string

func (nameAddr) Network() string  { return "tcp" }
func (a nameAddr) String() string { return string(a) }

func tcpAddr(host string, port uint32) net.Addr {
	if ip := net.ParseIP(host); ip != nil {
		return &net.TCPAddr{IP: ip, Port: int(port)}
	}
	return nameAddr(net.JoinHostPort(host, strconv.FormatUint(uint64(port), 10)))
}
