package connection

import (
	"time"

	"github.com/hawser-ssh/hawser/wire"
)

// SessionLimits bounds what a client may ask for on a session channel. 0 means
// the default of the constant with the same name.
type SessionLimits struct {
	MaxEnv       int           // variables
	MaxEnvBytes  int           // of their names and values
	MaxTerm      int           // bytes of TERM; a longer one becomes "dumb"
	MaxModes     int           // terminal modes; more are ignored
	MaxDimension uint32        // columns, rows, pixels; larger ones are clamped
	MaxCommand   int           // bytes of a command or of a subsystem's name
	MaxBreak     time.Duration // a longer break is clamped
	MaxX11Cookie int           // bytes of an X11 cookie
	MaxX11Screen uint32        // number of an X11 screen
}

func (l *SessionLimits) complete() SessionLimits {
	var full SessionLimits
	if l != nil {
		full = *l
	}
	full.MaxEnv = orDefault(full.MaxEnv, DefaultMaxEnv)
	full.MaxEnvBytes = orDefault(full.MaxEnvBytes, DefaultMaxEnvBytes)
	full.MaxTerm = orDefault(full.MaxTerm, DefaultMaxTerm)
	full.MaxModes = orDefault(full.MaxModes, DefaultMaxModes)
	full.MaxDimension = orDefault(full.MaxDimension, DefaultMaxDimension)
	full.MaxCommand = orDefault(full.MaxCommand, DefaultMaxCommand)
	full.MaxX11Cookie = orDefault(full.MaxX11Cookie, DefaultMaxX11Cookie)
	full.MaxX11Screen = orDefault(full.MaxX11Screen, DefaultMaxX11Screen)
	if full.MaxBreak <= 0 {
		full.MaxBreak = DefaultMaxBreak
	}
	return full
}

// SessionError is a request on a session that breaks a rule; it is refused.
type SessionError struct {
	Request string // its type
	Problem string
}

// Error names the request and the rule.
func (e *SessionError) Error() string { return "connection: " + e.Request + ": " + e.Problem }

// SessionRequest is what Admit returns: *PTY, EnvVar, *Program, Size,
// SignalName, BreakLength, *X11 or AgentForwarding.
type SessionRequest interface{ sessionRequest() }

// EnvVar is an environment variable that a client sets (RFC 4254 §6.4). Its
// name and value hold no NUL, its name no "=" either.
type EnvVar wire.Env

// SignalName is a signal of RFC 4254 §6.10, without "SIG".
type SignalName string

// BreakLength is the length of a break (RFC 4335).
type BreakLength time.Duration

// ProgramKind says what a session runs.
type ProgramKind uint8

// What a session runs (RFC 4254 §6.5).
const (
	ProgramShell ProgramKind = iota + 1
	ProgramExec
	ProgramSubsystem
)

// Program is the one program of a session, with what was asked for before.
type Program struct {
	Kind    ProgramKind
	Command string // of exec; of subsystem: its name
	PTY     *PTY   // nil without a terminal
	Env     []EnvVar
}

func (*PTY) sessionRequest()        {}
func (EnvVar) sessionRequest()      {}
func (*Program) sessionRequest()    {}
func (Size) sessionRequest()        {}
func (SignalName) sessionRequest()  {}
func (BreakLength) sessionRequest() {}

// SessionTracker keeps the rules of a session channel for the serving side:
// what may come when, at most one program, limits. It decides nothing that is
// policy, such as which variables are welcome. Use it on the pump only.
type SessionTracker struct {
	limits   SessionLimits
	pty      *PTY
	env      []EnvVar
	envBytes int
	x11      bool // has been admitted
	state    programState
}

type programState uint8

const (
	programNone programState = iota
	programRunning
	programEnded
)

// NewSessionTracker returns the tracker of a new session; limits may be nil.
func NewSessionTracker(limits *SessionLimits) *SessionTracker {
	return &SessionTracker{limits: limits.complete()}
}

// rules by type of request.
var rules = map[string]func(*SessionTracker, *Request) (SessionRequest, error){
	reqPTY:          (*SessionTracker).admitPTY,
	reqEnv:          (*SessionTracker).admitEnv,
	reqShell:        (*SessionTracker).admitShell,
	reqExec:         (*SessionTracker).admitExec,
	reqSubsystem:    (*SessionTracker).admitSubsystem,
	reqWindowChange: (*SessionTracker).admitWindowChange,
	reqSignal:       (*SessionTracker).admitSignal,
	reqBreak:        (*SessionTracker).admitBreak,
	reqX11:          (*SessionTracker).admitX11,
	reqAgent:        (*SessionTracker).admitAgent,
}

// Admit judges a request. On an error it is to be refused, and has changed
// nothing. A *Program takes the session's one place: when starting it fails,
// call Failed; when it ends, Ended.
func (t *SessionTracker) Admit(r *Request) (SessionRequest, error) {
	rule, ok := rules[r.Type]
	if !ok {
		return nil, &SessionError{wire.Escape(r.Type, maxRequestName), "unknown request"}
	}
	return rule(t, r)
}

