package daemon

import (
	"bytes"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"log/slog"
	"net"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hawser-ssh/hawser/transport/transporttest"
	"github.com/hawser-ssh/hawser/wire"
)

// TestBlockedHandler: whichever handler blocks for a minute, another connection
// is served meanwhile, without a moment's delay, and the blocked one goes on.
func TestBlockedHandler(t *testing.T) {
	for event := range hooks(New()) {
		t.Run(event, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				d := newDaemon(t)
				must(t, d, "LoginGraceTime=600")
				d.OnSSHChannelDataIn = func(e *SSHChannelDataInEvent) { d.SendBytes(e.ChannelID, e.Data) }
				d.OnSSHChannelEOF = func(e *SSHChannelEOFEvent) { d.CloseChannel(e.ChannelID) }
				var came atomic.Bool
				blocked := make(chan struct{})
				hooks(d)[event](func(int, int) {
					if came.CompareAndSwap(false, true) {
						close(blocked)
						time.Sleep(time.Minute)
					}
				})
				start := time.Now()
				slow := make(chan time.Duration, 1)
				s := serve(t, d)
				go func() {
					wholeLife(t, s)
					slow <- time.Since(start)
				}()
				<-blocked
				other := serve(t, d)
				wholeLife(t, other)
				if took := time.Since(start); took != 0 {
					t.Errorf("the other connection took %v", took)
				}
				if took := <-slow; took != time.Minute {
					t.Errorf("the blocked one took %v", took)
				}
			})
		})
	}
}

// wholeLife is a connection on which every event fires.
func wholeLife(t *testing.T, s *served) {
	t.Helper()
	p := logIn(t, s)
	p.Send(wire.GlobalRequest{Name: "round-trip", WantReply: true}.Append(nil))
	if _, err := p.ReadMsg(wire.MsgRequestFailure); err != nil {
		t.Error(err)
	}
	number := openSession(t, p, 100)
	p.Send(wire.ChannelRequest{Recipient: number, Type: "exec", WantReply: true, Payload: wire.Exec{Command: "x"}.Append(nil)}.Append(nil))
	if _, err := p.ReadMsg(wire.MsgChannelSuccess); err != nil {
		t.Error(err)
	}
	p.Send(wire.ChannelData{Recipient: number, Data: []byte("hello")}.Append(nil))
	if got := readData(t, p, 5); got != "hello" {
		t.Errorf("echo %q", got)
	}
	p.Send(wire.ChannelEOF{Recipient: number}.Append(nil))
	if _, err := p.ReadMsg(wire.MsgChannelClose); err != nil {
		t.Error(err)
	}
	p.Send(wire.ChannelClose{Recipient: number}.Append(nil))
	s.client.Close()
	if err := <-s.done; err != nil {
		t.Errorf("ServeConn: %v", err)
	}
}

// wallClock are methods of time.Time, and functions, whose results lack the
// monotonic reading, so that a step of the wall clock would move a deadline.
var wallClock = []string{"Round", "Truncate", "UTC", "Local", "In", "AddDate", "Unix", "UnixNano", "UnixMilli", "UnixMicro", "Date"}

// TestRES07: a step of the wall clock moves no deadline, timer or keepalive:
// nothing in the layers of a connection takes a time without its monotonic
// reading. What certificates allow is a matter of the wall clock; package sshkey
// has its tests.
func TestRES07(t *testing.T) {
	used := 0
	for _, dir := range []string{".", "../transport", "../connection", "../connection/sshclient", "../userauth"} {
		files, err := filepath.Glob(filepath.Join(dir, "*.go"))
		if err != nil || len(files) == 0 {
			t.Fatalf("%s: %v", dir, err)
		}
		for _, path := range files {
			if strings.HasSuffix(path, "_test.go") {
				continue
			}
			set := token.NewFileSet()
			file, err := parser.ParseFile(set, path, nil, 0)
			if err != nil {
				t.Fatal(err)
			}
			ast.Inspect(file, func(n ast.Node) bool {
				call, ok := n.(*ast.CallExpr)
				if !ok {
					return true
				}
				f, ok := call.Fun.(*ast.SelectorExpr)
				switch {
				case !ok || ofPackage(f.X):
				case f.Sel.Name == "Now":
					used++
				case slices.Contains(wallClock, f.Sel.Name):
					t.Errorf("%v: %s takes a time's monotonic reading away", set.Position(call.Pos()), f.Sel.Name)
				}
				return true
			})
		}
	}
	if used < 5 {
		t.Errorf("%d uses of the clock were looked at", used)
	}
	// A deadline that comes from the clock, as all do, keeps the reading on its way.
	if !strings.Contains(time.Now().Add(time.Hour).String(), "m=+") {
		t.Error("this system has no monotonic clock")
	}
}

// ofPackage reports whether x names a package other than time.
func ofPackage(x ast.Expr) bool {
	name, ok := x.(*ast.Ident)
	return ok && name.Obj == nil && name.Name != "time"
}

// crumbs writes a byte at a time, with a pause behind each, and counts how often
// it is read from.
type crumbs struct {
	net.Conn
	pause time.Duration
	reads atomic.Int64
}

