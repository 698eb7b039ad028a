package connection

import (
	"context"

	"github.com/hawser-ssh/hawser/wire"
)

// Request is a request of the peer on a channel (RFC 4254 §5.4).
type Request struct {
	Type      string
	WantReply bool
	Payload   []byte // what is specific to the type; the request's own copy
	AfterEOF  bool   // the peer's EOF came before it

	ch       *Channel
	reply    reply
	answered bool
	deferred bool
}

// Reply answers the request, once. Answers leave in the order of the requests.
// Where no reply is wanted it only marks the request as answered. After the
// channel's end it returns an error that matches net.ErrClosed.
func (r *Request) Reply(ok bool) error {
	c := r.ch
	c.mu.Lock()
	defer c.settle()
	if r.answered {
		return ErrAnswered
	}
	r.answered = true
	if !r.WantReply {
		return nil
	}
	r.reply.ready, r.reply.ok = true, ok
	c.flushRepliesLocked()
	if c.closeSent || c.dead != nil {
		return c.goneLocked()
	}
	return nil
}

// Defer keeps the request open after the callback returns; Reply may come
// later from any goroutine. Meanwhile the answers to later requests wait.
func (r *Request) Defer() { r.deferred = true }

// handle runs on the pump. What nobody answered fails, in a panic too.
func (r *Request) handle() {
	panicked := true
	defer func() {
		if panicked || !r.deferred {
			_ = r.Reply(false) // ErrAnswered where the callback did
		}
	}()
	if !r.ch.deaf() {
		r.ch.ev.Request(r.ch, r)
	}
	panicked = false
}

// peerRequest handles CHANNEL_REQUEST.
func (c *Channel) peerRequest(msg *wire.ChannelRequest) error {
	c.mu.Lock()
	defer c.settle()
	if err := c.livelyLocked("CHANNEL_REQUEST"); err != nil || c.closing {
		return err
	}
	if msg.Type == wire.RequestEOW {
		c.peerDeaf = true
		c.wakeWritersLocked()
	}
	known := c.ev.Request != nil && !c.silent && len(msg.Type) <= maxRequestName
	if msg.WantReply && c.owed.n >= c.m.cfg.MaxQueued {
		return errQueueFull
	}
	r := &Request{Type: msg.Type, WantReply: msg.WantReply, AfterEOF: c.peerEnded, ch: c}
	if msg.WantReply {
		c.owed.add(&r.reply)
	}
	if !known {
		r.answered, r.reply.ready = true, true
		c.flushRepliesLocked()
		return nil
	}
	r.Payload = append([]byte(nil), msg.Payload...)
	if !c.m.post(item{kind: itemRequest, n: len(r.Payload), ch: c, request: r}) {
		return errQueueFull
	}
	return nil
}

// errQueueFull ends a connection whose peer asks faster than it is answered.
var errQueueFull = protocolError("request", "too many requests wait")

// flushRepliesLocked sends the answers that are due; after CLOSE nothing may follow.
func (c *Channel) flushRepliesLocked() {
	c.owed.flush(func(r *reply) {
		if c.closeSent || c.dead != nil {
			return
		}
		c.controlLocked(func(b []byte, remote uint32) []byte {
			if r.ok {
				return wire.ChannelSuccess{Recipient: remote}.Append(b)
			}
			return wire.ChannelFailure{Recipient: remote}.Append(b)
		})
	})
}

// peerReply handles CHANNEL_SUCCESS and CHANNEL_FAILURE.
func (c *Channel) peerReply(op string, ok bool) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := c.livelyLocked(op); err != nil {
		return err
	}
	if w := c.asked.next(); w != nil {
		w.result <- waited{ok: ok}
	}
	return nil
}

