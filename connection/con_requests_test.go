package connection

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/hawser-ssh/hawser/wire"
)

func openFailure(remote uint32, reason wire.OpenReason) wire.ChannelOpenFailure {
	return wire.ChannelOpenFailure{Recipient: remote, Reason: reason, Description: reason.String()}
}

func sessionOpen(sender uint32) wire.ChannelOpen {
	return wire.ChannelOpen{Type: typeSession, Sender: sender, Window: 1, MaxPacket: 1}
}

func TestCON08Accepted(t *testing.T) {
	for _, limits := range []Config{{MaxChannels: 5}, {MaxSessions: 5}} {
		h, got := accepting(nil)
		limits.Handler = h
		script(t, wire.Server, &limits, func(p *raw) {
			var first *Channel
			for i := range uint32(5) {
				c := p.opens(typeSession, i, got)
				if i == 0 {
					first = c
				}
			}
			for i := uint32(5); i < 10_000; i++ {
				p.send(sessionOpen(i))
				p.expect(openFailure(i, wire.OpenResourceShortage))
			}
			first.Close()
			p.expect(wire.ChannelClose{Recipient: 0})
			p.send(sessionOpen(5)) // the place is not free before the peer's CLOSE
			p.expect(openFailure(5, wire.OpenResourceShortage))
			p.send(wire.ChannelClose{Recipient: first.ID()})
			p.opens(typeSession, 5, got)
		})
	}
}

// The default limits hold as well, and sessions do not count against other types.
func TestCON08Defaults(t *testing.T) {
	h, got := accepting(nil)
	script(t, wire.Server, &Config{Handler: h}, func(p *raw) {
		for i := range uint32(DefaultMaxSessions) {
			p.opens(typeSession, i, got)
		}
		p.send(sessionOpen(5000))
		p.expect(openFailure(5000, wire.OpenResourceShortage))
		for i := uint32(DefaultMaxSessions); i < DefaultMaxChannels; i++ {
			p.opens("direct-tcpip", i, got)
		}
		p.send(wire.ChannelOpen{Type: "direct-tcpip", Sender: 5000, Window: 1, MaxPacket: 1})
		p.expect(openFailure(5000, wire.OpenResourceShortage))
	})
}

// Opens that wait for an answer take a place too.
func TestCON08Unanswered(t *testing.T) {
	var waiting []*OpenRequest
	h := handler{open: func(r *OpenRequest) { waiting = append(waiting, r) }}
	script(t, wire.Server, &Config{Handler: h, MaxSessions: 3}, func(p *raw) {
		p.send(sessionOpen(0), sessionOpen(1), sessionOpen(2), sessionOpen(3))
		p.expect(openFailure(3, wire.OpenResourceShortage))
		synctest.Wait()
		if err := waiting[1].Reject(wire.OpenConnectFailed, ""); err != nil {
			t.Fatal(err)
		}
		p.expect(openFailure(1, wire.OpenConnectFailed))
		if err := waiting[1].Reject(wire.OpenConnectFailed, ""); err != ErrAnswered {
			t.Fatal(err)
		}
		if _, err := waiting[1].Accept(nil); err != ErrAnswered {
			t.Fatal(err)
		}
		if _, err := waiting[0].Accept(nil); err != nil {
			t.Fatal(err)
		}
		p.next()
		p.send(sessionOpen(4))
		p.alive()
		p.send(sessionOpen(5))
		p.expect(openFailure(5, wire.OpenResourceShortage))
	})
}

