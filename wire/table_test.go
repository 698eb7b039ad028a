package wire

import (
	"encoding/binary"
	"math/big"
	"slices"
)

// The table of all messages that the tests of this package run over. What stands on the wire is written down field by
// field in the terms of RFC 4251 §5, without the functions under test.

// message is what the tests need of a message by value.
type message interface{ Append(b []byte) []byte }

// field is one field on the wire.
type field struct {
	bytes  []byte
	length bool // the first four bytes are a length or a count
	copied bool // parsing makes a Go string of it
	open   bool // the rest of the message: any length will do
}

func u8(v byte) field      { return field{bytes: []byte{v}} }
func flag(v bool) field    { return map[bool]field{false: u8(0), true: u8(1)}[v] }
func u32(v uint32) field   { return field{bytes: binary.BigEndian.AppendUint32(nil, v)} }
func count(v uint32) field { return field{bytes: u32(v).bytes, length: true} }
func raw(s string) field   { return field{bytes: []byte(s)} }
func rest(s string) field  { return field{bytes: []byte(s), open: true} }
func blob(s string) field  { return field{bytes: append(u32(uint32(len(s))).bytes, s...), length: true} }
func text(s string) field  { return field{bytes: blob(s).bytes, length: true, copied: s != ""} }
func mpint(v int64) field  { return blob(string(mpintBody(big.NewInt(v)))) }
func number(m Msg) field   { return u8(byte(m)) }

// mpintBody encodes v >= 0 by way of math/big.
func mpintBody(v *big.Int) []byte {
	b := v.Bytes()
	if len(b) > 0 && b[0] >= 0x80 {
		b = append([]byte{0}, b...)
	}
	return b
}

// row is a message with its bytes.
type row struct {
	name   string
	value  message
	fields []field
	// parse reads p into a fresh message.
	parse func(p []byte) (message, error)
	// parseInto returns a function that reads into the same message again and again, to count allocations.
	parseInto func() func(p []byte) error
	number    bool  // starts with a message number
	prefixes  []int // lengths at which a cut leaves a valid message, beside those in the rest
	extra     int   // allocations of a parse beyond one for each copied string
}

// wire returns the bytes of the message.
func (r row) wire() []byte {
	var b []byte
	for _, f := range r.fields {
		b = append(b, f.bytes...)
	}
	return b
}

// fixed returns how many bytes stand in front of the rest.
func (r row) fixed() int {
	n := 0
	for _, f := range r.fields {
		if !f.open {
			n += len(f.bytes)
		}
	}
	return n
}

func (r row) open() bool { return r.fields != nil && r.fields[len(r.fields)-1].open }

// cutIsValid reports whether the first n bytes are a message by themselves.
func (r row) cutIsValid(n int) bool {
	return r.open() && n >= r.fixed() || slices.Contains(r.prefixes, n)
}

// entry makes a row. T is the message, P its pointer type.
func entry[T message, P interface {
	*T
	Parse(p []byte) error
}](name string, value T, fields ...field) row {
	return preset[T, P](name, value, *new(T), fields...)
}

// preset is entry for a message of which some fields are set before parsing.
func preset[T message, P interface {
	*T
	Parse(p []byte) error
}](name string, value, start T, fields ...field) row {
	return row{
		name:   name,
		value:  value,
		fields: fields,
		parse: func(p []byte) (message, error) {
			v := start
			err := P(&v).Parse(p)
			return v, err
		},
		parseInto: func() func(p []byte) error {
			v := start
			return P(&v).Parse
		},
	}
}

func (r row) numbered() row             { r.number = true; return r }
func (r row) cuts(prefixes ...int) row  { r.prefixes = prefixes; return r }
func (r row) allocations(extra int) row { r.extra = extra; return r }

// msg makes a row of a message with a number.
func msg[T message, P interface {
	*T
	Parse(p []byte) error
}](m Msg, name string, value T, fields ...field) row {
	return entry[T, P](name, value, slices.Insert(fields, 0, number(m))...).numbered()
}

