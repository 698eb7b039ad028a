package daemon

import (
	"bytes"
	"encoding/hex"
	"errors"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/hawser-ssh/hawser/wire"
)

// TestParamTypes writes every type to its edges, and reads it back by its
// place, as text and as bytes.
func TestParamTypes(t *testing.T) {
	d := New()
	huge := strings.Repeat("f", 2*wire.MaxParamMpint-2)
	for _, c := range []struct {
		typ, value string
		packet     string // hexadecimal; empty is not looked at
		back       string // empty: as it was written
	}{
		{"s", "vt100", "000000057674313030", ""},
		{"s", "", "00000000", ""},
		{"S", "é\x00", "00000003c3a900", ""},
		{"sb", "A1B23C", "00000003a1b23c", "a1b23c"},
		{"sb", "0xA1B23C", "00000003a1b23c", "a1b23c"},
		{"m", "0", "00000000", ""},
		{"m", "-1", "00000001ff", ""},
		{"m", "-128", "0000000180", ""},
		{"m", "0x80", "000000020080", "128"},
		{"m", "123456789012345678901234567890", "0000000d018ee90ff6c373e0ee4e3f0ad2", ""},
		{"m", "-0x" + huge, "", "-"},
		{"m", "0x" + huge, "", "1"},
		{"i", "0", "00000000", ""},
		{"i", "0xFFFFFFFF", "ffffffff", "4294967295"},
		{"i", "-1", "ffffffff", "4294967295"},
		{"i", "-2147483648", "80000000", "2147483648"},
		{"l", "18446744073709551615", "ffffffffffffffff", ""},
		{"l", "-9223372036854775808", "8000000000000000", "9223372036854775808"},
		{"b", "255", "ff", ""},
		{"b", "0x7b", "7b", "123"},
		{"f", "true", "01", ""},
		{"f", "False", "00", "false"},
	} {
		p, err := d.SetSSHParam([]byte{0xff}, c.typ, c.value)
		if err != nil || c.packet != "" && hex.EncodeToString(p) != "ff"+c.packet {
			t.Errorf("SetSSHParam(%s, %.40s) = %.80x, %v; want ff%s", c.typ, c.value, p, err, c.packet)
			continue
		}
		back, err := d.GetSSHParam(p, "%"+c.typ+",b")
		want := c.back
		if want == "" {
			want = c.value
		}
		if err != nil || back != want && (c.packet != "" || !strings.HasPrefix(back, want)) {
			t.Errorf("GetSSHParam of %s %.40s = %.40s, %v; want %.40s", c.typ, c.value, back, err, want)
		}
		if raw, err := d.GetSSHParamBytes(p, "%"+c.typ+",b"); err != nil || !bytes.HasSuffix(p, raw) || len(raw) > len(p)-1 {
			t.Errorf("GetSSHParamBytes of %s %.40s = %.40x, %v", c.typ, c.value, raw, err)
		}
	}
}

func TestParamValuesRefused(t *testing.T) {
	d := New()
	for typ, values := range map[string][]string{
		"":   {"x"},
		"x":  {"x"},
		"ss": {"x"},
		"sb": {"abc", "zz", "0x0", "a b"},
		"m":  {"", "0x", "x", "1.5", "1e3", "--1", "+1", "1_0", "0x" + strings.Repeat("f", 2*wire.MaxParamMpint+1)},
		"i":  {"", "x", "4294967296", "-2147483649", "0x100000000", "1.0"},
		"l":  {"", "x", "18446744073709551616", "-9223372036854775809", "0x10000000000000000"},
		"b":  {"", "x", "256", "-1", "0x100"},
		"f":  {"", "x", "2", "-1", "truth"},
	} {
		for _, value := range values {
			p, err := d.SetSSHParam([]byte("kept"), typ, value)
			if wantCode(t, err, CodeInvalidArgument); string(p) != "kept" {
				t.Errorf("SetSSHParam(%s, %.40s) = %q", typ, value, p)
			}
		}
	}
}

