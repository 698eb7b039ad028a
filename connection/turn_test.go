package connection

import (
	"bytes"
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hawser-ssh/hawser/transport"
	"github.com/hawser-ssh/hawser/wire"
)

// pending is what a Read returned.
type pending struct {
	text string
	err  error
}

// leadingReader returns a path whose server's channel has a reader that waits and reads the connection meanwhile, and
// how its Read ends.
func leadingReader(t *testing.T) (*path, <-chan pending) {
	t.Helper()
	a, b := loopback(t)
	p := newPath(t, a, b, transport.Config{})
	read := make(chan pending)
	go func() {
		for buf := make([]byte, 100); ; {
			n, err := p.server.Read(buf)
			select {
			case read <- pending{string(buf[:n]), err}:
			case <-t.Context().Done():
				return
			}
			if err != nil {
				return
			}
		}
	}()
	for !p.server.isLed() { // the reader of the connection goes on where nobody takes its place in time
		if _, err := p.client.Write([]byte("x")); err != nil {
			t.Fatal(err)
		}
		if got := <-read; got.text != "x" {
			t.Fatalf("%q, %v", got.text, got.err)
		}
	}
	return p, read
}

// isLed reports whether a reader of c reads the connection, and stays.
func (c *Channel) isLed() bool {
	for range 3 {
		time.Sleep(time.Millisecond)
		c.mu.Lock()
		leads := c.leads
		c.mu.Unlock()
		if !leads {
			return false
		}
	}
	return true
}

// A reader that reads the connection hears of all that ends a Read.
func TestLeadingReaderEnds(t *testing.T) {
	for name, test := range map[string]struct {
		end  func(p *path) error
		want error
	}{
		"Close":           {func(p *path) error { return p.server.Close() }, net.ErrClosed},
		"CloseRead":       {func(p *path) error { return p.server.CloseRead() }, errReadClosed},
		"deadline passed": {func(p *path) error { return p.server.SetReadDeadline(time.Now()) }, os.ErrDeadlineExceeded},
		"deadline": {func(p *path) error { return p.server.SetReadDeadline(time.Now().Add(10 * time.Millisecond)) },
			os.ErrDeadlineExceeded},
		"peer's EOF":        {func(p *path) error { return p.client.CloseWrite() }, io.EOF},
		"peer's CLOSE":      {func(p *path) error { return p.client.Close() }, io.EOF},
		"connection closed": {func(p *path) error { go p.muxes[1].Close(); return nil }, net.ErrClosed},
		"peer gone":         {func(p *path) error { go p.muxes[0].Close(); return nil }, net.ErrClosed},
	} {
		t.Run(name, func(t *testing.T) {
			p, read := leadingReader(t)
			if err := test.end(p); err != nil {
				t.Fatal(err)
			}
			if got := <-read; got.text != "" || !errors.Is(got.err, test.want) {
				t.Errorf("%q, %v", got.text, got.err)
			}
		})
	}
}

// Who waits for the peer elsewhere does not wait for a reader that led, and is busy with what it has read.
func TestOthersDoNotWaitForAReader(t *testing.T) {
	for name, wait := range map[string]func(t *testing.T, p *path){
		"reply": func(t *testing.T, p *path) {
			if _, _, err := p.muxes[1].GlobalRequest(t.Context(), "none@example.com", true, nil); err != nil {
				t.Error(err)
			}
		},
		"another channel's reader": func(t *testing.T, p *path) {
			near, far := p.open(t)
			go near.Write([]byte("y"))
			if _, err := io.ReadFull(far, make([]byte, 1)); err != nil {
				t.Error(err)
			}
		},
		"window": func(t *testing.T, p *path) {
			go io.Copy(io.Discard, p.client)
			if _, err := p.server.Write(make([]byte, 3*DefaultWindow)); err != nil {
				t.Error(err)
			}
		},
		"nobody": func(*testing.T, *path) {},
	} {
		t.Run(name, func(t *testing.T) {
			p, read := leadingReader(t)
			if _, err := p.client.Write([]byte("x")); err != nil {
				t.Fatal(err)
			}
			for range 3 {
				wait(t, p) // the reader holds its "x" until this test takes it
			}
			if got := <-read; got.text != "x" {
				t.Fatalf("%q, %v", got.text, got.err)
			}
			go p.client.Write([]byte("z"))
			if got := <-read; got.text != "z" {
				t.Fatalf("%q, %v", got.text, got.err)
			}
		})
	}
}

// Who begins to wait for a reply, an open channel or a window has somebody read.
func TestWaitersAttend(t *testing.T) {
	for name, wait := range map[string]func(m *Mux, c *Channel){
		"reply":           func(m *Mux, _ *Channel) { m.GlobalRequest(context.Background(), "a", true, nil) },
		"channel's reply": func(_ *Mux, c *Channel) { c.SendRequest(context.Background(), "a", true, nil) },
		"open":            func(m *Mux, _ *Channel) { m.Open(context.Background(), "a", nil, nil) },
		"window": func(_ *Mux, c *Channel) {
			c.mu.Lock()
			c.sendWindow = 0
			c.mu.Unlock()
			c.Write([]byte("a"))
		},
	} {
		t.Run(name, func(t *testing.T) {
			scriptOpen(t, wire.Server, nil, nil, func(p *raw, c *Channel) {
				before := p.near.attended.Load()
				go wait(p.m, c)
				synctest.Wait()
				if p.near.attended.Load() == before || p.m.waiting.Load() != 1 {
					t.Errorf("%d wait, and nobody is told", p.m.waiting.Load())
				}
			})
		})
	}
}

