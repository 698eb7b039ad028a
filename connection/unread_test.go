package connection

import (
	"io"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hawser-ssh/hawser/wire"
)

// crowd is a peer that sends all that it may on many channels.
type crowd struct {
	*raw
	channels []*Channel
	may      map[uint32]uint32 // by our number
	sent     int64
}

// opens asks for n channels, and has those that it gets.
func (p *crowd) opens(n int, got <-chan *Channel) {
	p.may = make(map[uint32]uint32)
	for i := range uint32(n) {
		p.send(wire.ChannelOpen{Type: "test@example.org", Sender: i, Window: 1, MaxPacket: 1000})
		answer := p.next()
		var msg wire.ChannelOpenConfirmation
		if msg.Parse(answer) == nil {
			c := <-got
			p.channels, p.may[c.ID()] = append(p.channels, c), msg.Window
			continue
		}
		var refusal wire.ChannelOpenFailure
		if err := refusal.Parse(answer); err != nil || refusal.Reason != wire.OpenResourceShortage {
			p.t.Fatalf("channel %d: %x", i, answer)
		}
	}
}

// fill sends, so much in a packet, until nothing may be sent any more.
func (p *crowd) fill(packet uint32) {
	for block, more := make([]byte, packet), true; more; {
		more = false
		for _, c := range p.channels {
			for p.may[c.ID()] > 0 {
				n := min(p.may[c.ID()], packet)
				p.send(wire.ChannelData{Recipient: c.ID(), Data: block[:n]})
				p.may[c.ID()] -= n
				p.sent += int64(n)
				synctest.Wait()
			}
			more = p.grants() || more
		}
		time.Sleep(testPath)
	}
}

// grants takes what has been granted.
func (p *crowd) grants() (any bool) {
	for {
		p.in.mu.Lock()
		waiting := p.in.lenLocked() > 0
		p.in.mu.Unlock()
		if !waiting {
			return any
		}
		var msg wire.ChannelWindowAdjust
		if err := msg.Parse(p.next()); err != nil {
			p.t.Fatal(err)
		}
		p.may[msg.Recipient] += msg.Bytes // the crowd's numbers are ours
		any = true
	}
}

// held returns the bytes that nobody has read, and the sum of the windows.
func (p *crowd) held() (bytes, windows int64) {
	for _, c := range p.channels {
		bytes += int64(c.held())
		windows += int64(c.size())
	}
	return bytes, windows
}

// A thousand channels whose readers never read hold what the budget allows, and not a byte more: the connection's own
// budget, and the shared one. The memory is that of the bytes and a chunk for each channel that is not full.
func TestBudgetOfReadersThatNeverRead(t *testing.T) {
	const channels, budget = 1000, 16 << 20
	for name, cfg := range map[string]Config{
		"own":    {WindowBudget: budget},
		"shared": {Budget: NewBudget(budget)},
	} {
		t.Run(name, func(t *testing.T) {
			h, got := accepting(nil)
			cfg.Handler = h
			scriptOver(t, testPath, wire.Server, &cfg, func(raw *raw) {
				p := &crowd{raw: raw}
				p.opens(channels, got)
				before := heap()
				p.fill(DefaultMaxPacket)
				memory := int64(heap() - before)
				bytes, windows := p.held()
				if bytes != p.sent || bytes != windows || bytes != p.m.windows.own.Used() || bytes > budget {
					t.Errorf("%d bytes sent, %d held, of windows of %d, %d taken of a budget of %d",
						p.sent, bytes, windows, p.m.windows.own.Used(), budget)
				}
				if full := int64(budget/2 + budget/2/minWindow*minWindow); bytes != full {
					t.Errorf("%d bytes could be sent, %d were expected", bytes, full)
				}
				if chunks := int64(len(p.channels) * (largeChunk + smallChunk)); memory > bytes+chunks && !raceEnabled {
					t.Errorf("%d bytes of memory for %d of data", memory, bytes)
				}
			})
		})
	}
}

// Nor do a thousand whose readers read until the windows have grown, and stop then.
func TestBudgetOfReadersThatStop(t *testing.T) {
	const base = 16 << 10
	channels := 1000
	if testing.Short() {
		channels = 100
	}
	budget := int64(4 * base * channels)
	h, got := accepting(nil)
	cfg := &Config{Handler: h, Window: base, MaxWindow: 8 * base, WindowBudget: budget}
	scriptOver(t, testPath, wire.Server, cfg, func(raw *raw) {
		p := &crowd{raw: raw}
		p.opens(channels, got)
		time.Sleep(testPath) // until the peer knows
		for _, c := range p.channels {
			go io.ReadFull(c, make([]byte, 8*base))
		}
		p.fill(base / 4)
		bytes, windows := p.held()
		if len(p.channels) != channels || bytes > windows || windows != p.m.windows.own.Used() || windows > budget {
			t.Errorf("%d channels, %d bytes held, of windows of %d, %d taken of a budget of %d",
				len(p.channels), bytes, windows, p.m.windows.own.Used(), budget)
		}
		if bytes < budget*2/5 || windows < budget/2-8*base {
			t.Errorf("%d bytes held, of windows of %d: they have not grown", bytes, windows)
		}
	})
}
