package connection

import (
	"io"
	"os"
	"sync"

	"github.com/hawser-ssh/hawser/wire"
)

// scratch is room for a small message or the head of a large one. What goes
// through the Transport interface cannot live on the stack.
type scratch struct{ b [32]byte }

var scratches = sync.Pool{New: func() any { return new(scratch) }}

// controlLocked sends a small message about the channel without waiting.
func (c *Channel) controlLocked(appendTo func(b []byte, remote uint32) []byte) {
	s := scratches.Get().(*scratch)
	// An error means that the connection has ended, which the reader will find out.
	_ = c.m.t.WriteControl(appendTo(s.b[:0], c.remote))
	scratches.Put(s)
}

func appendEOF(b []byte, remote uint32) []byte { return wire.ChannelEOF{Recipient: remote}.Append(b) }
func appendClose(b []byte, remote uint32) []byte {
	return wire.ChannelClose{Recipient: remote}.Append(b)
}

// appendHead appends what stands in front of n bytes of data.
func (c *Channel) appendHead(b []byte, code uint32, n int) []byte {
	if code == stdoutCode {
		return wire.ChannelData{Recipient: c.remote}.AppendHead(b, n)
	}
	return wire.ChannelExtendedData{Recipient: c.remote, Code: code}.AppendHead(b, n)
}

// WriteExtended sends data of the given code: 0 is plain, 1 standard error
// (RFC 4254 §5.2). p stays the caller's. It returns how much of p was sent.
func (c *Channel) WriteExtended(code uint32, p []byte) (n int, err error) {
	for n < len(p) || len(p) == 0 {
		k, err := c.writePacket(code, p[n:])
		n += k
		if err != nil || len(p) == 0 {
			return n, err
		}
	}
	return n, nil
}

// writePacket sends as much of p as fits into one message.
func (c *Channel) writePacket(code uint32, p []byte) (int, error) {
	c.mu.Lock()
	n, err := c.reserveLocked(len(p))
	if err != nil || n == 0 {
		c.mu.Unlock()
		return 0, err
	}
	c.sending++
	c.mu.Unlock()

	canceled, err := c.send(code, p[:n])

	c.mu.Lock()
	defer c.settle()
	c.sending--
	if err != nil {
		c.ungetWindowLocked(n)
		n = 0
		if reason := c.mayWriteLocked(); reason != nil || canceled {
			err = reason // nil where the deadline has been moved since: the caller tries again
		}
	}
	c.finishSendingLocked()
	return n, err
}

// send hands one message to the transport, and waits for it where it must,
// until canceled.
func (c *Channel) send(code uint32, p []byte) (canceled bool, err error) {
	s := scratches.Get().(*scratch)
	defer scratches.Put(s)
	head := c.appendHead(s.b[:0], code, len(p))
	if c.m.t.TryWritePacket(head, p) == nil {
		return false, nil
	}
	cancel, err := c.canceler()
	if err != nil {
		return false, err
	}
	err = c.m.t.WritePacket(cancel, head, p)
	select {
	case <-cancel:
		return true, err
	default:
		return false, err
	}
}

// canceler returns what ends a wait in the transport: Close and deadline.
func (c *Channel) canceler() (<-chan struct{}, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := c.mayWriteLocked(); err != nil {
		return nil, err
	}
	return c.cancelLocked(), nil
}

func (c *Channel) cancelLocked() chan struct{} {
	if c.cancel == nil {
		c.cancel = make(chan struct{})
	}
	return c.cancel
}

// wakeWritersLocked makes all that wait to write look at the state again.
func (c *Channel) wakeWritersLocked() {
	if c.cancel != nil {
		close(c.cancel)
		c.cancel = nil
	}
	c.writable.Broadcast()
}

// reserveLocked waits for the window and takes up to n bytes of it, at most one message.
func (c *Channel) reserveLocked(n int) (int, error) {
	for {
		if err := c.mayWriteLocked(); err != nil || n == 0 {
			return 0, err
		}
		if c.sendWindow > 0 && len(c.pending) == 0 {
			return c.takeWindowLocked(n), nil
		}
		c.m.expect()
		c.writable.Wait(&c.mu)
		c.m.expectNoMore()
	}
}

func (c *Channel) takeWindowLocked(n int) int {
	n = int(min(uint64(n), uint64(c.sendWindow), uint64(c.sendMax)))
	c.sendWindow -= uint32(n)
	return n
}

// ungetWindowLocked gives back what was taken and not used.
func (c *Channel) ungetWindowLocked(n int) {
	c.sendWindow = uint32(min(uint64(c.sendWindow)+uint64(n), maxWindow))
}

