package sshclient_test

import (
	"context"
	"errors"
	"net"
	"sync"
	"testing"

	"github.com/hawser-ssh/hawser/connection"
	"github.com/hawser-ssh/hawser/connection/agent"
	"github.com/hawser-ssh/hawser/connection/sshclient"
	"github.com/hawser-ssh/hawser/transport/sshkey"
	"github.com/hawser-ssh/hawser/userauth"
)

// agentOf returns what connects to a keyring, and ends with the test.
func agentOf(t *testing.T, k *agent.Keyring) sshclient.AgentDialer {
	t.Helper()
	var running sync.WaitGroup
	t.Cleanup(running.Wait)
	return func(context.Context) (net.Conn, error) {
		here, there := net.Pipe()
		running.Go(func() { agent.Serve(t.Context(), there, k) })
		return here, nil
	}
}

// houseWithAgent is a server that takes the key, and gives its sessions the
// client's agent: use is called with the agent of each session that asked.
func houseWithAgent(t *testing.T, key sshkey.PublicKey, use func(*agent.Client)) *house {
	h := newHouse(t)
	h.auth.PublicKey = func(_ context.Context, _ *userauth.Attempt, k sshkey.PublicKey, _ string, _ bool) userauth.Result {
		if sshkey.Equal(k, key) {
			return userauth.Result{Outcome: userauth.Accept}
		}
		return userauth.Result{}
	}
	h.open = func(r *connection.OpenRequest) bool {
		if r.Type != "session" {
			return false
		}
		r.Accept(&connection.Events{Request: func(ch *connection.Channel, q *connection.Request) {
			q.Reply(q.Type == "auth-agent-req@openssh.com")
			h.running.Go(func() {
				back, err := ch.Mux().Open(context.Background(), connection.TypeAgent, nil, nil)
				if err != nil {
					use(nil)
					return
				}
				client := agent.NewClient(back)
				use(client)
				client.Close()
				<-back.Done()
			})
		}})
		return true
	}
	return h
}

// restricted adds a key to a keyring that logs in at hosts with that key only.
func restricted(t *testing.T, k *agent.Keyring, hostKey sshkey.PublicKey) sshkey.Signer {
	t.Helper()
	s := newSigner(t)
	to := agent.Destination{To: agent.Hop{Host: "house", User: "user", Keys: []agent.HopKey{{Blob: hostKey.Marshal()}}}}
	key := agent.Key{Signer: s, Constraints: agent.Constraints{Destinations: []agent.Destination{to}}}
	if err := k.Add(key); err != nil {
		t.Fatal(err)
	}
	return s
}

// TestAgentLogin logs in with a key that the agent lets go to that server only.
func TestAgentLogin(t *testing.T) {
	k := new(agent.Keyring)
	there := newSigner(t)
	key := restricted(t, k, there.PublicKey())
	withAgent := func(cfg *sshclient.Config) { cfg.Auth = []userauth.Method{sshclient.AgentKeys(agentOf(t, k))} }
	h := houseWithAgent(t, key.PublicKey(), nil)
	if _, err := h.connect(withAgent); err == nil {
		t.Error("the key logs in at a server that it is not for")
	}
	h = houseWithAgent(t, key.PublicKey(), nil)
	h.transport.HostKeys = []sshkey.Signer{there}
	h.client(withAgent)
	if _, err := h.connect(withAgent, func(cfg *sshclient.Config) { cfg.User = "root" }); err == nil {
		t.Error("the key logs in as a user that it is not for")
	}
}

// TestAgentMissing: without an agent the other credentials are tried.
func TestAgentMissing(t *testing.T) {
	h := newHouse(t)
	h.auth.PublicKey = func(context.Context, *userauth.Attempt, sshkey.PublicKey, string, bool) userauth.Result {
		t.Error("a key was offered")
		return userauth.Result{}
	}
	broken := func(context.Context) (net.Conn, error) {
		here, there := net.Pipe()
		there.Close()
		return here, nil
	}
	t.Setenv(agent.SocketEnv, "")
	for name, dial := range map[string]sshclient.AgentDialer{"none": sshclient.UserAgent, "broken": broken} {
		client, err := h.connect(func(cfg *sshclient.Config) {
			cfg.Auth = []userauth.Method{sshclient.AgentKeys(dial), password("right")}
		})
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		client.Close()
	}
}

// TestForwardAgent lets a server use the agent, as far as its keys may go
// beyond it.
func TestForwardAgent(t *testing.T) {
	type seen struct {
		comments string
		signed   error
	}
	k := new(agent.Keyring)
	free := newSigner(t)
	if err := k.Add(agent.Key{Signer: free, Comment: "free"}); err != nil {
		t.Fatal(err)
	}
	result := make(chan seen, 1)
	h := houseWithAgent(t, nil, func(c *agent.Client) {
		if c == nil {
			result <- seen{comments: "refused"}
			return
		}
		var s seen
		list, err := c.List(context.Background())
		for _, i := range list {
			s.comments += i.Comment
		}
		_, s.signed = c.Sign(context.Background(), free.PublicKey(), "ssh-ed25519", []byte("data"))
		s.signed = errors.Join(s.signed, err)
		result <- s
	})
	restricted(t, k, h.transport.HostKeys[0].PublicKey())
	forward := func(cfg *sshclient.Config) { cfg.ForwardAgent = agentOf(t, k) }
	client := h.client(forward)
	s, err := client.NewSession(testContext(t))
	if err != nil {
		t.Fatal(err)
	}
	if err := s.ForwardAgent(testContext(t)); err != nil {
		t.Fatal(err)
	}
	if got := <-result; got.comments != "free" || got.signed != nil {
		t.Errorf("%+v", got)
	}
	t.Run("not asked for", func(t *testing.T) {
		for name, client := range map[string]*sshclient.Client{"no session": h.client(forward), "no agent": h.client()} {
			s, err := client.NewSession(testContext(t))
			if err != nil {
				t.Fatal(err)
			}
			s.Setenv(testContext(t), "X", "y") // any request has the house try
			if got := <-result; got.comments != "refused" {
				t.Errorf("%s: %+v", name, got)
			}
		}
		s, err := h.client().NewSession(testContext(t))
		if err != nil {
			t.Fatal(err)
		}
		var config *sshclient.ConfigError
		if err := s.ForwardAgent(testContext(t)); !errors.As(err, &config) {
			t.Errorf("no agent to forward: %v", err)
		}
	})
}
