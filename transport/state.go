package transport

import (
	"bytes"
	"crypto/md5"
	"encoding/hex"
	"sync"
	"sync/atomic"
	"time"
	"unique"

	"github.com/hawser-ssh/hawser/kex"
	"github.com/hawser-ssh/hawser/transport/sshkey"
	"github.com/hawser-ssh/hawser/wire"
)

// ConnectionState is what there is to know of a connection at one moment. What
// is not known yet is empty. All of it is the caller's.
type ConnectionState struct {
	Role wire.Role // ours

	LocalVersion  string // identifications without CR LF (RFC 4253 §4.2)
	RemoteVersion string // as it came: escape it before showing it

	// ClientHASSH and ServerHASSH are fingerprints of the software on the two
	// sides, 32 digits: the MD5 of what a side's first KEXINIT offers (the
	// hassh and hasshServer of https://github.com/salesforce/hassh). They tell
	// implementations and their settings apart, as long as nobody pretends.
	ClientHASSH, ServerHASSH string

	SessionID  []byte           // RFC 4253 §7.2
	HostKey    sshkey.PublicKey // the server's, of the first exchange
	Strict     bool             // strict key exchange is in force (OpenSSH PROTOCOL §1.9)
	Algorithms kex.Algorithms   // of the last exchange, both ways

	Sent, Received Traffic
	Rekeys         uint64 // exchanges that were completed after the first

	// RoundTrip is the shortest time from a message of a key exchange to the
	// peer's answer: the path there and back, and what the peer computed.
	RoundTrip time.Duration

	// Err is why the connection ended, nil while it has not: see Conn.Err.
	Err error
}

// Traffic counts packets, and their bytes as they are on the wire, with
// lengths, padding and tags. Identification lines are not among them.
type Traffic struct{ Packets, Bytes uint64 }

// add counts one more direction, or more of it.
func (t *Traffic) add(packets, bytes uint64) {
	t.Packets += packets
	t.Bytes += bytes
}

// known is what anybody may ask for at any time: what ConnectionState tells of
// the exchanges, and whether the connection has ended. Its lock may be taken
// under all others.
type known struct {
	ended     atomic.Bool // and Conn.Err tells why
	mu        sync.Mutex
	done      chan struct{}        // made by whenEnded
	facts     unique.Handle[facts] // zero before the peer's identification
	session   bool                 // the first exchange is over: what peer has is fixed
	roundTrip time.Duration
}

// facts are the same for most connections of a server, which share them.
type facts struct {
	remoteVersion            string
	clientHASSH, serverHASSH string
	strict                   bool
	algorithms               kex.Algorithms
}

// end is told once that the connection has ended.
func (k *known) end() {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.ended.Store(true)
	if k.done != nil {
		close(k.done)
	}
}

// whenEnded returns a channel that is closed by end.
func (k *known) whenEnded() <-chan struct{} {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.done == nil {
		k.done = make(chan struct{})
		if k.ended.Load() {
			close(k.done)
		}
	}
	return k.done
}

// load returns the facts. The lock is held.
func (k *known) load() facts {
	if k.facts == (unique.Handle[facts]{}) {
		return facts{}
	}
	return k.facts.Value()
}

// note changes the facts and returns them as they are shared.
func (k *known) note(f func(*facts)) facts {
	k.mu.Lock()
	defer k.mu.Unlock()
	now := k.load()
	f(&now)
	k.facts = unique.Make(now)
	return k.facts.Value()
}

// ConnectionState returns the state of the connection now. It may be called
// at any time and from any goroutine; what has been received counts when the
// reader comes for more.
func (c *Conn) ConnectionState() ConnectionState {
	s := ConnectionState{Role: c.role, LocalVersion: c.cfg.Version, Received: c.in.counted.load()}
	c.known.addTo(&s, &c.peer)
	o := &c.out
	o.mu.Lock()
	defer o.mu.Unlock()
	s.Sent, s.Err = o.total, o.err
	s.Sent.add(o.packets, o.bytes)
	if o.exchanges > 0 {
		s.Rekeys = o.exchanges - 1
	}
	return s
}

