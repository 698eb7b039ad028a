// Package userauth is SSH user authentication (RFC 4252, RFC 4256), both
// roles: none, password with change request, hostbased, publickey with its host-bound
// form (OpenSSH PROTOCOL §3.1), and keyboard-interactive.
//
// [Serve] and [Authenticate] run on the caller's goroutine, which is the
// connection's reader. They start no goroutine; only the end of the context
// calls Transport.Abort from elsewhere.
//
// # States of the server
//
//	         SERVICE_REQUEST ssh-userauth          USERAUTH_REQUEST, valid proof
//	waiting ------------------------------> open ---------------------------------> done
//	                                       |  ^ |                                   SUCCESS
//	                 query: PK_OK          |  | | one factor of several:
//	                 wrong: FAILURE        +--+ | FAILURE, partial success true
//	                                            v
//	                                        open, with what has succeeded so far
//
// Anything else in waiting or open ends the connection with the reason in the
// returned error. What has succeeded is bound to the user's name: another name
// starts from nothing. Pipelined requests are judged in order. A new request
// while questions of keyboard-interactive are open abandons these, and they get
// no answer (RFC 4252 §5.1).
//
// # States of the client
//
//	           SERVICE_ACCEPT        none: FAILURE lists methods
//	requested ---------------> open ------------------------------> offering
//	                                 offering: FAILURE -> next credential that the list allows
//	                                 offering: SUCCESS -> done
//
// # After success
//
// RFC 4252 §5.1: further USERAUTH_REQUESTs are ignored in silence. Serve has
// returned by then, so that is the work of whoever reads the transport next: it
// drops message 50 without an answer, and treats all else from 51 to 79 as a
// protocol error. A client never sees these numbers again.
//
// # Who owns what
//
//	| what                                  | owner                                                     |
//	| packets from ReadPacket               | the transport; views until the next ReadPacket            |
//	| passwords given to callbacks          | views, cleared when the callback has returned             |
//	| keys, names, answers given to callbacks | copies, the callback may keep them                      |
//	| ServerConfig, ClientConfig            | the caller; cloned when Serve or Authenticate is called   |
//	| Login                                 | the caller of Serve                                       |
package userauth
