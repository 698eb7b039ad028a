package connection

import (
	"context"
	"errors"
	"io"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hawser-ssh/hawser/wire"
)

// sender is a peer that sends all that it may on one channel, over a path with
// a delay.
type sender struct {
	*raw
	c     *Channel
	may   uint32 // of the window, what has not been sent
	total uint32 // all that has ever been granted
	delay time.Duration
	pause time.Duration // between two packets
}

// round sends up to limit bytes, and takes what is granted for them after the delay.
func (s *sender) round(limit uint32) {
	n := min(limit, s.may)
	s.may -= n
	for n > 0 {
		k := min(n, s.c.m.cfg.MaxPacket)
		s.send(wire.ChannelData{Recipient: s.c.ID(), Data: make([]byte, k)})
		n -= k
		synctest.Wait() // the reader keeps up
		time.Sleep(s.pause)
	}
	time.Sleep(s.delay)
	for s.waiting() {
		var msg wire.ChannelWindowAdjust
		if err := msg.Parse(s.next()); err != nil {
			s.t.Fatal(err)
		}
		if uint64(s.may)+uint64(msg.Bytes) > maxWindow {
			s.t.Fatalf("a window of %d grows by %d", s.may, msg.Bytes)
		}
		s.may += msg.Bytes
		s.total += msg.Bytes
	}
}

func (s *sender) waiting() bool {
	s.in.mu.Lock()
	defer s.in.mu.Unlock()
	return s.in.lenLocked() > 0
}

func (c *Channel) size() uint32 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.windowSize
}

const (
	testWindow = 64 << 10
	testPath   = 100 * time.Millisecond
)

// follow runs body with a peer that sends to a channel of testWindow, which may grow to 16 times that.
func follow(t *testing.T, cfg Config, body func(s *sender)) {
	cfg.Window = testWindow
	if cfg.MaxWindow == 0 {
		cfg.MaxWindow = 16 * testWindow
	}
	h, got := accepting(nil)
	cfg.Handler = h
	scriptOver(t, testPath, wire.Server, &cfg, func(p *raw) {
		c := p.opens(typeSession, 7, got)
		time.Sleep(testPath) // until the peer knows
		body(&sender{raw: p, c: c, may: testWindow, total: testWindow, delay: testPath})
	})
}

func TestWindowGrowsToItsLimit(t *testing.T) {
	follow(t, Config{}, func(s *sender) {
		go io.Copy(io.Discard, s.c)
		for range 12 {
			s.round(1 << 30)
		}
		if got := s.c.size(); got != 16*testWindow || s.may > got {
			s.t.Fatalf("window of %d, of which %d may be sent, want %d", got, s.may, 16*testWindow)
		}
	})
}

// The first window tells what the path carries, and the peer hears of it a round trip later.
func TestWindowFollowsTheRate(t *testing.T) {
	follow(t, Config{}, func(s *sender) {
		s.pause = testPath / 10
		want := uint32(2 * 10 * DefaultMaxPacket)
		go io.Copy(io.Discard, s.c)
		for i := range 8 {
			s.round(1 << 30)
			if got := s.c.size(); got != want || s.may > got {
				s.t.Fatalf("window of %d in round trip %d, of which %d may be sent, want %d", got, i, s.may, want)
			}
		}
	})
}

// How fast a reader that was late takes what had come before says nothing of the path.
func TestWindowStaysForAReaderInBursts(t *testing.T) {
	follow(t, Config{}, func(s *sender) {
		over := make(chan struct{})
		defer func() { s.c.Close(); <-over }()
		go func() {
			defer close(over)
			piece := make([]byte, testWindow/grantShare)
			for time.Sleep(testPath / 2); ; time.Sleep(3 * testPath) {
				for range grantShare {
					if _, err := io.ReadFull(s.c, piece); err != nil {
						return
					}
				}
			}
		}()
		for range 40 {
			s.round(1 << 30)
			if got := s.c.size(); got != testWindow {
				s.t.Fatalf("window of %d, after %d bytes", got, s.total)
			}
		}
	})
}

