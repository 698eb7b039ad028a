// Package sshclient is an SSH client: it assembles transport, userauth and
// connection (RFC 4253, 4252, 4254).
//
//	client, err := sshclient.Dial(ctx, "tcp", "host.example:22", &sshclient.Config{
//		User:    "user",
//		Auth:    []userauth.Method{userauth.PublicKeys(signer)},
//		HostKey: sshclient.KnownHosts("/home/user/.ssh/known_hosts"),
//	})
//	if err != nil {
//		return err
//	}
//	defer client.Close()
//	out, err := client.Output(ctx, "uname -a")
//
// A jump host is a client whose Dial makes the connection of the next one:
//
//	nc, err := jump.Dial(ctx, "tcp", "inner.example:22")
//	client, err := sshclient.NewClient(ctx, nc, "inner.example:22", cfg)
//
// Keys can stay in an agent: AgentKeys(UserAgent) in Config.Auth logs in with
// those of the user's, and Config.ForwardAgent lets servers use it.
//
// # Order
//
//	Dial -> key exchange -> Config.HostKey -> authentication -> Client
//	                             |
//	                             +-> error: DISCONNECT (9), no credential was sent
//
//	Session:  NewSession -> Setenv, RequestPTY -> Start | Shell | Subsystem -> Signal, WindowChange -> Wait
//
// # Goroutines
//
//	| goroutine                     | owner, who joins it | ends with                               |
//	| reader, one a Client         | Client.Close        | the connection                          |
//	| learner, one a Client at most | reader            | Config.LearnHostKeys, the connection    |
//	| forwarded agent, one a connection to it | reader | that, its channel, the connection |
//	| copy of Stdout, Stderr       | Session.Wait        | the end of the session's output         |
//	| copy of Stdin, where set     | nobody, see Session | Stdin's end, or its next Read           |
//
// Errors are those of the layers below, or the types in errors.go; all that
// come from an ended connection match net.ErrClosed with errors.Is.
package sshclient
