package daemon

import (
	"slices"
	"strings"

	"github.com/hawser-ssh/hawser/wire"
)

// protocolFields are the fields of the type s that are no text: names of the
// protocol, in ASCII whatever the code page, and bytes.
var protocolFields = [...]string{"RequestType", "TerminalType", "TerminalModes", "X11AuthProtocol", "X11AuthCookie", "Subsystem", "SignalName", "LanguageTag"}

// SetSSHParam appends a field to payload, the result of an earlier call or
// nil, and returns it: the array that payload is a slice of may be written to,
// as with append. The types are s, text; sb, bytes in hexadecimal; m, a number
// of any size; i, a number of 32 bits; l, one of 64 bits; b, a byte; and f,
// true or false. Numbers are in base 10, or in base 16 behind 0x; a negative i
// or l is its two's complement. Error 10022 means that the type is unknown or
// the value does not fit it, and payload is returned as it was.
//
// Text is encoded by the CodePage setting. Where that is one in which ASCII
// looks different (EBCDIC, UTF-16), names of the protocol, such as the type of
// a request, have to be built with sb.
func (d *Daemon) SetSSHParam(payload []byte, fieldType, fieldValue string) ([]byte, error) {
	if wire.ParamType(strings.ToLower(strings.TrimSpace(fieldType))) == wire.ParamText {
		encoded, err := d.encodeText(fieldValue)
		if err != nil {
			return payload, err
		}
		fieldValue = encoded
	}
	p, err := wire.AppendParam(payload, fieldType, fieldValue)
	return p, asError(err)
}

// GetSSHParam reads a field of payload, a packet without its message number as
// the events carry it, in the form that SetSSHParam takes.
//
// Of a channel request the fields have names, which match in any case:
// ChannelId, RequestType, WantsReply; TerminalType, TerminalWidthCharacters,
// TerminalHeightRows, TerminalWidthPixels, TerminalHeightPixels and
// TerminalModes of a pty-req; SingleConnection, X11AuthProtocol, X11AuthCookie
// and X11ScreenNumber of an x11-req; VariableName and VariableValue of an env;
// Command of an exec; Subsystem; ClientCanDo of an xon-xoff; SignalName.
//
// For everything else field is a "%" and a comma list of types: the first is
// the one wanted, the others are the fields to step over, in a channel request
// from behind WantsReply on. So "%s,f" is the X11AuthProtocol of an x11-req,
// and "%i,s" the port among the parameters of a direct-tcpip channel. Error
// 10022 means that there is no such field.
//
// Text is decoded by the CodePage setting, but for fields with names that hold
// names of the protocol or bytes, such as RequestType and TerminalModes.
func (d *Daemon) GetSSHParam(payload []byte, field string) (string, error) {
	s, err := wire.ParamString(payload, field)
	if err != nil {
		return "", asError(err)
	}
	_, typ, _ := wire.FindParam(payload, field)
	named := func(name string) bool { return strings.EqualFold(name, field) }
	if typ == wire.ParamText && !slices.ContainsFunc(protocolFields[:], named) {
		s = d.decodeText(s)
	}
	return s, nil
}

// GetSSHParamBytes reads a field as GetSSHParam does and returns its bytes as
// they are in the packet, without a length. They are a copy.
func (d *Daemon) GetSSHParamBytes(payload []byte, field string) ([]byte, error) {
	p, err := wire.ParamBytes(payload, field)
	if err != nil {
		return nil, asError(err)
	}
	return append([]byte{}, p...), nil
}
