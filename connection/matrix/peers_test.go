package matrix

import (
	"testing"
)

// TestMatrixPeers runs each algorithm with each foreign program that has it.
func TestMatrixPeers(t *testing.T) {
	t.Parallel()
	ran := newRecord()
	t.Run("peers", func(t *testing.T) {
		rings, content := newRings(t), noise(amount())
		for _, c := range foreignClients() {
			t.Run("client "+c.name, func(t *testing.T) {
				t.Parallel()
				newShore(t, rings, content).testClient(t, c, ran)
				if !t.Failed() {
					ran.complete(asClient, c.name)
				}
			})
		}
		for _, p := range foreignServers() {
			t.Run("server "+p.name, func(t *testing.T) {
				t.Parallel()
				testServer(t, p, rings, ran)
				if !t.Failed() {
					ran.complete(asServer, p.name)
				}
			})
		}
	})
	if !t.Failed() && !testing.Short() {
		checkFile(t, ran)
	}
}