func TestCON08Refused(t *testing.T) {
	h := handler{open: func(r *OpenRequest) { r.Reject(wire.OpenUnknownChannelType, "") }}
	script(t, wire.Server, &Config{Handler: h, MaxChannels: 2}, func(p *raw) {
		for i := range uint32(10_000) {
			p.send(wire.ChannelOpen{Type: "nonsense", Sender: i, Window: 1, MaxPacket: 1})
			p.expect(openFailure(i, wire.OpenUnknownChannelType))
		}
		p.send(wire.ChannelOpen{Type: strings.Repeat("x", 64<<10), Sender: 1, Window: 1, MaxPacket: 1})
		p.expect(openFailure(1, wire.OpenUnknownChannelType))
		p.empty()
	})
	// Without a Handler nothing is let in, in either role (AUC-09).
	both(t, func(t *testing.T, role wire.Role) {
		script(t, role, nil, func(p *raw) {
			for _, kind := range []string{"session", "direct-tcpip", "forwarded-tcpip", "x11", "auth-agent@openssh.com"} {
				p.send(wire.ChannelOpen{Type: kind, Sender: 3, Window: 1, MaxPacket: 1})
				p.expect(openFailure(3, wire.OpenAdministrativelyProhibited))
			}
			p.empty()
		})
	})
}

func TestCON10UnaskedReplies(t *testing.T) {
	both(t, func(t *testing.T, role wire.Role) {
		scriptOpen(t, role, nil, nil, func(p *raw, c *Channel) {
			for range 10_000 {
				p.send(wire.ChannelSuccess{Recipient: c.ID()}, wire.ChannelFailure{Recipient: c.ID()},
					wire.RequestSuccess{Payload: []byte("x")}, wire.RequestFailure{})
			}
			p.alive()
			done := make(chan bool, 1)
			go func() {
				ok, _ := c.SendRequest(context.Background(), "x", true, nil)
				done <- ok
			}()
			p.expect(wire.ChannelRequest{Recipient: 7, Type: "x", WantReply: true})
			p.send(wire.ChannelSuccess{Recipient: c.ID()})
			if !<-done {
				t.Fatal("the reply that was asked for got lost among the others")
			}
		})
	})
}

// Requests that pile up behind a busy callback end the connection at the limit.
func TestCON11Queue(t *testing.T) {
	flood := map[string]func(c *Channel) appender{
		"global": func(*Channel) appender {
			return wire.GlobalRequest{Name: "x", WantReply: true, Payload: make([]byte, 10)}
		},
		"silent": func(*Channel) appender { return wire.GlobalRequest{Name: "x", Payload: make([]byte, 10)} },
		"channel": func(c *Channel) appender {
			return wire.ChannelRequest{Recipient: c.ID(), Type: "x", WantReply: true, Payload: make([]byte, 10)}
		},
	}
	for name, msg := range flood {
		for _, limit := range []Config{{MaxQueued: 20}, {MaxQueuedBytes: 200}} {
			t.Run(fmt.Sprint(name, limit.MaxQueued), func(t *testing.T) {
				var c *Channel
				var release chan struct{}
				opened := make(chan *Channel, 1)
				limit.Handler = handler{
					open: func(r *OpenRequest) {
						c, _ = r.Accept(&Events{Request: func(*Channel, *Request) { <-release }})
						opened <- c
					},
					global: func(*GlobalRequest) { <-release },
				}
				script(t, wire.Server, &limit, func(p *raw) {
					release = make(chan struct{}) // of the bubble
					p.opens(typeSession, 7, opened)
					p.send(msg(c))
					synctest.Wait() // the pump has it, and stays in the callback
					for range 19 {
						p.send(msg(c))
					}
					p.silence()
					p.send(msg(c)) // the 20th in the queue: at the limit, or the 20th of a request that wants a reply
					synctest.Wait()
					if name == "silent" {
						if p.near.reason() != nil {
							t.Fatal("ended at the limit")
						}
						p.send(msg(c))
					} else if p.near.reason() == nil {
						p.send(msg(c))
					}
					synctest.Wait()
					close(release)
					p.dropped()
				})
			})
		}
	}
}

// A peer that asks and does not read is disconnected by the transport.
func TestCON11Unread(t *testing.T) {
	both(t, func(t *testing.T, role wire.Role) {
		script(t, role, nil, func(p *raw) {
			for p.WritePacket(nil, wire.GlobalRequest{Name: "x", WantReply: true}.Append(nil), nil) == nil {
			}
			err := <-p.over
			p.over = nil
			if err != errLinkOverflow && !errors.Is(err, net.ErrClosed) {
				t.Fatal(err)
			}
		})
	})
}

