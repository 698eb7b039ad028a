package daemon

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hawser-ssh/hawser/connection"
	"github.com/hawser-ssh/hawser/wire"
)

// channel is one channel. Its events come from the pump of its connection.
type channel struct {
	c       *conn
	id      int
	service string
	stream  bool // the program reads and writes the channel itself

	closing      atomic.Bool // CloseChannel has been called
	recordLength atomic.Int64
	bytesSent    atomic.Int64
	sending      chan struct{} // held by the one sender that may wait
	record       []byte        // a record that is not complete; the pump's alone

	openOnce, closeOnce sync.Once
	since               time.Time // openOnce

	mu      sync.Mutex
	inner   *connection.Channel // nil until open
	blocked bool                // a send got error 10035, and ReadyToSend is due
}

func (c *conn) newChannel(id int, service string, stream bool) *channel {
	return &channel{c: c, id: id, service: service, stream: stream, sending: make(chan struct{}, 1)}
}

// callbacks returns what the layer below calls. Each makes sure first that
// OnSSHChannelOpened comes before everything else.
func (ch *channel) callbacks() *connection.Events {
	ev := &connection.Events{
		Request: func(mc *connection.Channel, r *connection.Request) { ch.opened(mc, true); ch.request(r) },
		Closed:  func(mc *connection.Channel) { ch.opened(mc, true); ch.closed() },
	}
	if !ch.stream {
		ev.Data = func(mc *connection.Channel, code uint32, p []byte) { ch.opened(mc, true); ch.data(code, p) }
		ev.EOF = func(mc *connection.Channel) { ch.opened(mc, true); ch.eof() }
		ev.Writable = func(mc *connection.Channel) { ch.opened(mc, true); ch.writable() }
	}
	return ev
}

// opened makes the channel known and fires its first events; inline runs them
// on this goroutine, which must be the pump then.
func (ch *channel) opened(mc *connection.Channel, inline bool) {
	c, first := ch.c, false
	ch.openOnce.Do(func() {
		first, ch.since = true, time.Now()
		c.metrics.ChannelOpened(knownChannel(ch.service))
		ch.mu.Lock()
		ch.inner = mc
		ch.mu.Unlock()
		c.d.reg.addChannel(ch)
		c.events.push(func() {
			if h := c.d.OnSSHChannelOpened; h != nil {
				c.d.invoke(c, func() { h(&SSHChannelOpenedEvent{c.id, ch.id}) })
			}
			if h := c.d.OnSSHChannelReadyToSend; h != nil && !ch.stream && !mc.WouldBlock() {
				c.d.invoke(c, func() { h(&SSHChannelReadyToSendEvent{c.id, ch.id}) })
			}
		})
	})
	if !first {
		return
	}
	if inline {
		c.events.call(func() {})
	} else {
		c.events.start()
	}
}

// closed fires the last events of the channel and forgets it. A record that
// the client began before it closed the channel is still the program's.
func (ch *channel) closed() {
	ch.closeOnce.Do(func() {
		ch.flushRecord()
		fire(ch.c, ch.c.d.OnSSHChannelClosed, &SSHChannelClosedEvent{ch.c.id, ch.id})
		ch.c.d.reg.removeChannel(ch.id)
		ch.c.metrics.ChannelClosed(knownChannel(ch.service), time.Since(ch.since))
		ch.c.unreserve(ch.mc().CutOff())
	})
}

// mc returns the channel of the layer below.
func (ch *channel) mc() *connection.Channel {
	ch.mu.Lock()
	defer ch.mu.Unlock()
	return ch.inner
}

// request asks for the answer to a channel request.
func (ch *channel) request(r *connection.Request) {
	d, c := ch.c.d, ch.c
	if d.OnSSHChannelRequest == nil || c.isLeaving() {
		return // what is not answered fails
	}
	packet := wire.ChannelRequest{Recipient: uint32(ch.id), Type: r.Type, WantReply: r.WantReply, Payload: r.Payload}.Append(nil)[1:]
	e := &SSHChannelRequestEvent{ConnectionID: c.id, ChannelID: ch.id, RequestType: r.Type, Packet: packet, AfterEOF: r.AfterEOF}
	success := fire(c, d.OnSSHChannelRequest, e) && e.Success
	// The reply has to be under way before the program acts on the request.
	if r.Reply(success) == nil && success && !c.isLeaving() {
		fire(c, d.OnSSHChannelRequested, &SSHChannelRequestedEvent{c.id, ch.id, r.Type, packet})
	}
}

// data delivers data, in records where the program wants them.
func (ch *channel) data(code uint32, p []byte) {
	if code != 0 {
		ch.deliver(code, p)
		return
	}
	for ch.heard() {
		n := int(ch.recordLength.Load())
		switch {
		case n == 0:
			ch.flushRecord()
			ch.deliver(0, p)
			return
		case len(ch.record) >= n: // the length has changed meanwhile
			rest := ch.record
			ch.record = append([]byte(nil), rest[n:]...)
			ch.deliver(0, rest[:n])
		case len(ch.record) == 0 && len(p) >= n:
			ch.deliver(0, p[:n])
			p = p[n:]
		case len(p) == 0:
			return
		default:
			k := min(n-len(ch.record), len(p))
			ch.record = append(ch.record, p[:k]...)
			p = p[k:]
		}
	}
}

