// Hawserd is an SSH server for one user: it serves commands, shells, file transfer and port forwarding as whoever
// starts it. Started without arguments it listens on 127.0.0.1:2222, makes a host key on its first run, accepts the keys
// of ~/.ssh/authorized_keys, and where it finds no credentials prints a one-time password with the ssh command to paste.
//
// Users also log in with what an authority has certified: of the cert-authority lines of the authorized keys and the file
// of -user-ca (OpenSSH's certificates), or of -x509-roots. The options of a certificate bind as those of a line do. The
// keys in the file of -revoked-keys do not log in, and none does while that cannot be read. With -hostbased-known-hosts
// the hosts of that file vouch for their users (RFC 4252 §9), each under the name that he has there too; a host is who has
// its key, at whatever address, and whoever administers it can be all of its users here.
//
// Programs of a session reach the client's agent and its X display where the client asks for that (ssh -A, ssh -X), and
// neither -agent=false nor -x11=false nor the user's key forbids it. The agent's socket and the authority file with the
// cookie lie in directories that only this user can enter, and go with the connection and the session.
//
// The file of -hostkey may be of any form that daemon/certstore opens, and is refused where others than its owner can read
// it, and so is that of -hostkey-password-file. A key with an X.509 certificate beside it is also offered with that.
//
// With -genkey TYPE FILE it makes a host key, shows its fingerprint, and ends.
//
// SIGINT, SIGTERM and SIGHUP end it: it listens no more, sessions go on for the -drain time, and the exit status is 0. A
// second one ends it at once. Under nohup SIGHUP stays ignored. There is nothing that a signal would have to read anew:
// authorized and revoked keys are read at every attempt.
//
// The exit status is 1 when something it needs is missing or refused (a busy port, a host key others can read), 2 when the
// arguments are wrong. Each failure is one line on standard error.
//
// The log has a line for each login, refused attempt, session and end of a connection, with the client's address; -v
// adds what each step of a connection came to.
//
// With -metrics it counts, for Prometheus, and shows the counts over HTTP to whoever can reach that address; no names that
// a client made up are among them. A later line of output says where: "metrics on http://HOST:PORT/metrics".
//
// # How a session flows
//
//	channel open "session"  -> session (session.go), a stream channel
//	pty-req, env            -> remembered, limited (terminal.go, env.go)
//	x11-req, auth-agent-req -> listener that becomes channels (x11.go, agent.go)
//	shell, exec, subsystem  -> program started in the request's event, its output sent after the reply
//	end of the program      -> all output, then exit-status or exit-signal, EOF, close (exec.go)
//	channel closed early    -> SIGHUP to the process group, SIGKILL after a grace period
//
// Goroutines: each running program has one that waits for it and one for each direction of data; each forwarding has
// one for each direction; each remote forward, display and agent has an accept loop. The metrics have an HTTP server.
// All end with their channel, connection or listener, and shutdown waits for them, but not for system calls on files
// that do not answer.
package main
