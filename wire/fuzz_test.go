package wire

import (
	"bytes"
	"reflect"
	"testing"
)

// FuzzParse gives arbitrary bytes to the parser of every message. What is accepted is not malleable: written again it
// has the same bytes, but for booleans, which are written as 0 or 1, and read again it is the same message.
func FuzzParse(f *testing.F) {
	table := rows()
	for i, r := range table {
		f.Add(uint8(i), r.wire())
	}
	f.Fuzz(func(t *testing.T, i uint8, p []byte) {
		r := table[int(i)%len(table)]
		kept := bytes.Clone(p)
		m, err := r.parse(p)
		if !bytes.Equal(p, kept) {
			t.Fatal("the payload was changed")
		}
		if err != nil {
			wantMalformed(t, err, nil)
			return
		}
		again := m.Append([]byte{})
		if !sameButBools(p, again) {
			t.Fatalf("%s: %x is written as %x", r.name, p, again)
		}
		m2, err := r.parse(again)
		if err != nil || !reflect.DeepEqual(m, m2) {
			t.Fatalf("%s: %#v is read again as %#v, %v", r.name, m, m2, err)
		}
	})
}

// sameButBools reports whether a and b are equal except where a byte of a that is not 0 became 1.
func sameButBools(a, b []byte) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i] != b[i] && (a[i] == 0 || b[i] != 1) {
			return false
		}
	}
	return true
}

// FuzzReader reads the fields that the program asks for from arbitrary bytes: the input only gets shorter, views stay
// inside it, and the first error stays.
func FuzzReader(f *testing.F) {
	f.Add([]byte{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10}, bytes.Repeat([]byte{0, 0, 0, 1}, 20))
	f.Add([]byte{7}, blob("a,b").bytes)
	f.Add([]byte{8}, mpint(0x80).bytes)
	f.Add([]byte{4, 4}, []byte{0xff, 0xff, 0xff, 0xff, 1})
	f.Fuzz(func(t *testing.T, program, p []byte) {
		r := NewFieldReader(p, "fuzz")
		left := len(p)
		var first error
		for _, op := range program {
			view := run(&r, op)
			if len(view) > left || r.Len() > left {
				t.Fatalf("op %d: %d bytes of %d, %d left", op, len(view), left, r.Len())
			}
			left = r.Len()
			if first == nil {
				first = r.Err()
			} else if r.Err() != first || view != nil || left != 0 {
				t.Fatalf("op %d after an error: %x, %v", op, view, r.Err())
			}
		}
		if err := r.Done(); err != nil {
			wantMalformed(t, err, nil)
		} else if left != 0 {
			t.Fatalf("%d bytes are left", left)
		}
	})
}

// run reads one field and returns the view, if it is one.
func run(r *Reader, op byte) []byte {
	switch op % 11 {
	case 0:
		r.Byte("f")
	case 1:
		r.Bool("f")
	case 2:
		r.Uint32("f")
	case 3:
		r.Uint64("f")
	case 4:
		return r.Bytes("f")
	case 5:
		return r.BytesMax("f", 10)
	case 6:
		r.Name("f")
	case 7:
		return r.NameList("f")
	case 8:
		return r.Mpint("f")
	case 9:
		r.StringMax("f", 10)
	case 10:
		return r.Rest()
	}
	return nil
}

func FuzzEscape(f *testing.F) {
	f.Add("plain \x1b[2J \xff \u202e", 30)
	f.Fuzz(func(t *testing.T, in string, limit int) {
		if limit >= 0 {
			checkEscape(t, in, min(limit, 1<<16))
		}
	})
}
