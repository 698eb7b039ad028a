package connection

import (
	"context"
	"io"
	"runtime"
	"testing"
	"unsafe"

	"github.com/hawser-ssh/hawser/wire"
)

// No allocation per packet in either direction, in stream and in push mode.
func TestDataPathAllocs(t *testing.T) {
	if raceEnabled {
		t.Skip("pools are not what they are under the race detector")
	}
	const size = 32 << 10
	block, buf := make([]byte, size), make([]byte, size)
	t.Run("stream", func(t *testing.T) {
		c, s := pairOpen(t, nil, nil, nil)
		step := func() {
			if _, err := c.Write(block); err != nil {
				t.Fatal(err)
			}
			if _, err := io.ReadFull(s, buf); err != nil {
				t.Fatal(err)
			}
		}
		checkAllocs(t, step)
	})
	t.Run("small", func(t *testing.T) {
		c, s := pairOpen(t, nil, nil, nil)
		checkAllocs(t, func() {
			c.Write(block[:1])
			io.ReadFull(s, buf[:1])
		})
	})
	t.Run("push", func(t *testing.T) {
		got := make(chan int, 1)
		n := 0
		ev := &Events{Data: func(_ *Channel, _ uint32, p []byte) {
			if n += len(p); n == size {
				n = 0
				got <- size
			}
		}}
		writable := make(chan struct{}, 1)
		c, _ := pairOpen(t, nil, &Events{Writable: func(*Channel) { writable <- struct{}{} }}, ev)
		checkAllocs(t, func() {
			err := c.TryWrite(stdoutCode, block)
			for ; err == ErrWouldBlock; err = c.TryWrite(stdoutCode, block) { // the adjusts may lag behind
				<-writable
			}
			if err != nil {
				t.Fatal(err)
			}
			<-got
		})
	})
}

func checkAllocs(t *testing.T, step func()) {
	t.Helper()
	for range 100 {
		step()
	}
	if n := testing.AllocsPerRun(2000, step); n > 0 {
		t.Errorf("%v allocations a packet", n)
	}
}

// An idle connection with an idle channel costs two small structs, no
// goroutine but the reader, and no buffer.
func TestIdleMemory(t *testing.T) {
	const budget = 1 << 10 // bytes for a Mux with one open channel
	if got := unsafe.Sizeof(Mux{}) + unsafe.Sizeof(Channel{}); got > budget-256 {
		t.Errorf("Mux and Channel have %d bytes", got)
	}
	if raceEnabled {
		t.Skip("the race detector has its own idea of memory")
	}
	const n = 500
	muxes := make([]*Mux, 0, n)
	h, opened := accepting(&Events{Closed: func(*Channel) {}})
	cfg := (&Config{Handler: h}).Shared()
	links := make([]*link, n)
	for i := range links {
		links[i] = &link{out: &linkPipe{}, in: &linkPipe{}}
	}
	before := heap()
	for _, l := range links {
		m := New(l, wire.Server, cfg)
		open := wire.ChannelOpen{Type: typeSession, Window: 1, MaxPacket: 1}
		if err := m.dispatch(open.Append(nil)); err != nil {
			t.Fatal(err)
		}
		c := <-opened
		if err := m.dispatch(wire.ChannelData{Recipient: c.ID(), Data: []byte("x")}.Append(nil)); err != nil {
			t.Fatal(err)
		}
		if _, err := c.Read(make([]byte, 1)); err != nil {
			t.Fatal(err)
		}
		m.pump.finish()
		l.out.queue, l.out.replies, l.out.free = nil, nil, nil
		muxes = append(muxes, m)
	}
	if got := (heap() - before) / n; got > budget {
		t.Errorf("%d bytes for an idle connection with a channel, budget %d", got, budget)
	} else {
		t.Logf("%d bytes; Mux %d, Channel %d", got, unsafe.Sizeof(Mux{}), unsafe.Sizeof(Channel{}))
	}
	runtime.KeepAlive(muxes)
}

func heap() int {
	runtime.GC()
	runtime.GC()
	var s runtime.MemStats
	runtime.ReadMemStats(&s)
	return int(s.HeapAlloc)
}

func BenchmarkBulk(b *testing.B) {
	c, s := pairOpen(b, nil, nil, nil)
	go io.Copy(io.Discard, s)
	block := make([]byte, 32<<10)
	b.SetBytes(int64(len(block)))
	b.ReportAllocs()
	for b.Loop() {
		c.Write(block)
	}
}

func BenchmarkRequest(b *testing.B) {
	c, _ := pairOpen(b, nil, nil, nil)
	b.ReportAllocs()
	for b.Loop() {
		c.SendRequest(context.Background(), "x", true, nil)
	}
}
