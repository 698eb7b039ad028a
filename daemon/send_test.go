package daemon

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hawser-ssh/hawser/connection"
	"github.com/hawser-ssh/hawser/transport/transporttest"
	"github.com/hawser-ssh/hawser/wire"
)

// peerSession logs a peer in and opens a session that may take window bytes.
// It returns our number of the channel.
func peerSession(t testing.TB, s *served, window uint32) (*transporttest.Peer, uint32) {
	t.Helper()
	p := peer(t, s)
	userauthService(t, p)
	p.Send(passwordRequest("alice", "secret"))
	if _, err := p.ReadMsg(wire.MsgUserauthSuccess); err != nil {
		t.Fatal(err)
	}
	p.Send(wire.ChannelOpen{Type: "session", Sender: 5, Window: window, MaxPacket: 1 << 15}.Append(nil))
	b, err := p.ReadMsg(wire.MsgChannelOpenConfirmation)
	var m wire.ChannelOpenConfirmation
	if err != nil || m.Parse(b) != nil {
		t.Fatal(err)
	}
	return p, m.Sender
}

// readData reads n bytes of data.
func readData(t testing.TB, p *transporttest.Peer, n int) string {
	t.Helper()
	var got []byte
	for len(got) < n {
		b, err := p.Read()
		if err != nil {
			t.Fatalf("after %d of %d bytes: %v", len(got), n, err)
		}
		var m wire.ChannelData
		if wire.Msg(b[0]) == wire.MsgChannelData && m.Parse(b) == nil {
			got = append(got, m.Data...)
		}
	}
	return string(got)
}

// TestReadyToSend: with timeout 0 a full window is error 10035, and
// OnSSHChannelReadyToSend fires when there is room again.
func TestReadyToSend(t *testing.T) {
	d := newDaemon(t)
	if err := d.SetDefaultTimeout(0); err != nil {
		t.Fatal(err)
	}
	r := record(d)
	p, number := peerSession(t, serve(t, d), 10)
	r.wait(t, "ReadyToSend 1")
	h, err := d.SSHChannel(1)
	if err != nil {
		t.Fatal(err)
	}
	if !h.ReadyToSend() || h.Service() != "session" || h.ChannelID() != 1 || h.ConnectionID() != 1 {
		t.Errorf("handle %v %q", h.ReadyToSend(), h.Service())
	}
	if err := d.SendBytes(1, []byte("0123456789")); err != nil || h.BytesSent() != 10 {
		t.Fatalf("first send: %v, %d bytes", err, h.BytesSent())
	}
	wantCode(t, d.SendText(1, "more"), CodeWouldBlock)
	if h.ReadyToSend() || h.BytesSent() != 0 {
		t.Errorf("ready %v, %d bytes sent", h.ReadyToSend(), h.BytesSent())
	}
	if got := readData(t, p, 10); got != "0123456789" {
		t.Errorf("got %q", got)
	}
	p.Send(wire.ChannelWindowAdjust{Recipient: number, Bytes: 100}.Append(nil))
	for range 1000 {
		if h.ReadyToSend() {
			break
		}
		p.Send(wire.GlobalRequest{Name: "x", WantReply: true}.Append(nil))
		p.ReadMsg(wire.MsgRequestFailure)
	}
	if err := h.SetDataToSend([]byte("more")); err != nil || h.BytesSent() != 4 {
		t.Fatalf("second send: %v, %d bytes", err, h.BytesSent())
	}
	if got := readData(t, p, 4); got != "more" {
		t.Errorf("got %q", got)
	}
	r.waitFor(t, "ReadyToSend 1", 2) // the event may be on its way yet
	ready := 0
	for _, l := range r.all() {
		if l == "ReadyToSend 1" {
			ready++
		}
	}
	if ready != 2 {
		t.Errorf("ReadyToSend fired %d times", ready)
	}
}

// TestSendTimeout: a client that takes nothing fails a send after Timeout of
// silence; one that takes a little renews it.
func TestSendTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDaemon(t)
		d.SetDefaultTimeout(10)
		s := serve(t, d)
		p, number := peerSession(t, s, 4)
		synctest.Wait()
		h, _ := d.SSHChannel(1)
		start := time.Now()
		wantCode(t, d.SendBytes(1, []byte("0123456789")), CodeTimedOut)
		// Four bytes went at once, which counts as progress.
		if took := time.Since(start); took != 20*time.Second && took != 10*time.Second || h.BytesSent() != 4 {
			t.Errorf("%v, %d bytes sent", took, h.BytesSent())
		}
		go func() {
			for range 3 {
				time.Sleep(9 * time.Second)
				p.Send(wire.ChannelWindowAdjust{Recipient: number, Bytes: 4}.Append(nil))
			}
		}()
		start = time.Now()
		if err := d.SendBytes(1, []byte("0123456789")); err != nil || h.BytesSent() != 10 {
			t.Errorf("%v, %d bytes sent", err, h.BytesSent())
		}
		if took := time.Since(start); took != 27*time.Second {
			t.Errorf("took %v", took)
		}
		s.client.Close()
		<-s.done
	})
}

