package transport_test

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/hawser-ssh/hawser/cipher"
	"github.com/hawser-ssh/hawser/mac"
	"github.com/hawser-ssh/hawser/transport"
	"github.com/hawser-ssh/hawser/wire"
)

// seen is what the hooks of one end were shown, by point and direction.
type seen struct {
	mu     sync.Mutex
	raw    [2][]byte
	sealed [2][][]byte
	plain  [2][][]byte
	msgs   [2][][]byte
	states []transport.LabState
}

// watch returns a Lab that notes everything and changes nothing.
func (s *seen) watch() *transport.Lab {
	note := func(list *[2][][]byte) transport.LabHook {
		return func(e transport.LabEvent) [][]byte {
			s.mu.Lock()
			defer s.mu.Unlock()
			list[e.Direction] = append(list[e.Direction], bytes.Clone(e.Bytes))
			return e.Pass()
		}
	}
	return &transport.Lab{
		Raw: func(e transport.LabEvent) [][]byte {
			s.mu.Lock()
			defer s.mu.Unlock()
			s.raw[e.Direction] = append(s.raw[e.Direction], e.Bytes...)
			return e.Pass()
		},
		Sealed: note(&s.sealed), Plain: note(&s.plain), Message: note(&s.msgs),
		State: func(e transport.LabEvent) [][]byte {
			s.mu.Lock()
			defer s.mu.Unlock()
			s.states = append(s.states, e.State)
			return nil
		},
	}
}

// cipherConfig has one cipher, and one MAC for those that need one.
func cipherConfig(t *testing.T, name, macName string) transport.Config {
	t.Helper()
	c, err := cipher.Lookup(name)
	must(t, err)
	m, err := mac.Lookup(macName)
	must(t, err)
	return transport.Config{Ciphers: c, MACs: m}
}

// TestLabSees: both ends of a connection with a Lab are shown the same at all
// points, with every kind of cipher, and the connection notices nothing.
func TestLabSees(t *testing.T) {
	for _, c := range []struct{ cipher, mac, compression string }{
		{"aes128-gcm@openssh.com", "hmac-sha2-256", "none"},
		{"chacha20-poly1305@openssh.com", "hmac-sha2-256", "zlib"},
		{"aes128-ctr", "hmac-sha2-256-etm@openssh.com", "none"},
		{"aes256-ctr", "hmac-sha2-512", "zlib@openssh.com"},
		{"aes128-cbc", "hmac-sha2-256", "none"},
	} {
		t.Run(c.cipher+" "+c.mac, func(t *testing.T) {
			cfg := cipherConfig(t, c.cipher, c.mac)
			cfg.Compression = []string{c.compression}
			var client, server seen
			a, b := cfg, cfg
			a.Lab, b.Lab = client.watch(), server.watch()
			x, y := connect(t, a, b)
			exchangeSome(t, x, y)
			compareSeen(t, &client, &server)
			want := []transport.LabState{transport.LabKex, transport.LabAuth, transport.LabOpen, transport.LabRekey, transport.LabOpen, transport.LabClosed}
			if !slices.Equal(client.states, want) || !slices.Equal(server.states, want) {
				t.Errorf("states %v and %v, want %v", client.states, server.states, want)
			}
		})
	}
}

// exchangeSome sends data both ways, before and after a re-key, and ends the
// connection.
func exchangeSome(t *testing.T, x, y *transport.Conn) {
	t.Helper()
	echoes := make(chan []byte)
	var readers sync.WaitGroup
	readers.Go(func() {
		for p, err := y.ReadPacket(); err == nil; p, err = y.ReadPacket() {
			y.WritePacket(nil, p, nil)
		}
	})
	readers.Go(func() {
		for p, err := x.ReadPacket(); err == nil; p, err = x.ReadPacket() {
			echoes <- bytes.Clone(p)
		}
	})
	for i := range 4 {
		payload := wire.ChannelData{Recipient: 7, Data: bytes.Repeat([]byte{byte(i)}, 1<<(4*i))}.Append(nil)
		if i == 2 {
			must(t, x.Rekey(t.Context()))
		}
		must(t, x.WritePacket(nil, payload, nil))
		if p := <-echoes; !bytes.Equal(p, payload) {
			t.Errorf("echo %d: %d bytes of %d", i, len(p), len(payload))
		}
	}
	must(t, x.Close())
	readers.Wait()
	must(t, y.Close())
}

