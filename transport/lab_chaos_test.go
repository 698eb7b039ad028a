package transport_test

import (
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/hawser-ssh/hawser/transport"
	"github.com/hawser-ssh/hawser/wire"
)

// chaos returns a Lab that does anything at any point, now and then: it drops,
// repeats, cuts, extends, flips bits and makes things up.
func chaos(seed uint64) *transport.Lab {
	r := rand.New(rand.NewPCG(seed, 0))
	odds := 2 + r.IntN(200)
	noise := func() []byte {
		b := make([]byte, r.IntN(40))
		for i := range b {
			b[i] = byte(r.Uint32())
		}
		return b
	}
	hook := func(e transport.LabEvent) [][]byte {
		if r.IntN(odds) > 0 {
			return e.Pass()
		}
		at := r.IntN(len(e.Bytes))
		switch r.IntN(7) {
		case 0:
			return nil
		case 1:
			return e.Pass(e.Bytes, e.Bytes)
		case 2:
			return [][]byte{e.Bytes[:at]}
		case 3:
			return [][]byte{append(e.Bytes, noise()...)}
		case 4:
			return [][]byte{noise(), e.Bytes, nil, noise()}
		case 5:
			return [][]byte{e.Bytes[:at], e.Bytes[at:]}
		default:
			e.Bytes[at] ^= 1 << r.IntN(8)
			return e.Pass()
		}
	}
	lab := &transport.Lab{State: func(e transport.LabEvent) [][]byte {
		if r.IntN(odds) == 0 {
			return [][]byte{noise(), {byte(r.IntN(256))}, wire.Ping{}.Append(nil)}
		}
		return nil
	}}
	for _, point := range []*transport.LabHook{&lab.Raw, &lab.Sealed, &lab.Plain, &lab.Message} {
		if r.IntN(2) == 0 {
			*point = hook
		}
	}
	return lab
}

// TestLabAnything: whatever a Lab does, and wherever, neither end panics, and
// both come to an end when they are closed.
func TestLabAnything(t *testing.T) {
	rounds := 300
	if testing.Short() {
		rounds = 60
	}
	ciphers := []string{"aes128-gcm@openssh.com", "chacha20-poly1305@openssh.com", "aes128-ctr", "aes128-cbc"}
	macs := []string{"hmac-sha2-256", "hmac-sha2-256-etm@openssh.com"}
	for i := range rounds {
		cfg := cipherConfig(t, ciphers[i%4], macs[i/4%2])
		cfg.Compression = []string{"none", "zlib", "zlib@openssh.com"}[i%3:]
		client, server := cfg, cfg
		if i%2 == 0 {
			client.Lab = chaos(uint64(i))
		} else {
			server.Lab = chaos(uint64(i))
		}
		synctest.Test(t, func(t *testing.T) { converse(t, client, server) })
	}
}

// converse logs in, says some things, re-keys and ends, as far as it gets.
func converse(t *testing.T, client, server transport.Config) {
	c, s, _ := meet(client, server) // which ends within HandshakeTimeout
	var readers sync.WaitGroup
	for _, end := range []*transport.Conn{c, s} {
		if end.Err() != nil {
			continue
		}
		end.SetAuthenticated()
		readers.Go(func() {
			for p, err := end.ReadPacket(); err == nil; p, err = end.ReadPacket() {
				if len(p) == 0 {
					t.Error("an empty packet")
				}
			}
		})
		for n := range 20 {
			end.TryWritePacket(wire.ChannelData{Data: slices.Repeat([]byte{byte(n)}, n*n)}.Append(nil), nil)
		}
	}
	go c.Rekey(t.Context())
	synctest.Wait()
	closeBoth(c, s)
	readers.Wait()
}
