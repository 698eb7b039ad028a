package sshclient_test

import (
	"context"
	"fmt"
	"os"

	"github.com/hawser-ssh/hawser/connection/sshclient"
	"github.com/hawser-ssh/hawser/transport/sshkey"
	"github.com/hawser-ssh/hawser/userauth"
)

// Run a command on a host that is reached through another one.
func Example() {
	ctx := context.Background()
	file, err := os.ReadFile("/home/user/.ssh/id_ed25519")
	if err != nil {
		fmt.Println(err)
		return
	}
	private, _, err := sshkey.ParsePrivateKey(file, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	signer, err := sshkey.NewSigner(private)
	if err != nil {
		fmt.Println(err)
		return
	}
	cfg := &sshclient.Config{
		User:    "user",
		Auth:    []userauth.Method{userauth.PublicKeys(signer)},
		HostKey: sshclient.KnownHosts("/home/user/.ssh/known_hosts"),
	}

	jump, err := sshclient.Dial(ctx, "tcp", "jump.example:22", cfg)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer jump.Close()
	nc, err := jump.Dial(ctx, "tcp", "inner.example:22")
	if err != nil {
		fmt.Println(err)
		return
	}
	inner, err := sshclient.NewClient(ctx, nc, "inner.example:22", cfg)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer inner.Close()
	out, err := inner.Output(ctx, "uname -a")
	fmt.Println(string(out), err)
}
