package main

import (
	"net"
	"os"
	"path/filepath"

	"github.com/hawser-ssh/hawser/connection"
)

// agentSocket is where programs of a client's sessions find the client's agent: a Unix socket in a directory of its own,
// which nobody else can enter.
type agentSocket struct {
	listener net.Listener
	path     string
}

// forwardAgent gives the session the client's agent. All sessions of a connection share the socket, which is made when
// the first one asks.
func (s *session) forwardAgent() bool {
	c := s.client
	if !c.srv.agents || !c.perms.mayUseAgent() {
		return false
	}
	if c.agent == nil {
		a, err := newAgentSocket()
		if err != nil {
			c.srv.log.Error("agent not forwarded", "conn", c.id, "err", err)
			return false
		}
		c.agent = a
		c.acceptOut(a.listener, connection.TypeAgent, func(net.Conn) []byte { return nil })
	}
	s.agent = c.agent.path
	return true
}

func newAgentSocket() (*agentSocket, error) {
	dir, err := privateDir("hawserd-agent-", len("/agent"))
	if err != nil {
		return nil, err
	}
	path := filepath.Join(dir, "agent")
	l, _, err := listenUnix(path)
	if err != nil {
		os.Remove(dir)
		return nil, err
	}
	return &agentSocket{l, path}, nil
}

// close takes the agent away: no program reaches it any more.
func (a *agentSocket) close() {
	a.listener.Close()
	os.Remove(a.path)
	os.Remove(filepath.Dir(a.path))
}

// privateDir makes a directory for this user alone, in which a socket's name of so many bytes has room.
func privateDir(prefix string, name int) (string, error) {
	const random = 10 // digits that MkdirTemp appends at most
	base := os.TempDir()
	if len(base)+1+len(prefix)+random+name > connection.MaxSocketPath-4 { // BSD has four bytes less
		base = "/tmp"
	}
	return os.MkdirTemp(base, prefix) // mode 0700
}
