package wire

import "strconv"

// Reason is the reason code of a disconnection (RFC 4253 §11.1).
type Reason uint32

// The reason codes of RFC 4250 §4.2.2.
const (
	ReasonHostNotAllowedToConnect     Reason = 1
	ReasonProtocolError               Reason = 2
	ReasonKeyExchangeFailed           Reason = 3
	ReasonReserved                    Reason = 4
	ReasonMACError                    Reason = 5
	ReasonCompressionError            Reason = 6
	ReasonServiceNotAvailable         Reason = 7
	ReasonProtocolVersionNotSupported Reason = 8
	ReasonHostKeyNotVerifiable        Reason = 9
	ReasonConnectionLost              Reason = 10
	ReasonByApplication               Reason = 11
	ReasonTooManyConnections          Reason = 12
	ReasonAuthCancelledByUser         Reason = 13
	ReasonNoMoreAuthMethodsAvailable  Reason = 14
	ReasonIllegalUserName             Reason = 15
)

var reasonNames = [...]string{
	ReasonHostNotAllowedToConnect:     "host not allowed to connect",
	ReasonProtocolError:               "protocol error",
	ReasonKeyExchangeFailed:           "key exchange failed",
	ReasonReserved:                    "reserved",
	ReasonMACError:                    "MAC error",
	ReasonCompressionError:            "compression error",
	ReasonServiceNotAvailable:         "service not available",
	ReasonProtocolVersionNotSupported: "protocol version not supported",
	ReasonHostKeyNotVerifiable:        "host key not verifiable",
	ReasonConnectionLost:              "connection lost",
	ReasonByApplication:               "by application",
	ReasonTooManyConnections:          "too many connections",
	ReasonAuthCancelledByUser:         "authentication cancelled by user",
	ReasonNoMoreAuthMethodsAvailable:  "no more authentication methods available",
	ReasonIllegalUserName:             "illegal user name",
}

// String returns the reason in words, or its number where it has none.
func (r Reason) String() string { return inWords(reasonNames[:], uint32(r)) }

// OpenReason is the reason code of a refused channel (RFC 4254 §5.1).
type OpenReason uint32

// The reason codes of RFC 4250 §4.3.
const (
	OpenAdministrativelyProhibited OpenReason = 1
	OpenConnectFailed              OpenReason = 2
	OpenUnknownChannelType         OpenReason = 3
	OpenResourceShortage           OpenReason = 4
)

var openReasonNames = [...]string{
	OpenAdministrativelyProhibited: "administratively prohibited",
	OpenConnectFailed:              "connect failed",
	OpenUnknownChannelType:         "unknown channel type",
	OpenResourceShortage:           "resource shortage",
}

// String returns the reason in words, or its number where it has none.
func (r OpenReason) String() string { return inWords(openReasonNames[:], uint32(r)) }

// inWords returns the name of a reason code, or its number.
func inWords(names []string, code uint32) string {
	if int64(code) < int64(len(names)) && names[code] != "" {
		return names[code]
	}
	return "reason " + strconv.FormatUint(uint64(code), 10)
}
