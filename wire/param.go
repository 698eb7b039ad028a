package wire

import (
	"encoding/hex"
	"errors"
	"fmt"
	"math/big"
	"slices"
	"strconv"
	"strings"
)

// MaxParamMpint limits the size of an mpint that is converted to or from
// text, in bytes of its body: the conversion costs more than its length.
const MaxParamMpint = 16 << 10

// The faults of a parameter's caller; those of its payload are the errors of
// [Reader].
var (
	ErrParamType  = errors.New("unknown parameter type")
	ErrParamField = errors.New("unknown parameter field")
	ErrParamValue = errors.New("parameter value does not fit its type")
)

// ParamType is the letter code of a field's type in text form.
type ParamType string

// The types that [AppendParam] writes and [ParamString] reads. Numbers stand
// in base 10, or in base 16 behind 0x.
const (
	ParamText   ParamType = "s"  // string: text, as it is
	ParamHex    ParamType = "sb" // string: hexadecimal digits, two for each byte
	ParamMpint  ParamType = "m"  // mpint: a number of any size and sign
	ParamUint32 ParamType = "i"  // uint32: 0 to 2^32-1; down to -2^31 stands for the same 32 bits
	ParamUint64 ParamType = "l"  // uint64: 0 to 2^64-1; down to -2^63 stands for the same 64 bits
	ParamByte   ParamType = "b"  // byte: 0 to 255
	ParamBool   ParamType = "f"  // boolean: true or false, also 1, 0, yes and no
)

// AppendParam appends value to b as a field of the type typ. On error b is
// returned as it was.
func AppendParam(b []byte, typ, value string) ([]byte, error) {
	switch t := paramType(typ); t {
	case ParamText:
		return AppendString(b, value), nil
	case ParamHex:
		return appendParamHex(b, value)
	case ParamMpint:
		return appendParamMpint(b, value)
	case ParamUint32, ParamUint64, ParamByte:
		return appendParamInt(b, t, value)
	case ParamBool:
		v, ok := parseParamBool(value)
		if !ok {
			return b, paramValueError(typ, value)
		}
		return AppendBool(b, v), nil
	default:
		return b, fmt.Errorf("ssh: %w: %s", ErrParamType, strconv.Quote(Escape(typ, 32)))
	}
}

// ParamString reads a field of payload as text, in the form that
// [AppendParam] takes. The payload is a message without its number.
//
// The field is a name of a channel request's field, in any case, or a "%" and
// a comma list of types: the first is the type wanted, those behind it are of
// the fields to step over. In a channel request the stepping starts behind
// ChannelId, RequestType and WantsReply, elsewhere at the first byte.
func ParamString(payload []byte, field string) (string, error) {
	raw, typ, err := FindParam(payload, field)
	if err != nil {
		return "", err
	}
	return fieldText(typ, raw)
}

// ParamBytes reads a field as [ParamString] does and returns its bytes as they
// are on the wire, strings and mpints without their length. It is a view into
// payload.
func ParamBytes(payload []byte, field string) ([]byte, error) {
	raw, _, err := FindParam(payload, field)
	return raw, err
}

// paramType returns the type that a caller names in any case.
func paramType(s string) ParamType { return ParamType(strings.ToLower(strings.TrimSpace(s))) }

// paramValueError does not repeat the value, which may be a secret.
func paramValueError(typ, value string) error {
	return fmt.Errorf("ssh: %w: type %q, %d characters", ErrParamValue, typ, len(value))
}

func appendParamHex(b []byte, value string) ([]byte, error) {
	raw, err := decodeHex(value)
	if err != nil {
		return b, paramValueError("sb", value)
	}
	return AppendBytes(b, raw), nil
}

func decodeHex(digits string) ([]byte, error) {
	if len(digits) >= 2 && (digits[:2] == "0x" || digits[:2] == "0X") {
		digits = digits[2:]
	}
	return hex.DecodeString(digits)
}

// splitNumber returns sign, digits and base of a number in text form.
func splitNumber(s string) (negative bool, digits string, base int) {
	s = strings.TrimSpace(s)
	if rest, ok := strings.CutPrefix(s, "-"); ok {
		negative, s = true, rest
	}
	if len(s) > 2 && (s[:2] == "0x" || s[:2] == "0X") {
		return negative, s[2:], 16
	}
	return negative, s, 10
}

// appendParamInt writes an integer of 8, 32 or 64 bits. A negative one stands
// for its two's complement.
func appendParamInt(b []byte, t ParamType, value string) ([]byte, error) {
	bits := 64
	if t == ParamUint32 {
		bits = 32
	} else if t == ParamByte {
		bits = 8
	}
	negative, digits, base := splitNumber(value)
	v, err := strconv.ParseUint(digits, base, bits)
	if err != nil {
		return b, paramValueError(string(t), value)
	}
	if negative {
		if v != 0 && (t == ParamByte || v > 1<<(bits-1)) {
			return b, paramValueError(string(t), value)
		}
		v = -v
	}
	switch t {
	case ParamByte:
		return append(b, byte(v)), nil
	case ParamUint32:
		return AppendUint32(b, uint32(v)), nil
	default:
		return AppendUint64(b, v), nil
	}
}

