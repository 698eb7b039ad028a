package daemon

import (
	"context"
	"errors"
	"os"
	"slices"
	"time"

	"github.com/hawser-ssh/hawser/connection"
	"github.com/hawser-ssh/hawser/transport"
	"github.com/hawser-ssh/hawser/wire"
)

// sendChunk is how much a send hands on before it counts as progress.
const sendChunk = 256 << 10

// SendBytes sends data on a channel. data stays the caller's.
//
// With a Timeout of the connection above 0 it waits until the client and the
// network have taken all of it, and fails with error 10060 when nothing has
// been taken for so long; BytesSent then says how much was. With Timeout 0 it
// takes all or nothing at once: nothing is error 10035, and
// OnSSHChannelReadyToSend fires when it is worth trying again. From inside an
// event it may wait, too: what the client reads is noticed meanwhile.
func (d *Daemon) SendBytes(channelID int, data []byte) error {
	ch, err := d.reg.channel(channelID)
	if err != nil {
		return err
	}
	return ch.send(data)
}

// SendText sends text on a channel, in the code page of the CodePage setting,
// as [Daemon.SendBytes] does. Error 10022 means that the code page lacks a
// character of it: nothing has been sent then.
func (d *Daemon) SendText(channelID int, text string) error {
	encoded, err := d.encodeText(text)
	if err != nil {
		return err
	}
	return d.SendBytes(channelID, []byte(encoded))
}

// SendChannelData is [Daemon.SendBytes].
func (d *Daemon) SendChannelData(channelID int, data []byte) error {
	return d.SendBytes(channelID, data)
}

// SendExtendedData sends data of another type than the ordinary: 1 is a
// standard error stream (RFC 4254 §5.2). It is as [Daemon.SendBytes] otherwise.
func (d *Daemon) SendExtendedData(channelID, dataType int, data []byte) error {
	ch, err := d.reg.channel(channelID)
	if err != nil {
		return err
	}
	if dataType < 1 {
		return invalid("the type of extended data is at least 1")
	}
	return ch.sendTyped(uint32(dataType), data)
}

func (ch *channel) send(data []byte) error { return ch.sendTyped(0, data) }

func (ch *channel) sendTyped(code uint32, data []byte) error {
	ch.bytesSent.Store(0)
	timeout := time.Duration(ch.c.timeout.Load()) * time.Second
	if timeout == 0 {
		return ch.sendNow(code, data)
	}
	return ch.sendWaiting(code, data, timeout)
}

// sendNow takes all of data or nothing. The lock makes sure that writable,
// which may run at once, finds the channel blocked.
func (ch *channel) sendNow(code uint32, data []byte) error {
	ch.mu.Lock()
	defer ch.mu.Unlock()
	err := ch.inner.TryWrite(code, data)
	if isWouldBlock(err) {
		ch.blocked = true
		return &Error{Code: CodeWouldBlock}
	}
	if err != nil {
		return asError(err)
	}
	ch.bytesSent.Store(int64(len(data)))
	return nil
}

// sendWaiting sends data as the client takes it, as long as it takes any
// within the timeout. Sends from other goroutines wait for their turn.
func (ch *channel) sendWaiting(code uint32, data []byte, timeout time.Duration) error {
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	select {
	case ch.sending <- struct{}{}:
		defer func() { <-ch.sending }()
	case <-ctx.Done():
		return &Error{Code: CodeTimedOut}
	}
	mc := ch.mc()
	defer mc.SetWriteDeadline(time.Time{})
	for len(data) > 0 {
		if err := mc.SetWriteDeadline(time.Now().Add(timeout)); err != nil {
			return asError(err)
		}
		n, err := mc.WriteExtended(code, data[:min(len(data), sendChunk)])
		ch.bytesSent.Add(int64(n))
		data = data[n:]
		if err != nil && (n == 0 || !errors.Is(err, os.ErrDeadlineExceeded)) {
			return asError(err)
		}
	}
	return nil
}

