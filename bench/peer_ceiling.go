package main

import (
	"context"
	"encoding/binary"
	"errors"
	"io"
	"net"

	"github.com/hawser-ssh/hawser/cipher"
	"github.com/hawser-ssh/hawser/mac"
)

// ceiling is the name of the peer that is no SSH: packets of RFC 4253 §6 under the suite's cipher, sealed and opened in
// place, many to a system call, over loopback TCP, and nothing above them: no copy, no channel, no window, no other
// goroutine. What an implementation of SSH reaches of it is what SSH leaves.
const ceiling = "ceiling"

const (
	ceilingBatch  = 256 << 10 // bytes of packets that one system call carries, at most
	ceilingPacket = 32 << 10  // payload
	minPadding    = 4         // RFC 4253 §6
)

// ceilingConn is one end. An empty packet is the end of what a side sends.
type ceilingConn struct {
	net.Conn

	sealer  cipher.Sealer
	out     []byte   // the batch; capacity ceilingBatch
	packets [][]byte // in out, not yet sealed
	sent    uint32   // sequence number of the first of them

	opener     cipher.Opener
	in         []byte // what has been read: in[begin:end]
	begin, end int
	received   uint32 // sequence number of the next packet
	rest       []byte // of the last packet's payload, for Read
	ended      bool
}

// newCeilingConn protects nc with keys of zeros: nobody else hears the loopback, and no time depends on a key.
func newCeilingConn(nc net.Conn, s suite) (*ceilingConn, error) {
	ciphers, err := cipher.Lookup(s.Cipher)
	if err != nil {
		return nil, err
	}
	row, key, iv := ciphers[0], make([]byte, ciphers[0].KeySize), make([]byte, ciphers[0].IVSize)
	var m *mac.MAC
	var macKey []byte
	if s.MAC != "" {
		macs, err := mac.Lookup(s.MAC)
		if err != nil {
			return nil, err
		}
		m, macKey = &macs[0], make([]byte, macs[0].KeySize)
	}
	c := &ceilingConn{Conn: nc, out: make([]byte, 0, ceilingBatch), in: make([]byte, ceilingBatch)}
	if c.sealer, err = row.NewSealer(m, key, iv, macKey); err != nil {
		return nil, err
	}
	c.opener, err = row.NewOpener(m, key, iv, macKey)
	return c, err
}

// put lays a packet of n bytes out in the batch. Without a text its payload is what the batch held before: bytes of no
// meaning cost as much as others.
func (c *ceilingConn) put(text []byte, n int) error {
	l := c.sealer.Layout()
	padded := 1 + n + minPadding
	if !l.LengthClear {
		padded += 4
	}
	padding := minPadding + (l.Align-padded%l.Align)%l.Align
	size := 4 + 1 + n + padding + l.Tag
	if len(c.out)+size > cap(c.out) {
		if err := c.flush(); err != nil {
			return err
		}
	}
	begin := len(c.out)
	c.out = c.out[:begin+size]
	packet := c.out[begin:]
	binary.BigEndian.PutUint32(packet, uint32(size-4-l.Tag))
	packet[4] = byte(padding)
	copy(packet[5:], text)
	c.packets = append(c.packets, packet)
	return nil
}

// flush seals the batch, two packets at a time where the cipher can, and writes it.
func (c *ceilingConn) flush() error {
	todo := c.packets
	if pair, ok := c.sealer.(cipher.PairSealer); ok {
		for ; len(todo) >= 2; todo = todo[2:] {
			pair.SealPair(c.sent, todo[0], todo[1])
			c.sent += 2
		}
	}
	for _, packet := range todo {
		c.sealer.Seal(c.sent, packet)
		c.sent++
	}
	_, err := c.Conn.Write(c.out)
	c.out, c.packets = c.out[:0], c.packets[:0]
	return err
}

