package wire

import (
	"bytes"
	"encoding/hex"
	"errors"
	"math/big"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestAppendParam(t *testing.T) {
	for _, c := range []struct{ typ, value, want string }{
		{"s", "vt100", "00000005" + "7674313030"},
		{"s", "", "00000000"},
		{"S", "é", "00000002c3a9"},
		{"sb", "A1B23c", "00000003a1b23c"},
		{"sb", "0xA1", "00000001a1"},
		{"sb", "", "00000000"},
		// RFC 4251 §5 gives these mpints.
		{"m", "0", "00000000"},
		{"m", "0x9a378f9b2e332a7", "0000000809a378f9b2e332a7"},
		{"m", "0x80", "000000020080"},
		{"m", "-0x1234", "00000002edcc"},
		{"m", "-0xdeadbeef", "00000005ff21524111"},
		{"m", "-1", "00000001ff"},
		{"m", "-128", "0000000180"},
		{"m", "-129", "00000002ff7f"},
		{"m", "-0", "00000000"},
		{"i", "1234", "000004d2"},
		{"i", "0xFFFFFFFF", "ffffffff"},
		{"i", "4294967295", "ffffffff"},
		{"i", "-1", "ffffffff"},
		{"i", "-2147483648", "80000000"},
		{"i", " 7 ", "00000007"},
		{"l", "18446744073709551615", "ffffffffffffffff"},
		{"l", "-9223372036854775808", "8000000000000000"},
		{"l", "0x10", "0000000000000010"},
		{"b", "123", "7b"},
		{"b", "0xff", "ff"},
		{"f", "true", "01"},
		{"f", "FALSE", "00"},
		{"f", "1", "01"},
		{"f", "no", "00"},
	} {
		got, err := AppendParam([]byte{0xee}, c.typ, c.value)
		if err != nil || hex.EncodeToString(got) != "ee"+c.want {
			t.Errorf("AppendParam(%q, %q) = %x, %v; want ee%s", c.typ, c.value, got, err, c.want)
		}
	}
}

func TestAppendParamRefuses(t *testing.T) {
	for _, c := range []struct {
		typ, value string
		want       error
	}{
		{"", "1", ErrParamType}, {"x", "1", ErrParamType}, {"ss", "1", ErrParamType},
		{"sb", "abc", ErrParamValue}, {"sb", "zz", ErrParamValue},
		{"m", "", ErrParamValue}, {"m", "1_000", ErrParamValue}, {"m", "--1", ErrParamValue}, {"m", "-+1", ErrParamValue},
		{"m", "0x", ErrParamValue}, {"m", "1e3", ErrParamValue}, {"m", "0x" + strings.Repeat("f", 2*MaxParamMpint+2), ErrParamValue},
		{"i", "", ErrParamValue}, {"i", "4294967296", ErrParamValue}, {"i", "-2147483649", ErrParamValue},
		{"i", "1_0", ErrParamValue}, {"i", "+1", ErrParamValue}, {"i", "--1", ErrParamValue}, {"i", "1.0", ErrParamValue},
		{"l", "18446744073709551616", ErrParamValue}, {"l", "-9223372036854775809", ErrParamValue},
		{"b", "256", ErrParamValue}, {"b", "-1", ErrParamValue},
		{"f", "maybe", ErrParamValue}, {"f", "", ErrParamValue},
	} {
		got, err := AppendParam([]byte{0xee}, c.typ, c.value)
		if !errors.Is(err, c.want) || !bytes.Equal(got, []byte{0xee}) {
			t.Errorf("AppendParam(%q, %.20q) = %x, %v; want %v", c.typ, c.value, got, err, c.want)
		}
	}
}

// request is a channel request without its number, as events carry it.
func request(kind string, body []byte) []byte {
	return ChannelRequest{Recipient: 7, Type: kind, WantReply: true, Payload: body}.Append(nil)[1:]
}

func TestParamByName(t *testing.T) {
	pty := PtyReq{Term: "xterm", Columns: 80, Rows: 24, WidthPx: 640, HeightPx: 480, Modes: []byte{1, 0, 0, 0, 3, 0}}
	for _, c := range []struct {
		payload     []byte
		field, want string
	}{
		{request("exec", nil), "channelid", "7"},
		{request("exec", nil), "REQUESTTYPE", "exec"},
		{request("exec", nil), "WantsReply", "true"},
		{request("unheard-of@example.org", nil), "RequestType", "unheard-of@example.org"},
		{request("pty-req", pty.Append(nil)), "TerminalType", "xterm"},
		{request("pty-req", pty.Append(nil)), "TerminalWidthCharacters", "80"},
		{request("pty-req", pty.Append(nil)), "terminalheightrows", "24"},
		{request("pty-req", pty.Append(nil)), "TerminalWidthPixels", "640"},
		{request("pty-req", pty.Append(nil)), "TerminalHeightPixels", "480"},
		{request("pty-req", pty.Append(nil)), "TerminalModes", "\x01\x00\x00\x00\x03\x00"},
		{request("window-change", WindowChange{Columns: 1, Rows: 2, WidthPx: 3, HeightPx: 4}.Append(nil)), "TerminalHeightPixels", "4"},
		{request("x11-req", X11Req{SingleConnection: true, Protocol: "MIT", Cookie: "c0", Screen: 3}.Append(nil)), "SingleConnection", "true"},
		{request("x11-req", X11Req{SingleConnection: true, Protocol: "MIT", Cookie: "c0", Screen: 3}.Append(nil)), "X11AuthProtocol", "MIT"},
		{request("x11-req", X11Req{Protocol: "MIT", Cookie: "c0", Screen: 3}.Append(nil)), "X11AuthCookie", "c0"},
		{request("x11-req", X11Req{Protocol: "MIT", Cookie: "c0", Screen: 3}.Append(nil)), "X11ScreenNumber", "3"},
		{request("env", Env{Name: "LANG", Value: "C"}.Append(nil)), "VariableName", "LANG"},
		{request("env", Env{Name: "LANG", Value: "C"}.Append(nil)), "VariableValue", "C"},
		{request("exec", Exec{Command: "ls -l"}.Append(nil)), "Command", "ls -l"},
		{request("subsystem", Subsystem{Name: "sftp"}.Append(nil)), "Subsystem", "sftp"},
		{request("xon-xoff", XonXoff{ClientCanDo: true}.Append(nil)), "ClientCanDo", "true"},
		{request("signal", Signal{Name: "TERM"}.Append(nil)), "SignalName", "TERM"},
		{request("exit-status", ExitStatus{Status: 1 << 31}.Append(nil)), "ExitStatus", "2147483648"},
		{request("exit-signal", ExitSignal{Signal: "KILL", CoreDumped: true, Message: "gone", Language: "en"}.Append(nil)), "ErrorMessage", "gone"},
		{request("break", Break{Milliseconds: 500}.Append(nil)), "BreakLength", "500"},
		// By type: what design.md settles.
		{request("x11-req", X11Req{Protocol: "MIT", Cookie: "c0", Screen: 3}.Append(nil)), "%s,f", "MIT"},
		{request("x11-req", X11Req{Protocol: "MIT", Cookie: "c0", Screen: 3}.Append(nil)), "%i,f,s,s", "3"},
		{request("exec", Exec{Command: "ls"}.Append(nil)), "% sb", "6c73"},
		{request("anything", []byte{9}), "%b", "9"},
		{request("anything", []byte{0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}), "%l", "18446744073709551615"},
		{request("anything", AppendBytes(nil, []byte{0xed, 0xcc})), "%m", "-4660"},
		{DirectTCPIP{Host: "127.0.0.1", Port: 80, OriginHost: "::1", OriginPort: 9}.Append(nil), "%s", "127.0.0.1"},
		{DirectTCPIP{Host: "127.0.0.1", Port: 80, OriginHost: "::1", OriginPort: 9}.Append(nil), "%i,s", "80"},
		{DirectTCPIP{Host: "127.0.0.1", Port: 80, OriginHost: "::1", OriginPort: 9}.Append(nil), "%S,s,I", "::1"},
		{DirectTCPIP{Host: "", Port: 22, OriginHost: strings.Repeat("x", 40), OriginPort: 9}.Append(nil), "%s", ""},
		{TCPIPForward{Host: "", Port: 0}.Append(nil), "%i,s", "0"},
		{TCPIPForward{Host: "localhost", Port: 8080}.Append(nil), "%i,s", "8080"},
		{DirectStreamLocal{Path: "/tmp/x"}.Append(nil), "%s", "/tmp/x"},
	} {
		got, err := ParamString(c.payload, c.field)
		if err != nil || got != c.want {
			t.Errorf("ParamString(%q, %q) = %q, %v; want %q", c.payload, c.field, got, err, c.want)
		}
	}
}

func TestParamRefuses(t *testing.T) {
	exec := request("exec", Exec{Command: "ls"}.Append(nil))
	for _, c := range []struct {
		payload []byte
		field   string
		want    error
	}{
		{exec, "TerminalType", ErrParamField},
		{exec, "", ErrParamField},
		{exec, "Command\x1b[0m", ErrParamField},
		{nil, "Command", ErrParamField},
		{exec, "%", ErrParamType},
		{exec, "%q", ErrParamType},
		{exec, "%s,q", ErrParamType},
		{exec, "%s,", ErrParamType},
		{exec, "%i,s", ErrTruncated},
		{nil, "%b", ErrTruncated},
		{nil, "ChannelId", ErrTruncated},
		{exec[:len(exec)-1], "Command", ErrTruncated},
		{request("pty-req", []byte{0, 0, 0, 9}), "TerminalType", ErrTruncated},
		{AppendBytes(nil, make([]byte, MaxParamMpint+1)), "%m", ErrTooLong},
	} {
		if got, err := ParamString(c.payload, c.field); !errors.Is(err, c.want) || got != "" {
			t.Errorf("ParamString(%q, %q) = %q, %v; want %v", c.payload, c.field, got, err, c.want)
		} else if strings.ContainsAny(err.Error(), "\x1b\n") {
			t.Errorf("error text is not safe to show: %q", err)
		}
	}
}

func TestParamBytes(t *testing.T) {
	payload := AppendUint64(AppendMpint(AppendString(nil, "host"), []byte{0x80}), 258)
	for field, want := range map[string]string{"%s": "host", "%m,s": "\x00\x80", "%l,s,m": "\x00\x00\x00\x00\x00\x00\x01\x02"} {
		got, err := ParamBytes(payload, field)
		if err != nil || string(got) != want {
			t.Errorf("ParamBytes(%q) = %q, %v; want %q", field, got, err, want)
		}
	}
}

// TestParamRoundTrip writes values of all types and reads each back by its
// place.
func TestParamRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var payload []byte
		var types, values []string
		for range rapid.IntRange(1, 8).Draw(t, "fields") {
			typ := rapid.SampledFrom([]string{"s", "sb", "m", "i", "l", "b", "f"}).Draw(t, "type")
			types, values = append(types, typ), append(values, drawParam(t, typ))
			var err error
			if payload, err = AppendParam(payload, typ, values[len(values)-1]); err != nil {
				t.Fatal(err)
			}
		}
		whole := request("some-request", payload)
		for i, typ := range types {
			field := "%" + strings.Join(append([]string{typ}, types[:i]...), ",")
			if got, err := ParamString(whole, field); err != nil || got != values[i] {
				t.Fatalf("ParamString(%x, %q) = %q, %v; want %q", whole, field, got, err, values[i])
			}
		}
	})
}

