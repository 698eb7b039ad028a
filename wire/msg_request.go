package wire

import (
	"iter"
	"slices"
)

// Names of requests, channel types and extensions, where more than one
// package needs them.
const (
	RequestHostKeys       = "hostkeys-00@openssh.com"       // OpenSSH PROTOCOL §2.5
	RequestHostKeysProve  = "hostkeys-prove-00@openssh.com" // OpenSSH PROTOCOL §2.5
	RequestNoMoreSessions = "no-more-sessions@openssh.com"  // OpenSSH PROTOCOL §2.2
	RequestKeepalive      = "keepalive@openssh.com"
	RequestEOW            = "eow@openssh.com" // OpenSSH PROTOCOL §2.1

	ExtensionServerSigAlgs = "server-sig-algs"                 // RFC 8308 §3.1
	ExtensionPing          = "ping@openssh.com"                // OpenSSH PROTOCOL §1.10
	ExtensionHostBound     = "publickey-hostbound@openssh.com" // OpenSSH PROTOCOL §3.1
)

// PtyReq asks for a terminal (RFC 4254 §6.2).
type PtyReq struct {
	Term              string
	Columns, Rows     uint32 // characters
	WidthPx, HeightPx uint32 // pixels
	Modes             []byte // encoded as in RFC 4254 §8
}

// Append appends the body to b.
func (m PtyReq) Append(b []byte) []byte {
	b = AppendUint32(AppendUint32(AppendString(b, m.Term), m.Columns), m.Rows)
	return AppendBytes(AppendUint32(AppendUint32(b, m.WidthPx), m.HeightPx), m.Modes)
}

// Parse reads the body p; Modes is a view.
func (m *PtyReq) Parse(p []byte) error {
	r := NewFieldReader(p, "pty-req")
	m.Term, m.Columns, m.Rows = r.String("TERM"), r.Uint32("columns"), r.Uint32("rows")
	m.WidthPx, m.HeightPx, m.Modes = r.Uint32("width"), r.Uint32("height"), r.Bytes("modes")
	return r.Done()
}

// Env sets a variable (RFC 4254 §6.4).
type Env struct{ Name, Value string }

// Append appends the body to b.
func (m Env) Append(b []byte) []byte { return AppendString(AppendString(b, m.Name), m.Value) }

// Parse reads the body p.
func (m *Env) Parse(p []byte) error {
	r := NewFieldReader(p, "env")
	m.Name, m.Value = r.String("name"), r.String("value")
	return r.Done()
}

// Exec starts a command (RFC 4254 §6.5).
type Exec struct{ Command string }

// Append appends the body to b.
func (m Exec) Append(b []byte) []byte { return AppendString(b, m.Command) }

// Parse reads the body p.
func (m *Exec) Parse(p []byte) (err error) {
	m.Command, err = parseOneString(p, "exec", "command")
	return err
}

// Subsystem starts a subsystem (RFC 4254 §6.5).
type Subsystem struct{ Name string }

// Append appends the body to b.
func (m Subsystem) Append(b []byte) []byte { return AppendString(b, m.Name) }

// Parse reads the body p.
func (m *Subsystem) Parse(p []byte) (err error) {
	m.Name, err = parseOneString(p, "subsystem", "name")
	return err
}

// WindowChange resizes the terminal (RFC 4254 §6.7).
type WindowChange struct {
	Columns, Rows     uint32 // characters
	WidthPx, HeightPx uint32 // pixels
}

// Append appends the body to b.
func (m WindowChange) Append(b []byte) []byte {
	b = AppendUint32(AppendUint32(b, m.Columns), m.Rows)
	return AppendUint32(AppendUint32(b, m.WidthPx), m.HeightPx)
}

// Parse reads the body p.
func (m *WindowChange) Parse(p []byte) error {
	r := NewFieldReader(p, "window-change")
	m.Columns, m.Rows = r.Uint32("columns"), r.Uint32("rows")
	m.WidthPx, m.HeightPx = r.Uint32("width"), r.Uint32("height")
	return r.Done()
}

// XonXoff says whether the client can do flow control (RFC 4254 §6.8).
type XonXoff struct{ ClientCanDo bool }

// Append appends the body to b.
func (m XonXoff) Append(b []byte) []byte { return AppendBool(b, m.ClientCanDo) }

// Parse reads the body p.
func (m *XonXoff) Parse(p []byte) error {
	r := NewFieldReader(p, "xon-xoff")
	m.ClientCanDo = r.Bool("client can do")
	return r.Done()
}

