package wire

import (
	"errors"
	"slices"
)

var errNoMeaning = errors.New("fits none of the meanings of its number")

// cookieSize is the length of a KEXINIT's cookie (RFC 4253 §7.1).
const cookieSize = 16

// Validate returns an error where packet, from its message number on, lacks
// fields of its message, or has more of them. It looks into the kinds of
// requests, channels and methods that [Describe] knows; of others, and of
// numbers that nobody knows, anything will do.
func Validate(packet []byte) error {
	if len(packet) == 0 {
		return Errorf(ReasonProtocolError, "packet", "number: %w", ErrTruncated)
	}
	_, err := walkPacket(packet, nil)
	return err
}

// meaning is what a packet was taken for.
type meaning struct {
	name string // of the message
	kind string // of the request, the channel, the method; empty where there is none
}

// walkPacket calls visit, if there is one, for each field of packet, which is
// not empty, until it returns false. Of a field that repeats, i counts. The error says what is
// wrong with the first field that has not been visited.
func walkPacket(packet []byte, visit func(f *fieldSpec, i int, at span) bool) (meaning, error) {
	m := Msg(packet[0])
	row, err := chooseLayout(packet)
	w := walker{packet: packet, visit: visit, r: NewFieldReader(packet[1:], m.String())}
	if row == nil {
		w.fields(unknownBody)
		return meaning{name: m.String()}, err
	}
	w.layout(row)
	if w.stopped {
		return meaning{row.title(), w.kind}, nil
	}
	return meaning{row.title(), w.kind}, w.r.Done()
}

func (l *layout) title() string {
	if l.name != "" {
		return l.name
	}
	return l.msg.String()
}

// chooseLayout returns the only row of the packet's number, or the first that
// fits: first with keys, signatures and lists that look like what they are,
// then with any. There is none for a number that nobody knows, and none and an
// error where no row fits.
func chooseLayout(packet []byte) (*layout, error) {
	m := Msg(packet[0])
	first, last := 0, len(layouts) // the rows of the number
	for first < last && layouts[first].msg != m {
		first++
	}
	for last > first && layouts[last-1].msg != m {
		last--
	}
	rows := layouts[first:last]
	switch len(rows) {
	case 0:
		return nil, nil
	case 1:
		return &rows[0], nil
	}
	for _, strict := range [...]bool{true, false} {
		for i := range rows {
			w := walker{packet: packet, strict: strict, r: NewFieldReader(packet[1:], "")}
			if w.layout(&rows[i]); w.r.Done() == nil {
				return &rows[i], nil
			}
		}
	}
	return nil, Errorf(ReasonProtocolError, m.String(), "%w", errNoMeaning)
}

// walker goes over the fields of one packet.
type walker struct {
	packet  []byte
	r       Reader
	strict  bool // keys, signatures and lists must look like it
	visit   func(f *fieldSpec, i int, at span) bool
	stopped bool

	flag  bool   // the last boolean
	count uint32 // the last uint32
	kind  string // what the kind's field says
}

func (w *walker) done() bool { return w.stopped || w.r.Err() != nil }

// layout goes over head and body.
func (w *walker) layout(l *layout) {
	w.fields(l.fields)
	if l.bodies == nil || w.done() {
		return
	}
	i := slices.IndexFunc(l.bodies, func(b body) bool { return b.kind == w.kind })
	if i < 0 {
		w.fields(unknownBody)
		return
	}
	w.fields(l.bodies[i].fields)
}

func (w *walker) fields(list []fieldSpec) {
	for i := range list {
		switch f := &list[i]; {
		case w.done():
			return
		case f.when == flagged && !w.flag:
		case f.when == counted || f.when == repeats:
			w.group(list[i:])
			return
		default:
			w.one(f, 0)
		}
	}
}

// group goes over fields that repeat together.
func (w *walker) group(list []fieldSpec) {
	times, toEnd := w.count, list[0].when == repeats
	for n := uint32(0); !w.done() && (toEnd && w.r.Len() > 0 || !toEnd && n < times); n++ {
		for i := range list {
			w.one(&list[i], int(n))
		}
	}
}

// one reads a field, and keeps what others depend on.
func (w *walker) one(f *fieldSpec, i int) {
	if w.done() {
		return
	}
	at := span{typ: f.typ, start: len(w.packet) - w.r.Len()}
	raw := readField(&w.r, f)
	if w.strict && w.r.Err() == nil && !looksLike(f.typ, raw) {
		w.r.fail(f.name, ErrBadName)
	}
	if w.r.Err() != nil {
		return
	}
	at.end = len(w.packet) - w.r.Len()
	switch f.typ {
	case ParamBool:
		w.flag = raw[0] != 0
	case ParamUint32:
		w.count = uint32(bigEndian(raw))
	case ParamText:
		if slices.Contains(kindFields[:], f.name) {
			w.kind = string(raw)
		}
	}
	if w.visit != nil {
		w.stopped = !w.visit(f, i, at)
	}
}

// readField reads one field as a view, strings and mpints without their length.
func readField(r *Reader, f *fieldSpec) []byte {
	switch f.typ {
	case ParamText, ParamHex, ParamMpint, fieldNames, fieldKey, fieldSignature:
		return r.Bytes(f.name)
	case fieldCookie:
		return r.take(cookieSize, f.name)
	case fieldRest:
		return r.Rest()
	}
	return readParam(r, f.typ, f.name)
}

// looksLike reports whether raw could be a value of the type and not one of
// another that has the same outer form.
func looksLike(typ ParamType, raw []byte) bool {
	switch typ {
	case fieldNames:
		return validNameList(raw) == nil
	case fieldKey, fieldSignature:
		r := NewFieldReader(raw, "")
		return r.Name("") != ""
	}
	return true
}
