package daemon

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	xssh "golang.org/x/crypto/ssh"

	"github.com/hawser-ssh/hawser/transport/transporttest"
	"github.com/hawser-ssh/hawser/userauth"
	"github.com/hawser-ssh/hawser/wire"
)

func tcpAddr(s string) net.Addr { return net.TCPAddrFromAddrPort(netip.MustParseAddrPort(s)) }

// TestGateLimits goes to each limit and one above.
func TestGateLimits(t *testing.T) {
	var g gate
	g.init()
	o := defaultOptions()
	o.maxConnections, o.unauthStart, o.unauthMax, o.unauthSource = 10, 8, 9, 3
	enter := func(addr string, want error) *ticket {
		t.Helper()
		ticket, err := g.enter(tcpAddr(addr), o)
		if !errors.Is(err, want) {
			t.Errorf("%s: %v, want %v", addr, err, want)
		}
		return ticket
	}
	var all []*ticket
	for i := range 3 {
		all = append(all, enter(fmt.Sprintf("10.0.0.1:%d", i+1), nil))
	}
	enter("10.0.0.1:9", errTooManySource)
	enter("[::ffff:10.0.0.1]:9", errTooManySource)
	// One IPv6 /64 is one source.
	for i := range 3 {
		all = append(all, enter(fmt.Sprintf("[2001:db8::%d]:1", i+1), nil))
	}
	enter("[2001:db8::ffff]:1", errTooManySource)
	all = append(all, enter("[2001:db8:0:1::1]:1", nil))
	all = append(all, enter("10.0.0.2:1", nil))
	// Eight have not logged in: of 8 to 9 all are dropped.
	enter("10.0.0.3:1", errTooManyUnauth)
	for _, x := range all {
		x.authenticated()
		x.authenticated()
	}
	if g.unauth != 0 || len(g.sources) != 0 || g.total != 8 {
		t.Errorf("%d in, %d not logged in, sources %v", g.total, g.unauth, g.sources)
	}
	all = append(all, enter("10.0.0.1:1", nil), enter("10.0.0.1:1", nil))
	enter("10.0.0.9:1", errTooMany)
	for _, x := range all {
		x.done()
		x.done()
	}
	if g.unauth != 0 || len(g.sources) != 0 || g.total != 0 {
		t.Errorf("%d in, %d not logged in, sources %v", g.total, g.unauth, g.sources)
	}
}

// TestRES01: between the limits connections are dropped at random, the more
// the fuller it is; below none, above all.
func TestRES01(t *testing.T) {
	dropped := func(held int) (n int) {
		for range 1000 {
			g := gate{unauth: held, sources: map[netip.Prefix]int{}}
			if _, err := g.enter(nil, defaultOptions()); err != nil {
				n++
			}
		}
		return n
	}
	if n := dropped(99); n != 0 {
		t.Errorf("%d of 1000 dropped at 99", n)
	}
	low, high := dropped(200), dropped(900)
	if low < 50 || low > 200 || high < 800 || high > 970 {
		t.Errorf("%d of 1000 dropped at 200, %d at 900", low, high)
	}
	if n := dropped(1000); n != 1000 {
		t.Errorf("%d of 1000 dropped at 1000", n)
	}
}

// TestRefusal: the connection too many is told so, in a way that clients
// understand.
func TestRefusal(t *testing.T) {
	d := newDaemon(t)
	must(t, d, "MaxConnections=1")
	addr := listen(t, d)
	c, err := xssh.Dial("tcp", addr, clientConfig("alice", xssh.Password("secret")))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	nc, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	p := transporttest.NewPeer(nc, wire.Client)
	if err := p.Versions(); err != nil {
		t.Fatal(err)
	}
	if reason := p.ReadDisconnect(); reason != wire.ReasonTooManyConnections {
		t.Errorf("reason %v", reason)
	}
	if _, err := xssh.Dial("tcp", addr, clientConfig("alice")); err == nil || !strings.Contains(err.Error(), "too many connections") {
		t.Errorf("x/crypto says %v", err)
	}
	if d.SSHConnectionCount() != 1 {
		t.Errorf("%d connections", d.SSHConnectionCount())
	}
}

