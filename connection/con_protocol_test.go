package connection

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/hawser-ssh/hawser/wire"
)

// The rows CON of the list of known attacks that belong to this layer are the
// tests named by their ids. The others:
//
//	CON-14 the allow-list of names is the embedder's policy, tested in hawserd; the limits are TestCON14Limits here
//	CON-17 x11-req and agent requests wait for those features; that an unknown request fails is TestCON17 here
//	CON-20 listeners belong to hawserd; the parsing and the checks are TestCON20Parameters here
//	CON-21 dialling belongs to hawserd; the parsing and the checks are TestCON21Parameters here
//	CON-22 sockets belong to hawserd; the checks of the path are TestCON22Parameters here

// channelMessages are all messages that name a channel.
func channelMessages(id uint32) map[string]appender {
	return map[string]appender{
		"data":         wire.ChannelData{Recipient: id, Data: []byte("x")},
		"extended":     wire.ChannelExtendedData{Recipient: id, Code: 1, Data: []byte("x")},
		"EOF":          wire.ChannelEOF{Recipient: id},
		"close":        wire.ChannelClose{Recipient: id},
		"request":      wire.ChannelRequest{Recipient: id, Type: "shell", WantReply: true},
		"adjust":       wire.ChannelWindowAdjust{Recipient: id, Bytes: 1},
		"confirmation": wire.ChannelOpenConfirmation{Recipient: id, Window: 1, MaxPacket: 1},
		"failure":      wire.ChannelOpenFailure{Recipient: id, Reason: 1},
		"success":      wire.ChannelSuccess{Recipient: id},
		"no success":   wire.ChannelFailure{Recipient: id},
	}
}

func TestCON01UnknownChannel(t *testing.T) {
	both(t, func(t *testing.T, role wire.Role) {
		for _, id := range []uint32{0, 1, 1 << 31, 1<<32 - 1} {
			for name, msg := range channelMessages(id) {
				t.Run(name, func(t *testing.T) {
					script(t, role, nil, func(p *raw) {
						p.send(msg)
						p.dropped()
					})
				})
			}
		}
	})
}

// Nothing may come on a channel that we are still opening.
func TestCON01BeforeConfirmation(t *testing.T) {
	for name, msg := range channelMessages(0) {
		if name == "confirmation" || name == "failure" {
			continue
		}
		t.Run(name, func(t *testing.T) {
			script(t, wire.Client, nil, func(p *raw) {
				failed := make(chan error, 1)
				go func() {
					_, err := p.m.OpenSession(context.Background(), nil)
					failed <- err
				}()
				p.next()
				p.send(msg)
				p.dropped()
				if err := <-failed; !errors.Is(err, net.ErrClosed) {
					t.Fatal(err)
				}
			})
		})
	}
}

func TestCON02WindowOverrun(t *testing.T) {
	const window = 4096
	cfg := &Config{Window: window, MaxPacket: 1024}
	data := func(c *Channel, code uint32, n int) appender {
		if code == stdoutCode {
			return wire.ChannelData{Recipient: c.ID(), Data: make([]byte, n)}
		}
		return wire.ChannelExtendedData{Recipient: c.ID(), Code: code, Data: make([]byte, n)}
	}
	for _, code := range []uint32{stdoutCode, stderrCode} {
		both(t, func(t *testing.T, role wire.Role) {
			scriptOpen(t, role, cfg, nil, func(p *raw, c *Channel) {
				kept := code == stdoutCode || role == wire.Client
				for range window / 1024 {
					p.send(data(c, code, 1024))
				}
				if !kept {
					return // CON-19: the window came back
				}
				synctest.Wait()
				if got := c.held(); got != window {
					t.Fatalf("%d bytes held, want the window of %d", got, window)
				}
				p.silence() // all of the window is used, none has been read
				p.send(data(c, code, 1))
				p.dropped()
			})
		})
	}
	// Far more than the window, as fast as it goes.
	scriptOpen(t, wire.Server, cfg, nil, func(p *raw, c *Channel) {
		for i := 0; i < 6<<20; i += 1024 {
			if p.WritePacket(nil, data(c, stdoutCode, 1024).Append(nil), nil) != nil {
				break
			}
		}
		p.dropped()
		if got := c.held(); got > window {
			t.Fatalf("%d bytes held", got)
		}
	})
}