// compareSeen compares what client and server were shown.
func compareSeen(t *testing.T, client, server *seen) {
	t.Helper()
	for d, name := range map[transport.Direction]string{transport.Outgoing: "to the server", transport.Incoming: "to the client"} {
		other := 1 - d
		if d == transport.Outgoing && !bytes.Equal(client.raw[d], server.raw[other]) {
			t.Errorf("%s: raw bytes differ", name)
		}
		for point, lists := range map[string][2][][]byte{
			"sealed": {client.sealed[d], server.sealed[other]}, "plain": {client.plain[d], server.plain[other]}, "messages": {client.msgs[d], server.msgs[other]},
		} {
			n := min(len(lists[0]), len(lists[1])) // what the server says at its end nobody reads
			if n < 10 || !slices.EqualFunc(lists[0][:n], lists[1][:n], bytes.Equal) || d == transport.Outgoing && n != len(lists[0]) {
				t.Errorf("%s: %d and %d %s, which differ", name, len(lists[0]), len(lists[1]), point)
			}
		}
		_, packets, _ := bytes.Cut(client.raw[d], []byte("\r\n"))
		if sealed := bytes.Join(client.sealed[d], nil); !bytes.HasPrefix(packets, sealed) && !bytes.HasPrefix(sealed, packets) {
			t.Errorf("%s: raw bytes are not the sealed packets", name)
		}
	}
}

// TestLabOutgoing: a Lab in one end does one thing, and the other end, a Peer
// of the tests, gets to see it.
func TestLabOutgoing(t *testing.T) {
	ping := wire.Ping{Data: []byte("x")}.Append(nil)
	isPing := func(e transport.LabEvent) bool { return e.Direction == transport.Outgoing && e.Msg() == wire.MsgPing }
	replace := func(with ...[]byte) transport.LabHook {
		return func(e transport.LabEvent) [][]byte {
			if !isPing(e) {
				return e.Pass()
			}
			return with
		}
	}
	pong := wire.Pong{Data: []byte("changed")}.Append(nil)
	for name, c := range map[string]struct {
		lab  transport.Lab
		want []string // payloads, in front of the "end" that follows
	}{
		"changed":  {transport.Lab{Message: replace(pong)}, []string{string(pong)}},
		"dropped":  {transport.Lab{Message: replace()}, nil},
		"empty":    {transport.Lab{Message: replace(nil, []byte{})}, nil},
		"repeated": {transport.Lab{Message: replace(ping, ping)}, []string{string(ping), string(ping)}},
		"injected": {transport.Lab{Message: replace([]byte{255}, ping)}, []string{"\xff", string(ping)}},
		"a packet of its own making": {transport.Lab{Plain: func(e transport.LabEvent) [][]byte {
			if e.Direction == transport.Outgoing && wire.Msg(e.Bytes[5]) == wire.MsgPing {
				return [][]byte{{0, 0, 0, 16, 14, 99}} // filled up to a block
			}
			return e.Pass()
		}}, []string{"\x63"}},
	} {
		t.Run(name, func(t *testing.T) {
			inBothRoles(t, func(t *testing.T, role wire.Role) {
				cfg := cipherConfig(t, "aes128-gcm@openssh.com", "hmac-sha2-256")
				cfg.Lab = &c.lab
				s := attack(t, role, cfg)
				must(t, s.peer.Handshake())
				s.login(t)
				must(t, s.WritePacket(nil, ping, nil))
				must(t, s.WritePacket(nil, []byte("\xfeend"), nil))
				var got []string
				for {
					p, err := s.peer.Read()
					must(t, err)
					if string(p) == "\xfeend" {
						break
					}
					if m := wire.Msg(p[0]); m != wire.MsgExtInfo {
						got = append(got, string(p))
					}
				}
				if !slices.Equal(got, c.want) {
					t.Errorf("got %q, want %q", got, c.want)
				}
			})
		})
	}
}

