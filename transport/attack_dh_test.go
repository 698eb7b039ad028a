package transport_test

import (
	"bytes"
	"errors"
	"math/big"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/hawser-ssh/hawser/kex"
	"github.com/hawser-ssh/hawser/transport"
	"github.com/hawser-ssh/hawser/wire"
)

const gexName = "diffie-hellman-group-exchange-sha256"

// gexSubject returns a subject that has sent its KEXINIT and read one that
// leaves no choice but a group exchange.
func gexSubject(t *testing.T, role wire.Role, cfg transport.Config) *subject {
	t.Helper()
	return negotiated(t, role, cfg, gexName)
}

// negotiated returns a subject that has negotiated a method.
func negotiated(t *testing.T, role wire.Role, cfg transport.Config, name string) *subject {
	t.Helper()
	s := upToKexInit(t, role, cfg)
	offerKex(s, name)
	must(t, s.peer.SendKexInit())
	must(t, s.peer.Negotiate())
	return s
}

// offerKex makes the Peer's KEXINIT name one method.
func offerKex(s *subject, name string) {
	markers := []string{kex.ExtInfoClient, kex.StrictClient}
	if s.peer.Role == wire.Server {
		markers = []string{kex.ExtInfoServer, kex.StrictServer}
	}
	s.peer.Init.Kex = wire.NewNameList(append([]string{name}, markers...)...)
}

// rest does what comes after Negotiate.
func (s *subject) rest(t *testing.T) {
	t.Helper()
	must(t, s.peer.AgreeNegotiated())
	must(t, s.peer.SendNewKeys())
	must(t, s.peer.ReadNewKeys())
	must(t, <-s.handshake)
	s.alive(t)
}

// Group exchange in both roles, and again in a re-key.
func TestGroupExchange(t *testing.T) {
	inBothRoles(t, func(t *testing.T, role wire.Role) {
		s := gexSubject(t, role, transport.Config{})
		s.rest(t)
		if got := s.Algorithms().Kex; got != gexName {
			t.Errorf("negotiated %s", got)
		}
		s.login(t)
		must(t, s.peer.Exchange())
		s.alive(t)
	})
}

// DH-04: requests as a server gets them; the sizes are tested in kex.
func TestDH04Requests(t *testing.T) {
	for _, tt := range []struct {
		request kex.GroupRequest
		bits    int // 0 is dropped
	}{
		{kex.GroupRequest{Min: 1024, Preferred: 1024, Max: 8192}, 2048},
		{kex.GroupRequest{Min: 2048, Preferred: 4096, Max: 1<<32 - 1}, 4096},
		{kex.GroupRequest{Min: 4096, Preferred: 2048, Max: 8192}, 0},
		{kex.GroupRequest{Min: 2048, Preferred: 8192, Max: 4096}, 0},
		{kex.GroupRequest{Min: 1024, Preferred: 1024, Max: 1024}, 0},
		{kex.GroupRequest{Min: 512, Preferred: 512, Max: 512}, 0},
		{kex.GroupRequest{}, 0},
		{kex.GroupRequest{Min: 1<<32 - 1, Preferred: 1<<32 - 1, Max: 1<<32 - 1}, 0},
	} {
		s := gexSubject(t, wire.Server, transport.Config{})
		s.peer.Request = tt.request
		if tt.bits == 0 {
			must(t, s.peer.SendGroupRequest())
			s.dropped(t, wire.ReasonKeyExchangeFailed)
			continue
		}
		s.rest(t)
		if got := s.peer.Group.Bits(); got != tt.bits {
			t.Errorf("%+v: %d bits, want %d", tt.request, got, tt.bits)
		}
	}
}