func (k *known) addTo(s *ConnectionState, p *peer) {
	k.mu.Lock()
	defer k.mu.Unlock()
	f := k.load()
	s.RemoteVersion, s.ClientHASSH, s.ServerHASSH = f.remoteVersion, f.clientHASSH, f.serverHASSH
	s.Strict, s.Algorithms, s.RoundTrip = f.strict, f.algorithms, k.roundTrip
	if k.session {
		s.SessionID, s.HostKey = bytes.Clone(p.sessionID), p.hostKey
	}
}

// Algorithms returns what the last exchange agreed on.
func (c *Conn) Algorithms() kex.Algorithms {
	c.known.mu.Lock()
	defer c.known.mu.Unlock()
	return c.known.load().algorithms
}

// RoundTrip returns the ConnectionState's RoundTrip.
func (c *Conn) RoundTrip() time.Duration {
	c.known.mu.Lock()
	defer c.known.mu.Unlock()
	return c.known.roundTrip
}

// noteOffers keeps what the first KEXINITs tell of the two sides.
func (x *exchange) noteOffers() {
	client, server := byRole(x.c.role, &x.ourInit, &x.theirInit)
	x.c.known.note(func(f *facts) {
		f.clientHASSH = hassh(client.Kex, client.CipherCS, client.MACCS, client.CompressionCS)
		f.serverHASSH = hassh(server.Kex, server.CipherSC, server.MACSC, server.CompressionSC)
		f.strict = x.c.peer.strict
	})
}

// noteResult keeps what an exchange has agreed on.
func (x *exchange) noteResult() {
	k := &x.c.known
	k.note(func(f *facts) {
		f.algorithms, k.session = x.algs, true
		if k.roundTrip == 0 || x.roundTrip > 0 && x.roundTrip < k.roundTrip {
			k.roundTrip = x.roundTrip
		}
	})
}

// hassh returns the fingerprint of lists in the direction that a side sends.
func hassh(lists ...wire.NameList) string {
	h := md5.New()
	for i, list := range lists {
		if i > 0 {
			h.Write([]byte{';'})
		}
		h.Write(list)
	}
	return hex.EncodeToString(h.Sum(nil))
}

// published are counts of the reader that anybody may read.
type published struct {
	packets, bytes atomic.Uint64
	clock          *trafficClock // nil without WatchTraffic
}

func (p *published) load() Traffic { return Traffic{p.packets.Load(), p.bytes.Load()} }

// publish makes known what has been received. The reader does so when it
// waits, and not for each packet.
func (in *receiver) publish() {
	in.counted.packets.Store(in.total.Packets + in.packets)
	in.counted.bytes.Store(in.total.Bytes + in.bytes)
	if in.n > 0 { // what the last read brought, be it part of a packet
		in.counted.clock.note()
	}
}

// trafficClock remembers when bytes came or went. A nil one notes nothing, so
// that only who wants to know pays for looking at the time.
type trafficClock struct {
	since time.Time
	last  atomic.Int64 // nanoseconds after since
}

func (k *trafficClock) note() {
	if k != nil {
		k.last.Store(int64(time.Since(k.since)))
	}
}

// WatchTraffic makes the connection keep the time for LastTraffic. Call it
// before Handshake.
func (c *Conn) WatchTraffic() { c.in.counted.clock = &trafficClock{since: time.Now()} }

// LastTraffic returns when bytes last came from the peer or went to it, parts
// of packets and identification lines included; without any, when WatchTraffic
// was called, and without that the zero time. It may be called from any
// goroutine; what has been received counts when the reader comes for more.
func (c *Conn) LastTraffic() time.Time {
	k := c.in.counted.clock
	if k == nil {
		return time.Time{}
	}
	return k.since.Add(time.Duration(k.last.Load()))
}
