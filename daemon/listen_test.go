package daemon

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	xssh "golang.org/x/crypto/ssh"

	"github.com/hawser-ssh/hawser/transport/transporttest"
)

// listen starts d on a free port of the loopback and returns its address.
func listen(t testing.TB, d *Daemon) string {
	t.Helper()
	d.SetLocalHost("127.0.0.1")
	d.SetLocalPort(0)
	if err := d.StartListening(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := d.Shutdown(); err != nil {
			t.Errorf("Shutdown: %v", err)
		}
	})
	return fmt.Sprintf("127.0.0.1:%d", d.LocalPort())
}

func TestStartListening(t *testing.T) {
	d := New()
	d.SetLocalHost("127.0.0.1")
	d.SetLocalPort(0)
	wantCode(t, d.StartListening(), CodeNoHostKey)
	d.SetHostKeys(newSigner(t))
	if d.Listening() {
		t.Error("listening before the start")
	}
	addr := listen(t, d)
	if !d.Listening() || d.LocalPort() == 0 || strings.HasSuffix(addr, ":0") {
		t.Errorf("listening %v on %s", d.Listening(), addr)
	}
	wantCode(t, d.StartListening(), CodeAlreadyListening)
	wantCode(t, d.SetLocalPort(1), CodeLocalPortInUse)
	wantCode(t, d.SetLocalHost(""), CodeLocalHostInUse)
	_, err := d.Config("MaxConnections=5")
	wantCode(t, err, CodeMaxConnectionsUsed)

	other := New()
	other.SetHostKeys(newSigner(t))
	other.SetLocalHost("127.0.0.1")
	other.SetLocalPort(d.LocalPort())
	wantCode(t, other.StartListening(), 10048)
	if other.Listening() {
		t.Error("listening after a failure")
	}

	if err := d.SetListening(false); err != nil || d.Listening() {
		t.Errorf("SetListening(false): %v", err)
	}
	if _, err := net.Dial("tcp", addr); err == nil {
		t.Error("still accepting")
	}
	if err := d.SetListening(true); err != nil || !d.Listening() {
		t.Errorf("SetListening(true): %v", err)
	}
}

// TestStopListening leaves connections alone.
func TestStopListening(t *testing.T) {
	d := newDaemon(t)
	echo(t, d)
	addr := listen(t, d)
	c, err := xssh.Dial("tcp", addr, clientConfig("alice", xssh.Password("secret")))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	h := d.SSHConnections()[0]
	if h.RemoteHost() != "127.0.0.1" || h.RemotePort() == 0 || h.LocalAddress() != "127.0.0.1" || h.Timeout() != 60 {
		t.Errorf("handle %s %d %s %d", h.RemoteHost(), h.RemotePort(), h.LocalAddress(), h.Timeout())
	}
	d.StopListening()
	if out, err := run(t, c, "cat", "hello"); err != nil || out != "hello" {
		t.Errorf("%q, %v", out, err)
	}
	if err := h.SetConnected(false); err != nil || h.Connected() {
		t.Errorf("SetConnected: %v", err)
	}
	c.Wait()
	if err := h.SetConnected(true); err == nil {
		t.Error("connected a client")
	}
}

// TestServe serves a second listener until its context ends.
func TestServe(t *testing.T) {
	d := newDaemon(t)
	echo(t, d)
	listen(t, d)
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	served := make(chan error, 1)
	go func() { served <- d.Serve(ctx, ln) }()
	c, err := xssh.Dial("tcp", ln.Addr().String(), clientConfig("alice", xssh.Password("secret")))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	cancel()
	if err := <-served; err != nil {
		t.Errorf("Serve: %v", err)
	}
	if _, err := net.Dial("tcp", ln.Addr().String()); err == nil {
		t.Error("still accepting")
	}
	if out, err := run(t, c, "cat", "hello"); err != nil || out != "hello" {
		t.Errorf("%q, %v", out, err)
	}
	if !d.Listening() {
		t.Error("the other listener has stopped")
	}
}

// scriptListener returns errors first and then what it wraps.
type scriptListener struct {
	net.Listener
	mu   sync.Mutex
	errs []error
	took atomic.Int64
}