// Replies leave in the order of the requests, whoever answers them and when.
func TestCON12Order(t *testing.T) {
	var deferred []*GlobalRequest
	h := handler{global: func(g *GlobalRequest) {
		switch g.Name {
		case "yes":
			g.Reply(true, g.Payload)
		case "later":
			g.Defer()
			deferred = append(deferred, g)
		}
	}}
	both(t, func(t *testing.T, role wire.Role) {
		deferred = nil
		script(t, role, &Config{Handler: h}, func(p *raw) {
			p.send(wire.GlobalRequest{Name: "unknown", WantReply: true})
			p.expect(wire.RequestFailure{})
			p.send(wire.GlobalRequest{Name: "unknown"}, wire.GlobalRequest{Name: wire.RequestKeepalive})
			p.silence()
			p.send(wire.GlobalRequest{Name: "yes", WantReply: true, Payload: []byte("1")},
				wire.GlobalRequest{Name: "later", WantReply: true},
				wire.GlobalRequest{Name: wire.RequestKeepalive, WantReply: true},
				wire.GlobalRequest{Name: "later"},
				wire.GlobalRequest{Name: "later", WantReply: true},
				wire.GlobalRequest{Name: "yes", WantReply: true, Payload: []byte("2")},
				wire.GlobalRequest{Name: strings.Repeat("yes", 30), WantReply: true})
			p.expect(wire.RequestSuccess{Payload: []byte("1")})
			p.silence()
			deferred[2].Reply(true, []byte("late"))
			p.silence()
			deferred[0].Reply(true, nil)
			p.expect(wire.RequestSuccess{}, wire.RequestFailure{}, wire.RequestSuccess{Payload: []byte("late")},
				wire.RequestSuccess{Payload: []byte("2")}, wire.RequestFailure{})
			if err := deferred[0].Reply(true, nil); err != ErrAnswered {
				t.Fatal(err)
			}
		})
	})
}

func TestChannelReplyOrder(t *testing.T) {
	var deferred []*Request
	ev := &Events{Request: func(_ *Channel, r *Request) {
		switch r.Type {
		case "yes":
			r.Reply(true)
		case "later":
			r.Defer()
			deferred = append(deferred, r)
		}
	}}
	scriptOpen(t, wire.Server, nil, ev, func(p *raw, c *Channel) {
		for _, kind := range []string{"later", "yes", "no", strings.Repeat("y", 65), "yes"} {
			p.send(wire.ChannelRequest{Recipient: c.ID(), Type: kind, WantReply: true})
		}
		p.send(wire.ChannelRequest{Recipient: c.ID(), Type: "yes"}) // wants no answer
		p.silence()
		deferred[0].Reply(true)
		yes, no := wire.ChannelSuccess{Recipient: 7}, wire.ChannelFailure{Recipient: 7}
		p.expect(yes, yes, no, no, yes)
		p.silence()
		p.send(wire.ChannelRequest{Recipient: c.ID(), Type: "later", WantReply: true})
		synctest.Wait()
		c.Close()
		p.expect(wire.ChannelClose{Recipient: 7})
		if err := deferred[1].Reply(true); !errors.Is(err, net.ErrClosed) {
			t.Fatal(err)
		}
		p.silence() // nothing follows CLOSE
	})
}

func TestCON19ExtendedData(t *testing.T) {
	const window = 8192
	both(t, func(t *testing.T, role wire.Role) {
		scriptOpen(t, role, &Config{Window: window, MaxPacket: 1024}, nil, func(p *raw, c *Channel) {
			codes := []uint32{0, 2, 1<<32 - 1}
			if role == wire.Server {
				codes = append(codes, stderrCode)
			}
			granted := window
			for range 10 * window / 1024 {
				for _, code := range codes {
					for granted < 1024 {
						var msg wire.ChannelWindowAdjust
						if err := msg.Parse(p.next()); err != nil {
							t.Fatal(err)
						}
						granted += int(msg.Bytes)
					}
					granted -= 1024
					p.send(wire.ChannelExtendedData{Recipient: c.ID(), Code: code, Data: make([]byte, 1024)})
				}
			}
			synctest.Wait()
			if c.held() != 0 {
				t.Fatal("something was kept")
			}
		})
	})
}