// rows returns the table.
func rows() []row {
	return slices.Concat(transportRows(), kexRows(), userauthRows(), connectionRows(), bodyRows())
}

func transportRows() []row {
	return []row{
		msg(MsgDisconnect, "Disconnect", Disconnect{ReasonByApplication, "bye", "en"}, u32(11), text("bye"), text("en")),
		msg(MsgIgnore, "Ignore", Ignore{[]byte("noise")}, blob("noise")),
		msg(MsgUnimplemented, "Unimplemented", Unimplemented{0xfffffffe}, u32(0xfffffffe)),
		msg(MsgDebug, "Debug", Debug{true, "text", "de"}, flag(true), text("text"), text("de")),
		msg(MsgServiceRequest, "ServiceRequest", ServiceRequest{"ssh-userauth"}, text("ssh-userauth")),
		msg(MsgServiceAccept, "ServiceAccept", ServiceAccept{"ssh-userauth"}, text("ssh-userauth")),
		msg(MsgExtInfo, "ExtInfo", ExtInfo{slices.Concat(u32(2).bytes, blob("a").bytes, blob("1").bytes, blob("bc").bytes, blob("").bytes)},
			count(2), blob("a"), blob("1"), blob("bc"), blob("")),
		msg(MsgExtInfo, "ExtInfo/none", ExtInfo{u32(0).bytes}, count(0)),
		msg(MsgPing, "Ping", Ping{[]byte("p")}, blob("p")),
		msg(MsgPong, "Pong", Pong{[]byte("p")}, blob("p")),
	}
}

func kexRows() []row {
	init := KexInit{
		Cookie: [16]byte([]byte("sixteen bytes ok")), Kex: NewNameList("a", "b"), HostKey: NewNameList("h"),
		CipherCS: NewNameList("c1"), CipherSC: NewNameList("c2"), MACCS: NewNameList("m1"), MACSC: NewNameList("m2"),
		CompressionCS: NewNameList("none"), CompressionSC: NewNameList("zlib"),
		LanguagesCS: NewNameList("de"), LanguagesSC: NameList{}, FirstKexPacketFollows: true, Reserved: 7,
	}
	return []row{
		msg(MsgKexInit, "KexInit", init, raw("sixteen bytes ok"), blob("a,b"), blob("h"), blob("c1"), blob("c2"), blob("m1"),
			blob("m2"), blob("none"), blob("zlib"), blob("de"), blob(""), flag(true), u32(7)),
		msg(MsgNewKeys, "NewKeys", NewKeys{}),
		msg(MsgKexECDHInit, "KexECDHInit", KexECDHInit{[]byte("point")}, blob("point")),
		msg(MsgKexECDHReply, "KexECDHReply", KexECDHReply{[]byte("key"), []byte("point"), []byte("sig")},
			blob("key"), blob("point"), blob("sig")),
		msg(MsgKexGexRequest, "KexGexRequest", KexGexRequest{2048, 3072, 8192}, u32(2048), u32(3072), u32(8192)),
		msg(MsgKexGexRequestOld, "KexGexRequestOld", KexGexRequestOld{2048}, u32(2048)),
		msg(MsgKexGexGroup, "KexGexGroup", KexGexGroup{[]byte{0x80, 1}, []byte{2}}, mpint(0x8001), mpint(2)),
		msg(MsgKexGexInit, "KexGexInit", KexGexInit{[]byte{5}}, mpint(5)),
		msg(MsgKexGexReply, "KexGexReply", KexGexReply{[]byte("key"), []byte{6}, []byte("sig")}, blob("key"), mpint(6), blob("sig")),
		msg(MsgKexRSAPubKey, "KexRSAPubKey", KexRSAPubKey{[]byte("key"), []byte("rsa")}, blob("key"), blob("rsa")),
		msg(MsgKexRSASecret, "KexRSASecret", KexRSASecret{[]byte("secret")}, blob("secret")),
		msg(MsgKexRSADone, "KexRSADone", KexRSADone{[]byte("sig")}, blob("sig")),
	}
}

