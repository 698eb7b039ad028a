//go:build unix

package main

import (
	"bytes"
	"errors"
	"io"
	"os"
	"syscall"
	"testing"

	"github.com/hawser-ssh/hawser/connection"
)

// newPipe returns the ends of a pipe.
func newPipe(t *testing.T) (r, w *os.File) {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close(); w.Close() })
	return r, w
}

// pieces notes the sizes of what is written, and keeps it.
type pieces struct {
	bytes.Buffer
	sizes []int
}

func (p *pieces) Write(b []byte) (int, error) {
	p.sizes = append(p.sizes, len(b))
	return p.Buffer.Write(b)
}

// unrepeating returns n bytes none of whose parts could stand for another.
func unrepeating(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(i ^ i>>8 ^ i>>16)
	}
	return b
}

// TestOutletGathers: what a program has written in many small pieces is delivered in one.
func TestOutletGathers(t *testing.T) {
	r, w := newPipe(t)
	data := unrepeating(10_000)
	for rest := data; len(rest) > 0; rest = rest[100:] {
		if _, err := w.Write(rest[:100]); err != nil {
			t.Fatal(err)
		}
	}
	w.Close()
	var got pieces
	if n, err := newOutlet(r, true).WriteTo(&got); n != int64(len(data)) || err != nil || !bytes.Equal(got.Bytes(), data) {
		t.Fatal(n, err)
	}
	if len(got.sizes) != 1 {
		t.Errorf("pieces of %v", got.sizes)
	}
}

// TestOutlet: whatever the sizes in which a program writes, its output comes out as it went in.
func TestOutlet(t *testing.T) {
	r, w := newPipe(t)
	data := unrepeating(1 << 20)
	wrote := make(chan error, 1)
	go func() {
		var err error
		for rest, n := data, 1; len(rest) > 0 && err == nil; n = n*3 + 1 {
			n = min(n, len(rest))
			_, err = w.Write(rest[:n])
			rest = rest[n:]
		}
		wrote <- errors.Join(err, w.Close())
	}()
	var got bytes.Buffer
	_, err := newOutlet(r, true).WriteTo(&got)
	if err := errors.Join(err, <-wrote); err != nil || !bytes.Equal(got.Bytes(), data) {
		t.Errorf("%d bytes, %v", got.Len(), err)
	}
}

// TestOutletWaitsWithoutBuffer: nothing is held while a program has nothing to say, a large buffer only while it fills it.
func TestOutletWaitsWithoutBuffer(t *testing.T) {
	r, w := newPipe(t)
	o := newOutlet(r, true)
	ready := func() (ready bool) {
		t.Helper()
		o.release() // as take does
		o.n, o.err = 0, nil
		if err := o.raw.Control(func(fd uintptr) { ready = o.pollRead(fd) }); err != nil {
			t.Fatal(err)
		}
		return ready
	}
	if ready() || o.buf != nil {
		t.Fatalf("nothing written: a buffer of %d", len(o.buf))
	}
	for _, tt := range []struct{ size, buffer int }{{1, smallRead}, {smallRead, smallRead}, {smallRead, largeRead}, {1, largeRead}, {1, smallRead}} {
		if _, err := w.Write(make([]byte, tt.size)); err != nil {
			t.Fatal(err)
		}
		view, err := o.take()
		if err != nil || len(view) != tt.size || len(o.buf) != tt.buffer {
			t.Errorf("%d bytes written: %d, %v, a buffer of %d", tt.size, len(view), err, len(o.buf))
		}
	}
	if ready() || o.buf != nil {
		t.Errorf("a buffer of %d is held", len(o.buf))
	}
}

// TestOutletOfTerminal: a terminal hands out 4 KiB at a time, but they are delivered as one.
func TestOutletOfTerminal(t *testing.T) {
	p := startShell(t, "stty -opost; head -c 8000 /dev/zero")
	p.wait()
	p.drainTerminal()
	var got pieces
	if _, err := io.Copy(&got, p.output()); !terminalEnd(err) {
		t.Error(err)
	}
	if len(got.sizes) != 1 || got.sizes[0] != 8000 {
		t.Errorf("pieces of %v", got.sizes)
	}
}

// TestOutletError: what ends the delivery ends it at once, and no buffer is left behind.
func TestOutletError(t *testing.T) {
	r, w := newPipe(t)
	if _, err := w.Write([]byte("output")); err != nil {
		t.Fatal(err)
	}
	full := errors.New("full")
	o := newOutlet(r, true)
	if n, err := o.WriteTo(writerFunc(func([]byte) (int, error) { return 2, full })); n != 2 || err != full || o.buf != nil {
		t.Error(n, err)
	}
	o.Close()
	if _, err := o.WriteTo(io.Discard); err == nil {
		t.Error("a closed pipe: no error")
	}
}

