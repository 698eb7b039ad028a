package sshclient_test

import (
	"context"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/hawser-ssh/hawser/connection/peertest"
	"github.com/hawser-ssh/hawser/transport/sshkey"
	"github.com/hawser-ssh/hawser/userauth"
)

// TestSSHDHostBased: OpenSSH's server believes the machine that we run on, for the users that an account lists.
func TestSSHDHostBased(t *testing.T) {
	t.Parallel()
	account := peertest.NewAccount(t)
	kinds := []peertest.KeyType{peertest.Ed25519, peertest.RSA3072, peertest.ECDSA256}
	keys := peertest.NewKeys(t, kinds...)
	account.Authorize(t) // makes ~/.ssh
	var known strings.Builder
	for _, k := range keys {
		known.WriteString("desk.example " + k.Public + "\n")
	}
	for name, text := range map[string]string{".shosts": "desk.example bob\n", ".ssh/known_hosts": known.String()} {
		if err := os.WriteFile(filepath.Join(account.Home, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	server := peertest.StartSSHD(t, peertest.SSHDOptions{
		HostKeys: []peertest.KeyType{peertest.Ed25519}, Account: account,
		Extra: []string{"HostbasedAuthentication yes", "HostbasedUsesNameFromPacketOnly yes", "IgnoreRhosts no", "IgnoreUserKnownHosts no"},
	})
	for _, k := range keys {
		t.Run(string(k.Type), func(t *testing.T) {
			login(t, newPeer(t, server, userauth.HostBased("desk.example.", "bob", signerOf(t, k))))
		})
	}
	t.Run("other user", func(t *testing.T) {
		refused(t, newPeer(t, server, userauth.HostBased("desk.example.", "eve", signerOf(t, keys[0]))))
	})
	t.Run("other key", func(t *testing.T) {
		stranger := signerOf(t, peertest.NewKey(t, peertest.Ed25519))
		refused(t, newPeer(t, server, userauth.HostBased("desk.example.", "bob", stranger)))
	})
}

// TestAsyncSSHHostBased: AsyncSSH's client shows what its host says of its user to a server of the house.
func TestAsyncSSHHostBased(t *testing.T) {
	t.Parallel()
	for _, kind := range []peertest.KeyType{peertest.Ed25519, peertest.RSA3072, peertest.ECDSA384} {
		t.Run(string(kind), func(t *testing.T) {
			key := peertest.NewKey(t, kind)
			h := newHouse(t)
			h.auth.HostBased = func(_ context.Context, a *userauth.Attempt, k sshkey.PublicKey, _, host, user string) userauth.Result {
				if a.User == "ann" && host == "desk.example" && user == "bob" && sshkey.Equal(k, publicOf(t, key)) {
					return userauth.Result{Outcome: userauth.Accept}
				}
				return userauth.Result{}
			}
			addr := h.listenTCP(t)
			for user, code := range map[string]int{"bob": 0, "eve": 254} {
				c := peertest.NewTarget(t, addr, "ann").PythonClient(t)
				c.Command, c.HostBased = "echo in", [3]string{key.Path, "desk.example", user}
				if r := c.AsyncSSH(t).Run(t); r.Code != code || (code == 0 && string(r.Stdout) != "in\n") {
					t.Errorf("%s: status %d, %q, %s", user, r.Code, r.Stdout, r.Stderr)
				}
			}
		})
	}
}

// TestSSHHostBased: OpenSSH's ssh and its ssh-keysign show what this machine says of the one who runs the test to a
// server of the house.
func TestSSHHostBased(t *testing.T) {
	t.Parallel()
	me := peertest.CurrentUser(t)
	for _, kind := range []peertest.KeyType{peertest.Ed25519, peertest.RSA3072, peertest.ECDSA256} {
		t.Run(string(kind), func(t *testing.T) {
			key := peertest.NewKey(t, kind)
			asked := make(chan string, 10)
			h := newHouse(t)
			h.auth.HostBased = func(_ context.Context, a *userauth.Attempt, k sshkey.PublicKey, _, host, user string) userauth.Result {
				asked <- a.User + " " + host + " " + user
				if a.User == "ann" && host == "desk.example" && user == me && sshkey.Equal(k, publicOf(t, key)) {
					return userauth.Result{Outcome: userauth.Accept}
				}
				return userauth.Result{}
			}
			addr := h.listenTCP(t)
			for user, code := range map[string]int{"ann": 0, "bob": 255} {
				r := peertest.NewTarget(t, addr, user).HostBasedSSH(t, "desk.example", key, "echo in").Run(t)
				if r.Code != code || (code == 0 && string(r.Stdout) != "in\n") {
					t.Errorf("%s: status %d, %q, %s", user, r.Code, r.Stdout, r.Stderr)
				}
				if got, want := <-asked, user+" desk.example "+me; got != want {
					t.Errorf("asked for %q, want %q", got, want)
				}
			}
		})
	}
}

// listenTCP serves on a free port until the test ends, and returns its address.
func (h *house) listenTCP(t testing.TB) string {
	t.Helper()
	l, err := net.ListenTCP("tcp", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	h.running.Go(func() {
		for {
			nc, err := l.Accept()
			if err != nil {
				return
			}
			h.running.Go(func() { h.serve(nc) })
		}
	})
	t.Cleanup(func() { l.Close() })
	return net.JoinHostPort("127.0.0.1", strconv.Itoa(l.Addr().(*net.TCPAddr).Port))
}
