package transport_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/hawser-ssh/hawser/kex"
	"github.com/hawser-ssh/hawser/transport"
	"github.com/hawser-ssh/hawser/wire"
)

var ignoreMsg = wire.Ignore{Data: []byte("x")}.Append(nil)

// upToKexInit returns a subject that has sent its KEXINIT and waits for ours.
func upToKexInit(t *testing.T, role wire.Role, cfg transport.Config) *subject {
	t.Helper()
	s := attack(t, role, cfg)
	must(t, s.peer.Versions())
	must(t, s.peer.ReadKexInit())
	return s
}

func TestTER01IgnoreBeforeKexInit(t *testing.T) {
	inBothRoles(t, func(t *testing.T, role wire.Role) {
		s := upToKexInit(t, role, transport.Config{})
		must(t, s.peer.Send(ignoreMsg))
		must(t, s.peer.SendKexInit())
		s.dropped(t, wire.ReasonProtocolError)
	})
}

func TestTER02InBetween(t *testing.T) {
	messages := map[string][]byte{
		"IGNORE": ignoreMsg, "DEBUG": wire.Debug{}.Append(nil), "UNIMPLEMENTED": wire.Unimplemented{}.Append(nil),
		"PING": wire.Ping{}.Append(nil), "EXT_INFO": wire.AppendExtInfo(nil), "192": {192},
		"SERVICE_REQUEST": wire.ServiceRequest{Name: "ssh-userauth"}.Append(nil),
		"USERAUTH":        loginRequest, "CHANNEL_OPEN": wire.ChannelOpen{Type: "session"}.Append(nil), // KEX-12
		"EXT-01": wire.AppendExtInfo(nil, wire.Extension{Name: wire.ExtensionServerSigAlgs, Value: []byte("ssh-rsa")}),
		"KEX-01": nil, // a second KEXINIT
	}
	for name, m := range messages {
		t.Run(name, func(t *testing.T) {
			inBothRoles(t, func(t *testing.T, role wire.Role) {
				s := upToKexInit(t, role, transport.Config{})
				must(t, s.peer.SendKexInit())
				if m == nil {
					m = s.peer.Init.Append(nil)
				}
				must(t, s.peer.Send(m))
				s.dropped(t, wire.ReasonProtocolError)
				if len(s.packets) != 0 || s.PeerSigAlgs() != nil {
					t.Error("it had an effect")
				}
			})
		})
	}
}

// TestTER03 also is KEX-10 and KEX-11 for the first exchange.
func TestTER03WrongKexMessages(t *testing.T) {
	for name, m := range map[string][]byte{
		"group exchange request": wire.KexGexRequest{Min: 2048, Preferred: 2048, Max: 8192}.Append(nil),
		"32":                     {32, 0, 0, 0, 0}, "33": {33, 0, 0, 0, 0}, "49": {49},
		"NEWKEYS": wire.NewKeys{}.Append(nil),
	} {
		t.Run(name, func(t *testing.T) {
			inBothRoles(t, func(t *testing.T, role wire.Role) {
				s := upToKexInit(t, role, transport.Config{})
				must(t, s.peer.SendKexInit())
				must(t, s.peer.Send(m))
				s.dropped(t, wire.ReasonProtocolError)
			})
		})
	}
	t.Run("init to a client", func(t *testing.T) {
		s := upToKexInit(t, wire.Client, transport.Config{})
		must(t, s.peer.SendKexInit())
		must(t, s.peer.Send(wire.KexECDHInit{Public: make([]byte, 32)}.Append(nil)))
		s.dropped(t, wire.ReasonProtocolError)
	})
	t.Run("reply to a server", func(t *testing.T) {
		s := upToKexInit(t, wire.Server, transport.Config{})
		must(t, s.peer.SendKexInit())
		must(t, s.peer.Send(wire.KexECDHReply{}.Append(nil)))
		s.dropped(t, wire.ReasonProtocolError)
	})
	t.Run("a second init", func(t *testing.T) {
		s := upToKexInit(t, wire.Server, transport.Config{})
		must(t, s.peer.SendKexInit())
		must(t, s.peer.Agree())
		must(t, s.peer.ReadNewKeys())
		must(t, s.peer.SendInit())
		s.dropped(t, wire.ReasonProtocolError)
	})
	t.Run("NEWKEYS with a payload", func(t *testing.T) {
		s := upToKexInit(t, wire.Server, transport.Config{})
		must(t, s.peer.SendKexInit())
		must(t, s.peer.Agree())
		must(t, s.peer.ReadNewKeys())
		must(t, s.peer.Send([]byte{byte(wire.MsgNewKeys), 1}))
		s.dropped(t, wire.ReasonProtocolError)
	})
	t.Run("NEWKEYS twice", func(t *testing.T) {
		s := attack(t, wire.Server, transport.Config{})
		must(t, s.peer.Handshake())
		must(t, s.peer.Send(wire.NewKeys{}.Append(nil)))
		s.dropped(t, wire.ReasonProtocolError)
	})
}