// flushRecord delivers what is left of a record that will not be completed.
func (ch *channel) flushRecord() {
	rest := ch.record
	ch.record = nil
	ch.deliver(0, rest)
}

func (ch *channel) deliver(code uint32, p []byte) {
	if len(p) > 0 && ch.heard() {
		fire(ch.c, ch.c.d.OnSSHChannelDataIn,
			&SSHChannelDataInEvent{ConnectionID: ch.c.id, ChannelID: ch.id, Data: p, DataType: int(code)})
	}
}

// heard reports whether the program still wants to know what the client sends:
// it has not closed the channel or the connection.
func (ch *channel) heard() bool { return !ch.closing.Load() && !ch.c.isLeaving() }

func (ch *channel) eof() {
	ch.flushRecord()
	if ch.heard() {
		fire(ch.c, ch.c.d.OnSSHChannelEOF, &SSHChannelEOFEvent{ch.c.id, ch.id})
	}
}

// writable fires OnSSHChannelReadyToSend after a send has failed.
func (ch *channel) writable() {
	ch.mu.Lock()
	ch.blocked = false
	ch.mu.Unlock()
	fire(ch.c, ch.c.d.OnSSHChannelReadyToSend, &SSHChannelReadyToSendEvent{ch.c.id, ch.id})
}

func (ch *channel) setRecordLength(n int) error {
	if n < 0 || n > maxSeconds {
		return invalid("RecordLength out of range")
	}
	ch.recordLength.Store(int64(n))
	return nil
}

// ChangeRecordLength sets how many bytes of data a channel's data events hold:
// they wait until there are as many, and only at EOF come with what is left. 0,
// the default, delivers data as it comes. From inside OnSSHChannelDataIn it is
// in effect for the next byte. Extended data is not cut into records.
func (d *Daemon) ChangeRecordLength(channelID, recordLength int) error {
	ch, err := d.reg.channel(channelID)
	if err != nil {
		return err
	}
	return ch.setRecordLength(recordLength)
}

// CloseChannel closes a channel: what has been sent goes out first.
// OnSSHChannelClosed fires when the client has closed it as well.
func (d *Daemon) CloseChannel(channelID int) error {
	ch, err := d.reg.channel(channelID)
	if err != nil {
		return err
	}
	ch.closing.Store(true)
	if err := ch.mc().Close(); err != nil {
		return newError(CodeNotConnected, "the channel is closed", err)
	}
	return nil
}

// OpenChannel opens a channel to the client without data specific to its type,
// as [Daemon.OpenChannelWithParameters] does.
func (d *Daemon) OpenChannel(connectionID int, channelType string) (channelID int, err error) {
	return d.OpenChannelWithParameters(connectionID, channelType, nil)
}

// OpenChannelWithParameters opens a channel to the client, such as
// forwarded-tcpip, and waits for the answer for the connection's Timeout, or
// DefaultTimeoutSeconds where that is 0. The parameters are what RFC 4254
// puts behind the maximum packet size; SetSSHParam builds them. Error 1201
// means that the client refuses.
func (d *Daemon) OpenChannelWithParameters(connectionID int, channelType string, parameters []byte) (channelID int, err error) {
	c, err := d.reg.connection(connectionID)
	if err != nil {
		return 0, err
	}
	seconds := int(c.timeout.Load())
	if seconds == 0 {
		seconds = DefaultTimeoutSeconds
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Duration(seconds)*time.Second)
	defer cancel()
	ch, err := c.openChannel(ctx, channelType, parameters, false)
	if err != nil {
		return 0, err
	}
	return ch.id, nil
}

// OpenStream opens a channel to the client as [Daemon.OpenChannelWithParameters]
// does, but for the program to read and write by itself: no data, EOF and
// ready-to-send events fire for it. Close it in the end.
func (d *Daemon) OpenStream(ctx context.Context, connectionID int, channelType string, parameters []byte) (*connection.Channel, error) {
	c, err := d.reg.connection(connectionID)
	if err != nil {
		return nil, err
	}
	ch, err := c.openChannel(ctx, channelType, parameters, true)
	if err != nil {
		return nil, err
	}
	return ch.mc(), nil
}

func (c *conn) openChannel(ctx context.Context, kind string, parameters []byte, stream bool) (*channel, error) {
	mux, _, err := c.muxed()
	if err != nil {
		return nil, err
	}
	if !c.reserve() {
		return nil, &Error{Code: CodeNotConnected}
	}
	ch := c.newChannel(c.d.reg.newChannelID(), kind, stream)
	mc, err := mux.Open(ctx, kind, parameters, ch.callbacks())
	if err != nil {
		c.unreserve(false)
		if refused, ok := errors.AsType[*connection.OpenError](err); ok {
			return nil, newError(CodeForwardConnection, "the client refuses the channel", refused)
		}
		return nil, asError(err)
	}
	ch.opened(mc, false)
	return ch, nil
}
