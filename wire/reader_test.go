package wire

import (
	"bytes"
	"errors"
	"fmt"
	"math/big"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// KEX-03: what a name-list may hold (RFC 4251 §5, §6), at the limits and one above.
func TestKEX03NameList(t *testing.T) {
	name := func(n int) string { return strings.Repeat("x", n) }
	many := func(n int) string { return strings.TrimSuffix(strings.Repeat("a,", n), ",") }
	size := func(n int) string { // a list of n bytes made of names that are allowed
		const one = MaxName + 1
		s := strings.Repeat(name(MaxName)+",", n/one)
		return s + name(n-len(s))
	}
	tests := []struct {
		name, list string
		want       error
	}{
		{"empty", "", nil},
		{"one name", "a", nil},
		{"duplicates", "a,a,a", nil},
		{"64-byte name", name(64), nil},
		{"65-byte name", name(65), ErrBadName},
		{"512 names", many(512), nil},
		{"513 names", many(513), ErrTooMany},
		{"10000 names", many(10000), ErrTooLong},
		{"16 KiB", size(16<<10 - 3), nil},
		{"16 KiB and one", size(16<<10 + 1), ErrTooLong},
		{"255 KiB", size(255 << 10), ErrTooLong},
		{"empty name inside", "a,,b", ErrBadName},
		{"empty name first", ",a", ErrBadName},
		{"comma last, as of libssh 0.10", "a,b,", nil},
		{"two commas last", "a,,", ErrBadName},
		{"comma alone", ",", ErrBadName},
		{"NUL", "a\x00b", ErrBadName},
		{"high bit", "a\x80", ErrBadName},
		{"UTF-8", "ä", ErrBadName},
		{"space", "a b", ErrBadName},
		{"tab", "a\tb", ErrBadName},
		{"newline", "a\n", ErrBadName},
		{"DEL", "a\x7f", ErrBadName},
		{"first and last printable", "!,~", nil},
		{"at sign", "a@example.com", nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := NewFieldReader(blob(tt.list).bytes, "list")
			l := r.NameList("names")
			if tt.want == nil {
				if err := r.Done(); err != nil || string(l) != tt.list {
					t.Errorf("%q, %v", l, err)
				}
			} else if wantMalformed(t, r.Done(), tt.want); l != nil {
				t.Errorf("%q came with the error", l)
			}
			// Each list of a KEXINIT and of a FAILURE is held to it.
			for i := range 10 {
				m := KexInit{}
				*m.lists()[i] = NameList(tt.list)
				checkCause(t, new(KexInit).Parse(m.Append(nil)), tt.want)
			}
			checkCause(t, new(UserauthFailure).Parse(UserauthFailure{Methods: NameList(tt.list)}.Append(nil)), tt.want)
		})
	}
}

func checkCause(t *testing.T, err, want error) {
	t.Helper()
	if want == nil && err != nil {
		t.Errorf("refused: %v", err)
	} else if want != nil {
		wantMalformed(t, err, want)
	}
}

// KEX-03: work on a list is linear: none is done on what is over a limit, and within it nothing is allocated.
func TestKEX03NameListAllocatesNothing(t *testing.T) {
	list := NewNameList(strings.Split(strings.TrimSuffix(strings.Repeat("abcdefgh,", 512), ","), ",")...)
	p := blob(string(list)).bytes
	n := testing.AllocsPerRun(10, func() {
		r := NewFieldReader(p, "list")
		l := r.NameList("names")
		if r.Done() != nil || l.Contains("missing") || string(l.First()) != "abcdefgh" {
			t.Error("not the list")
		}
	})
	if n > 0 {
		t.Errorf("%v allocations", n)
	}
}

func TestNameListMethods(t *testing.T) {
	for _, names := range [][]string{nil, {"a"}, {"a", "bc", "a"}} {
		l := NewNameList(names...)
		if got := l.Strings(); strings.Join(got, "|") != strings.Join(names, "|") || len(got) != len(names) {
			t.Errorf("%q became %q", names, got)
		}
		if l.Empty() != (len(names) == 0) || l.Contains("b") || l.Contains("") {
			t.Errorf("%q: empty %v, contains b %v", l, l.Empty(), l.Contains("b"))
		}
		for _, n := range names {
			if !l.Contains(n) {
				t.Errorf("%q does not contain %q", l, n)
			}
		}
		for range l.All() {
			break
		}
	}
	if got := NameList("a\x1b[2J").String(); strings.Contains(got, "\x1b") {
		t.Errorf("String is not escaped: %q", got)
	}
}

