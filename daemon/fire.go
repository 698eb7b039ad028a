package daemon

import (
	"context"
	"fmt"
	"runtime/debug"
	"sync"
	"time"

	"github.com/hawser-ssh/hawser/wire"
)

// maxQueuedLogs bounds the log events that wait for a slow handler; more are
// counted and dropped.
const maxQueuedLogs = 256

// eventQueue runs what is put into it one at a time and in order. It has no
// goroutine of its own: what calls it inline runs what has queued up, and a
// post to an idle queue starts a goroutine that ends with the last task.
type eventQueue struct {
	mu      sync.Mutex
	changed sync.Cond // of busy and ended; its L is &mu
	tasks   []func()
	running bool // somebody is running tasks
	busy    bool // a handler is running
	sealed  bool // the last event is being fired: nothing comes after it
	ended   bool // the last event has been fired
	logs    int  // log events among tasks
	lost    int  // log events dropped since the last one that was queued
}

func (q *eventQueue) init() { q.changed.L = &q.mu }

// post queues f and returns at once.
func (q *eventQueue) post(f func()) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.pushLocked(f)
	q.startLocked()
}

// push queues f for the next post, call or start to run.
func (q *eventQueue) push(f func()) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.pushLocked(f)
}

// start runs what has been pushed, on a goroutine of its own.
func (q *eventQueue) start() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.startLocked()
}

func (q *eventQueue) pushLocked(f func()) {
	if !q.sealed {
		q.tasks = append(q.tasks, f)
	}
}

func (q *eventQueue) startLocked() {
	if !q.running && len(q.tasks) > 0 {
		q.running = true
		go q.drain()
	}
}

// postLog queues f unless too many log events wait already. f is told how many
// were dropped before it.
func (q *eventQueue) postLog(f func(lost int)) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.logs >= maxQueuedLogs {
		q.lost++
		return
	}
	lost := q.lost
	q.logs, q.lost = q.logs+1, 0
	q.pushLocked(func() {
		q.mu.Lock()
		q.logs--
		q.mu.Unlock()
		f(lost)
	})
	q.startLocked()
}

// call runs f in its turn and returns when it has run. It must not be called
// from a task.
func (q *eventQueue) call(f func()) {
	q.mu.Lock()
	if !q.running {
		q.tasks = append(q.tasks, f)
		q.running = true
		q.mu.Unlock()
		q.drain()
		return
	}
	done := make(chan struct{})
	q.tasks = append(q.tasks, func() { defer close(done); f() })
	q.mu.Unlock()
	<-done
}

// drain runs tasks until there are none. Where a handler ends its goroutine,
// another one takes over.
func (q *eventQueue) drain() {
	empty := false
	defer func() {
		if !empty {
			go q.drain()
		}
	}()
	for {
		q.mu.Lock()
		if len(q.tasks) == 0 {
			q.tasks, q.running = nil, false
			q.mu.Unlock()
			empty = true
			return
		}
		f := q.tasks[0]
		q.tasks[0] = nil
		q.tasks = q.tasks[1:]
		q.mu.Unlock()
		f()
	}
}

// setBusy says whether a handler is running.
func (q *eventQueue) setBusy(busy bool) {
	q.mu.Lock()
	q.busy = busy
	q.mu.Unlock()
	q.changed.Broadcast()
}

// last runs f as the last task of all: what is posted meanwhile or later is
// dropped.
func (q *eventQueue) last(f func()) {
	q.call(func() {
		q.mu.Lock()
		q.sealed, q.tasks = true, nil
		q.mu.Unlock()
		f()
		q.mu.Lock()
		q.ended = true
		q.mu.Unlock()
		q.changed.Broadcast()
	})
}

// waitEndedOrBusy waits until the last event has been fired or a handler is
// running. So it never waits for user code, not even its caller's own.
func (q *eventQueue) waitEndedOrBusy() {
	q.mu.Lock()
	defer q.mu.Unlock()
	for !q.ended && !q.busy {
		q.changed.Wait()
	}
}

// fire asks a handler of the connection and waits for its answer. It returns
// false only when the handler panicked: then nothing it answered counts.
func fire[E any](c *conn, handler func(*E), e *E) (ok bool) {
	if handler == nil {
		return true
	}
	c.events.call(func() { ok = c.d.invoke(c, func() { handler(e) }) })
	return ok
}

// notify tells a handler of the connection, in its turn, and returns at once.
func notify[E any](c *conn, handler func(*E), e *E) {
	if handler != nil {
		c.events.post(func() { c.d.invoke(c, func() { handler(e) }) })
	}
}

// loopTask is a call of a handler on its way to DoEvents.
type loopTask struct {
	run  func()
	done chan struct{}
}

// invoke calls user code: here or, with ProcessIdleEvents=False, on the
// goroutine that calls DoEvents. c may be nil. It returns false when the code
// panicked.
func (d *Daemon) invoke(c *conn, f func()) (ok bool) {
	if c != nil {
		c.events.setBusy(true)
		defer c.events.setBusy(false)
	}
	if d.opt.snapshot().processIdle {
		return d.protect(c, f)
	}
	t := &loopTask{run: func() { ok = d.protect(c, f) }, done: make(chan struct{})}
	d.pending <- t
	<-t.done
	return ok
}

// protect calls f and survives its panic.
func (d *Daemon) protect(c *conn, f func()) (ok bool) {
	defer func() {
		if !ok {
			d.panicked(c, recover())
		}
	}()
	f()
	return true
}

// panicked reports a handler's panic and closes its connection: what the
// handler guards is in an unknown state. A nil value is a handler that ended
// its goroutine.
func (d *Daemon) panicked(c *conn, value any) {
	text := wire.Escape(fmt.Sprint("a handler panicked: ", value), maxText)
	if value == nil {
		text = "a handler ended its goroutine"
	}
	d.slog().Error(text, "stack", string(debug.Stack()))
	if c == nil {
		return
	}
	err := newError(CodeAborted, "a handler panicked", nil)
	if c.disconnect(err) {
		notify(c, d.OnError, &ErrorEvent{ConnectionID: c.id, ErrorCode: err.Code, Description: text})
	}
}

// DoEvents runs the events that wait, on the caller's goroutine; where none
// does, it waits for one for SelectWaitMillis. It is only needed with
// ProcessIdleEvents=False, and may be called from more than one goroutine.
func (d *Daemon) DoEvents() error {
	ctx, cancel := context.WithTimeout(context.Background(),
		time.Duration(d.opt.snapshot().selectWait)*time.Millisecond)
	defer cancel()
	select {
	case t := <-d.pending:
		t.do()
	case <-ctx.Done():
		return nil
	}
	for {
		select {
		case t := <-d.pending:
			t.do()
		default:
			return nil
		}
	}
}

func (t *loopTask) do() {
	defer close(t.done)
	t.run()
}
