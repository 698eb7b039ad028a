package connection

import (
	"context"
	"log/slog"

	"github.com/hawser-ssh/hawser/wire"
)

const typeSession = "session"

// errNoWindow says that all windows are given out.
var errNoWindow = &OpenError{Reason: wire.OpenResourceShortage, Text: "no receive window left here"}

type openResult struct {
	ch  *Channel
	err error
}

// OpenRequest is the peer's wish for a channel (RFC 4254 §5.1). It is answered
// with Accept or Reject, at once or later, from any goroutine; until then it
// takes the place of a channel.
type OpenRequest struct {
	Type  string
	Extra []byte // the fields of the type; the request's own copy

	m         *Mux
	remote    uint32
	window    uint32
	maxPacket uint32
}

// Mux returns the connection the request came on.
func (o *OpenRequest) Mux() *Mux { return o.m }

// onOpen handles CHANNEL_OPEN.
func (m *Mux) onOpen(p []byte) error {
	var msg wire.ChannelOpen
	if err := msg.Parse(p); err != nil {
		return err
	}
	reason, err := m.judgeOpen(&msg)
	if err != nil {
		return err
	}
	if reason != 0 {
		return m.refuse(msg.Sender, reason, "")
	}
	o := &OpenRequest{Type: msg.Type, Extra: append([]byte(nil), msg.Payload...), m: m,
		remote: msg.Sender, window: msg.Window, maxPacket: msg.MaxPacket}
	m.mu.Lock()
	m.opens = append(m.opens, o)
	if o.session() {
		m.sessions++
	}
	m.mu.Unlock()
	if !m.post(item{kind: itemOpen, n: len(o.Extra), open: o}) {
		return errQueueFull
	}
	return nil
}

// session reports whether the channel counts against MaxSessions.
func (o *OpenRequest) session() bool { return o.Type == typeSession }

// judgeOpen applies the rules that need no Handler: 0 means it may be asked.
func (m *Mux) judgeOpen(msg *wire.ChannelOpen) (wire.OpenReason, error) {
	const op = "CHANNEL_OPEN"
	m.mu.Lock()
	defer m.mu.Unlock()
	session := msg.Type == typeSession
	switch {
	case m.remoteTakenLocked(msg.Sender):
		return 0, protocolError(op, "channel number %d is in use", msg.Sender)
	case session && m.noMoreSessions && m.role == wire.Server:
		return 0, protocolError(op, "session after %s", wire.RequestNoMoreSessions)
	case len(msg.Type) > maxRequestName:
		return wire.OpenUnknownChannelType, nil
	case m.cfg.Handler == nil:
		return wire.OpenAdministrativelyProhibited, nil
	case msg.MaxPacket == 0:
		return wire.OpenConnectFailed, nil
	case !m.roomLocked(session):
		return wire.OpenResourceShortage, nil
	}
	return 0, nil
}

func (m *Mux) refuse(remote uint32, reason wire.OpenReason, text string) error {
	if text == "" {
		text = reason.String()
	}
	return m.t.WriteControl(wire.ChannelOpenFailure{Recipient: remote, Reason: reason, Description: text}.Append(nil))
}

// handle runs on the pump.
func (o *OpenRequest) handle() {
	panicked := true
	defer func() {
		if panicked {
			_ = o.Reject(wire.OpenAdministrativelyProhibited, "") // ErrAnswered where the callback did
		}
	}()
	o.m.cfg.Handler.HandleOpen(o)
	panicked = false
}

// takeLocked ends the wait for an answer.
func (o *OpenRequest) takeLocked() error {
	m := o.m
	if err := m.goneLocked(); err != nil {
		return err
	}
	for i, other := range m.opens {
		if other == o {
			m.opens = append(m.opens[:i], m.opens[i+1:]...)
			if len(m.opens) == 0 {
				m.opens = nil
			}
			return nil
		}
	}
	return ErrAnswered
}

// Accept opens the channel. ev may be nil: then every request of the peer is
// refused and the data is for Read.
func (o *OpenRequest) Accept(ev *Events) (*Channel, error) {
	m := o.m
	c := m.newChannel(o.Type, ev)
	c.remote, c.sendWindow, c.sendMax = o.remote, o.window, min(o.maxPacket, m.cfg.MaxPacket)
	c.session = o.session()
	c.bound.Store(true)
	m.mu.Lock()
	if err := o.takeLocked(); err != nil {
		m.mu.Unlock()
		return nil, err
	}
	if !m.placeLocked(c) {
		if c.session {
			m.sessions--
		}
		m.mu.Unlock()
		m.cfg.Logger.Debug("channel refused", "type", wire.Escape(o.Type, maxShownText), "reason", errNoWindow.Reason)
		_ = m.refuse(o.remote, wire.OpenResourceShortage, "") // an error means the end
		return nil, errNoWindow
	}
	// With the lock: behind it a peer that guesses the number can make the window grow.
	msg := wire.ChannelOpenConfirmation{Recipient: c.remote, Sender: c.local, Window: c.windowSize, MaxPacket: m.cfg.MaxPacket}
	m.mu.Unlock()
	_ = m.t.WriteControl(msg.Append(nil)) // an error means the end, of which c hears
	c.logOpened()
	return c, nil
}

