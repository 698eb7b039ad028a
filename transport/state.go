package transport

import (
	"bytes"
	"crypto/md5"
	"encoding/hex"
	"sync/atomic"
	"time"

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

// ConnectionState returns the state of the connection now. It may be called
// at any time and from any goroutine; what has been received counts when the
// reader comes for more.
func (c *Conn) ConnectionState() ConnectionState {
	c.mu.Lock()
	s := c.state
	c.mu.Unlock()
	s.Role, s.LocalVersion, s.SessionID = c.role, c.cfg.Version, bytes.Clone(s.SessionID)
	s.Received = c.in.counted.load()
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

// RoundTrip returns the ConnectionState's RoundTrip.
func (c *Conn) RoundTrip() time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.state.RoundTrip
}

// note changes what ConnectionState knows.
func (c *Conn) note(f func(*ConnectionState)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	f(&c.state)
}

// noteOffers keeps what the first KEXINITs tell of the two sides.
func (x *exchange) noteOffers() {
	client, server := byRole(x.c.role, &x.ourInit, &x.theirInit)
	x.c.note(func(s *ConnectionState) {
		s.ClientHASSH = hassh(client.Kex, client.CipherCS, client.MACCS, client.CompressionCS)
		s.ServerHASSH = hassh(server.Kex, server.CipherSC, server.MACSC, server.CompressionSC)
		s.Strict = x.c.peer.strict
	})
}

// noteResult keeps what an exchange has agreed on.
func (x *exchange) noteResult() {
	x.c.note(func(s *ConnectionState) {
		s.SessionID, s.HostKey, s.Algorithms = x.c.peer.sessionID, x.c.peer.hostKey, x.algs
		if s.RoundTrip == 0 || x.roundTrip > 0 && x.roundTrip < s.RoundTrip {
			s.RoundTrip = x.roundTrip
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
type published struct{ packets, bytes atomic.Uint64 }

func (p *published) load() Traffic { return Traffic{p.packets.Load(), p.bytes.Load()} }

// publish makes known what has been received. The reader does so when it
// waits, and not for each packet.
func (in *receiver) publish() {
	in.counted.packets.Store(in.total.Packets + in.packets)
	in.counted.bytes.Store(in.total.Bytes + in.bytes)
}
