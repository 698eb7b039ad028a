package fuzz

import (
	"errors"
	"testing"
	"testing/synctest"

	"github.com/hawser-ssh/hawser/userauth"
	"github.com/hawser-ssh/hawser/wire"
)

// effect is what a message does to a server in one of its phases.
type effect byte

const (
	stays    effect = '.' // the connection goes on as it was
	dies     effect = 'x' // the connection ends
	fails    effect = 'f' // a failed authentication
	proceeds effect = '+' // the next phase
)

// letter is one message of the alphabet, with its effect before the service request, while authenticating, and after
// the login (RFC 4252 §5, RFC 4253 §10, RFC 4254; rows AUT-01 to AUT-04, AUT-19, KEX-10 and KEX-11).
type letter struct {
	name    string
	payload []byte
	effects string
}

func alphabet() []letter {
	connection := wire.ServiceRequest{Name: "ssh-connection"}.Append(nil)
	none := wire.UserauthRequest{User: user, Service: "ssh-connection", Method: "unheard-of"}.Append(nil)
	return []letter{
		{"ignore", wire.Ignore{}.Append(nil), "..."},
		{"debug", wire.Debug{}.Append(nil), "..."},
		{"unimplemented", wire.Unimplemented{}.Append(nil), "..."},
		{"ping", wire.Ping{}.Append(nil), "..."},
		{"unknown number", []byte{200}, "..."},
		{"unknown authentication number", []byte{55}, "..."},
		{"service", wire.ServiceRequest{Name: "ssh-userauth"}.Append(nil), "+x."},
		{"wrong service", connection, "xx."},
		{"unknown method", none, "xf."},
		{"wrong password", passwordRequest(user, "wrong"), "xf."},
		{"wrong user", passwordRequest("v", password), "xf."},
		{"right password", passwordRequest(user, password), "x+."},
		{"success", wire.UserauthSuccess{}.Append(nil), "xxx"},
		{"failure", wire.UserauthFailure{}.Append(nil), "xxx"},
		{"service accept", wire.ServiceAccept{Name: "ssh-userauth"}.Append(nil), "xxx"},
		{"open", wire.ChannelOpen{Type: "session", Window: 1, MaxPacket: 1 << 15}.Append(nil), "xx."},
		{"global request", wire.GlobalRequest{Name: "keepalive@openssh.com", WantReply: true}.Append(nil), "xx."},
		{"unasked reply", wire.RequestSuccess{}.Append(nil), "xx."},
		{"data for no channel", wire.ChannelData{Recipient: 1 << 20}.Append(nil), "xxx"},
		{"kex init unasked", wire.KexECDHInit{Public: make([]byte, 32)}.Append(nil), "xxx"},
		{"new keys unasked", wire.NewKeys{}.Append(nil), "xxx"},
		{"number 0", []byte{0}, "xxx"},
		{"nothing", nil, "xxx"},
		{"truncated", []byte{byte(wire.MsgIgnore), 0}, "xxx"},
		{"disconnect", wire.Disconnect{Reason: wire.ReasonByApplication}.Append(nil), "xxx"},
	}
}

// model is what a server is expected to do with a sequence.
type model struct {
	phase    int // index into effects
	failures int
	dead     bool
}

func (m *model) step(l letter) {
	switch effect(l.effects[m.phase]) {
	case dies:
		m.dead = true
	case proceeds:
		m.phase++
	case fails:
		m.failures++
		m.dead = m.failures >= userauth.DefaultMaxFailures
	}
}

const loggedIn = 2 // the phase after the login

// FuzzServerSequences sends a server valid messages in any order (FUZ-03), each byte of the program being one. The
// server ends where the model does, and lets in whom the model lets in.
func FuzzServerSequences(f *testing.F) {
	letters := alphabet()
	program := func(names ...string) (p []byte) {
		for _, name := range names {
			for i, l := range letters {
				if l.name == name {
					p = append(p, byte(i))
				}
			}
		}
		return p
	}
	for i := range letters {
		f.Add([]byte{byte(i)})
		f.Add(append(program("service"), byte(i), byte(i)))
		f.Add(append(program("service", "wrong password", "right password"), byte(i), byte(i)))
		f.Add(append(program("right password", "service"), byte(i)))
	}
	for _, name := range []string{"wrong password", "wrong user", "unknown method"} {
		f.Add(program("service", name, name, name, name, name, "right password"))
		f.Add(program("service", name, name, name, name, name, name, "right password"))
	}
	f.Add(program("service", "right password", "right password", "service", "open", "open", "global request", "unasked reply"))
	f.Fuzz(func(t *testing.T, program []byte) {
		var payloads [][]byte
		var m model
		for _, b := range program[:min(len(program), maxPayloads)] {
			l := letters[int(b)%len(letters)]
			payload := l.payload
			if l.name == "open" { // a number that no other channel has
				payload = wire.ChannelOpen{Type: "session", Sender: uint32(len(payloads)), MaxPacket: 1 << 15}.Append(nil)
			}
			payloads = append(payloads, payload)
			if !m.dead {
				m.step(l)
			}
		}
		synctest.Test(t, func(t *testing.T) {
			var s server
			o := attack(t, wire.Server, 0, payloads, s.run)
			o.check(t)
			s.check(t)
			if in := s.login != nil; in != (m.phase == loggedIn) {
				t.Fatalf("let in: %v, by the model %v", in, m.phase == loggedIn)
			}
			var fault *wire.ProtocolError
			lost := errors.As(o.connErr, &fault) && fault.Reason == wire.ReasonConnectionLost
			if lost == m.dead {
				t.Fatalf("the server ended with %v, by the model it was to end by itself: %v", o.connErr, m.dead)
			}
		})
	})
}
