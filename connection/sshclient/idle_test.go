//go:build unix && !race

package sshclient_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"runtime"
	"testing"

	"github.com/hawser-ssh/hawser/connection"
	"github.com/hawser-ssh/hawser/connection/sshclient"
	"github.com/hawser-ssh/hawser/transport"
	"github.com/hawser-ssh/hawser/transport/sshkey"
	"github.com/hawser-ssh/hawser/userauth"
	"github.com/hawser-ssh/hawser/wire"
)

// What a connection that is logged in and has one channel open may cost while nothing happens on it: bytes of heap and
// stacks of a server that keeps idleClients of them.
const (
	maxIdle     = 8 << 10
	idleClients = 500
)

// idleAddress is the variable that tells this program, started by itself, where to open them.
const idleAddress = "HAWSER_TEST_IDLE"

// TestIdleMemory has its clients in another process, so that only the server's memory counts.
func TestIdleMemory(t *testing.T) {
	if address := os.Getenv(idleAddress); address != "" {
		stayIdle(t, address)
		return
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	go acceptIdle(t, l)
	before, goroutines := memory(runtime.NumGoroutine()), runtime.NumGoroutine()

	clients := exec.Command(os.Args[0], "-test.run=^TestIdleMemory$")
	clients.Env = append(os.Environ(), idleAddress+"="+l.Addr().String())
	in, inErr := clients.StdinPipe()
	out, outErr := clients.StdoutPipe()
	if err := errors.Join(inErr, outErr, clients.Start()); err != nil {
		t.Fatal(err)
	}
	if line, err := bufio.NewReader(out).ReadString('\n'); line != "open\n" {
		t.Fatalf("the clients say %q, %v", line, err)
	}
	each := (memory(goroutines+idleClients) - before) / idleClients
	t.Logf("%d bytes a connection", each)
	if each > maxIdle {
		t.Errorf("%d bytes a connection, at most %d wanted", each, maxIdle)
	}
	in.Close()
	if err := clients.Wait(); err != nil {
		t.Error(err)
	}
	memory(goroutines) // nobody is left
}

// memory returns the bytes of heap and stacks in use when no more than so many goroutines are left. Collections empty
// the pools, and each halves the stacks at most.
func memory(goroutines int) int {
	for i := 0; i < 3 || runtime.NumGoroutine() > goroutines; i++ {
		runtime.GC()
	}
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int(m.HeapInuse + m.StackInuse)
}

// acceptIdle serves everybody until l is closed.
func acceptIdle(t *testing.T, l net.Listener) {
	tc := (&transport.Config{HostKeys: []sshkey.Signer{newSigner(t)}}).Shared()
	cc := (&connection.Config{Handler: openAll{}}).Shared()
	auth := &userauth.ServerConfig{Password: func(context.Context, *userauth.Attempt, []byte) userauth.Result {
		return userauth.Result{Outcome: userauth.Accept}
	}}
	for {
		nc, err := l.Accept()
		if err != nil {
			return
		}
		go func() {
			c := transport.Server(nc, tc)
			if c.Handshake(context.Background()) != nil {
				return
			}
			if _, err := userauth.Serve(context.Background(), c, auth); err == nil {
				go connection.New(c, wire.Server, cc).Run()
			}
		}()
	}
}

// openAll accepts all channels.
type openAll struct{}

func (openAll) HandleOpen(r *connection.OpenRequest)          { _, _ = r.Accept(nil) }
func (openAll) HandleGlobalRequest(*connection.GlobalRequest) {}

// stayIdle is the clients' part, which lasts as long as the server's wants it.
func stayIdle(t *testing.T, address string) {
	anyKey := sshclient.HostKeyFunc(func(context.Context, sshclient.Host, sshkey.PublicKey) error { return nil })
	cfg := &sshclient.Config{User: "user", Auth: []userauth.Method{password("right")}, HostKey: anyKey}
	for range idleClients {
		c, err := sshclient.Dial(t.Context(), "tcp", address, cfg)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := c.NewSession(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	fmt.Println("open")
	_, _ = io.Copy(io.Discard, os.Stdin)
	os.Exit(0) // without a word to the server
}