// mayWriteLocked returns why data may not be sent now, or nil.
func (c *Channel) mayWriteLocked() error {
	switch {
	case c.closed:
		return errChannelClosed
	case c.dead != nil:
		return c.dead
	case c.peerClosed:
		return errChannelClosed
	case c.eofWanted:
		return errWriteClosed
	case c.peerDeaf:
		return ErrNotReading
	case c.writeDeadline.passed:
		return os.ErrDeadlineExceeded
	}
	return nil
}

// TryWrite takes all of p or nothing, without waiting: nothing, with
// ErrWouldBlock, while the window is empty, the transport has too much to send
// already, or an earlier p has not left wholly; Events.Writable then says when
// to try again. p is copied. What exceeds the window is kept in memory and goes
// out before any other data of the channel.
func (c *Channel) TryWrite(code uint32, p []byte) error {
	c.mu.Lock()
	if err := c.mayWriteLocked(); err != nil || len(p) == 0 {
		c.mu.Unlock()
		return err
	}
	n := 0
	if c.sendWindow > 0 && len(c.pending) == 0 {
		n = c.trySendLocked(code, p)
	}
	if n == 0 {
		c.wantReady = true
	} else {
		c.pending, c.pendingTo = append([]byte(nil), p[n:]...), code
	}
	ask := n < len(p) && c.sendWindow > 0
	c.needNotify = c.needNotify || ask
	c.mu.Unlock()
	if ask {
		c.m.notifyWritable()
	}
	if n == 0 {
		return ErrWouldBlock
	}
	return nil
}

// WouldBlock reports whether TryWrite would return ErrWouldBlock for want of
// window, or because an earlier p has not left wholly. Events.Writable then says
// when that has changed, as after TryWrite.
func (c *Channel) WouldBlock() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.mayWriteLocked() != nil || c.sendWindow > 0 && len(c.pending) == 0 {
		return false
	}
	c.wantReady = true // what is pending, or a new window, has the transport asked
	return true
}

// trySendLocked sends as much of p as window and transport let pass.
func (c *Channel) trySendLocked(code uint32, p []byte) (sent int) {
	s := scratches.Get().(*scratch)
	defer scratches.Put(s)
	for sent < len(p) && c.sendWindow > 0 {
		n := c.takeWindowLocked(len(p) - sent)
		if c.m.t.TryWritePacket(c.appendHead(s.b[:0], code, n), p[sent:sent+n]) != nil {
			c.ungetWindowLocked(n)
			break
		}
		sent += n
	}
	return sent
}

// notifyWritable has wakeChannels called when the transport takes more.
func (m *Mux) notifyWritable() {
	m.mu.Lock()
	already := m.notifying || m.ended
	m.notifying = true
	m.mu.Unlock()
	if !already {
		m.t.NotifyWritable(m.wakeChannels)
	}
}

// wakeChannels lets every channel that waits for the transport go on.
func (m *Mux) wakeChannels() {
	m.mu.Lock()
	m.notifying = false
	waiting := make([]*Channel, 0, len(m.slots))
	for _, c := range m.slots {
		if c != nil {
			waiting = append(waiting, c)
		}
	}
	m.mu.Unlock()
	again := false
	for _, c := range waiting {
		again = c.resume() || again
	}
	if again {
		m.notifyWritable()
	}
}

// resume sends what TryWrite left and reports whether the transport must be
// waited for again.
func (c *Channel) resume() bool {
	c.mu.Lock()
	defer c.settle()
	if !c.needNotify || c.dead != nil || c.peerClosed {
		return false
	}
	c.needNotify = false
	if len(c.pending) > 0 {
		c.pending = c.pending[c.trySendLocked(c.pendingTo, c.pending):]
		if len(c.pending) > 0 {
			c.needNotify = c.sendWindow > 0
			return c.needNotify
		}
		c.pending = nil
		c.writable.Broadcast()
		c.finishSendingLocked()
	}
	if c.wantReady && c.sendWindow > 0 && !c.silent {
		c.wantReady = false
		if c.ev.Writable != nil {
			c.m.post(item{kind: itemWritable, ch: c})
		}
	}
	return false
}

// copyBuffers are for ReadFrom, which has nobody's buffer to read into.
var copyBuffers = sync.Pool{New: func() any { return new([largeChunk]byte) }}

// ReadFrom sends what r yields as plain data, until io.EOF.
func (c *Channel) ReadFrom(r io.Reader) (total int64, err error) {
	buf := copyBuffers.Get().(*[largeChunk]byte)
	defer copyBuffers.Put(buf)
	for {
		n, readErr := r.Read(buf[:])
		k, err := c.Write(buf[:n])
		total += int64(k)
		if err != nil {
			return total, err
		}
		if readErr == io.EOF {
			return total, nil
		}
		if readErr != nil {
			return total, readErr
		}
	}
}