// SendRequest sends a channel request (RFC 4254 §5.4); payload is copied. With
// wantReply it waits for the peer's answer, else it returns true once sent. It
// may overtake a Write that still waits, never one that has returned.
func (c *Channel) SendRequest(ctx context.Context, kind string, wantReply bool, payload []byte) (bool, error) {
	msg := wire.ChannelRequest{Recipient: c.remote, Type: kind, WantReply: wantReply, Payload: payload}
	p := msg.Append(make([]byte, 0, 16+len(kind)+len(payload)))
	if !wantReply {
		err := c.sendMessage(ctx, p)
		return err == nil, err
	}
	a := asker{c.m, &c.mu, &c.asked, c.m.cfg.MaxAsked, c.endOfSendingLocked, func(<-chan struct{}) error { return c.sendMessage(ctx, p) }}
	got, err := a.ask(ctx, nil)
	return got.ok, err
}

// endOfSendingLocked returns why no message may be sent any more, or nil.
func (c *Channel) endOfSendingLocked() error {
	if c.closing || c.dead != nil {
		return c.goneLocked()
	}
	return nil
}

// sendMessage sends a message about the channel with the rest of the output,
// in its turn, and before EOF and CLOSE.
func (c *Channel) sendMessage(ctx context.Context, p []byte) error {
	c.mu.Lock()
	if err := c.endOfSendingLocked(); err != nil {
		c.mu.Unlock()
		return err
	}
	c.sending++
	c.mu.Unlock()
	err := c.m.t.TryWritePacket(p, nil)
	for canceled := true; err != nil && canceled && ctx.Err() == nil; {
		canceled, err = c.waitToSend(ctx, p)
	}
	c.mu.Lock()
	defer c.settle()
	c.sending--
	c.finishSendingLocked()
	if err != nil && ctx.Err() != nil {
		return ctx.Err()
	}
	return err
}

// waitToSend waits for the transport. canceled says that something happened to
// the channel meanwhile; where that was its end, err is the reason and canceled is false.
func (c *Channel) waitToSend(ctx context.Context, p []byte) (canceled bool, err error) {
	c.mu.Lock()
	if err := c.endOfSendingLocked(); err != nil {
		c.mu.Unlock()
		return false, err
	}
	cancel := c.cancelLocked()
	c.mu.Unlock()
	sendCtx, stop := context.WithCancel(ctx)
	defer stop()
	finished := make(chan struct{})
	defer close(finished)
	go func() { // ends with this call
		select {
		case <-cancel:
			stop()
		case <-finished:
		}
	}()
	if err = c.m.t.WritePacket(sendCtx.Done(), p, nil); err == nil {
		return false, nil
	}
	return sendCtx.Err() != nil, err
}

// ask sends a request and waits for its reply. Who gives up loses the reply.
func (a *asker) ask(ctx context.Context, onReply func(bool, []byte)) (waited, error) {
	if err := ctx.Err(); err != nil {
		return waited{}, err // else a quick reply could win
	}
	w := &waiter{result: make(chan waited, 1), onReply: onReply}
	if err := a.enqueue(ctx, w); err != nil {
		return waited{}, err
	}
	a.m.expect()
	defer a.m.expectNoMore()
	select {
	case got := <-w.result:
		return got, got.err
	case <-ctx.Done():
		return waited{}, ctx.Err()
	}
}

// enqueue sends the request and puts w where its reply will look for it. The
// gate makes both one step.
func (a *asker) enqueue(ctx context.Context, w *waiter) error {
	a.mu.Lock()
	gate := a.queue.gateLocked()
	a.mu.Unlock()
	select {
	case gate <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	}
	defer func() { <-gate }()

	a.mu.Lock()
	err := a.gone()
	if err == nil && a.queue.len() >= a.limit {
		err = ErrTooManyRequests
	}
	if err != nil {
		a.mu.Unlock()
		return err
	}
	a.queue.add(w)
	a.mu.Unlock()
	if err = a.send(ctx.Done()); err == nil {
		return nil
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.queue.unqueue(w)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return err
}
