package transport_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"runtime"
	"testing"

	"github.com/hawser-ssh/hawser/mac"
	"github.com/hawser-ssh/hawser/transport"
	"github.com/hawser-ssh/hawser/wire"
)

// inEachState runs f against both roles, in plaintext (before KEXINIT, without
// strict) and behind each class of protection.
func inEachState(t *testing.T, f func(t *testing.T, s *subject)) {
	inBothRoles(t, func(t *testing.T, role wire.Role) {
		t.Run("plaintext", func(t *testing.T) {
			s := attack(t, role, transport.Config{})
			must(t, s.peer.Versions())
			must(t, s.peer.ReadKexInit())
			f(t, s)
		})
		for _, p := range protections {
			t.Run(p.cipher+" "+p.mac, func(t *testing.T) { f(t, protected(t, role, p.cipher, p.mac)) })
		}
	})
}

// protected returns a subject whose packets are protected so, not logged in.
func protected(t *testing.T, role wire.Role, cipherName, macName string) *subject {
	t.Helper()
	s := attack(t, role, protection(t, cipherName, macName))
	s.peer.Offer(cipherName, macName)
	must(t, s.peer.Handshake())
	must(t, <-s.handshake)
	return s
}

func (s *subject) plaintext() bool { return s.SessionID() == nil }

// sendFrame seals a frame whose fields may be wrong, and sends it.
func (s *subject) sendFrame(t *testing.T, packetLength uint32, paddingLength byte, payload []byte, padding int) {
	t.Helper()
	s.peer.SendRaw(s.peer.Seal(s.peer.FrameWith(packetLength, paddingLength, payload, padding)))
}

func TestPKT01to04Lengths(t *testing.T) {
	for _, length := range []uint32{
		0, 1, 2, 3, 4, // PKT-01
		0x7fffffff, 0x80000000, 0xffffffff, // PKT-02
		transport.DefaultMaxPacket + 16, // PKT-03
		29,                              // PKT-04
	} {
		t.Run(fmt.Sprint(length), func(t *testing.T) {
			inEachState(t, func(t *testing.T, s *subject) {
				var before, after runtime.MemStats
				runtime.ReadMemStats(&before)
				padding := 54 // to 64 bytes
				if s.peer.LengthClear() {
					padding += 4
				}
				s.sendFrame(t, length, 6, []byte{byte(wire.MsgIgnore), 0, 0, 0, 0}, padding)
				s.badLength(t)
				runtime.ReadMemStats(&after)
				if grown := int64(after.TotalAlloc - before.TotalAlloc); grown > 4<<20 {
					t.Errorf("%d bytes allocated", grown)
				}
			})
		})
	}
}

// TestPKT03Limit sends the largest packet that fits the limit and the block.
func TestPKT03Limit(t *testing.T) {
	inEachState(t, func(t *testing.T, s *subject) {
		if s.plaintext() {
			return // nothing answers there; the handshake has its own sizes
		}
		const limit = transport.DefaultMaxPacket
		for spare := 0; ; spare++ {
			p := wire.Ignore{Data: make([]byte, limit-16-spare)}.Append(nil)
			if frame := s.peer.Frame(p); binary.BigEndian.Uint32(frame) <= limit {
				must(t, s.peer.SendRaw(s.peer.Seal(frame)))
				break
			}
		}
		s.alive(t)
	})
}

func TestPKT05to07Padding(t *testing.T) {
	for _, tt := range []struct {
		name          string
		length        uint32
		paddingLength byte
		payload       int
		padding       int
	}{
		{"PKT-05 no padding", 28, 0, 27, 0},
		{"PKT-05 padding 3", 28, 3, 24, 3},
		{"PKT-06 padding is the packet", 28, 28, 5, 22},
		{"PKT-06 padding is all but one", 28, 27, 5, 22},
		{"PKT-06 padding 255", 28, 255, 5, 22},
		{"PKT-07 no payload", 28, 27, 0, 27},
	} {
		t.Run(tt.name, func(t *testing.T) {
			inEachState(t, func(t *testing.T, s *subject) {
				// 28 bytes and their length fit a block of 16; where the length is
				// not covered, 32 do.
				length, padding := tt.length, tt.padding
				if s.peer.LengthClear() {
					length, padding = length+4, padding+4
					if tt.paddingLength > 20 && tt.paddingLength < 255 {
						tt.paddingLength += 4
					}
				}
				s.sendFrame(t, length, tt.paddingLength, make([]byte, tt.payload), padding)
				s.dropped(t, wire.ReasonProtocolError)
			})
		})
	}
}

func TestPKT08LegalPadding(t *testing.T) {
	r := rand.New(rand.NewPCG(8, 8))
	inEachState(t, func(t *testing.T, s *subject) {
		if s.plaintext() {
			return
		}
		for range 100 {
			payload := wire.Ignore{Data: make([]byte, r.IntN(64))}.Append(nil)
			frame := s.peer.Frame(payload)
			pad := int(frame[4])
			pad += 16 * r.IntN((255-pad)/16+1)
			s.sendFrame(t, uint32(1+len(payload)+pad), byte(pad), payload, pad)
		}
		s.alive(t)
	})
}

