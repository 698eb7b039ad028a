package connection

import (
	"bytes"
	"errors"
	"io"
	"net"
	"testing"
	"testing/synctest"

	"github.com/hawser-ssh/hawser/wire"
)

// TryWrite takes all or nothing; Writable comes once for each refusal.
func TestTryWriteWindow(t *testing.T) {
	ready := 0
	ev := &Events{Writable: func(*Channel) { ready++ }}
	scriptOpen(t, wire.Server, nil, ev, func(p *raw, c *Channel) {
		c.mu.Lock()
		c.sendWindow = 5
		c.mu.Unlock()
		buf := []byte("abc")
		if err := c.TryWrite(stdoutCode, buf); err != nil {
			t.Fatal(err)
		}
		copy(buf, "xxx") // it was copied
		p.expect(wire.ChannelData{Recipient: 7, Data: []byte("abc")})
		if err := c.TryWrite(stderrCode, []byte("defgh")); err != nil { // exceeds the window: taken, and kept
			t.Fatal(err)
		}
		p.expect(wire.ChannelExtendedData{Recipient: 7, Code: 1, Data: []byte("de")})
		p.silence()
		for range 3 {
			if err := c.TryWrite(stdoutCode, []byte("i")); err != ErrWouldBlock {
				t.Fatal(err)
			}
		}
		waited := make(chan error, 1)
		go func() {
			_, err := c.Write([]byte("jk"))
			waited <- err
		}()
		p.silence()
		p.send(wire.ChannelWindowAdjust{Recipient: c.ID(), Bytes: 2})
		p.expect(wire.ChannelExtendedData{Recipient: 7, Code: 1, Data: []byte("fg")})
		p.silence()
		if ready != 0 {
			t.Fatal("ready, while something is left")
		}
		p.send(wire.ChannelWindowAdjust{Recipient: c.ID(), Bytes: 10})
		p.expect(wire.ChannelExtendedData{Recipient: 7, Code: 1, Data: []byte("h")})
		p.expect(wire.ChannelData{Recipient: 7, Data: []byte("jk")}) // after what was taken before
		if err := <-waited; err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if ready != 1 {
			t.Fatalf("ready %d times", ready)
		}
		if err := c.TryWrite(stdoutCode, nil); err != nil {
			t.Fatal(err)
		}
	})
}

func TestTryWriteTransport(t *testing.T) {
	ready := make(chan struct{}, 10)
	ev := &Events{Writable: func(*Channel) { ready <- struct{}{} }}
	h, got := accepting(ev)
	script(t, wire.Server, &Config{Handler: h}, func(p *raw) {
		a, b := p.opens(typeSession, 1, got), p.opens(typeSession, 2, got)
		p.near.stall(true)
		block := make([]byte, 100_000)
		n := 0
		for ; a.TryWrite(stdoutCode, block) == nil; n++ {
		}
		if n < 2 || n > 3 {
			t.Fatalf("%d blocks taken", n)
		}
		if err := b.TryWrite(stdoutCode, block); err != ErrWouldBlock {
			t.Fatal(err)
		}
		synctest.Wait()
		if len(ready) != 0 {
			t.Fatal("ready, while the peer reads nothing")
		}
		a.CloseWrite() // comes after what was taken
		p.near.stall(false)
		for sent := 0; sent < n*len(block); {
			var msg wire.ChannelData
			if err := msg.Parse(p.next()); err != nil {
				t.Fatal(err)
			}
			sent += len(msg.Data)
		}
		p.expect(wire.ChannelEOF{Recipient: 1})
		synctest.Wait()
		if len(ready) != 2 {
			t.Fatalf("%d channels are ready, want 2", len(ready))
		}
	})
}

// What TryWrite has taken goes out before CLOSE, unless the peer closes first.
func TestTryWriteThenClose(t *testing.T) {
	for _, peerFirst := range []bool{false, true} {
		scriptOpen(t, wire.Server, nil, nil, func(p *raw, c *Channel) {
			c.mu.Lock()
			c.sendWindow = 1
			c.mu.Unlock()
			if err := c.TryWrite(stdoutCode, []byte("abc")); err != nil {
				t.Fatal(err)
			}
			p.expect(wire.ChannelData{Recipient: 7, Data: []byte("a")})
			if peerFirst {
				p.send(wire.ChannelClose{Recipient: c.ID()})
				p.expect(wire.ChannelClose{Recipient: 7})
				if err := c.TryWrite(stdoutCode, []byte("x")); !errors.Is(err, net.ErrClosed) {
					t.Fatal(err)
				}
				return
			}
			c.Close()
			p.silence()
			p.send(wire.ChannelWindowAdjust{Recipient: c.ID(), Bytes: 5})
			p.expect(wire.ChannelData{Recipient: 7, Data: []byte("bc")}, wire.ChannelClose{Recipient: 7})
			p.send(wire.ChannelClose{Recipient: c.ID()})
			p.alive()
			p.empty()
		})
	}
}

