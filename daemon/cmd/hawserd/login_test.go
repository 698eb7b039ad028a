//go:build unix

package main

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/hawser-ssh/hawser/connection/peertest"
)

func TestOpenSSHKeys(t *testing.T) {
	t.Parallel()
	h := startHawserd(t)
	var lines []string
	keys := peertest.NewKeys(t, peertest.Ed25519, peertest.ECDSA256, peertest.ECDSA384, peertest.ECDSA521, peertest.RSA2048)
	for _, k := range keys {
		lines = append(lines, k.Public)
	}
	h.authorize(t, lines...) // counts at once, without a restart
	for _, k := range keys {
		t.Run(string(k.Type), func(t *testing.T) {
			g := h.target(t)
			g.Key = &k
			wantOutput(t, g.RunSSH(t, nil, "echo in"), "in\n")
		})
	}
	for _, algorithm := range []string{"rsa-sha2-256", "rsa-sha2-512"} {
		t.Run(algorithm, func(t *testing.T) {
			g := h.target(t)
			g.Key = &keys[4]
			wantOutput(t, g.SSH(t, []string{"-o", "PubkeyAcceptedAlgorithms=" + algorithm}, "echo in").Run(t), "in\n")
		})
	}
	refused := func(name string, change func(g *peertest.Target)) {
		t.Run(name, func(t *testing.T) {
			g := h.target(t)
			g.Key = &keys[0]
			change(&g)
			if r := g.RunSSH(t, nil, "echo in"); r.Code != 255 || len(r.Stdout) > 0 || !strings.Contains(string(r.Stderr), "Permission denied") {
				t.Errorf("status %d, %q, %q", r.Code, r.Stdout, r.Stderr)
			}
		})
	}
	refused("unknown key", func(g *peertest.Target) { k := peertest.NewKey(t, peertest.Ed25519); g.Key = &k })
	refused("unknown user", func(g *peertest.Target) { g.User = "nobody-here" })
	refused("no key", func(g *peertest.Target) { g.Key = nil })
	refused("key taken away", func(*peertest.Target) { h.authorize(t, lines[1:]...) })
	refused("file others write to", func(*peertest.Target) {
		h.authorize(t, lines...)
		if err := os.Chmod(filepath.Join(h.home, ".ssh", "authorized_keys"), 0o666); err != nil {
			t.Fatal(err)
		}
	})
}

// usersFile writes a -users file of name and password pairs.
func usersFile(t testing.TB, pairs ...string) string {
	t.Helper()
	var text strings.Builder
	for i := 0; i < len(pairs); i += 2 {
		fmt.Fprintf(&text, "%s:%s\n", pairs[i], hashOf(t, pairs[i+1]))
	}
	path := filepath.Join(t.TempDir(), "users")
	write(t, path, text.String())
	return path
}

func TestOpenSSHPasswords(t *testing.T) {
	t.Parallel()
	h := startHawserd(t, "-users", usersFile(t, "ann", "one two", "bob", "x"))
	for _, tt := range []struct {
		user, password, method string
		ok                     bool
	}{
		{"ann", "one two", "password", true},
		{"ann", "one two", "keyboard-interactive", true},
		{"bob", "x", "password", true},
		{"ann", "x", "password", false},
		{"ann", "x", "keyboard-interactive", false},
		{"eve", "x", "password", false},
		{"eve", "x", "keyboard-interactive", false},
	} {
		t.Run(tt.user+" "+tt.password+" "+tt.method, func(t *testing.T) {
			g := h.target(t)
			g.Key, g.User, g.Password, g.Methods = nil, tt.user, tt.password, tt.method
			r := g.RunSSH(t, nil, "echo in")
			if ok := r.Code == 0 && string(r.Stdout) == "in\n"; ok != tt.ok {
				t.Errorf("status %d, %q, %q", r.Code, r.Stdout, r.Stderr)
			}
		})
	}
	t.Run("scp with a password", func(t *testing.T) {
		g := h.target(t)
		g.Key, g.User, g.Password = nil, "bob", "x"
		file, _, sum := noise(t, 1000)
		wantOK(t, g.SCP(t, file, "remote:copied").Run(t))
		if got, err := os.ReadFile(filepath.Join(h.home, "copied")); err != nil || sumOf(got) != sum {
			t.Error(err)
		}
	})
}

