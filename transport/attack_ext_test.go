package transport_test

import (
	"bytes"
	"runtime"
	"slices"
	"testing"

	"github.com/hawser-ssh/hawser/transport"
	"github.com/hawser-ssh/hawser/wire"
)

func sigAlgs(names string) []byte {
	return wire.AppendExtInfo(nil, wire.Extension{Name: wire.ExtensionServerSigAlgs, Value: []byte(names)})
}

// secured returns a subject behind its handshake, not logged in. Our server
// has sent its EXT_INFO by then.
func secured(t *testing.T, role wire.Role, cfg transport.Config) *subject {
	t.Helper()
	s := attack(t, role, cfg)
	must(t, s.peer.Handshake())
	must(t, <-s.handshake)
	return s
}

// TestEXT01 is TestTER02InBetween for strict; this is the rest of it.
func TestEXT01PlaintextNotStrict(t *testing.T) {
	inBothRoles(t, func(t *testing.T, role wire.Role) {
		s := upToKexInit(t, role, transport.Config{})
		s.peer.Unmark()
		must(t, s.peer.Send(sigAlgs("ssh-rsa")))
		s.dropped(t, wire.ReasonProtocolError)
		if s.PeerSigAlgs() != nil {
			t.Error("it had an effect")
		}
	})
}

func TestEXT02Places(t *testing.T) {
	t.Run("first packet", func(t *testing.T) {
		inBothRoles(t, func(t *testing.T, role wire.Role) {
			s := secured(t, role, transport.Config{})
			must(t, s.peer.Send(sigAlgs("ssh-ed25519,rsa-sha2-256")))
			s.alive(t)
			if got := s.PeerSigAlgs(); !slices.Equal(got, []string{"ssh-ed25519", "rsa-sha2-256"}) {
				t.Errorf("server-sig-algs %q", got)
			}
		})
	})
	t.Run("second packet to a server", func(t *testing.T) {
		s := secured(t, wire.Server, transport.Config{})
		must(t, s.peer.Send(ignoreMsg))
		must(t, s.peer.Send(sigAlgs("ssh-rsa")))
		s.dropped(t, wire.ReasonProtocolError)
	})
	t.Run("second packet to a client, and something else", func(t *testing.T) {
		s := secured(t, wire.Client, transport.Config{})
		must(t, s.peer.Send(ignoreMsg))
		must(t, s.peer.Send(sigAlgs("ssh-rsa")))
		must(t, s.peer.Send(ignoreMsg))
		s.dropped(t, wire.ReasonProtocolError)
	})
	t.Run("right before success", func(t *testing.T) {
		s := secured(t, wire.Client, transport.Config{})
		must(t, s.peer.Send(sigAlgs("a")))
		must(t, s.peer.Send(ignoreMsg))
		must(t, s.peer.Send(sigAlgs("b")))
		s.login(t)
		s.alive(t)
		if got := s.PeerSigAlgs(); !slices.Equal(got, []string{"b"}) {
			t.Errorf("server-sig-algs %q", got)
		}
	})
	t.Run("a third one", func(t *testing.T) {
		s := secured(t, wire.Client, transport.Config{})
		for range 3 {
			must(t, s.peer.Send(sigAlgs("a")))
		}
		s.dropped(t, wire.ReasonProtocolError)
	})
	t.Run("after authentication", func(t *testing.T) {
		inBothRoles(t, func(t *testing.T, role wire.Role) {
			s := secured(t, role, transport.Config{})
			s.login(t)
			must(t, s.peer.Send(sigAlgs("a")))
			s.dropped(t, wire.ReasonProtocolError)
		})
	})
}

func TestEXT03Contents(t *testing.T) {
	ext := func(name string, value []byte) wire.Extension { return wire.Extension{Name: name, Value: value} }
	inBothRoles(t, func(t *testing.T, role wire.Role) {
		for name, m := range map[string][]byte{
			"unknown":  wire.AppendExtInfo(nil, ext("no-such@example.com", []byte("x")), ext("", nil), ext("a\x00b", nil)),
			"repeated": wire.AppendExtInfo(nil, ext("a", nil), ext("a", nil)),
			"200 KiB":  wire.AppendExtInfo(nil, ext("a", make([]byte, 200<<10))),
		} {
			t.Run(name, func(t *testing.T) {
				s := secured(t, role, transport.Config{})
				must(t, s.peer.Send(m))
				s.alive(t)
			})
		}
		t.Run("count", func(t *testing.T) {
			s := secured(t, role, transport.Config{})
			must(t, s.peer.Send([]byte{byte(wire.MsgExtInfo), 0xff, 0xff, 0xff, 0xff}))
			s.dropped(t, wire.ReasonProtocolError)
		})
		for n, ok := range map[int]bool{wire.MaxExtensions: true, wire.MaxExtensions + 1: false} {
			s := secured(t, role, transport.Config{})
			must(t, s.peer.Send(wire.AppendExtInfo(nil, make([]wire.Extension, n)...)))
			if ok {
				s.alive(t)
			} else {
				s.dropped(t, wire.ReasonProtocolError)
			}
		}
	})
}

