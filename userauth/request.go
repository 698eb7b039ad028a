package userauth

import "github.com/hawser-ssh/hawser/wire"

// request is a parsed USERAUTH_REQUEST (RFC 4252 §5). Unlike
// wire.UserauthRequest it takes names of any length, because an unusable name
// is answered like an unknown one and not by ending the connection. Its slices
// are views.
type request struct {
	user, service []byte
	method        string // cut to wire.MaxName+1 bytes, so that a longer one matches none
	payload       []byte // what follows the method's name
	fault         string // why nobody can have this user name, or ""
}

func parseRequest(p []byte) (request, error) {
	r := wire.NewReader(p, wire.MsgUserauthRequest)
	req := request{user: r.Bytes("user name"), service: r.Bytes("service name")}
	req.method = cut(r.Bytes("method name"))
	req.payload = r.Rest()
	return req, r.Err()
}

// signed returns what a proof in the request signs of it, but for the fields of the method: the session identifier and
// the beginning of the request (RFC 4252 §7, §9).
func (r *request) signed(sessionID []byte) []byte {
	b := wire.AppendBytes(nil, sessionID)
	b = wire.AppendBytes(wire.AppendByte(b, byte(wire.MsgUserauthRequest)), r.user)
	return wire.AppendString(wire.AppendBytes(b, r.service), r.method)
}

// cut copies at most wire.MaxName+1 bytes of a name.
func cut(name []byte) string { return string(name[:min(len(name), wire.MaxName+1)]) }
