package main

import (
	"context"
	"fmt"
	"net"
	"sync"
	"time"
)

// delaySteps measures bulk over a path with a round trip time: only the windows of SSH limit it.
func (b *bench) delaySteps() []step {
	var steps []step
	for _, ms := range b.delays {
		for _, direction := range []work{workUp, workDown} {
			name := fmt.Sprintf("%d ms %s", ms, direction)
			for _, peer := range b.peers {
				if peer == dropbear || peer == asyncssh {
					continue // a window of 24 KiB takes minutes, and one of 2 MiB is measured already
				}
				j := job{Peer: peer, Work: direction, Suite: b.suites[0], Bytes: b.delayBytes(peer), AtOnce: 1, Write: standardWrite}
				delay := time.Duration(ms) * time.Millisecond
				steps = append(steps, step{"delay", name, peer, func(ctx context.Context) (string, error) {
					return b.delayed(ctx, name, j, delay)
				}})
			}
		}
	}
	return steps
}

// delayedBytes is what those with a window of 2 MiB carry, who would take minutes for as much as hawser.
const delayedBytes = 32 << 20

func (b *bench) delayBytes(peer string) int64 {
	if peer == hawser {
		return b.bytes
	}
	return min(b.bytes, delayedBytes)
}

func (b *bench) delayed(ctx context.Context, name string, j job, roundTrip time.Duration) (string, error) {
	m, err := b.pairJobVia(ctx, j.Peer, j, func(addr string) (*proxy, error) { return newProxy(addr, roundTrip/2) })
	if err != nil {
		return "", err
	}
	rate := float64(j.Bytes) / m.Seconds / 1e6
	b.results.add("delay", name, j.Peer, "MB/s", true, rate)
	return fmt.Sprintf("%.0f MB/s", rate), nil
}

// proxy passes connections on to a server, every byte after a delay: a path without loss, and with no other limit than
// proxyHeld bytes on their way.
type proxy struct {
	listener net.Listener
	to       string
	delay    time.Duration
	all      sync.WaitGroup
}

const (
	proxyHeld  = 512 << 20 // bytes on their way, in one direction
	proxyPiece = 256 << 10
)

func newProxy(to string, delay time.Duration) (*proxy, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	p := &proxy{listener: l, to: to, delay: delay}
	p.all.Go(p.serve)
	return p, nil
}

// Addr is where clients connect.
func (p *proxy) Addr() string { return p.listener.Addr().String() }

// Close ends the proxy, when its connections have ended.
func (p *proxy) Close() {
	p.listener.Close()
	p.all.Wait()
}

func (p *proxy) serve() {
	for {
		near, err := p.listener.Accept()
		if err != nil {
			return
		}
		far, err := net.Dial("tcp", p.to)
		if err != nil {
			near.Close()
			continue
		}
		p.all.Go(func() {
			var both sync.WaitGroup
			both.Go(func() { p.carry(far, near) })
			both.Go(func() { p.carry(near, far) })
			both.Wait()
			near.Close()
			far.Close()
		})
	}
}

// piece is some bytes, and when they are due.
type piece struct {
	buf *[proxyPiece]byte // of pieces
	n   int
	due time.Time
}

// pieces are for reuse: memory never used before costs as much as passing on what is in it.
var pieces = sync.Pool{New: func() any { return new([proxyPiece]byte) }}

// carry passes bytes on until src ends or dst fails.
func (p *proxy) carry(dst, src net.Conn) {
	queue := make(chan piece, proxyHeld/proxyPiece)
	go func() {
		defer close(queue)
		for {
			buf := pieces.Get().(*[proxyPiece]byte)
			n, err := src.Read(buf[:])
			if n > 0 {
				queue <- piece{buf, n, time.Now().Add(p.delay)}
			}
			if err != nil {
				return
			}
		}
	}()
	for next := range queue {
		time.Sleep(time.Until(next.due))
		if _, err := dst.Write(next.buf[:next.n]); err != nil {
			src.Close() // its reader ends, and with it the queue
			break
		}
		pieces.Put(next.buf)
	}
	for range queue {
	}
	if half, ok := dst.(interface{ CloseWrite() error }); ok {
		_ = half.CloseWrite()
	}
}
