package transport

import (
	"bytes"
	"errors"
	"io"
	"sync/atomic"

	"github.com/hawser-ssh/hawser/cipher"
	"github.com/hawser-ssh/hawser/wire"
)

// Faults of a packet (RFC 4253 §6).
var (
	errPacketLength = errors.New("packet length is out of range or not a multiple of the block")
	errPadding      = errors.New("padding length does not fit the packet")
	errEmptyPayload = errors.New("packet has no payload")
	errSequence     = errors.New("sequence numbers of these keys are used up")
)

// receiver is the receiving half of a connection. The reader goroutine owns
// it. Unread bytes are buf[r:w]; the packet that was returned last is
// buf[r:next], and its view dies when the next read begins.
type receiver struct {
	buf   []byte // pooled; nil while an idle connection waits
	r, w  int
	next  int
	need  int    // length of the packet at r with its tag, once known; or 0
	kept  []byte // payload of the packet at r that was opened and not yet received
	bulk  bool   // the last read filled its buffer: take a large one
	limit int    // bytes that the next read may take at most

	gathering gathering

	opener  cipher.Opener
	ahead   cipher.AheadOpener // opener, where it is one
	layout  cipher.Layout
	packets uint64 // under these keys
	bytes   uint64
	total   Traffic   // under earlier keys
	counted published // all, for others to read
	seq     uint32    // of the packet at r

	owes    bool // the reader has sealed what it sends before it waits
	replied bool // it has just done so

	phase     phase
	preAuth   int  // unread bytes that had arrived before SetAuthenticated
	early     bool // the packet at hand is one of them
	late      bool // decomp begins with SetAuthenticated, not with the keys
	delayed   bool // and that has not been
	decomp    decompressor
	extInfo   extInfoState
	debugSeen int
	told      bool // the end has been logged

	mayRest atomic.Bool // who waits may be interrupted: see readMore and readSome
	more    func() bool // of a guest: see turn

	beforeWait func() bool           // the layer above makes up for what it put off; or nil
	poll       func(fd uintptr) bool // one read, where there is a Conn.raw
	n          int                   // result of poll
	err        error
}

// setOpener makes o open all further packets.
func (in *receiver) setOpener(o cipher.Opener) {
	in.opener, in.layout = o, o.Layout()
	in.ahead, _ = o.(cipher.AheadOpener)
	in.total.add(in.packets, in.bytes)
	in.packets, in.bytes = 0, 0
}

// readFrame returns the payload of the next packet, decrypted in place and
// decompressed: a view until the next call.
func (c *Conn) readFrame() ([]byte, error) {
	if c.lab != nil {
		return c.labReadFrame()
	}
	packet, err := c.openFrame()
	if err != nil {
		return nil, err
	}
	return c.in.payload(packet)
}

// openFrame returns the next packet from its padding_length to its padding,
// decrypted in place: a view until the next call.
func (c *Conn) openFrame() ([]byte, error) {
	in := &c.in
	in.advance()
	fault, err := c.measure()
	if err != nil {
		return nil, err
	}
	total := in.need
	if err := c.fill(total); err != nil {
		return nil, err
	}
	in.need = 0
	if in.open(total) != nil || fault != nil {
		return nil, c.forged(total)
	}
	in.next = in.r + total
	if err := in.account(total); err != nil {
		return nil, err
	}
	return in.buf[in.r+4 : in.next-in.layout.Tag], nil
}

// measure finds out how long the next packet is, once for each. fault is what
// is wrong with a length that must not show.
func (c *Conn) measure() (fault, err error) {
	in := &c.in
	if in.need > 0 {
		return nil, nil
	}
	if err := c.fill(in.layout.Head); err != nil {
		return nil, err
	}
	length := in.opener.Length(in.seq, in.buf[in.r:in.r+in.layout.Head])
	if fault = c.checkLength(length); fault != nil {
		if !in.layout.HideLength {
			return nil, fault
		}
		length = uint32(in.layout.Head) - 4
	}
	in.need = 4 + int(length) + in.layout.Tag
	return fault, nil
}

// advance ends the view of the last packet.
func (in *receiver) advance() {
	if in.next > 0 {
		in.r, in.next = in.next, 0
	}
}

// open verifies and decrypts the packet of n bytes at r.
func (in *receiver) open(n int) error {
	packet := in.buf[in.r : in.r+n]
	if in.ahead != nil {
		return in.ahead.OpenAhead(in.seq, packet, in.buf[in.r+n:in.w])
	}
	return in.opener.Open(in.seq, packet)
}

// forged ends reading at a packet that is not the peer's, of which n bytes
// have been opened. Where its length must not show, the largest packet is read
// and worked through first, and all that anybody sees is a wrong tag
// (cipher.Layout, CVE-2008-5161); a peer that hangs up meanwhile learns no
// more.
func (c *Conn) forged(n int) error {
	in := &c.in
	if in.layout.HideLength {
		largest := (c.cfg.MaxPacket+4)/in.layout.Align*in.layout.Align + in.layout.Tag
		if c.fill(largest) == nil {
			in.opener.Open(in.seq, in.buf[in.r+n:in.r+largest])
		}
	}
	return &wire.ProtocolError{Reason: wire.ReasonMACError, Op: "packet", Err: cipher.ErrTag}
}

