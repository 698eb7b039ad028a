package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"strings"
)

// suite is the protection of a connection under measurement.
type suite struct {
	Name   string // in flags and tables
	Cipher string
	MAC    string // empty with an AEAD
	extra  bool   // not measured unless named
}

var suites = [...]suite{
	{Name: "aes128-gcm", Cipher: "aes128-gcm@openssh.com"},
	{Name: "aes256-gcm", Cipher: "aes256-gcm@openssh.com"},
	{Name: "chacha20-poly1305", Cipher: "chacha20-poly1305@openssh.com"},
	{Name: "aes128-ctr+etm", Cipher: "aes128-ctr", MAC: "hmac-sha2-256-etm@openssh.com"},
	{Name: "aes256-ctr+etm", Cipher: "aes256-ctr", MAC: "hmac-sha2-256-etm@openssh.com", extra: true},
	{Name: "aes128-ctr+mac", Cipher: "aes128-ctr", MAC: "hmac-sha2-256", extra: true},
}

func suiteNames(extra bool) []string {
	var names []string
	for _, s := range suites {
		if s.extra == extra {
			names = append(names, s.Name)
		}
	}
	return names
}

func defaultSuites() string { return strings.Join(suiteNames(false), ",") }

func otherSuites() []string { return suiteNames(true) }

func findSuite(name string) (suite, error) {
	for _, s := range suites {
		if s.Name == name {
			return s, nil
		}
	}
	return suite{}, fmt.Errorf("no cipher %q", name)
}

// job is what a child process is told to do, as JSON in its arguments.
type job struct {
	Peer    string // implementation
	Work    work   // of a client
	Addr    string // of the server, for a client
	Dir     string // with the keys
	Profile string // file to write a profile to, if any
	Kex     string
	Suite   suite
	Bytes   int64 // bulk
	Count   int   // logins, round trips or connections
	Clients int   // logins at once
}

// work is what a client does.
type work string

const (
	workUp    work = "up"
	workDown  work = "down"
	workLogin work = "login"
	workTrip  work = "trip"
	workIdle  work = "idle"
)

// result is what a client prints when it is done.
type result struct {
	Seconds  float64 // of the work, without the login where that is not the work
	CPU      float64 // seconds of this process in that time
	P50, P99 float64 // microseconds, of round trips
	Memory   float64 // bytes that idle connections added to this process
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
	Open(ctx context.Context) error
	// Start runs a command in a new session.
	Start(ctx context.Context, command string) (session, error)
	Close() error
}

// session is a command that runs; Read is its output and Write its input.
type session interface {
	io.ReadWriter
	CloseWrite() error
	Wait(ctx context.Context) error
}

// peers are the implementations in Go.
var peers = [...]peer{
	{name: "hawser", newDialer: newHawserDialer, newServer: newHawserServer},
	{name: "x", newDialer: newXDialer, newServer: newXServer},
}

func findPeer(name string) (peer, error) {
	for _, p := range peers {
		if p.name == name {
			return p, nil
		}
	}
	return peer{}, fmt.Errorf("no peer %q runs in a child process", name)
}

func peerNames() []string { return []string{peers[0].name, peers[1].name, openssh} }
