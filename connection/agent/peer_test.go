//go:build unix

package agent

import (
	"errors"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/hawser-ssh/hawser/connection/peertest"
	"github.com/hawser-ssh/hawser/transport/sshkey"
)

// socketDir returns a directory whose name leaves room for a socket's.
func socketDir(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "agent-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

// sshAgent runs OpenSSH's agent, and returns its socket.
func sshAgent(t testing.TB) string {
	t.Helper()
	socket := filepath.Join(socketDir(t), "agent")
	peertest.Cmd{Path: "ssh-agent", Args: []string{"-D", "-a", socket}}.Start(t).WaitOutput(SocketEnv)
	return socket
}

// dialTo connects to an agent's socket for the time of the test.
func dialTo(t testing.TB, socket string) *Client {
	t.Helper()
	conn, err := Dial(t.Context(), socket)
	if err != nil {
		t.Fatal(err)
	}
	c := NewClient(conn)
	t.Cleanup(func() { c.Close() })
	return c
}

// sshAdd runs ssh-add against an agent.
func sshAdd(t testing.TB, socket string, args ...string) peertest.Result {
	t.Helper()
	return peertest.Cmd{Path: "ssh-add", Args: args, Env: []string{SocketEnv + "=" + socket}}.Run(t)
}

// TestPeerAgent keeps keys in OpenSSH's agent.
func TestPeerAgent(t *testing.T) {
	socket := sshAgent(t)
	ctx, c := t.Context(), dialTo(t, socket)
	authority := newSigner()
	for name, private := range testKeys() {
		public := must(sshkey.NewPublicKey(private.Public()))
		cert := certify(authority, public, sshkey.UserCertificate, "user")
		for _, key := range []NewKey{
			{Private: private, Comment: name, Constraints: Constraints{Lifetime: 600 * second}},
			{Private: private, Comment: name + " certified", Certificate: cert},
		} {
			if err := c.Add(ctx, key); err != nil {
				t.Fatalf("%s: %v", key.Comment, err)
			}
		}
	}
	listed := string(sshAdd(t, socket, "-l").Stdout)
	signers := must(c.Signers(ctx))
	if len(signers) != 2*len(testKeys()) {
		t.Errorf("%d keys", len(signers))
	}
	for _, i := range must(c.List(ctx)) {
		if !strings.Contains(listed, sshkey.DescribeKey(i.Key, i.Comment)) {
			t.Errorf("ssh-add lists %s, without %s", listed, sshkey.DescribeKey(i.Key, i.Comment))
		}
	}
	for _, s := range signers {
		for _, algorithm := range s.Algorithms() {
			if _, err := s.Sign(nil, algorithm, []byte("data")); err != nil {
				t.Errorf("%s: %v", algorithm, err)
			}
		}
	}
	if err := c.Remove(ctx, signers[0].PublicKey()); err != nil {
		t.Error(err)
	}
	if _, err := signers[0].Sign(nil, signers[0].Algorithms()[0], nil); !errors.Is(err, ErrRefused) {
		t.Errorf("a removed key: %v", err)
	}
	if err := c.Lock(ctx, []byte("secret")); err != nil || len(must(c.List(ctx))) != 0 {
		t.Errorf("lock: %v", err)
	}
	if err := errors.Join(c.Unlock(ctx, []byte("secret")), c.RemoveAll(ctx)); err != nil || len(must(c.List(ctx))) != 0 {
		t.Errorf("unlock and remove all: %v", err)
	}
	if list, err := c.Extensions(ctx); err != nil && err != ErrRefused || err == nil && !slices.Contains(list, extensionSessionBind) {
		t.Errorf("extensions %q: %v", list, err) // OpenSSH answers since 10.3
	}
	t.Run("keys of ssh-add", func(t *testing.T) {
		key := peertest.NewKey(t, peertest.ECDSA256)
		if r := sshAdd(t, socket, "-q", key.Path); r.Code != 0 {
			t.Fatalf("%s", r.Stderr)
		}
		signers := must(c.Signers(ctx))
		if len(signers) != 1 || sshkey.Fingerprint(signers[0].PublicKey()) != key.Fingerprint(t) {
			t.Fatalf("%v", signers)
		}
	})
}

// TestPeerAgentDestinations holds OpenSSH's agent to what ours is held to.
func TestPeerAgentDestinations(t *testing.T) {
	socket := sshAgent(t)
	testDestinations(t, func() *Client { return dialTo(t, socket) })
}

// listen serves a keyring on a socket until the test ends.
func listen(t testing.TB, k *Keyring) (socket string) {
	t.Helper()
	socket = filepath.Join(socketDir(t), "agent")
	l, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	var running sync.WaitGroup
	running.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			running.Go(func() { Serve(t.Context(), conn, k) })
		}
	})
	t.Cleanup(func() {
		l.Close()
		running.Wait() // the context of the test has ended
	})
	return socket
}