// DH-05: the order of the messages of a group exchange.
func TestDH05Order(t *testing.T) {
	request := wire.KexGexRequest{Min: 2048, Preferred: 2048, Max: 8192}.Append(nil)
	old := wire.KexGexRequestOld{Preferred: 2048}.Append(nil)
	init := wire.KexGexInit{Public: []byte{2}}.Append(nil)
	t.Run("old request alone", func(t *testing.T) {
		s := gexSubject(t, wire.Server, transport.Config{})
		s.peer.Request = kex.GroupRequest{Preferred: 1024, Old: true}
		s.rest(t)
	})
	for name, packets := range map[string][][]byte{
		"old after new":          {request, old},
		"new after old":          {old, request},
		"request twice":          {request, request},
		"init before request":    {init},
		"init of other methods":  {request, wire.KexECDHInit{Public: []byte{2}}.Append(nil)},
		"a reply":                {request, wire.KexGexReply{}.Append(nil)},
		"a group":                {wire.KexGexGroup{}.Append(nil)},
		"NEWKEYS for a request":  {wire.NewKeys{}.Append(nil)},
		"NEWKEYS for an init":    {request, wire.NewKeys{}.Append(nil)},
		"request that is short":  {request[:len(request)-1]},
		"request that is long":   {append(request[:len(request):len(request)], 0)},
		"old request with three": {append([]byte{byte(wire.MsgKexGexRequestOld)}, request[1:]...)},
	} {
		t.Run(name, func(t *testing.T) {
			s := gexSubject(t, wire.Server, transport.Config{})
			for _, p := range packets {
				must(t, s.peer.Send(p))
			}
			s.dropped(t, wire.ReasonProtocolError)
		})
	}
	t.Run("reply for a group", func(t *testing.T) {
		s := gexSubject(t, wire.Client, transport.Config{})
		must(t, s.peer.ReadGroupRequest())
		must(t, s.peer.Send(wire.KexGexReply{}.Append(nil)))
		s.dropped(t, wire.ReasonProtocolError)
	})
	t.Run("reply of other methods", func(t *testing.T) {
		s := gexSubject(t, wire.Client, transport.Config{})
		must(t, s.peer.ReadGroupRequest())
		must(t, s.peer.SendGroup())
		must(t, s.peer.Send(wire.KexECDHReply{}.Append(nil)))
		s.dropped(t, wire.ReasonProtocolError)
	})
}

// A wrong guess in front of a group exchange is skipped, a right one used.
func TestKEX08GroupExchangeGuess(t *testing.T) {
	s := attack(t, wire.Server, transport.Config{})
	offerKex(s, gexName)
	guess(t, s, wire.KexGexRequest{Min: 2048, Preferred: 2048, Max: 8192}.Append(nil)) // wrong: ours prefers another
	s.finish(t)
	methods, err := kex.Lookup(gexName)
	must(t, err)
	s = attack(t, wire.Server, transport.Config{Kex: methods, HostKeyAlgorithms: []string{"ssh-ed25519"}})
	offerKex(s, gexName)
	guess(t, s, nil)
	s.finish(t)
}

