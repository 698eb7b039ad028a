package daemon

import (
	"slices"
	"testing"

	"github.com/hawser-ssh/hawser/kex"
)

// DH-07: what is costly is bounded over all connections, so they share one limiter; and the groups of SetGroups get to
// each of them.
func TestExchangesAreShared(t *testing.T) {
	d := newDaemon(t)
	groups := kex.RFC3526()[1:2]
	if err := d.SetGroups(groups...); err != nil {
		t.Fatal(err)
	}
	must(t, d, "SSHKeyExchangeAlgorithms=diffie-hellman-group-exchange-sha256,rsa2048-sha256")
	c := &conn{d: d, opt: d.opt.snapshot()}
	first, err := c.transportConfig()
	if err != nil {
		t.Fatal(err)
	}
	second, err := c.transportConfig()
	if err != nil {
		t.Fatal(err)
	}
	if first.Limiter == nil || first.Limiter != second.Limiter {
		t.Error("connections have no limiter in common")
	}
	if !slices.Equal(first.Groups, groups) {
		t.Error("the groups do not arrive")
	}
}

// A login with a group that the daemon was given.
func TestSetGroups(t *testing.T) {
	d := newDaemon(t)
	echo(t, d)
	must(t, d, "SSHKeyExchangeAlgorithms=diffie-hellman-group-exchange-sha256")
	if err := d.SetGroups(kex.RFC3526()[0]); err != nil {
		t.Fatal(err)
	}
	client, err := dialOurs(t, serve(t, d))
	if err != nil {
		t.Fatal(err)
	}
	if out, err := runOurs(t, client, "cat", "over a group of our own"); err != nil || out != "over a group of our own" {
		t.Errorf("%q, %v", out, err)
	}
}