func TestCON03MaxPacket(t *testing.T) {
	both(t, func(t *testing.T, role wire.Role) {
		scriptOpen(t, role, &Config{MaxPacket: 1000}, nil, func(p *raw, c *Channel) {
			p.send(wire.ChannelData{Recipient: c.ID(), Data: make([]byte, 1000)})
			if n, err := io.ReadFull(c, make([]byte, 1000)); n != 1000 {
				t.Fatal(n, err)
			}
			p.send(wire.ChannelData{Recipient: c.ID(), Data: make([]byte, 1001)})
			p.dropped()
		})
	})
}

func TestCON04WindowAdjust(t *testing.T) {
	adjust := func(c *Channel, n uint32) appender { return wire.ChannelWindowAdjust{Recipient: c.ID(), Bytes: n} }
	both(t, func(t *testing.T, role wire.Role) {
		scriptOpen(t, role, nil, nil, func(p *raw, c *Channel) {
			p.send(adjust(c, 0), adjust(c, 1<<32-1-1<<20)) // to exactly 2^32-1
			p.alive()
			if w := c.window(); w != 1<<32-1 {
				t.Fatalf("window %d", w)
			}
			p.send(adjust(c, 0))
			p.alive()
			p.send(adjust(c, 1))
			p.dropped()
		})
		scriptOpen(t, role, nil, nil, func(p *raw, c *Channel) {
			for range 100_000 {
				p.send(adjust(c, 1))
			}
			p.alive()
			if w := c.window(); w != 1<<20+100_000 {
				t.Fatalf("window %d", w)
			}
			p.silence()
		})
	})
}

func TestCON05OpenParameters(t *testing.T) {
	open := func(window, maxPacket uint32) wire.ChannelOpen {
		return wire.ChannelOpen{Type: typeSession, Sender: 9, Window: window, MaxPacket: maxPacket}
	}
	t.Run("maximum packet 0", func(t *testing.T) {
		h, _ := accepting(nil)
		script(t, wire.Server, &Config{Handler: h}, func(p *raw) {
			p.send(open(100, 0))
			p.expect(wire.ChannelOpenFailure{Recipient: 9, Reason: wire.OpenConnectFailed, Description: "connect failed"})
			p.alive()
		})
		script(t, wire.Client, nil, func(p *raw) {
			go p.m.OpenSession(context.Background(), nil)
			p.next()
			p.send(wire.ChannelOpenConfirmation{Window: 100})
			p.dropped()
		})
	})
	t.Run("tiny", func(t *testing.T) {
		h, got := accepting(nil)
		script(t, wire.Server, &Config{Handler: h}, func(p *raw) {
			p.send(open(0, 1))
			p.next()
			c := <-got
			go c.Write([]byte("abc"))
			p.silence() // no window: nothing is sent, and no spinning, or this would not return
			for _, want := range []string{"a", "b", "c"} {
				p.send(wire.ChannelWindowAdjust{Recipient: c.ID(), Bytes: 1})
				p.expect(wire.ChannelData{Recipient: 9, Data: []byte(want)})
			}
			go c.Write([]byte("de"))
			p.send(wire.ChannelWindowAdjust{Recipient: c.ID(), Bytes: 100})
			p.expect(wire.ChannelData{Recipient: 9, Data: []byte("d")}, wire.ChannelData{Recipient: 9, Data: []byte("e")})
		})
	})
	t.Run("huge", func(t *testing.T) {
		h, got := accepting(nil)
		script(t, wire.Server, &Config{Handler: h}, func(p *raw) {
			p.send(open(1<<32-1, 1<<32-1))
			p.next()
			go (<-got).Write(make([]byte, DefaultMaxPacket+1))
			p.expect(wire.ChannelData{Recipient: 9, Data: make([]byte, DefaultMaxPacket)})
			p.expect(wire.ChannelData{Recipient: 9, Data: make([]byte, 1)})
		})
	})
}

// calls records callbacks.
type calls struct{ list []string }

func (l *calls) events() *Events {
	return &Events{
		Request: func(_ *Channel, r *Request) { l.list = append(l.list, "request "+r.Type) },
		Data:    func(_ *Channel, code uint32, p []byte) { l.list = append(l.list, "data "+string(p)) },
		EOF:     func(*Channel) { l.list = append(l.list, "EOF") },
		Closed:  func(*Channel) { l.list = append(l.list, "closed") },
	}
}