// paramRequests are the channel requests that have fields with names, and the
// fields in order, as the reference has them.
var paramRequests = map[string][]struct{ name, typ, value string }{
	"pty-req": {{"TerminalType", "s", "vt100"}, {"TerminalWidthCharacters", "i", "80"}, {"TerminalHeightRows", "i", "24"},
		{"TerminalWidthPixels", "i", "640"}, {"TerminalHeightPixels", "i", "480"}, {"TerminalModes", "s", "\x01\x00\x00\x00\x03\x00"}},
	"window-change": {{"TerminalWidthCharacters", "i", "80"}, {"TerminalHeightRows", "i", "24"}, {"TerminalWidthPixels", "i", "640"}, {"TerminalHeightPixels", "i", "480"}},
	"x11-req":       {{"SingleConnection", "f", "true"}, {"X11AuthProtocol", "s", "MIT-MAGIC-COOKIE-1"}, {"X11AuthCookie", "s", "00ff"}, {"X11ScreenNumber", "i", "4294967295"}},
	"env":           {{"VariableName", "s", "LANG"}, {"VariableValue", "s", "C"}},
	"exec":          {{"Command", "s", "ls -l"}},
	"subsystem":     {{"Subsystem", "s", "sftp"}},
	"xon-xoff":      {{"ClientCanDo", "f", "false"}},
	"signal":        {{"SignalName", "s", "TERM"}},
	"shell":         {},
	"unknown@x.org": {},
}

// TestParamFields asks every request for every field, in any case, whole and
// cut off at each byte: it is there, or error 10022.
func TestParamFields(t *testing.T) {
	d := New()
	names := []string{"Nonsense", ""}
	for _, fields := range paramRequests {
		for _, f := range fields {
			names = append(names, f.name)
		}
	}
	for request, fields := range paramRequests {
		packet := build(t, d, "i 7|s "+request+"|f true")
		head := len(packet)
		want := map[string]string{"ChannelId": "7", "RequestType": request, "WantsReply": "true"}
		for _, f := range fields {
			var err error
			if packet, err = d.SetSSHParam(packet, f.typ, f.value); err != nil {
				t.Fatal(err)
			}
			want[f.name] = f.value
		}
		for _, name := range slices.Concat(names, []string{"ChannelId", "RequestType", "WantsReply"}) {
			for _, spelled := range []string{name, strings.ToUpper(name), strings.ToLower(name)} {
				got, err := d.GetSSHParam(packet, spelled)
				if value, ok := want[name]; !ok {
					wantCode(t, err, CodeInvalidArgument)
				} else if err != nil || got != value {
					t.Errorf("%s of %s = %q, %v; want %q", spelled, request, got, err, value)
				}
			}
		}
		if len(fields) == 0 {
			continue
		}
		last := fields[len(fields)-1].name
		for n := head; n < len(packet); n++ {
			_, err := d.GetSSHParam(packet[:n], last)
			wantCode(t, err, CodeInvalidArgument)
			raw, err := d.GetSSHParamBytes(packet[:n], last)
			if wantCode(t, err, CodeInvalidArgument); raw != nil {
				t.Errorf("%x", raw)
			}
		}
	}
}

// TestParamBytesAreACopy: what events carry is lent, what this returns is not.
func TestParamBytesAreACopy(t *testing.T) {
	d := New()
	packet := build(t, d, "i 7|s exec|f true|s ls")
	raw, err := d.GetSSHParamBytes(packet, "Command")
	clear(packet)
	if err != nil || string(raw) != "ls" {
		t.Errorf("%q, %v", raw, err)
	}
}

// TestParamCodePage: text goes through the code page, names of the protocol
// and bytes do not.
func TestParamCodePage(t *testing.T) {
	d := New()
	must(t, d, "CodePage=1252")
	packet := build(t, d, "i 7|s exec|f true|s é€")
	if raw, err := d.GetSSHParamBytes(packet, "Command"); err != nil || string(raw) != "\xe9\x80" {
		t.Errorf("%q, %v", raw, err)
	}
	for _, field := range []string{"Command", "%s", "% S "} {
		if text, err := d.GetSSHParam(packet, field); err != nil || text != "é€" {
			t.Errorf("%s = %q, %v", field, text, err)
		}
	}
	if text, err := d.GetSSHParam(packet, "%sb"); err != nil || text != "e980" {
		t.Errorf("%q, %v", text, err)
	}
	kept, err := d.SetSSHParam([]byte("kept"), "s", "Привет")
	if wantCode(t, err, CodeInvalidArgument); string(kept) != "kept" {
		t.Errorf("%q", kept)
	}
	pty := wire.ChannelRequest{Recipient: 7, Type: "pty-req", Payload: wire.PtyReq{Term: "vt100", Modes: []byte{0x80, 0, 0, 0, 1, 0}}.Append(nil)}.Append(nil)[1:]
	must(t, d, "CodePage=37") // in which nothing is where ASCII has it
	for field, want := range map[string]string{"RequestType": "pty-req", "TerminalType": "vt100", "terminalmodes": "\x80\x00\x00\x00\x01\x00"} {
		if text, err := d.GetSSHParam(pty, field); err != nil || text != want {
			t.Errorf("%s = %q, %v", field, text, err)
		}
	}
	p, err := d.SetSSHParam(nil, "s", "A1")
	if err != nil || string(p) != "\x00\x00\x00\x02\xc1\xf1" {
		t.Errorf("%q, %v", p, err)
	}
}

