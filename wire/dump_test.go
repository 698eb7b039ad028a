package wire

import (
	"encoding/hex"
	"strings"
	"testing"
)

func TestDump(t *testing.T) {
	password := UserauthRequest{User: "u", Service: "ssh-connection", Method: "password"}
	head := hex.EncodeToString(password.Append(nil))
	x11 := ChannelRequest{Recipient: 7, Type: "x11-req", WantReply: true}
	cookie := X11Req{SingleConnection: true, Protocol: "P", Cookie: "00112233", Screen: 3}
	for _, c := range []struct {
		name   string
		packet []byte
		data   bool
		want   string
	}{
		{"empty", nil, true, ""},
		{"all of it", Ignore{Data: []byte{1, 2}}.Append(nil), true, "02000000020102"},
		{"password", append(password.Append(nil), UserauthPassword{Password: []byte("hunter2")}.Append(nil)...), true, head + "00(hidden)"},
		{"new password", append(password.Append(nil), UserauthPassword{Change: true, Password: []byte("old"), NewPassword: []byte("new")}.Append(nil)...),
			true, head + "01(hidden)(hidden)"},
		{"answers", UserauthInfoResponse{Answers: []string{"hunter2", ""}}.Append(nil), true, "3d00000002(hidden)(hidden)"},
		{"X11 cookie", append(x11.Append(nil), cookie.Append(nil)...), true,
			hex.EncodeToString(x11.Append(nil)) + "01" + "0000000150" + "(hidden)" + "00000003"},
		{"data", ChannelData{Recipient: 7, Data: []byte("sudo")}.Append(nil), false, "5e0000000700000004(4 bytes)"},
		{"data by request", ChannelData{Recipient: 7, Data: []byte("sudo")}.Append(nil), true, "5e0000000700000004" + "7375646f"},
		{"half a password", append(password.Append(nil), 0, 0, 0, 0, 9, 'h', 'u'), true, head + "00(hidden)"},
		{"half a head", []byte{byte(MsgUserauthRequest), 0, 0, 0, 9, 'h', 'u'}, true, "32(hidden)"},
		{"a number that nobody knows", []byte{199, 1, 2, 3}, true, "c7(hidden)"},
		{"a method that nobody knows", append(UserauthRequest{User: "u", Service: "s", Method: "m"}.Append(nil), "secret"...), true,
			hex.EncodeToString(UserauthRequest{User: "u", Service: "s", Method: "m"}.Append(nil)) + "(hidden)"},
		{"as long as it may be", Ignore{Data: make([]byte, MaxDump-5)}.Append(nil), true, "02000007fb" + strings.Repeat("00", MaxDump-5)},
		{"longer", Ignore{Data: make([]byte, MaxDump-4)}.Append(nil), true, "02000007fc" + strings.Repeat("00", MaxDump-5) + "... 2049 bytes"},
	} {
		if got := Dump(c.packet, c.data); got != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
	}
}

// FuzzDump: any bytes; what Describe hides of a packet that can be decoded is
// not in the dump, and the dump is bounded.
func FuzzDump(f *testing.F) {
	for _, p := range kindPackets() {
		f.Add(p)
	}
	f.Fuzz(func(t *testing.T, packet []byte) {
		got, all := Dump(packet, false), hex.EncodeToString(packet)
		if len(got) > 2*MaxDump+len("(hidden)")*len(packet)+64 {
			t.Fatalf("%d characters for %d bytes", len(got), len(packet))
		}
		for part := range strings.SplitSeq(got, "(") {
			_, part, found := strings.Cut(part, ")")
			if digits, _, _ := strings.Cut(part, "..."); found && !strings.Contains(all, digits) {
				t.Fatalf("%q is not in the packet", digits)
			}
		}
		for _, field := range Describe(packet).Fields {
			if field.Hidden && !strings.Contains(got, "(hidden)") && len(packet) < MaxDump {
				t.Fatalf("%s is not hidden: %s", field.Name, got)
			}
		}
	})
}
