package wire

import (
	"bytes"
	"encoding/binary"
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"testing"
)

// forEach runs f for every message.
func forEach(t *testing.T, f func(t *testing.T, r row)) {
	t.Helper()
	for _, r := range rows() {
		t.Run(r.name, func(t *testing.T) { f(t, r) })
	}
}

// wantMalformed checks that err is the peer's fault, with reason 2, and for the cause given, if one is.
func wantMalformed(t testing.TB, err, cause error) {
	t.Helper()
	var pe *ProtocolError
	if !errors.As(err, &pe) || pe.Reason != ReasonProtocolError || pe.Op == "" {
		t.Fatalf("error is %v, want a ProtocolError with reason 2", err)
	}
	if cause != nil && !errors.Is(err, cause) {
		t.Fatalf("error is %v, want %v", err, cause)
	}
}

// The table has every type of this package that can be parsed.
func TestTableIsComplete(t *testing.T) {
	have := map[string]bool{}
	for _, r := range rows() {
		have[reflect.TypeOf(r.value).Name()] = true
	}
	files, err := filepath.Glob("msg_*.go")
	if err != nil || len(files) == 0 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	found := 0
	for _, file := range files {
		tree, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range tree.Decls {
			f, ok := d.(*ast.FuncDecl)
			if !ok || f.Name.Name != "Parse" || f.Recv == nil {
				continue
			}
			name := f.Recv.List[0].Type.(*ast.StarExpr).X.(*ast.Ident).Name
			if found++; !have[name] {
				t.Errorf("%s is not in the table", name)
			}
		}
	}
	if found < 40 {
		t.Errorf("only %d messages were found", found)
	}
}

func TestRoundTrip(t *testing.T) {
	forEach(t, func(t *testing.T, r row) {
		want := r.wire()
		if got := r.value.Append(nil); !bytes.Equal(got, want) {
			t.Fatalf("Append: %q, want %q", got, want)
		}
		if got := r.value.Append([]byte("before")); !bytes.Equal(got, append([]byte("before"), want...)) {
			t.Errorf("Append behind other bytes: %q", got)
		}
		got, err := r.parse(want)
		if err != nil {
			t.Fatalf("Parse: %v", err)
		}
		if !reflect.DeepEqual(got, r.value) {
			t.Errorf("Parse: %#v, want %#v", got, r.value)
		}
		if again := got.Append(nil); !bytes.Equal(again, want) {
			t.Errorf("parse, then append: %q, want %q", again, want)
		}
	})
}

// A message that is parsed twice into the same variable keeps nothing of the first time.
func TestParseOverwrites(t *testing.T) {
	table := rows()
	for _, r := range table {
		for _, other := range table {
			if reflect.TypeOf(r.value) != reflect.TypeOf(other.value) || strings.Contains(r.name+other.name, "bound") {
				continue
			}
			v := reflect.New(reflect.TypeOf(r.value))
			v.Elem().Set(reflect.ValueOf(r.value))
			parse := v.MethodByName("Parse").Call([]reflect.Value{reflect.ValueOf(other.wire())})
			if err := parse[0].Interface(); err != nil {
				t.Fatal(err)
			}
			if got := v.Elem().Interface().(message); !bytes.Equal(got.Append(nil), other.wire()) {
				t.Errorf("%s over %s: %#v", other.name, r.name, got)
			}
		}
	}
}

// PKT-23: a message that ends at any offset is an error, and what was read until then is no message.
func TestPKT23Truncated(t *testing.T) {
	forEach(t, func(t *testing.T, r row) {
		whole := r.wire()
		for n := range whole {
			got, err := r.parse(whole[:n:n])
			if r.cutIsValid(n) {
				if err != nil || !bytes.Equal(got.Append(nil), whole[:n]) {
					t.Errorf("%d bytes: %#v, %v", n, got, err)
				}
				continue
			}
			wantMalformed(t, err, ErrTruncated)
		}
	})
}

// PKT-23: 1 to 16 bytes behind the last field are an error, except where the message ends in a payload.
func TestPKT23Trailing(t *testing.T) {
	forEach(t, func(t *testing.T, r row) {
		for n := 1; n <= 16; n++ {
			long := append(r.wire(), bytes.Repeat([]byte{0xff}, n)...)
			got, err := r.parse(long)
			switch {
			case r.open():
				if err != nil || !bytes.Equal(got.Append(nil), long) {
					t.Errorf("%d more bytes of payload: %v", n, err)
				}
			case r.prefixes != nil: // a list to the end: 0xff... is no entry
				wantMalformed(t, err, ErrTruncated)
			default:
				wantMalformed(t, err, ErrTrailing)
			}
		}
	})
}

