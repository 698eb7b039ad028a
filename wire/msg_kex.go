package wire

// KexInit opens a key exchange (RFC 4253 §7.1). CS lists are for the direction
// client to server, SC for the other.
type KexInit struct {
	Cookie                       [16]byte
	Kex                          NameList
	HostKey                      NameList
	CipherCS, CipherSC           NameList
	MACCS, MACSC                 NameList
	CompressionCS, CompressionSC NameList
	LanguagesCS, LanguagesSC     NameList
	FirstKexPacketFollows        bool
	Reserved                     uint32 // any value is accepted
}

// lists returns all name-lists in the order of the wire.
func (m *KexInit) lists() [10]*NameList {
	return [...]*NameList{
		&m.Kex, &m.HostKey, &m.CipherCS, &m.CipherSC, &m.MACCS, &m.MACSC,
		&m.CompressionCS, &m.CompressionSC, &m.LanguagesCS, &m.LanguagesSC,
	}
}

var kexInitFields = [10]string{
	"kex_algorithms", "server_host_key_algorithms",
	"encryption_algorithms_client_to_server", "encryption_algorithms_server_to_client",
	"mac_algorithms_client_to_server", "mac_algorithms_server_to_client",
	"compression_algorithms_client_to_server", "compression_algorithms_server_to_client",
	"languages_client_to_server", "languages_server_to_client",
}

// Append appends the message to b.
func (m KexInit) Append(b []byte) []byte {
	b = append(append(b, byte(MsgKexInit)), m.Cookie[:]...)
	for _, l := range m.lists() {
		b = AppendNameList(b, *l)
	}
	return AppendUint32(AppendBool(b, m.FirstKexPacketFollows), m.Reserved)
}

// Parse reads the message from the payload p; all lists are views.
func (m *KexInit) Parse(p []byte) error {
	r := NewReader(p, MsgKexInit)
	r.Fixed("cookie", m.Cookie[:])
	for i, l := range m.lists() {
		*l = r.NameList(kexInitFields[i])
	}
	m.FirstKexPacketFollows = r.Bool("first_kex_packet_follows")
	m.Reserved = r.Uint32("reserved")
	return r.Done()
}

// NewKeys says that the sender's next packet uses the new keys (RFC 4253 §7.3).
type NewKeys struct{}

// Append appends the message to b.
func (NewKeys) Append(b []byte) []byte { return append(b, byte(MsgNewKeys)) }

// Parse reads the message from the payload p.
func (*NewKeys) Parse(p []byte) error {
	r := NewReader(p, MsgNewKeys)
	return r.Done()
}

// KexECDHInit is the client's public value: Q_C of RFC 5656 §4 and RFC 8731,
// the hybrid value of the ML-KEM methods, and e of RFC 4253 §8, whose mpint
// has the same outer form, so that Public then is the mpint's body.
type KexECDHInit struct{ Public []byte }

// Append appends the message to b.
func (m KexECDHInit) Append(b []byte) []byte {
	return AppendBytes(append(b, byte(MsgKexECDHInit)), m.Public)
}

// Parse reads the message from the payload p; Public is a view.
func (m *KexECDHInit) Parse(p []byte) error {
	r := NewReader(p, MsgKexECDHInit)
	m.Public = r.Bytes("public value")
	return r.Done()
}

// KexECDHReply is the server's host key, public value and signature (RFC 5656
// §4, RFC 8731, RFC 4253 §8); Public as in KexECDHInit.
type KexECDHReply struct {
	HostKey   []byte
	Public    []byte
	Signature []byte
}

// Append appends the message to b.
func (m KexECDHReply) Append(b []byte) []byte {
	b = AppendBytes(append(b, byte(MsgKexECDHReply)), m.HostKey)
	return AppendBytes(AppendBytes(b, m.Public), m.Signature)
}

// Parse reads the message from the payload p; all fields are views.
func (m *KexECDHReply) Parse(p []byte) error {
	r := NewReader(p, MsgKexECDHReply)
	m.HostKey, m.Public, m.Signature = r.Bytes("host key"), r.Bytes("public value"), r.Bytes("signature")
	return r.Done()
}

// KexGexRequest asks for a group of Min to Max bits (RFC 4419 §3).
type KexGexRequest struct{ Min, Preferred, Max uint32 }

// Append appends the message to b.
func (m KexGexRequest) Append(b []byte) []byte {
	b = AppendUint32(append(b, byte(MsgKexGexRequest)), m.Min)
	return AppendUint32(AppendUint32(b, m.Preferred), m.Max)
}

