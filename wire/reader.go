package wire

import "encoding/binary"

// Reader is a cursor over the fields of a message. It keeps the first error:
// from then on every method returns a zero value, and Done returns the error.
// Use it as a value on the stack. Field names are only for error texts.
//
// All errors are *ProtocolError with ReasonProtocolError.
type Reader struct {
	p   []byte
	op  string // empty: msg names what is read
	msg Msg
	err error
}

// NewReader returns a Reader over the payload p of a message whose number
// must be m.
func NewReader(p []byte, m Msg) Reader {
	r := Reader{p: p, msg: m}
	if len(p) == 0 {
		r.fail("number", ErrTruncated)
	} else if Msg(p[0]) != m {
		r.fail("number", ErrWrongNumber)
	} else {
		r.p = p[1:]
	}
	return r
}

// NewFieldReader returns a Reader over fields without a message number, such
// as a key blob or the parameters of a request; op names them in errors.
func NewFieldReader(p []byte, op string) Reader { return Reader{p: p, op: op} }

// fail keeps the first error and drops the rest of the input.
func (r *Reader) fail(field string, err error) {
	if r.err == nil {
		op := r.op
		if op == "" {
			op = r.msg.String() // only now: naming every message read would cost
		}
		r.err = Errorf(ReasonProtocolError, op, "%s: %w", field, err)
	}
	r.p = nil
}

// Fail records err as what is wrong with field, unless an earlier error stands.
func (r *Reader) Fail(field string, err error) { r.fail(field, err) }

// take returns the next n bytes as a view.
func (r *Reader) take(n int, field string) []byte {
	if r.err != nil {
		return nil
	}
	if n > len(r.p) {
		r.fail(field, ErrTruncated)
		return nil
	}
	v := r.p[:n:n]
	r.p = r.p[n:]
	return v
}

// Byte reads one byte.
func (r *Reader) Byte(field string) byte {
	if v := r.take(1, field); v != nil {
		return v[0]
	}
	return 0
}

// Bool reads a boolean; every value but 0 is true (RFC 4251 §5).
func (r *Reader) Bool(field string) bool { return r.Byte(field) != 0 }

// Uint32 reads a uint32.
func (r *Reader) Uint32(field string) uint32 {
	if v := r.take(4, field); v != nil {
		return binary.BigEndian.Uint32(v)
	}
	return 0
}

// Uint64 reads a uint64.
func (r *Reader) Uint64(field string) uint64 {
	if v := r.take(8, field); v != nil {
		return binary.BigEndian.Uint64(v)
	}
	return 0
}

// Fixed fills dst with the next len(dst) bytes, which have no length in front.
func (r *Reader) Fixed(field string, dst []byte) { copy(dst, r.take(len(dst), field)) }

// Bytes reads a string as a view.
func (r *Reader) Bytes(field string) []byte {
	n := r.Uint32(field)
	if uint64(n) > uint64(len(r.p)) {
		r.fail(field, ErrTruncated)
		return nil
	}
	return r.take(int(n), field)
}

// BytesMax reads a string of at most limit bytes as a view.
func (r *Reader) BytesMax(field string, limit int) []byte {
	v := r.Bytes(field)
	if len(v) > limit {
		r.fail(field, ErrTooLong)
		return nil
	}
	return v
}

// String reads a string as a copy.
func (r *Reader) String(field string) string { return string(r.Bytes(field)) }

// StringMax reads a string of at most limit bytes as a copy.
func (r *Reader) StringMax(field string, limit int) string {
	return string(r.BytesMax(field, limit))
}

// Name reads a string that must be a name of RFC 4251 §6: 1 to MaxName bytes
// of printable ASCII without white space or comma.
func (r *Reader) Name(field string) string {
	v := r.Bytes(field)
	if r.err != nil {
		return ""
	}
	if !validName(v) {
		r.fail(field, ErrBadName)
		return ""
	}
	return string(v)
}

// NameList reads a name-list as a view and checks each name.
func (r *Reader) NameList(field string) NameList {
	v := r.Bytes(field)
	if r.err != nil {
		return nil
	}
	if err := validNameList(v); err != nil {
		r.fail(field, err)
		return nil
	}
	return NameList(v)
}

// Mpint reads a non-negative mpint in its shortest form and returns its
// big-endian magnitude as a view, without a leading zero; zero is empty.
func (r *Reader) Mpint(field string) []byte {
	v := r.Bytes(field)
	if r.err != nil || len(v) == 0 {
		return nil
	}
	if v[0]&0x80 != 0 || v[0] == 0 && (len(v) == 1 || v[1]&0x80 == 0) {
		r.fail(field, ErrBadMpint)
		return nil
	}
	if v[0] == 0 {
		v = v[1:]
	}
	return v
}

// Rest reads all that is left as a view.
func (r *Reader) Rest() []byte { return r.take(len(r.p), "rest") }

// Len returns how many bytes are left.
func (r *Reader) Len() int { return len(r.p) }

// Err returns the first error so far.
func (r *Reader) Err() error { return r.err }

// Done returns the first error; bytes that are left over are one.
func (r *Reader) Done() error {
	if r.err == nil && len(r.p) > 0 {
		r.fail("end", ErrTrailing)
	}
	return r.err
}
