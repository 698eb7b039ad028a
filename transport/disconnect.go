package transport

import (
	"errors"
	"io"
	"log/slog"
	"net"
	"time"

	"github.com/hawser-ssh/hawser/wire"
)

// Disconnect ends the connection with a DISCONNECT of the given reason and
// text (RFC 4253 §11.1), after what has been written before. It returns when
// that has left, or could not within a short time. The first end counts;
// later ones return nil.
func (c *Conn) Disconnect(reason wire.Reason, text string) error {
	c.end(&DisconnectError{Reason: reason, Text: text}, true)
	c.joined.Wait()
	return nil
}

// Close is Disconnect(ReasonByApplication, "").
func (c *Conn) Close() error { return c.Disconnect(wire.ReasonByApplication, "") }

// Abort ends the connection because of err: the reason inside err, or
// ReasonByApplication where there is none, is sent to the peer, and later
// calls return err. It does not wait.
func (c *Conn) Abort(err error) { c.end(err, true) }

// failed ends the connection because the reader met err, and returns why it
// ended: err, or what came first.
func (c *Conn) failed(err error) error {
	c.in.publish()
	c.in.release() // nobody reads any more
	c.end(err, tellPeer(err))
	why := c.Err()
	if !c.in.told && c.logs(slog.LevelDebug) {
		c.in.told = true
		s := c.ConnectionState()
		c.logger().Debug("ended", "err", why, "sent", s.Sent.Bytes, "received", s.Received.Bytes, "rekeys", s.Rekeys)
	}
	return why
}

// tellPeer reports whether a DISCONNECT makes sense: not if the peer has gone.
func tellPeer(err error) bool {
	if d, ok := errors.AsType[*DisconnectError](err); ok && d.Remote {
		return false
	}
	if p, ok := errors.AsType[*wire.ProtocolError](err); ok {
		return p.Reason != wire.ReasonConnectionLost
	}
	return !errors.Is(err, net.ErrClosed)
}

// end makes err the reason why the connection ended, unless it has one. What
// is in the send buffer still goes out, and behind it, if tell is set, a
// DISCONNECT, unless our identification has not gone out; then the socket is
// closed.
func (c *Conn) end(err error, tell bool) {
	o := &c.out
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.err != nil {
		return
	}
	o.err = ended(err)
	c.known.end()
	stopTimer(o.rekeyTimer)
	if o.running != nil {
		stopTimer(o.running.deadline)
		o.running = nil
	}
	if tell = tell && o.greeted; tell {
		reason := reasonOf(err)
		text := reason.String()
		if d, ok := errors.AsType[*DisconnectError](err); ok && d.Text != "" {
			text = d.Text
		}
		c.seal(wire.Disconnect{Reason: reason, Description: text}.Append(nil), nil)
	}
	c.labState(LabClosed)
	o.lingers = tell
	if waits := len(o.buf) > 0 || o.writing; waits && c.nc.SetWriteDeadline(time.Now().Add(lingerTimeout)) != nil {
		time.AfterFunc(lingerTimeout, func() { c.nc.Close() }) // a pipe, say, that knows no deadlines
	}
	c.startFlush()
	o.wake()
}

// closeSocket ends the TCP connection. Where a DISCONNECT was sent, what the
// peer has sent meanwhile is read away first, a little: closing over unread
// bytes makes the system reset the connection, and the peer lose our reason.
func (c *Conn) closeSocket(linger bool) {
	c.heedAll() // the reader may have been in the middle of a transfer
	half, ok := c.nc.(interface{ CloseWrite() error })
	if linger && ok && half.CloseWrite() == nil && c.nc.SetReadDeadline(time.Now().Add(drainTimeout)) == nil {
		io.CopyN(io.Discard, c.nc, largeBuffer)
	}
	c.nc.Close()
}

// readDisconnect turns the peer's DISCONNECT into an error.
func (c *Conn) readDisconnect(p []byte) error {
	var msg wire.Disconnect
	if err := msg.Parse(p); err != nil {
		return err
	}
	return &DisconnectError{Reason: msg.Reason, Text: wire.Escape(msg.Description, maxErrorText), Remote: true}
}
