package wire

// The types of fields beyond those that [AppendParam] knows.
const (
	fieldNames     ParamType = "names"     // name-list
	fieldCookie    ParamType = "cookie"    // 16 bytes (RFC 4253 §7.1)
	fieldKey       ParamType = "key"       // string: a public key, which begins with its type
	fieldSignature ParamType = "signature" // string: a signature, which begins with its algorithm
	fieldRest      ParamType = "rest"      // all that is left
)

// show says how a field stands in a [Description].
type show uint8

const (
	showValue  show = iota // as its type is read
	showHex                // the first bytes, and how many there are
	showSize               // how many bytes there are
	showHidden             // not at all: a secret
)

// when says how often a field stands in a message.
type when uint8

const (
	once    when = iota
	flagged      // if the boolean before it is true
	counted      // with those behind it, as often as the uint32 before them says
	repeats      // with those behind it, to the end
)

// fieldSpec is one named field of a message.
type fieldSpec struct {
	name string
	typ  ParamType
	show show
	when when
}

// body is what follows the head of a message of one kind: a request, a channel
// type, a method.
type body struct {
	kind   string
	fields []fieldSpec
}

// layout is what a message number stands for. Numbers that mean several things
// have several rows: the first that fits a packet is taken for what it is.
type layout struct {
	msg    Msg
	name   string // empty: that of the number
	fields []fieldSpec
	bodies []body // by the text in the field that is the kind's
}

// kindFields are the fields that say which body follows.
var kindFields = [...]string{"MethodName", "RequestName", "ChannelType", "RequestType"}

// unknownBody is the body of a kind that has no row.
var unknownBody = []fieldSpec{{name: "Rest", typ: fieldRest, show: showHidden}}

var (
	channelField   = fieldSpec{name: "ChannelId", typ: ParamUint32}
	languageField  = fieldSpec{name: "LanguageTag", typ: ParamText}
	dataField      = fieldSpec{name: "Data", typ: ParamHex, show: showSize}
	onlyChannel    = []fieldSpec{channelField}
	openFields     = []fieldSpec{{name: "SenderChannel", typ: ParamUint32}, {name: "InitialWindowSize", typ: ParamUint32}, {name: "MaximumPacketSize", typ: ParamUint32}}
	originFields   = []fieldSpec{{name: "OriginatorAddress", typ: ParamText}, {name: "OriginatorPort", typ: ParamUint32}}
	hostKeyField   = fieldSpec{name: "HostKey", typ: fieldKey}
	keyFields      = []fieldSpec{{name: "Algorithm", typ: ParamText}, {name: "PublicKey", typ: fieldKey}}
	signatureField = fieldSpec{name: "Signature", typ: fieldSignature}
	replyFields    = []fieldSpec{hostKeyField, {name: "ServerPublic", typ: ParamHex, show: showHex}, signatureField}
)

