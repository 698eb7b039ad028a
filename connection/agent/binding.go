package agent

import (
	"bytes"

	"github.com/hawser-ssh/hawser/transport/sshkey"
)

// binding is one session that a connection goes through, or ends at.
type binding struct {
	hostKey    sshkey.PublicKey
	sessionID  []byte
	forwarding bool // the agent is forwarded over the session; else it logs in there
}

// bindings are the sessions that a connection has proved to be for, from where
// the agent runs onwards.
type bindings struct {
	list  []binding
	tried bool // without a bind that succeeded, restricted keys are hidden then
}

// bind records a session after it has checked the host's signature. None can be
// recorded twice. An error is ErrBinding.
func (b *bindings) bind(m *sessionBind) error {
	key, err := sshkey.ParsePublicKey(m.hostKey)
	if err != nil {
		return because(ErrBinding, "host key: %w", err)
	}
	if !signedBy(key, m.sessionID, m.signature) {
		return because(ErrBinding, "signature of the host key does not verify")
	}
	for _, old := range b.list {
		if !old.forwarding {
			return because(ErrBinding, "connection is bound to a login already")
		}
		if bytes.Equal(old.sessionID, m.sessionID) {
			return because(ErrBinding, "session is bound already")
		}
	}
	if len(b.list) == MaxBindings {
		return because(ErrBinding, "more than %d sessions", MaxBindings)
	}
	b.list = append(b.list, binding{key, bytes.Clone(m.sessionID), m.forwarding})
	return nil
}

// signedBy reports whether the signature of a key exchange is by key, with any
// algorithm of its type, an insecure one where there is no other.
func signedBy(key sshkey.PublicKey, data, signature []byte) bool {
	for _, algorithm := range sshkey.AlgorithmsFor(key.Type()) {
		if key.Verify(algorithm, data, signature) == nil {
			return true
		}
	}
	return false
}

// allows reports whether a key with these destinations may be seen on the
// connection, and with a user, whether it may log in as that one where the
// connection ends.
func (b *bindings) allows(destinations []Destination, user *string) bool {
	if destinations == nil {
		return true
	}
	if len(b.list) == 0 {
		return !b.tried && user == nil // who is local may see it, and has nowhere to log in
	}
	var from sshkey.PublicKey
	for i, hop := range b.list {
		last := i == len(b.list)-1
		if !last && !hop.forwarding || last && hop.forwarding && user != nil {
			return false
		}
		asked := user
		if !last {
			asked = nil
		}
		if !anyAllows(destinations, from, hop.hostKey, asked) {
			return false
		}
		from = hop.hostKey
	}
	// Where the agent is forwarded to, a key shows that is of use beyond it.
	return !b.list[len(b.list)-1].forwarding || anyAllows(destinations, from, nil, nil)
}

func anyAllows(list []Destination, from, to sshkey.PublicKey, user *string) bool {
	for i := range list {
		if list[i].allows(from, to, user) {
			return true
		}
	}
	return false
}

// allowsLogin reports whether a restricted key may sign data: a login with that
// very key, in the session that the connection is bound to last.
func (b *bindings) allowsLogin(destinations []Destination, key, data []byte) (user string, ok bool) {
	if len(b.list) == 0 {
		return "", false
	}
	var login loginData
	if login.parse(data) != nil || !bytes.Equal(login.key, key) {
		return "", false
	}
	last := b.list[len(b.list)-1]
	switch {
	case !b.allows(destinations, &login.user):
	case !bytes.Equal(login.sessionID, last.sessionID):
	case login.hostKey == nil && len(b.list) > 1: // only the first hop could do without
	case login.hostKey != nil && !bytes.Equal(login.hostKey, last.hostKey.Marshal()):
	default:
		return login.user, true
	}
	return "", false
}
