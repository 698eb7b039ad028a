package connection

import (
	"bytes"
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/hawser-ssh/hawser/wire"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// handler is a Handler of two functions, each of which may be nil.
type handler struct {
	open   func(*OpenRequest)
	global func(*GlobalRequest)
}

func (h handler) HandleOpen(r *OpenRequest) {
	if h.open != nil {
		h.open(r)
	}
}

func (h handler) HandleGlobalRequest(g *GlobalRequest) {
	if h.global != nil {
		h.global(g)
	}
}

// raw is a peer that sends and reads single messages.
type raw struct {
	t *testing.T
	*link
	m    *Mux
	near *link // the mux's end
	over chan error
}

// script runs body in a bubble against a mux of the given role, then ends the
// connection and checks that nothing is left running.
func script(t *testing.T, role wire.Role, cfg *Config, body func(p *raw)) {
	t.Helper()
	scriptOver(t, 0, role, cfg, body)
}

// scriptOver is script over a path of which the mux knows the round trip.
func scriptOver(t *testing.T, roundTrip time.Duration, role wire.Role, cfg *Config, body func(p *raw)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		near, far := newLink()
		near.roundTrip = roundTrip
		p := &raw{t: t, link: far, m: New(near, role, cfg), near: near, over: make(chan error, 1)}
		go func() { p.over <- p.m.Run() }()
		body(p)
		far.Close()
		if p.over != nil {
			<-p.over
		}
	})
}

type appender interface{ Append([]byte) []byte }

func (p *raw) send(msgs ...appender) {
	p.t.Helper()
	for _, m := range msgs {
		p.sendBytes(m.Append(nil))
	}
}

func (p *raw) sendBytes(b []byte) {
	p.t.Helper()
	if err := p.WritePacket(nil, b, nil); err != nil {
		p.t.Fatalf("send %v: %v", wire.Msg(b[0]), err)
	}
}

// expect reads the next packet, which must be exactly m.
func (p *raw) expect(msgs ...appender) {
	p.t.Helper()
	for _, m := range msgs {
		got := p.next()
		if want := m.Append(nil); !bytes.Equal(got, want) {
			p.t.Fatalf("got %v %x, want %v %x", wire.Msg(got[0]), got, wire.Msg(want[0]), want)
		}
	}
}

// next reads the next packet.
func (p *raw) next() []byte {
	p.t.Helper()
	b, err := p.ReadPacket()
	if err != nil {
		p.t.Fatalf("read: %v; the connection ended with %v", err, p.m.Err())
	}
	return b
}

// silence checks that nothing comes when all is done.
func (p *raw) silence() {
	p.t.Helper()
	synctest.Wait()
	p.in.mu.Lock()
	defer p.in.mu.Unlock()
	if p.in.lenLocked() > 0 {
		p.t.Fatalf("unexpected %v", wire.Msg(p.in.queue[p.in.head][0]))
	}
}

// dropped waits for the mux to end the connection and checks that it said
// PROTOCOL_ERROR, to the peer and to the caller.
func (p *raw) dropped() {
	p.t.Helper()
	err := <-p.over
	p.over = nil
	for _, e := range []error{err, p.near.reason(), p.m.Err()} {
		var protocol *wire.ProtocolError
		if !errors.As(e, &protocol) || protocol.Reason != wire.ReasonProtocolError {
			p.t.Fatalf("ended with %v, want a protocol error", e)
		}
	}
}

// alive checks that the connection still answers.
func (p *raw) alive() {
	p.t.Helper()
	p.send(wire.GlobalRequest{Name: wire.RequestKeepalive, WantReply: true})
	p.expect(wire.RequestFailure{})
}

