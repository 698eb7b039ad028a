package main

import (
	"context"
	"net"
	"strconv"
	"time"

	"github.com/hawser-ssh/hawser/connection"
	"github.com/hawser-ssh/hawser/daemon"
	"github.com/hawser-ssh/hawser/wire"
)

// Limits on forwarded connections, both ways together.
const (
	maxForwarded = 256 // a connection, those still being dialled included
	dialTimeout  = 30 * time.Second
)

// target says where a client wants a channel to lead.
type target struct{ network, address string }

// directTarget reads the parameters of a channel to somewhere else and says whether the client may go there.
func (c *client) directTarget(channelType string, parameters []byte) (target, bool) {
	if channelType == connection.TypeDirectStreamLocal {
		path, err := connection.ParseDirectStreamLocal(parameters)
		return target{"unix", path}, err == nil && plainPath(path) && c.perms.maySockets()
	}
	m, err := connection.ParseTCPIP(parameters)
	ok := err == nil && m.Host != "" && c.perms.mayOpen(m.Host, m.Port)
	return target{"tcp", net.JoinHostPort(m.Host, strconv.Itoa(int(m.Port)))}, ok
}

// openDirect answers a request for a channel to somewhere else. Dialling is not done in the event, so that a slow target
// slows nothing but itself.
func (c *client) openDirect(e *daemon.SSHChannelOpenRequestEvent) {
	to, ok := c.directTarget(e.Service, e.Parameters)
	if !ok {
		return
	}
	if !c.slots.take() {
		e.Reason, e.Description = int(wire.OpenResourceShortage), "too many forwarded connections"
		return
	}
	later := e.Defer()
	c.srv.background(func() {
		defer c.slots.put()
		c.dialDirect(to, later)
	})
}

// dialDirect connects to the target, opens the channel and moves data until both sides are done. It gives up when the
// connection ends.
func (c *client) dialDirect(to target, later *daemon.DeferredOpen) {
	ctx, cancel := context.WithTimeout(c.ctx, dialTimeout)
	defer cancel()
	var dialer net.Dialer
	conn, err := dialer.DialContext(ctx, to.network, to.address)
	if err != nil {
		c.srv.log.Debug("forward not connected", "conn", c.id, "err", err)
		_ = later.Reject(int(wire.OpenConnectFailed), "connect failed")
		return
	}
	defer conn.Close()
	if h, err := later.Accept(true); err == nil {
		c.relay(h.Conn(), conn)
	}
}

// relay moves data between a channel and a connection until both sides are done or the client is gone.
func (c *client) relay(ch *connection.Channel, conn net.Conn) {
	if err := connection.Forward(c.ctx, ch, conn); err != nil {
		c.srv.log.Debug("forward ended", "conn", c.id, "err", err)
	}
}

// slots count what there may only be so many of.
type slots chan struct{}

func (s slots) take() bool {
	select {
	case s <- struct{}{}:
		return true
	default:
		return false
	}
}

func (s slots) put() { <-s }
