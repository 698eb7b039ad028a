package daemon

import (
	"net"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	xssh "golang.org/x/crypto/ssh"
)

// TestIdleTimeout: activity renews it, silence ends the connection.
func TestIdleTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDaemon(t)
		must(t, d, "DefaultIdleTimeout=100")
		c, s := connect(t, d)
		for range 5 {
			time.Sleep(90 * time.Second)
			if _, _, err := c.SendRequest("still-here", true, nil); err != nil {
				t.Fatal(err)
			}
		}
		start := time.Now()
		wantCode(t, <-s.done, CodeTimedOut)
		if took := time.Since(start); took < 100*time.Second || took > 103*time.Second {
			t.Errorf("ended after %v", took)
		}
		c.Close()
	})
}

// TestIdleTimeoutSlowClient: a client that takes its time over one packet is
// not silent.
func TestIdleTimeoutSlowClient(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDaemon(t)
		must(t, d, "DefaultIdleTimeout=100")
		s := serve(t, d)
		slow := &drippingConn{Conn: s.client}
		s.client = slow
		c, err := dial(s, clientConfig("alice", xssh.Password("secret")))
		if err != nil {
			t.Fatal(err)
		}
		slow.pause.Store(int64(90 * time.Second))
		start := time.Now()
		if _, _, err := c.SendRequest("still-here", true, make([]byte, 10_000)); err != nil {
			t.Error(err)
		}
		if took := time.Since(start); took < 200*time.Second {
			t.Errorf("the request took %v", took)
		}
		c.Close()
		<-s.done
	})
}

// drippingConn writes in pieces, a pause before each but the first.
type drippingConn struct {
	net.Conn
	pause atomic.Int64 // 0 for none
}

func (c *drippingConn) Write(p []byte) (n int, err error) {
	pause := time.Duration(c.pause.Load())
	if pause == 0 {
		return c.Conn.Write(p)
	}
	for piece := range slices.Chunk(p, (len(p)+3)/4) {
		if n > 0 {
			time.Sleep(pause)
		}
		k, err := c.Conn.Write(piece)
		if n += k; err != nil {
			return n, err
		}
	}
	return n, nil
}

// TestConnectionTimeoutHandler: the time that a handler takes over an attempt
// counts from the attempt on, and not from what the client said before.
func TestConnectionTimeoutHandler(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDaemon(t)
		must(t, d, "DefaultConnectionTimeout=5")
		judge := d.OnSSHUserAuthRequest
		d.OnSSHUserAuthRequest = func(e *SSHUserAuthRequestEvent) {
			if judge(e); e.AuthMethod == "password" {
				time.Sleep(4 * time.Second)
			}
		}
		s := serve(t, d)
		c, err := dial(s, clientConfig("alice", xssh.PasswordCallback(func() (string, error) {
			time.Sleep(4 * time.Second)
			return "secret", nil
		})))
		if err != nil {
			t.Fatal(err)
		}
		c.Close()
		<-s.done
	})
}

// TestConnectionTimeout: DefaultConnectionTimeout is for before the login.
func TestConnectionTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDaemon(t)
		must(t, d, "DefaultConnectionTimeout=5")
		s := serve(t, d)
		start := time.Now()
		wantCode(t, <-s.done, CodeTimedOut)
		if took := time.Since(start); took < 5*time.Second || took > 8*time.Second {
			t.Errorf("ended after %v", took)
		}
		c, s := connect(t, d)
		time.Sleep(time.Minute)
		if _, _, err := c.SendRequest("still-here", true, nil); err != nil {
			t.Error(err)
		}
		c.Close()
		<-s.done
	})
}
