package connection

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/hawser-ssh/hawser/wire"
)

// pattern fills p with the bytes of a stream from offset on.
func pattern(p []byte, seed uint64, offset int) {
	for i := range p {
		p[i] = byte((uint64(offset+i) * (seed | 1)) >> 7)
	}
}

// feed writes n bytes of a stream in pieces of all sizes and in every way.
func feed(c *Channel, rnd *rand.Rand, code uint32, seed uint64, n int) error {
	for at := 0; at < n; {
		p := make([]byte, min(n-at, 1+rnd.IntN(1<<rnd.IntN(18))))
		pattern(p, seed, at)
		var err error
		if rnd.IntN(3) == 0 {
			if err = c.TryWrite(code, p); err == ErrWouldBlock {
				continue
			}
		} else {
			_, err = c.WriteExtended(code, p)
		}
		if err != nil {
			return err
		}
		clear(p)
		at += len(p)
	}
	return nil
}

// check reads a stream to its end and compares every byte.
func check(r io.Reader, rnd *rand.Rand, seed uint64, n int) error {
	at := 0
	buf, want := make([]byte, 1<<16), make([]byte, 1<<16)
	for {
		k, err := r.Read(buf[:1+rnd.IntN(len(buf))])
		pattern(want[:k], seed, at)
		if string(buf[:k]) != string(want[:k]) {
			return fmt.Errorf("wrong bytes after %d", at)
		}
		if at += k; err == io.EOF {
			break
		}
		if err != nil {
			return err
		}
	}
	if at != n {
		return fmt.Errorf("%d bytes of %d", at, n)
	}
	return nil
}

// verifier is a push-mode consumer of two streams.
type verifier struct {
	seed uint64
	at   [2]int
	err  error
	eof  chan struct{}
}

func (v *verifier) events() *Events {
	v.eof = make(chan struct{})
	return &Events{
		Data: func(_ *Channel, code uint32, p []byte) {
			want := make([]byte, len(p))
			pattern(want, v.seed+uint64(code), v.at[code])
			if string(p) != string(want) {
				v.err = fmt.Errorf("wrong bytes of code %d after %d", code, v.at[code])
			}
			v.at[code] += len(p)
		},
		EOF: func(*Channel) { close(v.eof) },
	}
}

// exchange moves random amounts both ways over one channel, with standard
// error on the way to the client, and closes it in a random manner.
func exchange(cm *Mux, id uint64, serverEnd <-chan *Channel) error {
	rnd := rand.New(rand.NewPCG(id, 1))
	up, down, side := rnd.IntN(1<<19), rnd.IntN(1<<19), rnd.IntN(1<<16)
	var ev *Events
	v := &verifier{seed: id + 2000}
	push := rnd.IntN(2) == 0
	if push {
		ev = v.events()
	}
	c, err := cm.Open(context.Background(), typeSession, wire.AppendUint64(nil, id), ev)
	if err != nil {
		return err
	}
	s := <-serverEnd
	seeds := func() *rand.Rand { return rand.New(rand.NewPCG(rnd.Uint64(), 2)) }
	r := []*rand.Rand{seeds(), seeds(), seeds(), seeds(), seeds(), seeds()}
	var wg sync.WaitGroup
	errs := make(chan error, 8)
	start := func(f func() error) { wg.Go(func() { errs <- f() }) }
	start(func() error { return errors.Join(feed(c, r[0], stdoutCode, id, up), c.CloseWrite()) })
	start(func() error { return check(s, r[1], id, up) })
	start(func() error {
		var both sync.WaitGroup
		var e1, e2 error
		both.Go(func() { e1 = feed(s, r[2], stdoutCode, id+2000, down) })
		both.Go(func() { e2 = feed(s, r[3], stderrCode, id+2001, side) })
		both.Wait()
		return errors.Join(e1, e2, s.CloseWrite())
	})
	if push {
		start(func() error {
			<-v.eof
			if v.err == nil && v.at != [2]int{down, side} {
				return fmt.Errorf("%d of %d bytes", v.at, [2]int{down, side})
			}
			return v.err
		})
	} else {
		start(func() error { return check(c, r[4], id+2000, down) })
		start(func() error { return check(c.Stderr(), r[5], id+2001, side) })
	}
	wg.Wait()
	close(errs)
	for e := range errs {
		err = errors.Join(err, e)
	}
	if rnd.IntN(2) == 0 {
		c, s = s, c
	}
	err = errors.Join(err, c.Close())
	<-s.Done()
	s.Close()
	return err
}

