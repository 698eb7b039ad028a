package agent

import (
	"github.com/hawser-ssh/hawser/wire"
)

// loginData is what a client signs to log in with a key (RFC 4252 §7): slices
// are views.
type loginData struct {
	sessionID []byte
	user      string
	key       []byte
	hostKey   []byte // nil where the signature is not bound to one
}

// parse reads data that is to be signed. Anything that is not a whole publickey
// request for ssh-connection is an error.
func (d *loginData) parse(data []byte) error {
	outer := wire.NewFieldReader(data, "data to sign")
	d.sessionID = outer.BytesMax("session identifier", MaxSessionID)
	rest := outer.Rest()
	if err := outer.Done(); err != nil {
		return err
	}
	var request wire.UserauthRequest
	if err := request.Parse(rest); err != nil {
		return err
	}
	bound := request.Method == "publickey-hostbound-v00@openssh.com"
	if request.Service != "ssh-connection" || request.Method != "publickey" && !bound {
		return protocolError("data to sign is for another service or method")
	}
	r := wire.NewFieldReader(request.Payload, "publickey request")
	signed := r.Byte("has signature")
	r.Name("algorithm")
	d.user, d.key = request.User, r.Bytes("key")
	if bound {
		d.hostKey = r.Bytes("host key")
	}
	if err := r.Done(); err != nil {
		return err
	}
	if signed != 1 {
		return protocolError("data to sign asks for no signature")
	}
	return nil
}
