package wire

import (
	"bytes"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"unicode"

	"pgregory.net/rapid"
)

// ed25519Blob is a public key of no meaning: 32 zero bytes. The fingerprint in
// the tests is the SHA-256 of its 51 bytes, by sha256sum.
var ed25519Blob = AppendBytes(AppendString(nil, "ssh-ed25519"), make([]byte, 32))

const ed25519Print = "SHA256:kmYcvdi2GkPeWxB6XLjrZB8JHsy2Hm8luHMFp9GMvqk"

var ed25519Signature = AppendBytes(AppendString(nil, "ssh-ed25519"), make([]byte, 64))

func TestDescribe(t *testing.T) {
	request := func(method string, payload []byte) []byte {
		return UserauthRequest{"alice", "ssh-connection", method, payload}.Append(nil)
	}
	user := `UserName="alice" ServiceName="ssh-connection" MethodName=`
	for _, c := range []struct {
		packet []byte
		want   string
	}{
		{Disconnect{11, "bye\n\"now\"", "en"}.Append(nil), `DISCONNECT ReasonCode="11" Description="bye\x0a\x22now\x22" LanguageTag="en"`},
		{Ignore{[]byte("secret")}.Append(nil), `IGNORE Data="6 bytes"`},
		{NewKeys{}.Append(nil), `NEWKEYS`},
		{AppendExtInfo(nil, Extension{"a", []byte("x")}, Extension{"b", nil}),
			`EXT_INFO ExtensionCount="2" ExtensionName="a" ExtensionValue="x" ExtensionName[1]="b" ExtensionValue[1]=""`},
		{KexECDHInit{make([]byte, 20)}.Append(nil), `KEX_INIT ClientPublic="00000000000000000000000000000000... 20 bytes"`},
		{KexGexRequestOld{2048}.Append(nil), `KEX_DH_GEX_REQUEST_OLD PreferredBits="2048"`},
		{KexRSAPubKey{ed25519Blob, ed25519Blob}.Append(nil), `KEXRSA_PUBKEY HostKey="ssh-ed25519 ` + ed25519Print + `" TransientKey="ssh-ed25519 ` + ed25519Print + `"`},
		{KexECDHReply{ed25519Blob, []byte{1}, ed25519Signature}.Append(nil),
			`KEX_REPLY HostKey="ssh-ed25519 ` + ed25519Print + `" ServerPublic="01" Signature="ssh-ed25519, 83 bytes"`},
		{KexECDHReply{nil, nil, nil}.Append(nil), `KEX_REPLY HostKey="malformed SHA256:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU" ServerPublic="" Signature="malformed, 0 bytes"`},
		{KexGexGroup{[]byte{0x80}, []byte{2}}.Append(nil), `KEX_DH_GEX_GROUP P="0080" G="02"`},
		{KexRSASecret{[]byte("abc")}.Append(nil), `KEXRSA_SECRET EncryptedSecret="3 bytes"`},
		{KexRSADone{ed25519Signature}.Append(nil), `KEXRSA_DONE Signature="ssh-ed25519, 83 bytes"`},
		{KexGexInit{[]byte{2}}.Append(nil), `KEX_DH_GEX_INIT ClientPublic="02"`},
		{request("none", nil), `USERAUTH_REQUEST none ` + user + `"none"`},
		{request("password", UserauthPassword{Password: []byte("hunter2")}.Append(nil)),
			`USERAUTH_REQUEST password ` + user + `"password" PasswordChange="false" Password="hidden"`},
		{request("password", UserauthPassword{Change: true, Password: []byte("old"), NewPassword: []byte("new")}.Append(nil)),
			`USERAUTH_REQUEST password ` + user + `"password" PasswordChange="true" Password="hidden" NewPassword="hidden"`},
		{request("publickey", UserauthPublicKey{HasSignature: true, Algorithm: "ssh-ed25519", Key: ed25519Blob, Signature: ed25519Signature}.Append(nil)),
			`USERAUTH_REQUEST publickey ` + user + `"publickey" HasSignature="true" Algorithm="ssh-ed25519" PublicKey="ssh-ed25519 ` + ed25519Print +
				`" Signature="ssh-ed25519, 83 bytes"`},
		{request("invented", []byte("secret")), `USERAUTH_REQUEST invented ` + user + `"invented" Rest="hidden"`},
		{UserauthPKOK{"ssh-ed25519", ed25519Blob}.Append(nil), `USERAUTH_PK_OK Algorithm="ssh-ed25519" PublicKey="ssh-ed25519 ` + ed25519Print + `"`},
		{UserauthPasswdChangeReq{"New:", "en"}.Append(nil), `USERAUTH_PASSWD_CHANGEREQ Prompt="New:" LanguageTag="en"`},
		{UserauthInfoRequest{"n", "i", "l", []Prompt{{"Password: ", false}, {"Code: ", true}}}.Append(nil),
			`USERAUTH_INFO_REQUEST Name="n" Instruction="i" LanguageTag="l" PromptCount="2" Prompt="Password: " Echo="false" Prompt[1]="Code: " Echo[1]="true"`},
		{UserauthInfoResponse{[]string{"hunter2", "123"}}.Append(nil), `USERAUTH_INFO_RESPONSE ResponseCount="2" Response="hidden" Response[1]="hidden"`},
		{GlobalRequest{"tcpip-forward", true, TCPIPForward{"::1", 22}.Append(nil)}.Append(nil),
			`GLOBAL_REQUEST tcpip-forward RequestName="tcpip-forward" WantsReply="true" BindAddress="::1" BindPort="22"`},
		{GlobalRequest{RequestHostKeys, false, AppendBytes(AppendBytes(nil, ed25519Blob), nil)}.Append(nil),
			`GLOBAL_REQUEST ` + RequestHostKeys + ` RequestName="` + RequestHostKeys + `" WantsReply="false" HostKey="ssh-ed25519 ` + ed25519Print +
				`" HostKey[1]="malformed SHA256:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU"`},
		{RequestSuccess{}.Append(nil), `REQUEST_SUCCESS`},
		{RequestSuccess{TCPIPForwardReply{8080}.Append(nil)}.Append(nil), `REQUEST_SUCCESS BoundPort="8080"`},
		{RequestSuccess{[]byte("a signature")}.Append(nil), `REQUEST_SUCCESS Rest="hidden"`},
		{ChannelData{7, []byte("password\n")}.Append(nil), `CHANNEL_DATA ChannelId="7" Data="9 bytes"`},
		{ChannelRequest{7, "x11-req", false, X11Req{Protocol: "MIT", Cookie: "c00c1e"}.Append(nil)}.Append(nil),
			`CHANNEL_REQUEST x11-req ChannelId="7" RequestType="x11-req" WantsReply="false" SingleConnection="false" X11AuthProtocol="MIT" X11AuthCookie="hidden" X11ScreenNumber="0"`},
		{ChannelRequest{7, "env", false, Env{"TOKEN", "hunter2"}.Append(nil)}.Append(nil),
			`CHANNEL_REQUEST env ChannelId="7" RequestType="env" WantsReply="false" VariableName="TOKEN" VariableValue="hidden"`},
		{ChannelRequest{7, "exec", true, Exec{"ls\x1b[2J"}.Append(nil)}.Append(nil),
			`CHANNEL_REQUEST exec ChannelId="7" RequestType="exec" WantsReply="true" Command="ls\x1b[2J"`},
		{Ping{nil}.Append(nil), `PING Data="0 bytes"`},
		// What is wrong, unknown or too much.
		{nil, `empty (ssh: packet: number: message ends too early)`},
		{[]byte{200, 1, 2}, `message 200 Rest="hidden"`},
		{[]byte{60, 1, 2}, `USERAUTH_60 Rest="hidden" (ssh: USERAUTH_60: fits none of the meanings of its number)`},
		{append(NewKeys{}.Append(nil), 1), `NEWKEYS (ssh: NEWKEYS: end: bytes after the last field)`},
		{Disconnect{2, "x", ""}.Append(nil)[:9], `DISCONNECT ReasonCode="2" (ssh: DISCONNECT: Description: message ends too early)`},
		{request("password", []byte{0, 0, 0, 0, 9, 's'}), `USERAUTH_REQUEST password ` + user + `"password" PasswordChange="false" (ssh: USERAUTH_REQUEST: Password: message ends too early)`},
		{ServiceRequest{strings.Repeat("x", MaxDescribedText+1)}.Append(nil), `SERVICE_REQUEST ServiceName="` + strings.Repeat("x", MaxDescribedText) + `..."`},
	} {
		if got := Describe(c.packet).String(); got != c.want {
			t.Errorf("Describe(%x)\n got %s\nwant %s", c.packet, got, c.want)
		}
	}
}

