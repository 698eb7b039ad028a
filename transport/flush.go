package transport

// startFlush starts the flusher where there is something to write, or to
// close, and none at work. The lock of the sending half is held.
func (c *Conn) startFlush() {
	if !c.out.flushing {
		c.out.flushing = true
		c.joined.Add(1)
		go c.flush()
	}
}

// runFlusher writes what has been sealed, buffer by buffer, so that packets
// which come while a write is under way share the next one. It ends when
// nothing is left; it owns the buffer it writes, and may wait for the socket
// alone. When the connection has ended, it closes the socket behind the last
// byte.
func (c *Conn) runFlusher() {
	defer c.joined.Done()
	o := &c.out
	o.mu.Lock()
	for len(o.buf) > 0 {
		b := o.buf
		o.buf, o.control = nil, controlCount{}
		notify := o.release()
		o.mu.Unlock()
		runAll(notify)
		err := c.writeRaw(b)
		putBuffer(b)
		if err != nil {
			c.end(err, false)
		}
		o.mu.Lock()
		if err != nil {
			putBuffer(o.buf)
			o.buf = nil
		}
	}
	o.flushing = false
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
	if _, err := c.nc.Write(b); err != nil {
		return lost("write", err)
	}
	return nil
}
