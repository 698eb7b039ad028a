//go:build unix

package main

import (
	"errors"
	"os"
	"syscall"

	"github.com/creack/pty"

	"github.com/hawser-ssh/hawser/connection"
)

const hangupSignal = syscall.SIGHUP

// signals are the names of RFC 4254 §6.10.
var signals = map[string]syscall.Signal{
	"ABRT": syscall.SIGABRT, "ALRM": syscall.SIGALRM, "FPE": syscall.SIGFPE, "HUP": syscall.SIGHUP,
	"ILL": syscall.SIGILL, "INT": syscall.SIGINT, "KILL": syscall.SIGKILL, "PIPE": syscall.SIGPIPE,
	"QUIT": syscall.SIGQUIT, "SEGV": syscall.SIGSEGV, "TERM": syscall.SIGTERM, "USR1": syscall.SIGUSR1,
	"USR2": syscall.SIGUSR2,
}

func shellArgs(shell, command string) []string { return []string{shell, "-c", command} }

func ownSession() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setsid: true} }

// signal delivers a signal by its RFC 4254 name to the program's process group. After the program's end there is nobody to
// get it: while its output waits for the client, the number may already be another's.
func (p *program) signal(name string) bool {
	sig, ok := signals[name]
	return ok && !p.ended() && p.signalGroup(sig)
}

// signalGroup signals the group the program leads. While a member lives its number is not given away.
func (p *program) signalGroup(sig os.Signal) bool {
	s, ok := sig.(syscall.Signal)
	return ok && syscall.Kill(-p.cmd.Process.Pid, s) == nil
}

// ending says how a process ended: with a status, or by a signal of RFC 4254 §6.10.
func ending(state *os.ProcessState) connection.Exit {
	ws, ok := state.Sys().(syscall.WaitStatus)
	if !ok || !ws.Signaled() {
		return connection.Exit{Status: uint32(state.ExitCode())}
	}
	for name, sig := range signals {
		if sig == ws.Signal() {
			return connection.Exit{Signal: name, CoreDumped: ws.CoreDump()}
		}
	}
	return connection.Exit{Status: 128 + uint32(ws.Signal())} // as shells report it: the RFC has no name for this one
}

// terminalsBuilt says that a pty-req can be granted.
const terminalsBuilt = true

// startTerminal runs the program on a new pseudo-terminal that it controls.
func (p *program) startTerminal(want *connection.PTY) error {
	blocking, child, err := pty.Open()
	if err != nil {
		return err
	}
	defer child.Close()
	tty := pollable(blocking) // as it comes, each Read would hold a thread, and neither Close nor a deadline would end it
	if tty != blocking {
		blocking.Close()
	}
	setModes(child, want.Modes)
	_ = setSize(tty, want.Size)
	p.cmd.Env = append(p.cmd.Env, "SSH_TTY="+child.Name())
	p.cmd.Stdin, p.cmd.Stdout, p.cmd.Stderr = child, child, child
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true, Ctty: 0}
	if err := p.cmd.Start(); err != nil {
		tty.Close()
		return err
	}
	p.tty, p.stdin, p.stdout = tty, tty, tty
	return nil
}

// resize tells the terminal and its foreground group the new size.
func (p *program) resize(s connection.Size) bool { return p.tty != nil && setSize(p.tty, s) == nil }

// terminalEnd reports whether a read error on our side of the terminal is its regular end.
func terminalEnd(err error) bool {
	return errors.Is(err, syscall.EIO) || errors.Is(err, os.ErrDeadlineExceeded)
}
