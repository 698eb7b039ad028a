package connection

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/hawser-ssh/hawser/wire"
)

// admit runs one request through a tracker.
func admit(t *SessionTracker, kind string, payload []byte) (SessionRequest, error) {
	return t.Admit(&Request{Type: kind, Payload: payload})
}

func refusedBy(t *testing.T, tr *SessionTracker, kind string, payload []byte) {
	t.Helper()
	if got, err := admit(tr, kind, payload); err == nil {
		t.Fatalf("%s: admitted as %v", kind, got)
	}
}

func admitted(t *testing.T, tr *SessionTracker, kind string, payload []byte) SessionRequest {
	t.Helper()
	got, err := admit(tr, kind, payload)
	if err != nil {
		t.Fatalf("%s: %v", kind, err)
	}
	return got
}

func TestCON13OneProgram(t *testing.T) {
	programs := map[string][]byte{
		reqShell:     nil,
		reqExec:      wire.Exec{Command: "ls"}.Append(nil),
		reqSubsystem: wire.Subsystem{Name: "sftp"}.Append(nil),
	}
	for first, payload := range programs {
		tr := NewSessionTracker(nil)
		refusedBy(t, tr, reqShell, []byte("extra"))
		got := admitted(t, tr, first, payload).(*Program)
		want := map[string]Program{reqShell: {Kind: ProgramShell}, reqExec: {Kind: ProgramExec, Command: "ls"},
			reqSubsystem: {Kind: ProgramSubsystem, Command: "sftp"}}[first]
		if !reflect.DeepEqual(*got, want) {
			t.Fatalf("%s: %+v", first, got)
		}
		for second, payload := range programs {
			refusedBy(t, tr, second, payload)
		}
		refusedBy(t, tr, reqPTY, wire.PtyReq{Term: "xterm"}.Append(nil))
		refusedBy(t, tr, reqEnv, wire.Env{Name: "A"}.Append(nil))
		tr.Ended()
		refusedBy(t, tr, first, payload)

		failed := NewSessionTracker(nil)
		admitted(t, failed, first, payload)
		failed.Failed()
		admitted(t, failed, first, payload)

		late := NewSessionTracker(nil)
		if _, err := late.Admit(&Request{Type: first, Payload: payload, AfterEOF: true}); err == nil {
			t.Fatalf("%s after EOF", first)
		}
	}
	// Before the confirmation of the channel: see TestCON01BeforeConfirmation.
	tr := NewSessionTracker(&SessionLimits{MaxCommand: 4})
	refusedBy(t, tr, reqExec, wire.Exec{Command: "12345"}.Append(nil))
	refusedBy(t, tr, reqExec, wire.Exec{Command: "a\x00b"}.Append(nil))
	admitted(t, tr, reqExec, wire.Exec{Command: "1234"}.Append(nil))
}

// AfterEOF is a matter of the order on the wire, not of when the callback runs.
func TestRequestAfterEOF(t *testing.T) {
	var got []string
	ev := &Events{Request: func(_ *Channel, r *Request) { got = append(got, fmt.Sprint(r.Type, r.AfterEOF)) }}
	scriptOpen(t, wire.Server, nil, ev, func(p *raw, c *Channel) {
		p.send(wire.ChannelRequest{Recipient: c.ID(), Type: "a"}, wire.ChannelEOF{Recipient: c.ID()},
			wire.ChannelRequest{Recipient: c.ID(), Type: "b"})
		p.silence()
		if fmt.Sprint(got) != "[afalse btrue]" {
			t.Fatal(got)
		}
	})
}

