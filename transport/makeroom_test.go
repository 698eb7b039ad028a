package transport

import (
	"bytes"
	"testing"
)

// TestMakeRoom: what happens to the receive buffer before a read, with r, w and
// the buffer's size as they can be.
func TestMakeRoom(t *testing.T) {
	for _, test := range []struct {
		name       string
		size, r, w int
		bulk       bool
		want       int
	}{
		{"nothing unread", smallBuffer, 100, 100, true, 0},
		{"room behind", smallBuffer, 0, 100, false, smallBuffer},
		{"room in front", smallBuffer, 50, 100, false, smallBuffer},
		{"full", smallBuffer, 0, smallBuffer, true, midBuffer},
		{"full again", midBuffer, 0, midBuffer, true, largeBuffer},
		{"bulk that is never quite drained", midBuffer, 33000, midBuffer, true, largeBuffer},
		{"the largest", largeBuffer, 33000, largeBuffer, true, largeBuffer},
	} {
		in := receiver{buf: getBuffer(test.size), r: test.r, w: test.w, bulk: test.bulk}
		for i := range in.buf {
			in.buf[i] = byte(i * 7)
		}
		unread := bytes.Clone(in.buf[in.r:in.w])
		in.makeRoom()
		if len(in.buf) != test.want || !bytes.Equal(in.buf[in.r:in.w], unread) {
			t.Errorf("%s: a buffer of %d with %d unread bytes", test.name, len(in.buf), in.w-in.r)
		}
		if test.want > 0 && in.w == len(in.buf) {
			t.Errorf("%s: no room", test.name)
		}
		putBuffer(in.buf)
	}
}
