package daemon

import (
	"fmt"
	"log/slog"
	"net"
	"runtime"
	"strings"
	"testing"

	xssh "golang.org/x/crypto/ssh"
)

// TestNotes: OnLog says why a connection was not accepted, though it has no id.
func TestNotes(t *testing.T) {
	d := newDaemon(t)
	echo(t, d)
	must(t, d, "MaxConnections=1")
	notes := make(chan string, 16)
	d.OnLog = func(e *LogEvent) {
		if e.ConnectionID == 0 {
			notes <- fmt.Sprint(e.LogLevel, " ", e.LogType, " ", e.Message)
		}
	}
	addr := listen(t, d)
	refused := func(why func(from net.Addr) string) {
		t.Helper()
		nc, err := net.Dial("tcp", addr)
		if err != nil {
			t.Fatal(err)
		}
		defer nc.Close()
		if got, want := <-notes, why(nc.LocalAddr()); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
	must(t, d, "AllowedClients=10.0.0.1")
	refused(func(net.Addr) string { return "1 INFO connection refused remote=127.0.0.1" })
	must(t, d, "AllowedClients=*")
	for full := true; full; runtime.Gosched() { // the refused one gives its place back behind the note
		d.gate.mu.Lock()
		full = d.gate.total > 0
		d.gate.mu.Unlock()
	}
	c, err := xssh.Dial("tcp", addr, clientConfig("alice", xssh.Password("secret")))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	refused(func(from net.Addr) string {
		return "1 WARN connection refused remote=" + from.String() + ` err="too many connections"`
	})
	must(t, d, "LogLevel=0")
	d.note(slog.LevelError, "nobody is told")
	must(t, d, "LogLevel=1")
	d.note(slog.LevelError, "the end")
	if got := <-notes; got != "1 ERROR the end" {
		t.Errorf("%q", got)
	}
}

// TestNotesDropped: a handler that does not return holds up nothing else, and
// what it misses is counted.
func TestNotesDropped(t *testing.T) {
	d := newDaemon(t)
	echo(t, d)
	var got []string
	release, last := make(chan struct{}), make(chan struct{})
	d.OnLog = func(e *LogEvent) {
		if e.ConnectionID != 0 {
			return
		}
		<-release
		select {
		case <-last:
		default:
			if got = append(got, e.Message); strings.HasPrefix(e.Message, "last") {
				close(last)
			}
		}
	}
	const more = 10
	for i := range maxQueuedLogs + 1 + more {
		d.note(slog.LevelInfo, fmt.Sprint("line ", i))
	}
	c, _ := connect(t, d)
	if out, err := run(t, c, "cat", "hello"); err != nil || out != "hello" {
		t.Errorf("%q, %v", out, err)
	}
	close(release)
	for running := true; running; { // until there is room for it
		d.note(slog.LevelInfo, "last")
		select {
		case <-last:
			running = false
		default:
		}
	}
	dropped := false
	for _, l := range got {
		dropped = dropped || strings.Contains(l, "earlier messages were dropped")
	}
	if !dropped || got[0] != "line 0" || got[1] != "line 1" {
		t.Errorf("%d lines, dropped %v: %q", len(got), dropped, got[:2])
	}
}