// Name takes one name of RFC 4251 §6.
func TestName(t *testing.T) {
	for s, ok := range map[string]bool{
		"ssh-ed25519": true, strings.Repeat("x", MaxName): true,
		"": false, strings.Repeat("x", MaxName+1): false, "a b": false, "a\x00": false, "\xff": false,
	} {
		r := NewFieldReader(blob(s).bytes, "test")
		got := r.Name("name")
		if err := r.Done(); (err == nil) != ok || ok && got != s || !ok && got != "" {
			t.Errorf("%q: %q, %v", s, got, err)
		}
	}
}

// A comma in a single name would make two of it in a list.
func TestNameRefusesComma(t *testing.T) {
	r := NewFieldReader(blob("a,b").bytes, "test")
	r.Name("name")
	wantMalformed(t, r.Done(), ErrBadName)
}

// The examples of RFC 4251 §5, the edges, and what is not canonical.
func TestMpint(t *testing.T) {
	for _, tt := range []struct {
		body, magnitude string
		ok              bool
	}{
		{"", "", true},
		{"\x09\xa3\x78\xf9\xb2\xe3\x32\xa7", "\x09\xa3\x78\xf9\xb2\xe3\x32\xa7", true},
		{"\x00\x80", "\x80", true},
		{"\x7f", "\x7f", true},
		{"\x00\xff\xff", "\xff\xff", true},
		{"\xed\xcc", "", false},             // -1234
		{"\xff\x21\x52\x41\x11", "", false}, // -deadbeef
		{"\x80", "", false},
		{"\x00", "", false},
		{"\x00\x00", "", false},
		{"\x00\x7f", "", false},
		{"\x00\x00\x80", "", false},
	} {
		r := NewFieldReader(blob(tt.body).bytes, "test")
		got := r.Mpint("n")
		if !tt.ok {
			if wantMalformed(t, r.Done(), ErrBadMpint); got != nil {
				t.Errorf("%x: %x came with the error", tt.body, got)
			}
			continue
		}
		if err := r.Done(); err != nil || string(got) != tt.magnitude {
			t.Errorf("%x: %x, %v", tt.body, got, err)
		}
		if back := AppendMpint(nil, []byte(tt.magnitude)); !bytes.Equal(back, blob(tt.body).bytes) {
			t.Errorf("%x encoded as %x", tt.magnitude, back)
		}
		padded := append(make([]byte, 3), tt.magnitude...)
		if back := AppendMpint(nil, padded); !bytes.Equal(back, blob(tt.body).bytes) {
			t.Errorf("%x encoded as %x", padded, back)
		}
	}
}

func TestMpintAgainstBig(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		magnitude := rapid.SliceOfN(rapid.Byte(), 0, 40).Draw(rt, "magnitude")
		v := new(big.Int).SetBytes(magnitude)
		got := AppendMpint(nil, magnitude)
		if want := blob(string(mpintBody(v))).bytes; !bytes.Equal(got, want) {
			rt.Fatalf("%x encoded as %x, want %x", magnitude, got, want)
		}
		r := NewFieldReader(got, "test")
		back := r.Mpint("n")
		if err := r.Done(); err != nil || !bytes.Equal(back, v.Bytes()) {
			rt.Fatalf("%x read as %x, %v", got, back, err)
		}
	})
}

// A bool is true for every value but zero (RFC 4251 §5), and is written as 0 or 1.
func TestBool(t *testing.T) {
	for i := range 256 {
		r := NewFieldReader([]byte{byte(i)}, "test")
		if got := r.Bool("b"); got != (i != 0) || r.Done() != nil {
			t.Errorf("%d is %v", i, got)
		}
	}
	if got := AppendBool(AppendBool(nil, false), true); !bytes.Equal(got, []byte{0, 1}) {
		t.Errorf("%x", got)
	}
}

// step is one field of a random record: how it is written, and how it is read and compared.
type step struct {
	write func(b []byte) []byte
	read  func(r *Reader) bool
}

