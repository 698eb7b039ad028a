package transport_test

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"sync"
	"testing"

	"github.com/hawser-ssh/hawser/cipher"
	"github.com/hawser-ssh/hawser/mac"
	"github.com/hawser-ssh/hawser/transport"
	"github.com/hawser-ssh/hawser/transport/sshkey"
	"github.com/hawser-ssh/hawser/wire"
)

// protections are the classes of packet protection, with one row of each.
var protections = []struct{ cipher, mac string }{
	{"aes128-gcm@openssh.com", ""},
	{"aes256-gcm@openssh.com", ""},
	{"chacha20-poly1305@openssh.com", ""},
	{"aes128-ctr", "hmac-sha2-256"},
	{"aes256-ctr", "hmac-sha2-512-etm@openssh.com"},
	{"aes192-ctr", "hmac-sha1"},
	{"aes128-cbc", "hmac-sha1-96"},
	{"3des-cbc", "hmac-sha2-256-etm@openssh.com"},
	{"arcfour256", "hmac-md5"},
}

func protection(t testing.TB, cipherName, macName string) transport.Config {
	t.Helper()
	ciphers, err := cipher.Lookup(cipherName)
	if err != nil {
		t.Fatal(err)
	}
	cfg := transport.Config{Ciphers: ciphers}
	if macName != "" {
		if cfg.MACs, err = mac.Lookup(macName); err != nil {
			t.Fatal(err)
		}
	}
	return cfg
}

// digest reads packets until the connection ends and sends the hash of all
// data before the EOF. It reads on behind that, as re-keys of the other
// direction need it to.
func digest(c *transport.Conn, sum chan<- [sha256.Size]byte) {
	h := sha256.New()
	for {
		p, err := c.ReadPacket()
		if err != nil {
			return
		}
		var data wire.ChannelData
		switch wire.Msg(p[0]) {
		case wire.MsgChannelEOF:
			sum <- [sha256.Size]byte(h.Sum(nil))
		case wire.MsgChannelData:
			if data.Parse(p) == nil {
				h.Write(data.Data)
			}
		}
	}
}

// pour writes total bytes in packets of random size and then an EOF, and
// returns their hash.
func pour(c *transport.Conn, seed uint64, total int) (sum [sha256.Size]byte, err error) {
	r := rand.New(rand.NewPCG(seed, 1))
	block := make([]byte, 32<<10)
	for i := range block {
		block[i] = byte(r.Uint32())
	}
	h := sha256.New()
	for total > 0 {
		n := min(total, 1+r.IntN(len(block)))
		head := wire.ChannelData{Recipient: 1}.AppendHead(nil, n)
		if err := c.WritePacket(nil, head, block[:n]); err != nil {
			return sum, err
		}
		h.Write(block[:n])
		total -= n
	}
	return [sha256.Size]byte(h.Sum(nil)), c.WritePacket(nil, wire.ChannelEOF{}.Append(nil), nil)
}

// both moves total bytes each way at once, compares the hashes, and ends the
// connection.
func both(t *testing.T, a, b *transport.Conn, total int) {
	t.Helper()
	conns := []*transport.Conn{a, b}
	var readers, writers sync.WaitGroup
	var sent [2][sha256.Size]byte
	received := []chan [sha256.Size]byte{make(chan [sha256.Size]byte, 1), make(chan [sha256.Size]byte, 1)}
	for i, c := range conns {
		readers.Go(func() { digest(c, received[1-i]) })
		writers.Go(func() {
			var err error
			if sent[i], err = pour(c, uint64(i), total); err != nil {
				t.Error(err)
			}
		})
	}
	writers.Wait()
	for i, c := range conns {
		select {
		case sum := <-received[i]:
			if sum != sent[i] {
				t.Error("data differ")
			}
		case <-c.Done():
			t.Error(c.Err())
		}
	}
	a.Close()
	b.Close()
	readers.Wait()
}

// bulkBytes is how much goes each way.
func bulkBytes() int {
	if testing.Short() {
		return 1 << 20
	}
	return 4 << 20
}

