package daemon_test

import (
	"bytes"
	"context"
	"fmt"
	"log"
	"net/netip"
	"time"

	"github.com/hawser-ssh/hawser/daemon"
	"github.com/hawser-ssh/hawser/transport/sshkey"
	"github.com/hawser-ssh/hawser/userauth"
)

// A server that lets users in by their keys: those in the lines of an
// authorized_keys file, as far as the options of the line allow.
func Example_publicKey() {
	alice := newKey() // hers, of which the server knows the public half
	line, err := sshkey.AuthorizedKey{Key: alice.PublicKey(), Comment: "alice"}.Marshal()
	if err != nil {
		log.Fatal(err)
	}
	file := append([]byte(`from="127.0.0.0/8" `), line...)
	keys, _, err := sshkey.ParseAuthorizedKeys(bytes.NewReader(file))
	if err != nil {
		log.Fatal(err)
	}

	d := daemon.New()
	d.SetDefaultAuthMethods("publickey")
	d.OnSSHUserAuthRequest = func(e *daemon.SSHUserAuthRequestEvent) {
		if e.AuthMethod != "publickey" || e.User != "alice" {
			return // what is not accepted is denied
		}
		c, err := d.SSHConnection(e.ConnectionID)
		if err != nil {
			return
		}
		addr, err := netip.ParseAddr(c.RemoteHost())
		if err != nil {
			return
		}
		// The first question is whether the key would do, the second one comes
		// with the proof that the client has it (e.Verified): the answer is the
		// same. The daemon lets nobody in without that proof.
		_, err = sshkey.FindAuthorizedKey(keys, e.Key, sshkey.Source{Addr: addr}, time.Now())
		e.Accept = err == nil
	}
	start(d)
	defer d.Shutdown()

	for _, key := range []sshkey.Signer{alice, newKey()} {
		c, err := dial(d, userauth.PublicKeys(key))
		fmt.Println("logged in:", err == nil)
		if err == nil {
			c.Close()
		}
	}
	// Output:
	// logged in: true
	// logged in: false
}

// A server that asks for two factors: a password, and then a code by
// keyboard-interactive. Neither is enough.
func Example_twoFactors() {
	d := daemon.New()
	d.SetDefaultAuthMethods("password")
	d.SetKeyboardInteractivePromptCount(1)
	d.SetKeyboardInteractivePromptPrompt(0, "Code: ")
	d.OnSSHUserAuthRequest = func(e *daemon.SSHUserAuthRequestEvent) {
		switch e.AuthMethod {
		case "password":
			if e.AuthParam == "secret" {
				e.PartialSuccess = true
				e.AvailableMethods = "keyboard-interactive"
			}
		case "keyboard-interactive-1": // the answer to the first prompt
			e.Accept = e.AuthParam == "123456"
		case "keyboard-interactive": // asked when all answers were accepted
			e.Accept = true
		}
	}
	start(d)
	defer d.Shutdown()

	_, err := dial(d, userauth.Password(secret))
	fmt.Println("password alone:", err == nil)
	_, err = dial(d, userauth.KeyboardInteractive(code))
	fmt.Println("code alone:", err == nil)
	c, err := dial(d, userauth.Password(secret), userauth.KeyboardInteractive(code))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("both:", c.ConnectionState().Factors)
	c.Close()
	// Output:
	// password alone: false
	// code alone: false
	// both: [password keyboard-interactive]
}

// What is known of a connection, for a log or a page that shows it.
func ExampleSSHConnection_ConnectionState() {
	d := daemon.New()
	d.OnSSHUserAuthRequest = func(e *daemon.SSHUserAuthRequestEvent) { e.Accept = e.AuthParam == "secret" }
	done := make(chan struct{})
	d.OnDisconnected = func(e *daemon.DisconnectedEvent) {
		defer close(done)
		c, err := d.SSHConnection(e.ConnectionID)
		if err != nil {
			return
		}
		s := c.ConnectionState()
		fmt.Println(s.User, "logged in with", s.AuthMethod)
		fmt.Println("host key algorithm:", s.Algorithms.HostKey)
		fmt.Println("compression:", s.Algorithms.ClientToServer.Compression, s.Algorithms.ServerToClient.Compression)
		fmt.Println("digits of the client's HASSH:", len(s.ClientHASSH))
		fmt.Println("re-keys:", s.Rekeys)
		fmt.Println(s.Err)
	}
	start(d)
	defer d.Shutdown()

	c := mustDial(d)
	if err := c.Rekey(context.Background()); err != nil {
		log.Fatal(err)
	}
	c.Close()
	<-done
	// Output:
	// alice logged in with password
	// host key algorithm: ssh-ed25519
	// compression: none none
	// digits of the client's HASSH: 32
	// re-keys: 1
	// ssh: peer disconnected: by application: closed by client
}