// Failed says that the program admitted last could not be started; another may be tried.
func (t *SessionTracker) Failed() { t.state = programNone }

// Ended says that the program has ended; no other will be admitted.
func (t *SessionTracker) Ended() { t.state = programEnded }

func (t *SessionTracker) admitPTY(r *Request) (SessionRequest, error) {
	var msg wire.PtyReq
	if err := msg.Parse(r.Payload); err != nil {
		return nil, err
	}
	if t.state != programNone || t.pty != nil {
		return nil, &SessionError{r.Type, "too late or twice"}
	}
	size := Size{msg.Columns, msg.Rows, msg.WidthPx, msg.HeightPx}
	t.pty = &PTY{
		Term:  cleanTerm(msg.Term, t.limits.MaxTerm),
		Size:  size.clamp(t.limits.MaxDimension),
		Modes: ParseModes(msg.Modes, t.limits.MaxModes),
	}
	return t.pty, nil
}

func (t *SessionTracker) admitEnv(r *Request) (SessionRequest, error) {
	var msg wire.Env
	if err := msg.Parse(r.Payload); err != nil {
		return nil, err
	}
	n := len(msg.Name) + len(msg.Value)
	switch {
	case t.state != programNone:
		return nil, &SessionError{r.Type, "after the program"}
	case !cleanEnv(msg):
		return nil, &SessionError{r.Type, "unusable name or value"}
	case len(t.env) >= t.limits.MaxEnv || t.envBytes+n > t.limits.MaxEnvBytes:
		return nil, &SessionError{r.Type, "too many or too long"}
	}
	t.env = append(t.env, EnvVar(msg))
	t.envBytes += n
	return EnvVar(msg), nil
}

func cleanEnv(v wire.Env) bool {
	for i := range len(v.Name) {
		if v.Name[i] == 0 || v.Name[i] == '=' {
			return false
		}
	}
	for i := range len(v.Value) {
		if v.Value[i] == 0 {
			return false
		}
	}
	return v.Name != ""
}

// Forget takes back the variable admitted last, which the server's policy refuses.
func (t *SessionTracker) Forget(v EnvVar) {
	if n := len(t.env); n > 0 && t.env[n-1] == v {
		t.env = t.env[:n-1]
		t.envBytes -= len(v.Name) + len(v.Value)
	}
}

func (t *SessionTracker) admitShell(r *Request) (SessionRequest, error) {
	if len(r.Payload) > 0 {
		return nil, &SessionError{r.Type, "has fields"}
	}
	return t.admitProgram(r, ProgramShell, "")
}

func (t *SessionTracker) admitExec(r *Request) (SessionRequest, error) {
	var msg wire.Exec
	if err := msg.Parse(r.Payload); err != nil {
		return nil, err
	}
	return t.admitProgram(r, ProgramExec, msg.Command)
}

func (t *SessionTracker) admitSubsystem(r *Request) (SessionRequest, error) {
	var msg wire.Subsystem
	if err := msg.Parse(r.Payload); err != nil {
		return nil, err
	}
	return t.admitProgram(r, ProgramSubsystem, msg.Name)
}

func (t *SessionTracker) admitProgram(r *Request, kind ProgramKind, command string) (SessionRequest, error) {
	switch {
	case t.state != programNone:
		return nil, &SessionError{r.Type, "the session has its program"}
	case r.AfterEOF:
		return nil, &SessionError{r.Type, "after EOF"}
	case len(command) > t.limits.MaxCommand:
		return nil, &SessionError{r.Type, "too long"}
	}
	for i := range len(command) {
		if command[i] == 0 {
			return nil, &SessionError{r.Type, "NUL in the command"}
		}
	}
	t.state = programRunning
	return &Program{Kind: kind, Command: command, PTY: t.pty, Env: t.env}, nil
}

func (t *SessionTracker) admitWindowChange(r *Request) (SessionRequest, error) {
	var msg wire.WindowChange
	if err := msg.Parse(r.Payload); err != nil {
		return nil, err
	}
	if t.pty == nil {
		return nil, &SessionError{r.Type, "no terminal"}
	}
	return Size(msg).clamp(t.limits.MaxDimension), nil
}

func (t *SessionTracker) admitSignal(r *Request) (SessionRequest, error) {
	var msg wire.Signal
	if err := msg.Parse(r.Payload); err != nil {
		return nil, err
	}
	switch {
	case t.state != programRunning:
		return nil, &SessionError{r.Type, "no program runs"}
	case !knownSignal(msg.Name):
		return nil, &SessionError{r.Type, "unknown signal"}
	}
	return SignalName(msg.Name), nil
}

func (t *SessionTracker) admitBreak(r *Request) (SessionRequest, error) {
	var msg wire.Break
	if err := msg.Parse(r.Payload); err != nil {
		return nil, err
	}
	if t.state != programRunning {
		return nil, &SessionError{r.Type, "no program runs"}
	}
	return BreakLength(min(time.Duration(msg.Milliseconds)*time.Millisecond, t.limits.MaxBreak)), nil
}