// TestTER04 deletes the first packets after NEWKEYS, as the attack does, with
// IGNOREs put in before to even the numbers out.
func TestTER04PrefixTruncation(t *testing.T) {
	for _, strict := range []bool{true, false} {
		for n := 1; n <= 3; n++ {
			s := attack(t, wire.Server, protection(t, "chacha20-poly1305@openssh.com", ""))
			if !strict {
				s.peer.Unmark()
			}
			must(t, s.peer.Versions())
			for range n {
				must(t, s.peer.SendRaw(s.peer.Frame(ignoreMsg))) // the attacker's: the client does not count it
			}
			err := s.peer.Exchange()
			if !strict {
				must(t, err)
				continue // without strict the attack is known to work: it is why strict exists
			}
			if err == nil {
				t.Errorf("%d IGNOREs were accepted", n)
			}
			s.failed(t, wire.ReasonProtocolError)
		}
	}
}

func TestTER05SequenceNumbers(t *testing.T) {
	inBothRoles(t, func(t *testing.T, role wire.Role) {
		s := attack(t, role, transport.Config{})
		must(t, s.peer.Handshake()) // a Peer starts at 0 after NEWKEYS, too
		must(t, <-s.handshake)
		s.alive(t)
		s.login(t)
		for range 3 {
			must(t, s.peer.Exchange())
			s.alive(t)
		}
	})
}

// TestTER07 sends messages in a re-key, behind the peer's KEXINIT.
func TestTER07InARekey(t *testing.T) {
	inBothRoles(t, func(t *testing.T, role wire.Role) {
		for name, tt := range map[string]struct {
			m  []byte
			ok bool
		}{
			"IGNORE":        {ignoreMsg, true},
			"DEBUG":         {wire.Debug{}.Append(nil), true},
			"window adjust": {wire.ChannelWindowAdjust{Bytes: 1}.Append(nil), false},
			"KEX-14 data":   {wire.ChannelData{Data: []byte("x")}.Append(nil), false},
			"PING":          {wire.Ping{}.Append(nil), false},
		} {
			t.Run(name, func(t *testing.T) {
				s := attack(t, role, transport.Config{})
				must(t, s.peer.Handshake())
				must(t, <-s.handshake)
				s.login(t)
				must(t, s.peer.SendKexInit())
				must(t, s.peer.Send(tt.m))
				if !tt.ok {
					s.dropped(t, wire.ReasonProtocolError)
					return
				}
				must(t, s.peer.ReadKexInit())
				must(t, s.peer.Agree())
				must(t, s.peer.SendNewKeys())
				must(t, s.peer.ReadNewKeys())
				s.alive(t)
			})
		}
	})
}

