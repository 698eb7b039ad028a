package transport_test

import (
	"bytes"
	"encoding/binary"
	"math/rand/v2"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/hawser-ssh/hawser/cipher"
	"github.com/hawser-ssh/hawser/mac"
	"github.com/hawser-ssh/hawser/transport"
	"github.com/hawser-ssh/hawser/wire"
)

// hidesLength reports whether the length of a refused packet must not show:
// CBC, and the MAC over the text.
func (s *subject) hidesLength() bool {
	d := s.Algorithms().ClientToServer
	return strings.HasSuffix(d.Cipher, "-cbc") && !strings.Contains(d.MAC, "-etm@")
}

// badLength asserts the reaction to a length that is out of range or does not
// fit the block.
func (s *subject) badLength(t *testing.T) {
	t.Helper()
	if !s.hidesLength() {
		s.dropped(t, wire.ReasonProtocolError)
		return
	}
	s.peer.SendRaw(make([]byte, transport.DefaultMaxPacket+64))
	s.dropped(t, wire.ReasonMACError)
}

// effort counts what our cipher and our MAC are given.
type effort struct{ crypted, tagged int }

// counting makes the rows of cfg count.
func (e *effort) counting(cfg *transport.Config) {
	decrypt, build := cfg.Ciphers[0].Decrypt, cfg.MACs[0].New
	cfg.Ciphers[0].Decrypt = func(key, iv []byte) (cipher.Transform, error) {
		f, err := decrypt(key, iv)
		return func(dst, src []byte) { e.crypted += len(src); f(dst, src) }, err
	}
	cfg.MACs[0].New = func(key []byte) mac.Authenticator { return &countingMAC{build(key), e} }
}

type countingMAC struct {
	mac.Authenticator
	effort *effort
}

func (m *countingMAC) Tag(dst []byte, seq uint32, packet []byte) []byte {
	m.effort.tagged += len(packet)
	return m.Authenticator.Tag(dst, seq, packet)
}

// oracles are beginnings of packets that an attacker would learn from, if they
// were told apart: lengths of every kind, and a wrong tag behind a good one.
var oracles = map[string]func(p *subject) []byte{
	"length 0":            withLength(0),
	"length 1":            withLength(1),
	"length 4":            withLength(4),
	"length 29":           withLength(29),
	"length 35001":        withLength(35001),
	"length above limit":  withLength(transport.DefaultMaxPacket + 12),
	"length 2^31":         withLength(1 << 31),
	"length 2^32-1":       withLength(1<<32 - 1),
	"bad tag, short":      withBadTag(8),
	"bad tag, 1 KiB":      withBadTag(1 << 10),
	"bad tag, 100 KiB":    withBadTag(100 << 10),
	"bad tag, near limit": withBadTag(transport.DefaultMaxPacket - 200),
	"random 1":            withRandom(1),
	"random 2":            withRandom(2),
	"random 3":            withRandom(3),
}

func withLength(n uint32) func(s *subject) []byte {
	return func(s *subject) []byte {
		return s.peer.Seal(s.peer.FrameWith(n, 6, []byte{byte(wire.MsgIgnore), 0, 0, 0, 0}, 54))
	}
}

func withBadTag(n int) func(s *subject) []byte {
	return func(s *subject) []byte {
		frame := s.peer.Seal(s.peer.Frame(wire.Ignore{Data: make([]byte, n)}.Append(nil)))
		frame[len(frame)-1] ^= 1
		return frame
	}
}

func withRandom(seed uint64) func(s *subject) []byte {
	return func(*subject) []byte {
		r := rand.New(rand.NewPCG(seed, 10))
		return binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint64(nil, r.Uint64()), r.Uint64())
	}
}

