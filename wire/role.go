package wire

// Role says which end of a connection is meant (RFC 4253 §3).
type Role uint8

// The two ends. The zero Role is neither, so that a forgotten one is noticed.
const (
	Client Role = iota + 1
	Server
)

// Peer returns the other end.
func (r Role) Peer() Role {
	switch r {
	case Client:
		return Server
	case Server:
		return Client
	}
	return r
}

// String returns "client", "server" or "no role".
func (r Role) String() string {
	switch r {
	case Client:
		return "client"
	case Server:
		return "server"
	}
	return "no role"
}