// TestPKT09BitFlips flips each bit of a packet, or every so many of one to a
// client. A length that is out of range after that is a protocol error, as it
// cannot be waited for; anything else is the same MAC error, whatever was hit.
func TestPKT09BitFlips(t *testing.T) {
	for _, p := range protections {
		t.Run(p.cipher+" "+p.mac, func(t *testing.T) {
			size := 0
			for bit := 0; size == 0 || bit < size*8; bit++ {
				role := wire.Server
				switch {
				case bit%11 == 3:
					role = wire.Client
				case testing.Short() && bit%7 != 0:
					continue
				}
				s := protected(t, role, p.cipher, p.mac)
				frame := s.peer.Seal(s.peer.Frame(wire.Ignore{Data: []byte("01234567")}.Append(nil)))
				size = len(frame)
				frame[bit/8] ^= 1 << (bit % 8)
				must(t, s.peer.SendRaw(append(frame, make([]byte, transport.DefaultMaxPacket+64)...)))
				got := s.peer.ReadDisconnect()
				if got != wire.ReasonMACError && !(got == wire.ReasonProtocolError && bit < 16*8 && !s.hidesLength()) {
					t.Errorf("bit %d: %v", bit, got)
				}
				s.failed(t, got)
			}
		})
	}
}

// TestPKT12TruncatedTags: of a tag of 96 bits every byte counts, and the rest of
// a longer one is taken for the next packet. The whole tag itself: cipher.
func TestPKT12TruncatedTags(t *testing.T) {
	for short, whole := range map[string]string{"hmac-sha1-96": "hmac-sha1", "hmac-sha2-512-96": "hmac-sha2-512", "hmac-md5-96-etm@openssh.com": "hmac-md5-etm@openssh.com"} {
		t.Run(short, func(t *testing.T) {
			inBothRoles(t, func(t *testing.T, role wire.Role) {
				for flip := 1; flip <= 12; flip++ {
					s := protected(t, role, "aes128-ctr", short)
					frame := s.peer.Seal(s.peer.Frame(ignoreMsg))
					frame[len(frame)-flip] ^= 0x10
					must(t, s.peer.SendRaw(frame))
					s.dropped(t, wire.ReasonMACError)
				}
				long, err := mac.Lookup(whole)
				must(t, err)
				extra := make([]byte, long[0].TagSize-12)
				s := protected(t, role, "aes128-ctr", short)
				must(t, s.peer.SendRaw(append(s.peer.Seal(s.peer.Frame(ignoreMsg)), extra...)))
				must(t, s.peer.SendRaw(make([]byte, transport.DefaultMaxPacket+64)))
				if got := s.peer.ReadDisconnect(); got != wire.ReasonMACError && got != wire.ReasonProtocolError {
					t.Errorf("the whole tag: %v", got)
				}
			})
		})
	}
}

func TestPKT13Replay(t *testing.T) {
	ignore := wire.Ignore{Data: []byte("data")}.Append(nil)
	for name, send := range map[string]func(s *subject, a, b []byte) [][]byte{
		"replay": func(_ *subject, a, _ []byte) [][]byte { return [][]byte{a, a} },
		"swap":   func(_ *subject, a, b []byte) [][]byte { return [][]byte{b, a} },
		"drop":   func(_ *subject, _, b []byte) [][]byte { return [][]byte{b} },
	} {
		t.Run(name, func(t *testing.T) {
			for _, p := range protections {
				s := protected(t, wire.Server, p.cipher, p.mac)
				a, b := s.peer.Seal(s.peer.Frame(ignore)), s.peer.Seal(s.peer.Frame(ignore))
				for _, packet := range send(s, a, b) {
					s.peer.SendRaw(packet)
				}
				s.peer.SendRaw(make([]byte, transport.DefaultMaxPacket+64)) // what a wrong length may wait for
				got := s.peer.ReadDisconnect()
				if got != wire.ReasonMACError && got != wire.ReasonProtocolError {
					t.Errorf("%s: %v", p.cipher, got)
				}
				s.failed(t, got)
			}
		})
	}
}

func TestPKT17HalfAPacket(t *testing.T) {
	inEachState(t, func(t *testing.T, s *subject) {
		frame := s.peer.Seal(s.peer.Frame(wire.Ignore{Data: make([]byte, 100)}.Append(nil)))
		must(t, s.peer.SendRaw(frame[:len(frame)/2]))
		s.peer.Conn.(interface{ CloseWrite() error }).CloseWrite()
		s.failed(t, wire.ReasonConnectionLost)
	})
}