// TestLabBreaks: what a Lab breaks between two ends of ours, the other end
// finds, and says why.
func TestLabBreaks(t *testing.T) {
	open := func(e transport.LabEvent) bool {
		return e.Direction == transport.Outgoing && e.State == transport.LabOpen
	}
	for name, c := range map[string]struct {
		lab    transport.Lab
		reason wire.Reason
	}{
		"a bit of a sealed packet": {transport.Lab{Sealed: func(e transport.LabEvent) [][]byte {
			if open(e) {
				e.Bytes[len(e.Bytes)-1] ^= 1
			}
			return e.Pass()
		}}, wire.ReasonMACError},
		"a sealed packet twice": {transport.Lab{Sealed: func(e transport.LabEvent) [][]byte {
			if open(e) {
				return e.Pass(e.Bytes)
			}
			return e.Pass()
		}}, wire.ReasonMACError},
		"padding": {transport.Lab{Plain: func(e transport.LabEvent) [][]byte {
			if open(e) {
				e.Bytes[4] = 255
			}
			return e.Pass()
		}}, wire.ReasonProtocolError},
		"packet_length": {transport.Lab{Plain: func(e transport.LabEvent) [][]byte {
			if open(e) {
				copy(e.Bytes, []byte{0x7f, 0xff, 0xff, 0xff})
			}
			return e.Pass()
		}}, wire.ReasonProtocolError},
		"the message number": {transport.Lab{Message: func(e transport.LabEvent) [][]byte {
			if open(e) {
				e.Bytes[0] = byte(wire.MsgNewKeys)
			}
			return e.Pass()
		}}, wire.ReasonProtocolError},
	} {
		for _, role := range []wire.Role{wire.Client, wire.Server} {
			t.Run(name+" from a "+role.String(), func(t *testing.T) {
				var a, b transport.Config
				cfg := &a
				if role == wire.Server {
					cfg = &b
				}
				cfg.Lab = &c.lab
				x, y := connect(t, a, b)
				if role == wire.Server {
					x, y = y, x
				}
				must(t, x.WritePacket(nil, wire.ChannelEOF{}.Append(nil), nil))
				_, err := y.ReadPacket()
				for err == nil {
					_, err = y.ReadPacket()
				}
				wantReason(t, err, c.reason)
				closeBoth(x, y)
			})
		}
	}
}

// TestLabIncoming: what a Lab puts in front of its own end is what that gets.
func TestLabIncoming(t *testing.T) {
	data := wire.ChannelData{Data: []byte("as sent")}.Append(nil)
	fake := wire.ChannelData{Data: []byte("a fake")}.Append(nil)
	plain := append([]byte{0, 0, 0, 0, 4}, append(bytes.Clone(fake), 0, 0, 0, 0)...)
	change := func(at int, what ...[]byte) transport.LabHook {
		return func(e transport.LabEvent) [][]byte {
			if e.Direction == transport.Incoming && e.State == transport.LabOpen && wire.Msg(e.Bytes[at]) == wire.MsgChannelData {
				return e.Pass(what...)
			}
			return e.Pass()
		}
	}
	held := []byte(nil)
	for name, c := range map[string]struct {
		lab  transport.Lab
		want [][]byte
	}{
		"message injected": {transport.Lab{Message: change(0, fake)}, [][]byte{data, fake}},
		"packet injected":  {transport.Lab{Plain: change(5, plain, plain)}, [][]byte{data, fake, fake}},
		"sealed packets in one piece": {transport.Lab{Sealed: func(e transport.LabEvent) [][]byte {
			if e.Direction == transport.Outgoing || e.State != transport.LabOpen {
				return e.Pass()
			}
			if held == nil { // the first is kept back, and comes in one piece with the second
				held = bytes.Clone(e.Bytes)
				return nil
			}
			return [][]byte{append(held, e.Bytes...)}
		}}, [][]byte{data}},
	} {
		t.Run(name, func(t *testing.T) {
			held = nil
			x, y := connect(t, transport.Config{Lab: &c.lab}, transport.Config{})
			must(t, y.WritePacket(nil, data, nil))
			must(t, y.WritePacket(nil, []byte{255}, nil))
			for _, want := range c.want {
				if got, err := x.ReadPacket(); err != nil || !bytes.Equal(got, want) {
					t.Errorf("got %q, %v; want %q", got, err, want)
				}
			}
			closeBoth(x, y)
		})
	}
	t.Run("too short a packet", func(t *testing.T) {
		lab := transport.Lab{Plain: func(e transport.LabEvent) [][]byte {
			if e.Direction == transport.Incoming && e.State == transport.LabOpen {
				return [][]byte{e.Bytes[:4]}
			}
			return e.Pass()
		}}
		x, y := connect(t, transport.Config{Lab: &lab}, transport.Config{})
		must(t, y.WritePacket(nil, data, nil))
		_, err := x.ReadPacket()
		wantReason(t, err, wire.ReasonProtocolError)
		closeBoth(x, y)
	})
}

