package connection

import (
	"context"
	"errors"
	"fmt"
	"net"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/hawser-ssh/hawser/wire"
)

// Data, requests, EOF and close of a channel are told in the order in which
// they came, and what several packets brought may come at once.
func TestEventOrder(t *testing.T) {
	var l calls
	var hold chan struct{}
	ev := l.events()
	record := ev.Request
	ev.Request = func(c *Channel, r *Request) {
		record(c, r)
		if r.Type == "wait" {
			<-hold
		}
	}
	scriptOpen(t, wire.Client, nil, ev, func(p *raw, c *Channel) {
		hold = make(chan struct{})
		id := c.ID()
		data := func(s string) appender { return wire.ChannelData{Recipient: id, Data: []byte(s)} }
		stderr := func(s string) appender {
			return wire.ChannelExtendedData{Recipient: id, Code: 1, Data: []byte(s)}
		}
		request := func(s string) appender { return wire.ChannelRequest{Recipient: id, Type: s} }
		p.send(request("wait"))
		synctest.Wait()
		p.send(data("a"), data("b"), stderr("E"), stderr("F"), data("c"), request("r"), data("d"), stderr("G"),
			request("exit-status"), wire.ChannelEOF{Recipient: id}, wire.ChannelClose{Recipient: id})
		synctest.Wait()
		close(hold)
		l.want(t, "request wait", "data ab", "data EF", "data c", "request r", "data d", "data G", "request exit-status", "EOF", "closed")
	})
}

// A peer that alternates single bytes of stdout and stderr costs few items.
func TestEventsCoalesce(t *testing.T) {
	got := [2]int{}
	var hold chan struct{}
	ev := &Events{
		Request: func(*Channel, *Request) { <-hold },
		Data:    func(_ *Channel, code uint32, p []byte) { got[code] += len(p) },
	}
	scriptOpen(t, wire.Client, nil, ev, func(p *raw, c *Channel) {
		hold = make(chan struct{})
		p.send(wire.ChannelRequest{Recipient: c.ID(), Type: "wait"})
		for range 10_000 {
			p.send(wire.ChannelData{Recipient: c.ID(), Data: []byte("x")},
				wire.ChannelExtendedData{Recipient: c.ID(), Code: 1, Data: []byte("y")})
		}
		synctest.Wait()
		p.m.pump.mu.Lock()
		due := p.m.pump.n
		p.m.pump.mu.Unlock()
		if due > maxSplits+2 {
			t.Fatalf("%d items", due)
		}
		close(hold)
		synctest.Wait()
		if got != [2]int{10_000, 10_000} {
			t.Fatal(got)
		}
	})
}

// Callbacks of one connection never overlap, and keep the order over channels.
func TestEventsNeverOverlap(t *testing.T) {
	var running, count int // no atomics: the race detector would see an overlap
	enter := func() {
		running++
		if running != 1 {
			t.Error("overlap")
		}
		runtime.Gosched()
		count++
		running--
	}
	ev := &Events{
		Request: func(*Channel, *Request) { enter() },
		Data:    func(*Channel, uint32, []byte) { enter() },
		Closed:  func(*Channel) { enter() },
	}
	h := handler{open: func(r *OpenRequest) { enter(); r.Accept(ev) }, global: func(*GlobalRequest) { enter() }}
	near, far := newLink()
	cm, sm := New(near, wire.Client, nil), New(far, wire.Server, &Config{Handler: h})
	over := make(chan error, 2)
	go func() { over <- cm.Run() }()
	go func() { over <- sm.Run() }()
	done := make(chan struct{})
	const channels = 8
	for range channels {
		go func() {
			c, err := cm.OpenSession(context.Background(), nil)
			if err != nil {
				t.Error(err)
			} else {
				for range 50 {
					c.Write([]byte("x"))
					c.SendRequest(context.Background(), "r", true, nil)
					cm.GlobalRequest(context.Background(), "g", true, nil)
				}
				c.Close()
				<-c.Done()
			}
			done <- struct{}{}
		}()
	}
	for range channels {
		<-done
	}
	cm.Close()
	<-over
	<-over // Run returns after the last callback
	if count < channels*(2+2*50+1) {
		t.Fatal(count)
	}
}

