package fuzz

import (
	"context"
	"slices"
	"testing"
	"testing/synctest"

	"github.com/hawser-ssh/hawser/connection"
	"github.com/hawser-ssh/hawser/transport"
	"github.com/hawser-ssh/hawser/transport/sshkey"
	"github.com/hawser-ssh/hawser/userauth"
	"github.com/hawser-ssh/hawser/wire"
)

const (
	user     = "u"
	password = "right"
)

// server is the attacked stack, and what it saw.
type server struct {
	proved bool // a callback was shown a valid proof
	login  *userauth.Login
	early  bool // the connection layer was entered without a login
}

// run is the whole of a server that takes everything that a client who logged in may ask for.
func (s *server) run(c *transport.Conn) {
	ctx := context.Background()
	if c.Handshake(ctx) != nil {
		return
	}
	login, err := userauth.Serve(ctx, c, s.config())
	if err != nil {
		return
	}
	s.login = login
	connection.New(c, wire.Server, &connection.Config{Handler: s}).Run()
}

func (s *server) config() *userauth.ServerConfig {
	judge := func(ok bool) userauth.Result {
		if !ok {
			return userauth.Result{}
		}
		s.proved = true
		return userauth.Result{Outcome: userauth.Accept}
	}
	return &userauth.ServerConfig{
		FailureFloor: -1, // an answer that waits would make the next message a pipelined one
		Password: func(_ context.Context, a *userauth.Attempt, p []byte) userauth.Result {
			return judge(a.User == user && string(p) == password)
		},
		PublicKey: func(_ context.Context, a *userauth.Attempt, key sshkey.PublicKey, _ string, verified bool) userauth.Result {
			ok := a.User == user && sshkey.Equal(key, userKey.PublicKey())
			if !verified && ok {
				return userauth.Result{Outcome: userauth.Accept}
			}
			return judge(ok)
		},
		KeyboardInteractive: func(_ context.Context, a *userauth.Attempt,
			ask func(name, instruction string, prompts []wire.Prompt) ([]string, error)) userauth.Result {
			answers, err := ask("", "", []wire.Prompt{{Text: "one"}, {Text: "two"}})
			return judge(err == nil && a.User == user && slices.Equal(answers, []string{"1", "2"}))
		},
	}
}

func (s *server) HandleOpen(r *connection.OpenRequest) {
	s.early = s.early || s.login == nil
	answer := func(_ *connection.Channel, r *connection.Request) { r.Reply(true) }
	r.Accept(&connection.Events{Request: answer, Data: func(ch *connection.Channel, code uint32, p []byte) {
		ch.TryWrite(code, p)
	}})
}

func (s *server) HandleGlobalRequest(r *connection.GlobalRequest) {
	s.early = s.early || s.login == nil
	r.Reply(true, r.Payload)
}

// check holds whatever was sent: nobody is in without a proof, and nothing is served to who is not in.
func (s *server) check(t *testing.T) {
	t.Helper()
	if s.login != nil && !s.proved {
		t.Fatalf("%+v without a proof", s.login)
	}
	if s.early {
		t.Fatal("a handler ran before the login")
	}
}

// The states in which a server is attacked (N, A, O and R of the list of attacks), each with what leads there.
func serverStates() [][][]byte {
	service := wire.ServiceRequest{Name: "ssh-userauth"}.Append(nil)
	login := passwordRequest(user, password)
	open := wire.ChannelOpen{Type: "session", Sender: 3, Window: 1 << 20, MaxPacket: 1 << 15}.Append(nil)
	init := (&wire.KexInit{Kex: wire.NewNameList("curve25519-sha256"), HostKey: wire.NewNameList("ssh-ed25519"),
		CipherCS: wire.NewNameList("aes128-ctr"), CipherSC: wire.NewNameList("aes128-ctr"),
		MACCS: wire.NewNameList("hmac-sha2-256"), MACSC: wire.NewNameList("hmac-sha2-256"),
		CompressionCS: wire.NewNameList("none"), CompressionSC: wire.NewNameList("none")}).Append(nil)
	return [][][]byte{
		{},
		{service},
		{service, login, open},
		{service, login, open, init},
		{service, init},
	}
}

