package main

import (
	"context"
	"net"
	"strconv"

	"github.com/hawser-ssh/hawser/connection"
	"github.com/hawser-ssh/hawser/daemon"
	"github.com/hawser-ssh/hawser/wire"
)

// client is one connection. Its fields belong to the events of the connection, which do not overlap; srv, id, ctx,
// perms and slots may be read by what the events start.
type client struct {
	srv      *server
	id       int
	ctx      context.Context // ends with the connection
	gone     context.CancelFunc
	remote   string // HOST:PORT
	local    string // HOST:PORT, from the first session on
	progress progress
	perms    *permissions // set when logged in
	sessions map[int]*session
	forwards map[string]*remoteForward
	agent    *agentSocket // nil before a session asks for it
	slots    slots
}

// sshClient and sshConnection are the values that programs expect in the variables of these names.
func (c *client) sshClient() string {
	host, port, _ := net.SplitHostPort(c.remote)
	_, here, _ := net.SplitHostPort(c.local)
	return host + " " + port + " " + here
}

func (c *client) sshConnection() string {
	host, port, _ := net.SplitHostPort(c.remote)
	here, herePort, _ := net.SplitHostPort(c.local)
	return host + " " + port + " " + here + " " + herePort
}

// handleEvents connects the daemon's events to clients and their sessions.
func (s *server) handleEvents() {
	d := s.d
	d.OnConnected = func(e *daemon.ConnectedEvent) { s.connected(e.ConnectionID) }
	d.OnDisconnected = func(e *daemon.DisconnectedEvent) { s.disconnected(e) }
	d.OnSSHUserAuthRequest = func(e *daemon.SSHUserAuthRequestEvent) {
		if c := s.client(e.ConnectionID); c != nil {
			c.authenticate(e)
		}
	}
	d.OnSSHGlobalRequest = func(e *daemon.SSHGlobalRequestEvent) {
		if c := s.client(e.ConnectionID); c != nil && c.perms != nil {
			e.Success, e.Reply = c.globalRequest(e.RequestType, e.Packet)
		}
	}
	d.OnSSHChannelOpenRequest = func(e *daemon.SSHChannelOpenRequestEvent) {
		if c := s.client(e.ConnectionID); c != nil && c.perms != nil {
			c.open(e)
		}
	}
	d.OnSSHChannelOpened = func(e *daemon.SSHChannelOpenedEvent) { s.opened(e) }
	d.OnSSHChannelRequest = func(e *daemon.SSHChannelRequestEvent) {
		if x := s.session(e.ConnectionID, e.ChannelID); x != nil {
			payload, ok := requestPayload(e.Packet)
			e.Success = ok && x.request(&connection.Request{Type: e.RequestType, Payload: payload, AfterEOF: e.AfterEOF})
		}
	}
	d.OnSSHChannelRequested = func(e *daemon.SSHChannelRequestedEvent) {
		if x := s.session(e.ConnectionID, e.ChannelID); x != nil {
			x.run()
		}
	}
	d.OnSSHChannelClosed = func(e *daemon.SSHChannelClosedEvent) {
		if x := s.session(e.ConnectionID, e.ChannelID); x != nil {
			x.closed()
			delete(x.client.sessions, e.ChannelID)
		}
	}
}

// requestPayload returns what a channel request holds behind its channel, type and want-reply.
func requestPayload(packet []byte) ([]byte, bool) {
	r := wire.NewFieldReader(packet, "channel request")
	r.Uint32("channel")
	r.Bytes("type")
	r.Bool("want reply")
	payload := r.Rest()
	return payload, r.Err() == nil
}

func (s *server) client(id int) *client {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.clients[id]
}

func (s *server) session(connection, channel int) *session {
	if c := s.client(connection); c != nil {
		return c.sessions[channel]
	}
	return nil
}

func (s *server) connected(id int) {
	c := &client{
		srv: s, id: id, sessions: map[int]*session{}, forwards: map[string]*remoteForward{},
		slots: make(slots, maxForwarded),
	}
	c.ctx, c.gone = context.WithCancel(context.Background())
	if h, err := s.d.SSHConnection(id); err == nil {
		c.remote = net.JoinHostPort(h.RemoteHost(), strconv.Itoa(h.RemotePort()))
	}
	s.mu.Lock()
	s.clients[id] = c
	s.mu.Unlock()
}

// disconnected ends everything that the connection had: listeners, dials, forwarded connections. Programs have been told
// by the end of their channels.
func (s *server) disconnected(e *daemon.DisconnectedEvent) {
	c := s.client(e.ConnectionID)
	if c == nil {
		return
	}
	s.mu.Lock()
	delete(s.clients, e.ConnectionID)
	s.mu.Unlock()
	c.gone()
	for name := range c.forwards {
		c.cancel(name)
	}
	if c.agent != nil {
		c.agent.close()
	}
}

func (c *client) authenticate(e *daemon.SSHUserAuthRequestEvent) {
	host, _, _ := net.SplitHostPort(c.remote)
	if perms := c.srv.login.attempt(&c.progress, host, e); perms != nil {
		c.perms = perms
	}
}

// open answers a channel that the client wants to open.
func (c *client) open(e *daemon.SSHChannelOpenRequestEvent) {
	switch e.Service {
	case "session":
		if len(e.Parameters) == 0 {
			e.Accept, e.Stream = true, true
		}
	case connection.TypeDirectTCPIP, connection.TypeDirectStreamLocal:
		c.openDirect(e)
	default:
		e.Reason, e.Description = int(wire.OpenUnknownChannelType), "unknown channel type"
	}
}

// opened gives a session channel its session. Forwarded channels are looked after by what dialled for them.
func (s *server) opened(e *daemon.SSHChannelOpenedEvent) {
	c := s.client(e.ConnectionID)
	h, err := s.d.SSHChannel(e.ChannelID)
	if c == nil || err != nil || h.Service() != "session" {
		return
	}
	c.local = h.Conn().LocalAddr().String()
	c.sessions[e.ChannelID] = &session{srv: s, client: c, ch: h.Conn(), tracker: connection.NewSessionTracker(nil)}
}