func appendParamMpint(b []byte, value string) ([]byte, error) {
	negative, digits, base := splitNumber(value)
	if len(digits) > 3*MaxParamMpint {
		return b, paramValueError("m", value)
	}
	n, ok := new(big.Int).SetString(digits, base)
	if !ok || digits[0] == '+' || digits[0] == '-' || n.BitLen() > 8*MaxParamMpint-1 {
		return b, paramValueError("m", value)
	}
	if !negative || n.Sign() == 0 {
		return AppendMpint(b, n.Bytes()), nil
	}
	// The body of -n is the two's complement of n in the fewest whole bytes
	// that keep the top bit set (RFC 4251 §5).
	size := uint(new(big.Int).Sub(n, big.NewInt(1)).BitLen()/8 + 1)
	n.Sub(new(big.Int).Lsh(big.NewInt(1), 8*size), n)
	return AppendBytes(b, n.Bytes()), nil
}

// paramMpint returns the body of an mpint in base 10.
func paramMpint(body []byte) (string, error) {
	if len(body) > MaxParamMpint {
		return "", Errorf(ReasonProtocolError, "parameter", "mpint: %w", ErrTooLong)
	}
	n := new(big.Int).SetBytes(body)
	if len(body) > 0 && body[0]&0x80 != 0 {
		n.Sub(n, new(big.Int).Lsh(big.NewInt(1), uint(8*len(body))))
	}
	return n.String(), nil
}

func parseParamBool(s string) (v, ok bool) {
	switch strings.ToLower(strings.TrimSpace(s)) {
	case "true", "1", "yes":
		return true, true
	case "false", "0", "no":
		return false, true
	}
	return false, false
}

func bigEndian(p []byte) (v uint64) {
	for _, c := range p {
		v = v<<8 | uint64(c)
	}
	return v
}

// readParam reads one field of the type t as a view, strings and mpints
// without their length; name is for errors.
func readParam(r *Reader, t ParamType, name string) []byte {
	switch t {
	case ParamText, ParamHex, ParamMpint:
		return r.Bytes(name)
	case ParamUint32:
		return r.take(4, name)
	case ParamUint64:
		return r.take(8, name)
	case ParamByte, ParamBool:
		return r.take(1, name)
	default:
		r.fail(name, fmt.Errorf("%w: %s", ErrParamType, strconv.Quote(Escape(string(t), 32))))
		return nil
	}
}

// FindParam is ParamBytes, and returns the type of the field too.
func FindParam(payload []byte, name string) ([]byte, ParamType, error) {
	request, rest := splitRequest(payload)
	if list, ok := strings.CutPrefix(strings.TrimSpace(name), "%"); ok {
		at, err := findTyped(rest, list)
		if err != nil {
			return nil, "", err
		}
		return at.value(rest), at.typ, nil
	}
	fields := requestHead[:]
	if i := slices.IndexFunc(requestBodies[:], func(row body) bool { return row.kind == request }); i >= 0 {
		fields = slices.Concat(fields, requestBodies[i].fields)
	}
	r := NewFieldReader(payload, "parameter")
	for _, f := range fields {
		if v := readParam(&r, f.typ, f.name); strings.EqualFold(f.name, name) {
			return v, f.typ, r.Err()
		}
	}
	return nil, "", fieldError(name)
}

// span is where a field stands, its length included.
type span struct {
	typ        ParamType
	start, end int
}

// value returns the field in p without its length: a view.
func (s span) value(p []byte) []byte {
	switch s.typ {
	case ParamText, ParamHex, ParamMpint, fieldNames, fieldKey, fieldSignature:
		return p[s.start+4 : s.end : s.end]
	}
	return p[s.start:s.end:s.end]
}

// findTyped steps over all types of the list but the first, and finds that.
func findTyped(p []byte, list string) (span, error) {
	types := strings.Split(list, ",")
	r := NewFieldReader(p, "parameter")
	for _, t := range types[1:] {
		readParam(&r, paramType(t), "parameter")
	}
	at := span{typ: paramType(types[0]), start: len(p) - r.Len()}
	readParam(&r, at.typ, "parameter")
	at.end = len(p) - r.Len()
	return at, r.Err()
}

// splitRequest returns the type of the channel request in payload and what
// follows its head; for any other payload the type is empty and the body is
// all of it. What tells a request is a head that parses: a number, a valid
// name, and a boolean of 0 or 1. Parameters of a channel or a global request
// start with a string, whose text would have to begin with a zero byte to look
// like that.
func splitRequest(payload []byte) (request string, body []byte) {
	r := NewFieldReader(payload, "parameter")
	r.Uint32("ChannelId")
	name := r.Name("RequestType")
	if flag := r.take(1, "WantsReply"); r.Err() != nil || flag[0] > 1 {
		return "", payload
	}
	return name, r.Rest()
}
