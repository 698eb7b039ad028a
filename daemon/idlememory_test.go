//go:build unix && !race

package daemon

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"runtime"
	"testing"

	"github.com/hawser-ssh/hawser/connection/sshclient"
	"github.com/hawser-ssh/hawser/userauth"
)

// What a connection that is logged in and has a channel open may cost the
// daemon while nothing happens on it: bytes of heap and stacks, where it keeps
// idleClients of them.
const (
	maxIdleBytes = 8 << 10
	firstClients = 50 // before it is measured
	idleClients  = 300
)

// idleAddress is the variable that tells this program, started by itself, where
// to open them.
const idleAddress = "HAWSER_TEST_IDLE"

// TestIdleMemory is of a daemon that has all that costs something for each
// connection. It has its clients in another process, so that only the daemon's
// memory counts.
func TestIdleMemory(t *testing.T) {
	if address := os.Getenv(idleAddress); address != "" {
		stayIdle(t, address)
		return
	}
	var each int
	for range 3 { // what else holds memory at the moment only adds to it
		if each = idleBytes(t, fullDaemon(t)); each <= maxIdleBytes {
			break
		}
	}
	t.Logf("%d bytes a connection", each)
	if each > maxIdleBytes {
		t.Errorf("%d bytes a connection, at most %d wanted", each, maxIdleBytes)
	}
}

// fullDaemon returns a daemon of which each connection has all there is.
func fullDaemon(t *testing.T) *Daemon {
	t.Helper()
	d := newDaemon(t)
	must(t, d, "DefaultIdleTimeout=1000", "DefaultConnectionTimeout=100", "SSHKeepAliveInterval=1000")
	d.OnLog, d.OnSSHStatus = func(*LogEvent) {}, func(*SSHStatusEvent) {}
	d.SetLogger(slog.New(slog.NewTextHandler(io.Discard, nil)))
	return d
}

// idleBytes returns what an idle connection costs d.
func idleBytes(t *testing.T, d *Daemon) int {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- d.Serve(context.Background(), ln) }()
	clients := exec.Command(os.Args[0], "-test.run=^TestIdleMemory$")
	clients.Env = append(os.Environ(), idleAddress+"="+ln.Addr().String())
	in, inErr := clients.StdinPipe()
	out, outErr := clients.StdoutPipe()
	if err := errors.Join(inErr, outErr, clients.Start()); err != nil {
		t.Fatal(err)
	}
	goroutines, answers := runtime.NumGoroutine(), bufio.NewReader(out)
	open := func(n int) (bytes int) {
		fmt.Fprintln(in, n)
		if line, err := answers.ReadString('\n'); line != "open\n" {
			t.Fatalf("the clients say %q, %v", line, err)
		}
		goroutines += n
		return memory(goroutines)
	}
	before := open(firstClients) // all that is made once is there
	after := open(idleClients)
	in.Close()
	if err := errors.Join(clients.Wait(), d.Shutdown(), <-ended); err != nil {
		t.Error(err)
	}
	d.reg.waitEmpty(t.Context())
	return (after - before) / idleClients
}

// memory returns the bytes of heap and stacks in use when no more than so many
// goroutines are left. Collections empty the pools, and each halves the stacks
// at most.
func memory(goroutines int) int {
	for i := 0; i < 4 || runtime.NumGoroutine() > goroutines; i++ {
		runtime.GC()
	}
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int(m.HeapAlloc + m.StackInuse)
}

// stayIdle is the clients' part, which lasts as long as the daemon's wants it.
func stayIdle(t *testing.T, address string) {
	cfg := &sshclient.Config{
		User:    "alice",
		Auth:    []userauth.Method{userauth.Password(func(context.Context) (string, error) { return "secret", nil })},
		HostKey: sshclient.InsecureIgnoreHostKey(),
	}
	for n := 0; ; {
		if _, err := fmt.Scan(&n); err != nil {
			os.Exit(0) // without a word to the daemon
		}
		for range n {
			c, err := sshclient.Dial(t.Context(), "tcp", address, cfg)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := c.NewSession(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		fmt.Println("open")
	}
}
