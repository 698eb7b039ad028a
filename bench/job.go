package main

import (
	"context"
	"fmt"
	"io"
	"net"
)

// job is what a child process is told to do, as JSON in its arguments.
type job struct {
	Peer    string // implementation
	Work    work   // of a client
	Addr    string // of the server, for a client
	Dir     string // with the keys
	Profile string // file to write a profile to, if any
	Kex     string
	HostKey string // kind
	Suite   suite
	Bytes   int64 // bulk, in all; sftp, of a file
	Count   int   // logins, round trips, channels, connections or files
	AtOnce  int   // transfers, logins or channels at once
	Write   int   // bytes that one call writes
}

// work is what a client does.
type work string

const (
	workUp    work = "up"
	workDown  work = "down"
	workLogin work = "login"
	workTrip  work = "trip"
	workOpen  work = "open"
	workIdle  work = "idle"
	workPut   work = "put"
	workGet   work = "get"
)

// isSFTP is true for what copies files.
func (w work) isSFTP() bool { return w == workPut || w == workGet }

// isTransfer is true for what moves bytes one way and ends.
func (w work) isTransfer() bool { return w == workUp || w == workDown || w.isSFTP() }

// result is what a client prints when it is done.
type result struct {
	Seconds  float64 // of the work, without the login where that is not the work
	CPU      float64 // seconds of this process in that time
	P50, P99 float64 // microseconds, of round trips
	Memory   memory  // that idle connections added to this process
}

// peer is an implementation that runs inside a child process. Both constructors read keys and settings once, so that a
// login is measured without them.
type peer struct {
	name      string
	newDialer func(j *job) (dialer, error)
	newServer func(j *job) (func(nc net.Conn) error, error) // the func serves until the connection ends
}

// dialer makes a connection to the server of a job and logs in.
type dialer func(ctx context.Context) (client, error)

// client is a logged-in connection.
type client interface {
	// Open opens a session channel and starts nothing in it.
	Open(ctx context.Context) (io.Closer, error)
	// Start runs a command in a new session, or the subsystem that it names.
	Start(ctx context.Context, command string) (session, error)
	Close() error
}

// session is a command that runs; Read is its output and Write its input.
type session interface {
	io.ReadWriter
	CloseWrite() error
	Wait(ctx context.Context) error
}

// Names of the peers that run in child processes.
const (
	hawser  = "hawser"
	xcrypto = "x" // golang.org/x/crypto/ssh
)

// peers are the implementations in Go.
var peers = [...]peer{
	{name: hawser, newDialer: newHawserDialer, newServer: newHawserServer},
	{name: xcrypto, newDialer: newXDialer, newServer: newXServer},
	{name: ceiling, newDialer: newCeilingDialer, newServer: newCeilingServer},
}

func findPeer(name string) (peer, error) {
	for _, p := range peers {
		if p.name == name {
			return p, nil
		}
	}
	return peer{}, fmt.Errorf("no peer %q runs in a child process", name)
}

// inGo is true for a peer that is no program of its own.
func inGo(name string) bool {
	_, err := findPeer(name)
	return err == nil
}

// peerNames are the columns of the tables, in their order.
func peerNames() []string { return []string{hawser, xcrypto, openssh, dropbear, asyncssh} }