// Signal delivers a signal; Name lacks "SIG" (RFC 4254 §6.9).
type Signal struct{ Name string }

// Append appends the body to b.
func (m Signal) Append(b []byte) []byte { return AppendString(b, m.Name) }

// Parse reads the body p.
func (m *Signal) Parse(p []byte) (err error) {
	m.Name, err = parseOneString(p, "signal", "name")
	return err
}

// ExitStatus is a command's exit status (RFC 4254 §6.10).
type ExitStatus struct{ Status uint32 }

// Append appends the body to b.
func (m ExitStatus) Append(b []byte) []byte { return AppendUint32(b, m.Status) }

// Parse reads the body p.
func (m *ExitStatus) Parse(p []byte) error {
	r := NewFieldReader(p, "exit-status")
	m.Status = r.Uint32("status")
	return r.Done()
}

// ExitSignal says that a signal ended the command (RFC 4254 §6.10).
type ExitSignal struct {
	Signal     string // without "SIG"
	CoreDumped bool
	Message    string
	Language   string
}

// Append appends the body to b.
func (m ExitSignal) Append(b []byte) []byte {
	b = AppendBool(AppendString(b, m.Signal), m.CoreDumped)
	return AppendString(AppendString(b, m.Message), m.Language)
}

// Parse reads the body p.
func (m *ExitSignal) Parse(p []byte) error {
	r := NewFieldReader(p, "exit-signal")
	m.Signal, m.CoreDumped = r.String("signal"), r.Bool("core dumped")
	m.Message, m.Language = r.String("message"), r.String("language")
	return r.Done()
}

// X11Req asks for X11 forwarding (RFC 4254 §6.3.1).
type X11Req struct {
	SingleConnection bool
	Protocol, Cookie string
	Screen           uint32
}

// Append appends the body to b.
func (m X11Req) Append(b []byte) []byte {
	b = AppendString(AppendBool(b, m.SingleConnection), m.Protocol)
	return AppendUint32(AppendString(b, m.Cookie), m.Screen)
}

// Parse reads the body p.
func (m *X11Req) Parse(p []byte) error {
	r := NewFieldReader(p, "x11-req")
	m.SingleConnection, m.Protocol = r.Bool("single connection"), r.String("protocol")
	m.Cookie, m.Screen = r.String("cookie"), r.Uint32("screen")
	return r.Done()
}

// X11Open is the payload of an open of type x11 (RFC 4254 §6.3.2).
type X11Open struct {
	OriginHost string // at most MaxHost bytes
	OriginPort uint32
}

// Append appends the body to b.
func (m X11Open) Append(b []byte) []byte {
	return AppendUint32(AppendString(b, m.OriginHost), m.OriginPort)
}

// Parse reads the body p.
func (m *X11Open) Parse(p []byte) error {
	r := NewFieldReader(p, "x11 open")
	m.OriginHost, m.OriginPort = r.StringMax("originator address", MaxHost), r.Uint32("originator port")
	return r.Done()
}

// Break asks for a break signal (RFC 4335 §3).
type Break struct{ Milliseconds uint32 }

// Append appends the body to b.
func (m Break) Append(b []byte) []byte { return AppendUint32(b, m.Milliseconds) }

// Parse reads the body p.
func (m *Break) Parse(p []byte) error {
	r := NewFieldReader(p, "break")
	m.Milliseconds = r.Uint32("length")
	return r.Done()
}

// DirectTCPIP is the payload of an open of direct-tcpip, where Host and Port
// are the target, and of forwarded-tcpip, where they are what was listened on
// (RFC 4254 §7.2).
type DirectTCPIP struct {
	Host       string // at most MaxHost bytes
	Port       uint32
	OriginHost string // at most MaxHost bytes
	OriginPort uint32
}

// Append appends the body to b.
func (m DirectTCPIP) Append(b []byte) []byte {
	b = AppendUint32(AppendString(b, m.Host), m.Port)
	return AppendUint32(AppendString(b, m.OriginHost), m.OriginPort)
}

// Parse reads the body p.
func (m *DirectTCPIP) Parse(p []byte) error {
	r := NewFieldReader(p, "tcpip open")
	m.Host, m.Port = r.StringMax("host", MaxHost), r.Uint32("port")
	m.OriginHost, m.OriginPort = r.StringMax("originator address", MaxHost), r.Uint32("originator port")
	return r.Done()
}

