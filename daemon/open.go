package daemon

import (
	"errors"
	"sync/atomic"

	"github.com/hawser-ssh/hawser/connection"
	"github.com/hawser-ssh/hawser/wire"
)

// openRequest is a client's wish for a channel that has its id.
type openRequest struct {
	c        *conn
	id       int
	req      *connection.OpenRequest
	answered atomic.Bool // its place among the connection's channels is taken or given back
}

// take makes the caller's answer the one that counts.
func (o *openRequest) take() error {
	if o.answered.Swap(true) {
		return asError(connection.ErrAnswered)
	}
	return nil
}

// HandleOpen asks whether to open a channel for the client. The layer below
// calls it.
func (c *conn) HandleOpen(req *connection.OpenRequest) {
	o := &openRequest{c: c, id: c.d.reg.newChannelID(), req: req}
	if !c.reserve() {
		req.Reject(wire.OpenAdministrativelyProhibited, "the server is stopping")
		c.metrics.ChannelRefused(knownChannel(req.Type))
		return
	}
	e := &SSHChannelOpenRequestEvent{ConnectionID: c.id, ChannelID: o.id, Service: req.Type, Parameters: req.Extra, open: o}
	ok := c.d.OnSSHChannelOpenRequest != nil && fire(c, c.d.OnSSHChannelOpenRequest, e)
	switch {
	case !ok:
		o.reject(0, "")
	case e.deferred != nil:
	case e.Accept:
		_, _ = o.accept(e.Stream, true) // an error means that the connection has ended, or that no window is left
	default:
		o.reject(e.Reason, e.Description)
	}
}

// accept opens the channel; inline fires its first events on this goroutine,
// which must be the pump then.
func (o *openRequest) accept(stream, inline bool) (*channel, error) {
	if err := o.take(); err != nil {
		return nil, err
	}
	ch := o.c.newChannel(o.id, o.req.Type, stream)
	mc, err := o.req.Accept(ch.callbacks())
	if err != nil {
		if _, refused := errors.AsType[*connection.OpenError](err); refused { // no window is left
			o.c.metrics.ChannelRefused(knownChannel(o.req.Type))
		}
		o.c.unreserve(false)
		return nil, asError(err)
	}
	ch.opened(mc, inline)
	return ch, nil
}

func (o *openRequest) reject(reason int, text string) error {
	if err := o.take(); err != nil {
		return err
	}
	if reason <= 0 {
		reason = int(wire.OpenAdministrativelyProhibited)
	}
	err := o.req.Reject(wire.OpenReason(reason), text)
	o.c.metrics.ChannelRefused(knownChannel(o.req.Type))
	o.c.unreserve(false)
	return asError(err)
}

// DeferredOpen is a channel request whose answer comes later: a program that
// has to connect somewhere first does not hold up the connection's events.
type DeferredOpen struct{ o *openRequest }

// Defer says that the answer will come later, through what it returns; the
// event's own answers do not count then. Call it from the handler alone.
func (e *SSHChannelOpenRequestEvent) Defer() *DeferredOpen {
	if e.deferred == nil {
		e.deferred = &DeferredOpen{e.open}
	}
	return e.deferred
}

// Accept opens the channel, with stream as the event's Stream, and returns its
// handle. The client may have closed the channel by then, with data in it that
// can still be read. Accept may be called from any goroutine; only the first
// answer counts. Where no window is left for it the channel is refused, which
// is an error that wraps a *connection.OpenError.
func (p *DeferredOpen) Accept(stream bool) (*SSHChannel, error) {
	ch, err := p.o.accept(stream, false)
	if err != nil {
		return nil, err
	}
	return &SSHChannel{ch}, nil
}

// Reject refuses the channel, with the event's Reason and Description. It may
// be called from any goroutine; only the first answer counts.
func (p *DeferredOpen) Reject(reason int, description string) error {
	return p.o.reject(reason, description)
}

// HandleGlobalRequest asks for the answer to a request that belongs to no
// channel. The layer below calls it. Proofs of host keys are given without
// asking.
func (c *conn) HandleGlobalRequest(r *connection.GlobalRequest) {
	if r.Name == wire.RequestHostKeysProve {
		proofs, err := c.tc.ProveHostKeys(r.Payload) // set before there is a mux
		r.Reply(err == nil, proofs)
		return
	}
	if c.d.OnSSHGlobalRequest == nil || c.isLeaving() {
		return // what is not answered fails
	}
	e := &SSHGlobalRequestEvent{ConnectionID: c.id, RequestType: r.Name, Packet: r.Payload, WantsReply: r.WantReply}
	if fire(c, c.d.OnSSHGlobalRequest, e) && e.Success {
		r.Reply(true, e.Reply)
	} else {
		r.Reply(false, nil)
	}
}