// A callback that panics denies, and ends its connection only.
func TestRES08Panics(t *testing.T) {
	ends := map[string]func(){
		"panic":  func() { panic("boom") },
		"Goexit": runtime.Goexit,
	}
	for how, end := range ends {
		for name, c := range map[string]struct {
			h    handler
			ev   *Events
			send func(id uint32) appender
			want appender
		}{
			"open": {h: handler{open: func(r *OpenRequest) {
				if r.Type != typeSession {
					end()
				}
			}}, send: func(uint32) appender { return wire.ChannelOpen{Type: "x", Sender: 9, Window: 1, MaxPacket: 1} },
				want: openFailure(9, wire.OpenAdministrativelyProhibited)},
			"global": {h: handler{global: func(g *GlobalRequest) { g.Defer(); end() }},
				send: func(uint32) appender { return wire.GlobalRequest{Name: "x", WantReply: true} }, want: wire.RequestFailure{}},
			"request": {ev: &Events{Request: func(_ *Channel, r *Request) { r.Defer(); end() }},
				send: func(id uint32) appender { return wire.ChannelRequest{Recipient: id, Type: "x", WantReply: true} },
				want: wire.ChannelFailure{Recipient: 7}},
			"data": {ev: &Events{Data: func(*Channel, uint32, []byte) { end() }},
				send: func(id uint32) appender { return wire.ChannelData{Recipient: id, Data: []byte("x")} }},
			"EOF": {ev: &Events{EOF: func(*Channel) { end() }}, send: func(id uint32) appender { return wire.ChannelEOF{Recipient: id} }},
			"closed": {ev: &Events{Closed: func(*Channel) { end() }}, send: func(id uint32) appender { return wire.ChannelClose{Recipient: id} },
				want: wire.ChannelClose{Recipient: 7}},
		} {
			t.Run(how+" in "+name, func(t *testing.T) {
				closed := 0
				ev := &Events{Closed: func(*Channel) { closed++ }}
				if c.ev != nil {
					*ev = *c.ev
					if own := c.ev.Closed; own != nil {
						ev.Closed = func(ch *Channel) { closed++; own(ch) }
					} else {
						ev.Closed = func(*Channel) { closed++ }
					}
				}
				got := make(chan *Channel, 1)
				h := handler{global: c.h.global, open: func(r *OpenRequest) {
					if c.h.open != nil {
						c.h.open(r)
					}
					ch, _ := r.Accept(ev)
					got <- ch
				}}
				script(t, wire.Server, &Config{Handler: h}, func(p *raw) {
					ch := p.opens(typeSession, 7, got)
					p.send(c.send(ch.ID()))
					if c.want != nil {
						p.expect(c.want)
					}
					err := <-p.over
					p.over = nil
					var panicked *PanicError
					if !errors.As(err, &panicked) || how == "panic" && panicked.Text != "boom" || len(panicked.Stack) == 0 {
						t.Fatal(err)
					}
					if closed != 1 {
						t.Fatalf("Closed ran %d times", closed)
					}
					if _, err := ch.Write([]byte("x")); !errors.Is(err, net.ErrClosed) || name != "closed" && !errors.As(err, &panicked) {
						t.Fatal(err)
					}
				})
			})
		}
	}
}

// What was received before the end of the connection is delivered before Closed.
func TestEventsAtTheEnd(t *testing.T) {
	var l calls
	scriptOpen(t, wire.Client, nil, l.events(), func(p *raw, c *Channel) {
		p.send(wire.ChannelData{Recipient: c.ID(), Data: []byte("last words")}, wire.ChannelRequest{Recipient: c.ID(), Type: reqExitStatus})
		p.link.Close()
		err := <-p.over
		p.over = nil
		if err == nil || strings.Join(l.list, ", ") != "data last words, request exit-status, closed" {
			t.Fatal(err, l.list)
		}
	})
}

// Everything may be called from inside a callback.
func TestCallsFromCallbacks(t *testing.T) {
	ctx := context.Background()
	ev := &Events{Request: func(c *Channel, r *Request) {
		switch r.Type {
		case "ask back":
			ok, err := c.SendRequest(ctx, "x", true, nil)
			r.Reply(!ok && err == nil)
		case "open":
			ch, err := c.Mux().Open(ctx, "y", nil, nil)
			if err == nil {
				_, err = ch.Write(make([]byte, 3<<20)) // more than the window
			}
			r.Reply(err == nil)
		case "close":
			c.Close()
		case "end":
			c.Mux().Close()
		}
	}}
	h := handler{open: func(r *OpenRequest) {
		ch, _ := r.Accept(nil)
		go ch.WriteTo(discard{})
	}}
	c, _ := pairOpen(t, &Config{Handler: h}, nil, ev)
	for _, name := range []string{"ask back", "open"} {
		if ok, err := c.SendRequest(ctx, name, true, nil); !ok || err != nil {
			t.Fatal(name, ok, err)
		}
	}
	if _, err := c.SendRequest(ctx, "close", true, nil); !errors.Is(err, net.ErrClosed) {
		t.Fatal(err)
	}
	<-c.Done()
	d, err := c.Mux().OpenSession(ctx, nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := d.SendRequest(ctx, "end", true, nil); !errors.Is(err, net.ErrClosed) {
		t.Fatal(err)
	}
	<-c.Mux().Done()
}

type discard struct{}

func (discard) Write(p []byte) (int, error) { return len(p), nil }

// CloseRead and Close while a view is lent must not pull it away.
func TestCloseWhileLent(t *testing.T) {
	for name, end := range map[string]func(*Channel) error{"Close": (*Channel).Close, "CloseRead": (*Channel).CloseRead} {
		for _, push := range []bool{true, false} {
			t.Run(fmt.Sprint(name, push), func(t *testing.T) {
				want := strings.Repeat("z", 5000)
				seen := make(chan string, 1)
				look := func(c *Channel, p []byte) {
					end(c)
					other, _ := newChunk(make([]byte, largeChunk), false) // would take the place of a chunk given back too early
					seen <- string(p)
					other.free()
				}
				var ev Events
				if push {
					ev.Data = func(c *Channel, _ uint32, p []byte) { look(c, p) }
				}
				scriptOpen(t, wire.Client, nil, &ev, func(p *raw, c *Channel) {
					if !push {
						go c.WriteTo(writerFunc(func(b []byte) (int, error) { look(c, b); return len(b), nil }))
					}
					p.send(wire.ChannelData{Recipient: c.ID(), Data: []byte(want)})
					if got := <-seen; got != want {
						t.Fatalf("%d bytes, %.10q", len(got), got)
					}
					synctest.Wait()
					if c.held() != 0 {
						t.Fatal("kept after the end")
					}
				})
			})
		}
	}
}

type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(p []byte) (int, error) { return f(p) }
