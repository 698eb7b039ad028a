package daemon

import (
	"fmt"
	"maps"
	"net"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	xssh "golang.org/x/crypto/ssh"
)

// TestMethodsFromGoroutines calls every method from many goroutines while
// clients come and go and handlers run: nothing hangs or races, and for each
// Connected there is one Disconnected, whose code and text say what they should.
func TestMethodsFromGoroutines(t *testing.T) {
	n := 40
	if testing.Short() {
		n = 10
	}
	d := newDaemon(t)
	must(t, d, "UnauthenticatedPerSource=1000", "UnauthenticatedStart=1000")
	d.SetLocalHost("127.0.0.1")
	d.SetLocalPort(0)
	d.OnSSHChannelDataIn = func(e *SSHChannelDataInEvent) { d.SendBytes(e.ChannelID, e.Data) }
	d.OnSSHChannelEOF = func(e *SSHChannelEOFEvent) { d.CloseChannel(e.ChannelID) }
	var mu sync.Mutex
	open := make(map[int]int) // by connection id: Connected less Disconnected
	wrap(&d.OnConnected, func(e *ConnectedEvent) { mu.Lock(); open[e.ConnectionID]++; mu.Unlock() })
	wrap(&d.OnDisconnected, func(e *DisconnectedEvent) {
		mu.Lock()
		open[e.ConnectionID]--
		mu.Unlock()
		if e.StatusCode == 0 && e.Description != "OK" || e.StatusCode != 0 && (!knownCode(e.StatusCode) || e.Description == "") {
			t.Errorf("ended with %d %q", e.StatusCode, e.Description)
		}
	})
	calls, ending := methods(d)
	names := slices.Sorted(maps.Keys(calls))
	var over atomic.Bool
	var callers, clients sync.WaitGroup
	for i, name := range names {
		if slices.Contains(ending, name) && name != "Disconnect" && name != "SetConnected" {
			continue // these turn away who arrives; TestShutdown… have them
		}
		callers.Go(func() {
			for id := i; !over.Load(); id++ {
				connections, channels := d.SSHConnections(), d.SSHChannels()
				connection, channel := 1, 1
				if len(connections) > 0 {
					connection = connections[id%len(connections)].ConnectionID()
				}
				if len(channels) > 0 {
					channel = channels[id%len(channels)].ChannelID()
				}
				calls[name](connection, channel)
			}
		})
	}
	for i := range n {
		clients.Go(func() {
			s := serve(t, d)
			if c, err := dialOurs(t, s); err == nil {
				c.GlobalRequest(t.Context(), "round-trip", true, nil)
				runOurs(t, c, "cat", fmt.Sprint("hello ", i))
				c.Close()
			}
			s.client.Close()
			<-s.done
		})
	}
	clients.Wait()
	over.Store(true)
	callers.Wait()
	shutDown(t, d)
	for id, left := range open {
		if left != 0 {
			t.Errorf("connection %d: %d more Connected than Disconnected", id, left)
		}
	}
	if n := d.SSHConnectionCount() + d.SSHChannelCount(); n != 0 {
		t.Errorf("%d things left", n)
	}
}

// TestListeningToggled: Listening goes off and on again while a client is at
// work; the client notices nothing, and others get in when it is on, at the same
// port.
func TestListeningToggled(t *testing.T) {
	d := newDaemon(t)
	echo(t, d)
	addr := listen(t, d)
	c, err := xssh.Dial("tcp", addr, clientConfig("alice", xssh.Password("secret")))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	for i := range 5 {
		if err := d.SetListening(false); err != nil || d.Listening() {
			t.Errorf("off: %v", err)
		}
		if err := d.SetListening(false); err != nil {
			t.Errorf("off twice: %v", err)
		}
		if nc, err := net.Dial("tcp", addr); err == nil {
			nc.Close()
			t.Error("a connection while off")
		}
		text := strings.Repeat(fmt.Sprint(i), 1000)
		if out, err := run(t, c, "cat", text); err != nil || out != text {
			t.Errorf("the old connection: %q, %v", out, err)
		}
		if err := d.SetListening(true); err != nil || !d.Listening() {
			t.Errorf("on: %v", err)
		}
		if err := d.SetListening(true); err != nil {
			t.Errorf("on twice: %v", err)
		}
		other, err := xssh.Dial("tcp", addr, clientConfig("alice", xssh.Password("secret")))
		if err != nil {
			t.Fatalf("on again: %v", err)
		}
		other.Close()
	}
	if n := d.SSHConnectionCount(); n < 1 {
		t.Errorf("%d connections", n)
	}
}

// TestShutdownFromEverywhere: many ways to shut down at once, from inside
// handlers of many connections and from outside, end each connection once.
func TestShutdownFromEverywhere(t *testing.T) {
	n := 20
	d := newDaemon(t)
	d.SetLocalHost("127.0.0.1")
	d.SetLocalPort(0)
	var connected, ended atomic.Int64
	arrived := make(chan struct{}, n)
	together := make(chan struct{})
	calls, ending := methods(d)
	d.OnConnected = func(*ConnectedEvent) { connected.Add(1) }
	d.OnDisconnected = func(*DisconnectedEvent) { ended.Add(1) }
	d.OnSSHChannelRequested = func(e *SSHChannelRequestedEvent) {
		arrived <- struct{}{}
		<-together
		calls[ending[e.ConnectionID%len(ending)]](e.ConnectionID, e.ChannelID)
	}
	var all []*served
	for range n {
		s := serve(t, d)
		c, err := dialOurs(t, s)
		if err != nil {
			t.Fatal(err)
		}
		go runOurs(t, c, "x", "")
		all = append(all, s)
	}
	for range n {
		<-arrived
	}
	close(together)
	d.Shutdown()
	for _, s := range all {
		s.client.Close()
		<-s.done
	}
	if connected.Load() != int64(n) || ended.Load() != int64(n) {
		t.Errorf("%d connected, %d ended", connected.Load(), ended.Load())
	}
}
