//go:build unix

package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/hawser-ssh/hawser/connection"
	"github.com/hawser-ssh/hawser/connection/peertest"
)

// startAgent runs an ssh-agent with the key in it and returns its socket.
func startAgent(t testing.TB, key peertest.Key) string {
	t.Helper()
	socket := filepath.Join(socketDir(t), "agent")
	agent := peertest.Cmd{Path: "ssh-agent", Args: []string{"-D", "-a", socket}}.Start(t)
	agent.WaitOutput("SSH_AUTH_SOCK")
	wantOK(t, peertest.Cmd{Path: "ssh-add", Args: []string{"-q", key.Path}, Env: []string{"SSH_AUTH_SOCK=" + socket}}.Run(t))
	return socket
}

// withAgent is ssh -A for the target, with this agent.
func withAgent(t testing.TB, g peertest.Target, socket string, options []string, command ...string) peertest.Cmd {
	t.Helper()
	options = append([]string{"-A", "-o", "IdentityAgent=" + socket}, options...)
	c := g.SSH(t, options, command...)
	for i, a := range c.Args { // the first value of an option wins
		if a == "IdentityAgent=none" {
			c.Args[i] = "IdentityAgent=" + socket
		}
	}
	c.Env = append(c.Env, "SSH_AUTH_SOCK="+socket)
	return c
}

// TestOpenSSHAgent: what runs in a session of ssh -A lists the keys of the client's agent and signs with them; the socket
// is for this user alone, and goes with the connection.
func TestOpenSSHAgent(t *testing.T) {
	t.Parallel()
	h := startHawserd(t)
	extra := peertest.NewKey(t, peertest.ECDSA256)
	socket := startAgent(t, extra)
	r := withAgent(t, h.target(t), socket, nil, `ssh-add -l; echo "$SSH_AUTH_SOCK"; ls -ldn "$(dirname "$SSH_AUTH_SOCK")" "$SSH_AUTH_SOCK"; `+
		`echo text > "$HOME/text"; ssh-keygen -q -Y sign -n test -f `+extra.Path+`.pub "$HOME/text" && cat "$HOME/text.sig"`).Run(t)
	wantOK(t, r)
	out := string(r.Stdout)
	if !strings.Contains(out, extra.Fingerprint(t)) || !strings.Contains(out, "BEGIN SSH SIGNATURE") {
		t.Errorf("output %s, %s", out, r.Stderr)
	}
	lines := strings.Split(out, "\n")
	path, me := lines[1], fmt.Sprint(os.Getuid())
	if fields := strings.Fields(lines[2]); !strings.HasPrefix(lines[2], "drwx------") || fields[2] != me {
		t.Errorf("directory %q", lines[2])
	}
	if fields := strings.Fields(lines[3]); !strings.HasPrefix(lines[3], "srw-------") || fields[2] != me {
		t.Errorf("socket %q", lines[3])
	}
	eventually(t, "the socket is gone", func() bool {
		_, err := os.Lstat(filepath.Dir(path))
		return os.IsNotExist(err)
	})
	t.Run("not asked for", func(t *testing.T) {
		wantOutput(t, h.target(t).RunSSH(t, nil, `echo "[$SSH_AUTH_SOCK]"`), "[]\n")
	})
	t.Run("sessions share it", func(t *testing.T) {
		control := []string{"-o", "ControlPath=" + socketDir(t) + "/c"}
		master := withAgent(t, h.target(t), socket, append(control, "-M", "-N", "-v", "-o", "LogLevel=VERBOSE")).Start(t)
		master.WaitError("Entering interactive session")
		first := withAgent(t, h.target(t), socket, control, `echo $SSH_AUTH_SOCK; ssh-add -l >/dev/null`).Run(t)
		second := withAgent(t, h.target(t), socket, control, `echo $SSH_AUTH_SOCK; ssh-add -l >/dev/null`).Run(t)
		wantOK(t, first)
		wantOutput(t, second, string(first.Stdout))
		wantOK(t, h.target(t).SSH(t, append(control, "-O", "exit")).Run(t))
		master.Wait()
	})
	t.Run("the key forbids it", func(t *testing.T) {
		h.authorize(t, "no-agent-forwarding "+h.key.Public)
		wantOutput(t, withAgent(t, h.target(t), socket, nil, `echo "[$SSH_AUTH_SOCK]"`).Run(t), "[]\n")
		h.authorize(t, "restrict,agent-forwarding "+h.key.Public)
		wantOK(t, withAgent(t, h.target(t), socket, nil, `ssh-add -l`).Run(t))
	})
}

// TestAgentOff: the flag that turns it off.
func TestAgentOff(t *testing.T) {
	t.Parallel()
	h := startHawserd(t, "-agent=false", "-x11=false")
	ch := openPlainSession(t, h)
	if err := ch.RequestAgent(t.Context()); err == nil {
		t.Error("an agent was granted")
	}
	if err := ch.RequestX11(t.Context(), goodX11()); err == nil {
		t.Error("X11 was granted")
	}
	wantExec(t, ch, `echo "[$SSH_AUTH_SOCK$DISPLAY$XAUTHORITY]"`, "[]\n")
}

func openPlainSession(t testing.TB, h *hawserd) *connection.Channel {
	t.Helper()
	ch, err := h.dial(t).Mux().OpenSession(context.Background(), nil)
	if err != nil {
		t.Fatal(err)
	}
	return ch
}

func goodX11() *connection.X11 {
	return &connection.X11{Protocol: "MIT-MAGIC-COOKIE-1", Cookie: []byte("0123456789abcdef")}
}

// wantExec runs a command in a session that is open and checks its output.
func wantExec(t testing.TB, ch *connection.Channel, command, want string) {
	t.Helper()
	if err := ch.Exec(context.Background(), command); err != nil {
		t.Fatal(err)
	}
	if got := readAll(t, ch); got != want {
		t.Errorf("output %q, want %q", got, want)
	}
}

func TestPrivateDir(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir()+"/"+strings.Repeat("long/", 20))
	dir, err := privateDir("hawserd-agent-", len("/agent"))
	if err != nil {
		t.Fatal(err)
	}
	defer syscall.Rmdir(dir)
	if info, err := os.Stat(dir); err != nil || info.Mode().Perm() != 0o700 || filepath.Dir(dir) != "/tmp" {
		t.Errorf("%s %v %v", dir, info.Mode(), err)
	}
}
