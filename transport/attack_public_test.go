package transport_test

import (
	"bytes"
	"math/big"
	"slices"
	"strings"
	"testing"

	"github.com/hawser-ssh/hawser/kex"
	"github.com/hawser-ssh/hawser/transport"
	"github.com/hawser-ssh/hawser/wire"
)

// DH-01, DH-03 and DH-08 to DH-12 over a connection: a public value that is
// none ends it with KEY_EXCHANGE_FAILED, for that reason and not for another.
// What each value is, and that nothing is computed with it, is tested in kex.
func TestDH01to12PublicValues(t *testing.T) {
	for _, m := range slices.Concat(kex.Default(), kex.Optional(), kex.Insecure()) {
		if m.ServerOffers {
			continue // DH-16
		}
		t.Run(m.Name, func(t *testing.T) {
			inBothRoles(t, func(t *testing.T, role wire.Role) {
				for name, value := range badPublics(t, m, role) {
					s := negotiated(t, role, transport.Config{Kex: []kex.Method{m}}, m.Name)
					s.peer.Group, s.peer.Request = kex.RFC3526()[0], kex.GroupRequest{Min: 2048, Preferred: 2048, Max: 2048}
					must(t, s.peer.ChooseGroup())
					must(t, s.sendPublic(t, m, value))
					if s.dropped(t, wire.ReasonKeyExchangeFailed); !strings.Contains(s.Err().Error(), "kex: ") {
						t.Errorf("%s: %v", name, s.Err())
					}
				}
			})
		})
	}
}

// sendPublic sends the peer's message with a public value of the test's choice.
func (s *subject) sendPublic(t *testing.T, m kex.Method, value []byte) error {
	t.Helper()
	if s.peer.Role == wire.Client {
		init := wire.KexECDHInit{Public: value}
		if m.GroupExchange {
			return s.peer.Send(wire.KexGexInit(init).Append(nil))
		}
		return s.peer.Send(init.Append(nil))
	}
	must(t, s.peer.ReadInit())
	reply, err := s.peer.Reply()
	must(t, err)
	reply.Public = value
	if m.GroupExchange {
		return s.peer.Send(wire.KexGexReply(reply).Append(nil))
	}
	return s.peer.Send(reply.Append(nil))
}

// badPublics are the values that a subject in role must refuse.
func badPublics(t *testing.T, m kex.Method, role wire.Role) map[string][]byte {
	t.Helper()
	bad := map[string][]byte{"nothing": {}, "64 KiB": bytes.Repeat([]byte{1}, 64<<10)}
	if strings.HasPrefix(m.Name, "diffie-hellman") {
		for name, value := range badNumbers(m.Name) {
			bad[name] = value
		}
		return bad
	}
	good := goodPublic(t, m, role)
	bad["short"], bad["long"] = good[:len(good)-1], append(slices.Clone(good), 0)
	switch {
	case strings.Contains(m.Name, "nistp"):
		at := len(good) - pointSize(m.Name)
		for name, first := range map[string]byte{"infinity": 0, "compressed": 2, "hybrid": 6} {
			bad[name] = slices.Clone(good)
			bad[name][at] = first
		}
		bad["off the curve"] = slices.Clone(good)
		bad["off the curve"][len(good)-1] ^= 1
	default:
		bad["zero point"] = slices.Clone(good)
		clear(bad["zero point"][len(good)-pointSize(m.Name):])
	}
	if strings.HasPrefix(m.Name, "mlkem") && role == wire.Server {
		bad["not reduced"] = slices.Clone(good)
		copy(bad["not reduced"], []byte{0xff, 0xff, 0xff})
	}
	return bad
}

// badNumbers are no public values of a group, and other ways to write numbers.
func badNumbers(name string) map[string][]byte {
	bad := map[string][]byte{
		"one": {1}, "negative": {0x80}, "leading zeros": {0, 0, 2}, "zero as a byte": {0}, "high bit": bytes.Repeat([]byte{0xff}, 128),
	}
	for bits, group := range map[string]int{"group14": 0, "group15": 1, "group16": 2, "group17": 3, "group18": 4, "exchange": 0} {
		if !strings.Contains(name, bits) {
			continue
		}
		p := new(big.Int).SetBytes(kex.RFC3526()[group].P())
		for name, n := range map[string]int64{"p-1": -1, "p": 0, "p+1": 1} {
			bad[name] = append([]byte{0}, new(big.Int).Add(p, big.NewInt(n)).Bytes()...)
		}
		bad["longer than p"] = append(p.Bytes()[1:], 1, 1)
		bad["longer than p"][0] &= 0x7f
	}
	return bad
}

// goodPublic is what the peer of a subject in role would send.
func goodPublic(t *testing.T, m kex.Method, role wire.Role) []byte {
	t.Helper()
	offer, err := m.Offer(nil)
	must(t, err)
	if role == wire.Server {
		return offer.Public
	}
	public, _, err := m.Answer(nil, offer.Public)
	must(t, err)
	return public
}

// pointSize is the length of a method's point, at the end of its public value.
func pointSize(name string) int {
	for curve, size := range map[string]int{"nistp256": 65, "nistp384": 97, "nistp521": 133, "448": 56} {
		if strings.Contains(name, curve) {
			return size
		}
	}
	return 32
}

// DH-15: a peer that leaves after its KEXINIT, after its public value or before
// its NEWKEYS leaves an error behind and, as TestMain checks, no goroutine; nor
// is the place of a costly step kept.
func TestDH15PeerLeaves(t *testing.T) {
	limiter := kex.NewLimiter(1)
	names := []string{"mlkem768x25519-sha256", "curve25519-sha256", "diffie-hellman-group14-sha256", gexName}
	methods, err := kex.Lookup(names...)
	must(t, err)
	inBothRoles(t, func(t *testing.T, role wire.Role) {
		for _, m := range methods {
			for name, steps := range map[string]func(s *subject){
				"KEXINIT": func(*subject) {},
				"public value": func(s *subject) {
					must(t, s.peer.ChooseGroup())
					if s.peer.Role == wire.Client {
						must(t, s.peer.SendInit())
					} else {
						must(t, s.peer.ReadInit())
						must(t, s.peer.SendReply())
					}
				},
				"exchange": func(s *subject) { must(t, s.peer.AgreeNegotiated()) },
			} {
				s := negotiated(t, role, transport.Config{Kex: []kex.Method{m}, Limiter: limiter}, m.Name)
				steps(s)
				s.peer.Conn.Close()
				if err := <-s.handshake; err == nil {
					t.Errorf("%s, %s: the handshake went through", m.Name, name)
				}
			}
		}
	})
	must(t, limiter.Do(t.Context().Done(), func() error { return nil }))
}
