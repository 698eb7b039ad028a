package connection

import (
	"context"
	"slices"
	"time"

	"github.com/hawser-ssh/hawser/wire"
)

// Types of requests on a session channel (RFC 4254 §6, RFC 4335).
const (
	reqPTY          = "pty-req"
	reqEnv          = "env"
	reqShell        = "shell"
	reqExec         = "exec"
	reqSubsystem    = "subsystem"
	reqWindowChange = "window-change"
	reqSignal       = "signal"
	reqBreak        = "break"
	reqExitStatus   = "exit-status"
	reqExitSignal   = "exit-signal"
	reqX11          = "x11-req"
	reqAgent        = "auth-agent-req@openssh.com"
)

// signals are the names that RFC 4254 §6.10 defines; others need an "@".
var signals = [...]string{"ABRT", "ALRM", "FPE", "HUP", "ILL", "INT", "KILL", "PIPE", "QUIT", "SEGV", "TERM", "USR1", "USR2"}

// RefusedError says that the peer refused a request on a channel.
type RefusedError struct{ Request string }

// Error names the request.
func (e *RefusedError) Error() string { return "connection: the peer refused " + e.Request }

// require sends a request and turns a refusal into an error.
func (c *Channel) require(ctx context.Context, request string, payload []byte) error {
	ok, err := c.SendRequest(ctx, request, true, payload)
	if err == nil && !ok {
		return &RefusedError{request}
	}
	return err
}

// OpenSession opens a session channel (RFC 4254 §6.1); client only.
func (m *Mux) OpenSession(ctx context.Context, ev *Events) (*Channel, error) {
	return m.Open(ctx, typeSession, nil, ev)
}

// RequestPTY asks for a terminal (RFC 4254 §6.2) and waits for the answer.
func (c *Channel) RequestPTY(ctx context.Context, p *PTY) error {
	msg := wire.PtyReq{Term: p.Term, Columns: p.Size.Columns, Rows: p.Size.Rows,
		WidthPx: p.Size.WidthPx, HeightPx: p.Size.HeightPx, Modes: AppendModes(nil, p.Modes)}
	return c.require(ctx, reqPTY, msg.Append(nil))
}

// Setenv sets an environment variable (RFC 4254 §6.4) and waits for the
// answer. Servers refuse most names.
func (c *Channel) Setenv(ctx context.Context, name, value string) error {
	return c.require(ctx, reqEnv, wire.Env{Name: name, Value: value}.Append(nil))
}

// Shell starts the user's shell (RFC 4254 §6.5) and waits for the answer.
func (c *Channel) Shell(ctx context.Context) error { return c.require(ctx, reqShell, nil) }

// Exec starts a command (RFC 4254 §6.5) and waits for the answer.
func (c *Channel) Exec(ctx context.Context, command string) error {
	return c.require(ctx, reqExec, wire.Exec{Command: command}.Append(nil))
}

// Subsystem starts a subsystem (RFC 4254 §6.5) and waits for the answer.
func (c *Channel) Subsystem(ctx context.Context, name string) error {
	return c.require(ctx, reqSubsystem, wire.Subsystem{Name: name}.Append(nil))
}

// WindowChange tells the size of the terminal (RFC 4254 §6.7). There is no answer.
func (c *Channel) WindowChange(ctx context.Context, s Size) error {
	msg := wire.WindowChange{Columns: s.Columns, Rows: s.Rows, WidthPx: s.WidthPx, HeightPx: s.HeightPx}
	_, err := c.SendRequest(ctx, reqWindowChange, false, msg.Append(nil))
	return err
}

// Signal sends a signal, named without "SIG" (RFC 4254 §6.9). There is no answer.
func (c *Channel) Signal(ctx context.Context, name string) error {
	_, err := c.SendRequest(ctx, reqSignal, false, wire.Signal{Name: name}.Append(nil))
	return err
}

// Break sends a break of the given length (RFC 4335) and waits for the answer.
func (c *Channel) Break(ctx context.Context, d time.Duration) error {
	ms := min(max(d.Milliseconds(), 0), int64(maxWindow))
	return c.require(ctx, reqBreak, wire.Break{Milliseconds: uint32(ms)}.Append(nil))
}

// SendEOW tells the peer that nobody reads its data any more (OpenSSH PROTOCOL
// §2.1). Only OpenSSH is known to take it well, and on sessions only. Our side
// of it is CloseRead.
func (c *Channel) SendEOW(ctx context.Context) error {
	_, err := c.SendRequest(ctx, wire.RequestEOW, false, nil)
	return err
}

// SendExitStatus tells how the command ended (RFC 4254 §6.10). Close follows.
func (c *Channel) SendExitStatus(ctx context.Context, status uint32) error {
	_, err := c.SendRequest(ctx, reqExitStatus, false, wire.ExitStatus{Status: status}.Append(nil))
	return err
}

// SendExitSignal tells that a signal ended the command (RFC 4254 §6.10). Only
// the fields for a signal are sent.
func (c *Channel) SendExitSignal(ctx context.Context, e Exit) error {
	msg := wire.ExitSignal{Signal: e.Signal, CoreDumped: e.CoreDumped, Message: e.Message, Language: e.Language}
	_, err := c.SendRequest(ctx, reqExitSignal, false, msg.Append(nil))
	return err
}

// Exit is how a command ended (RFC 4254 §6.10): by itself with Status, or by
// Signal, named without "SIG". Message is the peer's text, not escaped.
type Exit struct {
	Status     uint32
	Signal     string // "" where none ended it
	CoreDumped bool
	Message    string
	Language   string
}

// ExitTracker finds out how a command ended, for the side that started it. The
// first word counts. The zero value is ready; use it on the pump only.
type ExitTracker struct {
	exit Exit
	seen bool
}

// Observe looks at a request of the server and reports whether it was about
// the end of the command. One that is malformed returns an error and counts
// for nothing.
func (t *ExitTracker) Observe(r *Request) (bool, error) {
	var e Exit
	switch r.Type {
	case reqExitStatus:
		var msg wire.ExitStatus
		if err := msg.Parse(r.Payload); err != nil {
			return true, err
		}
		e.Status = msg.Status
	case reqExitSignal:
		var msg wire.ExitSignal
		if err := msg.Parse(r.Payload); err != nil {
			return true, err
		}
		if !plausibleSignal(msg.Signal) {
			return true, &SessionError{r.Type, "unusable signal name"}
		}
		e = Exit{Signal: msg.Signal, CoreDumped: msg.CoreDumped, Message: msg.Message, Language: msg.Language}
	default:
		return false, nil
	}
	if !t.seen {
		t.exit, t.seen = e, true
	}
	return true, nil
}

// Exit returns how the command ended; ok is false while nothing was said.
func (t *ExitTracker) Exit() (e Exit, ok bool) { return t.exit, t.seen }

// knownSignal reports whether a client may send the signal.
func knownSignal(name string) bool { return slices.Contains(signals[:], name) }

// plausibleSignal reports whether a peer's name for a signal may be shown and
// compared. Peers use more names than the RFC has.
func plausibleSignal(name string) bool {
	if name == "" || len(name) > maxRequestName || name[0] < 'A' || name[0] > 'z' {
		return false
	}
	for i := range len(name) {
		if name[i] <= ' ' || name[i] > '~' {
			return false
		}
	}
	return true
}