// EOF and CLOSE wait for a packet that is on its way to the transport; a
// Write that still waits is given up.
func TestCloseWaitsForWriters(t *testing.T) {
	scriptOpen(t, wire.Server, nil, nil, func(p *raw, c *Channel) {
		p.near.stall(true)
		failed := make(chan error, 1)
		go func() {
			_, err := c.Write(make([]byte, 1<<20))
			failed <- err
		}()
		synctest.Wait()
		c.CloseWrite()
		if err := <-failed; !errors.Is(err, net.ErrClosed) {
			t.Fatal(err)
		}
		p.near.stall(false)
		for {
			b := p.next()
			if wire.Msg(b[0]) == wire.MsgChannelEOF {
				break
			}
		}
		p.silence()
		if _, err := c.Write([]byte("x")); !errors.Is(err, net.ErrClosed) {
			t.Fatal(err)
		}
		c.Close()
		p.expect(wire.ChannelClose{Recipient: 7})
	})
}

func TestStderr(t *testing.T) {
	c, s := pairOpen(t, nil, nil, nil)
	go func() {
		io.WriteString(s.Stderr(), "err")
		s.Write([]byte("out"))
		s.Close()
	}()
	for want, r := range map[string]io.Reader{"out": c, "err": c.Stderr()} {
		if got, err := io.ReadAll(r); string(got) != want || err != nil {
			t.Fatalf("%q %v", got, err)
		}
	}
	c, s = pairOpen(t, nil, nil, nil)
	go func() {
		io.WriteString(s.Stderr(), "lent")
		s.CloseWrite()
	}()
	var lent bytes.Buffer
	if n, err := io.Copy(&lent, c.Stderr()); n != 4 || err != nil || lent.String() != "lent" {
		t.Fatal(n, err)
	}
	// What nobody wants takes no window.
	c, s = pairOpen(t, &Config{Window: 1000, MaxPacket: 1000}, nil, nil)
	c.DiscardStderr()
	go func() {
		s.Stderr().Write(make([]byte, 100_000))
		s.Write([]byte("out"))
		s.Close()
	}()
	if got, err := io.ReadAll(c); string(got) != "out" || err != nil {
		t.Fatalf("%q %v", got, err)
	}
	if _, err := c.Stderr().Read(make([]byte, 1)); !errors.Is(err, net.ErrClosed) {
		t.Fatal(err)
	}
}

func TestPushModeRead(t *testing.T) {
	c, _ := pairOpen(t, nil, &Events{Data: func(*Channel, uint32, []byte) {}}, nil)
	if _, err := c.Read(make([]byte, 1)); err != ErrPushMode {
		t.Fatal(err)
	}
	if _, err := c.WriteTo(io.Discard); err != ErrPushMode {
		t.Fatal(err)
	}
}

func TestCopies(t *testing.T) {
	c, s := pairOpen(t, nil, nil, nil)
	data := bytes.Repeat([]byte("data"), 1<<18)
	go func() {
		n, err := c.ReadFrom(bytes.NewReader(data))
		if n != int64(len(data)) || err != nil {
			t.Error(n, err)
		}
		c.CloseWrite()
	}()
	var got bytes.Buffer
	if n, err := s.WriteTo(&got); n != int64(len(data)) || err != nil || !bytes.Equal(got.Bytes(), data) {
		t.Fatal(n, err)
	}
	if _, err := c.ReadFrom(io.MultiReader(bytes.NewReader(nil), &failing{})); !errors.Is(err, net.ErrClosed) && err != errFailing {
		t.Fatal(err)
	}
	c, s = pairOpen(t, nil, nil, nil)
	c.Write([]byte("abc"))
	if _, err := s.WriteTo(&failing{}); err != errFailing {
		t.Fatal(err)
	}
}

var errFailing = errors.New("failing")

type failing struct{}

func (*failing) Read([]byte) (int, error)  { return 0, errFailing }
func (*failing) Write([]byte) (int, error) { return 0, errFailing }
