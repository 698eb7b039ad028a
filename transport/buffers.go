package transport

import "sync"

// Buffers come in two sizes: one for what an interactive session needs, and
// one for bulk transfer, which holds the largest packet and its tag.
const (
	smallBuffer = 16 << 10
	midBuffer   = 64 << 10
	largeBuffer = DefaultMaxPacket + 1<<10
)

// The pools hold buffers between uses, for all connections; pointers to
// arrays, so that putting one back does not allocate.
var smallPool, midPool, largePool sync.Pool

// getBuffer returns a buffer of at least n bytes and of one of the sizes, or
// of exactly n bytes where that is beyond them.
func getBuffer(n int) []byte {
	switch {
	case n <= smallBuffer:
		if p, _ := smallPool.Get().(*[smallBuffer]byte); p != nil {
			return p[:]
		}
		return make([]byte, smallBuffer)
	case n <= midBuffer:
		if p, _ := midPool.Get().(*[midBuffer]byte); p != nil {
			return p[:]
		}
		return make([]byte, midBuffer)
	case n <= largeBuffer:
		if p, _ := largePool.Get().(*[largeBuffer]byte); p != nil {
			return p[:]
		}
		return make([]byte, largeBuffer)
	}
	return make([]byte, n)
}

// putBuffer gives back a buffer that getBuffer returned; nobody may hold a
// view of it. A nil buffer is fine.
func putBuffer(b []byte) {
	b = b[:cap(b)]
	switch len(b) {
	case smallBuffer:
		smallPool.Put((*[smallBuffer]byte)(b))
	case midBuffer:
		midPool.Put((*[midBuffer]byte)(b))
	case largeBuffer:
		largePool.Put((*[largeBuffer]byte)(b))
	}
}
