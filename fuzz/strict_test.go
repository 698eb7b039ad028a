package fuzz

import (
	"context"
	"errors"
	"io"
	"slices"
	"testing"
	"testing/synctest"

	"github.com/hawser-ssh/hawser/transport"
	"github.com/hawser-ssh/hawser/transport/sshkey"
	"github.com/hawser-ssh/hawser/transport/transporttest"
	"github.com/hawser-ssh/hawser/wire"
)

// move is one message of the first key exchange, right or wrong, in clear.
type move struct {
	name string
	send func(e *exchange) error
}

// exchange is the attacker's side of a first key exchange.
type exchange struct {
	*transporttest.Peer
	begun  bool // our KEXINIT is out
	agreed bool // the other's public value was read
}

func (e *exchange) kexInit() error {
	e.begun = true
	return e.SendKexInit()
}

// public sends our public value: as a server with a valid signature, as soon as there is something to sign.
func (e *exchange) public() error {
	if e.Role == wire.Client {
		return e.Send(wire.KexECDHInit{Public: append([]byte{9}, make([]byte, 31)...)}.Append(nil))
	}
	if !e.begun {
		return e.Send(wire.KexECDHReply{HostKey: hostKey.PublicKey().Marshal(), Public: make([]byte, 32)}.Append(nil))
	}
	if !e.agreed {
		for _, step := range []func() error{e.ReadVersion, e.ReadKexInit, e.Negotiate, e.ReadInit} {
			if err := step(); err != nil {
				return err
			}
		}
		e.agreed = true
	}
	return e.SendReply()
}

func moves() []move {
	all := []move{{"KEXINIT", (*exchange).kexInit}, {"public value", (*exchange).public}}
	for _, m := range []struct {
		name    string
		payload []byte
	}{
		{"NEWKEYS", wire.NewKeys{}.Append(nil)},
		{"IGNORE", wire.Ignore{}.Append(nil)},
		{"DEBUG", wire.Debug{}.Append(nil)},
		{"UNIMPLEMENTED", wire.Unimplemented{}.Append(nil)},
		{"DISCONNECT", wire.Disconnect{}.Append(nil)},
		{"SERVICE_REQUEST", wire.ServiceRequest{Name: "ssh-userauth"}.Append(nil)},
		{"SERVICE_ACCEPT", wire.ServiceAccept{Name: "ssh-userauth"}.Append(nil)},
		{"EXT_INFO", wire.AppendExtInfo(nil)},
		{"message of another method", wire.KexGexInit{}.Append(nil)},
		{"old group request", wire.KexGexRequestOld{Preferred: 2048}.Append(nil)},
		{"the other role's message", wire.KexECDHReply{}.Append(nil)},
		{"USERAUTH_REQUEST", passwordRequest(user, password)},
		{"USERAUTH_SUCCESS", wire.UserauthSuccess{}.Append(nil)},
		{"CHANNEL_OPEN", wire.ChannelOpen{Type: "session"}.Append(nil)},
		{"PING", wire.Ping{}.Append(nil)},
		{"unknown number", []byte{192 + 2}},
		{"number 0", []byte{0}},
		{"NEWKEYS with a payload", []byte{byte(wire.MsgNewKeys), 0}},
	} {
		all = append(all, move{m.name, func(e *exchange) error { return e.Send(m.payload) }})
	}
	return all
}

// verdict is what the attacked side made of a sequence.
type verdict int

const (
	waits verdict = iota // for more
	ended
	accepted // the handshake is done
)

// judge plays the moves against a side that waits for a handshake.
func judge(t *testing.T, role wire.Role, played []move) (v verdict) {
	synctest.Test(t, func(t *testing.T) {
		near, far := transporttest.Pipe()
		cfg := &transport.Config{HostKeys: []sshkey.Signer{hostKey}, VerifyHostKey: trustAny}
		conn := transport.Server(far, cfg)
		if role == wire.Client {
			conn = transport.Client(far, cfg)
		}
		result := make(chan error, 1)
		go func() {
			result <- conn.Handshake(context.Background())
			conn.Close()
		}()
		e := &exchange{Peer: attacker(near, role.Peer(), 0)}
		io.WriteString(near, e.Version+"\r\n")
		for _, m := range played {
			if m.send(e) != nil {
				break
			}
			synctest.Wait()
		}
		near.(interface{ CloseWrite() error }).CloseWrite()
		err := <-result
		near.Close()
		var fault *wire.ProtocolError
		switch {
		case err == nil:
			v = accepted
		case errors.As(err, &fault) && fault.Reason == wire.ReasonConnectionLost:
			v = waits
		default:
			v = ended
		}
	})
	return v
}

// TestFUZ07StrictExchange plays every sequence of up to six messages, as far as the other side has not ended before.
// With strict key exchange agreed there is one that leads to new keys (TER-01 to TER-03, KEX-01, KEX-10 to KEX-12).
func TestFUZ07StrictExchange(t *testing.T) {
	depth := 6
	if testing.Short() {
		depth = 4
	}
	for _, role := range []wire.Role{wire.Server, wire.Client} {
		t.Run(role.String(), func(t *testing.T) {
			var paths []string
			runs := 0
			alive := [][]move{nil}
			for range depth {
				var next [][]move
				for _, prefix := range alive {
					for _, m := range moves() {
						played := append(slices.Clone(prefix), m)
						switch runs++; judge(t, role, played) {
						case accepted:
							paths = append(paths, names(played))
						case waits:
							next = append(next, played)
						}
					}
				}
				alive = next
			}
			if want := []string{"KEXINIT, public value, NEWKEYS"}; !slices.Equal(paths, want) {
				t.Errorf("new keys after %q, want %q", paths, want)
			}
			t.Logf("%d sequences; %d of %d messages are still alive", runs, len(alive), depth)
		})
	}
}

func names(played []move) (s string) {
	for i, m := range played {
		if i > 0 {
			s += ", "
		}
		s += m.name
	}
	return s
}