// Read fills the caller's slice from several packets, and what is left of one comes with the next Read.
func TestLeadingReaderTakesWhatFits(t *testing.T) {
	for name, protect := range map[string]transport.Config{
		"plain": {}, "re-keys": {RekeyBytes: 100_000}, "compressed": {Compression: []string{"zlib"}, RekeyBytes: 100_000},
	} {
		t.Run(name, func(t *testing.T) { takeWhatFits(t, protect) })
	}
}

func takeWhatFits(t *testing.T, protect transport.Config) {
	a, b := loopback(t)
	p := newPath(t, a, b, protect)
	want := make([]byte, 1<<20)
	rand.NewChaCha8([32]byte{}).Read(want)
	go func() {
		for rest := want; len(rest) > 0; {
			n := min(len(rest), 1+rand.IntN(3000))
			if _, err := p.client.Write(rest[:n]); err != nil {
				t.Error(err)
			}
			rest = rest[n:]
		}
		p.client.CloseWrite()
	}()
	var got []byte
	for buf := make([]byte, 5000); ; {
		n, err := p.server.Read(buf[:1+rand.IntN(len(buf))])
		got = append(got, buf[:n]...)
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if !bytes.Equal(got, want) {
		t.Error("not what was sent")
	}
}

// Of two readers of one channel, each gets what is its own, whoever of them reads the connection, and both get all.
func TestTwoReadersOfAChannel(t *testing.T) {
	a, b := loopback(t)
	p := newPath(t, a, b, transport.Config{})
	streams := []io.ReadWriter{p.server, p.server.Stderr()}
	read := make([]chan byte, len(streams))
	for i, from := range []io.Reader{p.client, p.client.Stderr()} {
		read[i] = make(chan byte)
		go func() {
			defer close(read[i])
			for buf := make([]byte, 10); ; {
				n, err := from.Read(buf)
				for _, b := range buf[:n] {
					read[i] <- b
				}
				if err != nil {
					return
				}
			}
		}()
	}
	for i := range 2000 {
		at := rand.IntN(len(streams))
		if _, err := streams[at].Write([]byte{byte(i)}); err != nil {
			t.Fatal(err)
		}
		if got := <-read[at]; got != byte(i) {
			t.Fatalf("stream %d: %d, want %d", at, got, byte(i))
		}
	}
	if err := p.server.CloseWrite(); err != nil {
		t.Fatal(err)
	}
	for _, r := range read {
		if b, more := <-r; more {
			t.Errorf("%d, which nobody sent", b)
		}
	}
}

// Many channels at once, read in every way, with re-keys in between: all that was sent comes back.
func TestTurnsAmongChannels(t *testing.T) {
	a, b := loopback(t)
	p := newPath(t, a, b, transport.Config{RekeyBytes: 1 << 20})
	var all sync.WaitGroup
	for i := range 6 {
		near, far := p.client, p.server
		if i > 0 {
			near, far = p.open(t)
		}
		all.Go(func() { echoAll(far, i%2 == 0) })
		all.Go(func() { sendAndCompare(t, near, i) })
	}
	all.Wait()
}

// echoAll sends back what comes, with WriteTo or with Read.
func echoAll(c *Channel, lent bool) {
	if lent {
		_, _ = io.Copy(c, c)
	} else {
		_, _ = io.Copy(c, struct{ io.Reader }{c})
	}
	c.Close()
}

func sendAndCompare(t *testing.T, c *Channel, seed int) {
	sent, got := rand.NewChaCha8([32]byte{byte(seed)}), rand.NewChaCha8([32]byte{byte(seed)})
	total := 1 << 20
	go func() {
		buf := make([]byte, 40_000)
		for left := total; left > 0; {
			n := min(left, 1+rand.IntN(len(buf)))
			sent.Read(buf[:n])
			if _, err := c.Write(buf[:n]); err != nil {
				t.Error(err)
				return
			}
			left -= n
		}
		c.CloseWrite()
	}()
	buf, want := make([]byte, 50_000), make([]byte, 50_000)
	for left := total; ; {
		n, err := c.Read(buf[:1+rand.IntN(len(buf))])
		got.Read(want[:n])
		if left -= n; !bytes.Equal(buf[:n], want[:n]) {
			t.Fatal("not what was sent")
		}
		if err == io.EOF && left == 0 {
			break
		}
		if err != nil {
			t.Errorf("%v with %d bytes to come", err, left)
			return
		}
	}
	_ = c.Close()
	<-c.Done()
}
