package transport

// startFlush starts the flusher where there is something to write, or to
// close, and nobody at work. A direct write may still overtake it. The lock of
// the sending half is held.
func (c *Conn) startFlush() {
	if !c.out.flushing && !c.out.writing {
		c.out.flushing = true
		c.joined.Add(1)
		go c.flush()
	}
}

// writeOut sends what a writer has sealed. A little goes to the socket at once,
// as far as that takes it without waiting: starting a flusher costs more than
// such a write. What comes meanwhile, or is left, is the flusher's. The lock is
// held, but for the time of the write.
func (c *Conn) writeOut() {
	o := &c.out
	if o.writing || c.raw == nil || len(o.buf) > directWrite {
		c.startFlush()
		return
	}
	o.writing = true
	c.joined.Add(1)
	defer c.joined.Done()
	leaving := o.control
	o.direct = o.take()
	o.mu.Unlock()
	n := c.tryWrite()
	if n > 0 {
		c.in.counted.clock.note()
	}
	o.mu.Lock()
	b := o.direct
	o.writing, o.direct = false, nil
	if n == len(b) {
		o.control.sub(leaving)
		putBuffer(b)
	} else { // before anything that was sealed since
		since := o.take()
		o.buf = append(b[:copy(b, b[n:])], since...)
		putBuffer(since)
	}
	if len(o.buf) > 0 || o.err != nil || len(o.notify) > 0 || o.waiting != nil {
		c.startFlush() // one that was started earlier may have given way to this write
	}
}

// sendOwed sends what the reader has sealed since it last waited. It is in no
// hurry before: so a message, what follows it, and the answers to messages that
// came together leave together.
func (c *Conn) sendOwed() {
	in, o := &c.in, &c.out
	in.replied = false
	if !in.owes {
		return
	}
	in.owes = false
	o.mu.Lock()
	defer o.mu.Unlock()
	if in.replied = len(o.buf) > 0; in.replied { // else somebody has sent it already, and acknowledged nothing since
		c.writeOut()
	}
}

// directWrite is up to how many bytes a writer sends itself: the output of a program that writes through a buffer of its
// C library counts as little.
const directWrite = 16 << 10

// runFlusher writes what has been sealed, buffer by buffer, so that packets
// which come while a write is under way share the next one. It ends when
// nothing is left; it owns the buffer it writes, and may wait for the socket
// alone. When the connection has ended, it closes the socket behind the last
// byte.
func (c *Conn) runFlusher() {
	defer c.joined.Done()
	o := &c.out
	o.mu.Lock()
	if o.flushing = !o.writing; o.writing { // overtaken by a direct write, which starts another where there is need
		o.mu.Unlock()
		return
	}
	o.writing = true
	for len(o.buf) > 0 {
		b, leaving := o.take(), o.control
		notify := o.release()
		o.mu.Unlock()
		runAll(notify)
		err := c.writeRaw(b)
		putBuffer(b)
		if err != nil {
			c.end(err, false)
		}
		o.mu.Lock()
		o.control.sub(leaving)
		if err != nil {
			putBuffer(o.take())
		}
	}
	o.flushing, o.writing = false, false
	over, linger := o.err != nil, o.lingers
	notify := o.release()
	o.mu.Unlock()
	runAll(notify)
	if over {
		c.closeSocket(linger)
	}
}

// release wakes the writers that may go on now, and returns the callbacks
// that wait for the same. The lock is held.
func (o *sender) release() []func() {
	if o.gated && o.err == nil {
		return nil
	}
	o.wake()
	notify := o.notify
	o.notify = nil
	return notify
}

func runAll(callbacks []func()) {
	for _, f := range callbacks {
		f()
	}
}

// writeRaw writes b to the socket.
func (c *Conn) writeRaw(b []byte) error {
	n, err := c.nc.Write(b)
	if n > 0 {
		c.in.counted.clock.note()
	}
	if err != nil {
		return lost("write", err)
	}
	return nil
}
