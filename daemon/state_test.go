package daemon

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"testing"

	"github.com/hawser-ssh/hawser/connection/sshclient"
	"github.com/hawser-ssh/hawser/transport"
	"github.com/hawser-ssh/hawser/userauth"
	"github.com/hawser-ssh/hawser/wire"
)

// TestConnectionState: client and server say the same of a connection with two factors, in its life and after its end.
func TestConnectionState(t *testing.T) {
	d := newDaemon(t)
	var log bytes.Buffer
	d.SetKeyLogWriter(&log)
	if err := errors.Join(d.SetSSHCompressionAlgorithms("zlib@openssh.com"), d.SetDefaultAuthMethods("password,keyboard-interactive"), d.SetKeyboardInteractivePromptCount(1)); err != nil {
		t.Fatal(err)
	}
	d.OnSSHUserAuthRequest = func(e *SSHUserAuthRequestEvent) {
		switch e.AuthMethod {
		case "password":
			e.PartialSuccess = e.AuthParam == "secret"
		case "keyboard-interactive-1", "keyboard-interactive":
			e.Accept = true
		}
	}
	echo(t, d)
	var early, last ConnectionState
	stateOf := func(id int) ConnectionState {
		h, err := d.SSHConnection(id)
		if err != nil {
			t.Error(err)
			return ConnectionState{}
		}
		return h.ConnectionState()
	}
	d.OnConnected = func(e *ConnectedEvent) { early = stateOf(e.ConnectionID) }
	d.OnDisconnected = func(e *DisconnectedEvent) { last = stateOf(e.ConnectionID) }
	s := serve(t, d)
	var accepted userauth.Acceptance
	c, err := sshclient.NewClient(t.Context(), s.client, "memory:22", &sshclient.Config{
		User: "alice", HostKey: sshclient.InsecureIgnoreHostKey(),
		Auth: []userauth.Method{
			userauth.Password(func(context.Context) (string, error) { return "secret", nil }),
			userauth.KeyboardInteractive(func(_ context.Context, _, _ string, prompts []wire.Prompt) ([]string, error) {
				return make([]string, len(prompts)), nil
			}),
		},
		Transport: &transport.Config{Compression: []string{"zlib@openssh.com"}},
		Userauth:  &userauth.ClientConfig{Accepted: func(a userauth.Acceptance) { accepted = a }},
	})
	if err != nil {
		t.Fatal(err)
	}
	if out, err := runOurs(t, c, "cat", "hello"); err != nil || out != "hello" {
		t.Fatalf("%q, %v", out, err)
	}
	if err := errors.Join(c.Rekey(t.Context()), c.Keepalive(t.Context())); err != nil { // what is answered comes after the server's end of it
		t.Fatal(err)
	}
	id := d.SSHConnections()[0].ConnectionID()
	theirs, ours := c.ConnectionState(), stateOf(id)
	if early.ConnectionID != id || early.ConnectionUID == 0 || early.User != "" || early.AuthMethod != "" || early.Factors != nil {
		t.Errorf("at first: %+v", early)
	}
	factors := []string{"password", "keyboard-interactive"}
	for _, s := range []struct {
		user, method string
		factors      []string
		state        transport.ConnectionState
	}{
		{theirs.User, theirs.AuthMethod, theirs.Factors, theirs.ConnectionState},
		{ours.User, ours.AuthMethod, ours.Factors, ours.ConnectionState},
	} {
		if s.user != "alice" || s.method != factors[1] || !slices.Equal(s.factors, factors) {
			t.Errorf("%v: user %q, method %q, factors %q", s.state.Role, s.user, s.method, s.factors)
		}
		if st := s.state; st.Rekeys != 1 || st.Err != nil || st.Sent.Packets < 10 || st.Received.Packets < 10 ||
			st.Algorithms.ServerToClient.Compression != "zlib@openssh.com" || len(st.ClientHASSH) != 32 {
			t.Errorf("%+v", st)
		}
	}
	if theirs.ServerHASSH != ours.ServerHASSH || theirs.ClientHASSH != ours.ClientHASSH || theirs.ClientHASSH == theirs.ServerHASSH ||
		!bytes.Equal(theirs.SessionID, ours.SessionID) || theirs.Algorithms != ours.Algorithms {
		t.Errorf("client: %+v\nserver: %+v", theirs, ours)
	}
	if accepted.Method != factors[1] {
		t.Errorf("the caller's own Accepted got %+v", accepted)
	}
	c.Close()
	<-s.done
	end, ok := errors.AsType[*transport.DisconnectError](last.Err)
	if !ok || !end.Remote || last.User != "alice" || last.Received.Bytes <= ours.Received.Bytes {
		t.Errorf("in the end: %+v", last)
	}
	if n := bytes.Count(log.Bytes(), []byte(" SHARED_SECRET ")); n != 2 {
		t.Errorf("%d secrets in the key log, want 2", n)
	}
	if end, ok := errors.AsType[*transport.DisconnectError](c.ConnectionState().Err); !ok || end.Remote {
		t.Errorf("the client ended with %v", c.ConnectionState().Err)
	}
}
