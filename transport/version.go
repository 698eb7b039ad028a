package transport

import (
	"bytes"
	"errors"
	"strings"

	"github.com/hawser-ssh/hawser/wire"
)

// Faults in the version exchange.
var (
	errVersionLine    = errors.New("identification line is too long")
	errVersionControl = errors.New("identification has a NUL or a stray CR")
	errVersionFormat  = errors.New("not an SSH identification")
	errVersionNumber  = errors.New("protocol version is not 2.0")
	errPrelude        = errors.New("too much text before the identification")
)

// The two spellings of version 2 (RFC 4253 §4.2, §5.1).
var versionPrefixes = [...]string{"SSH-2.0-", "SSH-1.99-"}

func versionError(err error) error {
	return &wire.ProtocolError{Reason: wire.ReasonProtocolVersionNotSupported, Op: "version exchange", Err: err}
}

// sendVersion puts our identification (RFC 4253 §4.2) into the send buffer, and
// our KEXINIT behind it, so that both leave together. A Lab is shown one after
// the other, and so is who reads a capture with the key log: Wireshark 4.0 does
// not find a KEXINIT behind a version.
func (c *Conn) sendVersion() error {
	if err := checkOwnVersion(c.cfg.Version); err != nil {
		return err
	}
	line := c.cfg.Version + "\r\n"
	apart := c.lab != nil || c.cfg.KeyLogWriter != nil
	if apart {
		if err := c.writeRaw([]byte(line)); err != nil {
			return err
		}
		line = ""
	}
	o := &c.out
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.err != nil {
		return o.err
	}
	start := len(o.buf)
	o.buf = grow(o.buf, len(line))
	copy(o.buf[start:], line)
	o.greeted = true
	if !apart {
		c.sealKexInit()
	}
	c.in.owes = true
	return o.err
}

// readVersion reads the peer's identification (RFC 4253 §4.2). What follows
// the line stays in the receive buffer.
func (c *Conn) readVersion() error {
	for lines, prelude := 0, MaxPreludeBytes; ; lines++ {
		terminated, err := c.readVersionLine(prelude)
		if err != nil {
			return err
		}
		line, err := c.trimLine(terminated)
		if err != nil {
			return err
		}
		if isVersion(line) || c.role == wire.Server {
			c.peer.version = c.known.note(func(f *facts) { f.remoteVersion = string(line) }).remoteVersion
			return checkVersion(line)
		}
		// Only a server may say something first (RFC 4253 §4.2).
		if prelude -= len(terminated); lines == MaxPreludeLines || prelude < 0 {
			return versionError(errPrelude)
		}
	}
}

// isVersion reports whether line is meant to be an identification; a wrong
// case is one, so that it is refused and not waited for.
func isVersion(line []byte) bool {
	return len(line) >= 4 && bytes.EqualFold(line[:4], []byte("SSH-"))
}

// readVersionLine returns a line with its terminator, a view. A line that is
// no identification may be as long as what is left of the prelude.
func (c *Conn) readVersionLine(prelude int) ([]byte, error) {
	in := &c.in
	for scanned := 0; ; {
		have := in.buf[in.r:in.w]
		if i := bytes.IndexByte(have[scanned:], '\n'); i >= 0 {
			line := have[:scanned+i+1]
			in.r += len(line)
			return line, nil
		}
		scanned = len(have)
		limit, fault := MaxVersionLine, errVersionLine
		if c.role == wire.Client && len(have) >= 4 && !isVersion(have) {
			limit, fault = max(prelude, MaxVersionLine), errPrelude
		}
		if len(have) >= limit {
			return nil, versionError(fault)
		}
		if err := c.readSome(limit - len(have)); err != nil {
			return nil, err
		}
	}
}

// trimLine removes the terminator, LF or CR LF, and refuses what must not
// stand in an identification. Other text is none of our business.
func (c *Conn) trimLine(line []byte) ([]byte, error) {
	version := isVersion(line) || c.role == wire.Server
	if version && len(line) > MaxVersionLine {
		return nil, versionError(errVersionLine)
	}
	line = bytes.TrimSuffix(line[:len(line)-1], []byte{'\r'})
	if version && bytes.ContainsAny(line, "\x00\r") {
		return nil, versionError(errVersionControl)
	}
	return line, nil
}

// checkVersion says whether the peer speaks version 2.
func checkVersion(line []byte) error {
	for _, prefix := range versionPrefixes {
		if bytes.HasPrefix(line, []byte(prefix)) {
			return nil
		}
	}
	if bytes.HasPrefix(line, []byte("SSH-")) {
		return versionError(errVersionNumber)
	}
	return versionError(errVersionFormat)
}

// checkOwnVersion refuses a Config.Version that no peer could read.
func checkOwnVersion(v string) error {
	if !strings.HasPrefix(v, versionPrefixes[0]) || len(v)+len("\r\n") > MaxVersionLine {
		return versionError(errors.New("own identification must begin with SSH-2.0- and fit 255 bytes"))
	}
	if strings.ContainsFunc(v, func(r rune) bool { return r < ' ' || r > '~' }) {
		return versionError(errors.New("own identification must be printable ASCII"))
	}
	return nil
}