func userauthRows() []row {
	return []row{
		msg(MsgUserauthRequest, "UserauthRequest", UserauthRequest{"me", "ssh-connection", "none", []byte{}},
			text("me"), text("ssh-connection"), text("none"), rest("")),
		msg(MsgUserauthRequest, "UserauthRequest/payload", UserauthRequest{"me", "s", "m", []byte("more")},
			text("me"), text("s"), text("m"), rest("more")),
		msg(MsgUserauthFailure, "UserauthFailure", UserauthFailure{NewNameList("password", "publickey"), true},
			blob("password,publickey"), flag(true)),
		msg(MsgUserauthSuccess, "UserauthSuccess", UserauthSuccess{}),
		msg(MsgUserauthBanner, "UserauthBanner", UserauthBanner{"hi", "en"}, text("hi"), text("en")),
		msg(MsgUserauthPKOK, "UserauthPKOK", UserauthPKOK{"ssh-ed25519", []byte("key")}, text("ssh-ed25519"), blob("key")),
		msg(MsgUserauthPasswdChangeReq, "UserauthPasswdChangeReq", UserauthPasswdChangeReq{"new?", "en"}, text("new?"), text("en")),
		msg(MsgUserauthInfoRequest, "UserauthInfoRequest", UserauthInfoRequest{"n", "i", "l", []Prompt{{"one", true}, {"two", false}}},
			text("n"), text("i"), text("l"), count(2), text("one"), flag(true), text("two"), flag(false)).allocations(2),
		msg(MsgUserauthInfoRequest, "UserauthInfoRequest/none", UserauthInfoRequest{"n", "", "", nil},
			text("n"), text(""), text(""), count(0)),
		msg(MsgUserauthInfoResponse, "UserauthInfoResponse", UserauthInfoResponse{[]string{"x", ""}},
			count(2), text("x"), text("")).allocations(2),
		entry("UserauthPassword", UserauthPassword{false, []byte("secret"), nil}, flag(false), blob("secret")),
		entry("UserauthPassword/change", UserauthPassword{true, []byte("old"), []byte("new")}, flag(true), blob("old"), blob("new")),
		entry("UserauthPublicKey/query", UserauthPublicKey{Algorithm: "alg", Key: []byte("key")},
			flag(false), text("alg"), blob("key")),
		entry("UserauthPublicKey/signed", UserauthPublicKey{HasSignature: true, Algorithm: "alg", Key: []byte("key"), Signature: []byte("sig")},
			flag(true), text("alg"), blob("key"), blob("sig")),
		entry("UserauthHostBased", UserauthHostBased{Algorithm: "alg", Key: []byte("key"), Host: "h", HostUser: "u", Signature: []byte("sig")},
			text("alg"), blob("key"), text("h"), text("u"), blob("sig")),
		preset("UserauthPublicKey/bound",
			UserauthPublicKey{Bound: true, HasSignature: true, Algorithm: "alg", Key: []byte("key"), HostKey: []byte("host"), Signature: []byte("sig")},
			UserauthPublicKey{Bound: true}, flag(true), text("alg"), blob("key"), blob("host"), blob("sig")),
		entry("UserauthInteractive", UserauthInteractive{"en", "pam"}, text("en"), text("pam")),
	}
}

