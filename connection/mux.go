package connection

import (
	"errors"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hawser-ssh/hawser/wire"
)

// Transport carries packets; *transport.Conn is one. WritePacket and
// TryWritePacket send the payload head||body, copied before they return.
type Transport interface {
	// ReadPackets hands each payload to handle, one after the other, a view until handle returns, until there is an
	// error, which it returns: handle's or one of the connection.
	ReadPackets(handle func(p []byte) error) error
	// WritePacket waits while the output is above its high-water mark, until done closes; then nothing was sent.
	WritePacket(done <-chan struct{}, head, body []byte) error
	// TryWritePacket returns an error where WritePacket would wait.
	TryWritePacket(head, body []byte) error
	// NotifyWritable calls f once when TryWritePacket has a chance again, or the connection has ended.
	NotifyWritable(f func())
	// WriteControl never waits; a peer that lets too much pile up is disconnected.
	WriteControl(payload []byte) error
	// Abort ends the connection and tells the peer the reason found in err.
	Abort(err error)
	// BeforeWait has ReadPackets call f when the packets that have arrived are used up, before it waits for more. f waits
	// for nothing, and reports whether the goroutine it has woken is about to call ReadWhile, and may have the packets that
	// follow. BeforeWait is called before ReadPackets.
	BeforeWait(f func() (yield bool))
	// ReadWhile makes the caller the one who reads and hands packets to handle, while more reports true and packets come,
	// or reports false where somebody else does. After it packets may wait for the next one or for Attend, for a moment.
	ReadWhile(more func() bool) bool
	// Attend ends such a moment.
	Attend()
	// Rouse has ReadWhile ask more again, even while it waits.
	Rouse()
	// RoundTrip is about the time of the path there and back, at most, or 0 where that is unknown: then windows do not grow.
	RoundTrip() time.Duration
	Close() error
	LocalAddr() net.Addr
	RemoteAddr() net.Addr
}

// Handler decides about what the peer asks for. Its methods run on the pump:
// one at a time with each other and with all Events of the connection, in the
// order in which the peer's messages came. They may wait and may call
// everything; meanwhile further messages queue up to Config.MaxQueued.
type Handler interface {
	// HandleOpen answers r, now or later, once.
	HandleOpen(r *OpenRequest)
	// HandleGlobalRequest answers r. A request unanswered at return fails, unless deferred.
	HandleGlobalRequest(r *GlobalRequest)
}

// Mux is the connection protocol (RFC 4254) on one authenticated transport.
// Its methods may be called from any goroutine, callbacks included.
type Mux struct {
	t    Transport
	role wire.Role
	cfg  *Config // complete, and not changed

	windows   windows
	began     time.Time
	roundTrip atomic.Int64 // nanoseconds: the shortest known
	pump      pump

	arrived []*Channel // the reader's: data has come for them, and nobody has been woken yet
	pumpDue bool       // the reader's: the same for callbacks

	waiting atomic.Int32 // goroutines that wait for the peer, and channels whose data or window is told to callbacks
	heard   atomic.Bool  // a packet came since the last tick of keepalive

	mu             sync.Mutex
	slots          []*Channel     // by our channel number
	opens          []*OpenRequest // the peer's, unanswered
	live           int            // slots in use
	sessions       int            // of them and of opens: sessions the peer opened
	noMoreSessions bool
	notifying      bool // a call of wakeWriters is on its way
	cause          error
	ended          bool
	done           chan struct{} // made by Done
	asked          waitQueue
	owed           replyQueue
	keepalive      *keepalive
}

// New returns a Mux on t, which has been authenticated. Nothing happens before
// Run. cfg may be nil and is copied, unless it is a shared one.
func New(t Transport, role wire.Role, cfg *Config) *Mux {
	full := cfg.complete()
	m := &Mux{t: t, role: role, cfg: full, began: time.Now(), windows: windows{Budget{limit: full.WindowBudget}, full.Budget}}
	m.roundTrip.Store(int64(min(t.RoundTrip(), maxRoundTrip)))
	return m
}

// Run has packets read and dispatched until the connection ends, and returns
// why: the error of the transport, a *wire.ProtocolError, a *PanicError,
// ErrKeepalive, or an error that matches net.ErrClosed after Close. It returns
// after the last callback has returned. Call it once.
//
// While the peer is silent, the caller's goroutine and its stack are what an
// idle connection costs beside its state: where there are thousands, let a new
// goroutine call Run, whose stack no key exchange has made large.
func (m *Mux) Run() error {
	m.startKeepalive()
	m.t.BeforeWait(m.wakeReaders)
	err := m.t.ReadPackets(m.dispatch)
	m.wakeReaders()
	m.shutdown(err)
	return m.Err()
}