// layouts has every message of doc.go, in the order of the numbers.
var layouts = [...]layout{
	{msg: MsgDisconnect, fields: []fieldSpec{{name: "ReasonCode", typ: ParamUint32}, {name: "Description", typ: ParamText}, languageField}},
	{msg: MsgIgnore, fields: []fieldSpec{dataField}},
	{msg: MsgUnimplemented, fields: []fieldSpec{{name: "SequenceNumber", typ: ParamUint32}}},
	{msg: MsgDebug, fields: []fieldSpec{{name: "AlwaysDisplay", typ: ParamBool}, {name: "Message", typ: ParamText}, languageField}},
	{msg: MsgServiceRequest, fields: []fieldSpec{{name: "ServiceName", typ: ParamText}}},
	{msg: MsgServiceAccept, fields: []fieldSpec{{name: "ServiceName", typ: ParamText}}},
	{msg: MsgExtInfo, fields: []fieldSpec{{name: "ExtensionCount", typ: ParamUint32},
		{name: "ExtensionName", typ: ParamText, when: counted}, {name: "ExtensionValue", typ: ParamText}}},
	{msg: MsgNewCompress},
	{msg: MsgKexInit, fields: []fieldSpec{{name: "Cookie", typ: fieldCookie, show: showHex},
		{name: "KexAlgorithms", typ: fieldNames}, {name: "ServerHostKeyAlgorithms", typ: fieldNames},
		{name: "EncryptionAlgorithmsClientToServer", typ: fieldNames}, {name: "EncryptionAlgorithmsServerToClient", typ: fieldNames},
		{name: "MacAlgorithmsClientToServer", typ: fieldNames}, {name: "MacAlgorithmsServerToClient", typ: fieldNames},
		{name: "CompressionAlgorithmsClientToServer", typ: fieldNames}, {name: "CompressionAlgorithmsServerToClient", typ: fieldNames},
		{name: "LanguagesClientToServer", typ: fieldNames}, {name: "LanguagesServerToClient", typ: fieldNames},
		{name: "FirstKexPacketFollows", typ: ParamBool}, {name: "Reserved", typ: ParamUint32}}},
	{msg: MsgNewKeys},
	{msg: MsgKexRSAPubKey, name: "KEXRSA_PUBKEY", fields: []fieldSpec{hostKeyField, {name: "TransientKey", typ: fieldKey}}},
	{msg: MsgKexECDHInit, name: "KEX_INIT", fields: []fieldSpec{{name: "ClientPublic", typ: ParamHex, show: showHex}}},
	{msg: MsgKexGexRequestOld, name: "KEX_DH_GEX_REQUEST_OLD", fields: []fieldSpec{{name: "PreferredBits", typ: ParamUint32}}},
	{msg: MsgKexECDHReply, name: "KEX_REPLY", fields: replyFields},
	{msg: MsgKexGexGroup, name: "KEX_DH_GEX_GROUP", fields: []fieldSpec{{name: "P", typ: ParamMpint, show: showHex}, {name: "G", typ: ParamMpint, show: showHex}}},
	{msg: MsgKexRSASecret, name: "KEXRSA_SECRET", fields: []fieldSpec{{name: "EncryptedSecret", typ: ParamHex, show: showSize}}},
	{msg: MsgKexRSADone, name: "KEXRSA_DONE", fields: []fieldSpec{signatureField}},
	{msg: MsgKexGexInit, name: "KEX_DH_GEX_INIT", fields: []fieldSpec{{name: "ClientPublic", typ: ParamHex, show: showHex}}},
	{msg: MsgKexGexReply, name: "KEX_DH_GEX_REPLY", fields: replyFields},
	{msg: MsgKexGexRequest, name: "KEX_DH_GEX_REQUEST", fields: []fieldSpec{{name: "MinBits", typ: ParamUint32}, {name: "PreferredBits", typ: ParamUint32}, {name: "MaxBits", typ: ParamUint32}}},
	{msg: MsgUserauthRequest, bodies: userauthBodies[:],
		fields: []fieldSpec{{name: "UserName", typ: ParamText}, {name: "ServiceName", typ: ParamText}, {name: "MethodName", typ: ParamText}}},
	{msg: MsgUserauthFailure, fields: []fieldSpec{{name: "Methods", typ: fieldNames}, {name: "PartialSuccess", typ: ParamBool}}},
	{msg: MsgUserauthSuccess},
	{msg: MsgUserauthBanner, fields: []fieldSpec{{name: "Message", typ: ParamText}, languageField}},
	{msg: MsgUserauthPKOK, name: "USERAUTH_PK_OK", fields: keyFields},
	{msg: MsgUserauthPasswdChangeReq, name: "USERAUTH_PASSWD_CHANGEREQ", fields: []fieldSpec{{name: "Prompt", typ: ParamText}, languageField}},
	{msg: MsgUserauthInfoRequest, name: "USERAUTH_INFO_REQUEST",
		fields: []fieldSpec{{name: "Name", typ: ParamText}, {name: "Instruction", typ: ParamText}, languageField,
			{name: "PromptCount", typ: ParamUint32}, {name: "Prompt", typ: ParamText, when: counted}, {name: "Echo", typ: ParamBool}}},
	{msg: MsgUserauthInfoResponse, name: "USERAUTH_INFO_RESPONSE",
		fields: []fieldSpec{{name: "ResponseCount", typ: ParamUint32}, {name: "Response", typ: ParamText, show: showHidden, when: counted}}},
	{msg: MsgGlobalRequest, fields: []fieldSpec{{name: "RequestName", typ: ParamText}, {name: "WantsReply", typ: ParamBool}}, bodies: globalBodies[:]},
	{msg: MsgRequestSuccess, fields: []fieldSpec{}},
	{msg: MsgRequestSuccess, fields: []fieldSpec{{name: "BoundPort", typ: ParamUint32}}},
	{msg: MsgRequestSuccess, fields: unknownBody},
	{msg: MsgRequestFailure},
	{msg: MsgChannelOpen, fields: append([]fieldSpec{{name: "ChannelType", typ: ParamText}}, openFields...), bodies: openBodies[:]},
	{msg: MsgChannelOpenConfirmation, fields: append([]fieldSpec{channelField}, openFields...)},
	{msg: MsgChannelOpenConfirmation, fields: append(append([]fieldSpec{channelField}, openFields...), unknownBody...)},
	{msg: MsgChannelOpenFailure, fields: []fieldSpec{channelField, {name: "ReasonCode", typ: ParamUint32}, {name: "Description", typ: ParamText}, languageField}},
	{msg: MsgChannelWindowAdjust, fields: []fieldSpec{channelField, {name: "BytesToAdd", typ: ParamUint32}}},
	{msg: MsgChannelData, fields: []fieldSpec{channelField, dataField}},
	{msg: MsgChannelExtendedData, fields: []fieldSpec{channelField, {name: "DataTypeCode", typ: ParamUint32}, dataField}},
	{msg: MsgChannelEOF, fields: onlyChannel},
	{msg: MsgChannelClose, fields: onlyChannel},
	{msg: MsgChannelRequest, fields: requestHead[:], bodies: requestBodies[:]},
	{msg: MsgChannelSuccess, fields: onlyChannel},
	{msg: MsgChannelFailure, fields: onlyChannel},
	{msg: MsgPing, fields: []fieldSpec{dataField}},
	{msg: MsgPong, fields: []fieldSpec{dataField}},
}