func drawParam(t *rapid.T, typ string) string {
	switch typ {
	case "s":
		return rapid.String().Draw(t, "s")
	case "sb":
		return hex.EncodeToString(rapid.SliceOf(rapid.Byte()).Draw(t, "sb"))
	case "m":
		n := new(big.Int).SetBytes(rapid.SliceOf(rapid.Byte()).Draw(t, "m"))
		if rapid.Bool().Draw(t, "negative") {
			n.Neg(n)
		}
		return n.String()
	case "i":
		return big.NewInt(int64(rapid.Uint32().Draw(t, "i"))).String()
	case "l":
		return new(big.Int).SetUint64(rapid.Uint64().Draw(t, "l")).String()
	case "b":
		return big.NewInt(int64(rapid.Byte().Draw(t, "b"))).String()
	default:
		return rapid.SampledFrom([]string{"true", "false"}).Draw(t, "f")
	}
}

// FuzzParam reads and writes with anything: no panic, an error or a value that
// writes back to the same bytes.
func FuzzParam(f *testing.F) {
	f.Add(request("exec", Exec{Command: "ls"}.Append(nil)), "Command", "s", "x")
	f.Add(DirectTCPIP{Host: "h", Port: 1}.Append(nil), "%i,s", "i", "-1")
	f.Add([]byte{0, 0, 0, 2, 0, 0x80}, "%m", "m", "-128")
	f.Fuzz(func(t *testing.T, payload []byte, field, typ, value string) {
		raw, err := ParamBytes(payload, field)
		text, err2 := ParamString(payload, field)
		if err != nil && err2 == nil || len(raw) > len(payload) {
			t.Fatalf("ParamBytes: %v, ParamString: %v", err, err2)
		}
		if list, ok := strings.CutPrefix(strings.TrimSpace(field), "%"); ok && err2 == nil {
			again, err := AppendParam(nil, strings.Split(list, ",")[0], text)
			if err != nil {
				t.Fatalf("%q does not go back: %v", text, err)
			}
			if same, err := ParamString(again, "%"+strings.Split(list, ",")[0]); err != nil || same != text {
				t.Fatalf("%q came back as %q, %v", text, same, err)
			}
		}
		if p, err := AppendParam(payload, typ, value); err != nil && !bytes.Equal(p, payload) {
			t.Fatal("payload changed in an error")
		}
	})
}