func TestCON14Limits(t *testing.T) {
	env := func(name, value string) []byte { return wire.Env{Name: name, Value: value}.Append(nil) }
	tr := NewSessionTracker(&SessionLimits{MaxEnv: 3, MaxEnvBytes: 20})
	refusedBy(t, tr, reqEnv, env("", "x"))
	refusedBy(t, tr, reqEnv, env("A=B", "x"))
	refusedBy(t, tr, reqEnv, env("A\x00", "x"))
	refusedBy(t, tr, reqEnv, env("A", "x\x00"))
	refusedBy(t, tr, reqEnv, env("A", "x")[:7])
	refusedBy(t, tr, reqEnv, env("A", strings.Repeat("x", 20)))
	admitted(t, tr, reqEnv, env("A", strings.Repeat("x", 15)))
	refusedBy(t, tr, reqEnv, env("B", "1234")) // 21 bytes
	admitted(t, tr, reqEnv, env("B", "1"))
	tr.Forget(EnvVar{Name: "B", Value: "1"})
	v := admitted(t, tr, reqEnv, env("B", "=2")).(EnvVar)
	admitted(t, tr, reqEnv, env("C", ""))
	refusedBy(t, tr, reqEnv, env("D", ""))
	tr.Forget(v) // not the last one: nothing happens
	got := admitted(t, tr, reqShell, nil).(*Program)
	if fmt.Sprint(got.Env) != "[{A xxxxxxxxxxxxxxx} {B =2} {C }]" {
		t.Fatal(got.Env)
	}

	tr = NewSessionTracker(nil)
	for i := range 10_000 {
		_, err := admit(tr, reqEnv, env(fmt.Sprint("V", i), "x"))
		if (err == nil) != (i < DefaultMaxEnv) {
			t.Fatalf("variable %d: %v", i, err)
		}
	}
}

func TestCON15Terminal(t *testing.T) {
	pty := func(tr *SessionTracker, term string, columns uint32, modes []byte) *PTY {
		t.Helper()
		return admitted(t, tr, reqPTY, wire.PtyReq{Term: term, Columns: columns, Modes: modes}.Append(nil)).(*PTY)
	}
	for columns, want := range map[uint32]uint32{0: 0, 80: 80, DefaultMaxDimension: DefaultMaxDimension,
		DefaultMaxDimension + 1: DefaultMaxDimension, 1<<32 - 1: DefaultMaxDimension} {
		if got := pty(NewSessionTracker(nil), "vt100", columns, nil); got.Size.Columns != want {
			t.Fatalf("%d columns become %d", columns, got.Size.Columns)
		}
	}
	for term, want := range map[string]string{"xterm-256color": "xterm-256color", "screen.xterm+x_1": "screen.xterm+x_1",
		"": "dumb", "../../etc/passwd": "dumb", "a/b": "dumb", ".x": "dumb", "-x": "dumb", "a\x00b": "dumb", "a b": "dumb",
		"\x1b[2J": "dumb", strings.Repeat("x", DefaultMaxTerm): strings.Repeat("x", DefaultMaxTerm),
		strings.Repeat("x", DefaultMaxTerm+1): "dumb", strings.Repeat("x", 64<<10): "dumb"} {
		if got := pty(NewSessionTracker(nil), term, 80, nil); got.Term != want {
			t.Fatalf("TERM %.20q becomes %q", term, got.Term)
		}
	}
	echo, speed := Mode{ModeECHO, 1}, Mode{ModeOSPEED, 38400}
	whole := AppendModes(nil, []Mode{echo, speed})
	unknown := AppendModes(nil, []Mode{{ModeCode(159), 7}})
	for name, c := range map[string]struct {
		modes []byte
		want  []Mode
	}{
		"whole":            {whole, []Mode{echo, speed}},
		"no end":           {whole[:10], []Mode{echo, speed}},
		"cut in a value":   {whole[:9], []Mode{echo}},
		"cut after a code": {whole[:6], []Mode{echo}},
		"end in between":   {append([]byte{0}, whole...), nil},
		"unknown":          {append(unknown[:5:5], whole...), []Mode{{159, 7}, echo, speed}},
		"unparseable":      {append([]byte{160}, whole...), nil},
		"after it":         {append(whole[:5:5], 255, 1, 2, 3, 4), []Mode{echo}},
	} {
		if got := pty(NewSessionTracker(nil), "vt100", 80, c.modes); !reflect.DeepEqual(got.Modes, c.want) {
			t.Fatalf("%s: %v", name, got.Modes)
		}
	}
	many := AppendModes(nil, make([]Mode, 5))
	for i := range 5 {
		many[5*i] = 1
	}
	for limit, want := range map[int]int{4: 4, 5: 5, 6: 5} {
		if got := pty(NewSessionTracker(&SessionLimits{MaxModes: limit}), "x", 1, many); len(got.Modes) != want {
			t.Fatalf("limit %d: %d modes", limit, len(got.Modes))
		}
	}
	tr := NewSessionTracker(nil)
	pty(tr, "vt100", 80, nil)
	refusedBy(t, tr, reqPTY, wire.PtyReq{Term: "xterm"}.Append(nil))
	if got := admitted(t, tr, reqShell, nil).(*Program); got.PTY == nil || got.PTY.Term != "vt100" {
		t.Fatalf("%+v", got.PTY)
	}
}