func (l *calls) want(t *testing.T, want ...string) {
	t.Helper()
	synctest.Wait()
	if got := strings.Join(l.list, ", "); got != strings.Join(want, ", ") {
		t.Fatalf("callbacks: %s; want: %s", got, strings.Join(want, ", "))
	}
}

func TestCON06AfterEOF(t *testing.T) {
	both(t, func(t *testing.T, role wire.Role) {
		var l calls
		scriptOpen(t, role, nil, l.events(), func(p *raw, c *Channel) {
			id := c.ID()
			p.send(wire.ChannelData{Recipient: id, Data: []byte("a")}, wire.ChannelEOF{Recipient: id},
				wire.ChannelEOF{Recipient: id}, wire.ChannelData{Recipient: id, Data: []byte("late")},
				wire.ChannelExtendedData{Recipient: id, Code: 1, Data: []byte("late")})
			p.alive()
			l.want(t, "data a", "EOF")
			p.send(wire.ChannelRequest{Recipient: id, Type: "x"}) // a request may still come
			p.alive()
			l.want(t, "data a", "EOF", "request x")
		})
	})
}

// After CLOSE nothing may come, EOF included.
func TestCON06AfterClose(t *testing.T) {
	both(t, func(t *testing.T, role wire.Role) {
		for name := range channelMessages(0) {
			t.Run(name, func(t *testing.T) {
				var l calls
				scriptOpen(t, role, nil, l.events(), func(p *raw, c *Channel) {
					p.send(wire.ChannelClose{Recipient: c.ID()}, channelMessages(c.ID())[name])
					p.dropped()
					l.want(t, "closed")
				})
			})
		}
	})
}

// While our CLOSE is on its way the peer may still send; nobody hears of it.
func TestCON06AfterOurClose(t *testing.T) {
	both(t, func(t *testing.T, role wire.Role) {
		var l calls
		scriptOpen(t, role, nil, l.events(), func(p *raw, c *Channel) {
			c.Close()
			p.expect(wire.ChannelClose{Recipient: 7})
			for _, name := range []string{"data", "extended", "request", "adjust", "success", "EOF", "data"} {
				p.send(channelMessages(c.ID())[name])
			}
			p.silence()
			l.want(t)
			p.send(wire.ChannelClose{Recipient: c.ID()})
			l.want(t, "closed")
			p.send(wire.ChannelClose{Recipient: c.ID()})
			p.dropped()
			l.want(t, "closed")
		})
	})
}

func TestCON07SameNumberTwice(t *testing.T) {
	open := wire.ChannelOpen{Type: typeSession, Sender: 7, Window: 1, MaxPacket: 1}
	scriptOpen(t, wire.Server, nil, nil, func(p *raw, c *Channel) {
		p.send(open)
		p.dropped()
	})
	// While the first open has not been answered.
	script(t, wire.Server, &Config{Handler: handler{}}, func(p *raw) {
		p.send(open, open)
		p.dropped()
	})
	// In a confirmation.
	scriptOpen(t, wire.Client, nil, nil, func(p *raw, c *Channel) {
		go p.m.OpenSession(context.Background(), nil)
		p.next()
		p.send(wire.ChannelOpenConfirmation{Recipient: 1, Sender: 7, Window: 1, MaxPacket: 1})
		p.dropped()
	})
}