func drawStep(rt *rapid.T) step {
	p := rapid.SliceOfN(rapid.Byte(), 0, 20).Draw(rt, "bytes")
	n := rapid.Uint64().Draw(rt, "number")
	names := rapid.SliceOfN(rapid.StringMatching(`[!-+\--~]{1,64}`), 0, 5).Draw(rt, "names")
	steps := []step{
		{func(b []byte) []byte { return AppendByte(b, byte(n)) }, func(r *Reader) bool { return r.Byte("f") == byte(n) }},
		{func(b []byte) []byte { return AppendBool(b, n%2 == 1) }, func(r *Reader) bool { return r.Bool("f") == (n%2 == 1) }},
		{func(b []byte) []byte { return AppendUint32(b, uint32(n)) }, func(r *Reader) bool { return r.Uint32("f") == uint32(n) }},
		{func(b []byte) []byte { return AppendUint64(b, n) }, func(r *Reader) bool { return r.Uint64("f") == n }},
		{func(b []byte) []byte { return AppendBytes(b, p) }, func(r *Reader) bool { return bytes.Equal(r.Bytes("f"), p) }},
		{func(b []byte) []byte { return AppendString(b, string(p)) }, func(r *Reader) bool { return r.String("f") == string(p) }},
		{func(b []byte) []byte { return AppendBytes(b, p) }, func(r *Reader) bool { return bytes.Equal(r.BytesMax("f", len(p)), p) }},
		{func(b []byte) []byte { return AppendMpint(b, p) }, func(r *Reader) bool { return bytes.Equal(r.Mpint("f"), bytes.TrimLeft(p, "\x00")) }},
		{func(b []byte) []byte { return append(b, p...) }, func(r *Reader) bool {
			dst := make([]byte, len(p))
			r.Fixed("f", dst)
			return bytes.Equal(dst, p)
		}},
		{func(b []byte) []byte { return AppendNameList(b, NewNameList(names...)) }, func(r *Reader) bool {
			return bytes.Equal(r.NameList("f"), NewNameList(names...))
		}},
	}
	return rapid.SampledFrom(steps).Draw(rt, "step")
}

// What the append functions write, in any order, the reader reads; cut anywhere, it fails, and keeps failing with the
// same error and zero values.
func TestReaderReadsWhatIsAppended(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		steps := make([]step, rapid.IntRange(0, 8).Draw(rt, "fields"))
		var b []byte
		for i := range steps {
			steps[i] = drawStep(rt)
			b = steps[i].write(b)
		}
		r := NewFieldReader(b, "test")
		for i, s := range steps {
			if !s.read(&r) {
				rt.Fatalf("field %d differs, %v", i, r.Err())
			}
		}
		if err := r.Done(); err != nil || r.Len() != 0 {
			rt.Fatal(err)
		}
		if len(b) == 0 {
			return
		}
		r = NewFieldReader(b[:rapid.IntRange(0, len(b)-1).Draw(rt, "cut")], "test")
		for _, s := range steps {
			s.read(&r)
		}
		first := r.Done()
		if !errors.Is(first, ErrTruncated) {
			rt.Fatalf("cut: %v", first)
		}
		if drawStep(rt).read(&r); r.Err() != first || r.Done() != first || r.Len() != 0 || len(r.Rest()) != 0 {
			rt.Fatal("the first error does not stay")
		}
	})
}

// After an error every method gives its zero value and the first error stays.
func TestReaderIsSticky(t *testing.T) {
	r := NewFieldReader([]byte{0, 0, 0, 1, 'x', 1, 2, 3, 4, 5, 6, 7, 8, 9}, "test")
	mine := errors.New("mine")
	r.Fail("field", mine)
	r.Fail("field", errors.New("later"))
	dst := []byte{9}
	r.Fixed("f", dst)
	zero := r.Byte("f") == 0 && !r.Bool("f") && r.Uint32("f") == 0 && r.Uint64("f") == 0 && r.Bytes("f") == nil &&
		r.BytesMax("f", 9) == nil && r.String("f") == "" && r.StringMax("f", 9) == "" && r.Name("f") == "" &&
		r.NameList("f") == nil && r.Mpint("f") == nil && r.Rest() == nil && r.Len() == 0 && dst[0] == 9
	if !zero {
		t.Error("something is not zero after an error")
	}
	wantMalformed(t, r.Done(), mine)
	for _, part := range []string{"test", "field", "mine"} {
		if !strings.Contains(r.Err().Error(), part) {
			t.Errorf("%v does not name %q", r.Err(), part)
		}
	}
}