// Growth ends where Grant has made the window as large as it can be (RFC 4254 §5.2).
func TestWindowGrowsBehindGrant(t *testing.T) {
	follow(t, Config{}, func(s *sender) {
		go io.Copy(io.Discard, s.c)
		if err := s.c.Grant(uint32(maxWindow - testWindow)); err != nil {
			s.t.Fatal(err)
		}
		for range 4 {
			s.round(testWindow)
		}
		if got := s.c.size(); got == testWindow {
			s.t.Fatalf("window of %d", got)
		}
	})
}

// A peer that has no more to send than fits the window twice over needs no larger one.
func TestWindowStaysWhereThePathDoesNotFillIt(t *testing.T) {
	follow(t, Config{}, func(s *sender) {
		go io.Copy(io.Discard, s.c)
		for range 40 {
			s.round(testWindow / 4)
		}
		if got := s.c.size(); got != testWindow {
			t.Fatalf("window of %d", got)
		}
	})
}

// A peer cannot make its windows grow by answering the key exchange late.
func TestRoundTripIsBounded(t *testing.T) {
	near, _ := newLink()
	near.roundTrip = time.Hour
	if m := New(near, wire.Server, nil); m.roundTrip.Load() != int64(maxRoundTrip) {
		t.Fatalf("windows follow a round trip of %v ns", m.roundTrip.Load())
	}
}

// The answer to a channel's opening tells more of the path than a key exchange, however it is opened.
func TestRoundTripOfAnOpening(t *testing.T) {
	h, got := accepting(nil)
	scriptOver(t, testPath, wire.Server, &Config{Handler: h}, func(p *raw) {
		after := func(want time.Duration) {
			t.Helper()
			synctest.Wait()
			if got := time.Duration(p.m.roundTrip.Load()); got != want {
				t.Errorf("a round trip of %v, want %v", got, want)
			}
		}
		c := p.opens(typeSession, 7, got)
		time.Sleep(testPath / 2)
		p.send(wire.ChannelData{Recipient: c.ID(), Data: []byte("a")})
		after(testPath / 2)
		p.send(wire.ChannelData{Recipient: c.ID(), Data: []byte("b")})
		after(testPath / 2)

		opened := make(chan error, 1)
		go func() {
			_, err := p.m.Open(context.Background(), "a", nil, nil)
			opened <- err
		}()
		p.next()
		time.Sleep(testPath / 4)
		p.send(wire.ChannelOpenConfirmation{Recipient: c.ID() + 1, Sender: 8, Window: 1, MaxPacket: 1})
		after(testPath / 4)
		if err := <-opened; err != nil {
			t.Error(err)
		}
	})
}

func TestWindowStaysWithoutRoundTrip(t *testing.T) {
	scriptOpen(t, wire.Server, &Config{Window: testWindow}, nil, func(p *raw, c *Channel) {
		s := &sender{raw: p, c: c, may: testWindow, total: testWindow}
		go io.Copy(io.Discard, c)
		for range 20 {
			s.round(1 << 30)
		}
		if got := c.size(); got != testWindow {
			t.Fatalf("window of %d", got)
		}
	})
}

// A reader that falls behind gets no more than the window at first, in the end.
func TestWindowShrinksForASlowReader(t *testing.T) {
	follow(t, Config{}, func(s *sender) {
		piece, over := make([]byte, testWindow), make(chan struct{})
		defer func() { s.c.Close(); <-over }()
		go func() {
			defer close(over)
			for range 200 {
				if _, err := io.ReadFull(s.c, piece); err != nil {
					return
				}
			}
			for {
				time.Sleep(testPath)
				if _, err := io.ReadFull(s.c, piece[:testWindow/2]); err != nil {
					return
				}
			}
		}()
		for s.c.size() < 16*testWindow {
			s.round(1 << 30)
		}
		for range 200 {
			s.round(1 << 30)
		}
		if got, held := s.c.size(), s.c.held(); got != testWindow || held > testWindow {
			s.t.Fatalf("window of %d, %d bytes held", got, held)
		}
	})
}