// TestLoginGrace: a client that does not log in is gone after LoginGraceTime,
// whatever it does meanwhile (VER-01, VER-02).
func TestLoginGrace(t *testing.T) {
	for name, client := range map[string]func(net.Conn){
		"silent": func(nc net.Conn) { io.Copy(io.Discard, nc) },
		"slow": func(nc net.Conn) {
			for _, b := range []byte(strings.Repeat("S", 200)) {
				if _, err := nc.Write([]byte{b}); err != nil {
					return
				}
				time.Sleep(time.Second)
			}
		},
		"handshake only": func(nc net.Conn) {
			p := transporttest.NewPeer(nc, wire.Client)
			if err := p.Handshake(); err != nil {
				t.Error(err)
			}
			p.ReadDisconnect()
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				d := newDaemon(t)
				must(t, d, "LoginGraceTime=30")
				r := record(d)
				s := serve(t, d)
				start := time.Now()
				gone := make(chan struct{})
				go func() {
					defer close(gone)
					client(s.client)
				}()
				err := <-s.done
				if took := time.Since(start); took < 30*time.Second || took > 36*time.Second {
					t.Errorf("ended after %v", took)
				}
				wantCode(t, err, CodeTimedOut)
				lines := r.all()
				if last := lines[len(lines)-1]; !strings.HasPrefix(last, "Disconnected 10060") {
					t.Errorf("last event %q", last)
				}
				s.client.Close()
				<-gone
			})
		})
	}
}

// TestAUT17: a handler that answers after the deadline lets nobody in.
func TestAUT17(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDaemon(t)
		wrap(&d.OnSSHUserAuthRequest, func(e *SSHUserAuthRequestEvent) {
			if e.AuthMethod == "password" {
				time.Sleep(61 * time.Second)
			}
		})
		d.OnSSHChannelOpenRequest = func(*SSHChannelOpenRequestEvent) { t.Error("a channel") }
		s := serve(t, d)
		start := time.Now()
		if _, err := dial(s, clientConfig("alice", xssh.Password("secret"))); err == nil {
			t.Error("logged in")
		}
		if took := time.Since(start); took < 60*time.Second || took > 61*time.Second {
			t.Errorf("the client was closed after %v", took)
		}
		wantCode(t, <-s.done, CodeTimedOut)
	})
}

// TestSlowArrival: handlers that take their time before the login do not
// keep the socket open beyond the deadline.
func TestSlowArrival(t *testing.T) {
	for _, event := range []string{"ConnectionRequest", "Connected", "ServiceRequest", "UserAuth"} {
		synctest.Test(t, func(t *testing.T) {
			d := newDaemon(t)
			hooks(d)[event](func(int, int) { time.Sleep(5 * time.Minute) })
			d.OnSSHChannelOpenRequest = func(*SSHChannelOpenRequestEvent) { t.Error("a channel") }
			s := serve(t, d)
			start := time.Now()
			if _, err := dial(s, clientConfig("alice", xssh.Password("secret"))); err == nil {
				t.Errorf("%s: logged in", event)
			}
			if took := time.Since(start); took < 60*time.Second || took > 61*time.Second {
				t.Errorf("%s: the client was closed after %v", event, took)
			}
			if err := <-s.done; err == nil {
				t.Errorf("%s: no error", event)
			}
		})
	}
}

