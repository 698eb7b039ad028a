package daemon

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	xssh "golang.org/x/crypto/ssh"
)

// hooks returns, for each event by name, a way to run f inside it, before the
// handler that is there.
func hooks(d *Daemon) map[string]func(f func(connectionID, channelID int)) {
	type inside = func(connectionID, channelID int)
	return map[string]func(inside){
		"ConnectionRequest": func(f inside) { wrap(&d.OnConnectionRequest, func(*ConnectionRequestEvent) { f(1, 1) }) },
		"Connected":         func(f inside) { wrap(&d.OnConnected, func(e *ConnectedEvent) { f(e.ConnectionID, 1) }) },
		"Disconnected":      func(f inside) { wrap(&d.OnDisconnected, func(e *DisconnectedEvent) { f(e.ConnectionID, 1) }) },
		"Log":               func(f inside) { wrap(&d.OnLog, func(e *LogEvent) { f(e.ConnectionID, 1) }) },
		"Status":            func(f inside) { wrap(&d.OnSSHStatus, func(e *SSHStatusEvent) { f(e.ConnectionID, 1) }) },
		"ServiceRequest":    func(f inside) { wrap(&d.OnSSHServiceRequest, func(e *SSHServiceRequestEvent) { f(e.ConnectionID, 1) }) },
		"UserAuth": func(f inside) {
			wrap(&d.OnSSHUserAuthRequest, func(e *SSHUserAuthRequestEvent) { f(e.ConnectionID, 1) })
		},
		"GlobalRequest": func(f inside) { wrap(&d.OnSSHGlobalRequest, func(e *SSHGlobalRequestEvent) { f(e.ConnectionID, 1) }) },
		"OpenRequest": func(f inside) {
			wrap(&d.OnSSHChannelOpenRequest, func(e *SSHChannelOpenRequestEvent) { f(e.ConnectionID, e.ChannelID) })
		},
		"Opened": func(f inside) {
			wrap(&d.OnSSHChannelOpened, func(e *SSHChannelOpenedEvent) { f(e.ConnectionID, e.ChannelID) })
		},
		"ReadyToSend": func(f inside) {
			wrap(&d.OnSSHChannelReadyToSend, func(e *SSHChannelReadyToSendEvent) { f(e.ConnectionID, e.ChannelID) })
		},
		"Request": func(f inside) {
			wrap(&d.OnSSHChannelRequest, func(e *SSHChannelRequestEvent) { f(e.ConnectionID, e.ChannelID) })
		},
		"Requested": func(f inside) {
			wrap(&d.OnSSHChannelRequested, func(e *SSHChannelRequestedEvent) { f(e.ConnectionID, e.ChannelID) })
		},
		"DataIn": func(f inside) {
			wrap(&d.OnSSHChannelDataIn, func(e *SSHChannelDataInEvent) { f(e.ConnectionID, e.ChannelID) })
		},
		"EOF": func(f inside) {
			wrap(&d.OnSSHChannelEOF, func(e *SSHChannelEOFEvent) { f(e.ConnectionID, e.ChannelID) })
		},
		"Closed": func(f inside) {
			wrap(&d.OnSSHChannelClosed, func(e *SSHChannelClosedEvent) { f(e.ConnectionID, e.ChannelID) })
		},
	}
}

