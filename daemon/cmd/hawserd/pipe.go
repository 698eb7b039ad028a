package main

import (
	"io"
	"os"
	"sync"
	"syscall"
)

// Sizes of what moves between programs and channels.
const (
	smallRead = 16 << 10  // what a buffer for a program's output holds, unless more than that is waiting
	largeRead = 256 << 10 // then
	// pipeSize is what a pipe is enlarged to that a transfer fills. All pipes of a user together have a limit, 64 MiB on
	// Linux, beyond which he gets very small ones: those that are not filled stay as the system makes them.
	pipeSize = 256 << 10
	// fullPipe is how much a read returns that finds a pipe full, or nearly so.
	fullPipe = 32 << 10
)

var (
	smallReads = sync.Pool{New: func() any { return new([smallRead]byte) }}
	largeReads = sync.Pool{New: func() any { return new([largeRead]byte) }}
)

// outlet is where a program's output comes out: a pipe, or our side of its terminal. Delivering it costs a system call
// for all that has gathered, and no buffer is held while nothing has.
type outlet struct {
	f     *os.File
	raw   syscall.RawConn // nil where plain reads must do
	poll  func(fd uintptr) bool
	pipe  bool
	grown bool // the pipe was enlarged, or cannot be

	buf  []byte // pooled; nil while waiting
	bulk bool   // the last read filled its buffer: take a large one
	n    int    // results of the read under way
	err  error
}

func newOutlet(f *os.File, pipe bool) *outlet {
	o := &outlet{f: f, raw: rawFile(f), pipe: pipe}
	o.poll = o.pollRead
	return o
}

func (o *outlet) Close() error { return o.f.Close() }

func (o *outlet) Read(b []byte) (int, error) { return o.f.Read(b) }

// WriteTo delivers everything to w, until the end of the output.
func (o *outlet) WriteTo(w io.Writer) (int64, error) { return deliver(w, o.take, o.release) }

// deliver writes to w what take returns, until its error, which is nil for io.EOF.
func deliver(w io.Writer, take func() ([]byte, error), release func()) (total int64, err error) {
	defer release()
	for {
		view, err := take()
		if err == io.EOF {
			return total, nil
		}
		if err != nil {
			return total, err
		}
		n, err := w.Write(view)
		total += int64(n)
		if err == nil && n < len(view) {
			err = io.ErrShortWrite
		}
		if err != nil {
			return total, err
		}
	}
}

// take waits for output and returns what has gathered, a view until the next call. At the end it returns io.EOF.
func (o *outlet) take() ([]byte, error) {
	o.release()
	o.n, o.err = 0, nil
	if o.raw != nil {
		if err := o.raw.Read(o.poll); err != nil {
			return nil, err
		}
	} else {
		o.takeBuffer()
		o.n, o.err = o.f.Read(o.buf)
	}
	if o.n == 0 {
		return nil, o.err
	}
	if o.raw != nil && o.pipe && !o.grown && o.n >= fullPipe {
		o.grown = true
		enlargePipe(o.raw)
	}
	o.bulk = o.n == len(o.buf) || o.bulk && o.n >= smallRead
	return o.buf[:o.n], nil
}

func (o *outlet) takeBuffer() {
	if o.bulk {
		o.buf = largeReads.Get().(*[largeRead]byte)[:]
	} else {
		o.buf = smallReads.Get().(*[smallRead]byte)[:]
	}
}

func (o *outlet) release() {
	switch len(o.buf) {
	case smallRead:
		smallReads.Put((*[smallRead]byte)(o.buf))
	case largeRead:
		largeReads.Put((*[largeRead]byte)(o.buf))
	}
	o.buf = nil
}

// inlet is the pipe that feeds a program. What has gathered for it goes in with one system call.
type inlet struct {
	f     *os.File
	raw   syscall.RawConn // nil where plain writes must do
	poll  func(fd uintptr) bool
	grown bool // the pipe was enlarged, or cannot be

	views [][]byte // what the write under way has left
	n     int64    // its results
	err   error
}

func newInlet(f *os.File) *inlet {
	in := &inlet{f: f, raw: rawFile(f)}
	in.poll = in.pollWrite
	return in
}

func (in *inlet) Write(p []byte) (int, error) { return in.f.Write(p) }

// WriteBuffers writes the slices one behind the other and waits until the pipe has taken them.
func (in *inlet) WriteBuffers(views [][]byte) (n int64, err error) {
	if in.raw == nil {
		for _, v := range views {
			k, err := in.f.Write(v)
			n += int64(k)
			if err != nil {
				return n, err
			}
		}
		return n, nil
	}
	in.views, in.n, in.err = views, 0, nil
	if err := in.raw.Write(in.poll); err != nil {
		in.err = err
	}
	in.views = nil
	return in.n, in.err
}

// wrote takes n bytes off what is left.
func (in *inlet) wrote(n int) {
	in.n += int64(n)
	for len(in.views) > 0 && n >= len(in.views[0]) {
		n -= len(in.views[0])
		in.views = in.views[1:]
	}
	if n > 0 {
		in.views[0] = in.views[0][n:]
	}
}
