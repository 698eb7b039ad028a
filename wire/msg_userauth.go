package wire

// UserauthRequest asks for authentication (RFC 4252 §5). Payload is what
// follows the method's name.
type UserauthRequest struct {
	User    string // at most MaxUser bytes
	Service string
	Method  string
	Payload []byte
}

// Append appends the message to b.
func (m UserauthRequest) Append(b []byte) []byte {
	b = AppendString(append(b, byte(MsgUserauthRequest)), m.User)
	b = AppendString(AppendString(b, m.Service), m.Method)
	return append(b, m.Payload...)
}

// Parse reads the message from the payload p; Payload is a view.
func (m *UserauthRequest) Parse(p []byte) error {
	r := NewReader(p, MsgUserauthRequest)
	m.User, m.Service = r.StringMax("user name", MaxUser), r.String("service name")
	m.Method, m.Payload = r.String("method name"), r.Rest()
	return r.Done()
}

// String hides the payload, which may hold a password.
func (m UserauthRequest) String() string {
	return "{user " + Escape(m.User, MaxUser) + ", service " + Escape(m.Service, MaxName) +
		", method " + Escape(m.Method, MaxName) + ", payload redacted}"
}

// GoString hides the payload, which may hold a password.
func (m UserauthRequest) GoString() string { return m.String() }

// UserauthPassword is the payload of a password request (RFC 4252 §8).
type UserauthPassword struct {
	Change      bool
	Password    []byte
	NewPassword []byte // only with Change
}

// Append appends the payload to b.
func (m UserauthPassword) Append(b []byte) []byte {
	b = AppendBytes(AppendBool(b, m.Change), m.Password)
	if m.Change {
		b = AppendBytes(b, m.NewPassword)
	}
	return b
}

// Parse reads the payload p; passwords are views.
func (m *UserauthPassword) Parse(p []byte) error {
	r := NewFieldReader(p, "password request")
	m.Change, m.Password, m.NewPassword = r.Bool("change"), r.Bytes("password"), nil
	if m.Change {
		m.NewPassword = r.Bytes("new password")
	}
	return r.Done()
}

// String hides the passwords.
func (m UserauthPassword) String() string { return "{password redacted}" }

// GoString hides the passwords.
func (m UserauthPassword) GoString() string { return m.String() }

// UserauthPublicKey is the payload of a publickey request (RFC 4252 §7), and
// with Bound that of publickey-hostbound-v00@openssh.com (OpenSSH PROTOCOL
// §3.1), which names the server's host key too.
type UserauthPublicKey struct {
	Bound        bool // set by the caller before Parse
	HasSignature bool
	Algorithm    string
	Key          []byte
	HostKey      []byte // only with Bound
	Signature    []byte // only with HasSignature
}

// Append appends the payload to b. Without the signature it is what the
// signature is made over, behind session id and the rest of the request.
func (m UserauthPublicKey) Append(b []byte) []byte {
	b = m.AppendUnsigned(b)
	if m.HasSignature {
		b = AppendBytes(b, m.Signature)
	}
	return b
}

// AppendUnsigned appends all fields but the signature to b.
func (m UserauthPublicKey) AppendUnsigned(b []byte) []byte {
	b = AppendBytes(AppendString(AppendBool(b, m.HasSignature), m.Algorithm), m.Key)
	if m.Bound {
		b = AppendBytes(b, m.HostKey)
	}
	return b
}

// Parse reads the payload p; []byte fields are views.
func (m *UserauthPublicKey) Parse(p []byte) error {
	r := NewFieldReader(p, "publickey request")
	m.HasSignature, m.Algorithm, m.Key = r.Bool("has signature"), r.Name("algorithm"), r.Bytes("key")
	m.HostKey, m.Signature = nil, nil
	if m.Bound {
		m.HostKey = r.Bytes("host key")
	}
	if m.HasSignature {
		m.Signature = r.Bytes("signature")
	}
	return r.Done()
}

// UserauthFailure refuses a request (RFC 4252 §5.1).
type UserauthFailure struct {
	Methods NameList // that can continue
	Partial bool
}

// Append appends the message to b.
func (m UserauthFailure) Append(b []byte) []byte {
	return AppendBool(AppendNameList(append(b, byte(MsgUserauthFailure)), m.Methods), m.Partial)
}

// Parse reads the message from the payload p; Methods is a view.
func (m *UserauthFailure) Parse(p []byte) error {
	r := NewReader(p, MsgUserauthFailure)
	m.Methods, m.Partial = r.NameList("methods"), r.Bool("partial success")
	return r.Done()
}

// UserauthSuccess ends authentication (RFC 4252 §5.1).
type UserauthSuccess struct{}

// Append appends the message to b.
func (UserauthSuccess) Append(b []byte) []byte { return append(b, byte(MsgUserauthSuccess)) }

// Parse reads the message from the payload p.
func (*UserauthSuccess) Parse(p []byte) error {
	r := NewReader(p, MsgUserauthSuccess)
	return r.Done()
}

