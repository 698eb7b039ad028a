package transport

import (
	"context"
	"log/slog"
	"net"
	"sync"
	"syscall"
	"time"

	"github.com/hawser-ssh/hawser/cipher"
	"github.com/hawser-ssh/hawser/transport/sshkey"
	"github.com/hawser-ssh/hawser/wire"
)

// Conn is one SSH connection up to the packets of RFC 4253, in either role.
// See the package comment for who may call what from where.
type Conn struct {
	nc     net.Conn
	raw    syscall.RawConn // of nc; nil where the generic path must do
	role   wire.Role
	proofs int32 // see ProveHostKeys
	cfg    *Config
	log    *slog.Logger // cfg's, or that of SetLogger
	lab    *labor       // nil without Config.Lab

	in   receiver // the reader's alone
	turn turn
	out  sender // under out.mu

	peer peer // what the first exchange brought; fixed from then on

	known  known
	flush  func() // c.runFlusher, made once so that starting it allocates nothing
	joined sync.WaitGroup
}

// peer is what the handshake leaves behind.
type peer struct {
	version    string // identification without CR LF
	sessionID  []byte
	hostKey    sshkey.PublicKey
	proof      []byte // the signature of sessionID by hostKey; a client's alone
	strict     bool
	extInfo    bool   // the peer reads EXT_INFO
	extensions []byte // body of the last EXT_INFO, a copy
}

// Client returns the client's end of a connection over nc, which it owns from
// now on, its deadlines included. cfg may be nil, but then Handshake fails for want of a host key
// policy. Nothing happens before Handshake.
func Client(nc net.Conn, cfg *Config) *Conn { return newConn(nc, wire.Client, cfg) }

// Server returns the server's end of a connection over nc, which it owns from
// now on, its deadlines included. cfg must have HostKeys. Nothing happens before Handshake.
func Server(nc net.Conn, cfg *Config) *Conn { return newConn(nc, wire.Server, cfg) }

func newConn(nc net.Conn, role wire.Role, cfg *Config) *Conn {
	c := &Conn{nc: nc, role: role, cfg: cfg.clone()}
	c.log = c.cfg.Logger
	c.setLab()
	sealer, opener := cipher.None()
	c.in.setOpener(opener)
	c.out.setSealer(sealer)
	if c.raw = rawConn(c.nc); c.raw != nil {
		c.in.poll, c.out.poll = c.pollRead, c.pollWrite
	}
	c.flush = c.runFlusher
	return c
}

// Handshake exchanges versions and keys (RFC 4253 §4.2, §7, §8). It runs on
// the caller's goroutine, until ctx ends or Config.HandshakeTimeout has
// passed; after an error the connection is closed. Call it once, before
// anything else.
func (c *Conn) Handshake(ctx context.Context) error {
	if c.role == wire.Client && c.cfg.VerifyHostKey == nil {
		return c.refuse(ErrNoHostKeyPolicy)
	}
	if c.role == wire.Server && len(c.cfg.HostKeys) == 0 {
		return c.refuse(ErrNoHostKey)
	}
	ctx, cancel := context.WithTimeout(ctx, c.cfg.HandshakeTimeout)
	defer cancel()
	stop := context.AfterFunc(ctx, func() { c.end(contextError(ctx), false) })
	defer stop()
	err := c.handshake(ctx)
	if err == nil && !stop() {
		err = contextError(ctx) // it ended just now, and took the connection along
	}
	if err != nil {
		return c.failed(err)
	}
	c.armRekeyTimer()
	return nil
}

func (c *Conn) handshake(ctx context.Context) error {
	if err := c.sendVersion(); err != nil {
		return err
	}
	if err := c.readVersion(); err != nil {
		return err
	}
	if c.logs(slog.LevelInfo) {
		c.logger().Info("version", "peer", wire.Escape(c.peer.version, MaxVersionLine))
	}
	c.labVersions()
	if _, err := c.startExchange(); err != nil {
		return err
	}
	if err := c.firstExchange(ctx); err != nil {
		return err
	}
	c.out.mu.Lock()
	defer c.out.mu.Unlock()
	if len(c.out.buf) > 0 {
		c.startFlush() // a client's NEWKEYS: a request of a service that comes at once joins it
	}
	return nil
}

// refuse ends a connection that has not begun.
func (c *Conn) refuse(err error) error {
	c.end(err, false)
	return err
}

func contextError(ctx context.Context) error {
	return &wire.ProtocolError{Reason: wire.ReasonByApplication, Op: "handshake", Err: context.Cause(ctx)}
}

// SetAuthenticated opens the connection for the connection protocol, starts
// delayed compression, and sends what WriteReply has left. A server calls it
// after it has written USERAUTH_SUCCESS, a client when it has read it; both on
// the reader, before the next ReadPacket.
func (c *Conn) SetAuthenticated() {
	c.in.authenticated(c.role)
	c.sendOwed()
	c.out.mu.Lock()
	c.out.open, c.out.delayed = true, false
	c.labState(LabOpen)
	c.out.mu.Unlock()
}

// SessionID returns the session identifier (RFC 4253 §7.2), a view that must
// not be changed.
func (c *Conn) SessionID() []byte { return c.peer.sessionID }

// HostKey returns the server's host key that the first exchange used, in
// either role.
func (c *Conn) HostKey() sshkey.PublicKey { return c.peer.hostKey }

// HostKeyProof returns the server's signature of SessionID by HostKey, the one
// that ended the first key exchange, which shows others what session this is
// (OpenSSH PROTOCOL.agent §1). It is a view, not to be changed; a server has
// none.
func (c *Conn) HostKeyProof() []byte { return c.peer.proof }

// LocalVersion returns our identification without CR LF.
func (c *Conn) LocalVersion() string { return c.cfg.Version }

// RemoteVersion returns the peer's identification without CR LF, as it came:
// escape it before showing it. It is empty before Handshake.
func (c *Conn) RemoteVersion() string { return c.peer.version }

// LocalAddr returns the local address of the underlying connection.
func (c *Conn) LocalAddr() net.Addr { return c.nc.LocalAddr() }

// RemoteAddr returns the remote address of the underlying connection.
func (c *Conn) RemoteAddr() net.Addr { return c.nc.RemoteAddr() }

// Done returns a channel that is closed when the connection has ended.
func (c *Conn) Done() <-chan struct{} { return c.known.whenEnded() }

// Err returns why the connection ended, nil while it has not. The error
// matches net.ErrClosed.
func (c *Conn) Err() error {
	c.out.mu.Lock()
	defer c.out.mu.Unlock()
	return c.out.err
}

// SetLogger makes the connection log to l in place of Config.Logger, so that
// connections that share a Config can tell which one they are. l is not nil.
// Call it before Handshake.
func (c *Conn) SetLogger(l *slog.Logger) { c.log = l }

func (c *Conn) logger() *slog.Logger { return c.log }

// logs reports whether it is worth putting together what is logged at level.
func (c *Conn) logs(level slog.Level) bool { return c.log.Enabled(context.Background(), level) }

// setTimer (re)starts *t to run f after d; it keeps one timer per purpose.
func setTimer(t **time.Timer, d time.Duration, f func()) {
	if *t == nil {
		*t = time.AfterFunc(d, f)
		return
	}
	(*t).Reset(d)
}

func stopTimer(t *time.Timer) {
	if t != nil {
		t.Stop()
	}
}