// TestAUT18: the deadline strikes at the instant of the login: either the
// client is in, or it is out, and then no handler of the connection runs.
func TestAUT18(t *testing.T) {
	n := 300
	if testing.Short() {
		n = 20
	}
	d := newDaemon(t)
	var in, out int
	for i := range n {
		synctest.Test(t, func(t *testing.T) {
			var opened, loggedIn bool
			d.OnSSHUserAuthRequest = func(e *SSHUserAuthRequestEvent) {
				if e.AuthMethod == "password" {
					time.Sleep(time.Until(time.Unix(946684800+60, int64(i%3)-1)))
					e.Accept = true
				}
			}
			d.OnSSHChannelOpenRequest = func(e *SSHChannelOpenRequestEvent) { opened = true }
			d.OnSSHStatus = func(e *SSHStatusEvent) { loggedIn = loggedIn || strings.Contains(e.Message, "logged in") }
			s := serve(t, d)
			p := peer(t, s)
			userauthService(t, p)
			p.Send(wire.UserauthRequest{User: "alice", Service: "ssh-connection", Method: userauth.MethodPassword,
				Payload: wire.UserauthPassword{Password: []byte("secret")}.Append(nil)}.Append(nil))
			_, err := p.ReadMsg(wire.MsgUserauthSuccess)
			if err == nil {
				p.Send(wire.ChannelOpen{Type: "session", Window: 1, MaxPacket: 1}.Append(nil))
				p.ReadMsg(wire.MsgChannelOpenFailure)
			}
			s.client.Close()
			<-s.done
			if opened != loggedIn || loggedIn != (err == nil) {
				t.Errorf("success %v, logged in %v, channel opened %v", err, loggedIn, opened)
			}
			if loggedIn {
				in++
			} else {
				out++
			}
		})
	}
	if in+out != n {
		t.Errorf("%d in, %d out", in, out)
	}
}

// TestKeepalive: a client that does not answer is dropped, one that does stays.
func TestKeepalive(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDaemon(t)
		must(t, d, "SSHKeepAliveInterval=10", "SSHKeepAliveCountMax=2")
		c, alive := connect(t, d)
		s := serve(t, d)
		p := peer(t, s)
		userauthService(t, p)
		p.Send(passwordRequest("alice", "secret"))
		p.ReadMsg(wire.MsgUserauthSuccess)
		start := time.Now()
		<-s.done
		if took := time.Since(start); took < 20*time.Second || took > 45*time.Second {
			t.Errorf("the dead one ended after %v", took)
		}
		s.client.Close()
		if _, _, err := c.SendRequest("still-here", true, nil); err != nil {
			t.Error(err)
		}
		c.Close()
		<-alive.done
	})
}

// TestShutdownDuringArrival: a connection whose request is being decided when
// Shutdown is called gets no id.
func TestShutdownDuringArrival(t *testing.T) {
	d := newDaemon(t)
	asked, release := make(chan struct{}), make(chan struct{})
	d.OnConnectionRequest = func(*ConnectionRequestEvent) {
		close(asked)
		<-release
	}
	d.OnConnected = func(*ConnectedEvent) { t.Error("connected") }
	s := serve(t, d)
	<-asked
	d.Shutdown()
	close(release)
	if err := <-s.done; err == nil {
		t.Error("served")
	}
}

// bubbleGoroutines counts the goroutines of a synctest.Test; others, of tests
// before it, may be ending.
func bubbleGoroutines() int {
	stacks := make([]byte, 1<<20)
	return bytes.Count(stacks[:runtime.Stack(stacks, true)], []byte(", synctest bubble"))
}

// TestIdleCost: an idle connection with an idle channel parks one goroutine.
func TestIdleCost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDaemon(t)
		echo(t, d)
		synctest.Wait()
		before := bubbleGoroutines()
		const n = 5
		var all []*served
		for range n {
			s := serve(t, d)
			all = append(all, s)
			p, number := peerSession(t, s, 100)
			p.Send(wire.ChannelData{Recipient: number, Data: []byte("hello")}.Append(nil))
			readData(t, p, 5)
		}
		synctest.Wait()
		if got := bubbleGoroutines() - before; got != n {
			t.Errorf("%d goroutines for %d connections", got, n)
		}
		for _, s := range all {
			s.client.Close()
			<-s.done
		}
	})
}