func TestCON16Signals(t *testing.T) {
	resize := wire.WindowChange{Columns: 1<<32 - 1, Rows: 24}.Append(nil)
	signal := func(name string) []byte { return wire.Signal{Name: name}.Append(nil) }
	tr := NewSessionTracker(nil)
	refusedBy(t, tr, reqWindowChange, resize)
	refusedBy(t, tr, reqSignal, signal("TERM"))
	refusedBy(t, tr, reqBreak, wire.Break{}.Append(nil))
	admitted(t, tr, reqPTY, wire.PtyReq{}.Append(nil))
	if got := admitted(t, tr, reqWindowChange, resize).(Size); got != (Size{Columns: DefaultMaxDimension, Rows: 24}) {
		t.Fatal(got)
	}
	admitted(t, tr, reqShell, nil)
	for _, name := range []string{"term", "SIGTERM", "WINCH", "9", "", "TERM\x00", strings.Repeat("A", 1<<16)} {
		refusedBy(t, tr, reqSignal, signal(name))
	}
	for _, name := range signals {
		if got := admitted(t, tr, reqSignal, signal(name)).(SignalName); string(got) != name {
			t.Fatal(got)
		}
	}
	for ms, want := range map[uint32]time.Duration{0: 0, 500: time.Second / 2, 3000: 3 * time.Second, 3001: 3 * time.Second, 1<<32 - 1: 3 * time.Second} {
		if got := admitted(t, tr, reqBreak, wire.Break{Milliseconds: ms}.Append(nil)).(BreakLength); time.Duration(got) != want {
			t.Fatal(ms, time.Duration(got))
		}
	}
	tr.Ended()
	refusedBy(t, tr, reqSignal, signal("TERM"))
	refusedBy(t, tr, reqBreak, wire.Break{}.Append(nil))
}

