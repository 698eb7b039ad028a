package wire

import (
	"iter"
	"slices"
)

// Disconnect ends the connection (RFC 4253 §11.1).
type Disconnect struct {
	Reason      Reason
	Description string
	Language    string
}

// Append appends the message to b.
func (m Disconnect) Append(b []byte) []byte {
	b = append(b, byte(MsgDisconnect))
	b = AppendUint32(b, uint32(m.Reason))
	b = AppendString(b, m.Description)
	return AppendString(b, m.Language)
}

// Parse reads the message from the payload p.
func (m *Disconnect) Parse(p []byte) error {
	r := NewReader(p, MsgDisconnect)
	m.Reason = Reason(r.Uint32("reason"))
	m.Description, m.Language = r.String("description"), r.String("language")
	return r.Done()
}

// Ignore carries data without meaning (RFC 4253 §11.2).
type Ignore struct{ Data []byte }

// Append appends the message to b.
func (m Ignore) Append(b []byte) []byte {
	return AppendBytes(append(b, byte(MsgIgnore)), m.Data)
}

// Parse reads the message from the payload p; Data is a view.
func (m *Ignore) Parse(p []byte) error {
	r := NewReader(p, MsgIgnore)
	m.Data = r.Bytes("data")
	return r.Done()
}

// Unimplemented names a packet that the sender did not understand (RFC 4253
// §11.4).
type Unimplemented struct{ Sequence uint32 }

// Append appends the message to b.
func (m Unimplemented) Append(b []byte) []byte {
	return AppendUint32(append(b, byte(MsgUnimplemented)), m.Sequence)
}

// Parse reads the message from the payload p.
func (m *Unimplemented) Parse(p []byte) error {
	r := NewReader(p, MsgUnimplemented)
	m.Sequence = r.Uint32("sequence number")
	return r.Done()
}

// Debug carries text for whoever looks for a fault (RFC 4253 §11.3).
type Debug struct {
	AlwaysDisplay bool
	Message       string
	Language      string
}

// Append appends the message to b.
func (m Debug) Append(b []byte) []byte {
	b = AppendBool(append(b, byte(MsgDebug)), m.AlwaysDisplay)
	b = AppendString(b, m.Message)
	return AppendString(b, m.Language)
}

// Parse reads the message from the payload p.
func (m *Debug) Parse(p []byte) error {
	r := NewReader(p, MsgDebug)
	m.AlwaysDisplay = r.Bool("always display")
	m.Message, m.Language = r.String("message"), r.String("language")
	return r.Done()
}

// ServiceRequest asks for a service (RFC 4253 §10).
type ServiceRequest struct{ Name string }

// Append appends the message to b.
func (m ServiceRequest) Append(b []byte) []byte {
	return AppendString(append(b, byte(MsgServiceRequest)), m.Name)
}

// Parse reads the message from the payload p.
func (m *ServiceRequest) Parse(p []byte) error {
	r := NewReader(p, MsgServiceRequest)
	m.Name = r.String("service")
	return r.Done()
}

// ServiceAccept grants a service (RFC 4253 §10).
type ServiceAccept struct{ Name string }

// Append appends the message to b.
func (m ServiceAccept) Append(b []byte) []byte {
	return AppendString(append(b, byte(MsgServiceAccept)), m.Name)
}

// Parse reads the message from the payload p.
func (m *ServiceAccept) Parse(p []byte) error {
	r := NewReader(p, MsgServiceAccept)
	m.Name = r.String("service")
	return r.Done()
}

// Extension is one entry of an EXT_INFO (RFC 8308 §2.3).
type Extension struct {
	Name  string
	Value []byte
}

// ExtInfo announces extensions (RFC 8308 §2.3). Body is all that follows the
// number: the count and the entries.
type ExtInfo struct{ Body []byte }

// AppendExtInfo appends an EXT_INFO with the given extensions to b.
func AppendExtInfo(b []byte, extensions ...Extension) []byte {
	b = AppendUint32(append(b, byte(MsgExtInfo)), uint32(len(extensions)))
	for _, e := range extensions {
		b = AppendBytes(AppendString(b, e.Name), e.Value)
	}
	return b
}

// Append appends the message to b.
func (m ExtInfo) Append(b []byte) []byte {
	return append(append(b, byte(MsgExtInfo)), m.Body...)
}

// Parse reads the message from the payload p and checks every entry; at most
// MaxExtensions are allowed. Body is a view.
func (m *ExtInfo) Parse(p []byte) error {
	r := NewReader(p, MsgExtInfo)
	m.Body = slices.Clip(r.p)
	n := r.Uint32("count")
	if n > MaxExtensions {
		r.fail("count", ErrTooMany)
	}
	for range n {
		r.Bytes("extension name")
		r.Bytes("extension value")
		if r.err != nil {
			break
		}
	}
	return r.Done()
}

// All yields name and value of each extension of a parsed message as views,
// in order.
func (m ExtInfo) All() iter.Seq2[[]byte, []byte] {
	return func(yield func(name, value []byte) bool) {
		r := NewFieldReader(m.Body, "EXT_INFO")
		for range r.Uint32("count") {
			name, value := r.Bytes("name"), r.Bytes("value")
			if r.err != nil || !yield(name, value) {
				return
			}
		}
	}
}

// Ping asks for a Pong with the same data (ping@openssh.com, OpenSSH PROTOCOL
// §1.10).
type Ping struct{ Data []byte }

// Append appends the message to b.
func (m Ping) Append(b []byte) []byte {
	return AppendBytes(append(b, byte(MsgPing)), m.Data)
}

// Parse reads the message from the payload p; Data is a view.
func (m *Ping) Parse(p []byte) error {
	r := NewReader(p, MsgPing)
	m.Data = r.Bytes("data")
	return r.Done()
}

// Pong answers a Ping (OpenSSH PROTOCOL §1.10).
type Pong struct{ Data []byte }

// Append appends the message to b.
func (m Pong) Append(b []byte) []byte {
	return AppendBytes(append(b, byte(MsgPong)), m.Data)
}

// Parse reads the message from the payload p; Data is a view.
func (m *Pong) Parse(p []byte) error {
	r := NewReader(p, MsgPong)
	m.Data = r.Bytes("data")
	return r.Done()
}
