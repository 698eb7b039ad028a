package agent

import (
	"errors"
	"fmt"
)

// Errors to match with errors.Is.
var (
	// ErrRefused says that the agent did not do what it was asked for. It does
	// not say why.
	ErrRefused = errors.New("agent: request refused")
	// ErrProtocol says that the other side broke the protocol or a limit. The
	// connection is closed.
	ErrProtocol = errors.New("agent: protocol error")
	// ErrNoAgent says that nothing says where the agent is.
	ErrNoAgent = errors.New("agent: no agent: SSH_AUTH_SOCK is not set")
	// ErrLocked says that the keyring is locked, or is not where it should be.
	ErrLocked = errors.New("agent: keyring is locked")
	// ErrPassphrase says that a keyring is not unlocked by a passphrase.
	ErrPassphrase = errors.New("agent: wrong passphrase for the keyring")
	// ErrNoKey says that a keyring does not have a key, or not for that use.
	ErrNoKey = errors.New("agent: no such key")
	// ErrConstraint says that a key comes with a constraint that the keyring
	// cannot enforce, or that makes no sense.
	ErrConstraint = errors.New("agent: constraint that cannot be enforced")
	// ErrFull says that a keyring has no room for another key, or for its
	// constraints.
	ErrFull = errors.New("agent: too many keys, or too long ones")
	// ErrAlgorithm says that a key does not sign as the flags of a request say.
	ErrAlgorithm = errors.New("agent: signature algorithm is not available")
	// ErrConfirmation says that whoever was asked did not agree to a signature.
	ErrConfirmation = errors.New("agent: use of the key was not confirmed")
	// ErrBinding says that a session-bind is wrong, or one too many.
	ErrBinding = errors.New("agent: session is not bound")
)

// protocolError returns an error that is ErrProtocol and says why.
func protocolError(format string, args ...any) error { return because(ErrProtocol, format, args...) }

// because returns an error that is kind and says why.
func because(kind error, format string, args ...any) error {
	return fmt.Errorf("%w: %w", kind, fmt.Errorf(format, args...))
}