// UserauthBanner carries text for the user (RFC 4252 §5.4).
type UserauthBanner struct{ Message, Language string }

// Append appends the message to b.
func (m UserauthBanner) Append(b []byte) []byte {
	return AppendString(AppendString(append(b, byte(MsgUserauthBanner)), m.Message), m.Language)
}

// Parse reads the message from the payload p.
func (m *UserauthBanner) Parse(p []byte) error {
	r := NewReader(p, MsgUserauthBanner)
	m.Message, m.Language = r.String("message"), r.String("language")
	return r.Done()
}

// UserauthPKOK says that a key would be accepted (RFC 4252 §7).
type UserauthPKOK struct {
	Algorithm string
	Key       []byte
}

// Append appends the message to b.
func (m UserauthPKOK) Append(b []byte) []byte {
	return AppendBytes(AppendString(append(b, byte(MsgUserauthPKOK)), m.Algorithm), m.Key)
}

// Parse reads the message from the payload p; Key is a view.
func (m *UserauthPKOK) Parse(p []byte) error {
	r := NewReader(p, MsgUserauthPKOK)
	m.Algorithm, m.Key = r.Name("algorithm"), r.Bytes("key")
	return r.Done()
}

// UserauthPasswdChangeReq asks for a new password (RFC 4252 §8).
type UserauthPasswdChangeReq struct{ Prompt, Language string }

// Append appends the message to b.
func (m UserauthPasswdChangeReq) Append(b []byte) []byte {
	return AppendString(AppendString(append(b, byte(MsgUserauthPasswdChangeReq)), m.Prompt), m.Language)
}

// Parse reads the message from the payload p.
func (m *UserauthPasswdChangeReq) Parse(p []byte) error {
	r := NewReader(p, MsgUserauthPasswdChangeReq)
	m.Prompt, m.Language = r.String("prompt"), r.String("language")
	return r.Done()
}

// UserauthInteractive is the payload of a keyboard-interactive request (RFC
// 4256 §3.1).
type UserauthInteractive struct {
	Language   string
	Submethods string
}

// Append appends the payload to b.
func (m UserauthInteractive) Append(b []byte) []byte {
	return AppendString(AppendString(b, m.Language), m.Submethods)
}

// Parse reads the payload p.
func (m *UserauthInteractive) Parse(p []byte) error {
	r := NewFieldReader(p, "keyboard-interactive request")
	m.Language, m.Submethods = r.String("language"), r.String("submethods")
	return r.Done()
}

// Prompt is one question of a keyboard-interactive request (RFC 4256 §3.2).
type Prompt struct {
	Text string
	Echo bool // whether the answer may be shown while it is typed
}

// UserauthInfoRequest asks the user questions (RFC 4256 §3.2).
type UserauthInfoRequest struct {
	Name, Instruction, Language string
	Prompts                     []Prompt // at most MaxPrompts
}

// Append appends the message to b.
func (m UserauthInfoRequest) Append(b []byte) []byte {
	b = AppendString(append(b, byte(MsgUserauthInfoRequest)), m.Name)
	b = AppendString(AppendString(b, m.Instruction), m.Language)
	b = AppendUint32(b, uint32(len(m.Prompts)))
	for _, p := range m.Prompts {
		b = AppendBool(AppendString(b, p.Text), p.Echo)
	}
	return b
}

// Parse reads the message from the payload p.
func (m *UserauthInfoRequest) Parse(p []byte) error {
	r := NewReader(p, MsgUserauthInfoRequest)
	m.Name, m.Instruction, m.Language = r.String("name"), r.String("instruction"), r.String("language")
	m.Prompts = nil
	n := r.Uint32("prompt count")
	if n > MaxPrompts {
		r.fail("prompt count", ErrTooMany)
	}
	for i := uint32(0); i < n && r.err == nil; i++ {
		m.Prompts = append(m.Prompts, Prompt{Text: r.String("prompt"), Echo: r.Bool("echo")})
	}
	return r.Done()
}

// UserauthInfoResponse answers the questions (RFC 4256 §3.4).
type UserauthInfoResponse struct{ Answers []string } // at most MaxResponses

// Append appends the message to b.
func (m UserauthInfoResponse) Append(b []byte) []byte {
	b = AppendUint32(append(b, byte(MsgUserauthInfoResponse)), uint32(len(m.Answers)))
	for _, a := range m.Answers {
		b = AppendString(b, a)
	}
	return b
}

// Parse reads the message from the payload p.
func (m *UserauthInfoResponse) Parse(p []byte) error {
	r := NewReader(p, MsgUserauthInfoResponse)
	m.Answers = nil
	n := r.Uint32("response count")
	if n > MaxResponses {
		r.fail("response count", ErrTooMany)
	}
	for i := uint32(0); i < n && r.err == nil; i++ {
		m.Answers = append(m.Answers, r.String("response"))
	}
	return r.Done()
}

// String hides the answers.
func (m UserauthInfoResponse) String() string { return "{answers redacted}" }

// GoString hides the answers.
func (m UserauthInfoResponse) GoString() string { return m.String() }