func wantReason(t *testing.T, err error, reason wire.Reason) {
	t.Helper()
	if p, ok := errors.AsType[*wire.ProtocolError](err); !ok || p.Reason != reason {
		t.Errorf("%v, want reason %v", err, reason)
	}
}

// TestLabRaw changes the bytes of the identification.
func TestLabRaw(t *testing.T) {
	for _, role := range []wire.Role{wire.Client, wire.Server} {
		for from, to := range map[string]string{"SSH-2.0": "SSH-1.5", "\r\n": "\r\r\n"} {
			lab := &transport.Lab{Raw: func(e transport.LabEvent) [][]byte {
				if e.Direction == transport.Outgoing && e.State == transport.LabVersions {
					e.Bytes = bytes.Replace(e.Bytes, []byte(from), []byte(to), 1)
				}
				return e.Pass()
			}}
			var client, server transport.Config
			if role == wire.Client {
				client.Lab = lab
			} else {
				server.Lab = lab
			}
			c, s, _ := meet(client, server)
			victim := s
			if role == wire.Server {
				victim = c
			}
			wantReason(t, victim.Err(), wire.ReasonProtocolVersionNotSupported)
			closeBoth(c, s)
		}
	}
}

// TestLabKexInit: a KEXINIT that is changed as a message is what both ends
// hash; one that is changed on its way is found out by the signature.
func TestLabKexInit(t *testing.T) {
	cookie := func(e transport.LabEvent) [][]byte {
		if e.Direction == transport.Outgoing && e.Msg() == wire.MsgKexInit {
			e.Bytes, _ = wire.SetField(e.Bytes, "Cookie", strings.Repeat("ab", 16))
		}
		return e.Pass()
	}
	c, s, err := meet(transport.Config{Lab: &transport.Lab{Message: cookie}}, transport.Config{Lab: &transport.Lab{Message: cookie}})
	must(t, errors.Join(err, s.Err()))
	closeBoth(c, s)
	onItsWay := &transport.Lab{Plain: func(e transport.LabEvent) [][]byte {
		if e.Direction == transport.Outgoing && wire.Msg(e.Bytes[5]) == wire.MsgKexInit {
			e.Bytes[6] ^= 1
		}
		return e.Pass()
	}}
	for _, cfg := range [][2]transport.Config{{{Lab: onItsWay}, {}}, {{}, {Lab: onItsWay}}} {
		c, s, err := meet(cfg[0], cfg[1])
		wantReason(t, err, wire.ReasonKeyExchangeFailed)
		closeBoth(c, s)
	}
}

// TestLabOffers: what only the Lab offers is refused where it would be used.
func TestLabOffers(t *testing.T) {
	for _, field := range []string{"KexAlgorithms", "EncryptionAlgorithmsClientToServer", "MacAlgorithmsServerToClient",
		"CompressionAlgorithmsClientToServer", "ServerHostKeyAlgorithms"} {
		offer := func(e transport.LabEvent) [][]byte {
			if e.Direction == transport.Outgoing && e.Msg() == wire.MsgKexInit {
				e.Bytes, _ = wire.SetField(e.Bytes, field, "invented@example.org")
			}
			return e.Pass()
		}
		var a, b transport.Config
		a, b = cipherConfig(t, "aes128-ctr", "hmac-sha2-256"), cipherConfig(t, "aes128-ctr", "hmac-sha2-256")
		a.Lab, b.Lab = &transport.Lab{Message: offer}, &transport.Lab{Message: offer}
		c, s, err := meet(a, b)
		wantReason(t, errors.Join(err, s.Err()), wire.ReasonKeyExchangeFailed) // of whoever noticed first
		closeBoth(c, s)
	}
	unreadable := &transport.Lab{Message: func(e transport.LabEvent) [][]byte {
		if e.Direction == transport.Outgoing && e.Msg() == wire.MsgKexInit {
			return [][]byte{{byte(wire.MsgKexInit), 1, 2, 3}}
		}
		return e.Pass()
	}}
	c, s, _ := meet(transport.Config{Lab: unreadable}, transport.Config{})
	wantReason(t, s.Err(), wire.ReasonProtocolError)
	if d, ok := errors.AsType[*transport.DisconnectError](c.Err()); !ok || !d.Remote {
		t.Errorf("the end with the Lab failed by itself: %v", c.Err())
	}
}

