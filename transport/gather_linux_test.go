package transport

import (
	"net"
	"syscall"
	"testing"
	"time"

	"github.com/hawser-ssh/hawser/wire"
)

// lowWater returns how many bytes make the socket of c readable.
func lowWater(t *testing.T, c *Conn) (n int) {
	t.Helper()
	err := c.raw.Control(func(fd uintptr) {
		var err error
		if n, err = syscall.GetsockoptInt(int(fd), syscall.SOL_SOCKET, syscall.SO_RCVLOWAT); err != nil {
			t.Error(err)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// TestGather: in the middle of a transfer the reader waits for much, and takes what there is where no more comes.
func TestGather(t *testing.T) {
	c, peer := newSpelled(t)
	c.in.limit = largeBuffer
	read := func(text string) {
		t.Helper()
		if _, err := peer.Write([]byte(text)); err != nil {
			t.Fatal(err)
		}
		if err := c.readRaw(); err != nil || c.in.n != len(text) {
			t.Fatalf("%d bytes of %q, %v", c.in.n, text, err)
		}
		c.in.gathered(c.in.n)
	}
	for range 2 {
		c.in.bulk = true
		for c.in.gathering.stream < max(c.in.gathering.after, gatherAfter) {
			if n := lowWater(t, c); n > 1 {
				t.Fatalf("waits for %d bytes after %d", n, c.in.gathering.stream)
			}
			c.in.gathered(smallBuffer)
		}
		if err := c.raw.Control(c.gather); err != nil {
			t.Fatal(err)
		}
		if n := lowWater(t, c); n != gatherBytes {
			t.Fatalf("waits for %d bytes in the middle of a transfer", n)
		}
		for hurried := false; !hurried; time.Sleep(gatherTime / 10) { // nothing else tells the reader of what is less
			c.out.mu.Lock()
			hurried = c.out.hurried
			c.out.mu.Unlock()
		}
		read("the rest")
		if n := lowWater(t, c); n > 1 || c.in.gathering.on {
			t.Fatalf("waits for %d bytes after a pause", n)
		}
		read("more")
		c.in.bulk = false
		read("a word")
		if c.in.gathering.stream != 0 {
			t.Error("what does not fill a buffer is taken for a transfer")
		}
	}
}

// TestGatherMuch: what makes the socket readable stops the timer.
func TestGatherMuch(t *testing.T) {
	c, peer := newSpelled(t)
	c.in.limit, c.in.bulk, c.in.gathering.stream = largeBuffer, true, gatherAfter
	if err := c.raw.Control(c.gather); err != nil {
		t.Fatal(err)
	}
	go peer.Write(make([]byte, 2*gatherBytes))
	if err := c.readRaw(); err != nil || c.in.n == 0 {
		t.Fatalf("%d bytes, %v", c.in.n, err)
	}
	c.in.gathered(c.in.n)
	if c.in.gathering.on && c.in.gathering.timer.Stop() {
		t.Error("the timer runs")
	}
}

// TestGatherSmall: what does not fill a buffer, and comes before the reader waits, leaves no transfer behind that nothing
// ends.
func TestGatherSmall(t *testing.T) {
	c, peer := newSpelled(t)
	c.in.limit, c.in.bulk, c.in.gathering.stream = largeBuffer, true, gatherAfter
	if err := c.raw.Control(c.gather); err != nil {
		t.Fatal(err)
	}
	c.in.gathered(gatherBytes)
	c.in.bulk = false
	c.in.gathered(100)
	go func() {
		for lowWater(t, c) > 1 { // until a wait without more has ended
			time.Sleep(gatherTime / 10)
		}
		peer.Write([]byte("a"))
	}()
	if err := c.readRaw(); err != nil || c.in.n != 1 {
		t.Errorf("%d bytes, %v", c.in.n, err)
	}
}

// TestGatherRarely: where pauses follow soon, as between replies to requests, a transfer must be longer and longer.
func TestGatherRarely(t *testing.T) {
	c, _ := newSpelled(t)
	g := &c.in.gathering
	for _, test := range []struct{ bytes, after int }{
		{gatherAfter, 2 * gatherAfter}, {2 * gatherAfter, 4 * gatherAfter}, {100 * gatherAfter, 0}, {gatherAfter, 2 * gatherAfter},
	} {
		g.stream = test.bytes
		if err := c.raw.Control(c.gather); err != nil {
			t.Fatal(err)
		}
		if !g.on {
			t.Fatalf("no transfer after %d bytes", test.bytes)
		}
		if c.paused(); g.after != test.after || g.on || g.stream != 0 {
			t.Fatalf("%+v, want after %d", *g, test.after)
		}
	}
	g.stream = gatherAfter
	if err := c.raw.Control(c.gather); err != nil || g.on {
		t.Errorf("a transfer, %v", err)
	}
}

// TestGatherRest: a reader that goes to rest in the middle of a transfer is woken by anything.
func TestGatherRest(t *testing.T) {
	c, peer := newSpelled(t)
	c.in.limit, c.in.bulk, c.in.gathering.stream = largeBuffer, true, gatherAfter
	if err := c.raw.Control(c.gather); err != nil {
		t.Fatal(err)
	}
	c.in.gathered(1) // the timer has stopped
	c.in.mayRest.Store(true)
	c.Rouse()
	if err := c.readRaw(); err != errSilent {
		t.Fatal(err)
	}
	go peer.Write([]byte("a"))
	if err := c.awaitInput(); err != nil {
		t.Error(err)
	}
}

// TestGatherElsewhere: a socket that cannot gather is read as ever.
func TestGatherElsewhere(t *testing.T) {
	l, err := net.Listen("unix", t.TempDir()+"/s")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	peer, err := net.Dial("unix", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer peer.Close()
	nc, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	c := newConn(nc, wire.Server, nil)
	c.in.gathering.stream = gatherAfter
	if err := c.raw.Control(c.gather); err != nil {
		t.Fatal(err)
	}
	if g := &c.in.gathering; g.on || g.stream != 0 || g.timer != nil {
		t.Errorf("%+v", g)
	}
}