// TestPKT10CBC: whatever length the first block of a forged packet decrypts
// to, the connection reads on to the end of the largest packet, not a byte
// less or more, works as much, and then says the same.
func TestPKT10CBC(t *testing.T) {
	for _, p := range []struct {
		cipher, mac string
		block, tag  int
	}{
		{"aes128-cbc", "hmac-sha1", 16, 20}, {"3des-cbc", "hmac-md5-96", 8, 12}, {"twofish-cbc", "umac-64@openssh.com", 16, 8},
	} {
		largest := (transport.DefaultMaxPacket+4)/p.block*p.block + p.tag
		t.Run(p.cipher+" "+p.mac, func(t *testing.T) {
			inBothRoles(t, func(t *testing.T, role wire.Role) {
				var first effort
				text := ""
				for name, begin := range oracles {
					synctest.Test(t, func(t *testing.T) {
						var e effort
						cfg := protection(t, p.cipher, p.mac)
						e.counting(&cfg)
						s := attack(t, role, cfg)
						s.peer.Offer(p.cipher, p.mac)
						must(t, s.peer.Handshake())
						must(t, <-s.handshake)
						synctest.Wait()
						before := e
						stream := append(begin(s), bytes.Repeat([]byte{0xa7}, largest)...)[:largest]
						must(t, s.peer.SendRaw(stream[:largest-1]))
						synctest.Wait()
						if err := s.Err(); err != nil {
							t.Fatalf("%s: ended before the largest packet was read: %v", name, err)
						}
						must(t, s.peer.SendRaw(stream[largest-1:]))
						if got := s.peer.ReadDisconnect(); got != wire.ReasonMACError {
							t.Errorf("%s: peer was told %v", name, got)
						}
						s.failed(t, wire.ReasonMACError)
						e.crypted, e.tagged = e.crypted-before.crypted, e.tagged-before.tagged
						if text == "" {
							first, text = e, s.Err().Error()
						}
						if e != first || s.Err().Error() != text {
							t.Errorf("%s: %+v, %v, elsewhere %+v, %s", name, e, s.Err(), first, text)
						}
					})
				}
			})
		})
	}
}

// TestPKT10HangUp: a peer that goes away while the rest is awaited leaves the
// same error behind, for a bad length and for a bad tag.
func TestPKT10HangUp(t *testing.T) {
	for _, name := range []string{"length 2^31", "length 29", "bad tag, short", "bad tag, 1 KiB"} {
		s := protected(t, wire.Server, "aes128-cbc", "hmac-sha1")
		must(t, s.peer.SendRaw(append(oracles[name](s), make([]byte, 100)...)))
		s.peer.Conn.(interface{ CloseWrite() error }).CloseWrite()
		s.failed(t, wire.ReasonMACError)
	}
}

// TestPKT10EtM: with the length in the clear, nothing is to hide, and a bad
// length or a bad tag ends the connection at once.
func TestPKT10EtM(t *testing.T) {
	for name, reason := range map[string]wire.Reason{"length 2^31": wire.ReasonProtocolError, "bad tag, short": wire.ReasonMACError} {
		s := protected(t, wire.Server, "aes128-cbc", "hmac-sha1-etm@openssh.com")
		if name == "bad tag, short" {
			must(t, s.peer.SendRaw(oracles[name](s)))
		} else {
			s.sendFrame(t, 1<<31, 6, make([]byte, 5), 58)
		}
		s.dropped(t, reason)
	}
}

// TestCBCSmallLimit: the bytes to read follow Config.MaxPacket.
func TestCBCSmallLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cfg := protection(t, "aes256-cbc", "hmac-sha2-256")
		cfg.MaxPacket = transport.MinMaxPacket
		largest := (transport.MinMaxPacket+4)/16*16 + 32
		s := attack(t, wire.Server, cfg)
		s.peer.Offer("aes256-cbc", "hmac-sha2-256")
		must(t, s.peer.Handshake())
		must(t, <-s.handshake)
		must(t, s.peer.SendRaw(make([]byte, largest-1)))
		synctest.Wait()
		if err := s.Err(); err != nil {
			t.Fatal(err)
		}
		must(t, s.peer.SendRaw([]byte{0}))
		s.dropped(t, wire.ReasonMACError)
	})
}
