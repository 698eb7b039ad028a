package daemon

import (
	"io"
	"testing"
)

// TestSharedConfig: connections have one configuration in common until an
// option changes, and one of their own where somebody looks into them.
func TestSharedConfig(t *testing.T) {
	d := newDaemon(t)
	next := func() *conn { return d.newConn(nil, nil) }
	first, err := next().transportConfig()
	if err != nil {
		t.Fatal(err)
	}
	if again, _ := next().transportConfig(); again != first {
		t.Error("the second connection has another")
	}
	older := next()
	must(t, d, "ServerSSHVersionString=SSH-2.0-changed")
	if changed, _ := next().transportConfig(); changed.Version != "SSH-2.0-changed" {
		t.Errorf("after a change: %q", changed.Version)
	}
	if own, _ := older.transportConfig(); own.Version != first.Version {
		t.Errorf("a connection that came before the change: %q", own.Version)
	}
	d.SetKeyLogWriter(io.Discard)
	logged, _ := next().transportConfig()
	d.SetKeyLogWriter(nil)
	if plain, _ := next().transportConfig(); logged.KeyLogWriter == nil || plain.KeyLogWriter != nil {
		t.Error("a key log of one connection only")
	}
}
