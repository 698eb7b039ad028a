package connection

import "sync"

// reply is our answer to a request of the peer. Answers go out in the order of
// the requests (RFC 4254 §4, §5.4): one that is ready early waits.
type reply struct {
	next    *reply
	ready   bool
	ok      bool
	payload []byte // of a global success
}

// replyQueue holds the answers that the peer waits for.
type replyQueue struct {
	head, tail *reply
	n          int
}

func (q *replyQueue) add(r *reply) {
	if q.tail == nil {
		q.head = r
	} else {
		q.tail.next = r
	}
	q.tail = r
	q.n++
}

// flush hands the answers that are due to send.
func (q *replyQueue) flush(send func(r *reply)) {
	for q.head != nil && q.head.ready {
		r := q.head
		q.head = r.next
		if q.head == nil {
			q.tail = nil
		}
		q.n--
		send(r)
	}
}

// waiter is a request of ours that waits for the peer's reply.
type waiter struct {
	result chan waited // of capacity 1
	// onReply, which may be nil, runs on the reader before any later message is handled. It must not wait.
	onReply func(ok bool, payload []byte)
}

type waited struct {
	ok      bool
	payload []byte // copied
	err     error
}

func (w *waiter) fail(err error) { w.result <- waited{err: err} }

// waitQueue holds our requests in the order of their sending, which is the
// order of the replies. Its owner's lock guards it. A caller that gave up
// leaves its waiter, for the reply will come all the same.
type waitQueue struct {
	w *waiters // made by gateLocked: most channels ask nothing
}

type waiters struct {
	list []*waiter
	gate chan struct{} // of capacity 1: full while somebody sends, so that two requests keep their order
}

// gateLocked returns the gate, which who adds to the queue must have passed.
func (q *waitQueue) gateLocked() chan struct{} {
	if q.w == nil {
		q.w = &waiters{gate: make(chan struct{}, 1)}
	}
	return q.w.gate
}

func (q *waitQueue) len() int {
	if q.w == nil {
		return 0
	}
	return len(q.w.list)
}

func (q *waitQueue) add(w *waiter) { q.w.list = append(q.w.list, w) }

// next takes the oldest waiter, or returns nil.
func (q *waitQueue) next() *waiter {
	if q.len() == 0 {
		return nil
	}
	list := q.w.list
	w := list[0]
	list[0] = nil
	if q.w.list = list[1:]; len(list) == 1 {
		q.w.list = nil
	}
	return w
}

// unqueue removes the youngest waiter, whose request was not sent.
func (q *waitQueue) unqueue(w *waiter) {
	if n := q.len(); n > 0 && q.w.list[n-1] == w {
		q.w.list = q.w.list[:n-1]
	}
}

// takeAll empties the queue for good.
func (q *waitQueue) takeAll() []*waiter {
	if q.w == nil {
		return nil
	}
	list := q.w.list
	q.w.list = nil
	return list
}

// asker is the way to send a request and wait for the reply, for a channel and
// for the whole connection.
type asker struct {
	m     *Mux
	mu    *sync.Mutex
	queue *waitQueue
	limit int
	gone  func() error // with mu held: why there will be no reply
	send  func(done <-chan struct{}) error
}