// TestParamRoundTrip builds payloads of any fields in any code page and reads
// each back.
func TestParamRoundTrip(t *testing.T) {
	draw := map[string]*rapid.Generator[string]{
		"s":  rapid.StringMatching(`[a-zA-Z0-9 /.-]*`),
		"sb": rapid.Map(rapid.SliceOf(rapid.Byte()), hex.EncodeToString),
		"m":  rapid.StringMatching(`-?[1-9][0-9]{0,60}`),
		"i":  rapid.Map(rapid.Uint32(), func(v uint32) string { return decimal(uint64(v)) }),
		"l":  rapid.Map(rapid.Uint64(), decimal),
		"b":  rapid.Map(rapid.Byte(), func(v byte) string { return decimal(uint64(v)) }),
		"f":  rapid.SampledFrom([]string{"true", "false"}),
	}
	d := New()
	rapid.Check(t, func(t *rapid.T) {
		if _, err := d.Config("CodePage=" + rapid.SampledFrom([]string{"65001", "1252", "932", "37", "1200"}).Draw(t, "page")); err != nil {
			t.Fatal(err)
		}
		types := rapid.SliceOfN(rapid.SampledFrom([]string{"s", "sb", "m", "i", "l", "b", "f"}), 1, 8).Draw(t, "types")
		var payload []byte
		var values []string
		for _, typ := range types {
			value := draw[typ].Draw(t, typ)
			var err error
			if payload, err = d.SetSSHParam(payload, typ, value); err != nil {
				t.Fatal(err)
			}
			values = append(values, value)
		}
		request := wire.ChannelRequest{Type: "some@example.org", Payload: payload}.Append(nil)[1:]
		for i, typ := range types {
			field := "%" + strings.Join(append([]string{typ}, types[:i]...), ",")
			if got, err := d.GetSSHParam(request, field); err != nil || got != values[i] {
				t.Fatalf("%s of %x = %q, %v; want %q", field, request, got, err, values[i])
			}
		}
	})
}

func decimal(v uint64) string {
	digits := []byte(nil)
	for ; v > 9; v /= 10 {
		digits = append(digits, byte('0'+v%10))
	}
	digits = append(digits, byte('0'+v))
	slices.Reverse(digits)
	return string(digits)
}

// FuzzSSHParam: whatever the payload, the field, the type and the value, it is
// an *Error with code 10022, or it is there.
func FuzzSSHParam(f *testing.F) {
	f.Add([]byte{0, 0, 0, 7, 0, 0, 0, 4, 'e', 'x', 'e', 'c', 1, 0, 0, 0, 2, 'l', 's'}, "Command", "s", "é", false)
	f.Add([]byte{0, 0, 0, 1, 'h', 0, 0, 0, 22}, "%i,s", "m", "-0x80", true)
	f.Add([]byte{0, 0, 0, 2, 0, 0x80}, "%m", "l", "-1", false)
	f.Fuzz(func(t *testing.T, payload []byte, field, typ, value string, ebcdic bool) {
		d := New()
		if ebcdic {
			must(t, d, "CodePage=37")
		}
		kept := bytes.Clone(payload)
		check := func(err error) {
			if e, ok := errors.AsType[*Error](err); err != nil && (!ok || e.Code != CodeInvalidArgument) {
				t.Fatalf("%v", err)
			}
		}
		text, err := d.GetSSHParam(payload, field)
		check(err)
		raw, rawErr := d.GetSSHParamBytes(payload, field)
		check(rawErr)
		if rawErr != nil && (err == nil || raw != nil) || err != nil && text != "" || !bytes.Equal(kept, payload) {
			t.Fatalf("%q %v, %x %v", text, err, raw, rawErr)
		}
		p, err := d.SetSSHParam(payload, typ, value)
		check(err)
		if !bytes.HasPrefix(p, kept) || err != nil && len(p) != len(kept) {
			t.Fatalf("%x became %x", kept, p)
		}
		if err != nil {
			return
		}
		back, err := d.GetSSHParam(p[len(kept):], "%"+typ)
		if check(err); err != nil {
			t.Fatalf("%s %q does not come back: %v", typ, value, err)
		}
		again, err := d.SetSSHParam(nil, typ, back)
		if err != nil || !bytes.Equal(again, p[len(kept):]) {
			t.Fatalf("%s %q is %x, and read %q, which is %x, %v", typ, value, p[len(kept):], back, again, err)
		}
	})
}