// userauthBodies are the methods of authentication (RFC 4252, 4256; OpenSSH
// PROTOCOL §3.1).
var userauthBodies = [...]body{
	{"none", nil},
	{"password", []fieldSpec{{name: "PasswordChange", typ: ParamBool}, {name: "Password", typ: ParamText, show: showHidden},
		{name: "NewPassword", typ: ParamText, show: showHidden, when: flagged}}},
	{"publickey", []fieldSpec{{name: "HasSignature", typ: ParamBool}, keyFields[0], keyFields[1],
		{name: "Signature", typ: fieldSignature, when: flagged}}},
	{"publickey-hostbound-v00@openssh.com", []fieldSpec{{name: "HasSignature", typ: ParamBool}, keyFields[0], keyFields[1], hostKeyField,
		{name: "Signature", typ: fieldSignature, when: flagged}}},
	{"hostbased", []fieldSpec{keyFields[0], keyFields[1], {name: "ClientHost", typ: ParamText}, {name: "ClientUser", typ: ParamText}, signatureField}},
	{"keyboard-interactive", []fieldSpec{languageField, {name: "Submethods", typ: ParamText}}},
}

// globalBodies are the global requests (RFC 4254 §7.1; OpenSSH PROTOCOL §2.2,
// §2.4, §2.5).
var globalBodies = [...]body{
	{"tcpip-forward", []fieldSpec{{name: "BindAddress", typ: ParamText}, {name: "BindPort", typ: ParamUint32}}},
	{"cancel-tcpip-forward", []fieldSpec{{name: "BindAddress", typ: ParamText}, {name: "BindPort", typ: ParamUint32}}},
	{"streamlocal-forward@openssh.com", []fieldSpec{{name: "SocketPath", typ: ParamText}}},
	{"cancel-streamlocal-forward@openssh.com", []fieldSpec{{name: "SocketPath", typ: ParamText}}},
	{RequestHostKeys, []fieldSpec{{name: "HostKey", typ: fieldKey, when: repeats}}},
	{RequestHostKeysProve, []fieldSpec{{name: "HostKey", typ: fieldKey, when: repeats}}},
	{RequestNoMoreSessions, nil},
	{RequestKeepalive, nil},
}

