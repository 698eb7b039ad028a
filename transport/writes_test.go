package transport_test

import (
	"net"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"github.com/hawser-ssh/hawser/transport"
	"github.com/hawser-ssh/hawser/transport/sshkey"
	"github.com/hawser-ssh/hawser/transport/transporttest"
	"github.com/hawser-ssh/hawser/wire"
)

// writeCounter counts the writes to a connection.
type writeCounter struct {
	net.Conn
	n atomic.Int64
}

func (w *writeCounter) Write(p []byte) (int, error) {
	w.n.Add(1)
	return w.Conn.Write(p)
}

// TestHandshakeWrites: what a side says without hearing anything in between leaves with one write.
func TestHandshakeWrites(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := transporttest.Pipe()
		ca, cb := &writeCounter{Conn: a}, &writeCounter{Conn: b}
		c := transport.Client(ca, &transport.Config{VerifyHostKey: trustAny})
		s := transport.Server(cb, &transport.Config{HostKeys: []sshkey.Signer{hostKey(t)}})
		t.Cleanup(func() { c.Close(); s.Close() })
		most := func(what string, client, server int64) {
			t.Helper()
			if ca.n.Swap(0) > client || cb.n.Swap(0) > server {
				t.Errorf("%s: more than %d writes of the client, or %d of the server", what, client, server)
			}
		}
		result := make(chan error, 1)
		go func() { result <- s.Handshake(t.Context()) }()
		synctest.Wait()
		most("server alone", 0, 1) // identification and KEXINIT
		if err := c.Handshake(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := <-result; err != nil {
			t.Fatal(err)
		}
		// The client's identification and KEXINIT, its KEX_ECDH_INIT, and its NEWKEYS; the server's KEX_ECDH_REPLY, NEWKEYS and
		// EXT_INFO.
		most("key exchange", 3, 1)

		const together = 3
		for range together {
			must(t, c.WriteReply(wire.ServiceRequest{Name: "ssh-userauth"}.Append(nil)))
		}
		synctest.Wait()
		most("before the reader waits", 0, 0)
		go c.ReadPacket()
		for range together {
			if _, err := s.ReadPacket(); err != nil {
				t.Fatal(err)
			}
			must(t, s.WriteReply(wire.ServiceAccept{Name: "ssh-userauth"}.Append(nil)))
		}
		must(t, s.WriteReply(wire.UserauthSuccess{}.Append(nil)))
		most("before SetAuthenticated", 1, 0)
		s.SetAuthenticated()
		synctest.Wait()
		most("authenticated", 0, 1)
	})
}

// TestReadAgain: a reader that has met the end meets it again.
func TestReadAgain(t *testing.T) {
	c, s := connect(t, transport.Config{}, transport.Config{})
	must(t, c.WritePacket(nil, wire.ChannelEOF{}.Append(nil), nil))
	if _, err := s.ReadPacket(); err != nil {
		t.Fatal(err)
	}
	c.Close()
	_, first := s.ReadPacket()
	if _, again := s.ReadPacket(); first == nil || again == nil || again.Error() != first.Error() {
		t.Errorf("first %v, then %v", first, again)
	}
}
