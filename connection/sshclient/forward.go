package sshclient

import (
	"context"
	"net"
	"strconv"
)

// Dial connects from the server to addr: "host:port" on "tcp", "tcp4" or
// "tcp6", where the server looks the host up, or a path on "unix". The
// connection has deadlines and CloseWrite (*connection.ForwardConn). A refusal
// is a *connection.OpenError inside a *net.OpError.
func (c *Client) Dial(ctx context.Context, network, addr string) (net.Conn, error) {
	nc, err := c.dial(ctx, network, addr)
	if err != nil {
		return nil, &net.OpError{Op: "dial", Net: network, Addr: textAddr{network, addr}, Err: err}
	}
	return nc, nil
}

func (c *Client) dial(ctx context.Context, network, addr string) (net.Conn, error) {
	switch network {
	case "tcp", "tcp4", "tcp6":
		host, port, err := hostPort(addr)
		if err != nil {
			return nil, err
		}
		nc, err := c.mux.DialTCP(ctx, host, port, nil)
		if err != nil {
			return nil, err
		}
		return nc, nil
	case "unix":
		nc, err := c.mux.DialUnix(ctx, addr)
		if err != nil {
			return nil, err
		}
		return nc, nil
	}
	return nil, net.UnknownNetworkError(network)
}

// DialContext is Dial under the name that other packages look for.
func (c *Client) DialContext(ctx context.Context, network, addr string) (net.Conn, error) {
	return c.Dial(ctx, network, addr)
}

// Listen makes the server listen and pass its connections on to us. addr is
// "host:port" on "tcp", where an empty host is all interfaces and port 0 one of
// the server's choice, which Addr of the listener tells, or a path on "unix".
// Accept returns connections as Dial does. Close tells the server to stop and
// does not wait until it has. A refusal is a *connection.RefusedError inside a
// *net.OpError.
func (c *Client) Listen(ctx context.Context, network, addr string) (net.Listener, error) {
	l, err := c.listen(ctx, network, addr)
	if err != nil {
		return nil, &net.OpError{Op: "listen", Net: network, Addr: textAddr{network, addr}, Err: err}
	}
	return l, nil
}

func (c *Client) listen(ctx context.Context, network, addr string) (net.Listener, error) {
	switch network {
	case "tcp":
		host, port, err := hostPort(addr)
		if err != nil {
			return nil, err
		}
		l, err := c.forwards.ListenTCP(ctx, c.mux, host, port)
		if err != nil {
			return nil, err
		}
		return l, nil
	case "unix":
		l, err := c.forwards.ListenUnix(ctx, c.mux, addr)
		if err != nil {
			return nil, err
		}
		return l, nil
	}
	return nil, net.UnknownNetworkError(network)
}

// ListenUnix is Listen on a Unix socket of the server.
func (c *Client) ListenUnix(ctx context.Context, path string) (net.Listener, error) {
	return c.Listen(ctx, "unix", path)
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

// textAddr is an address that only the server can resolve.
type textAddr struct{ network, text string }

func (a textAddr) Network() string { return a.network }
func (a textAddr) String() string  { return a.text }