// TestTwoFactors: both methods are needed, in the order given, and one user's factor does not count for another.
func TestTwoFactors(t *testing.T) {
	t.Parallel()
	for _, second := range []string{"password", "keyboard-interactive"} {
		h := startHawserd(t, "-users", usersFile(t, "ann", "pw"), "-require", "publickey,"+second)
		g := h.target(t)
		g.User, g.Password = "ann", "pw"
		for _, tt := range []struct {
			name   string
			change func(g *peertest.Target)
			want   int
		}{
			{"both", func(*peertest.Target) {}, 0},
			{"wrong password", func(g *peertest.Target) { g.Password = "no" }, 255},
			{"no key", func(g *peertest.Target) { g.Key = nil }, 255},
			{"key only", func(g *peertest.Target) { g.Methods = "publickey" }, 255},
			{"password only", func(g *peertest.Target) { g.Methods = second }, 255},
			{"other user", func(g *peertest.Target) { g.User = h.user }, 255},
		} {
			t.Run(second+" "+tt.name, func(t *testing.T) {
				g := g
				tt.change(&g)
				r := g.RunSSH(t, nil, "echo in")
				if r.Code != tt.want || (string(r.Stdout) == "in\n") != (tt.want == 0) {
					t.Errorf("status %d, %q, %q", r.Code, r.Stdout, r.Stderr)
				}
			})
		}
	}
	if r := (peertest.Cmd{Path: hawserdBinary(t), Args: []string{"-require", "publickey,password", "-authorized-keys",
		keyLine(t)}, Env: []string{"HOME=" + newHome(t)}}).Run(t); r.Code != exitUsage {
		t.Errorf("-require password without -users: status %d, %s", r.Code, r.Stderr)
	}
}

// keyLine is an authorized_keys file with one key in it.
func keyLine(t testing.TB) string {
	path := filepath.Join(t.TempDir(), "keys")
	write(t, path, peertest.NewKey(t, peertest.Ed25519).Public+"\n")
	return path
}

func TestAuthorizedKeyOptions(t *testing.T) {
	t.Parallel()
	const noTTY = "-" // the terminal is refused, so ssh gives up
	h := startHawserd(t)
	echoed := echoServer(t, "tcp", "127.0.0.1:0")
	g := h.target(t)
	try := func(options string) (peertest.Result, peertest.Result) {
		h.authorize(t, strings.TrimSpace(options+" "+h.key.Public))
		run := g.SSH(t, []string{"-tt", "-o", "SendEnv=LANG"}, `test -t 0 && echo tty; echo "asked $A $LC_B"`)
		forward := g.SSH(t, []string{"-W", echoed.Addr().String()})
		forward.Stdin = strings.NewReader("ping")
		return run.Run(t), forward.Run(t)
	}
	for _, tt := range []struct {
		options string
		runs    string // what it prints; "" where the key does not log in
		forward bool
	}{
		{"", "tty asked", true},
		{`command="echo forced $SSH_ORIGINAL_COMMAND"`, "forced test -t 0 && echo tty; echo \"asked $A $LC_B\"", true},
		{`command=""`, "  ", true},
		{"no-pty", noTTY, true},
		{"no-port-forwarding", "tty asked", false},
		{"restrict", noTTY, false},
		{"restrict,pty", "tty asked", false},
		{"restrict,port-forwarding", noTTY, true},
		{`permitopen="127.0.0.1:` + portOf(echoed.Addr()) + `"`, "tty asked", true},
		{`permitopen="127.0.0.1:*"`, "tty asked", true},
		{`permitopen="127.0.0.1:1"`, "tty asked", false},
		{`from="127.0.0.0/8"`, "tty asked", true},
		{`from="!127.0.0.1,*"`, "", false},
		{`from="192.0.2.1"`, "", false},
		{`expiry-time="20010101"`, "", false},
		{`expiry-time="21000101"`, "tty asked", true},
		{`environment="A=1",environment="LC_B=2"`, "tty asked  2", true},
		{"no-such-option", "", false},
	} {
		t.Run(tt.options, func(t *testing.T) {
			run, forward := try(tt.options)
			got := strings.Join(strings.Fields(string(run.Stdout)), " ")
			want := strings.Join(strings.Fields(strings.TrimPrefix(tt.runs, "-")), " ")
			if tt.runs == "" && (run.Code != 255 || !strings.Contains(string(run.Stderr), "Permission denied")) {
				t.Errorf("logged in: %q, %q", run.Stdout, run.Stderr)
			}
			if tt.runs == noTTY && !strings.Contains(string(run.Stderr), "PTY allocation request failed") {
				t.Errorf("a terminal was granted: %s", run.Stderr)
			}
			if got != want {
				t.Errorf("output %q, want %q; %s", got, want, run.Stderr)
			}
			if ok := string(forward.Stdout) == "ping"; ok != tt.forward {
				t.Errorf("forwarding: %v, %s", ok, forward.Stderr)
			}
		})
	}
	t.Run("internal-sftp", func(t *testing.T) {
		h.authorize(t, `restrict,command="internal-sftp" `+h.key.Public)
		wantOK(t, g.SFTP(t, "ls /\n").Run(t))
		if r := g.RunSSH(t, strings.NewReader(""), "echo in"); strings.Contains(string(r.Stdout), "in\n") {
			t.Error("a command ran")
		}
	})
}

