//go:build unix

package transport

import (
	"errors"
	"net"
	"os"
	"testing"
	"time"

	"github.com/hawser-ssh/hawser/wire"
)

// newSpelled returns a server's end over TCP, before anything was said, and the socket at its other end.
func newSpelled(t *testing.T) (c *Conn, peer net.Conn) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if peer, err = net.Dial("tcp", l.Addr().String()); err != nil {
		t.Fatal(err)
	}
	nc, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	c = newConn(nc, wire.Server, nil)
	t.Cleanup(func() { peer.Close(); nc.Close() })
	return c, peer
}

// TestSpellDeadline: a deadline that a spell has set for a reader between two packets does nothing to one that has begun to
// read a packet since, and ends a rest only once.
func TestSpellDeadline(t *testing.T) {
	for _, mayRest := range []bool{false, true} {
		c, peer := newSpelled(t)
		c.in.limit = largeBuffer
		c.in.mayRest.Store(mayRest)
		c.out.roused = true
		if err := c.nc.SetReadDeadline(time.Now()); err != nil {
			t.Fatal(err)
		}
		if mayRest {
			if err := c.readRaw(); err != errSilent {
				t.Errorf("silent: %v", err)
			}
		}
		if _, err := peer.Write([]byte("rest")); err != nil {
			t.Fatal(err)
		}
		if err := c.readRaw(); err != nil || c.in.n != 4 {
			t.Errorf("resting %v: %d bytes, %v", mayRest, c.in.n, err)
		}
	}
}

// TestForeignDeadline: one that somebody else has set is not ours to take away.
func TestForeignDeadline(t *testing.T) {
	c, _ := newSpelled(t)
	c.in.limit = largeBuffer
	if err := c.nc.SetReadDeadline(time.Now()); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := c.readRaw(); !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("%v", err)
		}
	}
}

// TestOwedIsNotReplied: where there was nothing left to send, the kernel has sent no acknowledgement with it.
func TestOwedIsNotReplied(t *testing.T) {
	c, _ := newSpelled(t)
	c.in.owes = true
	if c.sendOwed(); c.in.replied {
		t.Error("nothing was sent, and counts as a reply")
	}
	if c.in.owes {
		t.Error("still owed")
	}
}

// TestDirectWriteWakes: who waits for room in the buffer is woken also where a direct write made it.
func TestDirectWriteWakes(t *testing.T) {
	c, _ := newSpelled(t)
	o := &c.out
	o.mu.Lock()
	changed := o.changed()
	err := c.seal(wire.Ignore{}.Append(nil), nil)
	c.writeOut()
	o.mu.Unlock()
	if err != nil {
		t.Fatal(err)
	}
	<-changed
	c.joined.Wait()
}

// TestAttend: the main reader is told at once where nobody reads, and only there.
func TestAttend(t *testing.T) {
	for _, who := range []holder{mainReader, guest, nobody} {
		c, _ := newSpelled(t)
		c.turn.back, c.turn.who = make(chan struct{}, 1), who
		c.Attend()
		if told := len(c.turn.back) == 1; told != (who == nobody) || told && c.turn.who != mainReader {
			t.Errorf("%d reads: told %v, then %d", who, told, c.turn.who)
		}
	}
}