// Parse reads the message from the payload p.
func (m *KexGexRequest) Parse(p []byte) error {
	r := NewReader(p, MsgKexGexRequest)
	m.Min, m.Preferred, m.Max = r.Uint32("min"), r.Uint32("n"), r.Uint32("max")
	return r.Done()
}

// KexGexRequestOld is the request of old clients, without bounds (RFC 4419 §5).
type KexGexRequestOld struct{ Preferred uint32 }

// Append appends the message to b.
func (m KexGexRequestOld) Append(b []byte) []byte {
	return AppendUint32(append(b, byte(MsgKexGexRequestOld)), m.Preferred)
}

// Parse reads the message from the payload p.
func (m *KexGexRequestOld) Parse(p []byte) error {
	r := NewReader(p, MsgKexGexRequestOld)
	m.Preferred = r.Uint32("n")
	return r.Done()
}

// KexGexGroup is the server's choice of a group (RFC 4419 §3). P and G are
// big-endian magnitudes.
type KexGexGroup struct{ P, G []byte }

// Append appends the message to b.
func (m KexGexGroup) Append(b []byte) []byte {
	return AppendMpint(AppendMpint(append(b, byte(MsgKexGexGroup)), m.P), m.G)
}

// Parse reads the message from the payload p; both fields are views.
func (m *KexGexGroup) Parse(p []byte) error {
	r := NewReader(p, MsgKexGexGroup)
	m.P, m.G = r.Mpint("p"), r.Mpint("g")
	return r.Done()
}

// KexGexInit is the client's e; Public is the mpint's body (RFC 4419 §3).
type KexGexInit struct{ Public []byte }

// Append appends the message to b.
func (m KexGexInit) Append(b []byte) []byte {
	return AppendBytes(append(b, byte(MsgKexGexInit)), m.Public)
}

// Parse reads the message from the payload p; Public is a view.
func (m *KexGexInit) Parse(p []byte) error {
	r := NewReader(p, MsgKexGexInit)
	m.Public = r.Bytes("e")
	return r.Done()
}

// KexGexReply ends a group exchange (RFC 4419 §3); Public is f's mpint body.
type KexGexReply struct {
	HostKey   []byte
	Public    []byte
	Signature []byte
}

// Append appends the message to b.
func (m KexGexReply) Append(b []byte) []byte {
	b = AppendBytes(append(b, byte(MsgKexGexReply)), m.HostKey)
	return AppendBytes(AppendBytes(b, m.Public), m.Signature)
}

// Parse reads the message from the payload p; all fields are views.
func (m *KexGexReply) Parse(p []byte) error {
	r := NewReader(p, MsgKexGexReply)
	m.HostKey, m.Public, m.Signature = r.Bytes("host key"), r.Bytes("f"), r.Bytes("signature")
	return r.Done()
}

// KexRSAPubKey is the server's opening of an RSA key exchange (RFC 4432 §4):
// its host key, and Public, the transient key in the form of an ssh-rsa key.
type KexRSAPubKey struct {
	HostKey []byte
	Public  []byte
}

// Append appends the message to b.
func (m KexRSAPubKey) Append(b []byte) []byte {
	return AppendBytes(AppendBytes(append(b, byte(MsgKexRSAPubKey)), m.HostKey), m.Public)
}

// Parse reads the message from the payload p; both fields are views.
func (m *KexRSAPubKey) Parse(p []byte) error {
	r := NewReader(p, MsgKexRSAPubKey)
	m.HostKey, m.Public = r.Bytes("host key"), r.Bytes("transient key")
	return r.Done()
}

// KexRSASecret is the client's secret, encrypted for the transient key (RFC
// 4432 §4).
type KexRSASecret struct{ Encrypted []byte }

// Append appends the message to b.
func (m KexRSASecret) Append(b []byte) []byte {
	return AppendBytes(append(b, byte(MsgKexRSASecret)), m.Encrypted)
}

// Parse reads the message from the payload p; Encrypted is a view.
func (m *KexRSASecret) Parse(p []byte) error {
	r := NewReader(p, MsgKexRSASecret)
	m.Encrypted = r.Bytes("encrypted secret")
	return r.Done()
}

// KexRSADone ends an RSA key exchange with the host key's signature (RFC 4432
// §4).
type KexRSADone struct{ Signature []byte }

// Append appends the message to b.
func (m KexRSADone) Append(b []byte) []byte {
	return AppendBytes(append(b, byte(MsgKexRSADone)), m.Signature)
}

// Parse reads the message from the payload p; Signature is a view.
func (m *KexRSADone) Parse(p []byte) error {
	r := NewReader(p, MsgKexRSADone)
	m.Signature = r.Bytes("signature")
	return r.Done()
}
