package connection

import (
	"bytes"
	"io"
	"net"
	"testing"
)

// buffersWriter takes as much of each call as take says, or everything.
type buffersWriter struct {
	bytes.Buffer
	take  func(size int64) (int64, error)
	calls []int // how many slices came with each
}

func (w *buffersWriter) WriteBuffers(views [][]byte) (int64, error) {
	w.calls = append(w.calls, len(views))
	var all []byte
	for _, v := range views {
		all = append(all, v...)
	}
	n, err := int64(len(all)), error(nil)
	if w.take != nil {
		n, err = w.take(n)
	}
	w.Buffer.Write(all[:max(0, min(n, int64(len(all))))])
	return n, err
}

// queued returns a channel that has received data and its end.
func queued(t *testing.T, data []byte) *Channel {
	t.Helper()
	ended := make(chan struct{})
	c, s := pairOpen(t, nil, nil, &Events{EOF: func(*Channel) { close(ended) }})
	if _, err := c.Write(data); err != nil {
		t.Fatal(err)
	}
	if err := c.CloseWrite(); err != nil {
		t.Fatal(err)
	}
	<-ended
	return s
}

// unrepeating returns n bytes none of whose parts could stand for another.
func unrepeating(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(i ^ i>>8 ^ i>>16)
	}
	return b
}

// All that has gathered goes to a BuffersWriter in one call, up to a limit.
func TestWriteToBuffers(t *testing.T) {
	data := unrepeating(maxViews*largeChunk + 100)
	var w buffersWriter
	if n, err := queued(t, data).WriteTo(&w); n != int64(len(data)) || err != nil || !bytes.Equal(w.Bytes(), data) {
		t.Fatal(n, err)
	}
	if len(w.calls) != 2 || w.calls[0] != maxViews || w.calls[1] != 1 {
		t.Errorf("calls with %v slices", w.calls)
	}
}

// What a BuffersWriter has not taken stays in the channel, whatever it claims.
func TestWriteToBadBuffers(t *testing.T) {
	const size = 3 * largeChunk
	data := unrepeating(size)
	for _, tt := range []struct {
		name string
		take func(int64) (int64, error)
		left int
		want error
	}{
		{"part", func(int64) (int64, error) { return largeChunk + 1, errFailing }, size - largeChunk - 1, errFailing},
		{"short", func(n int64) (int64, error) { return n - 1, nil }, 1, io.ErrShortWrite},
		{"nothing", func(int64) (int64, error) { return 0, errFailing }, size, errFailing},
		{"too much", func(n int64) (int64, error) { return n + 1, nil }, size, errWriteResult},
		{"negative", func(int64) (int64, error) { return -1, nil }, size, errWriteResult},
	} {
		s := queued(t, data)
		if n, err := s.WriteTo(&buffersWriter{take: tt.take}); n != int64(size-tt.left) || err != tt.want {
			t.Errorf("%s: %d, %v", tt.name, n, err)
		}
		if rest, err := io.ReadAll(s); err != nil || !bytes.Equal(rest, data[size-tt.left:]) {
			t.Errorf("%s: %d bytes are left, %v", tt.name, len(rest), err)
		}
	}
}

// What is lent stays where it is until it comes back: more that arrives, and the end of reading, wait for that.
func TestLendMany(t *testing.T) {
	var q recvQueue
	add := func(p []byte) {
		for rest := q.fill(p); len(rest) > 0; {
			var c *chunk
			c, rest = newChunk(rest, false)
			q.add(c)
		}
	}
	data := unrepeating(2*largeChunk + 10)
	add(data)
	views := q.lendMany(make([][]byte, 0, maxViews))
	add([]byte("more"))
	if got := bytes.Join(views, nil); !bytes.Equal(got, data) {
		t.Fatalf("%d bytes lent", len(got))
	}
	if n := q.giveBack(largeChunk + 5); n != largeChunk+5 || q.size != largeChunk+5+4 {
		t.Fatalf("%d given back, %d left", n, q.size)
	}
	rest := make([]byte, q.size+1)
	views = q.lendMany(views[:0])
	if n := q.drop(); n != 0 || !bytes.Equal(bytes.Join(views, nil), append(bytes.Clone(data[largeChunk+5:]), "more"...)) {
		t.Fatalf("%d bytes dropped while lent", n)
	}
	if n := q.giveBack(1); n != largeChunk+5+4 || q.size != 0 || q.read(rest) != 0 {
		t.Fatalf("%d dropped, %d left", n, q.size)
	}
}

// A socket gets the same bytes.
func TestWriteToSocket(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	data := unrepeating(2*maxViews*largeChunk + 1)
	s, sent := queued(t, data), make(chan error, 1)
	go func() {
		conn, err := net.Dial("tcp", l.Addr().String())
		if err == nil {
			_, err = s.WriteTo(conn)
			conn.Close()
		}
		sent <- err
	}()
	conn, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	got, err := io.ReadAll(conn)
	if err != nil || !bytes.Equal(got, data) {
		t.Errorf("%d bytes, %v", len(got), err)
	}
	if err := <-sent; err != nil {
		t.Error(err)
	}
}
