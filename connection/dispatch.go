package connection

import "github.com/hawser-ssh/hawser/wire"

// handlers by message number (RFC 4250 §4.1.2). They run on the reader and
// wait for nothing; p is a view for the length of the call.
var handlers = [...]func(m *Mux, p []byte) error{
	wire.MsgGlobalRequest:           (*Mux).onGlobalRequest,
	wire.MsgRequestSuccess:          (*Mux).onRequestSuccess,
	wire.MsgRequestFailure:          (*Mux).onRequestFailure,
	wire.MsgChannelOpen:             (*Mux).onOpen,
	wire.MsgChannelOpenConfirmation: (*Mux).onOpenConfirmation,
	wire.MsgChannelOpenFailure:      (*Mux).onOpenFailure,
	wire.MsgChannelWindowAdjust:     (*Mux).onWindowAdjust,
	wire.MsgChannelData:             (*Mux).onData,
	wire.MsgChannelExtendedData:     (*Mux).onExtendedData,
	wire.MsgChannelEOF:              (*Mux).onEOF,
	wire.MsgChannelClose:            (*Mux).onClose,
	wire.MsgChannelRequest:          (*Mux).onRequest,
	wire.MsgChannelSuccess:          (*Mux).onSuccess,
	wire.MsgChannelFailure:          (*Mux).onFailure,
}

// dispatch handles one packet. The transport has answered numbers that nobody
// knows, and lets no message of the authentication through but the one that a
// server ignores (RFC 4252 §5.1).
func (m *Mux) dispatch(p []byte) error {
	m.heard.Store(true)
	if len(p) == 0 {
		return protocolError("dispatch", "empty packet")
	}
	msg := wire.Msg(p[0])
	if int(msg) < len(handlers) && handlers[msg] != nil {
		return handlers[msg](m, p)
	}
	if msg == wire.MsgUserauthRequest && m.role == wire.Server {
		return nil
	}
	return protocolError("dispatch", "%v is not for the connection protocol", msg)
}

func (m *Mux) onData(p []byte) error {
	var msg wire.ChannelData
	if err := msg.Parse(p); err != nil {
		return err
	}
	c, err := m.channel(msg.Recipient, "CHANNEL_DATA")
	if err != nil {
		return err
	}
	return c.receive(stdoutCode, msg.Data)
}

func (m *Mux) onExtendedData(p []byte) error {
	var msg wire.ChannelExtendedData
	if err := msg.Parse(p); err != nil {
		return err
	}
	c, err := m.channel(msg.Recipient, "CHANNEL_EXTENDED_DATA")
	if err != nil {
		return err
	}
	// 0 is no type of extended data (RFC 4254 §5.2), though it is our own mark for plain data.
	if msg.Code == stdoutCode {
		msg.Code = noCode
	}
	return c.receive(msg.Code, msg.Data)
}

func (m *Mux) onWindowAdjust(p []byte) error {
	var msg wire.ChannelWindowAdjust
	if err := msg.Parse(p); err != nil {
		return err
	}
	c, err := m.channel(msg.Recipient, "CHANNEL_WINDOW_ADJUST")
	if err != nil {
		return err
	}
	return c.extend(msg.Bytes)
}

func (m *Mux) onEOF(p []byte) error {
	var msg wire.ChannelEOF
	if err := msg.Parse(p); err != nil {
		return err
	}
	c, err := m.channel(msg.Recipient, "CHANNEL_EOF")
	if err != nil {
		return err
	}
	return c.peerEOF()
}

func (m *Mux) onClose(p []byte) error {
	var msg wire.ChannelClose
	if err := msg.Parse(p); err != nil {
		return err
	}
	c, err := m.channel(msg.Recipient, "CHANNEL_CLOSE")
	if err != nil {
		return err
	}
	return c.peerClose()
}

func (m *Mux) onRequest(p []byte) error {
	var msg wire.ChannelRequest
	if err := msg.Parse(p); err != nil {
		return err
	}
	c, err := m.channel(msg.Recipient, "CHANNEL_REQUEST")
	if err != nil {
		return err
	}
	return c.peerRequest(&msg)
}

func (m *Mux) onSuccess(p []byte) error {
	var msg wire.ChannelSuccess
	if err := msg.Parse(p); err != nil {
		return err
	}
	return m.channelReply(msg.Recipient, "CHANNEL_SUCCESS", true)
}

func (m *Mux) onFailure(p []byte) error {
	var msg wire.ChannelFailure
	if err := msg.Parse(p); err != nil {
		return err
	}
	return m.channelReply(msg.Recipient, "CHANNEL_FAILURE", false)
}

// channelReply hands a reply to the oldest request; one that nobody asked for is ignored.
func (m *Mux) channelReply(id uint32, op string, ok bool) error {
	c, err := m.channel(id, op)
	if err != nil {
		return err
	}
	return c.peerReply(op, ok)
}