func (ch *channel) readyToSend() bool {
	ch.mu.Lock()
	defer ch.mu.Unlock()
	if ch.inner == nil || ch.blocked {
		return false
	}
	select {
	case <-ch.inner.Done():
		return false
	default:
		return !ch.inner.WouldBlock()
	}
}

func isWouldBlock(err error) bool {
	return errors.Is(err, connection.ErrWouldBlock) || errors.Is(err, transport.ErrWouldBlock)
}

// SendSSHPacket sends a packet of the connection protocol on the connection of
// a channel. packetType is its message number, 80 to 127; payload is what
// follows it, as SetSSHParam builds it, and stays the caller's. For the
// messages about a channel, 91 to 100, the recipient channel is put in front:
// an exit status is type 98 with s "exit-status", f "false" and i "0".
//
// Data (94, 95), EOF (96), CLOSE (97) and more window (93) go through the
// channel, which keeps count of them; they are otherwise the same as SendBytes
// and CloseChannel. Everything else goes out as it is built; the answer to a
// request that wants one is read and dropped. Waiting is as with SendBytes.
func (d *Daemon) SendSSHPacket(channelID int, packetType byte, payload []byte) error {
	ch, err := d.reg.channel(channelID)
	if err != nil {
		return err
	}
	if packetType < byte(wire.MsgGlobalRequest) || packetType > 127 {
		return invalid("the packet type is 80 to 127")
	}
	mc, m := ch.mc(), wire.Msg(packetType)
	head := []byte{packetType}
	if m >= wire.MsgChannelOpenConfirmation && m <= wire.MsgChannelFailure {
		head = wire.AppendUint32(head, mc.RemoteID())
	}
	if err := wire.Validate(slices.Concat(head, payload)); err != nil {
		return newError(CodeInvalidArgument, "malformed packet", err)
	}
	switch m {
	case wire.MsgChannelWindowAdjust, wire.MsgChannelData, wire.MsgChannelExtendedData, wire.MsgChannelEOF, wire.MsgChannelClose:
		return asError(ch.sendCounted(mc, m, payload))
	}
	_, tc, err := ch.c.muxed()
	if err != nil {
		return err
	}
	select {
	case <-mc.Done():
		return &Error{Code: CodeNotConnected}
	default:
	}
	return ch.writePacket(tc, head, payload)
}

// sendCounted sends a message that changes the state of the channel.
func (ch *channel) sendCounted(mc *connection.Channel, m wire.Msg, payload []byte) error {
	r := wire.NewFieldReader(payload, "payload")
	switch m {
	case wire.MsgChannelWindowAdjust:
		return mc.Grant(r.Uint32("bytes"))
	case wire.MsgChannelData:
		return ch.sendTyped(0, r.Bytes("data"))
	case wire.MsgChannelExtendedData:
		code := r.Uint32("type")
		if code == 0 {
			return invalid("the type of extended data is at least 1")
		}
		return ch.sendTyped(code, r.Bytes("data"))
	case wire.MsgChannelEOF:
		return mc.CloseWrite()
	default:
		return mc.Close()
	}
}

// writePacket sends one packet as the connection's Timeout says.
func (ch *channel) writePacket(tc *transport.Conn, head, body []byte) error {
	timeout := time.Duration(ch.c.timeout.Load()) * time.Second
	if timeout > 0 {
		ctx, cancel := context.WithTimeout(context.Background(), timeout)
		defer cancel()
		err := tc.WritePacket(ctx.Done(), head, body)
		if errors.Is(err, transport.ErrWriteCanceled) {
			return &Error{Code: CodeTimedOut}
		}
		return asError(err)
	}
	err := tc.TryWritePacket(head, body)
	if isWouldBlock(err) {
		ch.mu.Lock()
		ch.blocked = true
		ch.mu.Unlock()
		tc.NotifyWritable(func() {
			ch.mu.Lock()
			ch.blocked = false
			ch.mu.Unlock()
			notify(ch.c, ch.c.d.OnSSHChannelReadyToSend, &SSHChannelReadyToSendEvent{ch.c.id, ch.id})
		})
	}
	return asError(err)
}
