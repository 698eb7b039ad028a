package transport_test

import (
	"errors"
	"testing"
	"testing/synctest"

	"github.com/hawser-ssh/hawser/transport"
	"github.com/hawser-ssh/hawser/wire"
)

// TestNotifyWritableWaits: while the peer reads nothing, whoever failed to
// write is not told to try again, or it would do nothing else.
func TestNotifyWritableWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, s := connect(t, transport.Config{}, transport.Config{})
		payload := wire.ChannelData{Data: make([]byte, 32<<10)}.Append(nil)
		var err error
		for err == nil {
			err = c.TryWritePacket(payload, nil)
			synctest.Wait() // the flusher takes what it can
		}
		if !errors.Is(err, transport.ErrWouldBlock) {
			t.Fatal(err)
		}
		told := make(chan struct{}, 1)
		c.NotifyWritable(func() { told <- struct{}{} })
		synctest.Wait()
		if len(told) > 0 {
			t.Error("told to write while nothing can be")
		}
		go func() {
			for {
				if _, err := s.ReadPacket(); err != nil {
					return
				}
			}
		}()
		<-told
		if err := c.TryWritePacket(payload, nil); err != nil {
			t.Errorf("told to write, but %v", err)
		}
	})
}
