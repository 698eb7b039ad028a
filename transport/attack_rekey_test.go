package transport_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"runtime"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hawser-ssh/hawser/cipher"
	"github.com/hawser-ssh/hawser/transport"
	"github.com/hawser-ssh/hawser/wire"
)

// TestKEX09 re-keys again and again with wrong guesses; KEX-17 without pause.
func TestKEX09And17ManyRekeys(t *testing.T) {
	n := 1000
	if testing.Short() {
		n = 50
	}
	s := attack(t, wire.Server, transport.Config{})
	must(t, s.peer.Handshake())
	must(t, <-s.handshake)
	s.login(t)
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	s.peer.Init.Kex = append([]byte("a-guess,"), s.peer.Init.Kex...)
	s.peer.Init.FirstKexPacketFollows = true
	for range n {
		must(t, s.peer.SendKexInit())
		must(t, s.peer.Send(wire.KexECDHInit{Public: []byte("a guess")}.Append(nil)))
		must(t, s.peer.ReadKexInit())
		must(t, s.peer.Agree())
		must(t, s.peer.SendNewKeys())
		must(t, s.peer.ReadNewKeys())
	}
	s.alive(t)
	runtime.GC()
	runtime.ReadMemStats(&after)
	if grown := int64(after.HeapAlloc) - int64(before.HeapAlloc); grown > 2<<20 {
		t.Errorf("%d bytes stay behind %d re-keys", grown, n)
	}
}

func TestKEX10NoExchange(t *testing.T) {
	inBothRoles(t, func(t *testing.T, role wire.Role) {
		for _, m := range []byte{30, 31, 34, 49} {
			s := attack(t, role, transport.Config{})
			must(t, s.peer.Handshake())
			s.login(t)
			must(t, s.peer.Send([]byte{m, 0, 0, 0, 0}))
			s.dropped(t, wire.ReasonProtocolError)
		}
	})
}

// TestKEX13 leaves a re-key half done while the application writes.
func TestKEX13And16StalledRekey(t *testing.T) {
	for name, start := range map[string]func(s *subject) error{
		"KEX-13 the peer's": func(s *subject) error { return s.peer.SendKexInit() },
		"KEX-16 ours":       func(s *subject) error { go s.Rekey(context.Background()); return nil },
	} {
		t.Run(name, func(t *testing.T) {
			inBothRoles(t, func(t *testing.T, role wire.Role) {
				synctest.Test(t, func(t *testing.T) {
					s := attack(t, role, transport.Config{RekeyTimeout: time.Minute})
					must(t, s.peer.Handshake())
					must(t, <-s.handshake)
					s.login(t)
					synctest.Wait()
					begin := time.Now()
					must(t, start(s))
					must(t, s.peer.ReadKexInit())
					written := 0
					for s.WritePacket(nil, make([]byte, 32<<10), nil) == nil {
						written++
					}
					if written > 0 {
						t.Errorf("%d packets passed the gate", written)
					}
					if time.Since(begin) != time.Minute {
						t.Errorf("ended after %v", time.Since(begin))
					}
					s.dropped(t, wire.ReasonProtocolError)
				})
			})
		})
	}
}

// TestKEX15 has data arrive that the peer sent before it saw our KEXINIT.
func TestKEX15DataBeforeTheirKexInit(t *testing.T) {
	s := attack(t, wire.Server, transport.Config{})
	must(t, s.peer.Handshake())
	must(t, <-s.handshake)
	s.login(t)
	go s.Rekey(t.Context())
	must(t, s.peer.ReadKexInit())
	data := wire.ChannelData{Data: []byte("late")}.Append(nil)
	for range 10 {
		must(t, s.peer.Send(data))
	}
	must(t, s.peer.SendKexInit())
	must(t, s.peer.Agree())
	must(t, s.peer.SendNewKeys())
	must(t, s.peer.ReadNewKeys())
	for range 10 {
		if p := <-s.packets; !bytes.Equal(p, data) {
			t.Fatalf("%q", p)
		}
	}
	s.alive(t)
}

func TestKEX20HostKeyChanges(t *testing.T) {
	s := attack(t, wire.Client, transport.Config{})
	must(t, s.peer.Handshake())
	must(t, <-s.handshake)
	s.login(t)
	must(t, s.peer.Exchange())
	s.alive(t)
	s.peer.HostKey = hostKey(t)
	must(t, s.peer.SendKexInit())
	must(t, s.peer.ReadKexInit())
	must(t, s.peer.Agree())
	s.dropped(t, wire.ReasonHostKeyNotVerifiable)
}