// TestFirstStart follows a new user's first minute: no key, no flags but a free port.
func TestFirstStart(t *testing.T) {
	t.Parallel()
	h := &hawserd{home: newHome(t), user: ownName(t)}
	h.launch(t, "-listen", "127.0.0.1:0", "-drain", "1s")
	h.WaitOutput("password: ")
	h.WaitOutput("\n\n")
	first := regexp.MustCompile(`password: (\S+)\n`).FindStringSubmatch(h.Stdout.String())
	command := regexp.MustCompile(`(?m)^ +ssh (.*)$`).FindStringSubmatch(h.Stdout.String())
	if first == nil || command == nil {
		t.Fatalf("it says:\n%s", h.Stdout.String())
	}
	login := func(password string) peertest.Result {
		g := peertest.NewTarget(t, h.addr, h.user)
		g.Password = password
		args := []string{"-F", "none", "-o", "UserKnownHostsFile=/dev/null", "-o", "StrictHostKeyChecking=no", "-o", "LogLevel=ERROR",
			"-o", "NumberOfPasswordPrompts=1"}
		args = append(append(args, strings.Fields(command[1])...), "echo in")
		return peertest.Cmd{Path: "ssh", Args: args, Env: g.SSHEnv(t)}.Run(t)
	}
	if r := login("wrong"); r.Code != 255 {
		t.Errorf("a wrong password: status %d", r.Code)
	}
	wantOutput(t, login(first[1]), "in\n")
	if r := login(first[1]); r.Code != 255 {
		t.Errorf("the password worked twice: status %d", r.Code)
	}
	h.WaitOutput("next one-time password: ")
	next := regexp.MustCompile(`next one-time password: (\S+)\n`).FindStringSubmatch(h.Stdout.String())
	if next == nil || next[1] == first[1] {
		t.Fatalf("it says:\n%s", h.Stdout.String())
	}
	wantOutput(t, login(next[1]), "in\n")

	key := filepath.Join(h.home, ".config", "hawser", "ssh_host_ed25519_key")
	before, err := os.ReadFile(key)
	if err != nil {
		t.Fatal(err)
	}
	if info, _ := os.Stat(key); info.Mode().Perm() != 0o600 {
		t.Errorf("the host key has mode %v", info.Mode())
	}
	h.terminate(t)
	again := &hawserd{home: h.home, user: h.user}
	again.launch(t, "-listen", "127.0.0.1:0", "-drain", "1s")
	if after, err := os.ReadFile(key); err != nil || string(after) != string(before) {
		t.Errorf("the host key changed: %v", err)
	}
}
