package transport_test

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"

	"github.com/hawser-ssh/hawser/transport"
	"github.com/hawser-ssh/hawser/wire"
)

// TestSmallestMaxPacket: what RFC 4253 §6.1 wants accepted is, whatever the
// Config says, and not one block more.
func TestSmallestMaxPacket(t *testing.T) {
	inBothRoles(t, func(t *testing.T, role wire.Role) {
		s := attack(t, role, transport.Config{MaxPacket: 1})
		s.peer.Offer("aes128-ctr", "hmac-sha2-256")
		must(t, s.peer.Handshake())
		s.login(t)
		const overhead, padding, block = 1 + 5, 4, 16 // of an IGNORE; the length field counts for the block
		largest := (transport.MinMaxPacket+4)/block*block - 4
		for _, length := range []int{largest, largest + block} {
			p := wire.Ignore{Data: make([]byte, length-overhead-padding)}.Append(nil)
			must(t, s.peer.SendRaw(s.peer.Seal(s.peer.FrameWith(uint32(length), padding, p, padding))))
			if length == largest {
				s.alive(t)
			}
		}
		s.dropped(t, wire.ReasonProtocolError)
	})
}

// TestDebugLines: a peer can make us log this often, and no more.
func TestDebugLines(t *testing.T) {
	const most = 16
	var log bytes.Buffer
	logger := slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	s := attack(t, wire.Server, transport.Config{Logger: logger})
	must(t, s.peer.Handshake())
	s.login(t)
	for range most + 1 {
		must(t, s.peer.Send(wire.Debug{Message: "a line\n"}.Append(nil)))
	}
	s.alive(t) // the reader is past them
	s.peer.Conn.Close()
	<-s.end
	if n := strings.Count(log.String(), "msg=debug"); n != most {
		t.Errorf("%d lines, want %d:\n%s", n, most, &log)
	}
}
