package transport_test

import (
	"net"
	"runtime"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hawser-ssh/hawser/transport"
	"github.com/hawser-ssh/hawser/transport/sshkey"
	"github.com/hawser-ssh/hawser/transport/transporttest"
	"github.com/hawser-ssh/hawser/wire"
)

// pausing sends what is written in two parts, a pause between them.
type pausing struct {
	net.Conn
	pause time.Duration
}

func (p *pausing) Write(b []byte) (int, error) {
	n, err := p.Conn.Write(b[:len(b)/2])
	if err != nil {
		return n, err
	}
	time.Sleep(p.pause)
	m, err := p.Conn.Write(b[len(b)/2:])
	return n + m, err
}

// TestLastTraffic: whatever comes or goes counts, a part of a packet as much as
// all of it, and nothing else does.
func TestLastTraffic(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := transporttest.Pipe()
		slow := &pausing{Conn: a}
		c := transport.Client(slow, &transport.Config{VerifyHostKey: trustAny})
		s := transport.Server(b, &transport.Config{HostKeys: []sshkey.Signer{hostKey(t)}})
		s.WatchTraffic()
		begin := time.Now()
		check := func(what string) {
			t.Helper()
			synctest.Wait()
			if last := s.LastTraffic(); !last.Equal(begin) {
				t.Errorf("%s: %v after the step began", what, last.Sub(begin))
			}
			time.Sleep(time.Minute)
			if last := s.LastTraffic(); !last.Equal(begin) {
				t.Errorf("%s: it moves on by itself", what)
			}
			begin = time.Now()
		}
		check("before the handshake")
		handshakes(t, c, s)
		go s.ReadPackets(func([]byte) error { return nil })
		go c.ReadPackets(func([]byte) error { return nil })
		check("handshake")
		if err := s.WritePacket(nil, data("to the client"), nil); err != nil {
			t.Error(err)
		}
		check("outgoing")
		slow.pause = time.Minute
		if err := c.WritePacket(nil, data("to the server"), nil); err != nil {
			t.Error(err)
		}
		synctest.Wait()
		if last := s.LastTraffic(); !last.Equal(begin) {
			t.Errorf("half a packet: %v", last.Sub(begin))
		}
		begin = begin.Add(slow.pause)
		time.Sleep(slow.pause)
		check("the other half")
		if !c.LastTraffic().IsZero() {
			t.Error("kept without being asked for")
		}
		s.Close()
		c.Close()
	})
}

// TestLastTrafficSocket is the same over a socket, which is read and written in
// other ways.
func TestLastTrafficSocket(t *testing.T) {
	a, b := loopback(t)
	c := transport.Client(a, &transport.Config{VerifyHostKey: trustAny})
	s := transport.Server(b, &transport.Config{HostKeys: []sshkey.Signer{hostKey(t)}})
	s.WatchTraffic()
	handshakes(t, c, s)
	ended := make(chan error, 2)
	for _, conn := range []*transport.Conn{c, s} {
		go func() { ended <- conn.ReadPackets(func([]byte) error { return nil }) }()
	}
	for _, size := range []int{10, 100_000} { // by the writer itself, and by the flusher
		for _, conn := range []*transport.Conn{c, s} {
			begin := time.Now()
			if err := conn.WritePacket(nil, data(string(make([]byte, size))), nil); err != nil {
				t.Fatal(err)
			}
			for !s.LastTraffic().After(begin) {
				runtime.Gosched()
			}
		}
	}
	s.Close()
	<-ended
	<-ended
}

func data(text string) []byte { return wire.ChannelData{Data: []byte(text)}.Append(nil) }
