// Package daemon is an SSH server to embed: a [Daemon] whose events ask the
// program what to allow and tell it what happened.
//
//	d := daemon.New()
//	d.OnSSHUserAuthRequest = func(e *daemon.SSHUserAuthRequestEvent) { e.Accept = check(e) }
//	d.SetHostKeys(key)
//	d.StartListening()
//
// SetHostKeys takes keys that the program has; the SSHCert properties take
// them from a file or store of any form that package certstore opens.
//
// It assembles the layers below it: transport (RFC 4253), userauth (RFC 4252)
// and connection (RFC 4254).
//
// # The life of a connection
//
//	ConnectionRequest -> refused
//	   | Accept
//	Connected -> SSHStatus lines of the key exchange
//	   |
//	SSHServiceRequest (ssh-userauth) -> SSHUserAuthRequest for each attempt
//	   | Accept
//	SSHGlobalRequest, and for each channel:
//	   SSHChannelOpenRequest -> refused
//	      | Accept
//	   Opened, ReadyToSend, (Request, Requested | DataIn | ReadyToSend)*, EOF, Closed
//	   |
//	Disconnected: always, once, and last
//
// Once the program has ended a connection, or closed a channel, it is neither
// asked nor told any more what the client sends there, until the Closed and
// Disconnected events. What came before a client's own end is delivered.
//
// Everything is denied unless a handler allows it: what no handler answers,
// what a handler leaves alone, and what a handler panics over. The exceptions
// are connection requests and the service requests that the protocol expects,
// which are only there to be refused.
//
// # Who runs what
//
// Events of one connection never overlap and keep their order; those of
// different connections run in parallel. Every method may be called from
// inside every event and from any goroutine; what a method causes is fired
// after the event it was called from.
//
//	goroutine                        owner         may wait on
//	accept loop, one a listener      StopListening the listener
//	connection, one a connection     Shutdown      the socket, before login also handlers
//	channel pump, while there is work  the mux     handlers
//	notifier, while there is work    its connection handlers
//
// Locks are taken in the order event queue of a connection, registry, channel,
// send state, and none of them is held while a handler runs.
//
// # Seeing what happens
//
// Every connection says what becomes of it in OnSSHStatus and OnLog, and, with
// SetLogger, to log/slog: never a payload, a password or a key.
// [SSHConnection.ConnectionState] is what is known of one: versions, algorithms
// both ways, fingerprints of the software on either side, traffic, re-keys, how
// the client has logged in, and why it ended. [Daemon.SetMetrics] is for
// counting; package metrics does it for Prometheus. [Daemon.SetKeyLogWriter] lets
// Wireshark read a capture, for debugging only.
//
// MIGRATION.md says where a program that was written for the reference component
// finds each of its names.
//
// # Ownership of data
//
// The []byte fields of events are views, valid until the handler returns. The
// []byte arguments of methods stay the caller's and are copied before the
// method returns; the []byte results are the caller's to keep.
package daemon
