package main

import (
	"context"

	"github.com/hawser-ssh/hawser/connection"
	"github.com/hawser-ssh/hawser/wire"
)

// session is one session channel (RFC 4254 §6). Its fields belong to the events of its connection; what runs it only
// reads those that are set when it is granted.
type session struct {
	srv     *server
	client  *client
	ch      *connection.Channel
	tracker *connection.SessionTracker // knows what may come when, and holds the limits
	pty     *connection.PTY            // nil without a terminal
	agent   string                     // path of the agent's socket, empty without
	display *display                   // nil without X11

	program *program       // nil before it is granted, and for sftp
	command string         // what runs, for the log
	runs    func(*session) // set when the program is granted, called once the reply is sent
}

// request answers a channel request. It reports whether it is granted.
func (s *session) request(r *connection.Request) bool {
	if r.Type == "pty-req" && !(terminalsBuilt && s.client.perms.mayHaveTerminal()) {
		return false
	}
	admitted, err := s.tracker.Admit(r)
	if err != nil {
		s.srv.log.Debug("request refused", "conn", s.client.id, "err", err)
		return false
	}
	switch r := admitted.(type) {
	case *connection.PTY:
		s.pty = r
		return true
	case connection.EnvVar:
		if !allowedEnv(r.Name) {
			s.tracker.Forget(r)
			return false
		}
		return true
	case *connection.Program:
		if !s.begin(r) {
			s.tracker.Failed()
			return false
		}
		return true
	case connection.AgentForwarding:
		return s.forwardAgent()
	case *connection.X11:
		return s.forwardX11(r)
	case connection.Size:
		s.pty.Size = r
		return s.program == nil || s.program.resize(r)
	case connection.SignalName:
		return s.program != nil && s.program.signal(string(r))
	case connection.BreakLength:
		return s.program != nil && s.program.tty != nil && s.program.signal("INT")
	}
	return false
}

// internalSFTP as a forced command means the sftp server that is built in.
const internalSFTP = "internal-sftp"

// begin starts what the client asked for, or what its key forces in place of that.
func (s *session) begin(r *connection.Program) bool {
	kind, command, env := r.Kind, r.Command, s.variables(r.Env)
	forced, ok := s.client.perms.forced()
	if ok {
		kind, command = connection.ProgramExec, forced
		if r.Kind != connection.ProgramShell {
			env = append(env, "SSH_ORIGINAL_COMMAND="+r.Command)
		}
	}
	switch {
	case kind == connection.ProgramSubsystem && command == "sftp", ok && forced == internalSFTP:
		s.command, s.runs = internalSFTP, (*session).runSFTP
		return true
	case kind == connection.ProgramSubsystem:
		return false
	}
	p, err := start(shellCommand(s.srv.me, kind == connection.ProgramShell, command, env), s.pty)
	if err != nil {
		s.srv.log.Error("program not started", "conn", s.client.id, "err", err)
		return false
	}
	s.program, s.command, s.runs = p, command, (*session).runProgram
	return true
}

// variables is the program's whole environment.
func (s *session) variables(fromClient []connection.EnvVar) []string {
	me, c := s.srv.me, s.client
	env := []string{
		"HOME=" + me.home, "USER=" + me.name, "LOGNAME=" + me.name, "SHELL=" + me.shell, "PATH=" + s.srv.path,
		"SSH_CLIENT=" + c.sshClient(), "SSH_CONNECTION=" + c.sshConnection(),
	}
	env = append(env, s.srv.systemEnv...)
	for _, v := range fromClient {
		env = append(env, v.Name+"="+v.Value)
	}
	env = append(env, c.perms.env...) // the last one counts: what the key's owner has set is not the client's to change
	if s.pty != nil {
		env = append(env, "TERM="+s.pty.Term)
	}
	if s.agent != "" {
		env = append(env, "SSH_AUTH_SOCK="+s.agent)
	}
	if s.display != nil {
		env = append(env, "DISPLAY="+s.display.name, "XAUTHORITY="+s.display.authority)
	}
	return env
}

// run is called when the reply to the request that began the program is sent.
func (s *session) run() {
	runs := s.runs
	if s.runs = nil; runs == nil {
		return
	}
	s.srv.log.Info("session", "conn", s.client.id, "chan", s.ch.ID(), "command", wire.Escape(s.command, 200))
	s.srv.background(func() { runs(s) })
}

// closed is called when the channel is gone. A program that still runs is ended.
func (s *session) closed() {
	if s.display != nil {
		s.display.close()
	}
	if s.program == nil {
		return
	}
	if s.runs != nil { // granted, but its reply could not be sent: nobody else waits for it
		s.srv.background(func() { s.program.wait() })
	}
	s.srv.background(s.program.abandon)
}

// runSFTP serves file transfer until the client ends it.
func (s *session) runSFTP() {
	defer s.ch.Close()
	var exit connection.Exit
	if err := serveSFTP(s.ch, s.srv.me.home); err != nil {
		s.srv.log.Debug("sftp", "conn", s.client.id, "err", err)
		exit.Status = exitFailure
	}
	s.finish(exit)
}

// finish says how the program ended and that nothing follows. Errors mean that nobody listens any more.
func (s *session) finish(exit connection.Exit) {
	ctx := context.Background() // the connection's end is the limit
	var err error
	if exit.Signal != "" {
		err = s.ch.SendExitSignal(ctx, exit)
	} else {
		err = s.ch.SendExitStatus(ctx, exit.Status)
	}
	if err == nil {
		err = s.ch.CloseWrite()
	}
	if err != nil {
		s.srv.log.Debug("end not reported", "conn", s.client.id, "err", err)
	}
}
