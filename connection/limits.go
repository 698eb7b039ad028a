package connection

import (
	"log/slog"
	"time"
)

// Defaults of [Config], each the value of the field named beside it.
const (
	DefaultWindow                = 2 << 20           // Window
	DefaultMaxWindow             = 64 << 20          // MaxWindow
	DefaultWindowBudget          = 128 << 20         // WindowBudget
	DefaultMaxPacket             = 32 << 10          // MaxPacket
	DefaultMaxChannels           = 1024              // MaxChannels
	DefaultMaxSessions           = 64                // MaxSessions
	DefaultMaxQueued             = 1024              // MaxQueued
	DefaultMaxQueuedBytes        = 1 << 20           // MaxQueuedBytes
	DefaultMaxAsked              = 1024              // MaxAsked
	DefaultKeepaliveCount        = 3                 // KeepaliveCount
	DefaultMaxEnv                = 128               // SessionLimits.MaxEnv
	DefaultMaxEnvBytes           = 32 << 10          // SessionLimits.MaxEnvBytes
	DefaultMaxTerm               = 64                // SessionLimits.MaxTerm, bytes
	DefaultMaxModes              = 256               // SessionLimits.MaxModes, entries
	DefaultMaxDimension          = 1<<15 - 1         // SessionLimits.MaxDimension, characters and pixels
	DefaultMaxBreak              = 3 * time.Second   // SessionLimits.MaxBreak (RFC 4335 §3)
	DefaultMaxCommand            = 256 << 10         // SessionLimits.MaxCommand, bytes
	DefaultMaxX11Cookie          = 64                // SessionLimits.MaxX11Cookie; real ones have 16 bytes
	DefaultMaxX11Screen          = 255               // SessionLimits.MaxX11Screen
	DefaultMaxListeners          = 64                // RemoteForwards.MaxListeners
	DefaultMaxBacklog            = 128               // RemoteForwards.MaxBacklog, connections not yet accepted a listener
	MaxHostName                  = 255               // bytes of a host name in a forward (RFC 1035 §2.3.4)
	MaxSocketPath                = 107               // bytes of a Unix socket's path in a forward: sun_path less its NUL
	maxPort               uint32 = 1<<16 - 1         // TCP
	minWindow                    = 64 << 10          // of a channel, where the budget is short
	maxWindow                    = uint64(1)<<32 - 1 // RFC 4254 §5.2
	maxMaxWindow                 = 1 << 30           // a Config's MaxWindow is clamped to this
	maxRoundTrip                 = time.Second       // a peer that answers later does so to have its windows grow
	maxMaxPacket                 = 192 << 10         // a Config's MaxPacket is clamped to this: it must fit the transport's packets
	maxRequestName               = 64                // bytes (RFC 4251 §6)
	maxShownText                 = 256               // bytes of the peer's text in an error
)

// Config sets what a [Mux] allows. The zero value is secure and usable: it
// refuses every channel and every global request, and sends no keepalives.
type Config struct {
	// Handler decides about channels and global requests of the peer; nil refuses all.
	Handler Handler
	// Window is how many bytes a peer may send on a channel before they are read, at first, and MaxPacket how many in
	// one message, at most 192 KiB. 0 means the default.
	Window, MaxPacket uint32
	// MaxWindow is how far a channel's window grows: to twice the bytes that come in a round trip of the path, at
	// the rate of the last quarter of the window (at most 1 MiB), while what comes is read at once. It shrinks again when
	// its reader is slow. At most 1 GiB; 0 means the default, and no more than Window keeps windows as they are.
	MaxWindow uint32
	// WindowBudget bounds the sum of the connection's windows: what the peer can make us hold, in bytes. Channels begin
	// with Window, and grow, in the first half of it; the second half is for channels that begin with 64 KiB. Channels
	// that do not fit are refused with RESOURCE_SHORTAGE. 0 means the default. Budget, which may be nil, bounds in
	// the same way the sum over all connections that share it; what an ended connection's channels still have unread
	// does not count there any more, so close them.
	WindowBudget int64
	Budget       *Budget
	// MaxChannels bounds the channels of a connection: open, being opened or closed with data unread. MaxSessions
	// bounds those of type "session" that the peer opened. More are refused with RESOURCE_SHORTAGE. 0 means the default.
	MaxChannels, MaxSessions int
	// MaxQueued bounds the peer's requests and opens that wait for a callback or a reply, a connection, and
	// MaxQueuedBytes the bytes in them. A peer that exceeds either is disconnected. 0 means the default.
	MaxQueued, MaxQueuedBytes int
	// MaxAsked bounds our own requests that wait for the peer's reply, for each channel and for the connection; the
	// next one fails with ErrTooManyRequests. 0 means the default.
	MaxAsked int
	// KeepaliveInterval is how long a peer may be silent before it is asked whether it lives; 0 never asks. After
	// KeepaliveCount questions (0 means the default) without any packet from it, the connection ends with ErrKeepalive.
	KeepaliveInterval time.Duration
	KeepaliveCount    int
	// Logger may be nil.
	Logger *slog.Logger

	shared *Config // points to itself where Shared made it
}

// Shared returns a copy of c that all connections made with it have in common,
// where of any other Config each takes a copy. It must not be changed.
func (c *Config) Shared() *Config {
	full := c.complete()
	full.shared = full
	return full
}

func orDefault[T int | int64 | uint32](v, def T) T {
	if v <= 0 {
		return def
	}
	return v
}

// complete returns a copy with the defaults filled in, or c where that is shared.
func (c *Config) complete() *Config {
	var full Config
	if c != nil {
		if c.shared == c {
			return c
		}
		full = *c
	}
	full.shared = nil
	full.Window = orDefault(full.Window, DefaultWindow)
	full.MaxWindow = min(max(orDefault(full.MaxWindow, DefaultMaxWindow), full.Window), maxMaxWindow)
	full.WindowBudget = orDefault(full.WindowBudget, DefaultWindowBudget)
	full.MaxPacket = min(orDefault(full.MaxPacket, DefaultMaxPacket), maxMaxPacket)
	full.MaxChannels = orDefault(full.MaxChannels, DefaultMaxChannels)
	full.MaxSessions = orDefault(full.MaxSessions, DefaultMaxSessions)
	full.MaxQueued = orDefault(full.MaxQueued, DefaultMaxQueued)
	full.MaxQueuedBytes = orDefault(full.MaxQueuedBytes, DefaultMaxQueuedBytes)
	full.MaxAsked = orDefault(full.MaxAsked, DefaultMaxAsked)
	full.KeepaliveCount = orDefault(full.KeepaliveCount, DefaultKeepaliveCount)
	if full.Logger == nil {
		full.Logger = slog.New(slog.DiscardHandler)
	}
	return &full
}