// TestSendInsideEvent: a send inside a handler waits for the window, which is
// granted meanwhile.
func TestSendInsideEvent(t *testing.T) {
	d := newDaemon(t)
	sent := make(chan error, 1)
	d.OnSSHChannelDataIn = func(e *SSHChannelDataInEvent) { sent <- d.SendBytes(e.ChannelID, make([]byte, 1000)) }
	p, number := peerSession(t, serve(t, d), 1)
	p.Send(wire.ChannelData{Recipient: number, Data: []byte("go")}.Append(nil))
	readData(t, p, 1)
	p.Send(wire.ChannelWindowAdjust{Recipient: number, Bytes: 1000}.Append(nil))
	readData(t, p, 999)
	if err := <-sent; err != nil {
		t.Error(err)
	}
}

// TestConcurrentSends: sends from many goroutines arrive whole.
func TestConcurrentSends(t *testing.T) {
	d := newDaemon(t)
	const senders, size = 8, 100_000
	r := record(d)
	p, number := peerSession(t, serve(t, d), 1<<16)
	r.wait(t, "Opened 1")
	var sending sync.WaitGroup
	for i := range senders {
		sending.Go(func() {
			if err := d.SendBytes(1, bytes.Repeat([]byte{byte('a' + i)}, size)); err != nil {
				t.Errorf("sender %d: %v", i, err)
			}
		})
	}
	var all strings.Builder
	for all.Len() < senders*size {
		part := readData(t, p, 1)
		all.WriteString(part)
		p.Send(wire.ChannelWindowAdjust{Recipient: number, Bytes: uint32(len(part))}.Append(nil))
	}
	sending.Wait()
	changes := 0
	for i := 1; i < all.Len(); i++ {
		if all.String()[i] != all.String()[i-1] {
			changes++
		}
	}
	if changes != senders-1 {
		t.Errorf("%d changes of sender", changes)
	}
}

func TestRecordLength(t *testing.T) {
	d := newDaemon(t)
	r := record(d)
	wrap(&d.OnSSHChannelDataIn, func(e *SSHChannelDataInEvent) {
		if string(e.Data) == "efgh" { // from inside: shorter records from here on
			d.ChangeRecordLength(e.ChannelID, 3)
		}
		if string(e.Data) == "opq" {
			d.ChangeRecordLength(e.ChannelID, 0)
		}
	})
	p, number := peerSession(t, serve(t, d), 1)
	r.wait(t, "ReadyToSend")
	h, _ := d.SSHChannel(1)
	if err := h.SetRecordLength(4); err != nil || h.RecordLength() != 4 {
		t.Fatal(err)
	}
	wantCode(t, d.ChangeRecordLength(1, -1), CodeInvalidArgument)
	for _, data := range []string{"abc", "defghijkl", "m", "nopqrs"} {
		p.Send(wire.ChannelData{Recipient: number, Data: []byte(data)}.Append(nil))
		p.Send(wire.GlobalRequest{Name: "x", WantReply: true}.Append(nil))
		p.ReadMsg(wire.MsgRequestFailure)
	}
	d.ChangeRecordLength(1, 100)
	p.Send(wire.ChannelData{Recipient: number, Data: []byte("rest")}.Append(nil))
	p.Send(wire.ChannelEOF{Recipient: number}.Append(nil))
	r.wait(t, "EOF")
	all := slices.DeleteFunc(r.all(), func(l string) bool { return !strings.HasPrefix(l, "DataIn") && !strings.HasPrefix(l, "EOF") })
	expect(t, all, `DataIn 1 "abcd"`, `DataIn 1 "efgh"`, `DataIn 1 "ijk"`, `DataIn 1 "lmn"`, `DataIn 1 "opq"`,
		`DataIn 1 "rs"`, `DataIn 1 "rest"`, "EOF 1")
}

