//go:build unix

package transport

import (
	"net"
	"os"
	"syscall"
)

// rawConn returns the socket below nc where reads may go to it directly: only
// for the two types of the standard library, as a wrapper that embeds one may
// have a Read of its own.
func rawConn(nc net.Conn) syscall.RawConn {
	var raw syscall.RawConn
	switch s := nc.(type) {
	case *net.TCPConn:
		raw, _ = s.SyscallConn()
	case *net.UnixConn:
		raw, _ = s.SyscallConn()
	}
	return raw
}

// pollRead reads once from the non-blocking socket; false lets the runtime
// park the reader until there is something. A connection with nothing to read
// and no unread bytes holds no buffer while it waits.
func (c *Conn) pollRead(fd uintptr) bool {
	in := &c.in
	in.takeBuffer()
	for {
		in.n, in.err = syscall.Read(int(fd), in.room())
		if in.err != syscall.EINTR {
			break
		}
	}
	if in.err != syscall.EAGAIN {
		in.n = max(in.n, 0)
		return true
	}
	if in.phase != phaseOpen && !in.replied {
		quickAck(fd)
	}
	if in.r == in.w {
		in.release()
	}
	c.turn.waited = true
	c.gather(fd)
	return false
}

// awaitInput returns when the socket has something to read, or nothing will
// ever come. The system tells an error of the socket once, and so this returns
// it; what else there is to know is for the next read.
func (c *Conn) awaitInput() error {
	c.in.err = nil
	_ = c.raw.Read(c.hasInput)
	return c.in.err
}

// hasInput reports whether a read would not wait.
func (c *Conn) hasInput(fd uintptr) bool {
	var b [1]byte
	for {
		_, _, err := syscall.Recvfrom(int(fd), b[:], syscall.MSG_PEEK)
		switch err {
		case syscall.EINTR:
			continue
		case syscall.EAGAIN:
			return false
		case nil:
			return true
		}
		c.in.err = os.NewSyscallError("recvfrom", err)
		return true
	}
}

// tryWrite writes what out.direct holds as far as the socket takes it now, and
// returns how much that was. An error is left for the flusher to meet again.
func (c *Conn) tryWrite() int {
	c.out.wrote = 0
	if err := c.raw.Write(c.out.poll); err != nil {
		return 0
	}
	return c.out.wrote
}

// pollWrite writes once to the non-blocking socket.
func (c *Conn) pollWrite(fd uintptr) bool {
	for {
		n, err := syscall.Write(int(fd), c.out.direct)
		if err != syscall.EINTR {
			c.out.wrote = max(n, 0)
			return true
		}
	}
}
