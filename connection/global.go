package connection

import (
	"context"

	"github.com/hawser-ssh/hawser/wire"
)

// GlobalRequest is a request of the peer that concerns the whole connection
// (RFC 4254 §4).
type GlobalRequest struct {
	Name      string
	WantReply bool
	Payload   []byte // what is specific to the name; the request's own copy

	m        *Mux
	reply    reply
	answered bool
	deferred bool
}

// Mux returns the connection the request came on.
func (g *GlobalRequest) Mux() *Mux { return g.m }

// Reply answers the request, once; payload goes with a success and is copied.
// Answers leave in the order of the requests. Where no reply is wanted it only
// marks the request as answered.
func (g *GlobalRequest) Reply(ok bool, payload []byte) error {
	m := g.m
	m.mu.Lock()
	defer m.mu.Unlock()
	if g.answered {
		return ErrAnswered
	}
	g.answered = true
	if !g.WantReply {
		return nil
	}
	g.reply.ready, g.reply.ok = true, ok
	g.reply.payload = append([]byte(nil), payload...)
	m.flushRepliesLocked()
	return m.goneLocked()
}

// Defer keeps the request open after the handler returns; Reply may come later
// from any goroutine. Meanwhile the answers to later requests wait.
func (g *GlobalRequest) Defer() { g.deferred = true }

// handle runs on the pump.
func (g *GlobalRequest) handle() {
	panicked := true
	defer func() {
		if panicked || !g.deferred {
			_ = g.Reply(false, nil) // ErrAnswered where the callback did
		}
	}()
	g.m.cfg.Handler.HandleGlobalRequest(g)
	panicked = false
}

// onGlobalRequest handles GLOBAL_REQUEST. What needs no Handler is answered
// here, in its turn.
func (m *Mux) onGlobalRequest(p []byte) error {
	var msg wire.GlobalRequest
	if err := msg.Parse(p); err != nil {
		return err
	}
	g := &GlobalRequest{Name: msg.Name, WantReply: msg.WantReply, m: m}
	m.mu.Lock()
	if msg.WantReply {
		if m.owed.n >= m.cfg.MaxQueued {
			m.mu.Unlock()
			return errQueueFull
		}
		m.owed.add(&g.reply)
	}
	if known, ok := m.builtinLocked(g); known {
		g.answered, g.reply.ready, g.reply.ok = true, true, ok
		m.flushRepliesLocked()
		m.mu.Unlock()
		return nil
	}
	m.mu.Unlock()
	g.Payload = append([]byte(nil), msg.Payload...)
	if !m.post(item{kind: itemGlobal, n: len(g.Payload), global: g}) {
		return errQueueFull
	}
	return nil
}

// builtinLocked says whether the answer to g is known without the Handler, and which.
func (m *Mux) builtinLocked(g *GlobalRequest) (known, ok bool) {
	switch {
	case g.Name == wire.RequestKeepalive:
		return true, false // a failure is the usual answer: that it comes is all that counts
	case g.Name == wire.RequestNoMoreSessions && m.role == wire.Server:
		m.noMoreSessions = true
		return true, true
	}
	return m.cfg.Handler == nil || len(g.Name) > maxRequestName, false
}

func (m *Mux) flushRepliesLocked() {
	m.owed.flush(func(r *reply) {
		s := scratches.Get().(*scratch)
		b := wire.RequestFailure{}.Append(s.b[:0])
		if r.ok {
			b = wire.RequestSuccess{Payload: r.payload}.Append(s.b[:0])
		}
		_ = m.t.WriteControl(b) // an error means the end, which the reader will find out
		scratches.Put(s)
	})
}

// onRequestSuccess handles REQUEST_SUCCESS; one that nobody asked for is ignored.
func (m *Mux) onRequestSuccess(p []byte) error {
	var msg wire.RequestSuccess
	if err := msg.Parse(p); err != nil {
		return err
	}
	m.globalReply(true, msg.Payload)
	return nil
}

// onRequestFailure handles REQUEST_FAILURE likewise.
func (m *Mux) onRequestFailure(p []byte) error {
	var msg wire.RequestFailure
	if err := msg.Parse(p); err != nil {
		return err
	}
	m.globalReply(false, nil)
	return nil
}

func (m *Mux) globalReply(ok bool, payload []byte) {
	m.mu.Lock()
	w := m.asked.next()
	m.mu.Unlock()
	if w == nil {
		return
	}
	if w.onReply != nil {
		w.onReply(ok, payload)
	}
	w.result <- waited{ok: ok, payload: append([]byte(nil), payload...)}
}

// GlobalRequest sends a request about the whole connection (RFC 4254 §4);
// payload is copied. With wantReply it waits for the answer and returns the
// payload of a success, which is the caller's; else it returns true once sent.
func (m *Mux) GlobalRequest(ctx context.Context, name string, wantReply bool, payload []byte) (ok bool, reply []byte, err error) {
	return m.globalRequest(ctx, name, wantReply, payload, nil)
}

// globalRequest may have onReply run on the reader, before any later message.
func (m *Mux) globalRequest(ctx context.Context, name string, wantReply bool, payload []byte, onReply func(bool, []byte)) (bool, []byte, error) {
	p := wire.GlobalRequest{Name: name, WantReply: wantReply, Payload: payload}.Append(nil)
	send := func(done <-chan struct{}) error { return m.t.WritePacket(done, p, nil) }
	if wantReply {
		a := asker{m, &m.mu, &m.asked, m.cfg.MaxAsked, m.goneLocked, send}
		got, err := a.ask(ctx, onReply)
		return got.ok, got.payload, err
	}
	m.mu.Lock()
	err := m.goneLocked()
	m.mu.Unlock()
	if err == nil {
		err = send(ctx.Done())
	}
	if err != nil && ctx.Err() != nil {
		err = ctx.Err()
	}
	return err == nil, nil, err
}
