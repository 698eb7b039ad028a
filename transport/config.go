package transport

import (
	"context"
	"crypto/rand"
	"io"
	"log/slog"
	"slices"
	"time"

	"github.com/hawser-ssh/hawser/cipher"
	"github.com/hawser-ssh/hawser/kex"
	"github.com/hawser-ssh/hawser/mac"
	"github.com/hawser-ssh/hawser/transport/sshkey"
)

// Defaults and limits of a connection. Those with a Config field of the same
// name are only what the zero value means.
const (
	DefaultVersion          = "SSH-2.0-hawser_0.1"
	DefaultHandshakeTimeout = time.Minute
	DefaultRekeyTimeout     = time.Minute
	DefaultRekeyInterval    = time.Hour       // RFC 4253 §9
	DefaultRekeyBytes       = 1 << 30         // RFC 4253 §9
	DefaultRekeyPackets     = 1 << 31         // RFC 4344 §3.1
	DefaultMaxPacket        = 256 << 10       // packet_length; at least MinMaxPacket
	MinMaxPacket            = 35000           // RFC 4253 §6.1
	DefaultControlMessages  = 1024            // replies the peer has not read
	DefaultControlBytes     = 1 << 20         // and their bytes
	MaxVersionLine          = 255             // with CR LF, RFC 4253 §4.2
	MaxPreludeLines         = 64              // lines before the server's identification
	MaxPreludeBytes         = 8 << 10         // and their bytes
	minPadding              = 4               // RFC 4253 §6
	highWater               = 256 << 10       // sealed bytes at which writers wait
	lingerTimeout           = 2 * time.Second // for the last bytes of a connection to leave
	drainTimeout            = time.Second     // for the peer to close after our last byte
	maxDebugLines           = 16              // DEBUG messages of the peer that are logged
)

// Config says how a connection is to be made. The zero value is secure and,
// but for a server's HostKeys and a client's VerifyHostKey, complete. A nil
// list means the defaults, an empty one none. A Config is copied where a
// connection is made; what its slices point to must not change meanwhile.
type Config struct {
	// Rand is where cookies and ephemeral keys come from; nil is crypto/rand.
	Rand io.Reader
	// Version is the identification without CR LF, such as "SSH-2.0-name_1.0".
	Version string

	// Algorithms in order of preference.
	Kex               []kex.Method
	Ciphers           []cipher.Cipher
	MACs              []mac.MAC
	Compression       []string // nil is DefaultCompression
	HostKeyAlgorithms []string // nil is sshkey.DefaultAlgorithms
	// Languages are the tags of languages (RFC 5646) that we say we prefer;
	// nothing here depends on them. nil is none, as with everybody else.
	Languages []string
	// ServerToClient has lists of their own for what the server sends, where
	// those above are to be for what the client sends only.
	ServerToClient Preferences
	// CompressionLevel is 1 (fast) to 9 (small); 0 is the default.
	CompressionLevel int
	// SignatureAlgorithms is what a server lists in server-sig-algs (RFC
	// 8308 §3.1); nil is sshkey.DefaultAlgorithms.
	SignatureAlgorithms []string

	// Limiter bounds how many costly steps of key exchanges run at once; give
	// all connections of a server the same. nil is no bound.
	Limiter *kex.Limiter
	// Groups are what a server has for a group exchange (RFC 4419); nil is
	// kex.RFC3526, and kex.ParseModuli reads others.
	Groups []kex.Group
	// GroupRequest is what a client asks for in a group exchange; the zero
	// value is kex.DefaultGroupRequest.
	GroupRequest kex.GroupRequest
	// ProveGroups makes a client check that the modulus of a group it has not
	// seen before is a safe prime, which takes up to some seconds. Without,
	// only accidents are found: a server that cheats gives away its own keys.
	ProveGroups bool

	// HostKeys are a server's keys. For an algorithm that several have, the
	// first one is used.
	HostKeys []sshkey.Signer
	// VerifyHostKey decides for a client whether the server, which has proved
	// to own key, is the right one; an error ends the connection. It is asked
	// once: a key that changes in a re-key is always an error. nil refuses.
	VerifyHostKey func(ctx context.Context, key sshkey.PublicKey) error

	// KeyLimits are the sizes of a server's key that a client accepts; the zero
	// value refuses RSA below 2048 bits, which old devices have.
	KeyLimits sshkey.Limits

	// HandshakeTimeout bounds Handshake.
	HandshakeTimeout time.Duration
	// A re-key starts after so many bytes or packets in one direction, or so
	// long after the last one, and must end within RekeyTimeout.
	RekeyBytes    uint64
	RekeyPackets  uint64
	RekeyInterval time.Duration
	RekeyTimeout  time.Duration

	// MaxPacket bounds packet_length, and what a payload may expand to.
	MaxPacket int
	// ControlMessages and ControlBytes bound what WriteControl may queue.
	ControlMessages int
	ControlBytes    int

	// KeyLogWriter, if not nil, gets the secrets of each key exchange, in the
	// format of Wireshark's ssh.keylog_file, so that it can decrypt a capture
	// of the connection: for debugging only. Who reads them can read all that
	// the connection carries, passwords and keys typed into it among that, and
	// change it while it lasts; other connections and the host key stay safe.
	// Each exchange is one Write of whole lines, on the goroutine that reads
	// the connection, which waits for it; connections that share a writer may
	// call it at the same time, as *os.File allows. An error ends the
	// connection: a capture that was wanted is not lost in silence. Wireshark
	// 4.0 can read the first exchange of a connection, if it is X25519 or
	// diffie-hellman-group14, and no chacha20-poly1305 after a strict one.
	KeyLogWriter io.Writer

	// Logger gets what an operator needs; nil is silent. Never payloads.
	Logger *slog.Logger

	// Lab shows and changes what passes, to test other implementations; nil is
	// off. Never in production: it sees everything.
	Lab *Lab

	shared *Config // points to itself where Shared made it
}