func TestDescribeManyFields(t *testing.T) {
	for _, n := range []int{MaxDescribedFields - 1, MaxDescribedFields, MaxExtensions} {
		d := Describe(UserauthInfoResponse{make([]string, n)}.Append(nil))
		if n < MaxDescribedFields {
			if len(d.Fields) != n+1 || d.Fields[n].Name == "MoreFields" {
				t.Errorf("%d answers: %v", n, d)
			}
		} else if last := d.Fields[MaxDescribedFields]; last.Name != "MoreFields" || len(d.Fields) != MaxDescribedFields+1 {
			t.Errorf("%d answers: %v", n, d)
		}
	}
}

func TestDescribeLog(t *testing.T) {
	var b bytes.Buffer
	log := slog.New(slog.NewTextHandler(&b, nil))
	log.Info("in", "packet", Describe(UserauthRequest{"al\nice", "s", "password", UserauthPassword{Password: []byte("hunter2")}.Append(nil)}.Append(nil)))
	log.Info("in", "packet", Describe([]byte{21, 1}))
	got := b.String()
	for _, want := range []string{"packet.msg=USERAUTH_REQUEST packet.kind=password", `packet.UserName=al\x0aice`, "packet.Password=hidden",
		`packet.msg=NEWKEYS packet.err="ssh: NEWKEYS: end: bytes after the last field"`} {
		if !strings.Contains(got, want) {
			t.Errorf("no %s in %s", want, got)
		}
	}
	if strings.Contains(got, "hunter2") || strings.Count(got, "\n") != 2 {
		t.Errorf("log says %s", got)
	}
}