// TestHostKeyDuringRekey asks for the key, which any goroutine may, while
// exchanges verify it again.
func TestHostKeyDuringRekey(t *testing.T) {
	c, s := connect(t, transport.Config{}, transport.Config{})
	sums := make(chan [sha256.Size]byte, 2)
	go digest(c, sums)
	go digest(s, sums)
	asked := make(chan struct{})
	go func() {
		defer close(asked)
		for c.Err() == nil {
			c.HostKey()
		}
	}()
	for range 3 {
		must(t, c.Rekey(t.Context()))
	}
	c.Close()
	<-asked
}

func TestKEX21RekeyByTime(t *testing.T) {
	inBothRoles(t, func(t *testing.T, role wire.Role) {
		synctest.Test(t, func(t *testing.T) {
			s := attack(t, role, transport.Config{})
			must(t, s.peer.Handshake())
			must(t, <-s.handshake)
			s.login(t)
			begin := time.Now()
			must(t, s.peer.ReadKexInit())
			if got := time.Since(begin); got != transport.DefaultRekeyInterval {
				t.Errorf("re-key after %v", got)
			}
		})
	})
}

// few is a packet cipher that bears 40 packets.
type few struct {
	cipher.Sealer
	cipher.Opener
}

func (f few) Layout() (l cipher.Layout) {
	if l = f.layout(); l.MaxPackets > 40 {
		l.MaxPackets = 40
	}
	return l
}

func (f few) layout() cipher.Layout {
	if f.Sealer != nil {
		return f.Sealer.Layout()
	}
	return f.Opener.Layout()
}

// bounded are ciphers that need new keys sooner than the Config says.
func bounded(t *testing.T) (bytes, packets cipher.Cipher) {
	t.Helper()
	rows, err := cipher.Lookup("aes128-ctr", "aes128-gcm@openssh.com")
	must(t, err)
	bytes, packets, base := rows[0], rows[1], rows[1]
	bytes.MaxBytes = 20_000
	packets.Sealer = func(c cipher.Cipher, key, iv []byte) (cipher.Sealer, error) {
		s, err := base.Sealer(c, key, iv)
		return few{Sealer: s}, err
	}
	packets.Opener = func(c cipher.Cipher, key, iv []byte) (cipher.Opener, error) {
		o, err := base.Opener(c, key, iv)
		return few{Opener: o}, err
	}
	return bytes, packets
}

// TestKEX21 counts what is received and what is sent (PKT-14, PKT-15 for what
// the cipher bears).
func TestKEX21RekeyByCount(t *testing.T) {
	byBytes, byPackets := bounded(t)
	for name, cfg := range map[string]transport.Config{
		"packets": {RekeyPackets: 20}, "bytes": {RekeyBytes: 20_000},
		"bytes of the cipher":   {Ciphers: []cipher.Cipher{byBytes}},
		"packets of the cipher": {Ciphers: []cipher.Cipher{byPackets}},
	} {
		t.Run(name, func(t *testing.T) {
			for _, sends := range []bool{true, false} {
				s := attack(t, wire.Server, cfg)
				must(t, s.peer.Handshake())
				must(t, <-s.handshake)
				s.login(t)
				data := wire.ChannelData{Data: make([]byte, 1000)}.Append(nil)
				write := func(p []byte) error { return s.WritePacket(nil, p, nil) }
				if sends {
					write = s.peer.Send
				}
				go func() {
					for range 30 {
						write(data)
					}
					s.WritePacket(nil, wire.ChannelEOF{}.Append(nil), nil)
				}()
				for m := wire.MsgChannelData; m != wire.MsgKexInit; {
					p, err := s.peer.Read()
					must(t, err)
					if m = wire.Msg(p[0]); m == wire.MsgChannelEOF && !sends {
						t.Fatal("no re-key")
					}
				}
			}
		})
	}
}

type brokenRand struct{}

func (brokenRand) Read([]byte) (int, error) { return 0, errors.New("no entropy") }

func TestKEX22Entropy(t *testing.T) {
	inBothRoles(t, func(t *testing.T, role wire.Role) {
		s := attack(t, role, transport.Config{Rand: brokenRand{}})
		must(t, s.peer.Versions())
		s.dropped(t, wire.ReasonKeyExchangeFailed)
	})
}

func TestRekeyBeforeAuthentication(t *testing.T) {
	s := attack(t, wire.Server, transport.Config{})
	must(t, s.peer.Handshake())
	must(t, <-s.handshake)
	if s.Rekey(t.Context()) == nil {
		t.Error("Rekey works before authentication")
	}
}
