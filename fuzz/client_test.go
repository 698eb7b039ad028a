package fuzz

import (
	"context"
	"slices"
	"testing"
	"testing/synctest"

	"github.com/hawser-ssh/hawser/connection"
	"github.com/hawser-ssh/hawser/transport"
	"github.com/hawser-ssh/hawser/userauth"
	"github.com/hawser-ssh/hawser/wire"
)

// client is the attacked stack, and what it saw.
type client struct {
	in       bool // Authenticate succeeded
	accepted userauth.Acceptance
	early    bool // a handler ran before that
	asked    int  // credentials that were taken out: passwords, answers
}

// run is the whole of a client: it logs in with everything it has, and runs a command.
func (c *client) run(conn *transport.Conn) {
	ctx := context.Background()
	if conn.Handshake(ctx) != nil {
		return
	}
	if userauth.Authenticate(ctx, conn, c.config()) != nil {
		return
	}
	c.in = true
	m := connection.New(conn, wire.Client, &connection.Config{Handler: c})
	finished := make(chan struct{})
	go func() {
		defer close(finished)
		c.command(m)
	}()
	m.Run()
	<-finished
}

func (c *client) command(m *connection.Mux) {
	ctx := context.Background()
	var exit connection.ExitTracker
	ch, err := m.OpenSession(ctx, &connection.Events{Request: func(_ *connection.Channel, r *connection.Request) {
		exit.Observe(r)
	}})
	if err != nil {
		return
	}
	defer ch.Close()
	if ch.Exec(ctx, "true") != nil {
		return
	}
	ch.Write([]byte("input"))
	ch.CloseWrite()
	buf := make([]byte, 1024)
	for {
		if _, err := ch.Read(buf); err != nil {
			return
		}
	}
}

func (c *client) config() *userauth.ClientConfig {
	return &userauth.ClientConfig{
		User:     user,
		Accepted: func(a userauth.Acceptance) { c.accepted = a },
		Banner:   func(string) {},
		Methods: []userauth.Method{
			userauth.PublicKeys(userKey),
			userauth.Password(func(context.Context) (string, error) { c.asked++; return password, nil }),
			userauth.KeyboardInteractive(func(_ context.Context, _, _ string, prompts []wire.Prompt) ([]string, error) {
				c.asked++
				return make([]string, len(prompts)), nil
			}),
		},
	}
}

func (c *client) HandleOpen(r *connection.OpenRequest) {
	c.early = c.early || !c.in
	r.Accept(nil)
}

func (c *client) HandleGlobalRequest(r *connection.GlobalRequest) {
	c.early = c.early || !c.in
	r.Reply(true, nil)
}

// check holds whatever was sent: a client only believes to be in after SERVICE_ACCEPT and SUCCESS and a credential of
// its own (AUC-01, AUC-02), the server gets nothing served before that (AUC-08), and no credential is given out twice.
func (c *client) check(t *testing.T, payloads [][]byte) {
	t.Helper()
	if c.early {
		t.Fatal("a handler ran before the login")
	}
	if c.asked > userauth.DefaultMaxRounds {
		t.Fatalf("%d credentials were given out", c.asked)
	}
	if !c.in {
		return
	}
	if !c.accepted.Proven {
		t.Fatalf("in without a credential: %+v", c.accepted)
	}
	index := func(m wire.Msg, from int) int {
		for i, p := range payloads[from:] {
			if len(p) > 0 && wire.Msg(p[0]) == m {
				return from + i
			}
		}
		t.Fatalf("in without %v", m)
		return 0
	}
	success := index(wire.MsgUserauthSuccess, index(wire.MsgServiceAccept, 0))
	for _, p := range payloads[:success] {
		if len(p) == 0 || wire.Msg(p[0]) >= wire.MsgGlobalRequest && wire.Msg(p[0]) <= wire.MsgChannelFailure {
			t.Fatalf("in, although %x came before the login", p)
		}
	}
}

// clientStates are the states in which a client is attacked, each with what leads there.
func clientStates() [][][]byte {
	accept := wire.ServiceAccept{Name: "ssh-userauth"}.Append(nil)
	refuse := func(names ...string) []byte {
		return wire.UserauthFailure{Methods: wire.NewNameList(names...)}.Append(nil)
	}
	success := wire.UserauthSuccess{}.Append(nil)
	confirm := wire.ChannelOpenConfirmation{Sender: 5, Window: 1 << 20, MaxPacket: 1 << 15}.Append(nil)
	in := [][]byte{accept, refuse("password"), success}
	return [][][]byte{
		{},
		{accept},
		{accept, refuse("publickey")},
		{accept, refuse("password", "keyboard-interactive")},
		{accept, refuse("keyboard-interactive")},
		in,
		append(slices.Clone(in), confirm),
		append(slices.Clone(in), confirm, wire.ChannelSuccess{}.Append(nil)),
		append(slices.Clone(in), serverStates()[4][1]), // KEXINIT
	}
}