// opens has the peer open a channel with its number remote, and returns the
// mux's end. The handler must accept it.
func (p *raw) opens(kind string, remote uint32, ch <-chan *Channel) *Channel {
	p.t.Helper()
	p.send(wire.ChannelOpen{Type: kind, Sender: remote, Window: 1 << 20, MaxPacket: 1 << 15})
	var msg wire.ChannelOpenConfirmation
	if err := msg.Parse(p.next()); err != nil || msg.Recipient != remote {
		p.t.Fatalf("confirmation: %v, for %d", err, msg.Recipient)
	}
	c := <-ch
	if c.ID() != msg.Sender || c.RemoteID() != remote {
		p.t.Fatalf("channel %d/%d, announced %d/%d", c.ID(), c.RemoteID(), msg.Sender, remote)
	}
	return c
}

// accepting returns a Handler that accepts everything with ev.
func accepting(ev *Events) (Handler, <-chan *Channel) {
	got := make(chan *Channel, 4096)
	return handler{open: func(r *OpenRequest) {
		if c, err := r.Accept(ev); err == nil {
			got <- c
		}
	}}, got
}

// scriptOpen is script with one open session channel, of number 7 at the peer.
func scriptOpen(t *testing.T, role wire.Role, cfg *Config, ev *Events, body func(p *raw, c *Channel)) {
	t.Helper()
	if cfg == nil {
		cfg = new(Config)
	}
	full := *cfg
	if role == wire.Client {
		script(t, role, &full, func(p *raw) { body(p, p.openedByUs(ev)) })
		return
	}
	h, got := accepting(ev)
	full.Handler = h
	script(t, role, &full, func(p *raw) { body(p, p.opens(typeSession, 7, got)) })
}

// openedByUs has the mux open a channel; the peer's number is 7.
func (p *raw) openedByUs(ev *Events) *Channel {
	p.t.Helper()
	result := make(chan openResult, 1)
	go func() {
		c, err := p.m.Open(context.Background(), typeSession, nil, ev)
		result <- openResult{c, err}
	}()
	var msg wire.ChannelOpen
	if err := msg.Parse(p.next()); err != nil {
		p.t.Fatal(err)
	}
	p.send(wire.ChannelOpenConfirmation{Recipient: msg.Sender, Sender: 7, Window: 1 << 20, MaxPacket: 1 << 15})
	r := <-result
	if r.err != nil {
		p.t.Fatal(r.err)
	}
	return r.ch
}

// both runs a test for each role.
func both(t *testing.T, f func(t *testing.T, role wire.Role)) {
	t.Helper()
	for _, role := range []wire.Role{wire.Client, wire.Server} {
		t.Run(role.String(), func(t *testing.T) { f(t, role) })
	}
}

// pair returns two muxes on one link, both running, and ends them with the test.
func pair(t testing.TB, client, server *Config) (c, s *Mux) {
	t.Helper()
	a, b := newLink()
	c, s = New(a, wire.Client, client), New(b, wire.Server, server)
	over := make(chan error, 2)
	go func() { over <- c.Run() }()
	go func() { over <- s.Run() }()
	t.Cleanup(func() {
		c.Close()
		<-over
		<-over
	})
	return c, s
}

// pairOpen is pair with one session channel.
func pairOpen(t testing.TB, cfg *Config, clientEv, serverEv *Events) (c, s *Channel) {
	t.Helper()
	var client Config
	if cfg != nil {
		client = *cfg
	}
	server := client
	h, got := accepting(serverEv)
	server.Handler = h
	cm, _ := pair(t, &client, &server)
	c, err := cm.OpenSession(context.Background(), clientEv)
	if err != nil {
		t.Fatal(err)
	}
	return c, <-got
}

// window returns what may be sent, and held what has been received and not read.
func (c *Channel) window() uint32 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.sendWindow
}

func (c *Channel) held() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.in.size + c.inErr.size
}

// empty checks that no channel and no open is left.
func (p *raw) empty() {
	p.t.Helper()
	p.m.mu.Lock()
	defer p.m.mu.Unlock()
	if p.m.live != 0 || len(p.m.slots) != 0 || len(p.m.opens) != 0 || p.m.sessions != 0 {
		p.t.Fatalf("left behind: %d channels, %d opens, %d sessions", p.m.live, len(p.m.opens), p.m.sessions)
	}
}