func connectionRows() []row {
	return []row{
		msg(MsgGlobalRequest, "GlobalRequest", GlobalRequest{"tcpip-forward", true, []byte("more")},
			text("tcpip-forward"), flag(true), rest("more")),
		msg(MsgRequestSuccess, "RequestSuccess", RequestSuccess{[]byte("more")}, rest("more")),
		msg(MsgRequestFailure, "RequestFailure", RequestFailure{}),
		msg(MsgChannelOpen, "ChannelOpen", ChannelOpen{"session", 1, 2, 3, []byte("x")}, text("session"), u32(1), u32(2), u32(3), rest("x")),
		msg(MsgChannelOpenConfirmation, "ChannelOpenConfirmation", ChannelOpenConfirmation{1, 2, 3, 4, []byte("x")},
			u32(1), u32(2), u32(3), u32(4), rest("x")),
		msg(MsgChannelOpenFailure, "ChannelOpenFailure", ChannelOpenFailure{9, OpenResourceShortage, "full", "en"},
			u32(9), u32(4), text("full"), text("en")),
		msg(MsgChannelWindowAdjust, "ChannelWindowAdjust", ChannelWindowAdjust{1, 0xffffffff}, u32(1), u32(0xffffffff)),
		msg(MsgChannelData, "ChannelData", ChannelData{1, []byte("data")}, u32(1), blob("data")),
		msg(MsgChannelExtendedData, "ChannelExtendedData", ChannelExtendedData{1, ExtendedStderr, []byte("data")},
			u32(1), u32(1), blob("data")),
		msg(MsgChannelEOF, "ChannelEOF", ChannelEOF{5}, u32(5)),
		msg(MsgChannelClose, "ChannelClose", ChannelClose{5}, u32(5)),
		msg(MsgChannelRequest, "ChannelRequest", ChannelRequest{5, "exec", true, []byte("more")}, u32(5), text("exec"), flag(true), rest("more")),
		msg(MsgChannelSuccess, "ChannelSuccess", ChannelSuccess{5}, u32(5)),
		msg(MsgChannelFailure, "ChannelFailure", ChannelFailure{5}, u32(5)),
	}
}

func bodyRows() []row {
	return []row{
		entry("PtyReq", PtyReq{"xterm", 80, 24, 640, 480, []byte{0}}, text("xterm"), u32(80), u32(24), u32(640), u32(480), blob("\x00")),
		entry("Env", Env{"LANG", "C"}, text("LANG"), text("C")),
		entry("Exec", Exec{"true"}, text("true")),
		entry("Subsystem", Subsystem{"sftp"}, text("sftp")),
		entry("WindowChange", WindowChange{1, 2, 3, 4}, u32(1), u32(2), u32(3), u32(4)),
		entry("XonXoff", XonXoff{true}, flag(true)),
		entry("Signal", Signal{"TERM"}, text("TERM")),
		entry("ExitStatus", ExitStatus{255}, u32(255)),
		entry("ExitSignal", ExitSignal{"KILL", true, "killed", "en"}, text("KILL"), flag(true), text("killed"), text("en")),
		entry("X11Req", X11Req{true, "MIT-MAGIC-COOKIE-1", "00ff", 1}, flag(true), text("MIT-MAGIC-COOKIE-1"), text("00ff"), u32(1)),
		entry("X11Open", X11Open{"127.0.0.1", 40000}, text("127.0.0.1"), u32(40000)),
		entry("Break", Break{500}, u32(500)),
		entry("DirectTCPIP", DirectTCPIP{"host", 22, "::1", 65535}, text("host"), u32(22), text("::1"), u32(65535)),
		entry("TCPIPForward", TCPIPForward{"", 0}, text(""), u32(0)),
		entry("TCPIPForwardReply", TCPIPForwardReply{8080}, u32(8080)),
		entry("DirectStreamLocal", DirectStreamLocal{"/run/x", "r", 1}, text("/run/x"), text("r"), u32(1)),
		entry("ForwardedStreamLocal", ForwardedStreamLocal{"/run/x", "r"}, text("/run/x"), text("r")),
		entry("StreamLocalForward", StreamLocalForward{"/run/x"}, text("/run/x")),
		entry("HostKeys", HostKeys{slices.Concat(blob("one").bytes, blob("two").bytes)}, blob("one"), blob("two")).cuts(0, 7),
	}
}
