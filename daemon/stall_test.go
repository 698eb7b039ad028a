package daemon

import (
	"bytes"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hawser-ssh/hawser/transport/transporttest"
	"github.com/hawser-ssh/hawser/wire"
)

// sink reads what a client was sent, on a goroutine of its own, and counts the
// data; it grants no window.
type sink struct {
	data   int
	broken bool // data is not the pattern of fill
	ended  chan struct{}
}

// fill returns n bytes of a pattern that goes on at offset.
func fill(offset, n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte((offset + i) % 251)
	}
	return b
}

func drainPeer(p *transporttest.Peer) *sink {
	s := &sink{ended: make(chan struct{})}
	go func() {
		defer close(s.ended)
		for {
			b, err := p.Read()
			if err != nil {
				return
			}
			var m wire.ChannelData
			if wire.Msg(b[0]) == wire.MsgChannelData && m.Parse(b) == nil {
				s.broken = s.broken || !bytes.Equal(m.Data, fill(s.data, len(m.Data)))
				s.data += len(m.Data)
			}
		}
	}()
	return s
}

// stalls are the two ways in which a client takes no more data.
var stalls = map[string]uint32{
	"window closed": 1 << 18,   // all that it lets us send
	"socket stalls": 1<<32 - 1, // more than the connection takes
}

// TestStallNoWait: with Timeout 0 a send takes all or nothing and returns at
// once; what was taken arrives, and then it goes on.
func TestStallNoWait(t *testing.T) {
	for name, window := range stalls {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				d := newDaemon(t)
				d.SetDefaultTimeout(0)
				r := record(d)
				s := serve(t, d)
				p, number := peerSession(t, s, window)
				synctest.Wait()
				h, _ := d.SSHChannel(1)
				start, sent := time.Now(), 0
				for refusals := 0; refusals < 2; { // after the first one the flusher may have found room
					size := []int{1, 100, 100_000}[min(sent, 2)]
					err := d.SendBytes(1, fill(sent, size))
					if err != nil {
						wantCode(t, err, CodeWouldBlock)
						refusals++
						synctest.Wait()
						continue
					}
					if refusals = 0; h.BytesSent() != size {
						t.Errorf("%d of %d bytes sent", h.BytesSent(), size)
					}
					sent += size
				}
				more := fill(sent, 100_000)
				wantCode(t, h.SetDataToSend(more), CodeWouldBlock)
				wantCode(t, d.SendText(1, string(more)), CodeWouldBlock)
				wantCode(t, d.SendChannelData(1, more), CodeWouldBlock)
				if h.ReadyToSend() || h.BytesSent() != 0 || time.Since(start) != 0 {
					t.Errorf("ready %v, %d bytes sent, after %v", h.ReadyToSend(), h.BytesSent(), time.Since(start))
				}
				got := drainPeer(p)
				synctest.Wait()
				if name == "window closed" {
					if h.ReadyToSend() {
						t.Error("ready without a window")
					}
					p.Send(wire.ChannelWindowAdjust{Recipient: number, Bytes: 1 << 20}.Append(nil))
					synctest.Wait()
				}
				r.waitFor(t, "ReadyToSend 1", 2)
				if err := d.SendBytes(1, fill(sent, 1000)); err != nil || !h.ReadyToSend() {
					t.Errorf("afterwards: %v, ready %v", err, h.ReadyToSend())
				}
				synctest.Wait()
				s.client.Close()
				<-s.done
				<-got.ended
				if got.data != sent+1000 || got.broken {
					t.Errorf("%d bytes sent, %d arrived, broken %v", sent+1000, got.data, got.broken)
				}
			})
		})
	}
}