// logOpened tells of an open channel. It runs without locks.
func (c *Channel) logOpened() {
	if !c.m.cfg.Logger.Enabled(context.Background(), slog.LevelDebug) {
		return
	}
	c.m.cfg.Logger.Debug("channel opened", "chan", c.local, "type", wire.Escape(c.kind, maxShownText))
}

// Reject refuses the channel. An empty text stands for the reason in words.
func (o *OpenRequest) Reject(reason wire.OpenReason, text string) error {
	m := o.m
	m.mu.Lock()
	err := o.takeLocked()
	if err == nil && o.session() {
		m.sessions--
	}
	m.mu.Unlock()
	if err != nil {
		return err
	}
	m.cfg.Logger.Debug("channel refused", "type", wire.Escape(o.Type, maxShownText), "reason", reason)
	return m.refuse(o.remote, reason, text)
}

// Open opens a channel; extra holds the fields of its type and is copied, ev
// may be nil. A refusal is an *OpenError. When ctx ends first, a confirmation
// that still comes is answered with CLOSE.
func (m *Mux) Open(ctx context.Context, channelType string, extra []byte, ev *Events) (*Channel, error) {
	if err := ctx.Err(); err != nil {
		return nil, err // else a quick confirmation could win
	}
	c := m.newChannel(channelType, ev)
	c.opening = true
	result := make(chan openResult, 1)
	c.opened = result
	m.mu.Lock()
	err := m.goneLocked()
	if err == nil && !m.roomLocked(false) {
		err = &OpenError{Reason: wire.OpenResourceShortage, Text: "too many channels here"}
	}
	if err == nil && !m.placeLocked(c) {
		err = errNoWindow
	}
	m.mu.Unlock()
	if err != nil {
		return nil, err
	}
	msg := wire.ChannelOpen{Type: channelType, Sender: c.local, Window: c.windowSize, MaxPacket: m.cfg.MaxPacket, Payload: extra}
	if err := m.t.WritePacket(ctx.Done(), msg.Append(nil), nil); err != nil {
		m.release(c)
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		return nil, err
	}
	m.expect()
	defer m.expectNoMore()
	select {
	case r := <-result:
		if r.err == nil {
			c.logOpened()
		}
		return r.ch, r.err
	case <-ctx.Done():
		return c.abandon(result, ctx.Err())
	}
}

// abandon gives up an open that was sent, unless the answer is here already.
func (c *Channel) abandon(result chan openResult, err error) (*Channel, error) {
	c.mu.Lock()
	defer c.settle()
	select {
	case r := <-result:
		return r.ch, r.err
	default:
	}
	c.opened, c.closedDue = nil, false
	c.closeLocked()
	return nil, err
}

// openingChannel returns the channel whose open is answered. An answer to
// anything else breaks the protocol.
func (m *Mux) openingChannel(id uint32, op string) (*Channel, error) {
	c, err := m.channel(id, op)
	if err != nil {
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.opening {
		return nil, protocolError(op, "channel %d is not being opened", id)
	}
	return c, nil
}

// onOpenConfirmation handles CHANNEL_OPEN_CONFIRMATION.
func (m *Mux) onOpenConfirmation(p []byte) error {
	const op = "CHANNEL_OPEN_CONFIRMATION"
	var msg wire.ChannelOpenConfirmation
	if err := msg.Parse(p); err != nil {
		return err
	}
	c, err := m.openingChannel(msg.Recipient, op)
	if err != nil {
		return err
	}
	m.mu.Lock()
	taken := m.remoteTakenLocked(msg.Sender)
	m.mu.Unlock()
	if taken || msg.MaxPacket == 0 {
		return protocolError(op, "channel number %d in use: %v, maximum packet %d", msg.Sender, taken, msg.MaxPacket)
	}
	c.confirm(&msg)
	return nil
}

func (c *Channel) confirm(msg *wire.ChannelOpenConfirmation) {
	c.mu.Lock()
	defer c.settle()
	c.remote, c.sendWindow, c.sendMax = msg.Sender, msg.Window, min(msg.MaxPacket, c.m.cfg.MaxPacket)
	c.bound.Store(true)
	c.opening = false
	if c.opened != nil {
		c.opened <- openResult{ch: c}
		c.opened = nil
	}
	c.finishSendingLocked()
}

// onOpenFailure handles CHANNEL_OPEN_FAILURE.
func (m *Mux) onOpenFailure(p []byte) error {
	var msg wire.ChannelOpenFailure
	if err := msg.Parse(p); err != nil {
		return err
	}
	c, err := m.openingChannel(msg.Recipient, "CHANNEL_OPEN_FAILURE")
	if err != nil {
		return err
	}
	m.release(c) // first, so that its place is free when the caller hears of it
	c.mu.Lock()
	defer c.mu.Unlock()
	c.opening, c.closed, c.closedDue = false, true, false
	if c.opened != nil {
		c.opened <- openResult{err: &OpenError{Reason: msg.Reason, Text: msg.Description}}
		c.opened = nil
	}
	return nil
}
