package wire

// GlobalRequest concerns the whole connection (RFC 4254 §4). Payload is what
// follows WantReply.
type GlobalRequest struct {
	Name      string
	WantReply bool
	Payload   []byte
}

// Append appends the message to b.
func (m GlobalRequest) Append(b []byte) []byte {
	b = AppendString(append(b, byte(MsgGlobalRequest)), m.Name)
	return append(AppendBool(b, m.WantReply), m.Payload...)
}

// Parse reads the message from the payload p; Payload is a view.
func (m *GlobalRequest) Parse(p []byte) error {
	r := NewReader(p, MsgGlobalRequest)
	m.Name, m.WantReply, m.Payload = r.String("request name"), r.Bool("want reply"), r.Rest()
	return r.Done()
}

// RequestSuccess grants a global request (RFC 4254 §4).
type RequestSuccess struct{ Payload []byte }

// Append appends the message to b.
func (m RequestSuccess) Append(b []byte) []byte {
	return append(append(b, byte(MsgRequestSuccess)), m.Payload...)
}

// Parse reads the message from the payload p; Payload is a view.
func (m *RequestSuccess) Parse(p []byte) error {
	r := NewReader(p, MsgRequestSuccess)
	m.Payload = r.Rest()
	return r.Done()
}

// RequestFailure refuses a global request (RFC 4254 §4).
type RequestFailure struct{}

// Append appends the message to b.
func (RequestFailure) Append(b []byte) []byte { return append(b, byte(MsgRequestFailure)) }

// Parse reads the message from the payload p.
func (*RequestFailure) Parse(p []byte) error {
	r := NewReader(p, MsgRequestFailure)
	return r.Done()
}

// ChannelOpen asks for a channel (RFC 4254 §5.1). Payload holds the fields of
// the channel's type.
type ChannelOpen struct {
	Type      string
	Sender    uint32
	Window    uint32 // bytes
	MaxPacket uint32 // bytes of data in one message
	Payload   []byte
}

// Append appends the message to b.
func (m ChannelOpen) Append(b []byte) []byte {
	b = AppendString(append(b, byte(MsgChannelOpen)), m.Type)
	b = AppendUint32(AppendUint32(AppendUint32(b, m.Sender), m.Window), m.MaxPacket)
	return append(b, m.Payload...)
}

// Parse reads the message from the payload p; Payload is a view.
func (m *ChannelOpen) Parse(p []byte) error {
	r := NewReader(p, MsgChannelOpen)
	m.Type, m.Sender = r.String("channel type"), r.Uint32("sender channel")
	m.Window, m.MaxPacket, m.Payload = r.Uint32("initial window"), r.Uint32("maximum packet"), r.Rest()
	return r.Done()
}

// ChannelOpenConfirmation grants a channel (RFC 4254 §5.1).
type ChannelOpenConfirmation struct {
	Recipient uint32
	Sender    uint32
	Window    uint32 // bytes
	MaxPacket uint32 // bytes of data in one message
	Payload   []byte
}

// Append appends the message to b.
func (m ChannelOpenConfirmation) Append(b []byte) []byte {
	b = AppendUint32(append(b, byte(MsgChannelOpenConfirmation)), m.Recipient)
	b = AppendUint32(AppendUint32(AppendUint32(b, m.Sender), m.Window), m.MaxPacket)
	return append(b, m.Payload...)
}

// Parse reads the message from the payload p; Payload is a view.
func (m *ChannelOpenConfirmation) Parse(p []byte) error {
	r := NewReader(p, MsgChannelOpenConfirmation)
	m.Recipient, m.Sender = r.Uint32("recipient channel"), r.Uint32("sender channel")
	m.Window, m.MaxPacket, m.Payload = r.Uint32("initial window"), r.Uint32("maximum packet"), r.Rest()
	return r.Done()
}

// ChannelOpenFailure refuses a channel (RFC 4254 §5.1).
type ChannelOpenFailure struct {
	Recipient   uint32
	Reason      OpenReason
	Description string
	Language    string
}

// Append appends the message to b.
func (m ChannelOpenFailure) Append(b []byte) []byte {
	b = AppendUint32(append(b, byte(MsgChannelOpenFailure)), m.Recipient)
	b = AppendString(AppendUint32(b, uint32(m.Reason)), m.Description)
	return AppendString(b, m.Language)
}

// Parse reads the message from the payload p.
func (m *ChannelOpenFailure) Parse(p []byte) error {
	r := NewReader(p, MsgChannelOpenFailure)
	m.Recipient, m.Reason = r.Uint32("recipient channel"), OpenReason(r.Uint32("reason"))
	m.Description, m.Language = r.String("description"), r.String("language")
	return r.Done()
}

// ChannelWindowAdjust grants more bytes (RFC 4254 §5.2).
type ChannelWindowAdjust struct{ Recipient, Bytes uint32 }

// Append appends the message to b.
func (m ChannelWindowAdjust) Append(b []byte) []byte {
	return AppendUint32(AppendUint32(append(b, byte(MsgChannelWindowAdjust)), m.Recipient), m.Bytes)
}

