//go:build unix

package main

import (
	"io"
	"os"
	"syscall"
	"time"
)

// rawFile returns the descriptor below a pipe or terminal, or nil where the runtime does not wait for it: a read of one
// that blocks must not be repeated for more.
func rawFile(f *os.File) syscall.RawConn {
	if f.SetReadDeadline(time.Time{}) != nil {
		return nil
	}
	raw, err := f.SyscallConn()
	if err != nil {
		return nil
	}
	return raw
}

// pollRead reads what has gathered; false lets the runtime park the goroutine, without a buffer, until there is something.
// A terminal returns no more than 4 KiB at a time: it is asked until it has nothing left.
func (o *outlet) pollRead(fd uintptr) bool {
	o.takeBuffer()
	for o.n < len(o.buf) {
		n, err := syscall.Read(int(fd), o.buf[o.n:])
		switch {
		case err == syscall.EINTR:
			continue
		case err == syscall.EAGAIN && o.n == 0:
			o.release()
			return false
		case err != nil: // behind output it will be met again
			o.err = err
			return true
		case n == 0:
			o.err = io.EOF
			return true
		}
		if o.n += n; o.pipe {
			return true
		}
	}
	return true
}

// pollWrite writes as much as the pipe takes; false lets the runtime park the goroutine until it takes more.
func (in *inlet) pollWrite(fd uintptr) bool {
	for len(in.views) > 0 {
		n, err := writeViews(int(fd), in.views)
		switch {
		case err == syscall.EINTR:
			continue
		case err == syscall.EAGAIN && in.grown:
			return false
		case err == syscall.EAGAIN:
			in.grown = true
			setPipeSize(int(fd), pipeSize)
			continue
		case err != nil:
			in.err = &os.PathError{Op: "write", Path: in.f.Name(), Err: err}
			return true
		}
		in.wrote(n)
	}
	return true
}

// enlargePipe makes the pipe hold more.
func enlargePipe(raw syscall.RawConn) {
	_ = raw.Control(func(fd uintptr) { setPipeSize(int(fd), pipeSize) }) // an error means that it is closed, as the next read will see
}