// DH-06: groups as a client gets them; more of them in kex.
func TestDH06Groups(t *testing.T) {
	good := kex.RFC3526()[0]
	p := new(big.Int).SetBytes(good.P())
	add := func(n int64) []byte { return new(big.Int).Add(p, big.NewInt(n)).Bytes() }
	two := []byte{2}
	for name, tt := range map[string]struct {
		cfg transport.Config
		m   wire.KexGexGroup
	}{
		"1024 bits":     {m: wire.KexGexGroup{P: good.P()[:128], G: two}},
		"below min":     {transport.Config{GroupRequest: kex.GroupRequest{Min: 3072, Preferred: 3072, Max: 8192}}, wire.KexGexGroup{P: good.P(), G: two}},
		"above max":     {transport.Config{GroupRequest: kex.GroupRequest{Min: 2048, Preferred: 2048, Max: 2048}}, wire.KexGexGroup{P: kex.RFC3526()[1].P(), G: two}},
		"even":          {m: wire.KexGexGroup{P: add(-1), G: two}},
		"composite":     {m: wire.KexGexGroup{P: add(2), G: two}},
		"a not safe p":  {transport.Config{ProveGroups: true}, wire.KexGexGroup{P: notSafe(), G: two}},
		"million bits":  {m: wire.KexGexGroup{P: append([]byte{1}, make([]byte, 125_000)...), G: two}},
		"g of 1":        {m: wire.KexGexGroup{P: good.P(), G: []byte{1}}},
		"g of p-1":      {m: wire.KexGexGroup{P: good.P(), G: add(-1)}},
		"g of 0":        {m: wire.KexGexGroup{P: good.P()}},
		"zero and zero": {},
	} {
		t.Run(name, func(t *testing.T) {
			s := gexSubject(t, wire.Client, tt.cfg)
			must(t, s.peer.ReadGroupRequest())
			must(t, s.peer.Send(tt.m.Append(nil)))
			s.dropped(t, wire.ReasonKeyExchangeFailed)
		})
	}
}

// notSafe returns a prime p of 2048 bits, the first, for which (p-1)/2 is none.
func notSafe() []byte {
	p := new(big.Int).Lsh(big.NewInt(1), 2047)
	return p.Add(p, big.NewInt(1919)).Bytes()
}

// A client with a proof takes a safe prime that it has not seen before, and a
// server sends the groups it was given.
func TestGroupsOfConfig(t *testing.T) {
	groups := kex.RFC3526()[2:3]
	s := gexSubject(t, wire.Server, transport.Config{Groups: groups})
	s.rest(t)
	if s.peer.Group.Bits() != groups[0].Bits() {
		t.Errorf("a group of %d bits", s.peer.Group.Bits())
	}
	s = gexSubject(t, wire.Server, transport.Config{Groups: []kex.Group{}})
	must(t, s.peer.SendGroupRequest())
	s.dropped(t, wire.ReasonKeyExchangeFailed)
}

