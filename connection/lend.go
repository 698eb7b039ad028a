package connection

import (
	"io"
	"net"
)

// BuffersWriter is a writer that takes more than one slice in a call, as a file does with one system call.
type BuffersWriter interface {
	// WriteBuffers writes the slices one behind the other. They are views, valid until it returns, and the list may be
	// changed. It returns how many bytes it wrote, and an error where these are not all.
	WriteBuffers(views [][]byte) (n int64, err error)
}

// maxViews is how many chunks are lent at once: together as much as the transport reads at once.
const maxViews = 8

// WriteTo writes plain data to w until the peer's EOF. It lends w the received
// bytes and copies nothing; to a [BuffersWriter] or a socket of the standard
// library, all that has gathered.
func (c *Channel) WriteTo(w io.Writer) (int64, error) { return c.writeTo(stdoutCode, w) }

func (s stderr) WriteTo(w io.Writer) (int64, error) { return s.c.writeTo(stderrCode, w) }

func (c *Channel) writeTo(code uint32, w io.Writer) (total int64, err error) {
	out := borrower{w: w}
	room := 1
	switch w.(type) {
	case BuffersWriter, *net.TCPConn, *net.UnixConn:
		room = maxViews
	}
	out.views = make([][]byte, 0, room)
	for {
		n, ended, err := c.lendTo(code, &out)
		total += n
		if ended || err != nil {
			return total, err
		}
	}
}

// lendTo passes what there is to w; ended says that no more will follow.
func (c *Channel) lendTo(code uint32, w *borrower) (n int64, ended bool, err error) {
	c.mu.Lock()
	defer c.settle()
	q := c.streamQueue(code)
	if _, err := c.awaitLocked(q, nil); err == io.EOF {
		return 0, true, nil
	} else if err != nil {
		return 0, false, err
	}
	views := q.lendMany(w.views)
	c.mu.Unlock()
	defer func() {
		c.mu.Lock()
		c.grantLocked(q.giveBack(int(n)))
		c.loanOverLocked(q)
	}()
	n, err = w.write(views)
	return n, false, err
}

// borrower writes what a queue lends it.
type borrower struct {
	w     io.Writer
	views [][]byte    // empty; its capacity is how many are taken at once
	rest  net.Buffers // of views, while a socket writes them
}

// write writes all views and returns how many bytes of them are done with. A
// writer that is broken must not break the queue.
func (b *borrower) write(views [][]byte) (n int64, err error) {
	size := int64(0)
	for _, v := range views {
		size += int64(len(v))
	}
	switch w := b.w.(type) {
	case BuffersWriter:
		n, err = w.WriteBuffers(views)
	case *net.TCPConn, *net.UnixConn:
		b.rest = views
		n, err = b.rest.WriteTo(w)
	default:
		var k int
		k, err = w.Write(views[0])
		n = int64(k)
	}
	if n < 0 || n > size {
		return 0, errWriteResult
	}
	if n < size && err == nil {
		err = io.ErrShortWrite
	}
	return n, err
}