// TestDescribeHidesSecrets puts one word wherever a secret may stand, whole and
// cut off.
func TestDescribeHidesSecrets(t *testing.T) {
	const secret = "Tr0ub4dor&3"
	request := func(method string, payload []byte) []byte {
		return UserauthRequest{"u", "s", method, payload}.Append(nil)
	}
	for _, packet := range [][]byte{
		request("password", UserauthPassword{Password: []byte(secret)}.Append(nil)),
		request("password", UserauthPassword{Change: true, Password: []byte(secret), NewPassword: []byte(secret)}.Append(nil)),
		request("gssapi-with-mic", []byte(secret)),
		UserauthInfoResponse{[]string{"x", secret}}.Append(nil),
		append([]byte{66}, secret...),
		ChannelRequest{1, "x11-req", true, X11Req{Cookie: secret}.Append(nil)}.Append(nil),
		ChannelRequest{1, "env", true, Env{"x", secret}.Append(nil)}.Append(nil),
		ChannelRequest{1, "unknown@example.org", true, []byte(secret)}.Append(nil),
		GlobalRequest{"unknown@example.org", true, []byte(secret)}.Append(nil),
		ChannelOpen{"unknown@example.org", 1, 2, 3, []byte(secret)}.Append(nil),
		ChannelData{1, []byte(secret)}.Append(nil),
		ChannelExtendedData{1, 1, []byte(secret)}.Append(nil),
		Ignore{[]byte(secret)}.Append(nil),
		KexRSASecret{[]byte(secret)}.Append(nil),
	} {
		for n := range len(packet) + 1 {
			if got := Describe(packet[:n]).String(); strings.Contains(got, secret[:4]) || strings.Contains(got, "54723075") {
				t.Errorf("%x: %s", packet[:n], got)
			}
		}
		if got := Describe(append(packet, secret...)).String(); strings.Contains(got, secret[:4]) || strings.Contains(got, "54723075") {
			t.Errorf("%x and more: %s", packet, got)
		}
	}
}

// requestKinds are the channel requests of the rows in bodyRows.
var requestKinds = map[string]string{"PtyReq": "pty-req", "Env": "env", "Exec": "exec", "Subsystem": "subsystem", "WindowChange": "window-change",
	"XonXoff": "xon-xoff", "Signal": "signal", "ExitStatus": "exit-status", "ExitSignal": "exit-signal", "X11Req": "x11-req", "Break": "break"}