// TestExtendedData: a server sends it with its type. For the other way no
// type is defined, and the layer below drops it.
func TestExtendedData(t *testing.T) {
	d := newDaemon(t)
	d.OnSSHChannelDataIn = func(e *SSHChannelDataInEvent) {
		if e.DataType != 0 || string(e.Data) != "go" {
			t.Errorf("data %+v", e)
		}
		if err := d.SendExtendedData(e.ChannelID, 1, []byte("oops")); err != nil {
			t.Error(err)
		}
		wantCode(t, d.SendExtendedData(e.ChannelID, 0, nil), CodeInvalidArgument)
	}
	p, number := peerSession(t, serve(t, d), 100)
	p.Send(wire.ChannelExtendedData{Recipient: number, Code: 1, Data: []byte("ignored")}.Append(nil))
	p.Send(wire.ChannelData{Recipient: number, Data: []byte("go")}.Append(nil))
	b, err := p.ReadMsg(wire.MsgChannelExtendedData)
	var m wire.ChannelExtendedData
	if err != nil || m.Parse(b) != nil || m.Code != 1 || string(m.Data) != "oops" {
		t.Errorf("%+v, %v", m, err)
	}
}

func TestSendSSHPacket(t *testing.T) {
	d := newDaemon(t)
	r := record(d)
	p, _ := peerSession(t, serve(t, d), 100)
	r.wait(t, "Opened 1")
	build := func(fields ...string) (b []byte) {
		for i := 0; i < len(fields); i += 2 {
			var err error
			if b, err = d.SetSSHParam(b, fields[i], fields[i+1]); err != nil {
				t.Fatal(err)
			}
		}
		return b
	}
	for _, c := range []struct {
		typ     byte
		payload []byte
	}{
		{91, nil}, {92, build("i", "1")}, {93, nil}, {93, build("i", "1", "b", "1")}, {93, build("i", "0xffffffff")}, {94, []byte{0, 0, 0, 9}},
		{95, build("s", "x")}, {95, build("i", "0", "s", "x")}, {96, []byte{0}}, {97, []byte{0}}, {98, nil}, {98, build("s", "x")},
		{98, build("s", "exit-status", "f", "false")}, {98, build("s", "exit-status", "f", "false", "i", "1", "b", "0")},
		{98, build("s", "exit-signal", "f", "false", "s", "TERM")}, {99, []byte{0}}, {80, nil}, {80, build("s", "tcpip-forward", "f", "true")}, {82, []byte{0}},
		{79, nil}, {128, nil},
	} {
		wantCode(t, d.SendSSHPacket(1, c.typ, c.payload), CodeInvalidArgument) // and nothing leaves
	}
	for _, c := range []struct {
		typ     byte
		payload []byte
		want    []byte
	}{
		{98, build("s", "exit-status", "f", "false", "i", "3"),
			wire.ChannelRequest{Recipient: 5, Type: "exit-status", Payload: wire.ExitStatus{Status: 3}.Append(nil)}.Append(nil)},
		{98, build("s", "unknown@example.org", "f", "true", "sb", "c0ffee"),
			wire.ChannelRequest{Recipient: 5, Type: "unknown@example.org", WantReply: true, Payload: wire.AppendBytes(nil, []byte{0xc0, 0xff, 0xee})}.Append(nil)},
		{80, build("s", "hello@example.org", "f", "false"), wire.GlobalRequest{Name: "hello@example.org"}.Append(nil)},
		{93, build("i", "7"), wire.ChannelWindowAdjust{Recipient: 5, Bytes: 7}.Append(nil)},
		{94, build("s", "data"), wire.ChannelData{Recipient: 5, Data: []byte("data")}.Append(nil)},
		{95, build("i", "1", "s", "err"), wire.ChannelExtendedData{Recipient: 5, Code: 1, Data: []byte("err")}.Append(nil)},
		{127, []byte{1, 2, 3}, []byte{127, 1, 2, 3}},
		{96, nil, wire.ChannelEOF{Recipient: 5}.Append(nil)},
		{97, nil, wire.ChannelClose{Recipient: 5}.Append(nil)},
	} {
		if err := d.SendSSHPacket(1, c.typ, c.payload); err != nil {
			t.Fatalf("type %d: %v", c.typ, err)
		}
		if got, err := p.Read(); err != nil || !bytes.Equal(got, c.want) {
			t.Errorf("type %d: got %x, %v; want %x", c.typ, got, err, c.want)
		}
	}
	wantCode(t, d.SendSSHPacket(2, 98, nil), CodeInvalidID)
}

