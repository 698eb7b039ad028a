package daemon

import (
	"context"
	"log/slog"
	"net"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
	"sync"
	"time"
	"unicode"

	"github.com/hawser-ssh/hawser/transport"
	"github.com/hawser-ssh/hawser/transport/sshkey"
	"github.com/hawser-ssh/hawser/userauth"
	"github.com/hawser-ssh/hawser/wire"
)

// slog returns the logger of SetLogger, or one that is silent.
func (d *Daemon) slog() *slog.Logger {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.logger == nil {
		return slog.New(slog.DiscardHandler)
	}
	return d.logger
}

// fullLog keeps a flood of connections from being a flood of lines.
type fullLog struct {
	mu    sync.Mutex
	last  time.Time
	quiet int // refusals since the last line
}

// fullLogEvery is how far lines about refusals are apart at least.
const fullLogEvery = time.Second

// tellFull says that a connection was refused for a limit, or counts it for the
// next line.
func (d *Daemon) tellFull(nc net.Conn, cause error) {
	f := &d.full
	f.mu.Lock()
	now := time.Now()
	if now.Sub(f.last) < fullLogEvery {
		f.quiet++
		f.mu.Unlock()
		return
	}
	quiet := f.quiet
	f.last, f.quiet = now, 0
	f.mu.Unlock()
	attrs := []slog.Attr{slog.String("remote", addrText(nc.RemoteAddr())), slog.String("err", cause.Error())}
	if quiet > 0 {
		attrs = append(attrs, slog.Int("before", quiet))
	}
	d.note(slog.LevelWarn, "connection refused", attrs...)
}

// tell writes a line about the connection to the logger of SetLogger.
func (c *conn) tell(text string, attrs ...slog.Attr) {
	head := []slog.Attr{slog.Int("conn", c.id), slog.String("remote", addrText(c.nc.RemoteAddr()))}
	c.d.slog().LogAttrs(context.Background(), slog.LevelInfo, text, append(head, attrs...)...)
}

// tellLogin says who has logged in, and by what.
func (c *conn) tellLogin(who *userauth.Login) {
	var methods []string
	attrs := []slog.Attr{slog.String("user", wire.Escape(who.User, maxShownName))}
	for _, step := range who.Steps {
		methods = append(methods, step.Method)
	}
	attrs = append(attrs, slog.String("method", strings.Join(methods, ",")))
	for _, step := range who.Steps {
		if step.Key != nil {
			attrs = append(attrs, slog.String("key", sshkey.Fingerprint(step.Key)))
		}
	}
	c.tell("logged in", attrs...)
}

// tellRefused says which attempt was refused and why; questions are none, and
// the method none is one.
func (c *conn) tellRefused(r *userauth.Report) {
	if r.Outcome != userauth.Deny || r.Query || r.Method == userauth.MethodNone {
		return
	}
	attrs := []slog.Attr{slog.String("user", wire.Escape(r.User, maxShownName)),
		slog.String("method", wire.Escape(r.Method, maxShownName)), slog.String("reason", r.Reason)}
	if r.Key != nil {
		attrs = append(attrs, slog.String("key", sshkey.Fingerprint(r.Key)))
	}
	c.tell("login refused", attrs...)
}

// maxShownName bounds a name that a client has chosen in a line of the log.
const maxShownName = 64

// addrText is an address for a log.
func addrText(a net.Addr) string {
	if a == nil {
		return ""
	}
	return a.String()
}

// logger returns the logger for the layers of a connection: it feeds OnLog,
// OnSSHStatus and the logger of SetLogger. To the latter what the layers say is
// detail, of the level Debug at most: what an operator reads every day are the
// lines of tell.
func (c *conn) logger() *slog.Logger {
	h := &logHandler{c: c, next: c.d.slog().With("conn", c.id).Handler()}
	if c.d.OnLog != nil {
		h.level = c.opt.logLevel
	}
	return slog.New(h)
}

// logHandler turns records into log events and hands them on.
type logHandler struct {
	c      *conn
	next   slog.Handler
	level  int    // of the LogLevel setting; 0 without OnLog
	prefix string // groups
	attrs  string // of With, as text
}