// kindPackets has a packet for each kind of request, channel and method, made
// by the type that speaks it where there is one.
func kindPackets() (packets [][]byte) {
	for _, r := range bodyRows() {
		body := r.wire()
		switch r.value.(type) {
		case DirectTCPIP:
			packets = append(packets, ChannelOpen{"direct-tcpip", 1, 2, 3, body}.Append(nil), ChannelOpen{"forwarded-tcpip", 1, 2, 3, body}.Append(nil))
		case DirectStreamLocal:
			packets = append(packets, ChannelOpen{"direct-streamlocal@openssh.com", 1, 2, 3, body}.Append(nil))
		case ForwardedStreamLocal:
			packets = append(packets, ChannelOpen{"forwarded-streamlocal@openssh.com", 1, 2, 3, body}.Append(nil))
		case TCPIPForward:
			packets = append(packets, GlobalRequest{"tcpip-forward", true, body}.Append(nil), GlobalRequest{"cancel-tcpip-forward", true, body}.Append(nil))
		case StreamLocalForward:
			packets = append(packets, GlobalRequest{"streamlocal-forward@openssh.com", true, body}.Append(nil),
				GlobalRequest{"cancel-streamlocal-forward@openssh.com", true, body}.Append(nil))
		case HostKeys:
			packets = append(packets, GlobalRequest{RequestHostKeys, false, body}.Append(nil), GlobalRequest{RequestHostKeysProve, true, body}.Append(nil))
		case X11Open:
			packets = append(packets, ChannelOpen{"x11", 1, 2, 3, body}.Append(nil))
		case TCPIPForwardReply:
			packets = append(packets, RequestSuccess{body}.Append(nil))
		default:
			packets = append(packets, ChannelRequest{1, requestKinds[r.name], true, body}.Append(nil))
		}
	}
	for _, kind := range []string{"shell", "auth-agent-req@openssh.com", RequestEOW, RequestKeepalive} {
		packets = append(packets, ChannelRequest{Type: kind}.Append(nil))
	}
	for _, kind := range []string{"session", "auth-agent@openssh.com"} {
		packets = append(packets, ChannelOpen{Type: kind}.Append(nil))
	}
	for _, kind := range []string{RequestNoMoreSessions, RequestKeepalive} {
		packets = append(packets, GlobalRequest{Name: kind}.Append(nil))
	}
	packets = append(packets, ChannelOpen{Type: "tun@openssh.com", Payload: make([]byte, 8)}.Append(nil))
	for _, r := range userauthRows() {
		method, ok := map[string]string{"UserauthPassword": "password", "UserauthPassword/change": "password", "UserauthPublicKey/query": "publickey",
			"UserauthPublicKey/signed": "publickey", "UserauthPublicKey/bound": "publickey-hostbound-v00@openssh.com", "UserauthHostBased": "hostbased",
			"UserauthInteractive": "keyboard-interactive"}[r.name]
		if ok {
			packets = append(packets, UserauthRequest{"u", "s", method, r.wire()}.Append(nil))
		}
	}
	return append(packets, UserauthRequest{"u", "s", "none", nil}.Append(nil))
}

// TestLayouts: each message of this package has a layout that accounts for
// every byte of it, with names that are not ambiguous, in the order of the
// numbers.
func TestLayouts(t *testing.T) {
	for _, r := range rows() {
		if !r.number {
			continue
		}
		d := Describe(r.wire())
		if d.Err != nil && !r.open() || d.Name == "" || strings.HasPrefix(d.Name, "message") {
			t.Errorf("%s: %v", r.name, d)
		}
	}
	described := map[string]bool{}
	for _, packet := range kindPackets() {
		d := Describe(packet)
		if described[d.Msg.String()+d.Kind] = true; d.Err != nil || slices.ContainsFunc(d.Fields, func(f DescribedField) bool { return f.Name == "Rest" }) {
			t.Errorf("%x: %v", packet, d)
		}
	}
	for i, l := range layouts {
		if i > 0 && l.msg < layouts[i-1].msg {
			t.Errorf("%v is not in order", l.msg)
		}
		for _, b := range append([]body{{fields: unknownBody}}, l.bodies...) {
			if b.kind != "" && !described[l.msg.String()+b.kind] {
				t.Errorf("no test has %v %s", l.msg, b.kind)
			}
			seen := map[string]bool{}
			for _, f := range slices.Concat(l.fields, b.fields) {
				name := strings.ToLower(f.name)
				if seen[name] && l.bodies != nil || strings.ContainsAny(name, "[]% ") {
					t.Errorf("%v %s: field %s", l.msg, b.kind, f.name)
				}
				seen[name] = true
			}
		}
	}
}

