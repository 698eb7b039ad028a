package transport_test

import (
	"testing"
	"testing/synctest"

	"github.com/hawser-ssh/hawser/transport"
	"github.com/hawser-ssh/hawser/wire"
)

// TestBeforeWait: what BeforeWait is given runs when all that has arrived is used up, and not between two packets of it.
func TestBeforeWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, s := connect(t, transport.Config{}, transport.Config{})
		const together = 5
		for range together {
			if err := c.WritePacket(nil, wire.ChannelData{Data: make([]byte, 100)}.Append(nil), nil); err != nil {
				t.Fatal(err)
			}
		}
		synctest.Wait()
		calls := 0
		s.BeforeWait(func() bool { calls++; return false })
		read := func(want int) {
			t.Helper()
			if _, err := s.ReadPacket(); err != nil {
				t.Fatal(err)
			}
			if calls != want {
				t.Errorf("called %d times, want %d", calls, want)
			}
		}
		for range together {
			read(1) // the first found nothing read yet
		}
		go func() {
			synctest.Wait()
			c.WritePacket(nil, wire.ChannelEOF{}.Append(nil), nil)
		}()
		read(2)
	})
}
