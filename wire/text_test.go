package wire

import (
	"errors"
	"io"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"pgregory.net/rapid"
)

func TestEscape(t *testing.T) {
	tests := []struct {
		name, in string
		limit    int
		want     string
	}{
		{"plain", "OpenSSH_9.9", 100, "OpenSSH_9.9"},
		{"empty", "", 10, ""},
		{"at the limit", "abc", 3, "abc"},
		{"above the limit", "abcd", 3, "abc..."},
		{"limit zero", "a", 0, "..."},
		{"terminal escape", "\x1b[2J", 100, `\x1b[2J`},
		{"line end", "a\r\nb", 100, `a\x0d\x0ab`},
		{"NUL and DEL", "\x00\x7f", 100, `\x00\x7f`},
		{"C1 control", "\u009b", 100, `\u009b`},
		{"backslash", `a\nb`, 100, `a\\nb`},
		{"invalid UTF-8", "a\xff\xfeb", 100, `a\xff\xfeb`},
		{"printable UTF-8", "grüß", 100, "grüß"},
		{"right-to-left override", "a\u202eb", 100, `a\u202eb`},
		{"beyond the first plane", "\U000e0001", 100, `\U000e0001`},
		{"its look-alike", "\ue0001", 100, `\ue0001`},
		{"line separator", "a\u2028b", 100, `a\u2028b`},
		{"cut inside a rune", "aü", 2, `a\xc3...`},
		{"replacement character", "\ufffd", 100, "\ufffd"},
		{"format verbs", "%s%n", 100, "%s%n"},
	}
	for _, tt := range tests {
		if got := Escape(tt.in, tt.limit); got != tt.want {
			t.Errorf("%s: %q, want %q", tt.name, got, tt.want)
		}
	}
}

// Whatever goes in, a short printable line comes out, and different texts stay different.
func TestEscapeProperties(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		in := string(rapid.SliceOfN(rapid.Byte(), 0, 60).Draw(rt, "text"))
		limit := rapid.IntRange(0, 80).Draw(rt, "limit")
		checkEscape(rt, in, limit)
		other := string(rapid.SliceOfN(rapid.Byte(), 0, 60).Draw(rt, "other"))
		if in != other && Escape(in, 100) == Escape(other, 100) {
			rt.Fatalf("%q and %q look the same", in, other)
		}
	})
}

type fataler interface {
	Fatalf(format string, args ...any)
}

func checkEscape(t fataler, in string, limit int) {
	out := Escape(in, limit)
	if !utf8.ValidString(out) || strings.ContainsFunc(out, func(r rune) bool { return !unicode.IsPrint(r) }) {
		t.Fatalf("%q became %q", in, out)
	}
	const widest = len(`\U0010ffff`)
	if len(out) > widest*limit+len("...") {
		t.Fatalf("%d bytes for a limit of %d", len(out), limit)
	}
}

func TestProtocolError(t *testing.T) {
	err := Errorf(ReasonMACError, "packet", "sequence %d: %w", 7, io.ErrUnexpectedEOF)
	if got := err.Error(); got != "ssh: packet: sequence 7: unexpected EOF" {
		t.Errorf("text %q", got)
	}
	if !errors.Is(err, io.ErrUnexpectedEOF) || err.Reason != ReasonMACError {
		t.Errorf("%#v", err)
	}
	bare := &ProtocolError{Reason: ReasonMACError, Op: "packet"}
	if got := bare.Error(); got != "ssh: packet: MAC error" || bare.Unwrap() != nil {
		t.Errorf("text %q", got)
	}
}

// Every number has a text, known or not.
func TestNumbersAsText(t *testing.T) {
	for want, got := range map[string]string{
		"protocol error":    ReasonProtocolError.String(),
		"illegal user name": ReasonIllegalUserName.String(),
		"reason 0":          Reason(0).String(),
		"reason 16":         Reason(16).String(),
		"reason 4294967295": Reason(0xffffffff).String(),
		"resource shortage": OpenResourceShortage.String(),
		"KEXINIT":           MsgKexInit.String(),
		"message 0":         Msg(0).String(),
		"message 255":       Msg(255).String(),
		"client":            Client.String(),
		"server":            Client.Peer().String(),
	} {
		if got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
	if got := OpenReason(99).String(); got != "reason 99" {
		t.Errorf("%q", got)
	}
	if Server.Peer() != Client || Client.Peer() != Server {
		t.Error("the peer of a role is the other one")
	}
}