// levelOf returns the level of LogLevel that a record belongs to.
func levelOf(l slog.Level) int {
	switch {
	case l >= slog.LevelInfo:
		return 1
	case l >= slog.LevelDebug:
		return 2
	}
	return 3
}

// Enabled implements slog.Handler.
func (h *logHandler) Enabled(ctx context.Context, l slog.Level) bool {
	return levelOf(l) <= h.level || h.tellsStatus(levelOf(l)) || h.next.Enabled(ctx, detail(l))
}

// tellsStatus reports whether a record of this level goes to OnSSHStatus.
func (h *logHandler) tellsStatus(level int) bool { return level == 1 && h.c.d.OnSSHStatus != nil }

// Handle implements slog.Handler.
func (h *logHandler) Handle(ctx context.Context, r slog.Record) error {
	level := levelOf(r.Level)
	if level <= h.level || h.tellsStatus(level) {
		var b strings.Builder
		b.WriteString(r.Message)
		b.WriteString(h.attrs)
		r.Attrs(func(a slog.Attr) bool { appendAttr(&b, h.prefix, a); return true })
		h.c.log(&LogEvent{
			ConnectionID: h.c.id, LogLevel: level, Message: cut(b.String()), LogType: r.Level.String(),
		}, level <= h.level)
	}
	if r.Level = detail(r.Level); h.next.Enabled(ctx, r.Level) {
		return h.next.Handle(ctx, r)
	}
	return nil
}

// detail makes Debug of Info.
func detail(l slog.Level) slog.Level {
	if l == slog.LevelInfo {
		return slog.LevelDebug
	}
	return l
}

// WithAttrs implements slog.Handler.
func (h *logHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	var b strings.Builder
	for _, a := range attrs {
		appendAttr(&b, h.prefix, a)
	}
	c := *h
	c.next, c.attrs = h.next.WithAttrs(attrs), h.attrs+b.String()
	return &c
}

// WithGroup implements slog.Handler.
func (h *logHandler) WithGroup(name string) slog.Handler {
	c := *h
	c.next, c.prefix = h.next.WithGroup(name), h.prefix+name+"."
	return &c
}

func appendAttr(b *strings.Builder, prefix string, a slog.Attr) {
	if a.Equal(slog.Attr{}) {
		return
	}
	text := a.Value.Resolve().String()
	if text == "" || strings.ContainsFunc(text, func(r rune) bool { return r == ' ' || r == '"' || !unicode.IsPrint(r) }) {
		text = strconv.Quote(text)
	}
	b.WriteString(" " + prefix + a.Key + "=" + text)
}

// log fires OnSSHStatus for a message of level 1, and OnLog where it wants to
// know.
func (c *conn) log(e *LogEvent, wanted bool) {
	c.events.postLog(func(lost int) {
		e.after(lost)
		c.show(e, wanted)
	})
}

// status is log for what may not be lost: how the login and the connection ended.
func (c *conn) status(text string) {
	if c.d.OnSSHStatus == nil && c.d.OnLog == nil {
		return
	}
	e := &LogEvent{ConnectionID: c.id, LogLevel: 1, Message: text, LogType: slog.LevelInfo.String()}
	c.events.post(func() { c.show(e, c.opt.logLevel >= e.LogLevel) })
}

// show fires the events of a message, in its turn.
func (c *conn) show(e *LogEvent, wanted bool) {
	if h := c.d.OnSSHStatus; h != nil && e.LogLevel == 1 {
		c.d.invoke(c, func() { h(&SSHStatusEvent{ConnectionID: c.id, Message: e.Message}) })
	}
	if h := c.d.OnLog; h != nil && wanted {
		c.d.invoke(c, func() { h(e) })
	}
}

// buildInfo describes the build in a line.
func buildInfo() string {
	version := "(devel)"
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, m := range append(info.Deps, &info.Main) {
			if m.Path == "github.com/hawser-ssh/hawser" && m.Version != "" {
				version = m.Version
			}
		}
	}
	return transport.DefaultVersion + " " + version + " " + runtime.Version() + " " + runtime.GOOS + "/" + runtime.GOARCH
}