// Shared returns a copy of c that all connections made with it have in common,
// where of any other Config each takes a copy: for a server of many. It must
// not be changed.
func (c *Config) Shared() *Config {
	r := c.clone()
	r.shared = r
	return r
}

// clone returns a copy of c with the scalars resolved, or c where that is
// shared. nil lists stay nil, so that an idle connection does not hold copies
// of the defaults.
func (c *Config) clone() *Config {
	var r Config
	if c != nil {
		if c.shared == c {
			return c
		}
		r = *c
	}
	r.shared = nil
	r.Kex, r.Ciphers, r.MACs = slices.Clone(r.Kex), slices.Clone(r.Ciphers), slices.Clone(r.MACs)
	r.Compression, r.HostKeyAlgorithms = slices.Clone(r.Compression), slices.Clone(r.HostKeyAlgorithms)
	r.Languages, r.ServerToClient = slices.Clone(r.Languages), r.ServerToClient.clone()
	r.Groups = slices.Clone(r.Groups)
	r.HostKeys, r.SignatureAlgorithms = slices.Clone(r.HostKeys), slices.Clone(r.SignatureAlgorithms)
	if r.Rand == nil {
		r.Rand = rand.Reader
	}
	if r.Logger == nil {
		r.Logger = slog.New(slog.DiscardHandler)
	}
	setDefault(&r.Version, DefaultVersion)
	setDefault(&r.GroupRequest, kex.DefaultGroupRequest())
	r.GroupRequest.Old = false
	setDefault(&r.HandshakeTimeout, DefaultHandshakeTimeout)
	setDefault(&r.RekeyTimeout, DefaultRekeyTimeout)
	setDefault(&r.RekeyInterval, DefaultRekeyInterval)
	setDefault(&r.RekeyBytes, DefaultRekeyBytes)
	setDefault(&r.RekeyPackets, DefaultRekeyPackets)
	setDefault(&r.MaxPacket, DefaultMaxPacket)
	setDefault(&r.ControlMessages, DefaultControlMessages)
	setDefault(&r.ControlBytes, DefaultControlBytes)
	r.MaxPacket = min(max(r.MaxPacket, MinMaxPacket), DefaultMaxPacket)
	return &r
}

func setDefault[T comparable](v *T, def T) {
	var zero T
	if *v == zero {
		*v = def
	}
}

func (c *Config) kexMethods() []kex.Method {
	if c.Kex == nil {
		return kex.Default()
	}
	return c.Kex
}

func (c *Config) groups() []kex.Group {
	if c.Groups == nil {
		return kex.RFC3526()
	}
	return c.Groups
}

func (c *Config) hostKeyAlgorithms() []string {
	if c.HostKeyAlgorithms == nil {
		return sshkey.DefaultAlgorithms()
	}
	return c.HostKeyAlgorithms
}

func (c *Config) signatureAlgorithms() []string {
	if c.SignatureAlgorithms == nil {
		return sshkey.DefaultAlgorithms()
	}
	return c.SignatureAlgorithms
}

// signer returns the host key that can sign with algorithm.
func (c *Config) signer(algorithm string) (sshkey.Signer, bool) {
	for _, s := range c.HostKeys {
		if slices.Contains(s.Algorithms(), algorithm) {
			return s, true
		}
	}
	return nil, false
}

// servable returns the host key algorithms that HostKeys can serve, in order.
func (c *Config) servable() []string {
	var names []string
	for _, name := range c.hostKeyAlgorithms() {
		if _, ok := c.signer(name); ok {
			names = append(names, name)
		}
	}
	return names
}
