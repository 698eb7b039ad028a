package transport

import (
	"encoding/binary"
	"math/rand/v2"
	"runtime"
	"slices"
	"sync"
	"time"

	"github.com/hawser-ssh/hawser/cipher"
	"github.com/hawser-ssh/hawser/wire"
)

// sender is the sending half of a connection. Packets are sealed into buf by
// whoever writes them; the flusher takes buf as a whole and writes it.
type sender struct {
	mu  sync.Mutex
	err error // why the connection ended; permanent

	buf      []byte // pooled; sealed packets that no flusher has taken
	greeted  bool   // our identification is in buf or gone: packets may follow
	flushing bool   // a flusher has been started
	writing  bool   // it is at work, or a direct write is under way
	roused   bool   // the socket's read deadline is a spell's, or of Rouse
	hurried  bool   // it is of hurry
	lingers  bool   // the flusher sends FIN, and waits for the peer's, before it closes

	poll   func(fd uintptr) bool // one direct write, where there is a Conn.raw
	direct []byte                // what the direct write under way sends
	wrote  int                   // result of poll

	sealer  cipher.Sealer
	pair    cipher.PairSealer // sealer, where it is one
	held    int               // length of the last packet in buf, which waits for another to be sealed with; or 0
	layout  cipher.Layout
	seq     uint32
	packets uint64 // under these keys
	bytes   uint64
	total   Traffic // under earlier keys
	open    bool    // authenticated
	comp    compressor
	delayed bool // comp waits for open

	running    *runningExchange // from our KEXINIT until the peer's NEWKEYS
	gated      bool             // from our KEXINIT until our NEWKEYS: upper layers wait
	exchanges  uint64           // completed ones
	rekeyTimer *time.Timer      // starts the next re-key

	control controlCount  // replies in buf, and in what is being written
	waiting chan struct{} // closed when something changes; nil if nobody waits
	notify  []func()      // to be called when a write would not wait
}

// controlCount measures replies that have not left.
type controlCount struct{ messages, bytes int }

func (n *controlCount) add(bytes int) { n.messages++; n.bytes += bytes }

func (n *controlCount) join(m controlCount) { n.messages += m.messages; n.bytes += m.bytes }

func (n *controlCount) sub(m controlCount) { n.messages -= m.messages; n.bytes -= m.bytes }

// runningExchange is what the sending half holds while an exchange runs.
type runningExchange struct {
	kexInit  []byte       // ours
	queue    controlQueue // kept back while gated
	deadline *time.Timer  // ends a re-key that stalls
}

// controlQueue holds replies that an exchange in progress keeps back, each
// behind its length.
type controlQueue struct {
	controlCount
	buf []byte
}

func (q *controlQueue) push(payload []byte) {
	q.add(len(payload))
	q.buf = wire.AppendBytes(q.buf, payload)
}

// setSealer makes s seal all further packets.
func (o *sender) setSealer(s cipher.Sealer) {
	o.sealHeld()
	o.sealer, o.layout = s, s.Layout()
	o.pair, _ = s.(cipher.PairSealer)
	o.total.add(o.packets, o.bytes)
	o.packets, o.bytes = 0, 0
}

// WritePacket writes one packet with the payload head||body, of which body may
// be nil. Both are copied. It waits while an exchange runs and while the send
// buffer is full, until done closes (ErrWriteCanceled, and nothing was sealed);
// a nil done never does. A nil error means that the packet will leave unless
// the connection ends.
func (c *Conn) WritePacket(done <-chan struct{}, head, body []byte) error {
	o := &c.out
	o.mu.Lock()
	for {
		ready, err := c.writable(len(head) + len(body))
		if err != nil {
			o.mu.Unlock()
			return err
		}
		if ready {
			break
		}
		changed := o.changed()
		o.mu.Unlock()
		select {
		case <-changed:
		case <-done:
			return ErrWriteCanceled
		}
		o.mu.Lock()
	}
	err := c.seal(head, body)
	c.writeOut()
	o.mu.Unlock()
	return err
}

// TryWritePacket is WritePacket where that would not wait, and ErrWouldBlock
// where it would.
func (c *Conn) TryWritePacket(head, body []byte) error {
	o := &c.out
	o.mu.Lock()
	defer o.mu.Unlock()
	ready, err := c.writable(len(head) + len(body))
	if err != nil {
		return err
	}
	if !ready {
		return ErrWouldBlock
	}
	err = c.seal(head, body)
	c.writeOut()
	return err
}

// NotifyWritable calls f once when a write of any size would not wait, or the
// connection has ended: on a goroutine other than the caller's, and never
// under a lock. f must not wait, nor end the connection.
func (c *Conn) NotifyWritable(f func()) {
	o := &c.out
	o.mu.Lock()
	defer o.mu.Unlock()
	ready, err := c.writable(0)
	if err != nil || ready && len(o.buf) == 0 {
		go f()
		return
	}
	o.notify = append(o.notify, f) // who holds the gate or takes buf starts a flusher, which calls it
}

// WriteControl writes one packet without ever waiting: what the reader must
// answer. While an exchange runs, or the peer does not read, packets queue up
// to Config.ControlMessages and ControlBytes; beyond that the connection ends
// with ErrControlOverflow. The payload is copied.
func (c *Conn) WriteControl(payload []byte) error {
	o := &c.out
	o.mu.Lock()
	err := c.writeControl(payload)
	pending := o.control.messages
	o.mu.Unlock()
	if pending%yieldEvery == yieldEvery-1 {
		runtime.Gosched() // a burst of requests must not outrun a flusher that could write
	}
	return err
}

