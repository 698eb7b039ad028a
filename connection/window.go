package connection

import (
	"io"
	"os"

	"github.com/hawser-ssh/hawser/wire"
)

// The peer hears of what has been read after a share of the window, at most
// maxShare bytes: a few adjusts for each window, and the peer never runs dry
// while we keep up. What is read and not yet granted is window out of use.
const (
	grantShare = 4
	maxShare   = 1 << 20
)

// receive handles data of the peer (RFC 4254 §5.2).
func (c *Channel) receive(code uint32, p []byte) error {
	c.mu.Lock()
	if err := c.admitLocked(len(p)); err != nil {
		c.mu.Unlock()
		return err
	}
	q := c.queueLocked(code)
	if q == nil || len(p) == 0 {
		c.grantLocked(len(p))
		c.mu.Unlock()
		return nil
	}
	rest := q.fill(c.guest.direct(q, p))
	for len(rest) > 0 { // copied without the lock: only this goroutine adds to the queue
		alone := q.head == nil
		c.mu.Unlock()
		var ck *chunk
		ck, rest = newChunk(rest, alone)
		c.mu.Lock()
		c.grantLocked(q.add(ck))
	}
	switch {
	case c.ev.Data == nil:
		c.noteArrivalLocked()
	case !c.silent:
		c.m.postData(c, code, len(p))
	}
	c.mu.Unlock()
	return nil
}

// admitLocked checks n bytes of data against what the peer was granted.
func (c *Channel) admitLocked(n int) error {
	const op = "CHANNEL_DATA"
	if err := c.livelyLocked(op); err != nil {
		return err
	}
	if uint64(n) > uint64(c.m.cfg.MaxPacket) {
		return protocolError(op, "%d bytes exceed the maximum packet", n)
	}
	if uint64(n) > uint64(c.recvWindow) {
		return protocolError(op, "%d bytes exceed the window of %d", n, c.recvWindow)
	}
	c.recvWindow -= uint32(n)
	return nil
}

// queueLocked returns the queue for data of this code, or nil where nobody
// wants it: after EOF, after Close, of unknown codes, and any extended data
// sent to a server, for which no type is defined.
func (c *Channel) queueLocked(code uint32) *recvQueue {
	var q *recvQueue
	switch {
	case c.peerEnded || c.closed:
		return nil
	case code == stdoutCode:
		q = &c.in
	case code == stderrCode && c.m.role == wire.Client:
		q = &c.inErr
	}
	if q == nil || q.dropped {
		return nil
	}
	return q
}

// grantLocked gives n bytes of window back to the peer, in large portions.
func (c *Channel) grantLocked(n int) {
	if n == 0 || c.peerEnded || c.peerClosed || c.closeSent || c.dead != nil {
		return
	}
	c.credit += uint32(n)
	if c.credit < min(c.windowSize/grantShare, maxShare) {
		return
	}
	c.tuneLocked()
	granted := uint32(min(uint64(c.credit), maxWindow-uint64(c.recvWindow))) // Grant may have left no room for growth
	if granted == 0 {
		return
	}
	c.recvWindow += granted
	c.credit -= granted
	c.controlLocked(func(b []byte, remote uint32) []byte {
		return wire.ChannelWindowAdjust{Recipient: remote, Bytes: granted}.Append(b)
	})
}

// Grant gives the peer n bytes of window beyond those that reading gives back
// (RFC 4254 §5.2): from then on it may have so much more under way, and this
// end hold so much more. A window that would exceed 2^32-1 bytes is ErrWindow.
func (c *Channel) Grant(n uint32) error {
	c.mu.Lock()
	defer c.settle()
	if err := c.endOfSendingLocked(); err != nil {
		return err
	}
	if uint64(c.recvWindow)+uint64(c.credit)+uint64(c.in.size+c.inErr.size)+uint64(n) > maxWindow {
		return ErrWindow
	}
	c.recvWindow += n
	c.controlLocked(func(b []byte, remote uint32) []byte {
		return wire.ChannelWindowAdjust{Recipient: remote, Bytes: n}.Append(b)
	})
	return nil
}

// readyLocked reports whether q has data that nobody borrows, or why it never
// will.
func (c *Channel) readyLocked(q *recvQueue) (bool, error) {
	switch {
	case c.ev.Data != nil:
		return true, ErrPushMode
	case c.closed:
		return true, errChannelClosed
	case c.readDeadline.passed:
		return true, os.ErrDeadlineExceeded
	case q.dropped:
		return true, errReadClosed
	case q.size > 0 && !q.lent:
		return true, nil
	case q.size == 0 && (c.peerEnded || c.peerClosed):
		return true, io.EOF
	case q.size == 0 && c.dead != nil:
		return true, c.dead
	}
	return false, nil
}

// awaitLocked waits until q has data that nobody borrows. Where it had to wait,
// n bytes of it may have gone to p at once.
func (c *Channel) awaitLocked(q *recvQueue, p []byte) (n int, err error) {
	ready, err := c.readyLocked(q)
	if ready {
		return 0, err
	}
	first := c.beginReadLocked(q, p)
	defer c.endReadLocked(first)
	for wait := false; ; {
		if wait {
			c.readable.Wait(&c.mu)
			wait = false
		} else {
			wait = !c.readPacketsLocked(first)
		}
		if first && c.guest.took > 0 {
			return c.guest.took, nil
		}
		if ready, err = c.readyLocked(q); ready {
			if err != nil {
				c.m.t.Attend() // who is told this may not come back
			}
			return 0, err
		}
	}
}

func (c *Channel) read(code uint32, p []byte) (int, error) {
	c.mu.Lock()
	defer c.settle()
	q := c.streamQueue(code)
	n, err := c.awaitLocked(q, p)
	if err != nil {
		return 0, err
	}
	n += q.read(p[n:])
	c.grantLocked(n)
	return n, nil
}

func (c *Channel) streamQueue(code uint32) *recvQueue {
	if code == stderrCode {
		return &c.inErr
	}
	return &c.in
}

// deliver passes n received bytes to Events.Data, on the pump.
func (c *Channel) deliver(code uint32, n int) {
	for n > 0 {
		k := c.deliverOne(code, n)
		if k == 0 {
			return
		}
		n -= k
	}
}

func (c *Channel) deliverOne(code uint32, limit int) int {
	c.mu.Lock()
	defer c.settle()
	q := c.streamQueue(code)
	if c.silent || q.size == 0 {
		return 0
	}
	view := q.lend(limit)
	c.mu.Unlock()
	defer func() {
		c.mu.Lock()
		c.grantLocked(q.giveBack(len(view)))
	}()
	c.ev.Data(c, code, view)
	return len(view)
}

// extend handles CHANNEL_WINDOW_ADJUST (RFC 4254 §5.2).
func (c *Channel) extend(n uint32) error {
	c.mu.Lock()
	if err := c.livelyLocked("CHANNEL_WINDOW_ADJUST"); err != nil {
		c.mu.Unlock()
		return err
	}
	if uint64(c.sendWindow)+uint64(n) > maxWindow {
		c.mu.Unlock()
		return protocolError("CHANNEL_WINDOW_ADJUST", "window of %d grows by %d", c.sendWindow, n)
	}
	c.sendWindow += n
	c.writable.Broadcast()
	ask := n > 0 && (c.wantReady || len(c.pending) > 0)
	c.needNotify = c.needNotify || ask
	c.mu.Unlock()
	if ask {
		c.m.notifyWritable()
	}
	return nil
}
