package daemon

import (
	"context"
	"errors"
	"net"
	"sync"
	"testing"

	"github.com/hawser-ssh/hawser/connection/agent"
	"github.com/hawser-ssh/hawser/connection/sshclient"
	"github.com/hawser-ssh/hawser/userauth"
)

// TestOpenAgent uses the agent that a client forwards, and finds none where it
// does not.
func TestOpenAgent(t *testing.T) {
	keyring, key := new(agent.Keyring), newSigner(t)
	if err := keyring.Add(agent.Key{Signer: key, Comment: "hers"}); err != nil {
		t.Fatal(err)
	}
	d := newDaemon(t)
	ids := make(chan int, 1)
	d.OnSSHChannelRequest = func(e *SSHChannelRequestEvent) {
		e.Success = e.RequestType == "auth-agent-req@openssh.com"
		ids <- e.ConnectionID
	}
	var running sync.WaitGroup
	t.Cleanup(running.Wait)
	c, err := sshclient.NewClient(t.Context(), serve(t, d).client, "memory:22", &sshclient.Config{
		User:    "alice",
		Auth:    []userauth.Method{userauth.Password(func(context.Context) (string, error) { return "secret", nil })},
		HostKey: sshclient.InsecureIgnoreHostKey(),
		ForwardAgent: func(context.Context) (net.Conn, error) {
			here, there := net.Pipe()
			running.Go(func() { agent.Serve(t.Context(), there, keyring) })
			return here, nil
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	s, err := c.NewSession(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	s.Setenv(t.Context(), "A", "B") // the daemon refuses, and tells us its id
	id := <-ids
	if _, err := d.OpenAgent(t.Context(), id); !isCode(err, CodeForwardConnection) {
		t.Errorf("before it was asked for: %v", err)
	}
	if err := s.ForwardAgent(t.Context()); err != nil {
		t.Fatal(err)
	}
	<-ids
	a, err := d.OpenAgent(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	list, err := a.List(t.Context())
	if err != nil || len(list) != 1 || list[0].Comment != "hers" {
		t.Fatalf("%v, %v", list, err)
	}
	if _, err := a.Sign(t.Context(), key.PublicKey(), "ssh-ed25519", []byte("data")); err != nil {
		t.Error(err)
	}
	if _, err := d.OpenAgent(t.Context(), id+1); err == nil {
		t.Error("the agent of nobody")
	}
}

func isCode(err error, code int) bool {
	e, ok := errors.AsType[*Error](err)
	return ok && e.Code == code
}