type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(p []byte) (int, error) { return f(p) }

// TestInlet: slices of all sizes, together more than a pipe holds, come out as one stream.
func TestInlet(t *testing.T) {
	r, w := newPipe(t)
	data := unrepeating(1 << 20)
	var views [][]byte
	for rest, n := data, 1; len(rest) > 0; n = n*3 + 1 {
		n = min(n, len(rest))
		views, rest = append(views, rest[:n]), rest[n:]
	}
	wrote := make(chan error, 1)
	go func() {
		n, err := newInlet(w).WriteBuffers(views)
		if n != int64(len(data)) {
			err = errors.Join(err, io.ErrShortWrite)
		}
		wrote <- errors.Join(err, w.Close())
	}()
	got, err := io.ReadAll(r)
	if err := errors.Join(err, <-wrote); err != nil || !bytes.Equal(got, data) {
		t.Errorf("%d bytes, %v", len(got), err)
	}
}

// TestInletEnds: a program that stops reading, and the end of the channel, end a write that waits; it says how much was
// written.
func TestInletEnds(t *testing.T) {
	for _, tt := range []struct {
		name string
		end  func(r, w *os.File) error
		gone bool // the program
	}{
		{"program", func(r, _ *os.File) error { return r.Close() }, true},
		{"channel", func(_, w *os.File) error { return w.Close() }, false},
	} {
		r, w := newPipe(t)
		data := unrepeating(2 * pipeSize)
		wrote := make(chan int64, 1)
		var err error
		go func() {
			var n int64
			n, err = newInlet(w).WriteBuffers([][]byte{data[:10], data[10:]})
			wrote <- n
		}()
		head := make([]byte, 1000)
		if _, err := io.ReadFull(r, head); err != nil || !bytes.Equal(head, data[:1000]) {
			t.Fatal(err)
		}
		if err := tt.end(r, w); err != nil {
			t.Fatal(err)
		}
		if n := <-wrote; err == nil || errors.Is(err, syscall.EPIPE) != tt.gone || n < int64(len(head)) || n > pipeSize+int64(len(head))+4096 {
			t.Errorf("%s: %d bytes, %v", tt.name, n, err)
		}
	}
}

// TestProgramThatDoesNotRead: a client can send no more than the window and the pipe hold to a program that does not read.
func TestProgramThatDoesNotRead(t *testing.T) {
	t.Parallel()
	c, writable := startHawserd(t).dial(t), make(chan struct{}, 1)
	ch, err := c.Mux().OpenSession(t.Context(), &connection.Events{Writable: func(*connection.Channel) {
		select {
		case writable <- struct{}{}:
		default:
		}
	}})
	if err != nil {
		t.Fatal(err)
	}
	if err := ch.Exec(t.Context(), "echo up; read line; cat | wc -c"); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(ch, make([]byte, 3)); err != nil {
		t.Fatal(err)
	}
	const most = connection.DefaultWindow + 2*pipeSize
	sent, block := 0, bytes.Repeat([]byte("x"), 32<<10)
	for sent < connection.DefaultWindow || !ch.WouldBlock() {
		if sent > most {
			t.Fatalf("%d bytes were taken for a program that reads none", sent)
		}
		if err := ch.TryWrite(0, block); err == nil {
			sent += len(block)
		} else {
			<-writable
		}
	}
	wrote := make(chan error, 1)
	go func() { // the rest waits until the program reads
		_, err := ch.Write([]byte("\nabc"))
		wrote <- errors.Join(err, ch.CloseWrite())
	}()
	if out, err := io.ReadAll(ch); err != nil || string(bytes.TrimSpace(out)) != "3" {
		t.Errorf("%q, %v", out, err)
	}
	if err := <-wrote; err != nil {
		t.Error(err)
	}
}

// TestClientThatDoesNotRead: a program whose client does not read waits, and goes on when it does.
func TestClientThatDoesNotRead(t *testing.T) {
	t.Parallel()
	c := startHawserd(t).dial(t)
	ch, err := c.Mux().OpenSession(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	const size = 16 << 20 // more than windows and buffers hold
	if err := ch.Exec(t.Context(), "head -c 16777216 /dev/zero; echo done >&2"); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(ch, make([]byte, 1)); err != nil {
		t.Fatal(err)
	}
	stderr := make(chan string, 1)
	go func() {
		said, _ := io.ReadAll(ch.Stderr())
		stderr <- string(said)
	}()
	select {
	case <-stderr:
		t.Fatal("the program is done before its output is read")
	default:
	}
	if n, err := io.Copy(io.Discard, ch); n != size-1 || err != nil {
		t.Errorf("%d bytes, %v", n, err)
	}
	if said := <-stderr; said != "done\n" {
		t.Errorf("%q", said)
	}
}
