//go:build !unix

package main

import (
	"errors"
	"os"
	"syscall"

	"github.com/hawser-ssh/hawser/connection"
)

// hangupSignal is Kill: there is no gentler one here.
var hangupSignal = os.Kill

var errNoTerminal = errors.New("terminals are not available on this system")

func shellArgs(shell, command string) []string { return []string{shell, "/C", command} }

func ownSession() *syscall.SysProcAttr { return nil }

// signal delivers KILL and TERM by ending the process; there are no other signals here.
func (p *program) signal(name string) bool {
	return (name == "KILL" || name == "TERM") && !p.ended() && p.signalGroup(os.Kill)
}

func (p *program) signalGroup(sig os.Signal) bool { return p.cmd.Process.Signal(sig) == nil }

func ending(state *os.ProcessState) connection.Exit {
	return connection.Exit{Status: uint32(state.ExitCode())}
}

// terminalsBuilt says that a pty-req is refused.
const terminalsBuilt = false

func (p *program) startTerminal(*connection.PTY) error { return errNoTerminal }
func (p *program) resize(connection.Size) bool         { return false }
func terminalEnd(error) bool                           { return false }
