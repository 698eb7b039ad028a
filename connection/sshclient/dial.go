package sshclient

import (
	"context"
	"net"
	"net/netip"
	"strconv"

	"github.com/hawser-ssh/hawser/connection"
	"github.com/hawser-ssh/hawser/wire"
)

// Channel types of forwarding (RFC 4254 §7.2, OpenSSH PROTOCOL §2.4).
const (
	directTCPIP          = "direct-tcpip"
	forwardedTCPIP       = "forwarded-tcpip"
	directStreamLocal    = "direct-streamlocal@openssh.com"
	forwardedStreamLocal = "forwarded-streamlocal@openssh.com"
)

// Dial connects from the server to addr: "host:port" on "tcp", "tcp4" or
// "tcp6", where the server looks the host up, or a path on "unix". The
// connection has deadlines and CloseWrite. A refusal is a
// *connection.OpenError.
func (c *Client) Dial(ctx context.Context, network, addr string) (net.Conn, error) {
	kind, extra, err := dialRequest(network, addr)
	if err != nil {
		return nil, &net.OpError{Op: "dial", Net: network, Addr: textAddr{network, addr}, Err: err}
	}
	ch, err := c.mux.Open(ctx, kind, extra, nil)
	if err != nil {
		return nil, &net.OpError{Op: "dial", Net: network, Addr: textAddr{network, addr}, Err: err}
	}
	return newConn(ch, textAddr{network, "ssh"}, addrOf(network, addr)), nil
}

// DialContext is Dial under the name that other packages look for.
func (c *Client) DialContext(ctx context.Context, network, addr string) (net.Conn, error) {
	return c.Dial(ctx, network, addr)
}

func dialRequest(network, addr string) (kind string, extra []byte, err error) {
	switch network {
	case "tcp", "tcp4", "tcp6":
		host, port, err := hostPort(addr)
		if err != nil {
			return "", nil, err
		}
		m := wire.DirectTCPIP{Host: host, Port: port, OriginHost: "127.0.0.1"}
		return directTCPIP, m.Append(nil), nil
	case "unix":
		return directStreamLocal, wire.DirectStreamLocal{Path: addr}.Append(nil), nil
	}
	return "", nil, net.UnknownNetworkError(network)
}

// hostPort splits "host:port" with a port in numbers.
func hostPort(addr string) (host string, port uint32, err error) {
	host, text, err := net.SplitHostPort(addr)
	if err != nil {
		return "", 0, err
	}
	n, err := strconv.ParseUint(text, 10, 16)
	if err != nil {
		return "", 0, &net.AddrError{Err: "port is not a number from 0 to 65535", Addr: addr}
	}
	return host, uint32(n), nil
}

// Conn is a connection forwarded by the server. It is a net.Conn; Read and
// Write fail with os.ErrDeadlineExceeded after a deadline.
type Conn struct {
	*connection.Channel
	local, remote net.Addr
}

func newConn(ch *connection.Channel, local, remote net.Addr) *Conn {
	ch.DiscardStderr() // nothing may be sent there, and it must not take up the window
	return &Conn{ch, local, remote}
}

// LocalAddr returns our end of the forwarded connection as far as it is known.
func (c *Conn) LocalAddr() net.Addr { return c.local }

// RemoteAddr returns the other end of the forwarded connection.
func (c *Conn) RemoteAddr() net.Addr { return c.remote }

// textAddr is an address that only the server can resolve.
type textAddr struct{ network, text string }

func (a textAddr) Network() string { return a.network }
func (a textAddr) String() string  { return a.text }

// addrOf returns the address as net has it where that takes no look-up.
func addrOf(network, addr string) net.Addr {
	if network == "unix" {
		return &net.UnixAddr{Name: addr, Net: network}
	}
	if ap, err := netip.ParseAddrPort(addr); err == nil {
		return net.TCPAddrFromAddrPort(ap)
	}
	return textAddr{network, addr}
}

// joinAddr is addrOf for a host and a port.
func joinAddr(host string, port uint32) net.Addr {
	return addrOf("tcp", net.JoinHostPort(host, strconv.FormatUint(uint64(port), 10)))
}
