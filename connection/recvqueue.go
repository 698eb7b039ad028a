package connection

import "sync"

// Sizes of chunks: a lone small packet must not pin a large one.
const (
	smallChunk = 1 << 10
	largeChunk = 32 << 10
)

// chunk is a piece of a receive queue; buf[r:w] is unread.
type chunk struct {
	next *chunk
	r, w int
	buf  []byte
}

var (
	smallChunks = sync.Pool{New: func() any { return &chunk{buf: make([]byte, smallChunk)} }}
	largeChunks = sync.Pool{New: func() any { return &chunk{buf: make([]byte, largeChunk)} }}
)

// newChunk returns a chunk filled with as much of p as fits, and the rest of p.
// One that stands alone may be small.
func newChunk(p []byte, alone bool) (c *chunk, rest []byte) {
	if alone && len(p) <= smallChunk {
		c = smallChunks.Get().(*chunk)
	} else {
		c = largeChunks.Get().(*chunk)
	}
	c.w = copy(c.buf, p)
	return c, p[c.w:]
}

func (c *chunk) free() {
	c.next, c.r, c.w = nil, 0, 0
	if len(c.buf) == smallChunk {
		smallChunks.Put(c)
	} else {
		largeChunks.Put(c)
	}
}

// recvQueue holds received bytes that nobody has read. Its size is bounded by
// the window that the channel granted. All methods need the channel's lock;
// the reader of the connection is the only one that adds.
type recvQueue struct {
	head, tail *chunk
	size       int
	lent       bool // views of the first chunks are out; these must stay where they are
	dropped    bool // nothing is kept any more
}

// fill copies what fits into the last chunk and returns the rest of p.
func (q *recvQueue) fill(p []byte) (rest []byte) {
	if q.tail == nil {
		return p
	}
	n := copy(q.tail.buf[q.tail.w:], p)
	q.tail.w += n
	q.size += n
	return p[n:]
}

// add takes the chunk c. It returns how many bytes it does not keep.
func (q *recvQueue) add(c *chunk) (dropped int) {
	if q.dropped {
		dropped = c.w
		c.free()
		return dropped
	}
	if q.tail == nil {
		q.head = c
	} else {
		q.tail.next = c
	}
	q.tail = c
	q.size += c.w
	return 0
}

// read copies out up to len(p) bytes.
func (q *recvQueue) read(p []byte) (n int) {
	for n < len(p) && q.head != nil {
		k := copy(p[n:], q.head.buf[q.head.r:q.head.w])
		n += k
		q.consume(k)
	}
	return n
}

// lend returns a view of the first bytes, at most limit. It is valid until giveBack.
func (q *recvQueue) lend(limit int) []byte {
	q.lent = true
	return q.head.buf[q.head.r:min(q.head.w, q.head.r+limit)]
}

// lendMany appends views of the first chunks to views, as many as that has room for. They are valid until giveBack.
func (q *recvQueue) lendMany(views [][]byte) [][]byte {
	q.lent = true
	for c := q.head; c != nil && len(views) < cap(views); c = c.next {
		views = append(views, c.buf[c.r:c.w])
	}
	return views
}

// giveBack ends a loan of which n bytes were used, and returns how many bytes left the queue.
func (q *recvQueue) giveBack(n int) int {
	q.lent = false
	if q.dropped {
		return q.drop()
	}
	for left := n; left > 0; {
		k := min(left, q.head.w-q.head.r)
		q.consume(k)
		left -= k
	}
	return n
}

// consume removes n bytes of the head chunk.
func (q *recvQueue) consume(n int) {
	c := q.head
	c.r += n
	q.size -= n
	if c.r < c.w {
		return
	}
	q.head = c.next
	if q.head == nil {
		q.tail = nil
	}
	c.free()
}

// drop gives up everything, now or when the loan ends, keeps nothing from now
// on, and returns how many bytes left the queue.
func (q *recvQueue) drop() int {
	q.dropped = true
	if q.lent {
		return 0
	}
	n := q.size
	for c := q.head; c != nil; {
		next := c.next
		c.free()
		c = next
	}
	q.head, q.tail, q.size = nil, nil, 0
	return n
}
