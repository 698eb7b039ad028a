package userauth

import (
	"strings"

	"github.com/hawser-ssh/hawser/wire"
)

// banner shows the server's text (RFC 4252 §5.4) as far as the limit of all
// such text allows. The number of banners is limited too, or a server could
// keep us here for ever.
func (c *client) banner(p []byte) error {
	var m wire.UserauthBanner
	if err := m.Parse(p); err != nil {
		return err
	}
	if c.banners++; c.banners > maxBanners {
		return wire.Errorf(wire.ReasonProtocolError, "userauth", "%w", ErrTooManyBanners)
	}
	text := m.Message[:min(len(m.Message), c.cfg.MaxBannerBytes-c.bannerBytes)]
	c.bannerBytes += len(text)
	if c.cfg.Banner != nil && text != "" {
		c.cfg.Banner(sanitize(text))
	}
	return nil
}

// shown is as much of a text in a question as is shown, made safe.
func shown(text string) string { return sanitize(text[:min(len(text), maxTextBytes)]) }

// sanitize makes a server's text safe for a terminal: line feeds and tabs stay,
// CR LF becomes a line feed, everything else that is not printable is escaped.
// A backslash stands for itself, since people read this and not programs.
func sanitize(text string) string {
	var b strings.Builder
	b.Grow(len(text))
	for i, line := range strings.Split(text, "\n") {
		if i > 0 {
			b.WriteByte('\n')
		}
		for j, part := range strings.Split(strings.TrimSuffix(line, "\r"), "\t") {
			if j > 0 {
				b.WriteByte('\t')
			}
			writeEscaped(&b, part)
		}
	}
	return b.String()
}

// writeEscaped appends part of a line to b.
func writeEscaped(b *strings.Builder, part string) {
	for i, p := range strings.Split(part, `\`) {
		if i > 0 {
			b.WriteByte('\\')
		}
		b.WriteString(wire.Escape(p, len(p)))
	}
}