// A number may be used again at once after CLOSE. Old data stays with the old
// channel, new data goes to the new one.
func TestCON07Reuse(t *testing.T) {
	h, got := accepting(nil)
	script(t, wire.Server, &Config{Handler: h}, func(p *raw) {
		first := p.opens(typeSession, 7, got)
		p.send(wire.ChannelData{Recipient: first.ID(), Data: []byte("old")}, wire.ChannelClose{Recipient: first.ID()})
		p.expect(wire.ChannelClose{Recipient: 7})
		second := p.opens(typeSession, 7, got)
		if first.ID() == second.ID() {
			t.Fatal("our number was given away while its channel has unread data")
		}
		p.send(wire.ChannelData{Recipient: second.ID(), Data: []byte("new")}, wire.ChannelEOF{Recipient: second.ID()})
		for c, want := range map[*Channel]string{first: "old", second: "new"} {
			if b, err := io.ReadAll(c); string(b) != want || err != nil {
				t.Fatalf("%q %v, want %q", b, err, want)
			}
		}
		third := p.opens(typeSession, 8, got)
		if third.ID() != first.ID() {
			t.Fatalf("number %d; the first channel's is free again", third.ID())
		}
	})
	// Our number waits for the peer's CLOSE.
	h, got = accepting(nil)
	script(t, wire.Server, &Config{Handler: h}, func(p *raw) {
		first := p.opens(typeSession, 7, got)
		first.Close()
		p.expect(wire.ChannelClose{Recipient: 7})
		second := p.opens(typeSession, 8, got)
		if first.ID() == second.ID() {
			t.Fatal("our number was given away before the peer's CLOSE")
		}
		p.send(wire.ChannelData{Recipient: first.ID(), Data: []byte("old")}, wire.ChannelClose{Recipient: first.ID()})
		p.alive()
		if second.held() != 0 {
			t.Fatal("old data in the new channel")
		}
	})
}

func TestCON09Answers(t *testing.T) {
	both(t, func(t *testing.T, role wire.Role) {
		for _, name := range []string{"confirmation", "failure"} {
			t.Run(name, func(t *testing.T) {
				scriptOpen(t, role, nil, nil, func(p *raw, c *Channel) {
					p.send(channelMessages(c.ID())[name]) // for an open channel: unasked, or the second one
					p.dropped()
				})
				script(t, role, &Config{Handler: handler{}}, func(p *raw) {
					p.send(wire.ChannelOpen{Type: typeSession, Sender: 0, Window: 1, MaxPacket: 1})
					p.send(channelMessages(0)[name]) // the answer that we owe, with swapped roles
					p.dropped()
				})
			})
		}
	})
}

func TestOpenRefused(t *testing.T) {
	script(t, wire.Client, nil, func(p *raw) {
		failed := make(chan error, 1)
		for range 3 {
			go func() {
				_, err := p.m.OpenSession(context.Background(), &Events{Closed: func(*Channel) { t.Error("closed") }})
				failed <- err
			}()
			p.expect(wire.ChannelOpen{Type: typeSession, Sender: 0, Window: DefaultWindow, MaxPacket: DefaultMaxPacket})
			p.send(wire.ChannelOpenFailure{Recipient: 0, Reason: wire.OpenConnectFailed, Description: "no\x1b[2J"})
			var refused *OpenError
			if err := <-failed; !errors.As(err, &refused) || refused.Reason != wire.OpenConnectFailed || strings.Contains(err.Error(), "\x1b") {
				t.Fatal(err)
			}
		}
		p.empty()
	})
}

// After authentication a server ignores another request for it; everything
// else of those numbers is the transport's to stop.
func TestAUT19StrayUserauth(t *testing.T) {
	stray := wire.UserauthRequest{User: "root", Service: "ssh-connection", Method: "none"}
	script(t, wire.Server, nil, func(p *raw) {
		p.send(stray, stray)
		p.alive()
		p.silence()
		p.sendBytes([]byte{byte(wire.MsgUserauthSuccess)})
		p.dropped()
	})
	script(t, wire.Client, nil, func(p *raw) {
		p.send(stray)
		p.dropped()
	})
}

func TestEmptyPacket(t *testing.T) {
	m := New(&link{}, wire.Server, nil)
	if err := m.dispatch(nil); err == nil {
		t.Fatal("accepted")
	}
}

// Each message, cut short at every byte or too long by one, ends the
// connection with a protocol error and nothing worse.
func TestPKT23Truncated(t *testing.T) {
	msgs := channelMessages(0)
	msgs["open"] = wire.ChannelOpen{Type: "x", Window: 1, MaxPacket: 1}
	msgs["global"] = wire.GlobalRequest{Name: "x"}
	for name, msg := range msgs {
		whole := msg.Append(nil)
		for n := 1; n < len(whole); n++ {
			near, _ := newLink()
			m := New(near, wire.Server, nil)
			err := m.dispatch(bytes.Clone(whole[:n]))
			var protocol *wire.ProtocolError
			if !errors.As(err, &protocol) {
				t.Fatalf("%s of %d bytes: %v", name, n, err)
			}
		}
	}
}