// checkLength refuses a packet_length before anything is read or allocated
// for it. A length that the tag does not cover yet may also be a damaged one,
// but what is out of range is a protocol error all the same.
func (c *Conn) checkLength(length uint32) error {
	n, l := uint64(length), c.in.layout
	covered := n
	if !l.LengthClear {
		covered += 4
	}
	const least = 1 + 1 + minPadding // padding_length, one byte of payload, padding
	if n < least || n > uint64(c.cfg.MaxPacket) || covered%uint64(l.Align) != 0 {
		return &wire.ProtocolError{Reason: wire.ReasonProtocolError, Op: "packet", Err: errPacketLength}
	}
	return nil
}

// account counts a packet of n bytes under the current keys.
func (in *receiver) account(n int) error {
	in.packets++
	in.bytes += uint64(n)
	in.seq++
	if in.early = in.preAuth > 0; in.early {
		in.preAuth -= n
	}
	if in.packets > in.layout.MaxPackets {
		return &wire.ProtocolError{Reason: wire.ReasonProtocolError, Op: "packet", Err: errSequence}
	}
	return nil
}

// payload takes the payload out of an opened packet, which begins with
// padding_length.
func (in *receiver) payload(p []byte) ([]byte, error) {
	padding := int(p[0])
	n := len(p) - 1 - padding
	if padding < minPadding || n < 0 {
		return nil, &wire.ProtocolError{Reason: wire.ReasonProtocolError, Op: "packet", Err: errPadding}
	}
	if n == 0 {
		return nil, &wire.ProtocolError{Reason: wire.ReasonProtocolError, Op: "packet", Err: errEmptyPayload}
	}
	if in.decomp == nil || in.delayed || in.late && in.early {
		return p[1 : 1+n], nil
	}
	content, err := in.decomp.decompress(p[1 : 1+n])
	if in.phase != phaseOpen {
		content = bytes.Clone(content) // passwords are cleared where they lie: not in the stream's window
	}
	return content, err
}

// fill reads until n unread bytes are in the buffer.
func (c *Conn) fill(n int) error {
	in := &c.in
	for in.w-in.r < n {
		if err := c.readSome(largeBuffer); err != nil {
			if errors.Is(err, io.EOF) && in.w > in.r {
				return lost("packet", io.ErrUnexpectedEOF)
			}
			return err
		}
	}
	return nil
}

// readSome reads what the socket has, at most limit bytes, behind the unread
// ones. It is the only place where the reader waits for the peer; what it owes
// goes first.
func (c *Conn) readSome(limit int) error {
	in := &c.in
	in.pause()
	in.publish()
	c.sendOwed()
	if in.more != nil {
		in.mayRest.Store(true)
		defer in.mayRest.Store(false)
		if !in.more() { // asked behind the Store: who roused before is heard, and who does after
			return errServed
		}
	}
	in.makeRoom()
	in.limit, in.n, in.err = limit, 0, nil
	if c.raw != nil {
		if err := c.readRaw(); err == errSilent {
			if in.more != nil && !in.more() {
				return errServed
			}
			return err
		} else if err != nil {
			in.err = err
		}
	} else {
		in.takeBuffer()
		in.n, in.err = c.nc.Read(in.room())
	}
	if in.n > 0 && !c.known.ended.Load() {
		in.bulk = in.w+in.n == len(in.buf) || in.bulk && in.n >= smallBuffer/4
		in.w += in.n
		in.gathered(in.n)
		return nil
	}
	if err := c.Err(); err != nil {
		return err // what arrives after our own end counts no more
	}
	if in.err == nil {
		in.err = io.EOF
	}
	return lost("read", in.err)
}

// pause tells the layer above that the reader is about to wait, and reports
// whether it may leave its turn to another.
func (in *receiver) pause() (yield bool) {
	return in.beforeWait != nil && in.beforeWait()
}

// room returns where the next bytes go.
func (in *receiver) room() []byte {
	return in.buf[in.w:min(len(in.buf), in.w+in.limit)]
}

// takeBuffer gets a buffer for an idle connection that is about to read.
func (in *receiver) takeBuffer() {
	if in.buf == nil {
		size := smallBuffer
		if in.bulk {
			size = largeBuffer
		}
		in.buf = getBuffer(size)
	}
}

// makeRoom moves the unread bytes down, or into a larger buffer, where there
// is no room behind them: the buffer grows only as bytes arrive. Without
// unread bytes the buffer goes back, for the wait may be long.
func (in *receiver) makeRoom() {
	switch {
	case in.r == in.w:
		in.release()
	case in.bulk && in.r > 0 && len(in.buf) < largeBuffer:
		in.replace(largeBuffer) // a stream that is never quite drained would stay in a buffer of about a packet
	case in.r > 0: // less than a packet: cheaper than a short read
		in.w = copy(in.buf, in.buf[in.r:in.w])
		in.r = 0
	case in.w == len(in.buf):
		in.replace(len(in.buf) + 1)
	}
}

// replace moves the unread bytes into a buffer of at least n bytes.
func (in *receiver) replace(n int) {
	b := getBuffer(n)
	in.w = copy(b, in.buf[in.r:in.w])
	in.r = 0
	putBuffer(in.buf)
	in.buf = b
}

// wipe clears what may hold a password.
func (in *receiver) wipe() {
	if in.phase != phaseOpen {
		clear(in.buf[:in.w])
	}
}

// release gives the buffer back.
func (in *receiver) release() {
	in.wipe()
	putBuffer(in.buf)
	in.buf, in.r, in.w, in.next = nil, 0, 0, 0
}

// authenticated opens the receiving half for the connection protocol. What a
// client sent before it could know of its success is not part of that.
func (in *receiver) authenticated(role wire.Role) {
	in.phase, in.delayed = phaseOpen, false
	if role == wire.Server {
		in.preAuth = in.w - in.next
	}
}
