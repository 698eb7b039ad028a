package transport

import (
	"errors"

	"github.com/hawser-ssh/hawser/wire"
)

var errUnexpected = errors.New("message is not allowed now")

// ReadPacket returns the payload of the next message for the layers above: a
// view, valid until the next call, which may be overwritten up to
// SetAuthenticated and not after. The transport's own messages, re-keys among
// them, are handled inside. Only one goroutine may read, and while it does, it
// waits for nothing but the socket. After an error, which matches
// net.ErrClosed, the connection has ended.
func (c *Conn) ReadPacket() ([]byte, error) {
	for {
		p, err := c.nextPayload()
		if err == errSilent || err == errServed {
			return nil, err
		}
		if err != nil {
			return nil, c.failed(err)
		}
		if p, err = c.receive(p); err != nil {
			return nil, c.failed(err)
		}
		if p != nil {
			return p, nil
		}
	}
}

// nextPayload returns the next payload. A guest keeps an exchange for the main
// reader, for it runs whatever signs and logs, and takes its time.
func (c *Conn) nextPayload() ([]byte, error) {
	in := &c.in
	p := in.kept
	in.kept = nil
	if p != nil {
		return p, nil
	}
	p, err := c.readFrame()
	if err == nil && in.more != nil && wire.Msg(p[0]) == wire.MsgKexInit {
		in.kept = p
		return nil, errSilent
	}
	return p, err
}

// BeforeWait has ReadPacket call f whenever the packets that have arrived are
// used up, before it turns to the socket for more: on the reader, which must
// not wait in f. What is due for each packet can so be done once for many. f
// reports whether whoever it woke is about to call ReadWhile, and the reader
// may leave its turn to that goroutine. Call BeforeWait on the reader's goroutine, after
// Handshake.
func (c *Conn) BeforeWait(f func() (yield bool)) { c.in.beforeWait = f }

// receive returns p if it is for the layers above, and otherwise deals with
// it and returns nil.
func (c *Conn) receive(p []byte) ([]byte, error) {
	ph, m := c.in.phase, wire.Msg(p[0])
	if c.in.early {
		ph = phaseAuth
	}
	if err := c.in.extInfo.follow(m); err != nil {
		return nil, err
	}
	switch judge(c.role, ph, m) {
	case deliver:
		return p, c.rekeyIfDue()
	case handle:
		return nil, c.handle(m, p)
	case unimplemented:
		return nil, c.WriteControl(wire.Unimplemented{Sequence: c.in.seq - 1}.Append(nil))
	case ignore:
		return nil, nil
	}
	return nil, unexpected(m)
}

func unexpected(m wire.Msg) error {
	return &wire.ProtocolError{Reason: wire.ReasonProtocolError, Op: m.String(), Err: errUnexpected}
}

// handle deals with a message of the transport itself.
func (c *Conn) handle(m wire.Msg, p []byte) error {
	switch m {
	case wire.MsgKexInit:
		c.in.pause() // the exchange takes its time, even where all of it has arrived
		return c.reExchange(p)
	case wire.MsgExtInfo:
		return c.readExtInfo(p)
	case wire.MsgPing:
		return c.pong(p)
	}
	return c.handleAlways(m, p)
}

// handleAlways deals with the messages that are allowed at any time but in a
// strict first exchange (RFC 4253 §11).
func (c *Conn) handleAlways(m wire.Msg, p []byte) error {
	switch m {
	case wire.MsgDisconnect:
		return c.readDisconnect(p)
	case wire.MsgIgnore:
		var msg wire.Ignore
		return msg.Parse(p)
	case wire.MsgUnimplemented:
		var msg wire.Unimplemented
		return msg.Parse(p)
	case wire.MsgDebug:
		return c.readDebug(p)
	}
	return unexpected(m)
}

// readDebug logs the first few messages of the peer (RFC 4253 §11.3).
func (c *Conn) readDebug(p []byte) error {
	var msg wire.Debug
	if err := msg.Parse(p); err != nil {
		return err
	}
	if c.in.debugSeen < maxDebugLines {
		c.in.debugSeen++
		c.logger().Debug("debug", "peer", wire.Escape(msg.Message, maxErrorText))
	}
	return nil
}

// pong answers a ping@openssh.com (OpenSSH PROTOCOL §1.10).
func (c *Conn) pong(p []byte) error {
	var msg wire.Ping
	if err := msg.Parse(p); err != nil {
		return err
	}
	err := c.WriteControl(wire.Pong(msg).Append(nil))
	if errors.Is(err, ErrTooLarge) { // the peer's fault, not the application's
		err = wire.Errorf(wire.ReasonProtocolError, wire.MsgPing.String(), "%w", err)
	}
	return err
}