func TestEXT04OnlyToWhoAsked(t *testing.T) {
	for _, asks := range []bool{true, false} {
		s := attack(t, wire.Server, transport.Config{})
		if !asks {
			s.peer.Unmark()
		}
		must(t, s.peer.Handshake())
		must(t, s.peer.Send(wire.Ping{}.Append(nil)))
		p, err := s.peer.Read()
		must(t, err)
		if got := wire.Msg(p[0]) == wire.MsgExtInfo; got != asks {
			t.Errorf("asked %v, sent %v", asks, got)
		}
	}
}

// TestEXT06Pings lets the answers pile up, before and after authentication.
func TestEXT06Pings(t *testing.T) {
	for _, authenticated := range []bool{false, true} {
		inBothRoles(t, func(t *testing.T, role wire.Role) {
			s := secured(t, role, transport.Config{})
			if authenticated {
				s.login(t)
			}
			var before, after runtime.MemStats
			runtime.GC()
			runtime.ReadMemStats(&before)
			ping := wire.Ping{Data: make([]byte, 32<<10)}.Append(nil)
			sent := 0
			for ; sent < 1000; sent++ { // far more than pipe, send buffer and queue hold
				if s.peer.Send(ping) != nil {
					break
				}
			}
			if sent == 1000 {
				t.Error("a peer that reads no answers goes on")
			}
			runtime.GC()
			runtime.ReadMemStats(&after)
			if grown := int64(after.HeapAlloc) - int64(before.HeapAlloc); grown > 8<<20 {
				t.Errorf("heap has grown by %d bytes", grown)
			}
			s.failed(t, wire.ReasonProtocolError)
		})
	}
}

func TestPingIsAnswered(t *testing.T) {
	inBothRoles(t, func(t *testing.T, role wire.Role) {
		s := secured(t, role, transport.Config{})
		for _, n := range []int{0, 1, 1000, 32 << 10} {
			data := bytes.Repeat([]byte{7}, n)
			must(t, s.peer.Send(wire.Ping{Data: data}.Append(nil)))
			p, err := s.peer.ReadMsg(wire.MsgPong)
			must(t, err)
			var pong wire.Pong
			if must(t, pong.Parse(p)); !bytes.Equal(pong.Data, data) {
				t.Errorf("%d bytes come back as %d", n, len(pong.Data))
			}
		}
	})
}

// TestPhases sends the messages of each layer where they do not belong: AUT-01,
// AUT-02, AUC-02 and AUC-08 as far as the transport decides them.
func TestPhases(t *testing.T) {
	inBothRoles(t, func(t *testing.T, role wire.Role) {
		send := func(name string, m []byte, login bool) {
			t.Run(name, func(t *testing.T) {
				s := secured(t, role, transport.Config{})
				if login {
					s.login(t)
				}
				must(t, s.peer.Send(m))
				s.dropped(t, wire.ReasonProtocolError)
			})
		}
		for m := wire.MsgGlobalRequest; m <= 127; m++ {
			send("early "+m.String(), []byte{byte(m), 0, 0, 0, 0}, false)
		}
		send("NEWKEYS", []byte{byte(wire.MsgNewKeys)}, true)
		if role == wire.Server {
			send("SUCCESS to a server", wire.UserauthSuccess{}.Append(nil), false)
			send("FAILURE to a server", wire.UserauthFailure{}.Append(nil), false)
			send("BANNER to a server", wire.UserauthBanner{}.Append(nil), false)
			send("SERVICE_ACCEPT to a server", wire.ServiceAccept{}.Append(nil), false)
			return
		}
		send("USERAUTH_REQUEST to a client", loginRequest, false)
		send("SERVICE_REQUEST to a client", wire.ServiceRequest{}.Append(nil), false)
		send("a second SUCCESS", wire.UserauthSuccess{}.Append(nil), true)
	})
}

// TestAUT01Pipelined has a channel open come along with the request that logs
// in: it was sent without knowing of the success, and is not kept for later.
func TestAUT01Pipelined(t *testing.T) {
	s := secured(t, wire.Server, transport.Config{})
	open := wire.ChannelOpen{Type: "session"}.Append(nil)
	both := append(s.peer.Seal(s.peer.Frame(loginRequest)), s.peer.Seal(s.peer.Frame(open))...)
	must(t, s.peer.SendRaw(both))
	s.dropped(t, wire.ReasonProtocolError)
	if len(s.packets) != 1 {
		t.Errorf("%d messages were delivered, want the request alone", len(s.packets))
	}
}

// TestEXT06HugePing: one that fits a packet whose answer does not.
func TestEXT06HugePing(t *testing.T) {
	inBothRoles(t, func(t *testing.T, role wire.Role) {
		s := secured(t, role, transport.Config{})
		must(t, s.peer.Send(wire.Ping{Data: make([]byte, transport.DefaultMaxPacket-100)}.Append(nil)))
		s.dropped(t, wire.ReasonProtocolError)
	})
}