// TestTER08 has the marker come from one side only, and in the wrong role.
func TestTER08NotStrict(t *testing.T) {
	inBothRoles(t, func(t *testing.T, role wire.Role) {
		for _, marker := range []string{"", kex.StrictClient, kex.StrictServer} {
			s := attack(t, role, transport.Config{})
			s.peer.Unmark()
			right := marker == kex.StrictClient && role == wire.Server || marker == kex.StrictServer && role == wire.Client
			if right {
				continue
			}
			if marker != "" {
				s.peer.Init.Kex = append(s.peer.Init.Kex, ","+marker...)
			}
			must(t, s.peer.Versions())
			must(t, s.peer.Send(ignoreMsg)) // TER-11
			must(t, s.peer.Exchange())
			must(t, <-s.handshake)
			if s.peer.SendSeq < 3 {
				t.Fatal("the numbers of a Peer that is not strict start anew")
			}
			s.alive(t)
		}
	})
}

func TestTER09LaterMarkers(t *testing.T) {
	inBothRoles(t, func(t *testing.T, role wire.Role) {
		s := attack(t, role, transport.Config{})
		must(t, s.peer.Handshake())
		must(t, <-s.handshake)
		s.login(t)
		s.peer.Unmark() // strict stays
		must(t, s.peer.Exchange())
		s.alive(t)
	})
}

func TestTER10OnlyMarkersInCommon(t *testing.T) {
	inBothRoles(t, func(t *testing.T, role wire.Role) {
		s := upToKexInit(t, role, transport.Config{})
		s.peer.Init.Kex = wire.NewNameList("unknown-kex", kex.ExtInfoClient, kex.ExtInfoServer, kex.StrictClient, kex.StrictServer)
		must(t, s.peer.SendKexInit())
		s.dropped(t, wire.ReasonKeyExchangeFailed)
	})
}

func TestTER11NotStrictInBetween(t *testing.T) {
	s := upToKexInit(t, wire.Server, transport.Config{})
	s.peer.Unmark()
	must(t, s.peer.Send(ignoreMsg))
	must(t, s.peer.SendKexInit())
	must(t, s.peer.Send(wire.Debug{}.Append(nil)))
	must(t, s.peer.Negotiate())
	must(t, s.peer.SendInit())
	must(t, s.peer.Send(ignoreMsg))
	must(t, s.peer.ReadReply())
	must(t, s.peer.SendNewKeys())
	must(t, s.peer.ReadNewKeys())
	s.alive(t)
}

func TestKEX02ManyKexInits(t *testing.T) {
	s := upToKexInit(t, wire.Server, transport.Config{})
	s.peer.Init.LanguagesCS = wire.NameList(strings.Repeat("x-language,", 1400) + "end")
	s.peer.Init.LanguagesSC = s.peer.Init.LanguagesCS
	for range 512 { // more than that the Peer cannot write: it is dropped at the second
		if s.peer.SendKexInit() != nil {
			break
		}
	}
	s.dropped(t, wire.ReasonProtocolError)
}

func TestKEX04Reserved(t *testing.T) {
	inBothRoles(t, func(t *testing.T, role wire.Role) {
		s := attack(t, role, transport.Config{})
		s.peer.Init.Reserved = 0xdeadbeef
		must(t, s.peer.Handshake())
		must(t, <-s.handshake)
		s.alive(t)
	})
}

