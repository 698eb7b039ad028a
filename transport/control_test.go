package transport_test

import (
	"errors"
	"testing"
	"testing/synctest"

	"github.com/hawser-ssh/hawser/transport"
	"github.com/hawser-ssh/hawser/wire"
)

// replies writes n replies with payloads of size bytes, and then one too many.
func replies(t *testing.T, c *transport.Conn, n, size int) {
	t.Helper()
	payload := make([]byte, size)
	payload[0] = byte(wire.MsgIgnore)
	for i := range n {
		if err := c.WriteControl(payload); err != nil {
			t.Fatalf("reply %d of %d: %v", i+1, n, err)
		}
	}
	err := c.WriteControl([]byte{byte(wire.MsgIgnore)})
	var protocol *wire.ProtocolError
	if !errors.Is(err, transport.ErrControlOverflow) || !errors.As(err, &protocol) || protocol.Reason != wire.ReasonProtocolError {
		t.Fatalf("one more than %d replies of %d bytes: %v", n, size, err)
	}
	if !errors.Is(c.Err(), transport.ErrControlOverflow) {
		t.Errorf("the connection ended with %v", c.Err())
	}
}

// TestControlLimits has replies pile up to each limit, and one above, while an
// exchange keeps them back and while the peer reads nothing.
func TestControlLimits(t *testing.T) {
	for name, limit := range map[string]struct {
		cfg     transport.Config
		n, size int
	}{
		"messages":           {transport.Config{}, transport.DefaultControlMessages, 5},
		"bytes":              {transport.Config{}, transport.DefaultControlBytes / (16 << 10), 16 << 10},
		"configured":         {transport.Config{ControlMessages: 3}, 3, 5},
		"bytes, as we chose": {transport.Config{ControlBytes: 100}, 5, 20},
	} {
		t.Run(name+", in a re-key", func(t *testing.T) {
			s := attack(t, wire.Server, limit.cfg)
			must(t, s.peer.Handshake())
			must(t, <-s.handshake)
			s.login(t)
			go s.Rekey(t.Context())
			must(t, s.peer.ReadKexInit())
			replies(t, s.Conn, limit.n, limit.size)
		})
		t.Run(name+", to a peer that does not read", func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c, _ := connect(t, limit.cfg, transport.Config{})
				for c.TryWritePacket(make([]byte, 32<<10), nil) == nil {
					synctest.Wait() // until the flusher is stuck
				}
				for range limit.n / 2 {
					must(t, c.WriteControl(make([]byte, limit.size)))
				}
				replies(t, c, limit.n-limit.n/2, limit.size)
			})
		})
	}
}

// TestControlBeingWritten: replies count until they have left. An exchange
// lets so many go at once that the flusher is stuck with them.
func TestControlBeingWritten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := attack(t, wire.Server, transport.Config{ControlBytes: 4 << 20})
		must(t, s.peer.Handshake())
		must(t, <-s.handshake)
		s.login(t)
		go s.Rekey(t.Context())
		must(t, s.peer.ReadKexInit())
		for range 100 {
			must(t, s.WriteControl(make([]byte, 32<<10)))
		}
		must(t, s.peer.SendKexInit())
		must(t, s.peer.Agree())
		must(t, s.peer.SendNewKeys())
		must(t, s.peer.ReadNewKeys())
		synctest.Wait()
		replies(t, s.Conn, transport.DefaultControlMessages-100, 5)
	})
}
