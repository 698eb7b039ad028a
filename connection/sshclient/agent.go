package sshclient

import (
	"context"
	"fmt"
	"io"
	"net"
	"sync"
	"sync/atomic"

	"github.com/hawser-ssh/hawser/connection"
	"github.com/hawser-ssh/hawser/connection/agent"
	"github.com/hawser-ssh/hawser/transport"
	"github.com/hawser-ssh/hawser/transport/sshkey"
	"github.com/hawser-ssh/hawser/userauth"
	"github.com/hawser-ssh/hawser/wire"
)

// AgentDialer makes a connection to an agent, such as agent.Dial.
type AgentDialer func(ctx context.Context) (net.Conn, error)

// UserAgent connects to the agent that SSH_AUTH_SOCK names.
func UserAgent(ctx context.Context) (net.Conn, error) { return agent.Dial(ctx, "") }

// AgentKeys are the keys of an agent, for Config.Auth. The agent first learns
// what session it is asked for (session-bind@openssh.com), so that keys which
// are restricted to some hosts work there. Where no agent answers, the method
// is left out. It is of use to Dial and NewClient alone.
func AgentKeys(dial AgentDialer) userauth.Method {
	return userauth.PublicKeysFunc(func(ctx context.Context) ([]sshkey.Signer, error) {
		s, ok := ctx.Value(agentSessionKey{}).(*agentSession)
		if !ok {
			return nil, fmt.Errorf("%w: no session to bind the agent to", userauth.ErrSkip)
		}
		signers, err := s.signers(ctx, dial)
		if err != nil && ctx.Err() == nil {
			err = fmt.Errorf("%w: %w", userauth.ErrSkip, err)
		}
		return signers, err
	})
}

// agentSession is what AgentKeys has to know of a connection during its login.
type agentSession struct {
	t    *transport.Conn
	open []io.Closer // the reader's alone
}

type agentSessionKey struct{}

func (s *agentSession) signers(ctx context.Context, dial AgentDialer) ([]sshkey.Signer, error) {
	conn, err := dial(ctx)
	if err != nil {
		return nil, err
	}
	client := agent.NewClient(conn)
	s.open = append(s.open, client)
	if err := bindAgent(ctx, client, s.t, false); err != nil {
		return nil, err
	}
	return client.Signers(ctx)
}

// close ends what was opened for the login.
func (s *agentSession) close() {
	for _, c := range s.open {
		c.Close()
	}
}

// bindAgent tells the agent what session it is used for. One that refuses, or
// does not know how, shows no key that is restricted.
func bindAgent(ctx context.Context, client *agent.Client, t *transport.Conn, forwarding bool) error {
	err := client.Bind(ctx, t.HostKey(), t.SessionID(), t.HostKeyProof(), forwarding)
	if err == agent.ErrRefused {
		return nil
	}
	return err
}

// agentForwarder is the Handler for connections to our agent. All else is
// next's.
type agentForwarder struct {
	next  connection.Handler // nil refuses
	dial  AgentDialer        // nil: no agent is forwarded, at least not by us
	t     *transport.Conn
	asked atomic.Bool // by a session of ours

	ctx     context.Context // ends with the connection
	cancel  context.CancelFunc
	running sync.WaitGroup
}

func (f *agentForwarder) start(t *transport.Conn, dial AgentDialer, next connection.Handler) {
	f.t, f.dial, f.next = t, dial, next
	f.ctx, f.cancel = context.WithCancel(context.Background())
}

// HandleOpen lets the server reach the agent once a session of ours has asked
// for that. The connection's limit on channels bounds how often.
func (f *agentForwarder) HandleOpen(r *connection.OpenRequest) {
	switch {
	case r.Type == connection.TypeAgent && f.dial != nil && f.asked.Load():
		f.running.Go(func() { f.forward(r) })
	case f.next != nil:
		f.next.HandleOpen(r)
	default:
		_ = r.Reject(wire.OpenAdministrativelyProhibited, "")
	}
}

// HandleGlobalRequest is next's.
func (f *agentForwarder) HandleGlobalRequest(g *connection.GlobalRequest) {
	if f.next != nil {
		f.next.HandleGlobalRequest(g)
	}
}

// forward is the goroutine of one connection to the agent; it ends with that,
// or with the channel. The agent is told where the channel leads to before
// anybody there can ask it anything.
func (f *agentForwarder) forward(r *connection.OpenRequest) {
	conn, err := f.dial(f.ctx)
	if err == nil && bindAgent(f.ctx, agent.NewClient(conn), f.t, true) != nil {
		conn.Close()
		err = agent.ErrProtocol
	}
	if err != nil {
		_ = r.Reject(wire.OpenConnectFailed, "no agent")
		return
	}
	ch, err := r.Accept(nil)
	if err != nil {
		conn.Close()
		return
	}
	_ = connection.Forward(f.ctx, ch, conn) // both are closed, and nobody waits for the reason
}

// stop ends all forwarded connections and waits. No callback runs any more.
func (f *agentForwarder) stop() {
	f.cancel()
	f.running.Wait()
}

// ForwardAgent asks the server to let what runs in the session use the agent of
// Config.ForwardAgent, before the start. Whoever rules the server can use its
// keys as long as the connection lives. A refusal is a
// *connection.RefusedError.
func (s *Session) ForwardAgent(ctx context.Context) error {
	if s.agent.dial == nil {
		return &ConfigError{"ForwardAgent", "not set"}
	}
	s.agent.asked.Store(true) // a channel can come right behind the answer
	return s.ch.RequestAgent(ctx)
}
