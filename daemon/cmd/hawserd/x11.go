package main

import (
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"syscall"

	"github.com/hawser-ssh/hawser/connection"
	"github.com/hawser-ssh/hawser/wire"
)

// Displays that X11 clients of sessions connect to: display N is TCP port 6000+N. The lower numbers are for real ones.
const (
	x11Port      = 6000
	firstDisplay = 10
	maxDisplays  = 1000
)

// display is what X11 clients of one session take for an X server: it listens on the loopback alone, and the client at
// the other end lets in who presents the cookie of the session's authority file. That file lies in a directory of its own,
// not in the home directory: it goes with the session, and no program is needed to write it.
type display struct {
	listener  net.Listener
	name      string // for DISPLAY; an address, as a name could lead elsewhere first
	authority string // for XAUTHORITY
}

// forwardX11 gives the session a display that is the client's (RFC 4254 §6.3).
func (s *session) forwardX11(x *connection.X11) bool {
	c := s.client
	if !c.srv.displays || !c.perms.mayUseX11() {
		return false
	}
	d, err := newDisplay(x)
	if err != nil {
		c.srv.log.Error("X11 not forwarded", "conn", c.id, "err", err)
		return false
	}
	s.display = d
	l := d.listener
	if x.Single {
		l = singleListener{l}
	}
	c.acceptOut(l, connection.TypeX11, func(from net.Conn) []byte {
		origin, port := addrPort(from.RemoteAddr())
		return wire.X11Open{OriginHost: origin, OriginPort: port}.Append(nil)
	})
	return true
}

func newDisplay(x *connection.X11) (*display, error) {
	l, number, err := listenDisplay()
	if err != nil {
		return nil, err
	}
	d := &display{listener: l, name: fmt.Sprintf("127.0.0.1:%d.%d", number, x.Screen)}
	if d.authority, err = writeAuthority(number, x); err != nil {
		l.Close()
		return nil, err
	}
	return d, nil
}

// listenDisplay takes the first display that is free.
func listenDisplay() (l net.Listener, number int, err error) {
	for number = firstDisplay; number < firstDisplay+maxDisplays; number++ {
		l, err = net.Listen("tcp4", net.JoinHostPort("127.0.0.1", strconv.Itoa(x11Port+number)))
		if err == nil || !errors.Is(err, syscall.EADDRINUSE) {
			return l, number, err
		}
	}
	return nil, 0, err
}

// Address families of an authority file, as Xau(3) has them.
const (
	familyLocal = 256   // the address is a host's name: what most clients look for on the loopback
	familyWild  = 65535 // any address
)

// writeAuthority writes the file in which X11 clients look for the cookie of a display, see Xau(3).
func writeAuthority(number int, x *connection.X11) (path string, err error) {
	dir, err := os.MkdirTemp("", "hawserd-x11-") // mode 0700
	if err != nil {
		return "", err
	}
	host, err := os.Hostname()
	var content []byte
	if err == nil {
		content = appendAuthority(nil, familyLocal, host, number, x)
	}
	content = appendAuthority(content, familyWild, "", number, x)
	path = filepath.Join(dir, "authority")
	if err = os.WriteFile(path, content, 0o600); err != nil {
		os.RemoveAll(dir)
		return "", err
	}
	return path, nil
}

// appendAuthority appends one entry: the family, and four texts behind their lengths.
func appendAuthority(b []byte, family uint16, address string, number int, x *connection.X11) []byte {
	b = append(b, byte(family>>8), byte(family))
	for _, text := range [][]byte{[]byte(address), []byte(strconv.Itoa(number)), []byte(x.Protocol), x.Cookie} {
		b = append(b, byte(len(text)>>8), byte(len(text)))
		b = append(b, text...)
	}
	return b
}

// close ends the display. What is connected to it lives on.
func (d *display) close() {
	d.listener.Close()
	os.RemoveAll(filepath.Dir(d.authority))
}

// singleListener accepts one connection and no other.
type singleListener struct{ net.Listener }

// Accept implements net.Listener.
func (l singleListener) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	if err == nil {
		l.Close()
	}
	return conn, err
}