// WriteReply is WriteControl for the reader before authentication: the packet
// leaves when the reader waits in ReadPacket, or with SetAuthenticated, so that
// what is said in one breath leaves with one system call.
func (c *Conn) WriteReply(payload []byte) error {
	o := &c.out
	o.mu.Lock()
	defer o.mu.Unlock()
	c.in.owes = true
	return c.sealControl(payload)
}

// yieldEvery is after how many replies the reader lets a flusher run.
const yieldEvery = 128

// writeControl is WriteControl with the lock held.
func (c *Conn) writeControl(payload []byte) error {
	err := c.sealControl(payload)
	if err == nil && !c.out.gated {
		c.startFlush()
	}
	return err
}

// sealControl is writeControl up to the point where something is to be sent.
func (c *Conn) sealControl(payload []byte) error {
	o := &c.out
	if o.err != nil {
		return o.err
	}
	if len(payload) > c.maxPayload() {
		return ErrTooLarge
	}
	waiting := o.control
	if o.running != nil {
		waiting.join(o.running.queue.controlCount)
	}
	if waiting.messages >= c.cfg.ControlMessages || waiting.bytes+len(payload) > c.cfg.ControlBytes {
		c.endUnlocked(&wire.ProtocolError{Reason: wire.ReasonProtocolError, Op: "replies", Err: ErrControlOverflow})
		return o.err
	}
	if o.gated {
		o.running.queue.push(payload)
		return nil
	}
	o.control.add(len(payload))
	return c.seal(payload, nil)
}

// maxPayload is the largest payload to send: it fits the peer's limit with
// padding, and with what compression may add.
func (c *Conn) maxPayload() int { return c.cfg.MaxPacket - c.cfg.MaxPacket/64 - 512 }

// writable reports whether a payload of n bytes may be sealed now. The lock is
// held.
func (c *Conn) writable(n int) (bool, error) {
	o := &c.out
	if o.err != nil {
		return false, o.err
	}
	if n > c.maxPayload() {
		return false, ErrTooLarge
	}
	if o.open && c.rekeyDue(&o.layout, o.packets, o.bytes) {
		c.sendKexInit()
	}
	if o.gated || o.err != nil {
		return false, o.err
	}
	return len(o.buf) == 0 || len(o.buf)+n <= highWater, nil
}

// changed returns a channel that is closed when a waiting writer should look
// again. The lock is held.
func (o *sender) changed() <-chan struct{} {
	if o.waiting == nil {
		o.waiting = make(chan struct{})
	}
	return o.waiting
}

// wake makes waiting writers look again. The lock is held.
func (o *sender) wake() {
	if o.waiting != nil {
		close(o.waiting)
		o.waiting = nil
	}
}

// seal compresses, frames and protects one packet at the end of buf (RFC 4253
// §6). The lock is held.
func (c *Conn) seal(head, body []byte) error {
	o := &c.out
	if c.lab != nil {
		return c.labSeal(slices.Concat(head, body))
	}
	if o.packets >= o.layout.MaxPackets {
		return &wire.ProtocolError{Reason: wire.ReasonProtocolError, Op: "packet", Err: errSequence}
	}
	if o.comp != nil && !o.delayed {
		head, body = o.comp.compress(head, body), nil
	}
	n := 1 + len(head) + len(body)
	pad := o.padding(n)
	total := 4 + n + pad + o.layout.Tag
	start := len(o.buf)
	o.buf = grow(o.buf, total)
	p := o.buf[start:]
	binary.BigEndian.PutUint32(p, uint32(n+pad))
	p[4] = byte(pad)
	at := 5 + copy(p[5:], head)
	at += copy(p[at:], body)
	fillPadding(p[at : at+pad])
	o.protect(start)
	o.seq++
	o.packets++
	o.bytes += uint64(total)
	return nil
}

// protect seals the packet at the end of buf, which begins at start; or holds it back, for two are sealed in less time
// than one after the other. Nobody takes buf without sealHeld. A password is never held back: buf would leave it in
// the pool where it has to grow.
func (o *sender) protect(start int) {
	p := o.buf[start:]
	switch {
	case o.pair == nil || !o.open:
		o.sealer.Seal(o.seq, p)
	case o.held == 0:
		o.held = len(p)
	default:
		o.pair.SealPair(o.seq-1, o.buf[start-o.held:start], p)
		o.held = 0
	}
}

// sealHeld seals the packet that waits for another.
func (o *sender) sealHeld() {
	if o.held > 0 {
		o.sealer.Seal(o.seq-1, o.buf[len(o.buf)-o.held:])
		o.held = 0
	}
}

// take returns what is sealed, and begins a new buffer. The lock is held.
func (o *sender) take() []byte {
	o.sealHeld()
	b := o.buf
	o.buf = nil
	return b
}

// padding returns how many bytes follow n bytes of padding_length and payload.
func (o *sender) padding(n int) int {
	if !o.layout.LengthClear {
		n += 4
	}
	pad := o.layout.Align - n%o.layout.Align
	if pad < minPadding {
		pad += o.layout.Align
	}
	return pad
}

// fillPadding makes padding unpredictable (RFC 4253 §6), from the runtime's
// ChaCha8 generator.
func fillPadding(p []byte) {
	var word [8]byte
	for len(p) > 0 {
		binary.LittleEndian.PutUint64(word[:], rand.Uint64())
		p = p[copy(p, word[:]):]
	}
}

// grow returns b with n more bytes behind it, in a pooled buffer where one is
// large enough.
func grow(b []byte, n int) []byte {
	need := len(b) + n
	if need <= cap(b) {
		return b[:need]
	}
	if need > largeBuffer {
		return slices.Grow(b, n)[:need]
	}
	larger := getBuffer(need)
	copy(larger, b)
	putBuffer(b)
	return larger[:need]
}
