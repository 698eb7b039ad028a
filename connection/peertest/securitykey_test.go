package peertest

import (
	"strings"
	"testing"
)

// TestStartAgent: the agent holds the security keys, and ends with the test.
func TestStartAgent(t *testing.T) {
	t.Parallel()
	keys := []Key{NewSecurityKey(t, SKEd25519), NewSecurityKey(t, SKECDSA)}
	c := Cmd{Path: "ssh-add", Args: []string{"-L"}, Env: []string{"SSH_AUTH_SOCK=" + StartAgent(t, keys...)}}
	r := c.Run(t)
	for _, k := range keys {
		if !strings.Contains(string(r.Stdout), strings.Fields(k.Public)[1]) {
			t.Errorf("no %s in\n%s%s", k.Type, r.Stdout, r.Stderr)
		}
	}
}
