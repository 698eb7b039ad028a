// Package agent speaks the SSH agent protocol (RFC 9987, OpenSSH
// PROTOCOL.agent) on both sides: with a Client private keys stay in somebody
// else's process, with a Keyring they stay in this one.
//
//	conn, err := agent.Dial(ctx, "") // $SSH_AUTH_SOCK
//	client := agent.NewClient(conn)
//	signers, err := client.Signers(ctx)
//
//	keyring := new(agent.Keyring)
//	err := keyring.Add(agent.Key{Signer: signer, Comment: "mine"})
//	err = agent.Serve(ctx, conn, keyring) // one call a connection
//
// A connection is anything that carries bytes both ways: a Unix socket, or a
// channel of type auth-agent@openssh.com, in which case it is the agent of
// whoever is on the other side.
//
// # Where things are
//
//	message.go      numbers, and the codec of what has fields
//	frame.go        length-prefixed messages on a stream
//	client.go       Client; signer.go its keys as sshkey.Signers; dial.go where it finds an agent
//	constraint.go   what may be done with a key; destination.go and where
//	keyring.go      Keyring: keys, lifetimes; lock.go its lock
//	binding.go      which sessions a connection is for, and the keys it may see
//	signdata.go     what a login signs
//	server.go       Serve
//	errors.go, limits.go
//
// # Restricted keys
//
// A key added with destinations (ssh-add -h) signs logins at those hosts only,
// and is seen only on connections on the way there. What such a connection is
// for its owner proves by session-bind@openssh.com: host key, session id, and
// the host's signature of it. Where a bind fails, restricted keys stay hidden
// for the rest of the connection. A constraint that is not understood refuses
// the key: none is kept without what was to protect it.
//
// # Goroutines and locks
//
// The package starts no goroutine but those that end a call with its context.
// Serve runs on its caller's. A Client takes one request at a time; a Keyring
// serves any number of connections, with its lock held for no signature and no
// callback.
package agent
