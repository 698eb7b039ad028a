package connection

import (
	"io"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hawser-ssh/hawser/wire"
)

// Codes of data: plain, standard error, and none that is kept.
const (
	stdoutCode uint32 = 0
	stderrCode        = wire.ExtendedStderr
	noCode     uint32 = 2
)

// Events are the callbacks of one channel, all optional. They run on the
// connection's pump: never on the reader, never two at once within one
// connection, in the order in which the peer's messages came. They may run
// before Accept or Open has returned. Events must not change once given away.
type Events struct {
	// Request is a request of the peer. Unanswered at return it fails, unless deferred. nil refuses all.
	Request func(*Channel, *Request)
	// Data takes received data: code 0 is plain data, 1 standard error. p is a view until return; then its window
	// goes back to the peer. nil lets Read and Stderr have it.
	Data func(ch *Channel, code uint32, p []byte)
	// EOF says that the peer sends no more data; all data came before it.
	EOF func(*Channel)
	// Closed comes last and exactly once: both sides have closed, or the connection has ended.
	Closed func(*Channel)
	// Writable comes after TryWrite returned ErrWouldBlock, when it is worth trying again.
	Writable func(*Channel)
}

// told reports whether callbacks wait for what the peer sends at any time.
func (ev *Events) told() bool { return ev.Data != nil || ev.Writable != nil }

// Channel is one channel (RFC 4254 §5). It is a net.Conn: Read and Write
// carry plain data. Methods may be called from any goroutine. It must be
// closed, or read to its end, to free its place in the connection.
type Channel struct {
	m       *Mux
	ev      *Events
	kind    string
	local   uint32        // set by placeLocked, then constant
	remote  uint32        // constant once bound
	session bool          // counts against MaxSessions
	named   time.Duration // when the peer was told of local; 0 when it has answered. Mux.mu guards it

	bound atomic.Bool // remote is known
	over  atomic.Bool // both sides have sent CLOSE: the peer may use its number again

	mu         sync.Mutex
	readable   cond // data, end or deadline
	writable   cond // window, end or deadline
	in, inErr  recvQueue
	windowSize uint32        // what the peer may send before it is read
	recvWindow uint32        // what of it the peer may still send
	granted    time.Duration // when the peer last heard of more
	backlog    uint32        // what was unread then
	credit     uint32        // read, but not yet granted again
	sendWindow uint32        // what we may still send
	sendMax    uint32        // in one message
	sending    uint32        // packets handed to the transport without the lock: EOF and CLOSE wait for them
	readers    int32         // that wait
	guest      *guest        // made for the first of them
	leads      bool          // one of them reads the connection
	pending    []byte        // rest of a TryWrite, ours
	pendingTo  uint32        // its code

	opening    bool // our CHANNEL_OPEN is unanswered
	eofWanted  bool // no more writes
	eofSent    bool
	closing    bool // CLOSE is to be sent when nothing is being sent any more
	closeSent  bool
	peerEnded  bool // EOF received
	peerClosed bool // CLOSE received
	peerDeaf   bool // eow@openssh.com received
	closed     bool // Close was called, or nobody wants this channel
	silent     bool // no callbacks any more but Closed
	closedDue  bool // Closed has yet to run
	released   bool
	wantReady  bool // TryWrite failed: Writable is due
	needNotify bool // waits for the transport
	arrived    bool // among those to be woken when the batch of packets ends
	dead       error

	mark          dataMark
	opened        chan openResult // while opening
	done          chan struct{}   // made by Done
	cancel        chan struct{}   // made by a writer that waits in the transport
	readDeadline  deadline
	writeDeadline deadline
	asked         waitQueue
	owed          replyQueue
}

func (m *Mux) newChannel(kind string, ev *Events) *Channel {
	if ev == nil {
		ev = new(Events)
	}
	if kind == typeSession {
		kind = typeSession // and not the text of the peer's message
	}
	return &Channel{m: m, ev: ev, kind: kind, closedDue: ev.Closed != nil}
}

// ID returns our number of the channel, unique among the connection's channels that are not closed.
func (c *Channel) ID() uint32 { return c.local }

// RemoteID returns the peer's number of the channel.
func (c *Channel) RemoteID() uint32 { return c.remote }

// Type returns the channel's type, such as "session".
func (c *Channel) Type() string { return c.kind }

