package connection

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/hawser-ssh/hawser/cipher"
	"github.com/hawser-ssh/hawser/mac"
	"github.com/hawser-ssh/hawser/transport"
	"github.com/hawser-ssh/hawser/transport/sshkey"
	"github.com/hawser-ssh/hawser/transport/transporttest"
	"github.com/hawser-ssh/hawser/wire"
)

// path is a session channel of real transports from end to end.
type path struct {
	client, server *Channel
	ends           [2]*transport.Conn // the client's and the server's
	muxes          [2]*Mux
	opened         <-chan *Channel // at the server
}

// loopback returns both ends of a TCP connection.
func loopback(t testing.TB) (client, server net.Conn) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if client, err = net.Dial("tcp", l.Addr().String()); err != nil {
		t.Fatal(err)
	}
	if server, err = l.Accept(); err != nil {
		t.Fatal(err)
	}
	return client, server
}

// newPath authenticates nobody, and opens a channel over the connection with what protect says of algorithms.
func newPath(t testing.TB, client, server net.Conn, protect transport.Config) *path {
	t.Helper()
	key, err := sshkey.GenerateEd25519()
	if err != nil {
		t.Fatal(err)
	}
	signer, err := sshkey.NewSigner(key)
	if err != nil {
		t.Fatal(err)
	}
	protect.HostKeys = []sshkey.Signer{signer}
	protect.VerifyHostKey = func(context.Context, sshkey.PublicKey) error { return nil }
	p := &path{ends: [2]*transport.Conn{transport.Client(client, &protect), transport.Server(server, &protect)}}
	shaken := make(chan error, 1)
	go func() { shaken <- p.ends[1].Handshake(context.Background()) }()
	if err := errors.Join(p.ends[0].Handshake(context.Background()), <-shaken); err != nil {
		t.Fatal(err)
	}
	over := make(chan error, 2)
	h, opened := accepting(nil)
	cfg := &Config{Handler: h, MaxSessions: 1000}
	p.opened = opened
	for i, end := range p.ends {
		end.SetAuthenticated()
		p.muxes[i] = New(end, []wire.Role{wire.Client, wire.Server}[i], cfg)
		go func() { over <- p.muxes[i].Run() }()
	}
	t.Cleanup(func() {
		p.muxes[0].Close()
		<-over
		<-over
	})
	p.client, p.server = p.open(t)
	return p
}

// open opens another session.
func (p *path) open(t testing.TB) (client, server *Channel) {
	t.Helper()
	client, err := p.muxes[0].OpenSession(context.Background(), nil)
	if err != nil {
		t.Fatal(err)
	}
	return client, <-p.opened
}

// direction is one way of a path; answers are of the receiving end.
type direction struct {
	name     string
	from, to *Channel
	answers  *transport.Conn
}

func (p *path) directions() []direction {
	return []direction{{"up", p.client, p.server, p.ends[1]}, {"down", p.server, p.client, p.ends[0]}}
}

// pass moves a block, which is overwritten by itself.
func (d *direction) pass(t testing.TB, block []byte) {
	if _, err := d.from.Write(block); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(d.to, block); err != nil {
		t.Fatal(err)
	}
}

// transfer moves n bytes in blocks.
func (d *direction) transfer(t testing.TB, n, block int) {
	t.Helper()
	sent := make(chan error, 1)
	go func() {
		b := make([]byte, block)
		var err error
		for left := n; left > 0 && err == nil; left -= len(b) {
			_, err = d.from.Write(b[:min(left, len(b))])
		}
		sent <- err
	}()
	if _, err := io.CopyN(io.Discard, d.to, int64(n)); err != nil {
		t.Fatal(err)
	}
	if err := <-sent; err != nil {
		t.Fatal(err)
	}
}

// No allocation on the whole way of a packet, up and down, under each of the default ciphers with each of the default MACs.
func TestPathAllocs(t *testing.T) {
	if raceEnabled {
		t.Skip("pools are not what they are under the race detector")
	}
	runs := 200
	if testing.Short() {
		runs = 50
	}
	block := make([]byte, DefaultMaxPacket)
	for _, c := range cipher.Default() {
		macs := mac.Default()
		if c.AEAD {
			macs = macs[:1] // not used
		}
		for _, m := range macs {
			t.Run(c.Name+" "+m.Name, func(t *testing.T) {
				a, b := loopback(t)
				p := newPath(t, a, b, transport.Config{Ciphers: []cipher.Cipher{c}, MACs: []mac.MAC{m}})
				for _, d := range p.directions() {
					for _, n := range []int{1, len(block)} {
						if got := testing.AllocsPerRun(runs, func() { d.pass(t, block[:n]) }); got > 0 {
							t.Errorf("%s: %v allocations for a packet of %d bytes", d.name, got, n)
						}
					}
				}
			})
		}
	}
}

// A receiver grants a quarter of the window at a time or more, so that bulk data cost a few answers, in small packets
// as in large ones.
func TestWindowAdjustsPerMiB(t *testing.T) {
	const mib = 4
	a, b := loopback(t)
	p := newPath(t, a, b, transport.Config{})
	for _, d := range p.directions() {
		for _, block := range []int{256 << 10, 256} {
			before := d.answers.ConnectionState().Sent.Packets
			d.transfer(t, mib<<20, block)
			got := d.answers.ConnectionState().Sent.Packets - before
			if limit := uint64(mib<<20/(DefaultWindow/grantShare) + 1); got == 0 || got > limit {
				t.Errorf("%s, %d bytes at once: %d answers to %d MiB, at most %d are wanted", d.name, block, got, mib, limit)
			}
		}
	}
}

// slowConn is a connection whose writes wait while hold is locked.
type slowConn struct {
	net.Conn
	hold   sync.Mutex
	writes atomic.Int64
}

func (c *slowConn) Write(b []byte) (int, error) {
	c.writes.Add(1)
	c.hold.Lock()
	defer c.hold.Unlock()
	return c.Conn.Write(b)
}

// What many channels write while the socket is busy goes to it together.
func TestSmallWritesShareOne(t *testing.T) {
	const channels = 100
	a, b := transporttest.Pipe()
	slow := &slowConn{Conn: a}
	p := newPath(t, slow, b, transport.Config{})
	var from, to []*Channel
	for range channels {
		c, s := p.open(t)
		from, to = append(from, c), append(to, s)
	}
	packets, writes := p.ends[0].ConnectionState().Sent.Packets, slow.writes.Load()
	slow.hold.Lock()
	var writers sync.WaitGroup
	for i, c := range from {
		writers.Go(func() {
			if _, err := c.Write(bytes.Repeat([]byte{byte(i)}, 64)); err != nil {
				t.Error(err)
			}
		})
	}
	writers.Wait()
	slow.hold.Unlock()
	for i, s := range to {
		got := make([]byte, 64)
		if _, err := io.ReadFull(s, got); err != nil || !bytes.Equal(got, bytes.Repeat([]byte{byte(i)}, 64)) {
			t.Fatalf("channel %d: %x, %v", i, got, err)
		}
	}
	packets, writes = p.ends[0].ConnectionState().Sent.Packets-packets, slow.writes.Load()-writes
	if packets != channels || writes > channels/20 {
		t.Errorf("%d writes for %d packets of %d channels", writes, packets, channels)
	}
}
