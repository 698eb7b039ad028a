package daemon_test

import (
	"context"
	"log"
	"net"
	"strconv"

	"github.com/hawser-ssh/hawser/connection/sshclient"
	"github.com/hawser-ssh/hawser/daemon"
	"github.com/hawser-ssh/hawser/transport/sshkey"
	"github.com/hawser-ssh/hawser/userauth"
	"github.com/hawser-ssh/hawser/wire"
)

// What the examples share: a key, a server on a port that is free, and a client.

// newKey returns a new key.
func newKey() sshkey.Signer {
	key, err := sshkey.GenerateEd25519()
	if err != nil {
		log.Fatal(err)
	}
	signer, err := sshkey.NewSigner(key)
	if err != nil {
		log.Fatal(err)
	}
	return signer
}

// start gives the server a host key and makes it listen.
func start(d *daemon.Daemon) {
	d.SetHostKeys(newKey())
	d.SetLocalHost("127.0.0.1")
	d.SetLocalPort(0)
	if err := d.StartListening(); err != nil {
		log.Fatal(err)
	}
}

// secret is the password of all.
func secret(context.Context) (string, error) { return "secret", nil }

// dial logs in as alice.
func dial(d *daemon.Daemon, auth ...userauth.Method) (*sshclient.Client, error) {
	addr := net.JoinHostPort("127.0.0.1", strconv.Itoa(d.LocalPort()))
	return sshclient.Dial(context.Background(), "tcp", addr, &sshclient.Config{
		User: "alice", Auth: auth, HostKey: sshclient.InsecureIgnoreHostKey(), // for examples only
	})
}

// mustDial logs in as alice with the password.
func mustDial(d *daemon.Daemon) *sshclient.Client {
	c, err := dial(d, userauth.Password(secret))
	if err != nil {
		log.Fatal(err)
	}
	return c
}

// code answers all questions with a code.
func code(_ context.Context, _, _ string, prompts []wire.Prompt) ([]string, error) {
	answers := make([]string, len(prompts))
	for i := range answers {
		answers[i] = "123456"
	}
	return answers, nil
}
