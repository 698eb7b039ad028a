package connection

import (
	"sync"
	"testing"

	"github.com/hawser-ssh/hawser/wire"
)

// TestDropWhileReceiving: data that arrives while the queue is given up counts
// as taken, or the peer could never send again.
func TestDropWhileReceiving(t *testing.T) {
	near, far := newLink()
	go func() {
		for {
			if _, err := far.ReadPacket(); err != nil {
				return
			}
		}
	}()
	defer near.Close()
	const packet = 4 * largeChunk
	m := New(near, wire.Client, &Config{Window: packet, MaxPacket: packet})
	data := make([]byte, packet)
	for range 2000 {
		c := m.newChannel(typeSession, nil)
		c.windowSize, c.recvWindow = packet, packet
		var all sync.WaitGroup
		all.Go(func() {
			if err := c.receive(stdoutCode, data); err != nil {
				t.Error(err)
			}
		})
		all.Go(func() {
			if err := c.CloseRead(); err != nil {
				t.Error(err)
			}
		})
		all.Wait()
		if c.recvWindow+c.credit != packet {
			t.Fatalf("window of %d and %d to be granted, of %d", c.recvWindow, c.credit, packet)
		}
	}
}

// TestCloseGivesWindowBack: where CLOSE has to wait for the peer's window, the
// peer may be waiting for ours before it reads on.
func TestCloseGivesWindowBack(t *testing.T) {
	h, got := accepting(nil)
	script(t, wire.Server, &Config{Handler: h, Window: 1000, MaxPacket: 1000}, func(p *raw) {
		p.send(wire.ChannelOpen{Type: typeSession, Sender: 7, Window: 10, MaxPacket: 10})
		p.next()
		c := <-got
		if err := c.TryWrite(stdoutCode, make([]byte, 15)); err != nil {
			t.Fatal(err)
		}
		p.expect(wire.ChannelData{Recipient: 7, Data: make([]byte, 10)})
		p.send(wire.ChannelData{Recipient: c.ID(), Data: make([]byte, 1000)})
		p.silence()
		if err := c.Close(); err != nil {
			t.Fatal(err)
		}
		p.expect(wire.ChannelWindowAdjust{Recipient: 7, Bytes: 1000})
		p.send(wire.ChannelWindowAdjust{Recipient: c.ID(), Bytes: 10})
		p.expect(wire.ChannelData{Recipient: 7, Data: make([]byte, 5)}, wire.ChannelClose{Recipient: 7})
		p.silence()
	})
}