func TestBulkBothWays(t *testing.T) {
	for _, p := range protections {
		t.Run(p.cipher+" "+p.mac, func(t *testing.T) {
			cfg := protection(t, p.cipher, p.mac)
			c, s := connect(t, cfg, transport.Config{Ciphers: cfg.Ciphers, MACs: cfg.MACs})
			both(t, c, s, bulkBytes())
		})
	}
}

// TestKEX18 has each side, and then both, re-key every 64 KiB, and both every
// few packets, while data flow both ways, with and without compression.
func TestKEX18RekeyUnderLoad(t *testing.T) {
	for _, tt := range []struct {
		name           string
		client, server uint64 // bytes between re-keys
		compression    []string
	}{
		{"client", 64 << 10, 0, nil},
		{"server", 0, 64 << 10, nil},
		{"both", 64 << 10, 64 << 10, nil},
		{"every packet", 1, 1, nil},
		{"zlib@openssh.com", 64 << 10, 0, []string{"zlib@openssh.com"}},
		{"zlib", 0, 64 << 10, []string{"zlib"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			total := bulkBytes()
			if tt.client == 1 {
				total = 256 << 10
			}
			c, s := connect(t, transport.Config{RekeyBytes: tt.client, Compression: tt.compression},
				transport.Config{RekeyBytes: tt.server, Compression: tt.compression})
			session := bytes.Clone(c.SessionID())
			both(t, c, s, total)
			if !bytes.Equal(session, c.SessionID()) || !bytes.Equal(session, s.SessionID()) {
				t.Error("KEX-19: the session identifier changed")
			}
		})
	}
}

// TestNoAllocationPerPacket measures the whole way of a packet, out and in.
func TestNoAllocationPerPacket(t *testing.T) {
	for _, p := range protections {
		t.Run(p.cipher+" "+p.mac, func(t *testing.T) {
			cfg := protection(t, p.cipher, p.mac)
			a, b := loopback(t)
			client := transport.Config{VerifyHostKey: trustAny, Ciphers: cfg.Ciphers, MACs: cfg.MACs}
			c := transport.Client(a, &client)
			s := transport.Server(b, &transport.Config{HostKeys: []sshkey.Signer{hostKey(t)}, Ciphers: cfg.Ciphers, MACs: cfg.MACs})
			handshakes(t, c, s)
			head, body := wire.ChannelData{}.AppendHead(nil, 1000), make([]byte, 1000)
			got := testing.AllocsPerRun(2000, func() {
				if c.WritePacket(nil, head, body) != nil {
					t.Error("write failed")
				}
				if _, err := s.ReadPacket(); err != nil {
					t.Error(err)
				}
			})
			if got >= 1 {
				t.Errorf("%v allocations a packet, want none", got)
			}
		})
	}
}

func handshakes(t testing.TB, c, s *transport.Conn) {
	t.Helper()
	t.Cleanup(func() { c.Close(); s.Close() })
	result := make(chan error, 1)
	go func() { result <- s.Handshake(t.Context()) }()
	if err := errors.Join(c.Handshake(t.Context()), <-result); err != nil {
		t.Fatal(err)
	}
	login(t, c, s)
}

func BenchmarkBulk(b *testing.B) {
	for _, p := range protections {
		b.Run(fmt.Sprint(p.cipher, " ", p.mac), func(b *testing.B) {
			cfg := protection(b, p.cipher, p.mac)
			x, y := loopback(b)
			c := transport.Client(x, &transport.Config{VerifyHostKey: trustAny, Ciphers: cfg.Ciphers, MACs: cfg.MACs})
			s := transport.Server(y, &transport.Config{HostKeys: []sshkey.Signer{hostKey(b)}, Ciphers: cfg.Ciphers, MACs: cfg.MACs})
			handshakes(b, c, s)
			body := make([]byte, 32<<10)
			head := wire.ChannelData{}.AppendHead(nil, len(body))
			b.SetBytes(int64(len(body)))
			b.ReportAllocs()
			go func() {
				for c.WritePacket(nil, head, body) == nil {
				}
			}()
			for b.Loop() {
				if _, err := s.ReadPacket(); err != nil && !errors.Is(err, net.ErrClosed) {
					b.Fatal(err)
				}
			}
		})
	}
}