func TestFields(t *testing.T) {
	init := KexInit{Kex: NewNameList("a", "b"), Reserved: 9}.Append(nil)
	info := UserauthInfoRequest{"n", "i", "l", []Prompt{{"one", true}, {"two", false}}}.Append(nil)
	open := ChannelOpen{"direct-tcpip", 1, 2, 3, DirectTCPIP{"h", 22, "o", 9}.Append(nil)}.Append(nil)
	exec := ChannelRequest{7, "exec", true, Exec{"ls"}.Append(nil)}.Append(nil)
	password := UserauthRequest{"u", "s", "password", UserauthPassword{Password: []byte("p")}.Append(nil)}.Append(nil)
	for _, c := range []struct {
		packet            []byte
		name, want, value string
		changed           []byte // what SetField makes of it
	}{
		{init, "KexAlgorithms", "a,b", "c", KexInit{Kex: NewNameList("c"), Reserved: 9}.Append(nil)},
		{init, "cookie", strings.Repeat("00", 16), "0x" + strings.Repeat("ff", 16),
			KexInit{Cookie: [16]byte(bytes.Repeat([]byte{0xff}, 16)), Kex: NewNameList("a", "b"), Reserved: 9}.Append(nil)},
		{init, "reserved", "9", "0xffffffff", KexInit{Kex: NewNameList("a", "b"), Reserved: 1<<32 - 1}.Append(nil)},
		{info, "prompt[1]", "two", "2", UserauthInfoRequest{"n", "i", "l", []Prompt{{"one", true}, {"2", false}}}.Append(nil)},
		{info, "Echo", "true", "false", UserauthInfoRequest{"n", "i", "l", []Prompt{{"one", false}, {"two", false}}}.Append(nil)},
		{info, "%s,s,s", "l", "x", UserauthInfoRequest{"n", "i", "x", []Prompt{{"one", true}, {"two", false}}}.Append(nil)},
		{open, "Port", "22", "23", ChannelOpen{"direct-tcpip", 1, 2, 3, DirectTCPIP{"h", 23, "o", 9}.Append(nil)}.Append(nil)},
		{exec, "Command", "ls", "rm", ChannelRequest{7, "exec", true, Exec{"rm"}.Append(nil)}.Append(nil)},
		{exec, "ChannelID", "7", "8", ChannelRequest{8, "exec", true, Exec{"ls"}.Append(nil)}.Append(nil)},
		{exec, "%s", "ls", "rm", ChannelRequest{7, "exec", true, Exec{"rm"}.Append(nil)}.Append(nil)},
		{password, "password", "p", "longer", UserauthRequest{"u", "s", "password", UserauthPassword{Password: []byte("longer")}.Append(nil)}.Append(nil)},
		{[]byte{200, 1, 2}, "Rest", "0102", "03", []byte{200, 3}},
		{KexECDHReply{ed25519Blob, nil, ed25519Signature}.Append(nil), "Signature", "0000000b7373682d6564323535313900000040" + strings.Repeat("00", 64), "ff",
			KexECDHReply{ed25519Blob, nil, []byte{0xff}}.Append(nil)},
		{KexGexGroup{[]byte{0x80}, []byte{2}}.Append(nil), "P", "128", "-1", append([]byte{31, 0, 0, 0, 1, 0xff}, 0, 0, 0, 1, 2)},
	} {
		kept := bytes.Clone(c.packet)
		if got, err := FieldString(c.packet, c.name); err != nil || got != c.want {
			t.Errorf("FieldString(%x, %q) = %q, %v; want %q", c.packet, c.name, got, err, c.want)
		}
		got, err := SetField(c.packet, c.name, c.value)
		if err != nil || !bytes.Equal(got, c.changed) {
			t.Errorf("SetField(%x, %q, %q) = %x, %v; want %x", c.packet, c.name, c.value, got, err, c.changed)
		}
		if !bytes.Equal(c.packet, kept) {
			t.Errorf("SetField changed its packet")
		}
	}
}

func TestFieldsRefuse(t *testing.T) {
	exec := ChannelRequest{7, "exec", true, Exec{"ls"}.Append(nil)}.Append(nil)
	for _, c := range []struct {
		packet      []byte
		name, value string
		want        error
	}{
		{nil, "x", "", ErrTruncated},
		{nil, "%s", "", ErrTruncated},
		{exec, "TerminalType", "", ErrParamField},
		{exec, "Command[1]", "", ErrParamField},
		{exec, "Command[", "", ErrParamField},
		{exec, "Command[-1]", "", ErrParamField},
		{exec, "Command[99999999999]", "", ErrParamField},
		{exec, "Rest", "", ErrParamField},
		{exec, "%q", "", ErrParamType},
		{exec, "%names", "", ErrParamType},
		{exec, "%rest", "", ErrParamType},
		{exec, "%s,s", "", ErrTruncated},
		{exec[:len(exec)-1], "Command", "", ErrTruncated},
		{exec, "ChannelId", "4294967296", ErrParamValue},
		{exec, "WantsReply", "maybe", ErrParamValue},
		{KexInit{}.Append(nil), "Cookie", "00", ErrParamValue},
		{[]byte{200}, "Rest", "0", ErrParamValue},
	} {
		if got, err := SetField(c.packet, c.name, c.value); !errors.Is(err, c.want) || got != nil {
			t.Errorf("SetField(%x, %q, %q) = %x, %v; want %v", c.packet, c.name, c.value, got, err, c.want)
		}
	}
	for _, name := range []string{"TerminalType", "%q", "%s,s", "Command[1]"} {
		if s, err := FieldString(exec, name); err == nil || s != "" {
			t.Errorf("FieldString(%q) = %q, %v", name, s, err)
		}
		if b, err := FieldBytes(exec, name); err == nil || b != nil {
			t.Errorf("FieldBytes(%q) = %x, %v", name, b, err)
		}
	}
}