// Many channels at once, random sizes, windows and ends: every byte arrives.
func TestPropertyChannels(t *testing.T) {
	rounds, channels := 3, 40
	if testing.Short() {
		rounds, channels = 1, 10
	}
	for round := range rounds {
		var mu sync.Mutex
		ends := map[uint64]chan *Channel{}
		for i := range channels {
			ends[uint64(i)] = make(chan *Channel, 1)
		}
		h := handler{open: func(r *OpenRequest) {
			rd := wire.NewFieldReader(r.Extra, "id")
			id := rd.Uint64("id")
			if c, err := r.Accept(nil); err == nil {
				mu.Lock()
				defer mu.Unlock()
				ends[id] <- c
			}
		}}
		windows := []Config{{Window: 1 << 12, MaxPacket: 100}, {Window: 1 << 16, MaxPacket: 1 << 12}, {}}
		client, server := windows[round%3], windows[(round+1)%3]
		server.Handler = h
		cm, sm := pair(t, &client, &server)
		var wg sync.WaitGroup
		for i := range channels {
			wg.Go(func() {
				if err := exchange(cm, uint64(i), ends[uint64(i)]); err != nil {
					t.Errorf("round %d, channel %d: %v", round, i, err)
				}
			})
		}
		wg.Wait()
		for _, m := range []*Mux{cm, sm} {
			m.GlobalRequest(context.Background(), "settled?", true, nil)
			m.mu.Lock()
			if m.live != 0 {
				t.Errorf("%v: %d channels left", m.role, m.live)
			}
			m.mu.Unlock()
		}
	}
}

// FuzzMux feeds arbitrary sequences of messages to a mux whose application
// accepts, reads, writes and closes. Whatever comes, the connection ends
// cleanly, and what is held stays within the windows.
func FuzzMux(f *testing.F) {
	seed := func(server bool, msgs ...appender) {
		var b []byte
		for _, m := range msgs {
			p := m.Append(nil)
			b = append(append(b, byte(len(p))), p...)
		}
		f.Add(server, b)
	}
	open := wire.ChannelOpen{Type: typeSession, Sender: 1, Window: 100, MaxPacket: 10}
	seed(true, open, wire.ChannelRequest{Type: "exec", WantReply: true, Payload: wire.Exec{Command: "x"}.Append(nil)},
		wire.ChannelData{Data: []byte("abc")}, wire.ChannelEOF{}, wire.ChannelClose{}, open)
	seed(true, open, wire.ChannelRequest{Type: reqX11, WantReply: true, Payload: wire.X11Req{Protocol: "X", Cookie: "c0ffee"}.Append(nil)},
		wire.ChannelRequest{Type: reqAgent, WantReply: true})
	seed(true, open, wire.ChannelExtendedData{Code: 1, Data: []byte("x")}, wire.ChannelWindowAdjust{Bytes: 1 << 31})
	seed(false, wire.ChannelOpenConfirmation{Sender: 4, Window: 9, MaxPacket: 9}, wire.ChannelData{Data: []byte("abc")}, wire.ChannelClose{})
	seed(false, wire.ChannelOpenFailure{}, wire.GlobalRequest{Name: "keepalive@openssh.com", WantReply: true}, wire.RequestSuccess{})
	f.Fuzz(func(t *testing.T, server bool, stream []byte) {
		synctest.Test(t, func(t *testing.T) { fuzzOne(t, server, stream) })
	})
}

func fuzzOne(t *testing.T, server bool, stream []byte) {
	const window = 1000
	role := wire.Client
	if server {
		role = wire.Server
	}
	tracker := NewSessionTracker(nil)
	push := &Events{
		Data: func(c *Channel, _ uint32, p []byte) { c.TryWrite(stdoutCode, p) },
		Request: func(c *Channel, r *Request) {
			_, err := tracker.Admit(r)
			r.Reply(err == nil)
		},
		EOF: func(c *Channel) { c.Close() },
	}
	n := 0
	h := handler{open: func(r *OpenRequest) {
		n++
		switch n % 4 {
		case 0:
			r.Reject(wire.OpenConnectFailed, "")
		case 1:
			r.Accept(push)
		case 2:
			if c, err := r.Accept(nil); err == nil {
				go io.Copy(c, c)
			}
		case 3:
			r.Accept(nil) // and never read
		}
	}}
	near, far := newLink()
	m := New(near, role, &Config{Handler: h, Window: window, MaxPacket: 200, MaxChannels: 8})
	over := make(chan error, 1)
	go func() { over <- m.Run() }()
	go m.OpenSession(context.Background(), push)
	go m.GlobalRequest(context.Background(), "q", true, nil)
	synctest.Wait()
	for len(stream) > 0 {
		k := min(int(stream[0]), len(stream)-1)
		if k > 0 && far.WritePacket(nil, stream[1:1+k], nil) != nil {
			break
		}
		stream = stream[1+k:]
	}
	synctest.Wait()
	m.mu.Lock()
	for _, c := range m.slots {
		if c != nil && c.held() > window {
			t.Errorf("%d bytes held", c.held())
		}
	}
	m.mu.Unlock()
	far.Close()
	err := <-over
	var protocol *wire.ProtocolError
	if !errors.Is(err, io.EOF) && !errors.Is(err, net.ErrClosed) && !errors.As(err, &protocol) && err != errLinkOverflow {
		t.Errorf("ended with %v", err)
	}
}