// TestLabStateSpeaks: what the State hook returns is said in that state, past
// the gate of a key exchange.
func TestLabStateSpeaks(t *testing.T) {
	for _, role := range []wire.Role{wire.Client, wire.Server} {
		var heard []string
		speaker := &transport.Lab{
			Message: hideStrict,
			State: func(e transport.LabEvent) [][]byte {
				return [][]byte{wire.Debug{Message: e.State.String()}.Append(nil)}
			},
		}
		listener := &transport.Lab{Message: func(e transport.LabEvent) [][]byte {
			if e.Direction == transport.Incoming && e.Msg() == wire.MsgDebug {
				text, _ := wire.FieldString(e.Bytes, "Message")
				heard = append(heard, text)
				return nil
			}
			return e.Pass()
		}}
		x, y := transport.Config{Lab: speaker}, transport.Config{Lab: listener}
		if role == wire.Server {
			x, y = y, x
		}
		c, s := connect(t, x, y)
		exchangeSome(t, c, s)
		if want := []string{"kex", "auth", "open", "rekey", "open"}; !slices.Equal(heard[:min(5, len(heard))], want) {
			t.Errorf("from a %v: %q, want %q", role, heard, want)
		}
	}
}

// TestLabTerrapin: with strict key exchange the victim notices, in either
// role. Without, the prefix is gone: the attack of the example is the real one.
func TestLabTerrapin(t *testing.T) {
	for _, role := range []wire.Role{wire.Client, wire.Server} {
		for _, strict := range []bool{true, false} {
			t.Run(fmt.Sprintf("%v, strict %v", role, strict), func(t *testing.T) {
				lab := terrapin()
				if !strict {
					lab.Message = hideStrict
				}
				cfg := [2]transport.Config{cipherConfig(t, "chacha20-poly1305@openssh.com", "hmac-sha2-256"), cipherConfig(t, "chacha20-poly1305@openssh.com", "hmac-sha2-256")}
				cfg[role-wire.Client].Lab = lab
				c, s, _ := meet(cfg[0], cfg[1])
				defer closeBoth(c, s)
				if strict {
					victim := map[wire.Role]*transport.Conn{wire.Client: s, wire.Server: c}[role]
					wantReason(t, victim.Err(), wire.ReasonProtocolError)
					return
				}
				if role == wire.Client {
					must(t, c.WritePacket(nil, wire.ServiceRequest{Name: "vanishes"}.Append(nil), nil))
				}
				login(t, c, s)
				if algs := c.PeerSigAlgs(); (algs == nil) != (role == wire.Server) {
					t.Errorf("the client knows of %v", algs)
				}
			})
		}
	}
}

// TestLabPingFlood: a client that floods and reads gets every answer.
func TestLabPingFlood(t *testing.T) {
	const flood = 20_000
	pongs := 0
	lab := &transport.Lab{
		State: func(e transport.LabEvent) [][]byte {
			if e.State != transport.LabOpen {
				return nil
			}
			return slices.Repeat([][]byte{wire.Ping{Data: []byte("x")}.Append(nil)}, flood)
		},
		Message: func(e transport.LabEvent) [][]byte {
			if e.Direction == transport.Incoming && e.Msg() == wire.MsgPong {
				pongs++
			}
			return e.Pass()
		},
	}
	c, s := connect(t, transport.Config{Lab: lab}, transport.Config{ControlMessages: flood})
	served := make(chan error, 1)
	go func() {
		p, err := s.ReadPacket()
		served <- errors.Join(err, s.WritePacket(nil, p, nil))
	}()
	last := wire.ChannelEOF{Recipient: 7}.Append(nil)
	must(t, c.WritePacket(nil, last, nil))
	if p, err := c.ReadPacket(); err != nil || !bytes.Equal(p, last) || pongs != flood {
		t.Errorf("%x, %v after %d answers", p, err, pongs)
	}
	must(t, <-served)
	closeBoth(c, s)
}
