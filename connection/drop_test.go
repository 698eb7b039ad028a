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