// clientAlphabet are the messages that a server may send, and some that it must not.
func clientAlphabet() [][]byte {
	failure := func(partial bool, names ...string) []byte {
		return wire.UserauthFailure{Methods: wire.NewNameList(names...), Partial: partial}.Append(nil)
	}
	request := func(kind string, payload []byte) []byte {
		return wire.ChannelRequest{Type: kind, WantReply: kind[0] != 'e', Payload: payload}.Append(nil)
	}
	return [][]byte{
		wire.ServiceAccept{Name: "ssh-userauth"}.Append(nil),
		failure(false, "password"),
		failure(false, "publickey"),
		failure(false, "keyboard-interactive"),
		failure(true, "publickey", "password", "keyboard-interactive"),
		failure(false),
		wire.UserauthSuccess{}.Append(nil),
		wire.UserauthBanner{Message: "hello\x1b[2J"}.Append(nil),
		wire.UserauthPKOK{Algorithm: "ssh-ed25519", Key: userKey.PublicKey().Marshal()}.Append(nil),
		wire.UserauthInfoRequest{Prompts: []wire.Prompt{{Text: "?"}}}.Append(nil),
		wire.UserauthInfoRequest{}.Append(nil),
		wire.UserauthPasswdChangeReq{Prompt: "new"}.Append(nil),
		wire.GlobalRequest{Name: wire.RequestHostKeys, Payload: wire.AppendBytes(nil, hostKey.PublicKey().Marshal())}.Append(nil),
		wire.GlobalRequest{Name: wire.RequestKeepalive, WantReply: true}.Append(nil),
		wire.RequestSuccess{}.Append(nil),
		wire.ChannelOpen{Type: "forwarded-tcpip", Sender: 9, Window: 9, MaxPacket: 9}.Append(nil),
		wire.ChannelOpenConfirmation{Sender: 5, Window: 1 << 20, MaxPacket: 1 << 15}.Append(nil),
		wire.ChannelOpenFailure{Reason: wire.OpenConnectFailed}.Append(nil),
		wire.ChannelSuccess{}.Append(nil),
		wire.ChannelFailure{}.Append(nil),
		wire.ChannelData{Data: []byte("output")}.Append(nil),
		wire.ChannelExtendedData{Code: wire.ExtendedStderr, Data: []byte("errors")}.Append(nil),
		wire.ChannelWindowAdjust{Bytes: 1}.Append(nil),
		request("exit-status", wire.ExitStatus{Status: 1}.Append(nil)),
		request("exit-signal", wire.ExitSignal{Signal: "KILL"}.Append(nil)),
		request("unheard-of", nil),
		wire.ChannelEOF{}.Append(nil),
		wire.ChannelClose{}.Append(nil),
		wire.AppendExtInfo(nil, wire.Extension{Name: wire.ExtensionServerSigAlgs, Value: []byte("ssh-ed25519,rsa-sha2-256")}),
		wire.Ping{}.Append(nil),
		wire.Ignore{}.Append(nil),
		wire.Disconnect{Reason: wire.ReasonByApplication}.Append(nil),
		{250},
	}
}

// attackClient runs one attack and everything that is checked after it.
func attackClient(t *testing.T, choice uint8, payloads [][]byte) {
	synctest.Test(t, func(t *testing.T) {
		var c client
		attack(t, wire.Client, choice, payloads, c.run).check(t)
		c.check(t, payloads)
	})
}

// FuzzClientPayloads sends a client arbitrary payloads behind valid MACs, in each state (FUZ-02).
func FuzzClientPayloads(f *testing.F) {
	states := clientStates()
	for state := range states {
		for i, payload := range clientAlphabet() {
			f.Add(uint8(state), uint8(i), join(payload, payload))
		}
		f.Add(uint8(state), uint8(pipelined), join(clientAlphabet()...))
		f.Add(uint8(state), uint8(0), join(nil, []byte{0}))
	}
	f.Fuzz(func(t *testing.T, state, choice uint8, script []byte) {
		attackClient(t, choice, slices.Concat(states[int(state)%len(states)], split(script)))
	})
}

// FuzzClientSequences sends a client valid messages in any order (FUZ-03), each byte of the program being one.
func FuzzClientSequences(f *testing.F) {
	letters := clientAlphabet()
	const accept, success, confirm, done = 0, 6, 16, 18
	for i := range letters {
		f.Add(uint8(0), []byte{byte(i), accept, success})
		for j := range 5 {
			f.Add(uint8(j), []byte{accept, byte(1 + j), byte(i), success})
		}
		f.Add(uint8(1), []byte{accept, 1, success, confirm, done, byte(i), byte(i)})
		f.Add(uint8(pipelined), []byte{accept, 1, success, confirm, done, byte(i), byte(i)})
	}
	f.Fuzz(func(t *testing.T, choice uint8, program []byte) {
		var payloads [][]byte
		for _, b := range program[:min(len(program), maxPayloads)] {
			payloads = append(payloads, letters[int(b)%len(letters)])
		}
		attackClient(t, choice, payloads)
	})
}