func TestPKT20Delayed(t *testing.T) {
	cfg := transport.Config{Compression: []string{"zlib@openssh.com"}}
	start := func(t *testing.T) *subject {
		s := attack(t, wire.Server, cfg)
		s.peer.Init.CompressionCS = wire.NewNameList("zlib@openssh.com")
		s.peer.Init.CompressionSC = s.peer.Init.CompressionCS
		must(t, s.peer.Handshake())
		must(t, <-s.handshake)
		return s
	}
	t.Run("compressed before success", func(t *testing.T) {
		s := start(t)
		must(t, s.peer.Send(append([]byte{0x78, 0x9c}, make([]byte, 20)...)))
		must(t, s.peer.Send(wire.NewKeys{}.Append(nil)))
		s.dropped(t, wire.ReasonProtocolError)
	})
	t.Run("uncompressed after success", func(t *testing.T) {
		s := start(t)
		s.login(t) // reads SUCCESS, which must not be compressed
		must(t, s.peer.Send(wire.Ignore{}.Append(nil)))
		s.failed(t, wire.ReasonCompressionError)
	})
}

func TestPKT22None(t *testing.T) {
	inBothRoles(t, func(t *testing.T, role wire.Role) {
		for _, offer := range [][2]string{{"none", "hmac-sha2-256"}, {"aes128-ctr", "none"}} {
			s := attack(t, role, transport.Config{})
			s.peer.Offer(offer[0], offer[1])
			must(t, s.peer.Versions())
			must(t, s.peer.SendKexInit())
			s.dropped(t, wire.ReasonKeyExchangeFailed)
		}
	})
}

// TestPKT25Numbers sends each message number that nobody knows.
func TestPKT25Numbers(t *testing.T) {
	inBothRoles(t, func(t *testing.T, role wire.Role) {
		s := attack(t, role, transport.Config{})
		must(t, s.peer.Handshake())
		must(t, <-s.handshake)
		s.login(t)
		unknown := [][2]int{{8, 19}, {22, 29}, {54, 59}, {67, 79}, {83, 89}, {101, 191}, {194, 255}}
		for _, span := range unknown {
			for m := span[0]; m <= span[1]; m++ {
				seq := s.peer.SendSeq
				must(t, s.peer.Send([]byte{byte(m), 1, 2, 3}))
				p, err := s.peer.ReadMsg(wire.MsgUnimplemented)
				var u wire.Unimplemented
				if err != nil || u.Parse(p) != nil || u.Sequence != seq {
					t.Fatalf("message %d: %q %v, want UNIMPLEMENTED for %d", m, p, err, seq)
				}
			}
		}
		must(t, s.peer.Send([]byte{0}))
		s.dropped(t, wire.ReasonProtocolError)
	})
}

func TestPKT26And27Floods(t *testing.T) {
	n := 200_000
	if testing.Short() {
		n = 20_000
	}
	s := attack(t, wire.Server, transport.Config{})
	must(t, s.peer.Handshake())
	must(t, <-s.handshake)
	flood := s.peer.Conn
	for i := range n {
		var p []byte
		switch i % 3 {
		case 0:
			p = wire.Ignore{Data: []byte("x")}.Append(nil)
		case 1:
			p = wire.Debug{Message: "\x1b[2J"}.Append(nil)
		case 2:
			p = wire.Unimplemented{Sequence: uint32(i)}.Append(nil)
		}
		if _, err := flood.Write(s.peer.Seal(s.peer.Frame(p))); err != nil {
			t.Fatal(err)
		}
	}
	s.alive(t) // and nothing but the EXT_INFO was sent before the answer
}

func TestPKT28And29Disconnect(t *testing.T) {
	inEachState(t, func(t *testing.T, s *subject) {
		text := "bye\x1b[2J\xff\n"
		bye := s.peer.Seal(s.peer.Frame(wire.Disconnect{Reason: wire.ReasonByApplication, Description: text}.Append(nil)))
		after := s.peer.Seal(s.peer.Frame(wire.ServiceRequest{Name: "ssh-userauth"}.Append(nil)))
		must(t, s.peer.SendRaw(append(bytes.Clone(bye), after...)))
		err := <-s.end
		want := `ssh: peer disconnected: by application: bye\x1b[2J\xff\x0a`
		if err == nil || err.Error() != want {
			t.Errorf("%v, want %s", err, want)
		}
		if len(s.packets) != 0 {
			t.Error("PKT-29: a packet behind the DISCONNECT was processed")
		}
		s.peer.Conn.Close()
	})
	t.Run("description beyond the packet", func(t *testing.T) {
		s := protected(t, wire.Client, "aes128-ctr", "hmac-sha2-256")
		must(t, s.peer.Send([]byte{byte(wire.MsgDisconnect), 0, 0, 0, 2, 0xff, 0xff, 0xff, 0xff, 'x'}))
		s.dropped(t, wire.ReasonProtocolError)
	})
}

func TestPKT16ShortestPackets(t *testing.T) {
	inEachState(t, func(t *testing.T, s *subject) {
		if s.plaintext() {
			return
		}
		padding := 11 // to whole blocks, which CBC needs
		if s.peer.LengthClear() {
			padding += 4
		}
		s.sendFrame(t, 5, 4, nil, padding)
		s.badLength(t)
	})
}