// TestValidate: a packet of a known kind is whole or refused; of others
// anything will do.
func TestValidate(t *testing.T) {
	for _, packet := range append(kindPackets(), Ping{}.Append(nil), []byte{200}, []byte{127, 1, 2}, ChannelRequest{Type: "x@y", Payload: []byte{1}}.Append(nil)) {
		if err := Validate(packet); err != nil {
			t.Errorf("%x: %v", packet, err)
		}
		if d := Describe(append(packet, 0)); (Validate(append(packet, 0)) == nil) != (d.Err == nil) {
			t.Errorf("%x and a byte: %v, but %v", packet, Validate(append(packet, 0)), d)
		}
	}
	for packet, want := range map[string]error{"": ErrTruncated, "\x62": ErrTruncated, "\x15\x00": ErrTrailing, "\x32\x00\x00\x00\x01": ErrTruncated, "\x3c": errNoMeaning} {
		err := Validate([]byte(packet))
		if wantMalformed(t, err, want); err == nil {
			t.Errorf("%x is valid", packet)
		}
	}
}

// TestFieldRoundTrip: what is built field by field reads back by name and by
// place, and setting a field to what it is changes nothing.
func TestFieldRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := rapid.SampledFrom(slices.DeleteFunc(rows(), func(r row) bool { return !r.number })).Draw(t, "message")
		packet := r.wire()
		for _, f := range Describe(packet).Fields {
			text, err := FieldString(packet, f.Name)
			if err != nil {
				t.Fatalf("%s of %s: %v", f.Name, r.name, err)
			}
			same, err := SetField(packet, f.Name, text)
			if err != nil || !bytes.Equal(same, packet) {
				t.Fatalf("%s of %s = %q: %x, %v; want %x", f.Name, r.name, text, same, err, packet)
			}
		}
	})
}

// FuzzDescribe describes anything: no panic, in lines of bounded size that are
// safe to show; and each field it names can be read, set and read again.
func FuzzDescribe(f *testing.F) {
	for _, r := range rows() {
		f.Add(r.wire())
	}
	for _, b := range requestBodies {
		f.Add(ChannelRequest{7, b.kind, true, []byte{0, 0, 0, 1, 'x', 0, 0, 0, 2}}.Append(nil))
	}
	f.Fuzz(func(t *testing.T, packet []byte) {
		d := Describe(packet)
		line := d.String()
		if len(line) > 64<<10+8*MaxDescribedText*MaxDescribedFields || strings.ContainsFunc(line, func(r rune) bool { return !unicode.IsPrint(r) }) {
			t.Fatalf("%d bytes: %q", len(line), line)
		}
		if len(d.Fields) > MaxDescribedFields+1 {
			t.Fatalf("%d fields", len(d.Fields))
		}
		for _, field := range d.Fields {
			raw, err := FieldBytes(packet, field.Name)
			if field.Name == "MoreFields" {
				continue
			}
			if err != nil || len(raw) >= len(packet) {
				t.Fatalf("%s: %x, %v", field.Name, raw, err)
			}
			text, err := FieldString(packet, field.Name)
			if err != nil && !errors.Is(err, ErrTooLong) {
				t.Fatalf("%s: %v", field.Name, err)
			} else if err != nil {
				continue
			}
			again, err := SetField(packet, field.Name, text)
			if err != nil {
				t.Fatalf("%s = %q: %v", field.Name, text, err)
			}
			if back, err := FieldString(again, field.Name); err != nil || back != text {
				t.Fatalf("%s = %q came back as %q, %v", field.Name, text, back, err)
			}
		}
	})
}
