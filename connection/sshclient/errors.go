package sshclient

import (
	"errors"
	"fmt"
	"net"

	"github.com/hawser-ssh/hawser/connection"
	"github.com/hawser-ssh/hawser/wire"
)

// Errors that a caller can act on.
var (
	// ErrNoHostKeyPolicy says that Config.HostKey is nil. Nothing was sent to
	// the server.
	ErrNoHostKeyPolicy = errors.New("sshclient: no host key policy: set Config.HostKey to KnownHosts, FixedKey or, knowing what it means, InsecureIgnoreHostKey")
	// ErrHostKeyMismatch is FixedKey's answer to another key.
	ErrHostKeyMismatch = errors.New("sshclient: the server's host key is not the expected one")
	// ErrStarted says that a Session can run one command, shell or subsystem.
	ErrStarted = errors.New("sshclient: session already started")
	// ErrNotStarted says that there is nothing to wait for.
	ErrNotStarted = errors.New("sshclient: session not started")
	// ErrStreamTaken says that Stdin, Stdout or Stderr was already set or
	// asked for as a pipe.
	ErrStreamTaken = errors.New("sshclient: stream already taken")
)

// maxErrorText bounds the peer's words in errors.
const maxErrorText = 256

// ConfigError says what is wrong with an argument; nothing was sent.
type ConfigError struct{ Field, Problem string }

// Error returns field and problem.
func (e *ConfigError) Error() string { return "sshclient: " + e.Field + ": " + e.Problem }

// ExitError says that the remote command ended with a status other than 0 or
// by a signal (RFC 4254 §6.10).
type ExitError struct{ connection.Exit }

// Error describes the end; the server's words are escaped.
func (e *ExitError) Error() string {
	if e.Signal == "" {
		return fmt.Sprintf("sshclient: remote command exited with status %d", e.Status)
	}
	text := "sshclient: remote command ended by signal " + wire.Escape(e.Signal, maxErrorText)
	if e.CoreDumped {
		text += " (core dumped)"
	}
	if e.Message != "" {
		text += ": " + wire.Escape(e.Message, maxErrorText)
	}
	return text
}

// ExitMissingError says that the server closed the session without a word on
// how the command ended.
type ExitMissingError struct{}

// Error says so.
func (*ExitMissingError) Error() string {
	return "sshclient: session closed without an exit status"
}

// closedError is an end that matches net.ErrClosed.
type closedError string

func (e closedError) Error() string   { return string(e) }
func (closedError) Is(err error) bool { return err == net.ErrClosed }

const errSessionClosed closedError = "sshclient: session closed"

// connectionEnded is what a session returns whose connection ended before its
// command did. It matches net.ErrClosed.
type connectionEnded struct{ cause error }

func (e *connectionEnded) Error() string   { return "sshclient: connection ended: " + e.cause.Error() }
func (e *connectionEnded) Unwrap() []error { return []error{e.cause, net.ErrClosed} }