// methods returns every method, as something to call inside an event. Those
// under a name in ending make the connection end.
func methods(d *Daemon) (calls map[string]func(connectionID, channelID int), ending []string) {
	type call = func(connectionID, channelID int)
	soon := func() context.Context {
		ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
		context.AfterFunc(ctx, cancel)
		return ctx
	}
	return map[string]call{
		"SendBytes":          func(_, ch int) { d.SendBytes(ch, []byte("x")) },
		"SendText":           func(_, ch int) { d.SendText(ch, "x") },
		"SendChannelData":    func(_, ch int) { d.SendChannelData(ch, []byte("x")) },
		"SendSSHPacket":      func(_, ch int) { d.SendSSHPacket(ch, 80, nil) },
		"CloseChannel":       func(_, ch int) { d.CloseChannel(ch) },
		"ChangeRecordLength": func(_, ch int) { d.ChangeRecordLength(ch, 1) },
		"OpenChannel":        func(c, _ int) { d.OpenChannel(c, "session") },
		"ExchangeKeys":       func(c, _ int) { d.ExchangeKeys(c) },
		"DoEvents":           func(_, _ int) { d.DoEvents() },
		"Config":             func(c, _ int) { d.Config("LogLevel=2"); d.Config(fmt.Sprintf("UserAuthBanner[%d]=x", c)) },
		"Properties": func(c, ch int) {
			d.SSHConnectionCount()
			for _, h := range d.SSHConnections() {
				h.Connected()
				h.RemoteHost()
				h.RemoteVersion()
				h.Algorithms()
			}
			for _, h := range d.SSHChannels() {
				h.ReadyToSend()
				h.BytesSent()
			}
		},
		"StopListening":   func(_, _ int) { d.StopListening() },
		"StartListening":  func(_, _ int) { d.StartListening() },
		"Disconnect":      func(c, _ int) { d.Disconnect(c) },
		"Shutdown":        func(_, _ int) { d.Shutdown() },
		"ShutdownContext": func(_, _ int) { d.ShutdownContext(soon()) },
		"Reset":           func(_, _ int) { d.Reset() },
		"SetConnected": func(c, _ int) {
			if h, err := d.SSHConnection(c); err == nil {
				h.SetConnected(false)
			}
		},
	}, []string{"Disconnect", "Shutdown", "ShutdownContext", "Reset", "SetConnected"}
}

// TestMethodsInsideEvents calls every method inside every event, once a
// connection: nothing hangs, and Disconnected comes once and last.
func TestMethodsInsideEvents(t *testing.T) {
	_, ending := methods(New())
	for event := range hooks(New()) {
		calls, _ := methods(New())
		for method := range calls {
			if testing.Short() && (len(event)+len(method))%4 != 0 {
				continue
			}
			t.Run(method+" in "+event, func(t *testing.T) {
				t.Parallel()
				insideOnce(t, event, method, slices.Contains(ending, method))
			})
		}
	}
}

func insideOnce(t *testing.T, event, method string, ends bool) {
	d := newDaemon(t)
	d.SetLocalHost("127.0.0.1")
	d.SetLocalPort(0)
	echo := func(e *SSHChannelDataInEvent) { d.SendBytes(e.ChannelID, e.Data) }
	d.OnSSHChannelDataIn = echo
	d.OnSSHChannelEOF = func(e *SSHChannelEOFEvent) { d.CloseChannel(e.ChannelID) }
	r := record(d)
	calls, _ := methods(d)
	inside, done := false, make(chan struct{})
	hooks(d)[event](func(connectionID, channelID int) {
		if !inside {
			inside = true
			calls[method](connectionID, channelID)
			close(done)
		}
	})
	s := serve(t, d)
	c, err := dialOurs(t, s)
	if err == nil {
		c.GlobalRequest(t.Context(), "round-trip", true, nil)
		runOurs(t, c, "cat", "hello")
		c.Close()
	} else if !ends {
		t.Errorf("no login: %v", err)
	}
	s.client.Close()
	<-s.done
	select {
	case <-done:
	default:
		t.Error("the event did not come, or the method has not returned")
	}
	shutDown(t, d)
	lines := r.all()
	if last := lines[len(lines)-1]; event != "ConnectionRequest" && !strings.HasPrefix(last, "Disconnected") ||
		strings.Count(strings.Join(lines, "\n"), "Disconnected") > 1 {
		t.Errorf("events %q", lines)
	}
}

// TestRES08: a handler that panics denies what it was asked for, its
// connection ends, and another one lives on.
func TestRES08(t *testing.T) {
	for event := range hooks(New()) {
		t.Run(event, func(t *testing.T) {
			t.Parallel()
			d := newDaemon(t)
			echo(t, d)
			var armed atomic.Bool
			hooks(d)[event](func(int, int) {
				if armed.CompareAndSwap(true, false) {
					panic("handler")
				}
			})
			r := record(d)
			other, _ := connect(t, d)
			other.SendRequest("round-trip", true, nil)
			armed.Store(true)
			s := serve(t, d)
			c, err := dialOurs(t, s)
			if err == nil {
				c.GlobalRequest(t.Context(), "round-trip", true, nil)
				if out, err := runOurs(t, c, "cat", "hello"); err == nil && event != "Closed" && event != "Disconnected" {
					t.Errorf("the connection survived: %q", out)
				}
				c.Close()
			}
			s.client.Close()
			<-s.done
			if armed.Load() {
				t.Error("the event did not come")
			}
			if n := strings.Count(strings.Join(r.all(), "\n"), "Disconnected"); n != 1 && event != "ConnectionRequest" {
				t.Errorf("%d times Disconnected: %q", n, r.all())
			}
			if out, err := run(t, other, "cat", "still here"); err != nil || out != "still here" {
				t.Errorf("the other connection: %q, %v", out, err)
			}
		})
	}
}

