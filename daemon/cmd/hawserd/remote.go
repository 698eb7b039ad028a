package main

import (
	"errors"
	"net"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/hawser-ssh/hawser/connection"
	"github.com/hawser-ssh/hawser/wire"
)

// Limits on what a client may have forwarded to it.
const (
	maxForwardListeners = 64   // a connection
	minForwardPort      = 1024 // lower ones are left to the system's own servers
)

// remoteForward is one listener that a client asked for (RFC 4254 §7.1, OpenSSH PROTOCOL §2.4).
type remoteForward struct {
	name     string // what a cancel names: "tcp HOST:PORT" or "unix PATH"
	listener net.Listener
	made     os.FileInfo // the Unix socket that was made, nil for TCP
}

// globalRequest answers requests about remote forwarding.
func (c *client) globalRequest(kind string, payload []byte) (ok bool, reply []byte) {
	switch kind {
	case connection.RequestTCPIPForward:
		return c.forwardTCP(payload)
	case connection.RequestCancelTCPIPForward:
		m, err := connection.ParseTCPIPForward(payload)
		return err == nil && c.cancel(tcpName(m.Host, m.Port)), nil
	case connection.RequestStreamLocalForward:
		return c.forwardUnix(payload), nil
	case connection.RequestCancelStreamLocalForward:
		path, err := connection.ParseStreamLocalForward(payload)
		return err == nil && c.cancel("unix "+path), nil
	}
	return false, nil
}

func tcpName(host string, port uint32) string {
	return "tcp " + host + ":" + strconv.FormatUint(uint64(port), 10)
}

// forwardTCP listens on a loopback address: others on the network were not asked whether they may connect. The reply
// holds the port where the client let the system choose.
func (c *client) forwardTCP(payload []byte) (bool, []byte) {
	m, err := connection.ParseTCPIPForward(payload)
	if err != nil || m.Port != 0 && m.Port < minForwardPort ||
		!c.perms.mayListen(m.Host, m.Port) || len(c.forwards) >= maxForwardListeners {
		return false, nil
	}
	l, err := net.Listen("tcp", net.JoinHostPort(loopback(m.Host), strconv.Itoa(int(m.Port))))
	if err != nil {
		c.srv.log.Info("not forwarding", "conn", c.id, "err", err)
		return false, nil
	}
	port := m.Port
	if port == 0 {
		port = uint32(l.Addr().(*net.TCPAddr).Port)
	}
	f := &remoteForward{name: tcpName(m.Host, port), listener: l}
	c.serveForward(f, connection.TypeForwardedTCPIP, func(from net.Conn) []byte {
		origin, originPort := addrPort(from.RemoteAddr())
		return wire.DirectTCPIP{Host: m.Host, Port: port, OriginHost: origin, OriginPort: originPort}.Append(nil)
	})
	if m.Port != 0 {
		return true, nil
	}
	return true, wire.TCPIPForwardReply{Port: port}.Append(nil)
}

// loopback is the address that is bound for a host a client named.
func loopback(host string) string {
	if host == "::1" || host == "ip6-localhost" {
		return "::1"
	}
	return "127.0.0.1"
}

// forwardUnix listens on a socket file that only this user can connect to. A file that is there already stays as it is
// and the request fails.
func (c *client) forwardUnix(payload []byte) bool {
	path, err := connection.ParseStreamLocalForward(payload)
	if err != nil || !plainPath(path) || !c.perms.maySockets() || len(c.forwards) >= maxForwardListeners {
		return false
	}
	l, made, err := listenUnix(path)
	if err != nil {
		c.srv.log.Info("not forwarding", "conn", c.id, "err", err)
		return false
	}
	f := &remoteForward{name: "unix " + path, listener: l, made: made}
	c.serveForward(f, connection.TypeForwardedStreamLocal, func(net.Conn) []byte {
		return wire.ForwardedStreamLocal{Path: path}.Append(nil)
	})
	return true
}

// plainPath wants an absolute path without detours.
func plainPath(path string) bool {
	return strings.HasPrefix(path, "/") && !slices.Contains(strings.Split(path, "/"), "..")
}

func listenUnix(path string) (net.Listener, os.FileInfo, error) {
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		return nil, nil, err
	}
	l.SetUnlinkOnClose(false) // by then another file may have the name
	made, err := os.Lstat(path)
	if err == nil {
		err = os.Chmod(path, 0o600)
	}
	if err != nil {
		l.Close()
		return nil, nil, err
	}
	return l, made, nil
}

// close stops listening and removes the socket file, unless another one has taken its name.
func (f *remoteForward) close() {
	f.listener.Close()
	if f.made == nil {
		return
	}
	path := f.listener.Addr().String()
	if now, err := os.Lstat(path); err == nil && os.SameFile(now, f.made) {
		os.Remove(path)
	}
}

// cancel ends the forward of that name. Channels that it opened live on.
func (c *client) cancel(name string) bool {
	f := c.forwards[name]
	if f == nil {
		return false
	}
	delete(c.forwards, name)
	f.close()
	return true
}

// serveForward keeps the forward until it is cancelled, and accepts for it.
func (c *client) serveForward(f *remoteForward, channelType string, parameters func(net.Conn) []byte) {
	c.forwards[f.name] = f
	c.acceptOut(f.listener, channelType, parameters)
}

// acceptOut accepts until the listener is closed; each connection becomes a channel to the client.
func (c *client) acceptOut(l net.Listener, channelType string, parameters func(net.Conn) []byte) {
	c.srv.background(func() {
		for {
			conn, err := l.Accept()
			if errors.Is(err, net.ErrClosed) {
				return
			}
			if err != nil {
				c.srv.pause(c.ctx) // no descriptors left: leave the others time to give some back
				continue
			}
			if !c.slots.take() {
				conn.Close()
				continue
			}
			c.srv.background(func() {
				defer c.slots.put()
				defer conn.Close()
				c.relayOut(conn, channelType, parameters(conn))
			})
		}
	})
}

// relayOut opens a channel to the client and moves data until both sides are done.
func (c *client) relayOut(conn net.Conn, channelType string, parameters []byte) {
	ch, err := c.srv.d.OpenStream(c.ctx, c.id, channelType, parameters)
	if err != nil {
		c.srv.log.Debug("forward not opened", "conn", c.id, "err", err)
		return
	}
	c.relay(ch, conn)
}

func addrPort(a net.Addr) (host string, port uint32) {
	if tcp, ok := a.(*net.TCPAddr); ok {
		return tcp.IP.String(), uint32(tcp.Port)
	}
	return "127.0.0.1", 0
}
