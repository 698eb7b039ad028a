package main

import (
	"bytes"
	"os"
	"testing"

	"golang.org/x/sys/unix"
)

// sizeOf returns how much a pipe holds.
func sizeOf(t *testing.T, f *os.File) (size int) {
	t.Helper()
	raw, err := f.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	var failed error
	if err := raw.Control(func(fd uintptr) { size, failed = unix.FcntlInt(fd, unix.F_GETPIPE_SZ, 0) }); err != nil || failed != nil {
		t.Fatal(err, failed)
	}
	return size
}

// needLargePipes skips where the user may not have another large pipe.
func needLargePipes(t *testing.T) {
	t.Helper()
	r, _ := newPipe(t)
	if enlargePipe(rawFile(r)); sizeOf(t, r) != pipeSize {
		t.Skip("pipes cannot be enlarged here")
	}
}

// TestOutletEnlarges: a pipe that the program fills is enlarged, one that it does not fill is not; then as much is read at
// once as it holds.
func TestOutletEnlarges(t *testing.T) {
	needLargePipes(t)
	r, w := newPipe(t)
	before := sizeOf(t, r)
	o := newOutlet(r, true)
	for _, tt := range []struct {
		write int
		reads []int
		size  int
	}{
		{1000, []int{1000}, before},
		{before, []int{smallRead, before - smallRead}, pipeSize},
		{pipeSize, []int{pipeSize}, pipeSize},
	} {
		data := unrepeating(tt.write)
		if _, err := w.Write(data); err != nil {
			t.Fatal(err)
		}
		for _, n := range tt.reads {
			view, err := o.take()
			if err != nil || len(view) != n || !bytes.Equal(view, data[:n]) {
				t.Fatalf("%d bytes written: a read of %d instead of %d, %v", tt.write, len(view), n, err)
			}
			data = data[n:]
		}
		if size := sizeOf(t, r); size != tt.size {
			t.Errorf("%d bytes written: the pipe holds %d, want %d", tt.write, size, tt.size)
		}
	}
}

// TestInletEnlarges: a pipe that is full is enlarged, and takes what would not have fitted, with no wait.
func TestInletEnlarges(t *testing.T) {
	needLargePipes(t)
	r, w := newPipe(t)
	before, in := sizeOf(t, r), newInlet(w)
	data := unrepeating(pipeSize)
	if n, err := in.WriteBuffers([][]byte{data[:before]}); n != int64(before) || err != nil || sizeOf(t, r) != before {
		t.Fatalf("%d, %v: the pipe holds %d", n, err, sizeOf(t, r))
	}
	if n, err := in.WriteBuffers([][]byte{data[before : before+1], data[before+1:]}); n != int64(pipeSize-before) || err != nil {
		t.Fatal(n, err)
	}
	got := make([]byte, pipeSize)
	if n, err := r.Read(got); n != pipeSize || err != nil || !bytes.Equal(got, data) || sizeOf(t, r) != pipeSize {
		t.Errorf("%d, %v: the pipe holds %d", n, err, sizeOf(t, r))
	}
}