// TestPanicDenies: what a handler has answered before it panics does not count.
func TestPanicDenies(t *testing.T) {
	d := newDaemon(t)
	d.OnSSHUserAuthRequest = func(e *SSHUserAuthRequestEvent) {
		e.Accept = true
		panic("after the answer")
	}
	reported := make(chan *ErrorEvent, 1)
	d.OnError = func(e *ErrorEvent) { reported <- e }
	s := serve(t, d)
	if _, err := dial(s, clientConfig("alice", xssh.Password("secret"))); err == nil {
		t.Error("logged in")
	}
	wantCode(t, <-s.done, CodeAborted)
	if e := <-reported; e.ErrorCode != CodeAborted || !strings.Contains(e.Description, "after the answer") {
		t.Errorf("error event %+v", e)
	}
}

// TestEventsDoNotOverlap: handlers of one connection run one at a time, though
// events come from many goroutines.
func TestEventsDoNotOverlap(t *testing.T) {
	d := newDaemon(t)
	running := make(chan struct{}, 1)
	for _, hook := range hooks(d) {
		hook(func(int, int) {
			select {
			case running <- struct{}{}:
			default:
				t.Error("two handlers at a time")
			}
			for range 100 { // give another one a chance
				d.SSHConnectionCount()
			}
			<-running
		})
	}
	must(t, d, "LogLevel=3")
	d.OnSSHChannelEOF = func(e *SSHChannelEOFEvent) { d.CloseChannel(e.ChannelID) }
	c, s := connect(t, d)
	for range 4 {
		go c.SendRequest("something", true, nil)
		d.ExchangeKeys(d.SSHConnections()[0].ConnectionID())
		if _, err := run(t, c, "cat", strings.Repeat("x", 100_000)); err == nil {
			t.Error("no exit status was sent, and none is missing")
		}
	}
	c.Close()
	<-s.done
}

// TestSlowHandler: a handler that blocks holds up its own connection alone.
func TestSlowHandler(t *testing.T) {
	d := newDaemon(t)
	echo(t, d)
	release := make(chan struct{})
	wrap(&d.OnSSHChannelRequest, func(e *SSHChannelRequestEvent) {
		if v, _ := d.GetSSHParam(e.Packet, "Command"); v == "block" {
			<-release
		}
	})
	slow, _ := connect(t, d)
	blocked := make(chan error, 1)
	go func() {
		_, err := run(t, slow, "block", "")
		blocked <- err
	}()
	other, _ := connect(t, d)
	if out, err := run(t, other, "cat", "quick"); err != nil || out != "quick" {
		t.Errorf("%q, %v", out, err)
	}
	close(release)
	if err := <-blocked; err != nil {
		t.Errorf("the slow one: %v", err)
	}
}

// TestDoEvents: with ProcessIdleEvents=False every handler runs on the
// goroutine that calls DoEvents.
func TestDoEvents(t *testing.T) {
	d := newDaemon(t)
	echo(t, d)
	must(t, d, "ProcessIdleEvents=False", "SelectWaitMillis=5")
	inLoop, n := false, 0 // only the loop touches them: the race detector watches
	for _, hook := range hooks(d) {
		hook(func(int, int) {
			n++
			if !inLoop {
				t.Error("a handler ran outside DoEvents")
			}
		})
	}
	s := serve(t, d)
	finished := make(chan error, 1)
	go func() {
		c, err := dial(s, clientConfig("alice", xssh.Password("secret")))
		if err == nil {
			var out string
			if out, err = run(t, c, "cat", "hello"); err == nil && out != "hello" {
				err = errors.New("wrong output " + out)
			}
			c.Close()
		}
		<-s.done
		finished <- err
	}()
	for {
		inLoop = true
		d.DoEvents()
		inLoop = false
		select {
		case err := <-finished:
			if err != nil || n < 10 {
				t.Errorf("%d events, %v", n, err)
			}
			return
		default:
		}
	}
}
