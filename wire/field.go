package wire

import (
	"encoding/hex"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// FieldString reads a field of any message as text. packet is a whole one,
// from its number on, unlike the payload of [ParamString]; what those two have
// in common they read alike.
//
// The field is a name, in any case, or a "%" list of types as ParamString takes
// it, whose stepping starts behind the number. The names of a channel request
// are those of the daemon's GetSSHParam; [Describe] shows those of a packet, and
// layout.go has all. A field that repeats has an index, as in "Prompt[1]";
// without, it is the first. What cannot be text stands in hexadecimal digits,
// and "Rest" is what follows the fields that are known.
//
// Some numbers mean different things to different methods. Which one it is
// shows in the fields: a packet is taken for the first meaning that fits.
func FieldString(packet []byte, name string) (string, error) {
	at, err := locate(packet, name)
	if err != nil {
		return "", err
	}
	return fieldText(at.typ, at.value(packet))
}

// FieldBytes reads a field as [FieldString] does and returns its bytes as they
// are on the wire, strings and mpints without their length: a view.
func FieldBytes(packet []byte, name string) ([]byte, error) {
	at, err := locate(packet, name)
	if err != nil {
		return nil, err
	}
	return at.value(packet), nil
}

// SetField returns a copy of packet in which a field has another value, in the
// form that [FieldString] returns and [AppendParam] takes. Nothing else
// changes: counts, flags and kinds are fields of their own. To build a packet,
// append the number with the type b and then its fields with AppendParam.
func SetField(packet []byte, name, value string) ([]byte, error) {
	at, err := locate(packet, name)
	if err != nil {
		return nil, err
	}
	out, err := appendField(slices.Clone(packet[:at.start]), at.typ, value)
	if err != nil {
		return nil, err
	}
	return append(out, packet[at.end:]...), nil
}

// locate finds the field that a caller names.
func locate(packet []byte, name string) (at span, err error) {
	if len(packet) == 0 {
		return at, Errorf(ReasonProtocolError, "packet", "number: %w", ErrTruncated)
	}
	if list, ok := strings.CutPrefix(strings.TrimSpace(name), "%"); ok {
		return locateTyped(packet, list)
	}
	base, index, ok := splitIndex(name)
	if !ok {
		return at, fieldError(name)
	}
	found := false
	_, err = walkPacket(packet, func(f *fieldSpec, i int, s span) bool {
		if found = strings.EqualFold(f.name, base) && i == index; found {
			at = s
		}
		return !found
	})
	switch {
	case found:
		return at, nil
	case err == nil:
		err = fieldError(name)
	}
	return span{}, err
}

// locateTyped steps from the number on, in a channel request from its head on.
func locateTyped(packet []byte, list string) (span, error) {
	body := packet[1:]
	if Msg(packet[0]) == MsgChannelRequest {
		_, body = splitRequest(body)
	}
	at, err := findTyped(body, list)
	skipped := len(packet) - len(body)
	at.start, at.end = at.start+skipped, at.end+skipped
	return at, err
}

func fieldError(name string) error {
	return fmt.Errorf("ssh: %w: %s", ErrParamField, strconv.Quote(Escape(name, 64)))
}

// splitIndex splits "name[i]"; without an index it is 0.
func splitIndex(s string) (name string, index int, ok bool) {
	name, rest, found := strings.Cut(s, "[")
	if !found {
		return s, 0, true
	}
	digits, closed := strings.CutSuffix(rest, "]")
	n, err := strconv.ParseUint(digits, 10, 31)
	return name, int(n), closed && err == nil
}

// fieldText returns the value of a field as text.
func fieldText(typ ParamType, raw []byte) (string, error) {
	switch typ {
	case ParamText, fieldNames:
		return string(raw), nil
	case ParamMpint:
		return paramMpint(raw)
	case ParamUint32, ParamUint64, ParamByte:
		return strconv.FormatUint(bigEndian(raw), 10), nil
	case ParamBool:
		return strconv.FormatBool(raw[0] != 0), nil
	default:
		return hex.EncodeToString(raw), nil
	}
}

// appendField is AppendParam for all types of fields.
func appendField(b []byte, typ ParamType, value string) ([]byte, error) {
	switch typ {
	case fieldNames:
		return AppendString(b, value), nil
	case fieldKey, fieldSignature:
		return AppendParam(b, string(ParamHex), value)
	case fieldCookie, fieldRest:
		raw, err := decodeHex(value)
		if err != nil || typ == fieldCookie && len(raw) != cookieSize {
			return b, paramValueError(string(typ), value)
		}
		return append(b, raw...), nil
	}
	return AppendParam(b, string(typ), value)
}
