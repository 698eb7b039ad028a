package daemon

import (
	"context"
	"log/slog"
	"strconv"
	"strings"
)

// note logs what concerns no connection that has its id: to the logger of
// SetLogger, and to OnLog with a ConnectionID of 0. Those events have a queue of
// their own, so that a slow handler holds up neither the accept loop nor a
// connection; what exceeds its bound is counted and dropped.
func (d *Daemon) note(level slog.Level, text string, attrs ...slog.Attr) {
	d.slog().LogAttrs(context.Background(), level, text, attrs...)
	h := d.OnLog
	if h == nil || levelOf(level) > d.opt.snapshot().logLevel {
		return
	}
	var b strings.Builder
	b.WriteString(text)
	for _, a := range attrs {
		appendAttr(&b, "", a)
	}
	e := &LogEvent{LogLevel: levelOf(level), Message: cut(b.String()), LogType: level.String()}
	d.notes.postLog(func(lost int) {
		e.after(lost)
		d.invoke(nil, func() { h(e) })
	})
}

// after says how many messages were dropped before this one.
func (e *LogEvent) after(lost int) {
	if lost > 0 {
		e.Message += " (" + strconv.Itoa(lost) + " earlier messages were dropped)"
	}
}
