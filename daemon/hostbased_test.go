package daemon

import (
	"context"
	"testing"

	"github.com/hawser-ssh/hawser/connection/sshclient"
	"github.com/hawser-ssh/hawser/transport/sshkey"
	"github.com/hawser-ssh/hawser/userauth"
)

// hostLogin logs in with what the host desk.example says of its user bob.
func hostLogin(t *testing.T, d *Daemon, key sshkey.Signer, after ...userauth.Method) error {
	t.Helper()
	c, err := sshclient.NewClient(t.Context(), serve(t, d).client, "memory:22", &sshclient.Config{
		User: "alice", HostKey: sshclient.InsecureIgnoreHostKey(),
		Auth: append([]userauth.Method{userauth.HostBased("desk.example.", "bob", key)}, after...),
	})
	if err == nil {
		c.Close()
	}
	return err
}

// trustingDaemon believes desk.example.
func trustingDaemon(t *testing.T, key sshkey.Signer) (*Daemon, *[]string) {
	t.Helper()
	d := newDaemon(t)
	if err := d.SetDefaultAuthMethods("publickey,hostbased"); err != nil {
		t.Fatal(err)
	}
	got := attempts(d, func(e *SSHUserAuthRequestEvent) {
		if e.AuthMethod != "hostbased" {
			return
		}
		if e.KeyAlgorithm != "ssh-ed25519" || e.AuthParam != string(e.Key.Marshal()) || !e.Verified || e.Service != "ssh-connection" {
			t.Errorf("event %+v", e)
		}
		e.Accept = e.User == "alice" && e.Host == "desk.example" && e.HostUser == "bob" && sshkey.Equal(e.Key, key.PublicKey())
	})
	return d, got
}

// TestHostBased: the event says which host it is that asks, and for whom.
func TestHostBased(t *testing.T) {
	key := newSigner(t)
	d, got := trustingDaemon(t, key)
	if err := hostLogin(t, d, key); err != nil {
		t.Error(err)
	}
	if err := hostLogin(t, d, newSigner(t)); err == nil {
		t.Error("another host's key logged in")
	}
	const list = " [publickey,hostbased]"
	expect(t, *got, "none"+list, "hostbased verified"+list, "none"+list, "hostbased verified"+list)
}

// TestHostBasedIsOff: unless DefaultAuthMethods names it, nobody is asked,
// whatever an event leaves in AvailableMethods.
func TestHostBasedIsOff(t *testing.T) {
	d := newDaemon(t)
	got := attempts(d, func(e *SSHUserAuthRequestEvent) {
		e.AvailableMethods = "password,hostbased"
		e.Accept = e.AuthMethod == "hostbased"
	})
	if err := hostLogin(t, d, newSigner(t)); err == nil {
		t.Error("logged in")
	}
	expect(t, *got, "none [password,publickey]")
}

// TestHostBasedIsAFactor: like any other, and a method that was taken away is
// not asked about.
func TestHostBasedIsAFactor(t *testing.T) {
	key := newSigner(t)
	d, _ := trustingDaemon(t, key)
	got := attempts(d, func(e *SSHUserAuthRequestEvent) {
		switch e.AuthMethod {
		case "hostbased":
			e.PartialSuccess, e.AvailableMethods = true, "password"
		case "password":
			e.Accept = e.AuthParam == "secret"
		}
	})
	password := userauth.Password(func(context.Context) (string, error) { return "secret", nil })
	if err := hostLogin(t, d, key, password); err != nil {
		t.Error(err)
	}
	expect(t, *got, "none [publickey,hostbased]", "hostbased verified [publickey,hostbased]", "password [password]")

	got = attempts(d, func(e *SSHUserAuthRequestEvent) { e.AvailableMethods = "publickey" })
	if err := hostLogin(t, d, key); err == nil {
		t.Error("logged in")
	}
	expect(t, *got, "none [publickey,hostbased]")
}