// DH-07: connections that share a Limiter all get their turn, and one that
// waits for it ends when it is closed.
func TestDH07SharedLimiter(t *testing.T) {
	limiter := kex.NewLimiter(1)
	methods, err := kex.Lookup("diffie-hellman-group14-sha256")
	must(t, err)
	var all sync.WaitGroup
	for range 16 {
		all.Go(func() {
			s := attack(t, wire.Server, transport.Config{Limiter: limiter, Kex: methods})
			if err := errors.Join(s.peer.Handshake(), <-s.handshake); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()

	hold, held := make(chan struct{}), make(chan struct{})
	go limiter.Do(nil, func() error { close(held); <-hold; return nil })
	<-held
	defer close(hold)
	s := upToKexInit(t, wire.Server, transport.Config{Limiter: limiter, Kex: methods})
	must(t, s.peer.SendKexInit())
	must(t, s.peer.Negotiate())
	must(t, s.peer.SendInit())
	s.Close()
	if err := <-s.handshake; err == nil {
		t.Error("the handshake went through")
	}
	// What is not costly does not wait.
	other := attack(t, wire.Server, transport.Config{Limiter: limiter})
	must(t, other.peer.Handshake())
	must(t, <-other.handshake)
}

// rsaSubject is gexSubject for an RSA key exchange.
func rsaSubject(t *testing.T, role wire.Role, methods []kex.Method) *subject {
	t.Helper()
	return negotiated(t, role, transport.Config{Kex: methods}, methods[0].Name)
}

// cachedRSA saves the making of a key for each connection.
func cachedRSA() []kex.Method {
	return []kex.Method{kex.NewTransientRSA(1<<20, time.Hour).Method()}
}

// The RSA exchange in both roles, and again in a re-key.
func TestRSAExchange(t *testing.T) {
	methods := cachedRSA()
	inBothRoles(t, func(t *testing.T, role wire.Role) {
		s := rsaSubject(t, role, methods)
		s.rest(t)
		s.login(t)
		must(t, s.peer.Exchange())
		s.alive(t)
	})
}

// DH-16: bad ciphertexts, and messages out of order; more of them in kex.
func TestDH16RSA(t *testing.T) {
	methods := cachedRSA()
	for name, encrypted := range map[string][]byte{
		"nothing": nil, "zeros": make([]byte, 256), "255 bytes": make([]byte, 255), "ones": bytes.Repeat([]byte{0xff}, 256),
	} {
		t.Run(name, func(t *testing.T) {
			s := rsaSubject(t, wire.Server, methods)
			must(t, s.peer.ReadPubKey())
			must(t, s.peer.Send(wire.KexRSASecret{Encrypted: encrypted}.Append(nil)))
			s.dropped(t, wire.ReasonKeyExchangeFailed)
		})
	}
	t.Run("a key of 512 bits", func(t *testing.T) {
		s := rsaSubject(t, wire.Client, methods)
		key := wire.AppendMpint(wire.AppendMpint(wire.AppendString(nil, "ssh-rsa"), []byte{1, 0, 1}), bytes.Repeat([]byte{0xff}, 64))
		must(t, s.peer.Send(wire.KexRSAPubKey{HostKey: []byte("key"), Public: key}.Append(nil)))
		s.dropped(t, wire.ReasonKeyExchangeFailed)
	})
	t.Run("a wrong signature", func(t *testing.T) {
		s := rsaSubject(t, wire.Client, methods)
		must(t, s.peer.SendPubKey())
		must(t, s.peer.ReadSecret())
		reply, err := s.peer.Reply()
		must(t, err)
		reply.Signature[len(reply.Signature)-1] ^= 1
		must(t, s.peer.Send(wire.KexRSADone{Signature: reply.Signature}.Append(nil)))
		s.dropped(t, wire.ReasonKeyExchangeFailed)
	})
	for name, packet := range map[string][]byte{
		"NEWKEYS": wire.NewKeys{}.Append(nil), "DONE": wire.KexRSADone{}.Append(nil),
		"PUBKEY": wire.KexRSAPubKey{}.Append(nil), "trailing byte": append(wire.KexRSASecret{}.Append(nil), 0),
	} {
		t.Run(name+" to a server", func(t *testing.T) {
			s := rsaSubject(t, wire.Server, methods)
			must(t, s.peer.Send(packet))
			s.dropped(t, wire.ReasonProtocolError)
		})
	}
	for name, packet := range map[string][]byte{
		"NEWKEYS": wire.NewKeys{}.Append(nil), "DONE": wire.KexRSADone{}.Append(nil), "SECRET": wire.KexRSASecret{}.Append(nil),
	} {
		t.Run(name+" to a client", func(t *testing.T) {
			s := rsaSubject(t, wire.Client, methods)
			must(t, s.peer.Send(packet))
			s.dropped(t, wire.ReasonProtocolError)
		})
	}
}

// Every method works between a client and a server of ours, and in a re-key.
func TestEveryMethod(t *testing.T) {
	for _, m := range slices.Concat(kex.Default(), kex.Optional(), kex.Insecure()) {
		t.Run(m.Name, func(t *testing.T) {
			t.Parallel()
			if testing.Short() && m.Costly {
				t.Skip("takes long")
			}
			cfg := transport.Config{Kex: []kex.Method{m}}
			c, s := connect(t, cfg, cfg)
			for _, conn := range []*transport.Conn{c, s} {
				go func() {
					for {
						if _, err := conn.ReadPacket(); err != nil {
							return
						}
					}
				}()
			}
			if got := c.Algorithms().Kex; got != m.Name {
				t.Fatalf("negotiated %s", got)
			}
			if err := c.Rekey(t.Context()); err != nil {
				t.Errorf("re-key: %v", err)
			}
		})
	}
}