// A wrong message number, or none, is an error.
func TestWrongNumber(t *testing.T) {
	forEach(t, func(t *testing.T, r row) {
		if !r.number {
			return
		}
		_, err := r.parse(nil)
		wantMalformed(t, err, ErrTruncated)
		for d := byte(1); d != 0; d++ {
			p := r.wire()
			p[0] += d
			_, err := r.parse(p)
			wantMalformed(t, err, ErrWrongNumber)
		}
	})
}

// PKT-24: a length or count that the message does not have is an error, whatever it says, and costs no memory beyond
// what was received.
func TestPKT24Lengths(t *testing.T) {
	forEach(t, func(t *testing.T, r row) {
		at := 0
		for _, f := range r.fields {
			if f.length {
				left := uint32(len(r.wire()) - at - 4)
				for _, n := range []uint32{0x7fffffff, 0x80000000, 0xffffffff, left + 1} {
					p := r.wire()
					binary.BigEndian.PutUint32(p[at:], n)
					spent := allocated(func() {
						_, err := r.parse(p)
						wantMalformed(t, err, nil)
					})
					if limit := uint64(4*len(p) + 4<<10); spent > limit {
						t.Errorf("length %#x at %d: %d bytes allocated for %d received", n, at, spent, len(p))
					}
				}
			}
			at += len(f.bytes)
		}
	})
}

// allocated returns the bytes that f allocates: the least of a few runs, as the runtime allocates now and then, too.
func allocated(f func()) uint64 {
	least := ^uint64(0)
	for range 5 {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		f()
		runtime.ReadMemStats(&after)
		least = min(least, after.TotalAlloc-before.TotalAlloc)
	}
	return least
}

// Appending into a buffer that is large enough allocates nothing; parsing allocates the strings it makes and no more.
func TestAllocations(t *testing.T) {
	forEach(t, func(t *testing.T, r row) {
		buf, wire := make([]byte, 0, 4096), r.wire()
		if n := testing.AllocsPerRun(100, func() { r.value.Append(buf) }); n > 0 {
			t.Errorf("Append: %v allocations", n)
		}
		allowed := r.extra
		for _, f := range r.fields {
			if f.copied {
				allowed++
			}
		}
		parse := r.parseInto()
		n := testing.AllocsPerRun(100, func() {
			if err := parse(wire); err != nil {
				t.Fatal(err)
			}
		})
		if n > float64(allowed) {
			t.Errorf("Parse: %v allocations, want at most %d", n, allowed)
		}
	})
}

// Every []byte of a parsed message is a view into the payload that cannot grow over the bytes behind it.
func TestViews(t *testing.T) {
	forEach(t, func(t *testing.T, r row) {
		p := append(make([]byte, 0, 4096), r.wire()...)
		got, err := r.parse(p)
		if err != nil {
			t.Fatal(err)
		}
		v := reflect.ValueOf(got)
		for i := range v.NumField() {
			f := v.Field(i)
			if f.Kind() != reflect.Slice || f.Type().Elem().Kind() != reflect.Uint8 || f.Len() == 0 {
				continue
			}
			name, view := v.Type().Field(i).Name, f.Bytes()
			if start := &view[0]; !slices.ContainsFunc(offsets(p), func(at *byte) bool { return at == start }) {
				t.Errorf("%s is a copy", name)
			}
			if cap(view) > len(p) {
				t.Errorf("%s can grow beyond the message", name)
			}
		}
	})
}

func offsets(p []byte) []*byte {
	at := make([]*byte, len(p))
	for i := range p {
		at[i] = &p[i]
	}
	return at
}

// Iterators give what was parsed, stop when told, and end on bodies that were never checked.
func TestIterators(t *testing.T) {
	info := ExtInfo{}
	if err := info.Parse(AppendExtInfo(nil, Extension{"a", []byte("1")}, Extension{"b", nil})); err != nil {
		t.Fatal(err)
	}
	var got []string
	for name, value := range info.All() {
		got = append(got, string(name)+"="+string(value))
	}
	if !slices.Equal(got, []string{"a=1", "b="}) {
		t.Errorf("extensions %q", got)
	}
	for range info.All() {
		break
	}
	keys := HostKeys{Body: AppendString(AppendString(nil, "one"), "two")}
	got = nil
	for blob := range keys.All() {
		got = append(got, string(blob))
	}
	if !slices.Equal(got, []string{"one", "two"}) {
		t.Errorf("host keys %q", got)
	}
	for _, body := range [][]byte{nil, {0, 0}, {0xff, 0xff, 0xff, 0xff}, {0, 0, 0, 9, 0, 0, 0, 1, 'x', 1}} {
		n := 0
		for range (ExtInfo{Body: body}).All() {
			n++
		}
		for range (HostKeys{Body: body}).All() {
			n++
		}
		if n > 0 {
			t.Errorf("%d entries in %x", n, body)
		}
	}
}
