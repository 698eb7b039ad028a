package connection

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"io"
	"net"
	"os"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hawser-ssh/hawser/wire"
)

// A hundred channels that nobody reads cost a window each and slow nobody.
func TestCON23StalledChannels(t *testing.T) {
	const stalled, window, total = 100, 64 << 10, 32 << 20
	h, got := accepting(nil)
	cm, _ := pair(t, nil, &Config{Handler: h, Window: window, MaxSessions: stalled + 1})
	var full []*Channel
	for range stalled {
		c, err := cm.OpenSession(context.Background(), nil)
		if err != nil {
			t.Fatal(err)
		}
		go c.Write(make([]byte, 2*window)) // stops in the middle
		full = append(full, <-got)
	}
	c, err := cm.OpenSession(context.Background(), nil)
	if err != nil {
		t.Fatal(err)
	}
	s := <-got
	go func() {
		c.Write(make([]byte, total))
		c.CloseWrite()
	}()
	if n, err := io.Copy(io.Discard, s); n != total || err != nil {
		t.Fatal(n, err)
	}
	for _, c := range full {
		if n := c.held(); n > window {
			t.Fatalf("%d bytes held", n)
		}
	}
}

func TestCON24PeerReadsNothing(t *testing.T) {
	cfg := &Config{KeepaliveInterval: 10 * time.Second, KeepaliveCount: 2}
	scriptOpen(t, wire.Server, cfg, nil, func(p *raw, c *Channel) {
		p.send(wire.ChannelWindowAdjust{Recipient: c.ID(), Bytes: 100 << 20})
		p.near.stall(true)
		c.SetWriteDeadline(time.Now().Add(time.Second))
		n, err := c.Write(make([]byte, 8<<20))
		if !errors.Is(err, os.ErrDeadlineExceeded) || n == 0 || n > linkHighWater+DefaultMaxPacket {
			t.Fatal(n, err)
		}
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		if _, err := c.SendRequest(ctx, "x", false, nil); !errors.Is(err, context.DeadlineExceeded) {
			t.Fatal(err)
		}
		if _, err := p.m.Open(ctx, "x", nil, nil); !errors.Is(err, context.DeadlineExceeded) {
			t.Fatal(err)
		}
		if _, _, err := p.m.GlobalRequest(ctx, "x", true, nil); !errors.Is(err, context.DeadlineExceeded) {
			t.Fatal(err)
		}
		c.SetWriteDeadline(time.Time{})
		_, err = c.Write(make([]byte, 1<<20)) // until keepalive ends it
		if !errors.Is(err, net.ErrClosed) || !errors.Is(err, ErrKeepalive) {
			t.Fatal(err)
		}
		if err := <-p.over; err != ErrKeepalive {
			t.Fatal(err)
		}
		p.over = nil
	})
}

// A length beyond 32 bits must not be cut to 32 bits. The memory is never
// touched, for the peer grants no more than a page.
func TestCON25HugeWrite(t *testing.T) {
	if testing.Short() || ^uint(0)>>32 == 0 {
		t.Skip("needs 4 GiB of address space")
	}
	for _, length := range []uint64{1 << 32, 1<<32 + 1} {
		huge := make([]byte, int(length))
		scriptOpen(t, wire.Server, nil, nil, func(p *raw, c *Channel) {
			c.mu.Lock()
			c.sendWindow = 4096
			c.mu.Unlock()
			c.SetWriteDeadline(time.Now().Add(time.Second))
			n, err := c.Write(huge)
			if n != 4096 || !errors.Is(err, os.ErrDeadlineExceeded) {
				t.Fatal(n, err)
			}
			p.expect(wire.ChannelData{Recipient: 7, Data: make([]byte, 4096)})
			p.silence()
		})
	}
}

func TestCON27HalfClose(t *testing.T) {
	data := bytes.Repeat([]byte("0123456789"), 400_000) // more than the window
	for _, clientFirst := range []bool{true, false} {
		c, s := pairOpen(t, nil, nil, nil)
		if !clientFirst {
			c, s = s, c
		}
		go func() {
			c.Write(data)
			c.CloseWrite()
		}()
		got, err := io.ReadAll(s)
		if err != nil || !bytes.Equal(got, data) {
			t.Fatalf("%d bytes, %v", len(got), err)
		}
		go func() {
			s.Write(data)
			s.Close() // without EOF
		}()
		got, err = io.ReadAll(c)
		if err != nil || !bytes.Equal(got, data) {
			t.Fatalf("%d bytes, %v", len(got), err)
		}
		if _, err := c.Write([]byte("x")); !errors.Is(err, net.ErrClosed) {
			t.Fatal(err)
		}
		<-c.Done()
		<-s.Done()
	}
}

