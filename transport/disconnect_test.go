package transport_test

import (
	"errors"
	"net"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hawser-ssh/hawser/transport"
	"github.com/hawser-ssh/hawser/transport/sshkey"
	"github.com/hawser-ssh/hawser/transport/transporttest"
)

// stuckConn knows no deadlines, and its writes stop when told to.
type stuckConn struct {
	net.Conn
	stuck  chan struct{} // closed: writes wait
	closed chan struct{}
}

func (c *stuckConn) SetWriteDeadline(time.Time) error { return errors.ErrUnsupported }

func (c *stuckConn) Write(p []byte) (int, error) {
	select {
	case <-c.stuck:
		<-c.closed
		return 0, net.ErrClosed
	default:
		return c.Conn.Write(p)
	}
}

func (c *stuckConn) Close() error {
	select {
	case <-c.closed:
	default:
		close(c.closed)
	}
	return c.Conn.Close()
}

// Close does not wait for ever for a peer that reads nothing, even where there
// are no write deadlines.
func TestCloseWithoutDeadlines(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := transporttest.Pipe()
		stuck := &stuckConn{Conn: a, stuck: make(chan struct{}), closed: make(chan struct{})}
		c := transport.Client(stuck, &transport.Config{VerifyHostKey: trustAny})
		s := transport.Server(b, &transport.Config{HostKeys: []sshkey.Signer{hostKey(t)}})
		handshakes(t, c, s)
		close(stuck.stuck)
		begin := time.Now()
		c.Close()
		if waited := time.Since(begin); waited == 0 || waited > 10*time.Second {
			t.Errorf("Close waited %v", waited)
		}
	})
}