// Limits hold at the value and one above.
func TestLimits(t *testing.T) {
	at := func(n int) string { return strings.Repeat("x", n) }
	prompts := func(n int) []byte { return UserauthInfoRequest{Prompts: make([]Prompt, n)}.Append(nil) }
	answers := func(n int) []byte { return UserauthInfoResponse{Answers: make([]string, n)}.Append(nil) }
	tests := []struct {
		name  string
		limit int
		parse func(n int) error
		want  error
	}{
		{"user", MaxUser, func(n int) error { return new(UserauthRequest).Parse(UserauthRequest{User: at(n)}.Append(nil)) }, ErrTooLong},
		{"prompts", MaxPrompts, func(n int) error { return new(UserauthInfoRequest).Parse(prompts(n)) }, ErrTooMany},
		{"answers", MaxResponses, func(n int) error { return new(UserauthInfoResponse).Parse(answers(n)) }, ErrTooMany},
		{"extensions", MaxExtensions, func(n int) error { return new(ExtInfo).Parse(AppendExtInfo(nil, make([]Extension, n)...)) }, ErrTooMany},
		{"host keys", MaxHostKeys, func(n int) error { return new(HostKeys).Parse(make([]byte, 4*n)) }, ErrTooMany},
		{"tcpip host", MaxHost, func(n int) error { return new(DirectTCPIP).Parse(DirectTCPIP{Host: at(n)}.Append(nil)) }, ErrTooLong},
		{"tcpip originator", MaxHost, func(n int) error { return new(DirectTCPIP).Parse(DirectTCPIP{OriginHost: at(n)}.Append(nil)) }, ErrTooLong},
		{"forward host", MaxHost, func(n int) error { return new(TCPIPForward).Parse(TCPIPForward{Host: at(n)}.Append(nil)) }, ErrTooLong},
		{"direct path", MaxPath, func(n int) error { return new(DirectStreamLocal).Parse(DirectStreamLocal{Path: at(n)}.Append(nil)) }, ErrTooLong},
		{"forwarded path", MaxPath, func(n int) error {
			return new(ForwardedStreamLocal).Parse(ForwardedStreamLocal{Path: at(n)}.Append(nil))
		}, ErrTooLong},
		{"forward path", MaxPath, func(n int) error { return new(StreamLocalForward).Parse(StreamLocalForward{at(n)}.Append(nil)) }, ErrTooLong},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if err := tt.parse(tt.limit); err != nil {
				t.Errorf("at the limit: %v", err)
			}
			wantMalformed(t, tt.parse(tt.limit+1), tt.want)
		})
	}
}

// Whatever verb prints a message, no secret is in it.
func TestSecretsAreNotPrinted(t *testing.T) {
	const secret = "hunter2!"
	password := UserauthPassword{Change: true, Password: []byte(secret), NewPassword: []byte(secret)}
	response := UserauthInfoResponse{Answers: []string{secret}}
	request := UserauthRequest{User: "me", Method: "password", Payload: password.Append(nil)}
	var out []string
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x"} {
		out = append(out, fmt.Sprintf(verb, password), fmt.Sprintf(verb, &password), fmt.Sprintf(verb, response),
			fmt.Sprintf(verb, &response), fmt.Sprintf(verb, request), fmt.Sprintf(verb, &request))
	}
	hidden := []string{secret, fmt.Sprintf("%x", secret), strings.Trim(fmt.Sprintf("%v", []byte(secret)), "[]"),
		strings.Trim(fmt.Sprintf("%#v", []byte(secret)), "[]byte{}")}
	for _, text := range out {
		for _, h := range hidden {
			if strings.Contains(text, h) {
				t.Errorf("%q shows a secret", text)
			}
		}
	}
}

// TestNameListCommaLast: the comma ends the last name, and is none itself.
func TestNameListCommaLast(t *testing.T) {
	l := NameList("a,b,")
	if got := l.Strings(); !slices.Equal(got, []string{"a", "b"}) || l.Contains("") || !l.Contains("b") || string(l.First()) != "a" {
		t.Errorf("%q", got)
	}
}