func TestCON27Close(t *testing.T) {
	ends := map[string]func(p *raw, c *Channel){
		"Close":      func(_ *raw, c *Channel) { c.Close() },
		"peer":       func(p *raw, c *Channel) { p.send(wire.ChannelClose{Recipient: c.ID()}) },
		"connection": func(p *raw, c *Channel) { p.link.Close() },
		"Mux.Close":  func(p *raw, c *Channel) { p.m.Close() },
	}
	for name, end := range ends {
		t.Run(name, func(t *testing.T) {
			scriptOpen(t, wire.Client, nil, nil, func(p *raw, c *Channel) {
				p.near.stall(true)
				c.mu.Lock()
				c.sendWindow = 20 * DefaultMaxPacket
				c.mu.Unlock()
				results := make(chan error)
				start := func(f func() error) { go func() { results <- f() }() }
				const each = 64
				for range each {
					start(func() error { _, err := c.Write(make([]byte, 1<<20)); return err })
					start(func() error { _, err := c.Read(make([]byte, 1)); return err })
					start(func() error { _, err := c.Stderr().Read(make([]byte, 1)); return err })
					start(func() error { _, err := c.SendRequest(context.Background(), "x", true, nil); return err })
				}
				synctest.Wait()
				end(p, c)
				for range 4 * each {
					err := <-results
					if name == "peer" && err == io.EOF {
						continue
					}
					if !errors.Is(err, net.ErrClosed) {
						t.Fatal(err)
					}
				}
				for _, f := range []func() error{c.Close, c.CloseWrite, c.CloseRead, func() error { return c.SetDeadline(time.Time{}) }} {
					if err := f(); err != nil && !errors.Is(err, net.ErrClosed) {
						t.Fatal(err)
					}
				}
			})
		})
	}
}

func TestCON28Keepalive(t *testing.T) {
	const interval, count = 15 * time.Second, 3
	question := wire.GlobalRequest{Name: wire.RequestKeepalive, WantReply: true}
	both(t, func(t *testing.T, role wire.Role) {
		script(t, role, &Config{KeepaliveInterval: interval, KeepaliveCount: count}, func(p *raw) {
			start := time.Now()
			for i := range 10 { // answered: it lives on
				p.expect(question)
				if got := time.Since(start); got != time.Duration(i+1)*2*interval-interval {
					t.Fatal(got)
				}
				p.send(wire.RequestFailure{})
			}
			p.expect(question)
			start = time.Now()
			p.send(wire.GlobalRequest{Name: "anything is life"})
			for range count {
				p.expect(question)
			}
			if err := <-p.over; err != ErrKeepalive {
				t.Fatal(err)
			}
			p.over = nil
			if got := time.Since(start); got != (count+2)*interval { // one in which the packet came, and the last question's
				t.Fatal(got)
			}
		})
		script(t, role, nil, func(p *raw) { // off by default
			time.Sleep(24 * time.Hour)
			p.silence()
		})
	})
}

// An answer to a question of keepalive is not taken for another request's.
func TestKeepaliveAndRequests(t *testing.T) {
	script(t, wire.Client, &Config{KeepaliveInterval: time.Second}, func(p *raw) {
		p.expect(wire.GlobalRequest{Name: wire.RequestKeepalive, WantReply: true})
		ok := make(chan bool, 1)
		go func() {
			granted, _, _ := p.m.GlobalRequest(context.Background(), "q", true, nil)
			ok <- granted
		}()
		p.expect(wire.GlobalRequest{Name: "q", WantReply: true})
		p.send(wire.RequestFailure{}, wire.RequestSuccess{})
		if !<-ok {
			t.Fatal("got the wrong answer")
		}
	})
}