// TestPeerSSHAdd lets ssh-add and ssh-keygen use our agent.
func TestPeerSSHAdd(t *testing.T) {
	k := new(Keyring)
	socket := listen(t, k)
	add := func(args ...string) peertest.Result { t.Helper(); return sshAdd(t, socket, args...) }
	ok := func(args ...string) string {
		t.Helper()
		r := add(args...)
		if r.Code != 0 {
			t.Fatalf("ssh-add %q: %s%s", args, r.Stdout, r.Stderr)
		}
		return string(r.Stdout)
	}
	refused := func(args ...string) {
		t.Helper()
		if r := add(args...); r.Code == 0 {
			t.Errorf("ssh-add %q succeeds: %s", args, r.Stdout)
		}
	}
	keys := peertest.NewKeys(t, peertest.Ed25519, peertest.ECDSA521, peertest.RSA3072)
	for _, key := range keys {
		ok("-q", key.Path)
	}
	ok("-T", keys[0].Path+".pub") // signs, and verifies
	ok("-T", keys[1].Path+".pub")
	refused("-T", keys[2].Path+".pub") // with RSA it asks for SHA-1
	if got := ok("-L"); got != keys[0].Public+"\n"+keys[1].Public+"\n"+keys[2].Public+"\n" {
		t.Errorf("ssh-add -L:\n%s", got)
	}
	text := filepath.Join(t.TempDir(), "text")
	if err := os.WriteFile(text, []byte("text"), 0o600); err != nil {
		t.Fatal(err)
	}
	sign := peertest.Cmd{Path: "ssh-keygen", Args: []string{"-q", "-Y", "sign", "-n", "test", "-f", keys[2].Path + ".pub", text},
		Env: []string{SocketEnv + "=" + socket}}
	if r := sign.Run(t); r.Code != 0 {
		t.Errorf("ssh-keygen -Y sign: %s", r.Stderr)
	}
	ok("-q", "-d", keys[0].Path)
	refused("-T", keys[0].Path+".pub")
	refused("-q", "-c", keys[0].Path) // nobody could be asked
	refused("-s", "/usr/lib/libnothing.so")
	ok("-q", "-t", "600", keys[0].Path)
	ok("-q", "-D")
	if r := add("-l"); r.Code != 1 || !strings.Contains(string(r.Stdout), "no identities") {
		t.Errorf("empty: %d %s", r.Code, r.Stdout)
	}
	t.Run("destinations", func(t *testing.T) {
		known := filepath.Join(t.TempDir(), "known")
		if err := os.WriteFile(known, []byte("one "+keys[1].Public+"\ntwo "+keys[2].Public+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		ok("-q", "-H", known, "-h", "user@one", "-h", "one>two", keys[0].Path)
		list := k.Keys()
		if len(list) != 1 || len(list[0].Destinations) != 2 {
			t.Fatalf("%+v", list)
		}
		first, second := list[0].Destinations[0], list[0].Destinations[1]
		if first.From.Host != "" || first.To.User != "user" || first.To.Host != "one" || second.From.Host != "one" || second.To.Host != "two" ||
			len(second.From.Keys) != 1 || second.From.Keys[0].Authority {
			t.Errorf("%+v", list[0].Destinations)
		}
		refused("-T", keys[0].Path+".pub")
	})
	t.Run("lock", func(t *testing.T) {
		askpass := filepath.Join(t.TempDir(), "askpass")
		if err := os.WriteFile(askpass, []byte("#!/bin/sh\necho secret\n"), 0o700); err != nil {
			t.Fatal(err)
		}
		lock := peertest.Cmd{Path: "ssh-add", Args: []string{"-x"},
			Env: []string{SocketEnv + "=" + socket, "SSH_ASKPASS=" + askpass, "SSH_ASKPASS_REQUIRE=force", "DISPLAY=:none"}}
		if r := lock.Run(t); r.Code != 0 || k.Keys() != nil {
			t.Fatalf("lock: %s", r.Stderr)
		}
		lock.Args = []string{"-X"}
		if r := lock.Run(t); r.Code != 0 || len(k.Keys()) != 1 {
			t.Errorf("unlock: %s", r.Stderr)
		}
	})
}
