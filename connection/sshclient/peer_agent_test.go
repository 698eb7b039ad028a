//go:build unix

package sshclient_test

import (
	"context"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hawser-ssh/hawser/connection/agent"
	"github.com/hawser-ssh/hawser/connection/peertest"
	"github.com/hawser-ssh/hawser/connection/sshclient"
	"github.com/hawser-ssh/hawser/userauth"
)

// TestSSHAgent logs in to sshd with a key of OpenSSH's agent that is restricted
// to that server, and forwards the agent there.
func TestSSHAgent(t *testing.T) {
	t.Parallel()
	dir, err := os.MkdirTemp("", "agent-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	socket, known := filepath.Join(dir, "agent"), filepath.Join(dir, "known")
	peertest.Cmd{Path: "ssh-agent", Args: []string{"-D", "-a", socket}}.Start(t).WaitOutput(agent.SocketEnv)
	keys := peertest.NewKeys(t, peertest.Ed25519, peertest.RSA3072, peertest.ECDSA256)
	here, elsewhere, free := keys[0], keys[1], keys[2]
	server := peertest.StartSSHD(t, peertest.SSHDOptions{AuthorizedKeys: keys[:2]})
	text := "elsewhere " + free.Public + "\n"
	for _, k := range server.HostKeys {
		text += "here " + k.Public + "\n"
	}
	if err := os.WriteFile(known, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	add := func(args ...string) {
		t.Helper()
		r := peertest.Cmd{Path: "ssh-add", Args: append([]string{"-q", "-H", known}, args...), Env: []string{agent.SocketEnv + "=" + socket}}.Run(t)
		if r.Code != 0 {
			t.Fatalf("ssh-add %q: %s", args, r.Stderr)
		}
	}
	dial := func(ctx context.Context) (net.Conn, error) { return agent.Dial(ctx, socket) }
	p := newPeer(t, server, sshclient.AgentKeys(dial))
	add("-h", "elsewhere", elsewhere.Path)
	if _, err := sshclient.Dial(testContext(t), "tcp", p.addr, p.config()); err == nil {
		t.Fatal("a key for another server logs in")
	}
	add("-h", "here", here.Path)
	add(free.Path)
	client := p.dial(t, func(cfg *sshclient.Config) { cfg.ForwardAgent = dial })
	s, err := client.NewSession(testContext(t))
	if err != nil {
		t.Fatal(err)
	}
	if err := s.ForwardAgent(testContext(t)); err != nil {
		t.Fatal(err)
	}
	out, err := s.Output(testContext(t), "ssh-add -l")
	if lines := strings.Split(strings.TrimSpace(string(out)), "\n"); err != nil || len(lines) != 1 || !strings.Contains(lines[0], free.Fingerprint(t)) {
		t.Errorf("the server sees %s: %v", out, err)
	}
	t.Run("RSA", func(t *testing.T) {
		add(elsewhere.Path) // without a restriction now
		p.dial(t, func(cfg *sshclient.Config) { cfg.Auth = []userauth.Method{sshclient.AgentKeys(dial)} })
	})
}