func TestDeadlines(t *testing.T) {
	scriptOpen(t, wire.Client, nil, nil, func(p *raw, c *Channel) {
		buf := make([]byte, 10)
		start := time.Now()
		c.SetReadDeadline(start.Add(time.Minute))
		if _, err := c.Read(buf); !errors.Is(err, os.ErrDeadlineExceeded) || time.Since(start) != time.Minute {
			t.Fatal(err, time.Since(start))
		}
		if _, err := c.Stderr().Read(buf); !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Fatal(err)
		}
		c.SetDeadline(time.Now().Add(time.Hour)) // moved: reading goes on
		p.send(wire.ChannelData{Recipient: c.ID(), Data: []byte("x")})
		if n, err := c.Read(buf); n != 1 || err != nil {
			t.Fatal(n, err)
		}
		c.SetReadDeadline(time.Now().Add(time.Minute))
		go func() {
			time.Sleep(time.Second)
			c.SetReadDeadline(time.Now().Add(-time.Second)) // wakes who waits
		}()
		start = time.Now()
		if _, err := c.Read(buf); !errors.Is(err, os.ErrDeadlineExceeded) || time.Since(start) != time.Second {
			t.Fatal(err, time.Since(start))
		}
		c.SetDeadline(time.Time{})
		c.mu.Lock()
		c.sendWindow = 1000
		c.mu.Unlock()
		if _, err := c.Write(make([]byte, 1000)); err != nil {
			t.Fatal(err)
		}
		c.SetWriteDeadline(time.Now().Add(time.Second))
		if n, err := c.Write(buf); n != 0 || !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Fatal(n, err)
		}
		if err := c.TryWrite(stdoutCode, buf); !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Fatal(err)
		}
		c.SetWriteDeadline(time.Time{})
		p.send(wire.ChannelWindowAdjust{Recipient: c.ID(), Bytes: 10})
		if n, err := c.Write(buf); n != 10 || err != nil {
			t.Fatal(n, err)
		}
	})
}

// A deadline that is moved while a write waits in the transport must not end it.
func TestDeadlineMovedDuringWrite(t *testing.T) {
	scriptOpen(t, wire.Client, nil, nil, func(p *raw, c *Channel) {
		p.near.stall(true)
		c.SetWriteDeadline(time.Now().Add(time.Second))
		done := make(chan error, 1)
		go func() {
			n, err := c.Write(make([]byte, 1<<20))
			if n != 1<<20 && err == nil {
				err = io.ErrShortWrite
			}
			done <- err
		}()
		synctest.Wait()
		c.SetWriteDeadline(time.Now().Add(time.Hour))
		time.Sleep(time.Minute)
		p.near.stall(false)
		for sent := 0; sent < 1<<20; {
			var msg wire.ChannelData
			if err := msg.Parse(p.next()); err != nil {
				t.Fatal(err)
			}
			sent += len(msg.Data)
		}
		if err := <-done; err != nil {
			t.Fatal(err)
		}
	})
}

// An open that was given up is closed when its confirmation comes after all.
func TestOpenGivenUp(t *testing.T) {
	ev := &Events{
		Request: func(*Channel, *Request) { t.Error("request") },
		Data:    func(*Channel, uint32, []byte) { t.Error("data") },
		Closed:  func(*Channel) { t.Error("closed") },
	}
	for _, confirmed := range []bool{true, false} {
		script(t, wire.Client, &Config{MaxChannels: 1}, func(p *raw) {
			ctx, cancel := context.WithCancel(context.Background())
			failed := make(chan error, 1)
			go func() {
				_, err := p.m.OpenSession(ctx, ev)
				failed <- err
			}()
			p.next()
			cancel()
			if err := <-failed; err != context.Canceled {
				t.Fatal(err)
			}
			if _, err := p.m.OpenSession(context.Background(), nil); !errors.As(err, new(*OpenError)) {
				t.Fatal("the place is free before the peer has answered:", err)
			}
			if confirmed {
				p.send(wire.ChannelOpenConfirmation{Recipient: 0, Sender: 3, Window: 100, MaxPacket: 100})
				p.send(wire.ChannelData{Recipient: 0, Data: []byte("x")}, wire.ChannelRequest{Recipient: 0, Type: "x", WantReply: true})
				p.expect(wire.ChannelClose{Recipient: 3})
				p.send(wire.ChannelClose{Recipient: 0})
			} else {
				p.send(wire.ChannelOpenFailure{Recipient: 0, Reason: wire.OpenConnectFailed})
			}
			p.alive()
			p.empty()
		})
	}
}

