package wire

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"log/slog"
	"strconv"
	"strings"
)

// Bounds of a [Description], whatever the packet holds.
const (
	MaxDescribedFields = 64  // more are counted, not shown
	MaxDescribedText   = 768 // bytes of a field that are shown as text
	maxDescribedHex    = 16  // bytes of a field that are shown in hexadecimal
)

// Description is a packet in words, for logs: it holds no secrets and no data,
// its size is bounded, and its texts are single lines that are safe to show.
type Description struct {
	Msg    Msg
	Name   string // such as "KEX_REPLY" or "CHANNEL_REQUEST"
	Kind   string // of a request, a channel, an authentication method
	Fields []DescribedField
	Err    error // what is wrong with the packet behind the last of Fields
}

// DescribedField is one field of a [Description].
type DescribedField struct {
	Name   string // as FieldString takes it
	Value  string // "hidden" where it is a secret or could be one
	Hidden bool
}

// Describe decodes a packet, from its message number on, of any layer. It
// accepts any bytes at all: of what cannot be decoded it shows the part that
// can, and says in Err where that ends.
//
// Hidden are passwords, answers of keyboard-interactive, X11 cookies, the
// values of environment variables, and what belongs to a request or method
// that is not known. Of data there is the size, of a key its type and the
// SHA-256 fingerprint of its blob, of what is long the beginning.
func Describe(packet []byte) Description {
	if len(packet) == 0 {
		return Description{Name: "empty", Err: Errorf(ReasonProtocolError, "packet", "number: %w", ErrTruncated)}
	}
	d := Description{Msg: Msg(packet[0])}
	left := 0
	m, err := walkPacket(packet, func(f *fieldSpec, i int, at span) bool {
		if len(d.Fields) == MaxDescribedFields {
			left++
			return true
		}
		if f.typ != fieldRest || at.start < at.end {
			d.Fields = append(d.Fields, describeField(f, i, at.value(packet)))
		}
		return true
	})
	d.Name, d.Kind, d.Err = m.name, Escape(m.kind, MaxName), err
	if left > 0 {
		d.Fields = append(d.Fields, DescribedField{Name: "MoreFields", Value: strconv.Itoa(left)})
	}
	return d
}

func describeField(f *fieldSpec, i int, raw []byte) DescribedField {
	d := DescribedField{Name: f.name}
	if i > 0 {
		d.Name += "[" + strconv.Itoa(i) + "]"
	}
	switch f.show {
	case showHidden:
		d.Value, d.Hidden = "hidden", true
	case showSize:
		d.Value = sizeOf(raw)
	case showHex:
		d.Value = describeHex(raw)
	default:
		d.Value = describeValue(f.typ, raw)
	}
	return d
}

func describeValue(typ ParamType, raw []byte) string {
	switch typ {
	case fieldKey:
		sum := sha256.Sum256(raw)
		return headName(raw) + " SHA256:" + base64.RawStdEncoding.EncodeToString(sum[:])
	case fieldSignature:
		return headName(raw) + ", " + sizeOf(raw)
	}
	text, _ := fieldText(typ, raw) // the rows show mpints in hexadecimal
	return Escape(text, MaxDescribedText)
}

// headName returns the name that a key or a signature begins with.
func headName(raw []byte) string {
	r := NewFieldReader(raw, "")
	if name := r.Name(""); name != "" {
		return name
	}
	return "malformed"
}

func sizeOf(raw []byte) string { return strconv.Itoa(len(raw)) + " bytes" }

func describeHex(raw []byte) string {
	if len(raw) <= maxDescribedHex {
		return hex.EncodeToString(raw)
	}
	return hex.EncodeToString(raw[:maxDescribedHex]) + "... " + sizeOf(raw)
}

// String returns the description as one line.
func (d Description) String() string {
	var b strings.Builder
	b.WriteString(d.Name)
	if d.Kind != "" {
		b.WriteString(" " + d.Kind)
	}
	for _, f := range d.Fields {
		fmt.Fprintf(&b, ` %s="%s"`, f.Name, strings.ReplaceAll(f.Value, `"`, `\x22`))
	}
	if d.Err != nil {
		fmt.Fprintf(&b, " (%v)", d.Err)
	}
	return b.String()
}

// LogValue implements [slog.LogValuer]: a group of the name, the kind, the
// fields and the error.
func (d Description) LogValue() slog.Value {
	attrs := []slog.Attr{slog.String("msg", d.Name)}
	if d.Kind != "" {
		attrs = append(attrs, slog.String("kind", d.Kind))
	}
	for _, f := range d.Fields {
		attrs = append(attrs, slog.String(f.Name, f.Value))
	}
	if d.Err != nil {
		attrs = append(attrs, slog.String("err", d.Err.Error()))
	}
	return slog.GroupValue(attrs...)
}