func TestKEX05NothingInCommon(t *testing.T) {
	for _, tt := range []struct {
		what string
		set  func(m *wire.KexInit, l wire.NameList)
	}{
		{"key exchange method", func(m *wire.KexInit, l wire.NameList) { m.Kex = l }},
		{"host key algorithm", func(m *wire.KexInit, l wire.NameList) { m.HostKey = l }},
		{"client-to-server cipher", func(m *wire.KexInit, l wire.NameList) { m.CipherCS = l }},
		{"server-to-client cipher", func(m *wire.KexInit, l wire.NameList) { m.CipherSC = l }},
		{"client-to-server MAC", func(m *wire.KexInit, l wire.NameList) { m.MACCS = l }},
		{"server-to-client MAC", func(m *wire.KexInit, l wire.NameList) { m.MACSC = l }},
		{"client-to-server compression", func(m *wire.KexInit, l wire.NameList) { m.CompressionCS = l }},
		{"server-to-client compression", func(m *wire.KexInit, l wire.NameList) { m.CompressionSC = l }},
	} {
		t.Run(tt.what, func(t *testing.T) {
			inBothRoles(t, func(t *testing.T, role wire.Role) {
				s := upToKexInit(t, role, transport.Config{})
				s.peer.Offer("aes128-ctr", "hmac-sha2-256")
				tt.set(&s.peer.Init, wire.NewNameList("nothing-known"))
				must(t, s.peer.SendKexInit())
				if got := s.peer.ReadDisconnect(); got != wire.ReasonKeyExchangeFailed {
					t.Errorf("peer was told %v", got)
				}
				err := <-s.end
				n, ok := errors.AsType[*kex.NegotiationError](err)
				if !ok || n.What != tt.what {
					t.Fatalf("%v, want one about %s", err, tt.what)
				}
				theirs, ours := n.Client, n.Server
				if role == wire.Client {
					theirs, ours = ours, theirs
				}
				if !slices.Equal(theirs, []string{"nothing-known"}) || len(ours) == 0 || !strings.Contains(err.Error(), strings.Join(ours, ",")) {
					t.Errorf("lists %q and %q in %v", theirs, ours, err)
				}
			})
		})
	}
}

// guess sends a KEXINIT with first_kex_packet_follows and a guessed packet.
func guess(t *testing.T, s *subject, packet []byte) {
	t.Helper()
	s.peer.Init.FirstKexPacketFollows = true
	must(t, s.peer.Versions())
	must(t, s.peer.SendKexInit())
	if packet != nil {
		must(t, s.peer.Send(packet))
	}
	must(t, s.peer.ReadKexInit())
}

func (s *subject) finish(t *testing.T) {
	t.Helper()
	must(t, s.peer.Agree())
	must(t, s.peer.SendNewKeys())
	must(t, s.peer.ReadNewKeys())
	must(t, <-s.handshake)
	s.alive(t)
}

func TestKEX08Guesses(t *testing.T) {
	wrong := wire.KexECDHInit{Public: []byte("a guess")}.Append(nil)
	t.Run("right", func(t *testing.T) {
		s := attack(t, wire.Server, transport.Config{})
		guess(t, s, nil)
		s.finish(t) // its init is the guessed packet
	})
	t.Run("wrong method", func(t *testing.T) {
		inBothRoles(t, func(t *testing.T, role wire.Role) {
			s := attack(t, role, transport.Config{})
			s.peer.Init.Kex = append([]byte("a-guess,"), s.peer.Init.Kex...)
			guess(t, s, wrong)
			s.finish(t)
		})
	})
	t.Run("wrong host key", func(t *testing.T) {
		s := attack(t, wire.Server, transport.Config{})
		s.peer.Init.HostKey = wire.NewNameList("ssh-guess", "ssh-ed25519")
		guess(t, s, wrong)
		s.finish(t)
	})
	t.Run("two packets", func(t *testing.T) {
		s := attack(t, wire.Server, transport.Config{})
		s.peer.Init.Kex = append([]byte("a-guess,"), s.peer.Init.Kex...)
		guess(t, s, wrong)
		must(t, s.peer.Send(wrong))
		s.dropped(t, wire.ReasonKeyExchangeFailed)
	})
	t.Run("something else", func(t *testing.T) {
		s := attack(t, wire.Server, transport.Config{})
		s.peer.Init.Kex = append([]byte("a-guess,"), s.peer.Init.Kex...)
		guess(t, s, wire.NewKeys{}.Append(nil))
		s.dropped(t, wire.ReasonProtocolError)
	})
}