// Window goes back in few, large portions.
func TestWindowGrants(t *testing.T) {
	const window = 1 << 20
	scriptOpen(t, wire.Server, &Config{Window: window}, nil, func(p *raw, c *Channel) {
		go io.Copy(io.Discard, c)
		granted, left := 0, window
		adjusts := 0
		for sent := 0; sent < 32*window; sent += 32 << 10 {
			for left < 32<<10 {
				var msg wire.ChannelWindowAdjust
				if err := msg.Parse(p.next()); err != nil {
					t.Fatal(err)
				}
				granted, left, adjusts = granted+int(msg.Bytes), left+int(msg.Bytes), adjusts+1
			}
			left -= 32 << 10
			p.send(wire.ChannelData{Recipient: c.ID(), Data: make([]byte, 32<<10)})
		}
		if adjusts > 32*grantShare {
			t.Fatalf("%d adjusts for 32 windows", adjusts)
		}
		p.send(wire.ChannelClose{Recipient: c.ID()})
		synctest.Wait()
	})
}

// A peer with a large window hears of more long before it has used up a quarter of it.
func TestLargeWindowGrants(t *testing.T) {
	scriptOpen(t, wire.Server, &Config{Window: 16 << 20}, nil, func(p *raw, c *Channel) {
		go io.Copy(io.Discard, c)
		for range maxShare / DefaultMaxPacket {
			p.send(wire.ChannelData{Recipient: c.ID(), Data: make([]byte, DefaultMaxPacket)})
		}
		var msg wire.ChannelWindowAdjust
		if err := msg.Parse(p.next()); err != nil || msg.Bytes != maxShare {
			t.Fatalf("%d bytes: %v", msg.Bytes, err)
		}
	})
}

// Bulk both ways at once over several channels comes through unchanged.
func TestBulk(t *testing.T) {
	c, s := pairOpen(t, nil, nil, nil)
	sums := make(chan [32]byte, 4)
	send := func(ch *Channel, seed byte) {
		block := bytes.Repeat([]byte{seed, 1, 2, 3, 5, 7, 11}, 10_001)
		h := sha256.New()
		for range 100 {
			h.Write(block)
			if _, err := ch.Write(block); err != nil {
				t.Error(err)
			}
		}
		ch.CloseWrite()
		sums <- [32]byte(h.Sum(nil))
	}
	receive := func(ch *Channel) {
		h := sha256.New()
		if _, err := io.Copy(h, ch); err != nil {
			t.Error(err)
		}
		sums <- [32]byte(h.Sum(nil))
	}
	go send(c, 1)
	go receive(s)
	if a, b := <-sums, <-sums; a != b {
		t.Fatal("bytes changed")
	}
	go send(s, 2)
	go receive(c)
	if a, b := <-sums, <-sums; a != b {
		t.Fatal("bytes changed on the way back")
	}
}

// What Grant gives comes on top of the window, to the byte, and no window
// exceeds 32 bits.
func TestGrant(t *testing.T) {
	both(t, func(t *testing.T, role wire.Role) {
		const window, more = 100, 50
		for _, tooMany := range []int{0, 1} {
			scriptOpen(t, role, &Config{Window: window}, nil, func(p *raw, c *Channel) {
				if err := c.Grant(more); err != nil {
					t.Fatal(err)
				}
				p.expect(wire.ChannelWindowAdjust{Recipient: 7, Bytes: more})
				if err := c.Grant(uint32(maxWindow - window - more + 1)); err != ErrWindow {
					t.Fatal(err)
				}
				p.silence()
				p.send(wire.ChannelData{Recipient: c.ID(), Data: make([]byte, window+more+tooMany)})
				if tooMany > 0 {
					p.dropped()
					if err := c.Grant(1); !errors.Is(err, net.ErrClosed) {
						t.Fatal(err)
					}
					return
				}
				if n, err := io.ReadFull(c, make([]byte, window+more)); err != nil {
					t.Fatal(n, err)
				}
			})
		}
	})
}
