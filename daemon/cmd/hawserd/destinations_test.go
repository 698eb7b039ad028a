//go:build unix

package main

import (
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/hawser-ssh/hawser/connection/agent"
	"github.com/hawser-ssh/hawser/connection/peertest"
)

// emptyAgents are agents without keys by their sockets: OpenSSH's and ours.
func emptyAgents(t *testing.T) map[string]string {
	t.Helper()
	theirs, ours := filepath.Join(socketDir(t), "agent"), filepath.Join(socketDir(t), "agent")
	peertest.Cmd{Path: "ssh-agent", Args: []string{"-D", "-a", theirs}}.Start(t).WaitOutput("SSH_AUTH_SOCK")
	l, err := net.Listen("unix", ours)
	if err != nil {
		t.Fatal(err)
	}
	keyring := new(agent.Keyring)
	var running sync.WaitGroup
	running.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			running.Go(func() { agent.Serve(t.Context(), conn, keyring) })
		}
	})
	t.Cleanup(func() {
		l.Close()
		running.Wait()
	})
	return map[string]string{"OpenSSH's": theirs, "ours": ours}
}

// TestOpenSSHDestinations: keys that ssh-add -h restricts to some hosts log in to hawserd there and nowhere else, also
// from one hawserd on to another over a forwarded agent.
func TestOpenSSHDestinations(t *testing.T) {
	t.Parallel()
	one, two := startHawserd(t), startHawserd(t)
	keys := peertest.NewKeys(t, peertest.Ed25519, peertest.ECDSA256)
	onward, here := keys[0], keys[1]
	for _, h := range []*hawserd{one, two} {
		h.authorize(t, onward.Public, here.Public)
	}
	known := filepath.Join(t.TempDir(), "known")
	if err := os.WriteFile(known, []byte("one "+one.hostKey.Public+"\ntwo "+two.hostKey.Public+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, socket := range emptyAgents(t) {
		for key, hops := range map[string][]string{onward.Path: {"-h", "one", "-h", "one>two"}, here.Path: {"-h", "one"}} {
			args := append(append([]string{"-q", "-H", known}, hops...), key)
			wantOK(t, peertest.Cmd{Path: "ssh-add", Args: args, Env: []string{"SSH_AUTH_SOCK=" + socket}}.Run(t))
		}
		// The file of the public key says which key of the agent it is to be.
		login := func(h *hawserd, key peertest.Key) peertest.Target {
			g := h.target(t)
			g.Key = &peertest.Key{Path: key.Path + ".pub"}
			return g
		}
		status := func(what string, g peertest.Target, command string, want int) {
			t.Helper()
			if r := withAgent(t, g, socket, nil, command).Run(t); r.Code != want {
				t.Errorf("%s, %s: status %d, want %d: %s%s", name, what, r.Code, want, r.Stdout, r.Stderr)
			}
		}
		onTo := func(g peertest.Target) string { // with the agent that is forwarded there
			c := g.SSH(t, nil, "exit 7")
			text := c.Path
			for _, a := range c.Args {
				text += " '" + strings.ReplaceAll(a, "IdentityAgent=none", "IdentityAgent=SSH_AUTH_SOCK") + "'"
			}
			return text
		}
		status("to one", login(one, onward), "exit 7", 7)
		status("to one, the other key", login(one, here), "exit 7", 7)
		status("to two", login(two, onward), "exit 7", 255)
		status("to two, the other key", login(two, here), "exit 7", 255)
		status("over one to two", login(one, onward), onTo(login(two, onward)), 7)
		status("over one to two, the other key", login(one, onward), onTo(login(two, here)), 255)
		r := withAgent(t, login(one, onward), socket, nil, "ssh-add -l").Run(t)
		if out := string(r.Stdout); !strings.Contains(out, onward.Fingerprint(t)) || strings.Contains(out, here.Fingerprint(t)) {
			t.Errorf("%s: at one are seen %s", name, out)
		}
	}
}
