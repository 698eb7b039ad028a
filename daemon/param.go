package daemon

import "github.com/hawser-ssh/hawser/wire"

// SetSSHParam appends a field to payload, the result of an earlier call or
// nil, and returns it: the array that payload is a slice of may be written to,
// as with append. The types are s, text; sb, bytes in hexadecimal; m, a number
// of any size; i, a number of 32 bits; l, one of 64 bits; b, a byte; and f,
// true or false. Numbers are in base 10, or in base 16 behind 0x. Error 10022
// means that the type is unknown or the value does not fit it.
func (d *Daemon) SetSSHParam(payload []byte, fieldType, fieldValue string) ([]byte, error) {
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
func (d *Daemon) GetSSHParam(payload []byte, field string) (string, error) {
	s, err := wire.ParamString(payload, field)
	return s, asError(err)
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
