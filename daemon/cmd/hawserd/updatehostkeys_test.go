//go:build unix

package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hawser-ssh/hawser/connection/peertest"
)

// TestUpdateHostKeys: ssh knows one key of the server and learns the other ones, which the server proves.
func TestUpdateHostKeys(t *testing.T) {
	t.Parallel()
	for _, algorithm := range []string{"ssh-ed25519", "rsa-sha2-256"} {
		t.Run(algorithm, func(t *testing.T) {
			others := peertest.NewKeys(t, peertest.RSA2048, peertest.ECDSA384)
			h := startHawserd(t, "-hostkey", others[0].Path, "-hostkey", others[1].Path)
			all := append([]peertest.Key{h.hostKey}, others...)
			known := all[0]
			if algorithm != "ssh-ed25519" {
				known = all[1]
			}
			g := h.target(t)
			file := filepath.Join(t.TempDir(), "known_hosts")
			text, err := os.ReadFile(peertest.KnownHostsFile(t, "127.0.0.1", g.Port, known))
			if err != nil {
				t.Fatal(err)
			}
			write(t, file, string(text))
			// The first value of an option counts, so these go before the target's own.
			c := g.SSH(t, nil, "echo in")
			c.Args = append([]string{"-o", "UpdateHostKeys=yes", "-o", "UserKnownHostsFile=" + file, "-o", "LogLevel=DEBUG1",
				"-o", "HostKeyAlgorithms=" + algorithm + ",ssh-ed25519,rsa-sha2-512,ecdsa-sha2-nistp384"}, c.Args...)
			r := c.Run(t)
			wantOutput(t, r, "in\n")
			learnt, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			for _, k := range all {
				if !strings.Contains(string(learnt), strings.Fields(k.Public)[1]) {
					t.Errorf("%s was not learnt\n%s", k.Type, r.Stderr)
				}
			}
		})
	}
}
