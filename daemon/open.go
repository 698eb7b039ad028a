package daemon

import (
	"github.com/hawser-ssh/hawser/connection"
	"github.com/hawser-ssh/hawser/wire"
)

// openRequest is a client's wish for a channel that has its id.
type openRequest struct {
	c   *conn
	id  int
	req *connection.OpenRequest
}

// HandleOpen asks whether to open a channel for the client. The layer below
// calls it.
func (c *conn) HandleOpen(req *connection.OpenRequest) {
	o := &openRequest{c, c.d.reg.newChannelID(), req}
	if !c.reserve() {
		req.Reject(wire.OpenAdministrativelyProhibited, "the server is stopping")
		return
	}
	e := &SSHChannelOpenRequestEvent{ConnectionID: c.id, ChannelID: o.id, Service: req.Type, Parameters: req.Extra, open: o}
	ok := c.d.OnSSHChannelOpenRequest != nil && fire(c, c.d.OnSSHChannelOpenRequest, e)
	switch {
	case !ok:
		o.reject(0, "")
	case e.deferred != nil:
	case e.Accept:
		o.accept(e.Stream, true)
	default:
		o.reject(e.Reason, e.Description)
	}
}

// accept opens the channel; inline fires its first events on this goroutine,
// which must be the pump then.
func (o *openRequest) accept(stream, inline bool) error {
	ch := o.c.newChannel(o.id, o.req.Type, stream)
	mc, err := o.req.Accept(ch.callbacks())
	if err != nil {
		o.c.unreserve()
		return asError(err)
	}
	ch.opened(mc, inline)
	return nil
}

func (o *openRequest) reject(reason int, text string) error {
	if reason <= 0 {
		reason = int(wire.OpenAdministrativelyProhibited)
	}
	err := o.req.Reject(wire.OpenReason(reason), text)
	o.c.unreserve()
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

// Accept opens the channel, with stream as the event's Stream. It may be
// called from any goroutine; only the first answer counts.
func (p *DeferredOpen) Accept(stream bool) error { return p.o.accept(stream, false) }

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
	if c.d.OnSSHGlobalRequest == nil {
		return // what is not answered fails
	}
	e := &SSHGlobalRequestEvent{ConnectionID: c.id, RequestType: r.Name, Packet: r.Payload, WantsReply: r.WantReply}
	if fire(c, c.d.OnSSHGlobalRequest, e) && e.Success {
		r.Reply(true, e.Reply)
	} else {
		r.Reply(false, nil)
	}
}