func TestCON26NoMoreSessions(t *testing.T) {
	h, got := accepting(nil)
	for _, reply := range []bool{true, false} {
		script(t, wire.Server, &Config{Handler: h}, func(p *raw) {
			p.opens(typeSession, 1, got)
			p.send(wire.GlobalRequest{Name: wire.RequestNoMoreSessions, WantReply: reply})
			if reply {
				p.expect(wire.RequestSuccess{})
			}
			p.opens("direct-tcpip", 2, got) // other types may come
			p.send(sessionOpen(3))
			p.dropped()
		})
	}
	// A client is not asked for sessions, so the request means nothing to it.
	script(t, wire.Client, &Config{Handler: h}, func(p *raw) {
		p.send(wire.GlobalRequest{Name: wire.RequestNoMoreSessions, WantReply: true})
		p.expect(wire.RequestFailure{})
	})
}

// Our own requests are bounded, matched in order, and survive a caller that gives up.
func TestOurRequests(t *testing.T) {
	scriptOpen(t, wire.Client, &Config{MaxAsked: 2}, nil, func(p *raw, c *Channel) {
		ctx, giveUp := context.WithCancel(context.Background())
		results := make(chan string, 4)
		ask := func(ctx context.Context, name string) {
			ok, err := c.SendRequest(ctx, name, true, []byte("p"))
			results <- fmt.Sprint(name, " ", ok, " ", err)
		}
		go ask(ctx, "a")
		p.expect(wire.ChannelRequest{Recipient: 7, Type: "a", WantReply: true, Payload: []byte("p")})
		go ask(context.Background(), "b")
		p.expect(wire.ChannelRequest{Recipient: 7, Type: "b", WantReply: true, Payload: []byte("p")})
		go ask(context.Background(), "c")
		if r := <-results; r != "c false "+ErrTooManyRequests.Error() {
			t.Fatal(r)
		}
		giveUp()
		if r := <-results; r != "a false context canceled" {
			t.Fatal(r)
		}
		p.send(wire.ChannelFailure{Recipient: c.ID()}, wire.ChannelSuccess{Recipient: c.ID()})
		if r := <-results; r != "b true <nil>" {
			t.Fatal(r)
		}
		if ok, err := c.SendRequest(ctx, "d", false, nil); ok || err != nil && !errors.Is(err, context.Canceled) {
			_ = ok // a context that has ended may or may not stop what need not wait
		}
	})
	script(t, wire.Server, &Config{MaxAsked: 1}, func(p *raw) {
		type answer struct {
			ok    bool
			reply string
			err   error
		}
		results := make(chan answer, 2)
		ask := func() {
			ok, reply, err := p.m.GlobalRequest(context.Background(), "q", true, nil)
			results <- answer{ok, string(reply), err}
		}
		go ask()
		p.expect(wire.GlobalRequest{Name: "q", WantReply: true})
		if _, _, err := p.m.GlobalRequest(context.Background(), "r", true, nil); err != ErrTooManyRequests {
			t.Fatal(err)
		}
		p.send(wire.RequestSuccess{Payload: []byte("port")})
		if a := <-results; !a.ok || a.reply != "port" || a.err != nil {
			t.Fatal(a)
		}
		go ask()
		p.next()
		p.m.Close()
		if a := <-results; a.ok || !errors.Is(a.err, net.ErrClosed) {
			t.Fatal(a)
		}
		if _, _, err := p.m.GlobalRequest(context.Background(), "r", false, nil); !errors.Is(err, net.ErrClosed) {
			t.Fatal(err)
		}
	})
}