func (c *crumbs) Write(p []byte) (n int, err error) {
	for i := range p {
		k, err := c.Conn.Write(p[i : i+1])
		n += k
		if err != nil {
			return n, err
		}
		time.Sleep(c.pause)
	}
	return n, nil
}

func (c *crumbs) Read(p []byte) (int, error) {
	c.reads.Add(1)
	return c.Conn.Read(p[:min(len(p), 1)])
}

// CloseWrite implements the half-close that the transport uses.
func (c *crumbs) CloseWrite() error { return c.Conn.(interface{ CloseWrite() error }).CloseWrite() }

// TestRES09: a whole session in segments of one byte, a millisecond apart, both
// ways. It works, and costs a read a byte: nothing spins.
func TestRES09(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDaemon(t)
		must(t, d, "LoginGraceTime=600")
		echo(t, d)
		client, server := transporttest.Pipe()
		slow := &crumbs{Conn: server, pause: time.Millisecond}
		counted := &countedConn{Conn: client}
		s := &served{client: &crumbs{Conn: counted, pause: time.Millisecond}, done: make(chan error, 1)}
		go func() { s.done <- d.ServeConn(t.Context(), slow) }()
		c, err := dialOurs(t, s)
		if err != nil {
			t.Fatal(err)
		}
		if out, err := runOurs(t, c, "cat", strings.Repeat("hello ", 100)); err != nil || out != strings.Repeat("hello ", 100) {
			t.Errorf("%q, %v", out, err)
		}
		c.Close()
		if err := <-s.done; err != nil {
			t.Errorf("ServeConn: %v", err)
		}
		if sent, reads := counted.written.Load(), slow.reads.Load(); reads > sent+10 {
			t.Errorf("%d reads for %d bytes", reads, sent)
		}
	})
}

// countedConn counts what is written.
type countedConn struct {
	net.Conn
	written atomic.Int64
}

func (c *countedConn) Write(p []byte) (int, error) {
	n, err := c.Conn.Write(p)
	c.written.Add(int64(n))
	return n, err
}

// CloseWrite is the half-close.
func (c *countedConn) CloseWrite() error {
	return c.Conn.(interface{ CloseWrite() error }).CloseWrite()
}

// lineCounter is a log that is measured.
type lineCounter struct{ lines, bytes, longest int }

func (c *lineCounter) Write(p []byte) (int, error) {
	c.lines++
	c.bytes += len(p)
	c.longest = max(c.longest, len(p))
	return len(p), nil
}

// TestRES10: failed handshakes leave nothing behind, whatever they fail over,
// and what each costs in the log is bounded, however much the client says.
func TestRES10(t *testing.T) {
	long := make([]string, 0, 1000)
	for i := range cap(long) {
		long = append(long, fmt.Sprintf("cipher-%d\x1b@example.org", i))
	}
	d := newDaemon(t)
	var log lineCounter
	d.SetLogger(slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelInfo})))
	var events lineCounter
	d.OnLog = func(e *LogEvent) { events.Write([]byte(e.Message)) }
	n := 500
	if testing.Short() {
		n = 50
	}
	hello := "SSH-2.0-x\r\n"
	fail := []func(p *transporttest.Peer){
		func(p *transporttest.Peer) { p.SendRaw([]byte("GET / HTTP/1.1\r\n\r\n")) },
		func(p *transporttest.Peer) { p.SendRaw(bytes.Repeat([]byte("SSH-2.0-"), 10_000)) },
		func(p *transporttest.Peer) { p.SendRaw([]byte(hello + "\xff\xff\xff\xff" + strings.Repeat("x", 1000))) },
		func(p *transporttest.Peer) {
			p.Init.CipherCS = wire.NewNameList(long...)
			p.Versions()
			p.SendKexInit()
		},
		func(p *transporttest.Peer) {
			p.Versions()
			p.SendKexInit()
			p.Send(bytes.Repeat([]byte{30}, 100))
		},
	}
	round := func() {
		for i := range n {
			client, server := transporttest.Pipe()
			done := make(chan error, 1)
			go func() { done <- d.ServeConn(t.Context(), server) }()
			p := transporttest.NewPeer(client, wire.Client)
			fail[i%len(fail)](p)
			p.ReadDisconnect()
			client.Close()
			if err := <-done; err == nil {
				t.Error("no error")
			}
		}
	}
	round()
	before := heapAfterGC()
	round()
	if grown := heapAfterGC() - before; grown > int64(n)*100 && grown > 1<<20 {
		t.Errorf("%d bytes more after %d handshakes", grown, n)
	}
	d.gate.mu.Lock()
	left := d.gate.total + d.gate.unauth + len(d.gate.sources) + len(d.reg.arriving) + d.SSHConnectionCount() + d.SSHChannelCount()
	d.gate.mu.Unlock()
	if left != 0 {
		t.Errorf("%d things left", left)
	}
	for name, c := range map[string]lineCounter{"logger": log, "OnLog": events} {
		if c.lines > 3*2*n || c.longest > 6<<10 || c.bytes/(2*n) > 3<<10 {
			t.Errorf("%s: %d lines, %d bytes for %d handshakes; the longest has %d", name, c.lines, c.bytes, 2*n, c.longest)
		}
	}
}

func heapAfterGC() int64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}