func passwordRequest(user, password string) []byte {
	return wire.UserauthRequest{User: user, Service: "ssh-connection", Method: "password",
		Payload: wire.UserauthPassword{Password: []byte(password)}.Append(nil)}.Append(nil)
}

// FuzzServerPayloads sends a server arbitrary payloads behind valid MACs, in each state (FUZ-02).
func FuzzServerPayloads(f *testing.F) {
	states := serverStates()
	for state := range states {
		for choice := range protection {
			for _, script := range serverSeeds() {
				f.Add(uint8(state), uint8(choice), script)
				f.Add(uint8(state), uint8(choice|pipelined), script)
			}
		}
	}
	f.Fuzz(func(t *testing.T, state, choice uint8, script []byte) {
		payloads := slices.Concat(states[int(state)%len(states)], split(script))
		synctest.Test(t, func(t *testing.T) {
			var s server
			attack(t, wire.Server, choice, payloads, s.run).check(t)
			s.check(t)
		})
	})
}

// serverSeeds are scripts with the messages that a server reads.
func serverSeeds() [][]byte {
	point := append([]byte{9}, make([]byte, 31)...)
	none := wire.UserauthRequest{User: user, Service: "ssh-connection", Method: "none"}.Append(nil)
	query := wire.UserauthPublicKey{Algorithm: "ssh-ed25519", Key: userKey.PublicKey().Marshal()}.Append(nil)
	ask := wire.UserauthInteractive{}.Append(nil)
	request := func(method string, payload []byte) []byte {
		return wire.UserauthRequest{User: user, Service: "ssh-connection", Method: method, Payload: payload}.Append(nil)
	}
	channel := func(kind string, payload []byte) []byte {
		return wire.ChannelRequest{Recipient: 0, Type: kind, WantReply: true, Payload: payload}.Append(nil)
	}
	return [][]byte{
		nil,
		join(nil, []byte{0}, []byte{200}),
		join(none, request("publickey", query), request("keyboard-interactive", ask),
			wire.UserauthInfoResponse{Answers: []string{"1", "2"}}.Append(nil)),
		join(channel("env", wire.Env{Name: "LANG", Value: "C"}.Append(nil)), channel("pty-req", wire.PtyReq{Term: "xterm"}.Append(nil)),
			channel("exec", wire.Exec{Command: "true"}.Append(nil)), wire.ChannelData{Data: []byte("data")}.Append(nil),
			wire.ChannelExtendedData{Code: 1, Data: []byte("data")}.Append(nil), wire.ChannelWindowAdjust{Bytes: 1 << 31}.Append(nil),
			wire.ChannelEOF{}.Append(nil), wire.ChannelClose{}.Append(nil)),
		join(wire.GlobalRequest{Name: "tcpip-forward", WantReply: true, Payload: wire.TCPIPForward{Host: "h", Port: 1}.Append(nil)}.Append(nil),
			wire.RequestSuccess{}.Append(nil), wire.RequestFailure{}.Append(nil), wire.ChannelSuccess{}.Append(nil),
			wire.ChannelOpenConfirmation{}.Append(nil), wire.ChannelOpenFailure{}.Append(nil)),
		join(wire.KexECDHInit{Public: point}.Append(nil), wire.NewKeys{}.Append(nil), wire.Ignore{}.Append(nil)),
		join(wire.AppendExtInfo(nil, wire.Extension{Name: "ping@openssh.com", Value: []byte("0")}), wire.Ping{Data: []byte("p")}.Append(nil),
			wire.Debug{Message: "m"}.Append(nil), wire.Unimplemented{}.Append(nil), wire.Disconnect{Reason: 11}.Append(nil)),
	}
}