// Close ends the connection; Run returns then. It waits a short time for what has been written to leave, and for no
// callback.
func (m *Mux) Close() error {
	m.setCause(errMuxClosed)
	return m.t.Close()
}

// Done returns a channel that closes when the connection has ended; callbacks may still run.
func (m *Mux) Done() <-chan struct{} {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.done == nil {
		m.done = make(chan struct{})
		if m.ended {
			close(m.done)
		}
	}
	return m.done
}

// Err returns why the connection ended, or nil before.
func (m *Mux) Err() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if !m.ended {
		return nil
	}
	return m.cause
}

// LocalAddr returns the transport's local address.
func (m *Mux) LocalAddr() net.Addr { return m.t.LocalAddr() }

// RemoteAddr returns the peer's address.
func (m *Mux) RemoteAddr() net.Addr { return m.t.RemoteAddr() }

func (m *Mux) setCause(err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.cause == nil {
		m.cause = err
	}
}

// fail ends the connection from elsewhere than the reader, which will notice.
func (m *Mux) fail(err error) {
	m.setCause(err)
	m.t.Abort(err)
}

// shutdown is the end, on the reader: everybody who waits is told, the
// callbacks still due run, and nothing is left behind.
func (m *Mux) shutdown(err error) {
	m.mu.Lock()
	if m.cause == nil {
		m.cause = err
	}
	cause := m.cause
	m.ended = true
	if m.done != nil {
		close(m.done)
	}
	slots, asked := m.slots, m.asked.takeAll()
	m.opens = nil
	m.stopKeepaliveLocked()
	m.mu.Unlock()

	if protocol := (*wire.ProtocolError)(nil); errors.As(cause, &protocol) && protocol.Reason != wire.ReasonConnectionLost {
		m.cfg.Logger.Debug("connection: protocol error", "err", cause)
	}
	m.t.Abort(cause)
	gone := &endedError{cause}
	for _, w := range asked {
		w.fail(gone)
	}
	for _, c := range slots {
		if c != nil {
			c.kill(gone)
		}
	}
	m.windows.close()
	m.pump.finish()
}

// goneLocked returns the error of calls after the end, or nil.
func (m *Mux) goneLocked() error {
	if m.ended {
		return &endedError{m.cause}
	}
	return nil
}

// room reports whether one more channel fits; session counts those of the peer.
func (m *Mux) roomLocked(session bool) bool {
	return m.live+len(m.opens) < m.cfg.MaxChannels && (!session || m.sessions < m.cfg.MaxSessions)
}

// placeLocked gives c a window, and the lowest free number. It reports false
// where the budget has no window left.
func (m *Mux) placeLocked(c *Channel) bool {
	if c.windowSize = m.windows.first(m.cfg.Window); c.windowSize == 0 {
		return false
	}
	c.recvWindow = c.windowSize
	c.named = m.now()
	m.live++
	if c.ev.told() {
		m.expect()
	}
	for i, other := range m.slots {
		if other == nil {
			m.slots[i], c.local = c, uint32(i)
			return true
		}
	}
	c.local = uint32(len(m.slots))
	m.slots = append(m.slots, c)
	return true
}

// release frees c's number; only now may the peer meet it again.
func (m *Mux) release(c *Channel) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.ended || m.slots[c.local] != c { // after the end the list belongs to shutdown
		return
	}
	m.slots[c.local] = nil
	m.live--
	if c.ev.told() {
		m.expectNoMore()
	}
	m.windows.give(c.windowSize)
	if c.session {
		m.sessions--
	}
	for n := len(m.slots); n > 0 && m.slots[n-1] == nil; n-- {
		m.slots = m.slots[:n-1]
	}
}

// channel returns the channel with our number id to which op may refer.
func (m *Mux) channel(id uint32, op string) (*Channel, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if uint64(id) >= uint64(len(m.slots)) || m.slots[id] == nil {
		return nil, protocolError(op, "no channel %d", id)
	}
	m.answeredLocked(m.slots[id])
	return m.slots[id], nil
}

// remoteTakenLocked reports whether the peer's channel number is in use
// (RFC 4254 §5.1). What runs only on the reader needs no further care: nobody
// else learns new numbers.
func (m *Mux) remoteTakenLocked(number uint32) bool {
	for _, c := range m.slots {
		if c != nil && c.bound.Load() && c.remote == number && !c.over.Load() {
			return true
		}
	}
	for _, o := range m.opens {
		if o.remote == number {
			return true
		}
	}
	return false
}
