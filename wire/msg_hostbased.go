package wire

// UserauthHostBased is the payload of a hostbased request (RFC 4252 §9): the
// client's host vouches for the user that it says is logged in there.
type UserauthHostBased struct {
	Algorithm string
	Key       []byte // of the client's host, with certificates if the algorithm has them
	Host      string // the client's host, fully qualified
	HostUser  string // name of the user on that host
	Signature []byte
}

// Append appends the payload to b.
func (m UserauthHostBased) Append(b []byte) []byte {
	return AppendBytes(m.AppendUnsigned(b), m.Signature)
}

// AppendUnsigned appends all fields but the signature to b.
func (m UserauthHostBased) AppendUnsigned(b []byte) []byte {
	b = AppendBytes(AppendString(b, m.Algorithm), m.Key)
	return AppendString(AppendString(b, m.Host), m.HostUser)
}

// Parse reads the payload p; []byte fields are views.
func (m *UserauthHostBased) Parse(p []byte) error {
	r := NewFieldReader(p, "hostbased request")
	m.Algorithm, m.Key = r.Name("algorithm"), r.Bytes("key")
	m.Host, m.HostUser = r.StringMax("client host", MaxHost), r.StringMax("client user", MaxHost)
	m.Signature = r.Bytes("signature")
	return r.Done()
}
