// Package connection is the SSH connection protocol (RFC 4254) for both roles: many channels with flow control over one
// authenticated transport, requests with replies in order, sessions, and forwarding.
package connection