// TCPIPForward is the body of tcpip-forward and cancel-tcpip-forward (RFC 4254
// §7.1).
type TCPIPForward struct {
	Host string // at most MaxHost bytes; what to bind
	Port uint32 // 0 lets the server pick
}

// Append appends the body to b.
func (m TCPIPForward) Append(b []byte) []byte { return AppendUint32(AppendString(b, m.Host), m.Port) }

// Parse reads the body p.
func (m *TCPIPForward) Parse(p []byte) error {
	r := NewFieldReader(p, "tcpip-forward")
	m.Host, m.Port = r.StringMax("host", MaxHost), r.Uint32("port")
	return r.Done()
}

// TCPIPForwardReply is the payload of the success of a tcpip-forward for port
// 0 (RFC 4254 §7.1).
type TCPIPForwardReply struct{ Port uint32 }

// Append appends the body to b.
func (m TCPIPForwardReply) Append(b []byte) []byte { return AppendUint32(b, m.Port) }

// Parse reads the body p.
func (m *TCPIPForwardReply) Parse(p []byte) error {
	r := NewFieldReader(p, "tcpip-forward reply")
	m.Port = r.Uint32("port")
	return r.Done()
}

// DirectStreamLocal is the payload of an open of
// direct-streamlocal@openssh.com (OpenSSH PROTOCOL §2.4).
type DirectStreamLocal struct {
	Path         string // at most MaxPath bytes
	Reserved     string
	ReservedPort uint32
}

// Append appends the body to b.
func (m DirectStreamLocal) Append(b []byte) []byte {
	return AppendUint32(AppendString(AppendString(b, m.Path), m.Reserved), m.ReservedPort)
}

// Parse reads the body p.
func (m *DirectStreamLocal) Parse(p []byte) error {
	r := NewFieldReader(p, "direct-streamlocal")
	m.Path, m.Reserved, m.ReservedPort = r.StringMax("path", MaxPath), r.String("reserved"), r.Uint32("reserved")
	return r.Done()
}

// ForwardedStreamLocal is the payload of an open of
// forwarded-streamlocal@openssh.com (OpenSSH PROTOCOL §2.4).
type ForwardedStreamLocal struct {
	Path     string // at most MaxPath bytes
	Reserved string
}

// Append appends the body to b.
func (m ForwardedStreamLocal) Append(b []byte) []byte {
	return AppendString(AppendString(b, m.Path), m.Reserved)
}

// Parse reads the body p.
func (m *ForwardedStreamLocal) Parse(p []byte) error {
	r := NewFieldReader(p, "forwarded-streamlocal")
	m.Path, m.Reserved = r.StringMax("path", MaxPath), r.String("reserved")
	return r.Done()
}

// StreamLocalForward is the body of streamlocal-forward@openssh.com and its
// cancel (OpenSSH PROTOCOL §2.4).
type StreamLocalForward struct{ Path string } // at most MaxPath bytes

// Append appends the body to b.
func (m StreamLocalForward) Append(b []byte) []byte { return AppendString(b, m.Path) }

// Parse reads the body p.
func (m *StreamLocalForward) Parse(p []byte) error {
	r := NewFieldReader(p, "streamlocal-forward")
	m.Path = r.StringMax("path", MaxPath)
	return r.Done()
}

// HostKeys is the body of hostkeys-00@openssh.com and of
// hostkeys-prove-00@openssh.com: key blobs, each a string (OpenSSH PROTOCOL
// §2.5).
type HostKeys struct{ Body []byte }

// Append appends the body to b.
func (m HostKeys) Append(b []byte) []byte { return append(b, m.Body...) }

// Parse reads the body p and checks every entry; at most MaxHostKeys are
// allowed. Body is a view.
func (m *HostKeys) Parse(p []byte) error {
	r := NewFieldReader(p, "hostkeys")
	m.Body = slices.Clip(p)
	for n := 0; r.Len() > 0; n++ {
		if r.Bytes("host key"); n >= MaxHostKeys {
			r.fail("host key", ErrTooMany)
		}
	}
	return r.Done()
}

// All yields each blob of a parsed body as a view, in order.
func (m HostKeys) All() iter.Seq[[]byte] {
	return func(yield func([]byte) bool) {
		r := NewFieldReader(m.Body, "hostkeys")
		for r.Len() > 0 {
			if blob := r.Bytes("host key"); r.err != nil || !yield(blob) {
				return
			}
		}
	}
}

func parseOneString(p []byte, op, field string) (string, error) {
	r := NewFieldReader(p, op)
	s := r.String(field)
	return s, r.Done()
}