// Mux returns the connection the channel belongs to.
func (c *Channel) Mux() *Mux { return c.m }

// LocalAddr returns the connection's local address.
func (c *Channel) LocalAddr() net.Addr { return c.m.t.LocalAddr() }

// RemoteAddr returns the peer's address.
func (c *Channel) RemoteAddr() net.Addr { return c.m.t.RemoteAddr() }

// Done returns a channel that closes when both sides have closed or the connection has ended.
func (c *Channel) Done() <-chan struct{} {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.done == nil {
		c.done = make(chan struct{})
		if c.dead != nil || c.over.Load() {
			close(c.done)
		}
	}
	return c.done
}

// CutOff reports whether the connection ended before either side had closed the
// channel.
func (c *Channel) CutOff() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.dead != nil && !c.closing // which the peer's CLOSE sets, too
}

// Read reads plain data. It returns io.EOF after the peer's EOF or CLOSE, and
// before Close, when all has been read.
func (c *Channel) Read(p []byte) (int, error) { return c.read(stdoutCode, p) }

// Write sends plain data and waits for the window and the transport. It
// returns how much of p was sent. Concurrent calls may interleave.
func (c *Channel) Write(p []byte) (int, error) { return c.WriteExtended(stdoutCode, p) }

// Stderr returns the channel's standard error (RFC 4254 §5.2), with the
// deadlines of the channel.
func (c *Channel) Stderr() io.ReadWriter { return stderr{c} }

type stderr struct{ c *Channel }

func (s stderr) Read(p []byte) (int, error)  { return s.c.read(stderrCode, p) }
func (s stderr) Write(p []byte) (int, error) { return s.c.WriteExtended(stderrCode, p) }

// CloseWrite sends EOF: no more data will come from here. Reading goes on.
// Writes that wait elsewhere fail; data that TryWrite took is sent first.
func (c *Channel) CloseWrite() error {
	c.mu.Lock()
	defer c.settle()
	if err := c.endLocked(); err != nil {
		return err
	}
	c.eofWanted = true
	c.wakeWritersLocked()
	c.finishSendingLocked()
	return nil
}

// CloseRead gives up what has been and will be received; reads fail from now
// on. The peer is not told: see SendEOW.
func (c *Channel) CloseRead() error {
	c.mu.Lock()
	defer c.settle()
	if err := c.endLocked(); err != nil {
		return err
	}
	c.dropLocked(&c.in)
	c.dropLocked(&c.inErr)
	c.wakeReadersLocked()
	return nil
}

// DiscardStderr throws away standard error, received or yet to come, so that
// it takes no window from plain data.
func (c *Channel) DiscardStderr() {
	c.mu.Lock()
	defer c.settle()
	c.dropLocked(&c.inErr)
	c.wakeReadersLocked()
}

// dropLocked discards a queue and grants its window again.
func (c *Channel) dropLocked(q *recvQueue) {
	c.grantLocked(q.drop())
}

// Close closes the channel. It does not wait for the peer to close as well.
// What was received and not read is lost; what Write or TryWrite has taken is
// sent. All calls that wait return an error that matches net.ErrClosed.
func (c *Channel) Close() error {
	c.mu.Lock()
	defer c.settle()
	if c.closed {
		return errChannelClosed
	}
	c.closeLocked()
	return nil
}

func (c *Channel) closeLocked() {
	c.closed, c.silent, c.closing = true, true, true
	lost := c.in.drop() + c.inErr.drop()
	c.hangUpLocked()
	c.finishSendingLocked()
	c.grantLocked(lost) // where CLOSE has to wait, the peer must not
}

// hangUpLocked ends the waits of readers, writers and requests.
func (c *Channel) hangUpLocked() {
	c.wakeReadersLocked()
	c.wakeWritersLocked()
	for _, w := range c.asked.takeAll() {
		w.fail(c.goneLocked())
	}
}

// endLocked returns the error of calls on a channel that is gone, or nil.
func (c *Channel) endLocked() error {
	switch {
	case c.closed:
		return errChannelClosed
	case c.dead != nil:
		return c.dead
	}
	return nil
}

// finishSendingLocked sends EOF and CLOSE when they are due and nothing that
// must go before them is on its way.
func (c *Channel) finishSendingLocked() {
	if c.opening || c.sending > 0 || len(c.pending) > 0 || c.dead != nil || c.closeSent {
		return
	}
	if c.eofWanted && !c.eofSent {
		c.eofSent = true
		c.controlLocked(appendEOF)
	}
	if c.closing {
		c.closeSent = true
		c.controlLocked(appendClose)
		c.overLocked()
	}
}