func (l *scriptListener) Accept() (net.Conn, error) {
	l.took.Add(1)
	l.mu.Lock()
	if len(l.errs) > 0 {
		err := l.errs[0]
		l.errs = l.errs[1:]
		l.mu.Unlock()
		return nil, err
	}
	l.mu.Unlock()
	return l.Listener.Accept()
}

// memoryListener hands out connections over memory.
type memoryListener struct {
	conns  chan net.Conn
	closed chan struct{}
	once   sync.Once
}

func newMemoryListener() *memoryListener {
	return &memoryListener{conns: make(chan net.Conn), closed: make(chan struct{})}
}

func (l *memoryListener) Accept() (net.Conn, error) {
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

func (l *memoryListener) Close() error   { l.once.Do(func() { close(l.closed) }); return nil }
func (l *memoryListener) Addr() net.Addr { return &net.UnixAddr{Name: "memory", Net: "unix"} }

func (l *memoryListener) dial() net.Conn {
	a, b := transporttest.Pipe()
	l.conns <- b
	return a
}

// TestRES04: out of descriptors, the accept loop pauses, a little longer each
// time, and goes on by itself.
func TestRES04(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDaemon(t)
		l := &scriptListener{Listener: newMemoryListener()}
		emfile := &net.OpError{Op: "accept", Err: syscall.EMFILE}
		for range 20 {
			l.errs = append(l.errs, emfile)
		}
		l.errs = append(l.errs, &net.OpError{Op: "accept", Err: syscall.ECONNABORTED})
		served := make(chan error, 1)
		go func() { served <- d.Serve(context.Background(), l) }()
		time.Sleep(time.Second)
		if n := l.took.Load(); n < 3 || n > 9 {
			t.Errorf("%d accepts within a second", n)
		}
		s := &memoryClient{l.Listener.(*memoryListener).dial()}
		c, err := s.login()
		if err != nil {
			t.Fatal(err)
		}
		c.Close()
		d.Shutdown()
		if err := <-served; err != nil {
			t.Errorf("Serve: %v", err)
		}
	})
}

// memoryClient is a client over memory.
type memoryClient struct{ client net.Conn }

func (s *memoryClient) login() (*xssh.Client, error) {
	return dial(&served{client: s.client}, clientConfig("alice", xssh.Password("secret")))
}

// TestServeFails: an error that will not pass ends Serve and is returned.
func TestServeFails(t *testing.T) {
	d := newDaemon(t)
	broken := errors.New("broken")
	err := d.Serve(context.Background(), &scriptListener{Listener: newMemoryListener(), errs: []error{broken}})
	if !errors.Is(err, broken) || d.Listening() {
		t.Errorf("Serve: %v", err)
	}
}

// TestRES03: connections that come and go in any state leave nothing behind,
// and the daemon goes on.
func TestRES03(t *testing.T) {
	d := newDaemon(t)
	echo(t, d)
	must(t, d, "UnauthenticatedPerSource=1000", "UnauthenticatedStart=1000")
	d.SetConnectionBacklog(1000)
	addr := listen(t, d)
	n := 400
	if testing.Short() {
		n = 40
	}
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() {
			nc, err := net.Dial("tcp", addr)
			if err != nil {
				t.Error(err)
				return
			}
			defer nc.Close()
			switch i % 5 {
			case 1: // in the version exchange
				io.WriteString(nc, "SSH-2.0-x")
			case 2: // in the key exchange
				io.WriteString(nc, "SSH-2.0-x\r\n")
				nc.Read(make([]byte, 100))
			case 3, 4: // logged in
				c, err := dial(&served{client: nc}, clientConfig("alice", xssh.Password("secret")))
				if err == nil && i%5 == 4 {
					c.NewSession()
				}
			}
			if i%2 == 0 {
				nc.(*net.TCPConn).SetLinger(0) // RST instead of FIN
			}
		})
	}
	wg.Wait()
	c, err := xssh.Dial("tcp", addr, clientConfig("alice", xssh.Password("secret")))
	if err != nil {
		t.Fatal(err)
	}
	if out, err := run(t, c, "cat", "hello"); err != nil || out != "hello" {
		t.Errorf("%q, %v", out, err)
	}
	c.Close()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if err := d.ShutdownContext(ctx); err != nil {
		t.Errorf("connections left: %d, %v", d.SSHConnectionCount(), err)
	}
	d.gate.mu.Lock()
	defer d.gate.mu.Unlock()
	if n := d.SSHChannelCount() + d.SSHConnectionCount() + d.gate.total + d.gate.unauth + len(d.gate.sources); n != 0 {
		t.Errorf("%d things left", n)
	}
}

