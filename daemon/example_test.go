package daemon_test

import (
	"context"
	"fmt"
	"log"
	"net"
	"strconv"

	"github.com/hawser-ssh/hawser/connection/sshclient"
	"github.com/hawser-ssh/hawser/daemon"
	"github.com/hawser-ssh/hawser/daemon/certstore"
	"github.com/hawser-ssh/hawser/transport/sshkey"
	"github.com/hawser-ssh/hawser/userauth"
)

// A server with one user and one command, in less than 30 lines.
func Example() {
	key, err := sshkey.GenerateEd25519() // keep it: clients remember it
	if err != nil {
		log.Fatal(err)
	}
	hostKey, err := sshkey.NewSigner(key)
	if err != nil {
		log.Fatal(err)
	}
	d := daemon.New()
	d.SetHostKeys(hostKey)
	d.SetLocalHost("127.0.0.1")
	d.SetLocalPort(0) // any that is free
	d.OnSSHUserAuthRequest = func(e *daemon.SSHUserAuthRequestEvent) {
		e.Accept = e.AuthMethod == "password" && e.User == "alice" && e.AuthParam == "secret"
	}
	d.OnSSHChannelOpenRequest = func(e *daemon.SSHChannelOpenRequestEvent) { e.Accept = e.Service == "session" }
	d.OnSSHChannelRequest = func(e *daemon.SSHChannelRequestEvent) { e.Success = e.RequestType == "exec" }
	d.OnSSHChannelRequested = func(e *daemon.SSHChannelRequestedEvent) {
		command, _ := d.GetSSHParam(e.Packet, "Command")
		d.SendText(e.ChannelID, "you said "+command+"\n")
		if channel, err := d.SSHChannel(e.ChannelID); err == nil {
			channel.Exit(0)
		}
	}
	if err := d.StartListening(); err != nil {
		log.Fatal(err)
	}
	defer d.Shutdown()

	fmt.Print(client(d.LocalPort(), hostKey.PublicKey(), "hello"))
	// Output: you said hello
}

// The host key comes from a PFX file.
func Example_keyStore() {
	const pfxFile = "../testdata/keys/rsa.p12"

	d := daemon.New()
	d.SetSSHCertStoreType(int(certstore.PFXFile))
	d.SetSSHCertStore([]byte(pfxFile))
	d.SetSSHCertStorePassword("sesame")
	if err := d.SetSSHCertSubject("CN=rsa.example.org"); err != nil { // "*" takes any key
		log.Fatal(err)
	}
	fmt.Println(d.SSHCertSubject())

	// Output: CN=rsa.example.org, O="Ships, boats", C=NL
}

// client runs a command on the server.
func client(port int, hostKey sshkey.PublicKey, command string) string {
	ctx := context.Background()
	c, err := sshclient.Dial(ctx, "tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)), &sshclient.Config{
		User:    "alice",
		Auth:    []userauth.Method{userauth.Password(func(context.Context) (string, error) { return "secret", nil })},
		HostKey: sshclient.FixedKey(hostKey),
	})
	if err != nil {
		return err.Error()
	}
	defer c.Close()
	out, err := c.Output(ctx, command)
	if err != nil {
		return err.Error()
	}
	return string(out)
}