// overLocked notes that both sides have closed.
func (c *Channel) overLocked() {
	if !c.closeSent || !c.peerClosed || c.over.Load() {
		return
	}
	c.over.Store(true)
	c.endedLocked()
}

// endedLocked does what the end of a channel and of the connection have in common.
func (c *Channel) endedLocked() {
	if c.done != nil {
		close(c.done)
	}
	c.readDeadline.stop()
	c.writeDeadline.stop()
	if c.closedDue {
		c.m.post(item{kind: itemClosed, ch: c})
	}
}

func (c *Channel) goneLocked() error {
	if c.dead != nil {
		return c.dead
	}
	return errChannelClosed
}

// settle unlocks and frees the channel's number when nothing of it is left:
// both sides have closed, Closed has run, and all data was read or given up.
func (c *Channel) settle() {
	free := c.over.Load() && !c.released && !c.closedDue && (c.closed || c.in.size+c.inErr.size == 0)
	c.released = c.released || free
	c.mu.Unlock()
	if free {
		c.m.release(c)
	}
}

// kill is the end of the connection.
func (c *Channel) kill(err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.dead != nil {
		return
	}
	c.dead = err
	c.pending = nil
	if c.opened != nil {
		c.opened <- openResult{err: err}
		c.opened, c.opening, c.closedDue = nil, false, false
	}
	c.hangUpLocked()
	if !c.over.Load() {
		c.endedLocked()
	}
}

// peerEOF handles CHANNEL_EOF. A second one means nothing.
func (c *Channel) peerEOF() error {
	c.mu.Lock()
	defer c.settle()
	if err := c.livelyLocked("CHANNEL_EOF"); err != nil || c.peerEnded {
		return err
	}
	c.peerEnded = true
	c.wakeReadersLocked()
	if c.ev.EOF != nil && !c.silent {
		c.m.post(item{kind: itemEOF, ch: c})
	}
	return nil
}

// peerClose handles CHANNEL_CLOSE: ours follows at once (RFC 4254 §5.3). What
// was received stays readable.
func (c *Channel) peerClose() error {
	c.mu.Lock()
	defer c.settle()
	if err := c.livelyLocked("CHANNEL_CLOSE"); err != nil {
		return err
	}
	c.peerClosed, c.closing = true, true
	c.pending = nil
	c.hangUpLocked()
	c.finishSendingLocked()
	c.overLocked()
	return nil
}

// livelyLocked returns an error where op may not come on this channel.
func (c *Channel) livelyLocked(op string) error {
	switch {
	case c.opening:
		return protocolError(op, "channel %d is not open yet", c.local)
	case c.peerClosed:
		return protocolError(op, "channel %d is closed", c.local)
	}
	return nil
}

func (c *Channel) handleEOF() {
	if c.deaf() {
		return
	}
	c.ev.EOF(c)
}

func (c *Channel) handleWritable() {
	if c.deaf() {
		return
	}
	c.ev.Writable(c)
}

// deaf reports whether callbacks other than Closed are over.
func (c *Channel) deaf() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.silent
}

func (c *Channel) handleClosed() {
	defer func() {
		c.mu.Lock()
		c.closedDue = false
		c.settle()
	}()
	c.ev.Closed(c)
}

// SetDeadline sets both deadlines; the zero time means none.
func (c *Channel) SetDeadline(t time.Time) error {
	if err := c.SetReadDeadline(t); err != nil {
		return err
	}
	return c.SetWriteDeadline(t)
}

// SetReadDeadline makes Read of plain data and of standard error return
// os.ErrDeadlineExceeded after t.
func (c *Channel) SetReadDeadline(t time.Time) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := c.endLocked(); err != nil {
		return err
	}
	c.readDeadline.set(t, &c.mu, c.wakeReadersLocked)
	return nil
}

// SetWriteDeadline makes Write return os.ErrDeadlineExceeded after t. What was
// sent by then stays sent.
func (c *Channel) SetWriteDeadline(t time.Time) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := c.endLocked(); err != nil {
		return err
	}
	c.writeDeadline.set(t, &c.mu, c.wakeWritersLocked)
	return nil
}
