package sshclient

import (
	"slices"

	"github.com/hawser-ssh/hawser/transport"
	"github.com/hawser-ssh/hawser/userauth"
)

// ConnectionState is what there is to know of a connection at one moment: what
// its transport says, and how the server has let us in. All of it is the
// caller's.
type ConnectionState struct {
	transport.ConnectionState

	User       string
	AuthMethod string   // the method that completed the login, such as "publickey"
	Factors    []string // all methods that counted, in their order, that one included
}

// ConnectionState returns the state of the connection now, or as it was in the
// end. Its Err is why it ended; after Close that is our own goodbye.
func (c *Client) ConnectionState() ConnectionState {
	return ConnectionState{
		ConnectionState: c.t.ConnectionState(),
		User:            c.user, AuthMethod: c.accepted.Method,
		Factors: append(slices.Clone(c.accepted.Partial), c.accepted.Method),
	}
}

// noteAccepted keeps how the server let us in, and tells the caller who wants
// to know.
func (c *Client) noteAccepted(uc *userauth.ClientConfig) {
	tell := uc.Accepted
	c.user = uc.User
	uc.Accepted = func(a userauth.Acceptance) {
		c.accepted = a
		c.accepted.Partial = slices.Clone(a.Partial)
		if tell != nil {
			tell(a)
		}
	}
}
