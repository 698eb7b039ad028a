package peertest

import (
	"context"
	"net"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"
)

// Server is a foreign SSH server on the loopback interface. It lives as long
// as the test; its log is printed when the test fails.
type Server struct {
	Addr     string // "127.0.0.1:PORT"
	Host     string // "127.0.0.1"
	Port     int
	User     string // who can log in
	Password string // with this password, where the server takes one
	HostKeys []Key  // in the order of the options
	Log      *Buffer
}

func newServer(t testing.TB, addr net.Addr, name string) *Server {
	tcp := addr.(*net.TCPAddr)
	s := &Server{Addr: tcp.String(), Host: tcp.IP.String(), Port: tcp.Port, Log: new(Buffer)}
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("log of %s on %s:\n%s", name, s.Addr, tail(s.Log.String()))
		}
	})
	return s
}

// KnownHosts returns the path of a known_hosts file with the server's keys.
func (s *Server) KnownHosts(t testing.TB) string {
	t.Helper()
	return KnownHostsFile(t, s.Host, s.Port, s.HostKeys...)
}

// inetd accepts connections and gives each to a program of its own, as its
// standard input and output. Unlike a daemon with a fixed port it cannot lose
// the port to another process between choosing and listening, and it knows
// every process it started.
type inetd struct {
	t        testing.TB
	listener *net.TCPListener
	path     string
	args     []string
	log      *Buffer
	ctx      context.Context
	running  sync.WaitGroup
}

// startInetd serves with the program until the test ends.
func startInetd(t testing.TB, name, path string, args ...string) *Server {
	t.Helper()
	l, err := net.ListenTCP("tcp", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	s := newServer(t, l.Addr(), name)
	ctx, cancel := context.WithCancel(context.Background())
	d := &inetd{t: t, listener: l, path: path, args: args, log: s.Log, ctx: ctx}
	d.running.Go(d.accept)
	t.Cleanup(func() {
		l.Close()
		// A peer that got its client's goodbye ends by itself, with all
		// its children; only one that does not is killed.
		timer := time.AfterFunc(3*time.Second, cancel)
		d.running.Wait()
		timer.Stop()
		cancel()
	})
	return s
}

// accept ends when the listener is closed.
func (d *inetd) accept() {
	for {
		nc, err := d.listener.AcceptTCP()
		if err != nil {
			return
		}
		d.spawn(nc)
	}
}

func (d *inetd) spawn(nc *net.TCPConn) {
	defer nc.Close()
	f, err := nc.File() // a duplicate in blocking mode, as programs expect it
	if err != nil {
		d.log.Write([]byte(err.Error() + "\n"))
		return
	}
	defer f.Close()
	cmd := exec.CommandContext(d.ctx, d.path, d.args...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = f, f, d.log
	cmd.Env = cleanEnv()
	cmd.WaitDelay = 2 * time.Second
	ownGroup(cmd)
	if err := cmd.Start(); err != nil {
		d.log.Write([]byte(err.Error() + "\n"))
		return
	}
	d.running.Go(func() {
		if err := cmd.Wait(); err != nil {
			d.log.Write([]byte(strings.TrimSpace(d.path+": "+err.Error()) + "\n"))
		}
	})
}