func TestCON17X11(t *testing.T) {
	const mit = "MIT-MAGIC-COOKIE-1"
	good := strings.Repeat("c0", 16)
	x11 := func(protocol, cookie string, screen uint32) []byte {
		return wire.X11Req{Protocol: protocol, Cookie: cookie, Screen: screen}.Append(nil)
	}
	for name, payload := range map[string][]byte{
		"no cookie":           x11(mit, "", 0),
		"odd cookie":          x11(mit, good[1:], 0),
		"cookie not hex":      x11(mit, "zz"+good, 0),
		"cookie with NUL":     x11(mit, good+"\x00\x00", 0),
		"cookie too long":     x11(mit, strings.Repeat("c0", DefaultMaxX11Cookie+1), 0),
		"huge cookie":         x11(mit, strings.Repeat("c0", 100_000), 0),
		"largest screen":      x11(mit, good, 1<<32-1),
		"screen above limit":  x11(mit, good, DefaultMaxX11Screen+1),
		"no protocol":         x11("", good, 0),
		"protocol for xauth":  x11("MIT\nadd x", good, 0),
		"protocol with slash": x11("../x", good, 0),
		"long protocol":       x11(strings.Repeat("X", maxRequestName+1), good, 0),
		"cut":                 x11(mit, good, 0)[:20],
		"trailing byte":       append(x11(mit, good, 0), 0),
	} {
		tr := NewSessionTracker(nil)
		if got, err := admit(tr, reqX11, payload); err == nil || strings.Contains(err.Error(), "c0c0") {
			t.Errorf("%s: %v, %v", name, got, err)
		}
		admitted(t, tr, reqX11, x11(mit, good, 0)) // nothing is left of it
	}
	tr := NewSessionTracker(nil)
	got := admitted(t, tr, reqX11, x11(mit, strings.Repeat("C0", DefaultMaxX11Cookie), DefaultMaxX11Screen)).(*X11)
	if got.Single || got.Protocol != mit || len(got.Cookie) != DefaultMaxX11Cookie || got.Cookie[0] != 0xc0 || got.Screen != DefaultMaxX11Screen {
		t.Errorf("%+v", got)
	}
	refusedBy(t, tr, reqX11, x11(mit, good, 0)) // twice
	admitted(t, tr, reqAgent, nil)
	admitted(t, tr, reqAgent, nil)
	refusedBy(t, tr, reqAgent, []byte{0})
	tr = NewSessionTracker(nil)
	admitted(t, tr, reqShell, nil)
	refusedBy(t, tr, reqX11, x11(mit, good, 0))
	refusedBy(t, tr, reqAgent, nil)
}

func TestCON17UnknownRequests(t *testing.T) {
	tr := NewSessionTracker(nil)
	_, err := admit(tr, "\x1b[2J", nil)
	if err == nil || strings.Contains(err.Error(), "\x1b") {
		t.Fatal(err)
	}
}

func TestCON18Exit(t *testing.T) {
	status := func(n uint32) []byte { return wire.ExitStatus{Status: n}.Append(nil) }
	signal := func(name string) []byte { return wire.ExitSignal{Signal: name, Message: "m"}.Append(nil) }
	for name, c := range map[string]struct {
		observe [][2]string // type, payload
		want    Exit
		seen    bool
		errs    int
	}{
		"none":             {},
		"other":            {observe: [][2]string{{"keepalive@openssh.com", ""}}},
		"status":           {observe: [][2]string{{reqExitStatus, string(status(3))}}, want: Exit{Status: 3}, seen: true},
		"two statuses":     {observe: [][2]string{{reqExitStatus, string(status(3))}, {reqExitStatus, string(status(0))}}, want: Exit{Status: 3}, seen: true},
		"status, signal":   {observe: [][2]string{{reqExitStatus, string(status(0))}, {reqExitSignal, string(signal("KILL"))}}, seen: true},
		"signal, status":   {observe: [][2]string{{reqExitSignal, string(signal("KILL"))}, {reqExitStatus, string(status(0))}}, want: Exit{Signal: "KILL", Message: "m"}, seen: true},
		"0, 3, 5 bytes":    {observe: [][2]string{{reqExitStatus, ""}, {reqExitStatus, "\x00\x00\x00"}, {reqExitStatus, "\x00\x00\x00\x00\x00"}, {reqExitStatus, string(status(9))}}, want: Exit{Status: 9}, seen: true, errs: 3},
		"number as name":   {observe: [][2]string{{reqExitSignal, string(signal("9"))}}, errs: 1},
		"no name":          {observe: [][2]string{{reqExitSignal, string(signal(""))}}, errs: 1},
		"control in name":  {observe: [][2]string{{reqExitSignal, string(signal("A\x1b"))}}, errs: 1},
		"cut signal":       {observe: [][2]string{{reqExitSignal, string(signal("KILL"))[:7]}}, errs: 1},
		"local extension":  {observe: [][2]string{{reqExitSignal, string(signal("BOOM@example.org"))}}, want: Exit{Signal: "BOOM@example.org", Message: "m"}, seen: true},
		"longest plus one": {observe: [][2]string{{reqExitSignal, string(signal(strings.Repeat("A", 65)))}}, errs: 1},
	} {
		var tr ExitTracker
		errs := 0
		for _, o := range c.observe {
			about, err := tr.Observe(&Request{Type: o[0], Payload: []byte(o[1])})
			if about != strings.HasPrefix(o[0], "exit-") {
				t.Fatalf("%s: about the exit: %v", name, about)
			}
			if err != nil {
				errs++
			}
		}
		if e, seen := tr.Exit(); e != c.want || seen != c.seen || errs != c.errs {
			t.Fatalf("%s: %+v %v, %d errors", name, e, seen, errs)
		}
	}
}

