package userauth

import "github.com/hawser-ssh/hawser/transport/sshkey"

// Names of methods (RFC 4252, RFC 4256) as they stand in lists and Attempts.
const (
	MethodNone        = "none"
	MethodPublicKey   = "publickey"
	MethodPassword    = "password"
	MethodInteractive = "keyboard-interactive"
	methodHostBound   = "publickey-hostbound-v00@openssh.com"
)

// Outcome is what a server's callback decides on a request.
type Outcome uint8

// The outcomes. The zero value and any value that is none of these deny.
const (
	Deny           Outcome = iota
	Accept                 // authenticated; with ServerConfig.Chains this factor is
	Partial                // this factor is right, others are wanted too
	ChangePassword         // the password is right and must be changed first; password only
)

// String returns the outcome in lower case.
func (o Outcome) String() string {
	switch o {
	case Accept:
		return "accept"
	case Partial:
		return "partial"
	case ChangePassword:
		return "change password"
	}
	return "deny"
}

// Result is what a server's callback returns. The zero value denies.
type Result struct {
	Outcome Outcome
	// Methods are the names of methods for the answer to the client, copied.
	// With Partial they are the only ones that may follow; nil allows all that
	// are configured, except those that succeeded already (publickey may
	// succeed again with another key). With Deny they only replace the list
	// in this one answer; nil is the list of what may follow. They have no
	// effect on Accept, nor on Partial where Chains rule.
	Methods []string
	// Prompt is shown to the user with ChangePassword.
	Prompt string
	// Verify is what the signature of a key has to show, for PublicKey: the
	// zero value asks for the touch of a security key.
	Verify sshkey.VerifyOptions
	// Permissions are kept with the step, if it succeeds; not interpreted.
	Permissions Permissions
	// Reason says why, for Observe and Logger only; the peer never sees it.
	Reason string
}

// Permissions are names and values by which a callback ties rights to a
// credential; they mean what the embedder wants. They reach the Login only
// from the result of a request whose proof was verified. Taken, not copied.
type Permissions map[string]string

// Attempt describes the request that a callback is asked about. It is valid
// until the callback returns; strings may be kept.
type Attempt struct {
	User       string // UTF-8, not empty, without control characters; not otherwise safe
	Service    string // "ssh-connection"
	Method     string // one of the Method constants; for Banner what the client wrote: escape it
	HostBound  bool   // publickey: the request names our host key, and rightly
	Language   string // keyboard-interactive: the client's language tag
	Submethods string // keyboard-interactive: the client's wishes (RFC 4256 §3.1)
	SessionID  []byte // of the transport, a copy
	Requests   int    // number of this request, from 1; answers to questions count too
	Failures   int    // requests that failed so far
	Steps      []Step // factors of this user that have succeeded so far, a copy
}

// Step is a factor that succeeded.
type Step struct {
	Method      string           // one of the Method constants
	Key         sshkey.PublicKey // publickey: the key whose signature was verified
	Algorithm   string           // publickey: the signature's algorithm
	HostBound   bool             // publickey: the signature covers our host key
	Permissions Permissions      // as the callback returned them
}

// Login is a finished authentication. The embedded Step is the last one, which
// brought success.
type Login struct {
	Step
	User     string // as the client wrote it
	Service  string // "ssh-connection"
	Steps    []Step // all factors in their order, the last included
	Failures int    // requests that failed before
	Requests int    // requests of any outcome
}

// Report describes a request after it was judged, for logs and metrics.
type Report struct {
	User      string           // as the client wrote it, cut to MaxUserName bytes; escape before printing
	Method    string           // as the client wrote it, "publickey" for both forms; escape before printing
	Query     bool             // publickey without a signature; Accept then means PK_OK
	Outcome   Outcome          // as it was answered: Partial where Chains want more
	Reason    string           // why not, in words of this package or of Result.Reason
	Key       sshkey.PublicKey // publickey, where it could be parsed; not proven unless Outcome says so
	Algorithm string           // publickey
	Err       error            // what ends the connection, or nil
	Requests  int              // number of the request
	Failures  int              // requests that failed, this one included
}