// Growth ends at half of the budget, the connection's and the shared one.
func TestWindowGrowsWithinTheBudget(t *testing.T) {
	for name, cfg := range map[string]Config{
		"own":    {WindowBudget: 8 * testWindow},
		"shared": {Budget: NewBudget(8 * testWindow)},
	} {
		t.Run(name, func(t *testing.T) {
			follow(t, cfg, func(s *sender) {
				go io.Copy(io.Discard, s.c)
				for range 12 {
					s.round(1 << 30)
				}
				if got := s.c.size(); got != 4*testWindow {
					s.t.Fatalf("window of %d", got)
				}
			})
			if b := cfg.Budget; b != nil && b.Used() != 0 {
				t.Fatalf("%d bytes are still taken after the end", b.Used())
			}
		})
	}
}

// A thousand channels that nobody reads, over two connections, can be made to hold no more than the budget says: full
// windows first, then small ones, then none.
func TestBudgetOfManyChannels(t *testing.T) {
	budget := NewBudget(32 << 20)
	granted := int64(0)
	fill := func(t *testing.T, after func()) {
		h, got := accepting(nil)
		script(t, wire.Server, &Config{Handler: h, MaxSessions: 1000, Budget: budget}, func(p *raw) {
			for i := range uint32(500) {
				p.send(wire.ChannelOpen{Type: typeSession, Sender: i, Window: 1, MaxPacket: 1000})
				answer := p.next()
				var msg wire.ChannelOpenConfirmation
				if msg.Parse(answer) == nil {
					granted += int64(msg.Window)
					<-got
					continue
				}
				var refusal wire.ChannelOpenFailure
				if err := refusal.Parse(answer); err != nil || refusal.Reason != wire.OpenResourceShortage {
					t.Fatalf("channel %d: %x", i, answer)
				}
			}
			if granted != budget.Used() || granted > budget.limit {
				t.Fatalf("%d bytes granted, %d taken, of %d", granted, budget.Used(), budget.limit)
			}
			after()
		})
	}
	fill(t, func() {
		if full := int64(8*DefaultWindow + 256*minWindow); granted != full {
			t.Fatalf("%d bytes granted, want %d", granted, full)
		}
		granted = 0
	})
	if budget.Used() != 0 {
		t.Fatalf("%d bytes are still taken after the end", budget.Used())
	}
	fill(t, func() {})
}

// Who asks for too much takes nothing from who asks for what is there.
func TestBudgetOfManyTakers(t *testing.T) {
	const limit = 100
	b := NewBudget(limit)
	b.take(limit-1, limit)
	var greedy sync.WaitGroup
	for range 2 {
		greedy.Go(func() {
			for range 10_000 {
				if b.take(2, limit) || b.Used() > limit {
					t.Error("more than the limit")
				}
			}
		})
	}
	for range 10_000 {
		if !b.take(1, limit) {
			t.Error("refused what is left")
			break
		}
		b.give(1)
	}
	greedy.Wait()
	if b.Used() != limit-1 {
		t.Errorf("%d bytes taken in the end", b.Used())
	}
}

// A channel that is closed gives its window back, and one that cannot be opened takes none.
func TestBudgetOfClosedChannels(t *testing.T) {
	budget := NewBudget(2 * minWindow)
	c, s := pairOpen(t, &Config{Budget: budget, Window: minWindow / 2}, nil, nil)
	if budget.Used() != minWindow { // both ends share it here
		t.Fatalf("%d bytes taken", budget.Used())
	}
	for range 2 {
		if _, err := c.m.OpenSession(context.Background(), nil); err != nil {
			t.Fatal(err)
		}
		if budget.Used() >= 2*minWindow {
			break
		}
	}
	var refused *OpenError
	if _, err := c.m.OpenSession(context.Background(), nil); !errors.As(err, &refused) || refused.Reason != wire.OpenResourceShortage {
		t.Fatalf("a channel beyond the budget: %v", err)
	}
	c.Close()
	s.Close()
	<-c.Done()
	if _, err := c.m.OpenSession(context.Background(), nil); err != nil {
		t.Fatalf("after another was closed: %v", err)
	}
}