// openBodies are the types of channels (RFC 4254 §6.1, §6.3.2, §7.2; OpenSSH
// PROTOCOL §2.3, §2.4).
var openBodies = [...]body{
	{"session", nil},
	{"direct-tcpip", append([]fieldSpec{{name: "Host", typ: ParamText}, {name: "Port", typ: ParamUint32}}, originFields...)},
	{"forwarded-tcpip", append([]fieldSpec{{name: "Host", typ: ParamText}, {name: "Port", typ: ParamUint32}}, originFields...)},
	{"x11", originFields},
	{"auth-agent@openssh.com", nil},
	{"direct-streamlocal@openssh.com", []fieldSpec{{name: "SocketPath", typ: ParamText}, {name: "Reserved", typ: ParamText}, {name: "ReservedPort", typ: ParamUint32}}},
	{"forwarded-streamlocal@openssh.com", []fieldSpec{{name: "SocketPath", typ: ParamText}, {name: "Reserved", typ: ParamText}}},
	{"tun@openssh.com", []fieldSpec{{name: "TunnelMode", typ: ParamUint32}, {name: "TunnelUnit", typ: ParamUint32}}},
}

// requestHead is what every channel request starts with, behind its message
// number (RFC 4254 §5.4).
var requestHead = [...]fieldSpec{channelField, {name: "RequestType", typ: ParamText}, {name: "WantsReply", typ: ParamBool}}

// sizeFields are shared by pty-req and window-change (RFC 4254 §6.2, §6.7).
var sizeFields = []fieldSpec{{name: "TerminalWidthCharacters", typ: ParamUint32}, {name: "TerminalHeightRows", typ: ParamUint32},
	{name: "TerminalWidthPixels", typ: ParamUint32}, {name: "TerminalHeightPixels", typ: ParamUint32}}

// requestBodies are the channel requests (RFC 4254 §6, RFC 4335; OpenSSH
// PROTOCOL §2.1).
var requestBodies = [...]body{
	{"pty-req", []fieldSpec{{name: "TerminalType", typ: ParamText}, sizeFields[0], sizeFields[1], sizeFields[2], sizeFields[3],
		{name: "TerminalModes", typ: ParamText, show: showHex}}},
	{"window-change", sizeFields},
	{"x11-req", []fieldSpec{{name: "SingleConnection", typ: ParamBool}, {name: "X11AuthProtocol", typ: ParamText},
		{name: "X11AuthCookie", typ: ParamText, show: showHidden}, {name: "X11ScreenNumber", typ: ParamUint32}}},
	{"env", []fieldSpec{{name: "VariableName", typ: ParamText}, {name: "VariableValue", typ: ParamText, show: showHidden}}},
	{"exec", []fieldSpec{{name: "Command", typ: ParamText}}},
	{"shell", nil},
	{"subsystem", []fieldSpec{{name: "Subsystem", typ: ParamText}}},
	{"xon-xoff", []fieldSpec{{name: "ClientCanDo", typ: ParamBool}}},
	{"signal", []fieldSpec{{name: "SignalName", typ: ParamText}}},
	{"exit-status", []fieldSpec{{name: "ExitStatus", typ: ParamUint32}}},
	{"exit-signal", []fieldSpec{{name: "SignalName", typ: ParamText}, {name: "CoreDumped", typ: ParamBool}, {name: "ErrorMessage", typ: ParamText}, languageField}},
	{"break", []fieldSpec{{name: "BreakLength", typ: ParamUint32}}},
	{"auth-agent-req@openssh.com", nil},
	{RequestEOW, nil},
	{RequestKeepalive, nil},
}