// Write sends packets of as many bytes as p has, when a batch is full.
func (c *ceilingConn) Write(p []byte) (int, error) {
	for left := len(p); left > 0; left -= ceilingPacket {
		if err := c.put(nil, min(left, ceilingPacket)); err != nil {
			return 0, err
		}
	}
	return len(p), nil
}

// CloseWrite implements session.
func (c *ceilingConn) CloseWrite() error { return c.putNow("") }

func (c *ceilingConn) putNow(text string) error {
	if err := c.put([]byte(text), len(text)); err != nil {
		return err
	}
	return c.flush()
}

// fill reads until n bytes wait in the buffer.
func (c *ceilingConn) fill(n int) error {
	if c.end-c.begin >= n {
		return nil
	}
	c.end = copy(c.in, c.in[c.begin:c.end])
	c.begin = 0
	got, err := io.ReadAtLeast(c.Conn, c.in[c.end:], n-c.end)
	c.end += got
	return err
}

// next opens a packet and returns its payload, a view until the next call, and io.EOF after the last one.
func (c *ceilingConn) next() ([]byte, error) {
	if c.ended {
		return nil, io.EOF
	}
	l := c.opener.Layout()
	if err := c.fill(l.Head); err != nil {
		return nil, err
	}
	length := int(c.opener.Length(c.received, c.in[c.begin:c.begin+l.Head]))
	size := 4 + length + l.Tag
	if length < 1+minPadding || size > len(c.in) {
		return nil, errors.New("ceiling: a packet of a wrong length")
	}
	if err := c.fill(size); err != nil {
		return nil, err
	}
	packet := c.in[c.begin : c.begin+size]
	c.begin += size
	if err := c.open(packet); err != nil {
		return nil, err
	}
	c.received++
	payload := packet[5 : 4+length-int(packet[4])]
	if len(payload) == 0 {
		c.ended = true
		return nil, io.EOF
	}
	return payload, nil
}

func (c *ceilingConn) open(packet []byte) error {
	if ahead, ok := c.opener.(cipher.AheadOpener); ok {
		return ahead.OpenAhead(c.received, packet, c.in[c.begin:c.end])
	}
	return c.opener.Open(c.received, packet)
}

// WriteTo lends w every payload.
func (c *ceilingConn) WriteTo(w io.Writer) (n int64, err error) {
	for {
		payload, err := c.next()
		if err == io.EOF {
			return n, nil
		}
		if err == nil {
			_, err = w.Write(payload)
		}
		if err != nil {
			return n, err
		}
		n += int64(len(payload))
	}
}

// Read implements session.
func (c *ceilingConn) Read(p []byte) (int, error) {
	if len(c.rest) == 0 {
		var err error
		if c.rest, err = c.next(); err != nil {
			return 0, err
		}
	}
	n := copy(p, c.rest)
	c.rest = c.rest[n:]
	return n, nil
}

// Open implements client: there are no channels.
func (c *ceilingConn) Open(context.Context) (io.Closer, error) { return nil, errors.ErrUnsupported }

// Start implements client; the command is the first packet.
func (c *ceilingConn) Start(_ context.Context, command string) (session, error) {
	return c, c.putNow(command)
}

// Wait implements session: it waits for the other side's end.
func (c *ceilingConn) Wait(context.Context) error { return discard(c) }

func newCeilingDialer(j *job) (dialer, error) {
	return func(ctx context.Context) (client, error) {
		var d net.Dialer
		nc, err := d.DialContext(ctx, "tcp", j.Addr)
		if err != nil {
			return nil, err
		}
		return newCeilingConn(nc, j.Suite)
	}, nil
}

func newCeilingServer(j *job) (func(net.Conn) error, error) {
	return func(nc net.Conn) error {
		defer nc.Close()
		c, err := newCeilingConn(nc, j.Suite)
		if err != nil {
			return err
		}
		command, err := c.next()
		if err != nil {
			return err
		}
		runCommand(string(command), c)
		return c.CloseWrite()
	}, nil
}