func TestInvalidIDs(t *testing.T) {
	d := newDaemon(t)
	for name, err := range map[string]error{
		"SendBytes":          d.SendBytes(7, nil),
		"SendText":           d.SendText(7, ""),
		"SendExtendedData":   d.SendExtendedData(7, 1, nil),
		"CloseChannel":       d.CloseChannel(7),
		"ChangeRecordLength": d.ChangeRecordLength(7, 0),
		"Disconnect":         d.Disconnect(7),
		"ExchangeKeys":       d.ExchangeKeys(7),
		"OpenChannel":        func() error { _, err := d.OpenChannel(7, "session"); return err }(),
		"OpenStream":         func() error { _, err := d.OpenStream(context.Background(), 7, "session", nil); return err }(),
		"SSHChannel":         func() error { _, err := d.SSHChannel(7); return err }(),
		"SSHConnection":      func() error { _, err := d.SSHConnection(7); return err }(),
		"UserAuthBanner":     func() error { _, err := d.Config("UserAuthBanner[7]=x"); return err }(),
	} {
		if !errors.Is(err, &Error{Code: CodeInvalidID}) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestStream: a channel in stream mode is the program's to read and write.
func TestStream(t *testing.T) {
	d := newDaemon(t)
	d.OnSSHChannelOpenRequest = func(e *SSHChannelOpenRequestEvent) { e.Accept, e.Stream = true, true }
	copied := make(chan struct{})
	d.OnSSHChannelRequested = func(e *SSHChannelRequestedEvent) {
		h, err := d.SSHChannel(e.ChannelID)
		if err != nil {
			t.Error(err)
			return
		}
		go func() {
			defer close(copied)
			io.Copy(h.Conn(), h.Conn())
			h.Conn().Stderr().Write([]byte("done"))
			h.Exit(9)
		}()
	}
	r := record(d)
	c, s := connect(t, d)
	big := strings.Repeat("0123456789", 500_000)
	out, err := run(t, c, "cat", big)
	if out != big || err == nil || !strings.Contains(err.Error(), "status 9") {
		t.Errorf("%d bytes, %v", len(out), err)
	}
	<-copied
	c.Close()
	<-s.done
	lines := r.all()
	expect(t, lines[5:], "OpenRequest 1 session", "Opened 1", "Request 1 exec", "Requested 1 exec", "Closed 1", "Disconnected 0 OK")
}

// TestOpenChannel opens channels to the client.
func TestOpenChannel(t *testing.T) {
	d := newDaemon(t)
	d.OnSSHChannelDataIn = func(e *SSHChannelDataInEvent) { d.SendBytes(e.ChannelID, e.Data); d.CloseChannel(e.ChannelID) }
	r := record(d)
	c, _ := connect(t, d)
	incoming := c.HandleChannelOpen("forwarded-tcpip")
	go func() {
		for req := range incoming {
			if !bytes.Contains(req.ExtraData(), []byte("origin")) {
				req.Reject(2, "no parameters")
				continue
			}
			ch, _, err := req.Accept()
			if err != nil {
				return
			}
			ch.Write([]byte("ping"))
			io.ReadAll(ch)
			ch.Close()
		}
	}()
	id := d.SSHConnections()[0].ConnectionID()
	r.wait(t, "UserAuth alice password")
	c.SendRequest("round-trip", true, nil)
	_, err := d.OpenChannel(id, "forwarded-tcpip")
	wantCode(t, err, CodeForwardConnection)
	if refused, ok := errors.AsType[*connection.OpenError](err); !ok || refused.Reason != 2 {
		t.Errorf("refused with %v", err)
	}
	_, err = d.OpenChannel(id, "session")
	wantCode(t, err, CodeForwardConnection)
	parameters := wire.DirectTCPIP{Host: "h", Port: 1, OriginHost: "origin", OriginPort: 2}.Append(nil)
	ch, err := d.OpenChannelWithParameters(id, "forwarded-tcpip", parameters)
	if err != nil {
		t.Fatal(err)
	}
	r.wait(t, fmt.Sprintf("Closed %d", ch))
	all := r.all()
	expect(t, all[slices.Index(all, fmt.Sprintf("Opened %d", ch)):], fmt.Sprintf("Opened %d", ch), fmt.Sprintf("ReadyToSend %d", ch),
		fmt.Sprintf("DataIn %d %q", ch, "ping"), fmt.Sprintf("Closed %d", ch))
	mc, err := d.OpenStream(context.Background(), id, "forwarded-tcpip", parameters)
	if err != nil {
		t.Fatal(err)
	}
	var b [4]byte
	if _, err := io.ReadFull(mc, b[:]); err != nil || string(b[:]) != "ping" {
		t.Errorf("%q, %v", b, err)
	}
	mc.Close()
}