// TestRES06: with many connections, half of them stuck in a handler, shutting
// down waits for the context, closes, and returns.
func TestRES06(t *testing.T) {
	n := 60
	if testing.Short() {
		n = 10
	}
	d := newDaemon(t)
	release := make(chan struct{})
	stuck := make(chan struct{}, n)
	d.OnSSHChannelRequested = func(e *SSHChannelRequestedEvent) {
		if command, _ := d.GetSSHParam(e.Packet, "Command"); command == "block" {
			stuck <- struct{}{}
			<-release
		}
	}
	disconnected := make(chan struct{}, n)
	d.OnDisconnected = func(*DisconnectedEvent) { disconnected <- struct{}{} }
	must(t, d, "UnauthenticatedPerSource=1000", "UnauthenticatedStart=1000")
	addr := listen(t, d)
	for i := range n {
		c, err := xssh.Dial("tcp", addr, clientConfig("alice", xssh.Password("secret")))
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		s, err := c.NewSession()
		if err != nil {
			t.Fatal(err)
		}
		command := "wait"
		if i%2 == 0 {
			command = "block"
		}
		if err := s.Start(command); err != nil {
			t.Fatal(err)
		}
	}
	for range n / 2 {
		<-stuck
	}
	ctx, cancel := context.WithTimeout(context.Background(), 100*time.Millisecond)
	defer cancel()
	if err := d.ShutdownContext(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("ShutdownContext: %v", err)
	}
	for range n / 2 { // Shutdown does not wait for handlers, this one included
		<-disconnected
	}
	close(release)
	if !d.reg.waitEmpty(t.Context()) || len(disconnected) != n-n/2 {
		t.Errorf("%d of %d have ended", len(disconnected), n-n/2)
	}
}

// TestDrain: ShutdownContext lets a client finish what it is at, and admits
// nothing new.
func TestDrain(t *testing.T) {
	d := newDaemon(t)
	echo(t, d)
	r := record(d)
	c, s := connect(t, d)
	idle, idleServed := connect(t, d)
	session, err := c.NewSession()
	if err != nil {
		t.Fatal(err)
	}
	in, _ := session.StdinPipe()
	if err := session.Start("cat"); err != nil {
		t.Fatal(err)
	}
	drained := make(chan error, 1)
	go func() { drained <- d.ShutdownContext(context.Background()) }()
	idle.Wait() // ends at once
	<-idleServed.done
	if _, err := c.NewSession(); err == nil {
		t.Error("a new channel while draining")
	}
	in.Close()
	if err := session.Wait(); err != nil {
		t.Errorf("the command: %v", err)
	}
	if err := <-drained; err != nil {
		t.Errorf("ShutdownContext: %v", err)
	}
	<-s.done
	r.wait(t, "Disconnected 0 OK")
}

func TestReset(t *testing.T) {
	d := newDaemon(t)
	listen(t, d)
	d.SetDefaultTimeout(5)
	must(t, d, "LogLevel=0", "AlgorithmProfile=all")
	if err := d.Reset(); err != nil {
		t.Fatal(err)
	}
	level, _ := d.Config("LogLevel")
	profile, _ := d.Config("AlgorithmProfile")
	if d.Listening() || d.LocalPort() != 22 || d.DefaultTimeout() != 60 || level != "1" || profile != "modern" {
		t.Errorf("after Reset: %v %d %d %s %s", d.Listening(), d.LocalPort(), d.DefaultTimeout(), level, profile)
	}
	d.SetLocalPort(0)
}