// TestStallTimeout: with a Timeout a send waits until nothing has moved for so
// long, and BytesSent tells what has been taken; it arrives, and no more.
func TestStallTimeout(t *testing.T) {
	for name, window := range stalls {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				d := newDaemon(t)
				d.SetDefaultTimeout(10)
				s := serve(t, d)
				p, number := peerSession(t, s, window)
				synctest.Wait()
				h, _ := d.SSHChannel(1)
				start := time.Now()
				wantCode(t, d.SendBytes(1, fill(0, 8<<20)), CodeTimedOut)
				sent := h.BytesSent()
				if took := time.Since(start); took < 10*time.Second || took > 20*time.Second || sent == 0 || sent >= 8<<20 {
					t.Errorf("%d bytes sent in %v", sent, took)
				}
				start = time.Now()
				wantCode(t, d.SendBytes(1, fill(sent, 64<<10)), CodeTimedOut)
				if took := time.Since(start); took != 10*time.Second || h.BytesSent() != 0 {
					t.Errorf("%d bytes sent in %v", h.BytesSent(), took)
				}
				h2, _ := d.SSHConnection(1)
				h2.SetTimeout(1)
				start = time.Now()
				wantCode(t, d.SendBytes(1, fill(sent, 64<<10)), CodeTimedOut)
				if took := time.Since(start); took != time.Second {
					t.Errorf("with another Timeout: %v", took)
				}
				h2.SetTimeout(10)
				later := make(chan error, 1)
				go func() { later <- d.SendBytes(1, fill(sent, 1<<20)) }() // waits, and is let go on
				time.Sleep(9 * time.Second)
				got := drainPeer(p)
				if name == "window closed" {
					p.Send(wire.ChannelWindowAdjust{Recipient: number, Bytes: 1 << 20}.Append(nil))
				}
				if err := <-later; err != nil || h.BytesSent() != 1<<20 {
					t.Errorf("afterwards: %v, %d bytes", err, h.BytesSent())
				}
				synctest.Wait()
				s.client.Close()
				<-s.done
				<-got.ended
				if got.data != sent+1<<20 || got.broken {
					t.Errorf("%d bytes sent, %d arrived, broken %v", sent+1<<20, got.data, got.broken)
				}
			})
		})
	}
}

// TestStallEnd: a send that waits ends with the channel and with the connection,
// and neither waits for a client that does not read.
func TestStallEnd(t *testing.T) {
	for name, window := range stalls {
		for how, end := range map[string]func(d *Daemon){
			"CloseChannel": func(d *Daemon) { d.CloseChannel(1) },
			"Disconnect":   func(d *Daemon) { d.Disconnect(1) },
			"Shutdown":     func(d *Daemon) { d.Shutdown() },
		} {
			t.Run(name+", "+how, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					d := newDaemon(t)
					d.SetDefaultTimeout(3600)
					s := serve(t, d)
					peerSession(t, s, window)
					synctest.Wait()
					sent := make(chan error, 1)
					go func() { sent <- d.SendBytes(1, make([]byte, 8<<20)) }()
					synctest.Wait()
					start := time.Now()
					end(d)
					wantCode(t, <-sent, CodeNotConnected)
					if took := time.Since(start); took > 10*time.Second {
						t.Errorf("after %v", took)
					}
					s.client.Close()
					<-s.done
				})
			})
		}
	}
}

// TestFirstWindow: a channel that opens without a window is not ready to send,
// and says so when it is.
func TestFirstWindow(t *testing.T) {
	d := newDaemon(t)
	d.SetDefaultTimeout(0)
	r := record(d)
	p, number := peerSession(t, serve(t, d), 0)
	p.Send(wire.GlobalRequest{Name: "round-trip", WantReply: true}.Append(nil))
	if _, err := p.ReadMsg(wire.MsgRequestFailure); err != nil {
		t.Fatal(err)
	}
	h, err := d.SSHChannel(1)
	if err != nil || h.ReadyToSend() {
		t.Errorf("ready %v, %v", h.ReadyToSend(), err)
	}
	p.Send(wire.ChannelWindowAdjust{Recipient: number, Bytes: 10}.Append(nil))
	r.wait(t, "ReadyToSend 1")
	if err := d.SendText(1, "0123456789"); err != nil || readData(t, p, 10) != "0123456789" || h.ReadyToSend() {
		t.Errorf("sent: %v, ready %v", err, h.ReadyToSend())
	}
	p.Send(wire.ChannelWindowAdjust{Recipient: number, Bytes: 10}.Append(nil))
	r.waitFor(t, "ReadyToSend 1", 2) // though no send has failed
	lines := r.all()
	expect(t, lines[len(lines)-4:], "Opened 1", "GlobalRequest round-trip", "ReadyToSend 1", "ReadyToSend 1")
}

// TestRecordAtClose: a record that was begun is delivered where the client
// closes the channel without an EOF, and not where the program does.
func TestRecordAtClose(t *testing.T) {
	for _, ours := range []bool{false, true} {
		d := newDaemon(t)
		r := record(d)
		s := serve(t, d)
		p, number := peerSession(t, s, 100)
		r.wait(t, "ReadyToSend")
		d.ChangeRecordLength(1, 10)
		p.Send(wire.ChannelData{Recipient: number, Data: []byte("0123456789abc")}.Append(nil))
		r.wait(t, "DataIn")
		want := []string{`DataIn 1 "0123456789"`, `DataIn 1 "abc"`, "Closed 1"}
		if ours {
			d.CloseChannel(1)
			want = slices.Delete(want, 1, 2)
		}
		p.Send(wire.ChannelClose{Recipient: number}.Append(nil))
		r.wait(t, "Closed")
		lines := r.all()
		expect(t, lines[len(lines)-len(want):], want...)
	}
}
