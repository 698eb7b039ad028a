package transport_test

import (
	"context"
	"errors"
	"net"
	"testing"

	"github.com/hawser-ssh/hawser/transport"
	"github.com/hawser-ssh/hawser/transport/sshkey"
	"github.com/hawser-ssh/hawser/transport/transporttest"
	"github.com/hawser-ssh/hawser/wire"
)

// The tests in attack_*_test.go are named by the class of attack: VER version
// exchange, PKT packets, TER prefix truncation, KEX negotiation and re-key,
// EXT extensions. The rows that are tested elsewhere, or wait for a feature:
//
//	PKT-11           cipher: no decryption behind a wrong tag
//	PKT-14, PKT-15   KEX-21; cipher: the invocation counter of GCM
//	PKT-18, PKT-19   inflate_test.go
//	PKT-23, PKT-24   wire: every message truncated, extended and with wrong lengths
//	KEX-05, KEX-07   kex: negotiation
//	KEX-03, KEX-06   wire, kex: name lists; AEAD ciphers need no MAC
//	DH-01 to DH-16   kex; what takes a connection, attack_dh_test.go and attack_public_test.go
//	KEY, TRU, CRT    sshkey; connection/sshclient; daemon/cmd/hawserd

// subject is one of our connections at work against a Peer: it has done, or
// tries to do, its handshake, and then reads.
type subject struct {
	*transport.Conn
	peer      *transporttest.Peer
	handshake chan error  // one result
	packets   chan []byte // what ReadPacket returned, copies
	end       chan error  // one result: why reading ended
}

// attack starts a connection of ours in role against a Peer over memory.
func attack(t *testing.T, role wire.Role, cfg transport.Config) *subject {
	t.Helper()
	a, b := transporttest.Pipe()
	return attackOver(t, role, cfg, a, b)
}

func attackOver(t *testing.T, role wire.Role, cfg transport.Config, ours, theirs net.Conn) *subject {
	t.Helper()
	s := &subject{
		peer:      transporttest.NewPeer(theirs, role.Peer()),
		handshake: make(chan error, 1), packets: make(chan []byte, 4096), end: make(chan error, 1),
	}
	if role == wire.Client {
		cfg.VerifyHostKey = trustAny
		s.Conn = transport.Client(ours, &cfg)
	} else {
		cfg.HostKeys = []sshkey.Signer{hostKey(t)}
		s.Conn = transport.Server(ours, &cfg)
	}
	go s.run(t.Context())
	t.Cleanup(func() {
		theirs.Close()
		s.Close()
	})
	return s
}

func (s *subject) run(ctx context.Context) {
	err := s.Handshake(ctx)
	s.handshake <- err
	for err == nil {
		var p []byte
		if p, err = s.ReadPacket(); err == nil {
			s.deliver(p)
		}
	}
	s.end <- err
}

// deliver keeps a copy, and plays the part of the authentication layer: a
// USERAUTH_REQUEST logs in.
func (s *subject) deliver(p []byte) {
	select {
	case s.packets <- append([]byte(nil), p...):
	default:
	}
	switch wire.Msg(p[0]) {
	case wire.MsgUserauthRequest:
		s.WriteControl(wire.UserauthSuccess{}.Append(nil))
		s.SetAuthenticated()
	case wire.MsgUserauthSuccess:
		s.SetAuthenticated()
	}
}

// login brings the connection, after its handshake, into phase O.
func (s *subject) login(t *testing.T) {
	t.Helper()
	if s.peer.Role == wire.Server {
		must(t, s.peer.Send(wire.UserauthSuccess{}.Append(nil)))
		<-s.packets
		return
	}
	must(t, s.peer.Send(loginRequest))
	if _, err := s.peer.ReadMsg(wire.MsgUserauthSuccess); err != nil {
		t.Fatal(err)
	}
	<-s.packets
	if !s.peer.Compressed() {
		s.alive(t) // SUCCESS leaves before the server itself is open
	}
}

var loginRequest = wire.UserauthRequest{User: "u", Service: "ssh-connection", Method: "none"}.Append(nil)

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// dropped asserts the reaction DROP(reason): the peer gets a DISCONNECT with
// it, the local error carries it, and both are the end.
func (s *subject) dropped(t *testing.T, reason wire.Reason) {
	t.Helper()
	if got := s.peer.ReadDisconnect(); got != reason {
		t.Errorf("peer was told %v, want %v", got, reason)
	}
	s.failed(t, reason)
}

// failed asserts that the connection ended with an error of that reason.
func (s *subject) failed(t *testing.T, reason wire.Reason) {
	t.Helper()
	s.peer.Conn.Close()
	err := <-s.end
	if p, ok := errors.AsType[*wire.ProtocolError](err); !ok || p.Reason != reason {
		t.Errorf("local error %v, want reason %v", err, reason)
	}
	if !errors.Is(err, net.ErrClosed) {
		t.Errorf("%v does not match net.ErrClosed", err)
	}
}

// alive asserts that the connection still answers: a ping comes back.
func (s *subject) alive(t *testing.T) {
	t.Helper()
	must(t, s.peer.Send(wire.Ping{Data: []byte("alive")}.Append(nil)))
	p, err := s.peer.ReadMsg(wire.MsgPong)
	var pong wire.Pong
	if err != nil || pong.Parse(p) != nil || string(pong.Data) != "alive" {
		t.Fatalf("no answer to a ping: %q %v", p, err)
	}
}

// inBothRoles runs f against a client and against a server of ours.
func inBothRoles(t *testing.T, f func(t *testing.T, role wire.Role)) {
	t.Helper()
	for _, role := range []wire.Role{wire.Client, wire.Server} {
		t.Run(role.String(), func(t *testing.T) { f(t, role) })
	}
}
