package connection

import (
	"fmt"
	"runtime/debug"
	"sync"

	"github.com/hawser-ssh/hawser/wire"
)

type itemKind uint8

const (
	itemOpen itemKind = iota
	itemGlobal
	itemRequest
	itemData
	itemEOF
	itemClosed
	itemWritable
)

// item is one callback that is due. Which fields are set depends on kind.
type item struct {
	kind    itemKind
	code    uint32 // itemData
	n       int    // itemData: bytes; otherwise: bytes counted against MaxQueuedBytes
	ch      *Channel
	open    *OpenRequest
	global  *GlobalRequest
	request *Request
}

// counted reports whether the peer can make any number of these, so that they
// count against MaxQueued. The others are bounded by windows and channels.
func (k itemKind) counted() bool { return k <= itemRequest }

const (
	// smallRing is how many items a pump has room for at first.
	smallRing = 4
	// maxSplits is how many data items of one channel may wait before stdout and stderr lose their interleaving: a
	// peer that alternates single bytes shall not cost an item a byte.
	maxSplits = 16
)

// smallRings are those of pumps that have nothing to do.
var smallRings = sync.Pool{New: func() any { return new([smallRing]item) }}

// pump runs callbacks on a goroutine of its own, which lives while there are
// any: the only place of this package that calls user code.
type pump struct {
	mu       sync.Mutex
	ring     []item // of which n, from first on, are due
	first, n int
	popped   uint64 // items ever taken out; the item at first has this number
	requests int    // counted items due
	bytes    int    // of them
	running  bool
	start    func() // kept, so that starting allocates nothing
	drained  chan struct{}
}

// dataMark says where in the pump's queue a channel's data stands. The pump's
// lock guards it. Numbers are one more than the item's, so that 0 is none.
type dataMark struct {
	last    [2]uint64 // the last data item of each code
	barrier uint64    // the last item of another kind
	due     int       // data items
}

// post queues a callback and starts the goroutine. It reports false where the
// peer has let too many pile up.
func (m *Mux) post(it item) bool {
	p := &m.pump
	p.mu.Lock()
	defer p.mu.Unlock()
	if it.kind.counted() {
		if p.requests >= m.cfg.MaxQueued || p.bytes+it.n > m.cfg.MaxQueuedBytes {
			return false
		}
		p.requests++
		p.bytes += it.n
	}
	if it.ch != nil {
		it.ch.mark.barrier = p.popped + uint64(p.n) + 1
	}
	m.pushLocked(it)
	m.startPumpLocked()
	return true
}

// postData queues n bytes of c for Events.Data; the reader starts the pump
// before it waits. They join bytes that wait already where that keeps the order
// of the channel's events.
func (m *Mux) postData(c *Channel, code uint32, n int) {
	p := &m.pump
	p.mu.Lock()
	defer p.mu.Unlock()
	mark := &c.mark
	own, other := mark.last[code], mark.last[1-code]
	if own > p.popped && own > mark.barrier && (own > other || mark.due >= maxSplits) {
		p.at(int(own - p.popped - 1)).n += n
		return
	}
	mark.last[code] = p.popped + uint64(p.n) + 1
	mark.due++
	m.pushLocked(item{kind: itemData, code: code, n: n, ch: c})
	m.pumpDue = true
}

func (p *pump) at(i int) *item { return &p.ring[(p.first+i)%len(p.ring)] }

func (m *Mux) pushLocked(it item) {
	p := &m.pump
	if p.n == len(p.ring) {
		p.growLocked()
	}
	p.n++
	*p.at(p.n - 1) = it
}

// startPump starts the pump where something is due.
func (m *Mux) startPump() {
	m.pump.mu.Lock()
	defer m.pump.mu.Unlock()
	m.startPumpLocked()
}

// startPumpLocked starts the pump's goroutine where something is due and none runs.
func (m *Mux) startPumpLocked() {
	p := &m.pump
	if p.running || p.n == 0 {
		return
	}
	if p.start == nil {
		p.start = m.runPump
	}
	p.running = true
	go p.start()
}

func (p *pump) growLocked() {
	if p.ring == nil {
		p.ring = smallRings.Get().(*[smallRing]item)[:]
		return
	}
	grown := make([]item, 2*len(p.ring))
	for i := range p.n {
		grown[i] = *p.at(i)
	}
	p.ring, p.first = grown, 0
}

// restLocked gives the ring away, which is empty.
func (p *pump) restLocked() {
	if len(p.ring) == smallRing {
		smallRings.Put((*[smallRing]item)(p.ring))
	}
	p.ring, p.first = nil, 0
}

// next takes the oldest item; without any, the pump stops running.
func (p *pump) next() (it item, ok bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.n == 0 {
		p.running = false
		p.restLocked()
		if p.drained != nil {
			close(p.drained)
			p.drained = nil
		}
		return item{}, false
	}
	slot := p.at(0)
	it = *slot
	*slot = item{}
	p.first = (p.first + 1) % len(p.ring)
	p.n--
	p.popped++
	if it.kind.counted() {
		p.requests--
		p.bytes -= it.n
	}
	if it.kind == itemData {
		it.ch.mark.due--
	}
	return it, true
}

// finish waits until every callback that is due has returned.
func (p *pump) finish() {
	p.mu.Lock()
	if !p.running {
		p.mu.Unlock()
		return
	}
	drained := make(chan struct{})
	p.drained = drained
	p.mu.Unlock()
	<-drained
}

// runPump is the pump's goroutine. It ends when nothing is due, and waits on
// nothing but callbacks.
func (m *Mux) runPump() {
	ended := false
	defer func() {
		if !ended { // a callback called runtime.Goexit
			go m.pump.start()
		}
	}()
	for {
		it, ok := m.pump.next()
		if !ok {
			ended = true
			return
		}
		m.runItem(&it)
	}
}

// runItem runs one callback. One that panics denies what it was asked for and
// ends the connection, not the process.
func (m *Mux) runItem(it *item) {
	returned := false
	defer func() {
		if returned {
			return
		}
		text := "goroutine ended"
		if v := recover(); v != nil {
			text = fmt.Sprint(v)
		}
		m.cfg.Logger.Error("connection: callback panicked", "panic", wire.Escape(text, maxShownText))
		m.fail(&PanicError{Text: text, Stack: debug.Stack()})
	}()
	// Denials are deferred within, so that they come first in a panic too.
	it.run(m)
	returned = true
}

func (it *item) run(m *Mux) {
	switch it.kind {
	case itemOpen:
		it.open.handle()
	case itemGlobal:
		it.global.handle()
	case itemRequest:
		it.request.handle()
	case itemData:
		it.ch.deliver(it.code, it.n)
	case itemEOF:
		it.ch.handleEOF()
	case itemClosed:
		it.ch.handleClosed()
	case itemWritable:
		it.ch.handleWritable()
	}
}
