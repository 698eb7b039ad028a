package wire

import "strconv"

// Msg is a message number, the first byte of a payload (RFC 4250 §4.1).
type Msg byte

// Message numbers. 30 to 49 mean something else to each key exchange method,
// and 60 to 79 to each authentication method.
const (
	MsgDisconnect     Msg = 1
	MsgIgnore         Msg = 2
	MsgUnimplemented  Msg = 3
	MsgDebug          Msg = 4
	MsgServiceRequest Msg = 5
	MsgServiceAccept  Msg = 6
	MsgExtInfo        Msg = 7 // RFC 8308 §2.3
	MsgNewCompress    Msg = 8 // RFC 8308 §3.2
	MsgKexInit        Msg = 20
	MsgNewKeys        Msg = 21

	MsgKexDHInit            Msg = 30 // RFC 4253 §8
	MsgKexDHReply           Msg = 31
	MsgKexECDHInit          Msg = 30 // RFC 5656 §4, RFC 8731
	MsgKexECDHReply         Msg = 31
	MsgKexGexRequestOld     Msg = 30 // RFC 4419 §5
	MsgKexGexGroup          Msg = 31
	MsgKexGexInit           Msg = 32
	MsgKexGexReply          Msg = 33
	MsgKexGexRequest        Msg = 34
	MsgKexRSAPubKey         Msg = 30 // RFC 4432 §4
	MsgKexRSASecret         Msg = 31
	MsgKexRSADone           Msg = 32
	MsgKexFirst, MsgKexLast Msg = 30, 49

	MsgUserauthRequest         Msg = 50
	MsgUserauthFailure         Msg = 51
	MsgUserauthSuccess         Msg = 52
	MsgUserauthBanner          Msg = 53
	MsgUserauthPKOK            Msg = 60 // RFC 4252 §7
	MsgUserauthPasswdChangeReq Msg = 60 // RFC 4252 §8
	MsgUserauthInfoRequest     Msg = 60 // RFC 4256 §3.2
	MsgUserauthInfoResponse    Msg = 61 // RFC 4256 §3.4

	MsgGlobalRequest           Msg = 80
	MsgRequestSuccess          Msg = 81
	MsgRequestFailure          Msg = 82
	MsgChannelOpen             Msg = 90
	MsgChannelOpenConfirmation Msg = 91
	MsgChannelOpenFailure      Msg = 92
	MsgChannelWindowAdjust     Msg = 93
	MsgChannelData             Msg = 94
	MsgChannelExtendedData     Msg = 95
	MsgChannelEOF              Msg = 96
	MsgChannelClose            Msg = 97
	MsgChannelRequest          Msg = 98
	MsgChannelSuccess          Msg = 99
	MsgChannelFailure          Msg = 100

	MsgPing Msg = 192 // OpenSSH PROTOCOL §1.10
	MsgPong Msg = 193
)

var msgNames = [...]string{
	MsgDisconnect: "DISCONNECT", MsgIgnore: "IGNORE", MsgUnimplemented: "UNIMPLEMENTED", MsgDebug: "DEBUG",
	MsgServiceRequest: "SERVICE_REQUEST", MsgServiceAccept: "SERVICE_ACCEPT", MsgExtInfo: "EXT_INFO",
	MsgNewCompress: "NEWCOMPRESS", MsgKexInit: "KEXINIT", MsgNewKeys: "NEWKEYS",
	30: "KEX_30", 31: "KEX_31", 32: "KEX_32", 33: "KEX_33", 34: "KEX_34",
	MsgUserauthRequest: "USERAUTH_REQUEST", MsgUserauthFailure: "USERAUTH_FAILURE",
	MsgUserauthSuccess: "USERAUTH_SUCCESS", MsgUserauthBanner: "USERAUTH_BANNER",
	60: "USERAUTH_60", 61: "USERAUTH_61",
	MsgGlobalRequest: "GLOBAL_REQUEST", MsgRequestSuccess: "REQUEST_SUCCESS", MsgRequestFailure: "REQUEST_FAILURE",
	MsgChannelOpen: "CHANNEL_OPEN", MsgChannelOpenConfirmation: "CHANNEL_OPEN_CONFIRMATION",
	MsgChannelOpenFailure: "CHANNEL_OPEN_FAILURE", MsgChannelWindowAdjust: "CHANNEL_WINDOW_ADJUST",
	MsgChannelData: "CHANNEL_DATA", MsgChannelExtendedData: "CHANNEL_EXTENDED_DATA", MsgChannelEOF: "CHANNEL_EOF",
	MsgChannelClose: "CHANNEL_CLOSE", MsgChannelRequest: "CHANNEL_REQUEST", MsgChannelSuccess: "CHANNEL_SUCCESS",
	MsgChannelFailure: "CHANNEL_FAILURE", MsgPing: "PING", MsgPong: "PONG",
}

// String returns the number's name in the RFCs without "SSH_MSG_", or
// "message N" where it has none or more than one.
func (m Msg) String() string {
	if int(m) < len(msgNames) && msgNames[m] != "" {
		return msgNames[m]
	}
	return "message " + strconv.Itoa(int(m))
}