// Parse reads the message from the payload p.
func (m *ChannelWindowAdjust) Parse(p []byte) error {
	r := NewReader(p, MsgChannelWindowAdjust)
	m.Recipient, m.Bytes = r.Uint32("recipient channel"), r.Uint32("bytes")
	return r.Done()
}

// ChannelData carries data (RFC 4254 §5.2).
type ChannelData struct {
	Recipient uint32
	Data      []byte
}

// Append appends the message to b.
func (m ChannelData) Append(b []byte) []byte {
	return append(m.AppendHead(b, len(m.Data)), m.Data...)
}

// AppendHead appends all that stands in front of n bytes of data.
func (m ChannelData) AppendHead(b []byte, n int) []byte {
	return AppendUint32(AppendUint32(append(b, byte(MsgChannelData)), m.Recipient), uint32(n))
}

// Parse reads the message from the payload p; Data is a view.
func (m *ChannelData) Parse(p []byte) error {
	r := NewReader(p, MsgChannelData)
	m.Recipient, m.Data = r.Uint32("recipient channel"), r.Bytes("data")
	return r.Done()
}

// ExtendedStderr is the code of standard error (RFC 4254 §5.2).
const ExtendedStderr uint32 = 1

// ChannelExtendedData carries data of another kind (RFC 4254 §5.2).
type ChannelExtendedData struct {
	Recipient uint32
	Code      uint32
	Data      []byte
}

// Append appends the message to b.
func (m ChannelExtendedData) Append(b []byte) []byte {
	return append(m.AppendHead(b, len(m.Data)), m.Data...)
}

// AppendHead appends all that stands in front of n bytes of data.
func (m ChannelExtendedData) AppendHead(b []byte, n int) []byte {
	b = AppendUint32(append(b, byte(MsgChannelExtendedData)), m.Recipient)
	return AppendUint32(AppendUint32(b, m.Code), uint32(n))
}

// Parse reads the message from the payload p; Data is a view.
func (m *ChannelExtendedData) Parse(p []byte) error {
	r := NewReader(p, MsgChannelExtendedData)
	m.Recipient, m.Code, m.Data = r.Uint32("recipient channel"), r.Uint32("data type"), r.Bytes("data")
	return r.Done()
}

// ChannelEOF says that no more data will come (RFC 4254 §5.3).
type ChannelEOF struct{ Recipient uint32 }

// Append appends the message to b.
func (m ChannelEOF) Append(b []byte) []byte { return appendRecipient(b, MsgChannelEOF, m.Recipient) }

// Parse reads the message from the payload p.
func (m *ChannelEOF) Parse(p []byte) (err error) {
	m.Recipient, err = parseRecipient(p, MsgChannelEOF)
	return err
}

// ChannelClose closes the sender's side of a channel (RFC 4254 §5.3).
type ChannelClose struct{ Recipient uint32 }

// Append appends the message to b.
func (m ChannelClose) Append(b []byte) []byte {
	return appendRecipient(b, MsgChannelClose, m.Recipient)
}

// Parse reads the message from the payload p.
func (m *ChannelClose) Parse(p []byte) (err error) {
	m.Recipient, err = parseRecipient(p, MsgChannelClose)
	return err
}

// ChannelRequest concerns one channel (RFC 4254 §5.4). Payload is what follows
// WantReply.
type ChannelRequest struct {
	Recipient uint32
	Type      string
	WantReply bool
	Payload   []byte
}

// Append appends the message to b.
func (m ChannelRequest) Append(b []byte) []byte {
	b = AppendString(appendRecipient(b, MsgChannelRequest, m.Recipient), m.Type)
	return append(AppendBool(b, m.WantReply), m.Payload...)
}

// Parse reads the message from the payload p; Payload is a view.
func (m *ChannelRequest) Parse(p []byte) error {
	r := NewReader(p, MsgChannelRequest)
	m.Recipient, m.Type = r.Uint32("recipient channel"), r.String("request type")
	m.WantReply, m.Payload = r.Bool("want reply"), r.Rest()
	return r.Done()
}

// ChannelSuccess grants a channel request (RFC 4254 §5.4).
type ChannelSuccess struct{ Recipient uint32 }

// Append appends the message to b.
func (m ChannelSuccess) Append(b []byte) []byte {
	return appendRecipient(b, MsgChannelSuccess, m.Recipient)
}

// Parse reads the message from the payload p.
func (m *ChannelSuccess) Parse(p []byte) (err error) {
	m.Recipient, err = parseRecipient(p, MsgChannelSuccess)
	return err
}

// ChannelFailure refuses a channel request (RFC 4254 §5.4).
type ChannelFailure struct{ Recipient uint32 }

// Append appends the message to b.
func (m ChannelFailure) Append(b []byte) []byte {
	return appendRecipient(b, MsgChannelFailure, m.Recipient)
}

// Parse reads the message from the payload p.
func (m *ChannelFailure) Parse(p []byte) (err error) {
	m.Recipient, err = parseRecipient(p, MsgChannelFailure)
	return err
}

func appendRecipient(b []byte, msg Msg, recipient uint32) []byte {
	return AppendUint32(append(b, byte(msg)), recipient)
}

func parseRecipient(p []byte, msg Msg) (uint32, error) {
	r := NewReader(p, msg)
	recipient := r.Uint32("recipient channel")
	return recipient, r.Done()
}