// Each typed request is what a tracker on the other side understands.
func TestSessionRoundTrip(t *testing.T) {
	tr := NewSessionTracker(nil)
	got := make(chan SessionRequest, 20)
	var exit ExitTracker
	ended := make(chan struct{})
	server := &Events{Request: func(_ *Channel, r *Request) {
		v, err := tr.Admit(r)
		if r.Reply(err == nil); err == nil {
			got <- v
		}
	}}
	client := &Events{
		Request: func(_ *Channel, r *Request) { exit.Observe(r) },
		Closed:  func(*Channel) { close(ended) },
	}
	c, s := pairOpen(t, nil, client, server)
	ctx := context.Background()
	size := Size{80, 24, 800, 600}
	pty := &PTY{Term: "xterm", Size: size, Modes: []Mode{{ModeECHO, 0}, {ModeISPEED, 9600}}}
	var refused *RefusedError
	if err := c.Signal(ctx, "TERM"); err != nil { // too early: refused, but nobody asked for an answer
		t.Fatal(err)
	}
	for i, step := range []struct {
		err  error
		want SessionRequest
	}{
		{c.RequestPTY(ctx, pty), pty},
		{c.Setenv(ctx, "LANG", "C"), EnvVar{"LANG", "C"}},
		{c.Exec(ctx, "run"), &Program{Kind: ProgramExec, Command: "run", PTY: pty, Env: []EnvVar{{"LANG", "C"}}}},
		{c.WindowChange(ctx, Size{Columns: 100}), Size{Columns: 100}},
		{c.Signal(ctx, "HUP"), SignalName("HUP")},
		{c.Break(ctx, time.Second), BreakLength(time.Second)},
	} {
		if step.err != nil {
			t.Fatal(i, step.err)
		}
		if v := <-got; !reflect.DeepEqual(v, step.want) {
			t.Fatalf("step %d: %+v, want %+v", i, v, step.want)
		}
	}
	for _, err := range []error{c.Shell(ctx), c.Subsystem(ctx, "sftp")} {
		if !errors.As(err, &refused) {
			t.Fatal(err)
		}
	}
	want := Exit{Signal: "SEGV", CoreDumped: true, Message: "oops", Language: "en"}
	if err := s.SendExitSignal(ctx, want); err != nil {
		t.Fatal(err)
	}
	if err := s.SendExitStatus(ctx, 1); err != nil {
		t.Fatal(err)
	}
	s.Close()
	<-ended
	if e, ok := exit.Exit(); !ok || e != want {
		t.Fatalf("%+v", e)
	}
}

// End of write at the peer (OpenSSH PROTOCOL §2.1), both ways.
func TestEOW(t *testing.T) {
	c, s := pairOpen(t, &Config{Window: 1000, MaxPacket: 1000}, nil, nil)
	wrote := make(chan error, 1)
	go func() {
		_, err := s.Write(make([]byte, 10_000))
		wrote <- err
	}()
	if err := c.SendEOW(context.Background()); err != nil {
		t.Fatal(err)
	}
	if err := <-wrote; err != ErrNotReading {
		t.Fatal(err)
	}
	if err := s.TryWrite(stdoutCode, []byte("x")); err != ErrNotReading {
		t.Fatal(err)
	}
}
