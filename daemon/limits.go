package daemon

import (
	"errors"
	"math/rand/v2"
	"net"
	"net/netip"
	"sync"
	"time"

	"github.com/hawser-ssh/hawser/wire"
)

var (
	errTooMany       = errors.New("too many connections")
	errTooManyUnauth = errors.New("too many connections before login")
	errTooManySource = errors.New("too many connections before login from this address")
)

// gate bounds the connections that have been accepted, before anything of
// them has been read.
type gate struct {
	mu      sync.Mutex
	total   int
	unauth  int // of them: not logged in
	sources map[netip.Prefix]int
}

func (g *gate) init() { g.sources = make(map[netip.Prefix]int) }

// ticket is the place of one connection.
type ticket struct {
	g          *gate
	source     netip.Prefix
	unauth, in bool // guarded by g.mu
}

// enter gives a connection a place, or says which limit is in the way. Of
// those that have not logged in, none is dropped below UnauthenticatedStart,
// all from UnauthenticatedMax on, and between them at random the more, the
// fuller it is: so who floods the daemon cannot know that others are kept out.
func (g *gate) enter(addr net.Addr, o *options) (*ticket, error) {
	source := sourceOf(addr)
	g.mu.Lock()
	defer g.mu.Unlock()
	switch {
	case g.total >= o.maxConnections:
		return nil, errTooMany
	case source.IsValid() && g.sources[source] >= o.unauthSource:
		return nil, errTooManySource
	case g.unauth >= o.unauthMax, g.unauth >= o.unauthStart && rand.IntN(o.unauthMax-o.unauthStart) < g.unauth-o.unauthStart+1:
		return nil, errTooManyUnauth
	}
	g.total++
	g.unauth++
	if source.IsValid() {
		g.sources[source]++
	}
	return &ticket{g: g, source: source, unauth: true, in: true}, nil
}

// authenticated says that the client has logged in.
func (t *ticket) authenticated() {
	t.g.mu.Lock()
	defer t.g.mu.Unlock()
	t.authenticatedLocked()
}

func (t *ticket) authenticatedLocked() {
	if !t.unauth {
		return
	}
	t.unauth = false
	t.g.unauth--
	if !t.source.IsValid() {
		return
	}
	if t.g.sources[t.source]--; t.g.sources[t.source] == 0 {
		delete(t.g.sources, t.source)
	}
}

// done gives the place back. It may be called more than once.
func (t *ticket) done() {
	t.g.mu.Lock()
	defer t.g.mu.Unlock()
	t.authenticatedLocked()
	if t.in {
		t.in = false
		t.g.total--
	}
}

// sourceOf returns what counts as one client: an IPv4 address, or the /64 that
// an IPv6 address is in. It is invalid for what is not TCP.
func sourceOf(addr net.Addr) netip.Prefix {
	tcp, ok := addr.(*net.TCPAddr)
	if !ok {
		return netip.Prefix{}
	}
	ip := tcp.AddrPort().Addr().Unmap()
	bits := 64
	if ip.Is4() {
		bits = 32
	}
	p, _ := ip.Prefix(bits)
	return p
}

// refuse tells a client why it is not served and closes nc. It may take a
// moment, for a client that is still sending: closing over unread bytes would
// take our reason away from it.
func (d *Daemon) refuse(nc net.Conn, version string, cause error) {
	defer nc.Close()
	select {
	case d.refusing <- struct{}{}:
		defer func() { <-d.refusing }()
	default:
		return
	}
	nc.SetDeadline(time.Now().Add(refusalTime))
	// RFC 4253 §4.2, then a packet without encryption as §6 has it.
	payload := wire.Disconnect{Reason: wire.ReasonTooManyConnections, Description: cause.Error()}.Append(nil)
	padding := 8 - (5+len(payload))%8 + 8
	b := append([]byte(version), "\r\n"...)
	b = wire.AppendUint32(b, uint32(1+len(payload)+padding))
	b = append(append(append(b, byte(padding)), payload...), make([]byte, padding)...)
	if _, err := nc.Write(b); err != nil {
		return
	}
	if half, ok := nc.(interface{ CloseWrite() error }); !ok || half.CloseWrite() != nil {
		return
	}
	var sink [refusalBytes]byte
	for n := 0; n < refusalBytes; {
		k, err := nc.Read(sink[n:])
		if err != nil {
			return
		}
		n += k
	}
}

const (
	refusalTime  = time.Second
	refusalBytes = 512 // of the client that are read away
)
