package connection

import (
	"testing"
	"testing/synctest"

	"github.com/hawser-ssh/hawser/wire"
)

// Who waits for data is woken once for all packets that arrived together.
func TestReaderWokenOncePerBatch(t *testing.T) {
	scriptOpen(t, wire.Server, nil, nil, func(p *raw, c *Channel) {
		read := make(chan int, 1)
		go func() {
			n, _ := c.Read(make([]byte, 1<<10))
			read <- n
		}()
		p.sendTogether(c, 3, 100)
		if n := <-read; n != 300 {
			t.Errorf("the first read has %d bytes of 300", n)
		}
	})
}

// The same for callbacks: they are lent all of it at once.
func TestDataCallbackOncePerBatch(t *testing.T) {
	lent := make(chan int, 3)
	ev := &Events{Data: func(_ *Channel, _ uint32, b []byte) { lent <- len(b) }}
	scriptOpen(t, wire.Server, nil, ev, func(p *raw, c *Channel) {
		p.sendTogether(c, 3, 100)
		if n := <-lent; n != 300 {
			t.Errorf("the first callback has %d bytes of 300", n)
		}
	})
}

// What has arrived when the connection ends is told all the same.
func TestBatchCutOffByTheEnd(t *testing.T) {
	lent := make(chan int, 3)
	ev := &Events{Data: func(_ *Channel, _ uint32, b []byte) { lent <- len(b) }}
	scriptOpen(t, wire.Server, nil, ev, func(p *raw, c *Channel) {
		p.stall(true)
		p.send(wire.ChannelData{Recipient: c.ID(), Data: make([]byte, 100)}, wire.ChannelData{Recipient: c.ID() + 1})
		p.stall(false)
		p.dropped()
		if n := <-lent; n != 100 {
			t.Errorf("a callback has %d bytes of 100", n)
		}
	})
}

// sendTogether has the mux find n packets of size bytes each in one go.
func (p *raw) sendTogether(c *Channel, n, size int) {
	p.t.Helper()
	p.stall(true)
	for range n {
		p.send(wire.ChannelData{Recipient: c.ID(), Data: make([]byte, size)})
	}
	synctest.Wait()
	p.stall(false)
}
