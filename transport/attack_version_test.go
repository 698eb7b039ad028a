package transport_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"testing/iotest"
	"testing/synctest"
	"time"

	"github.com/hawser-ssh/hawser/transport"
	"github.com/hawser-ssh/hawser/transport/sshkey"
	"github.com/hawser-ssh/hawser/transport/transporttest"
	"github.com/hawser-ssh/hawser/wire"
)

const badVersion = wire.ReasonProtocolVersionNotSupported

// works finishes the handshake behind an identification that was sent by hand.
func (s *subject) works(t *testing.T) {
	t.Helper()
	must(t, s.peer.ReadVersion())
	must(t, s.peer.Exchange())
	must(t, <-s.handshake)
	s.alive(t)
}

func TestVER01SilentPeer(t *testing.T) {
	inBothRoles(t, func(t *testing.T, role wire.Role) {
		synctest.Test(t, func(t *testing.T) {
			s := attack(t, role, transport.Config{HandshakeTimeout: 10 * time.Second})
			start := time.Now()
			err := <-s.handshake
			if !errors.Is(err, context.DeadlineExceeded) || time.Since(start) != 10*time.Second {
				t.Errorf("%v after %v", err, time.Since(start))
			}
		})
	})
}

func TestVER02OneByteASecond(t *testing.T) {
	inBothRoles(t, func(t *testing.T, role wire.Role) {
		synctest.Test(t, func(t *testing.T) {
			s := attack(t, role, transport.Config{HandshakeTimeout: 10 * time.Second})
			start := time.Now()
			for s.peer.SendRaw([]byte("S")) == nil {
				time.Sleep(time.Second)
			}
			if err := <-s.handshake; !errors.Is(err, context.DeadlineExceeded) || time.Since(start) > 11*time.Second {
				t.Errorf("%v after %v", err, time.Since(start))
			}
		})
	})
}

func TestVER03LineLength(t *testing.T) {
	inBothRoles(t, func(t *testing.T, role wire.Role) {
		for n, ok := range map[int]bool{transport.MaxVersionLine: true, transport.MaxVersionLine + 1: false} {
			s := attack(t, role, transport.Config{})
			s.peer.Version = "SSH-2.0-" + strings.Repeat("x", n-len("SSH-2.0-\r\n"))
			must(t, s.peer.SendRaw([]byte(s.peer.Version+"\r\n")))
			if ok {
				s.works(t)
				continue
			}
			s.peer.ReadVersion()
			s.dropped(t, badVersion)
		}
	})
}

// countingConn counts the bytes that are read.
type countingConn struct {
	net.Conn
	read int
}

func (c *countingConn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	c.read += n
	return n, err
}

func TestVER04NoNewline(t *testing.T) {
	inBothRoles(t, func(t *testing.T, role wire.Role) {
		a, b := transporttest.Pipe()
		counted := &countingConn{Conn: a}
		go b.Write(append([]byte("SSH-2.0-"), make([]byte, 64<<10)...))
		s := attackOver(t, role, transport.Config{}, counted, b)
		s.peer.ReadVersion()
		if got := s.peer.ReadDisconnect(); got != badVersion {
			t.Errorf("peer was told %v", got)
		}
		<-s.end
		s.Close()
		b.Close()
		// What is read away at the very end is not looked at.
		if line := counted.read; line < 200 || role == wire.Server && s.RemoteVersion() != "" {
			t.Errorf("read %d bytes, version %q", line, s.RemoteVersion())
		}
	})
}

func TestVER05to08Identifications(t *testing.T) {
	tests := []struct {
		line           string
		client, server bool // whether a client, a server of ours goes on
	}{
		{"SSH-2.0-a\x00b\r\n", false, false},                // VER-05
		{"SSH-2.0-test\n", true, true},                      // VER-06
		{"SSH-2.0-test\r\r\n", false, false},                // VER-06
		{"SSH-2.0-te\rst\r\n", false, false},                // VER-06
		{"SSH-1.5-x\r\n", false, false},                     // VER-07, VER-08
		{"SSH-1.99-test\r\n", true, true},                   // VER-07, VER-08
		{"SSH-2.1-x\r\n", false, false},                     // VER-08
		{"ssh-2.0-x\r\n", false, false},                     // VER-08
		{"hello\r\nSSH-2.0-test\r\n", true, false},          // VER-09
		{"SSH-2.0-\r\n", true, true},                        // VER-13
		{"SSH-2.0\r\n", false, false},                       // VER-13
		{"SSH-\r\n", false, false},                          // VER-13
		{"\r\nSSH-2.0-test\r\n", true, false},               // VER-13
		{"SSH-2.0-\x1b[2J\a\x80\xff%s%n\r\n", true, true},   // VER-12
		{"GET / HTTP/1.1\r\nHost: x\r\n\r\n", false, false}, // VER-15
		{"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\n", false, false},
		{"PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\n", false, false},
	}
	inBothRoles(t, func(t *testing.T, role wire.Role) {
		for _, tt := range tests {
			t.Run(fmt.Sprintf("%q", tt.line), func(t *testing.T) {
				s := attack(t, role, transport.Config{})
				must(t, s.peer.SendRaw([]byte(tt.line)))
				lines := strings.Split(strings.TrimRight(tt.line, "\r\n"), "\n")
				s.peer.Version = lines[len(lines)-1]
				if role == wire.Client && tt.client || role == wire.Server && tt.server {
					s.works(t)
					if s.RemoteVersion() != s.peer.Version {
						t.Errorf("version %q, want %q", s.RemoteVersion(), s.peer.Version)
					}
					return
				}
				if strings.Contains(tt.line, "\n") && role == wire.Client && !strings.HasPrefix(strings.ToUpper(tt.line), "SSH-") {
					s.peer.Conn.(interface{ CloseWrite() error }).CloseWrite() // a client waits for more lines
					if err := <-s.end; !errors.Is(err, io.EOF) {
						t.Errorf("%v, want EOF", err)
					}
					return
				}
				s.peer.ReadVersion()
				rest, _ := io.ReadAll(s.peer.Conn)
				if bytes.Contains(rest, []byte(strings.TrimSpace(tt.line))) {
					t.Error("VER-15: the line is reflected")
				}
				s.failed(t, badVersion)
			})
		}
	})
}

func TestVER10Prelude(t *testing.T) {
	for name, tt := range map[string]struct {
		prelude string
		ok      bool
	}{
		"64 lines":   {strings.Repeat("welcome\r\n", transport.MaxPreludeLines), true},
		"65 lines":   {strings.Repeat("welcome\r\n", transport.MaxPreludeLines+1), false},
		"8 KiB":      {strings.Repeat(strings.Repeat("x", transport.MaxPreludeBytes/8-2)+"\r\n", 8), true},
		"and a byte": {"x" + strings.Repeat(strings.Repeat("x", transport.MaxPreludeBytes/8-2)+"\r\n", 8), false},
		"a long one": {strings.Repeat("x", 9<<10) + "\r\n", false},
	} {
		t.Run(name, func(t *testing.T) {
			s := attack(t, wire.Client, transport.Config{})
			must(t, s.peer.SendRaw([]byte(tt.prelude+s.peer.Version+"\r\n")))
			if tt.ok {
				s.works(t)
				return
			}
			s.peer.ReadVersion()
			s.dropped(t, badVersion)
		})
	}
}

func TestVER11EndlessPrelude(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := attack(t, wire.Client, transport.Config{HandshakeTimeout: 10 * time.Second})
		start := time.Now()
		for s.peer.SendRaw([]byte("wait\r\n")) == nil {
			time.Sleep(300 * time.Millisecond)
		}
		if err := <-s.handshake; !errors.Is(err, context.DeadlineExceeded) || time.Since(start) > 11*time.Second {
			t.Errorf("%v after %v", err, time.Since(start))
		}
	})
}

// slowConn hands out one byte per read.
type slowConn struct {
	net.Conn
	r io.Reader
}

func (c slowConn) Read(p []byte) (int, error) { return c.r.Read(p) }

func TestVER14Segments(t *testing.T) {
	inBothRoles(t, func(t *testing.T, role wire.Role) {
		a, b := transporttest.Pipe()
		s := attackOver(t, role, transport.Config{}, slowConn{a, iotest.OneByteReader(a)}, b)
		must(t, s.peer.Handshake())
		must(t, <-s.handshake)
		s.alive(t)

		s = attack(t, role, transport.Config{})
		line := []byte(s.peer.Version + "\r\n")
		must(t, s.peer.SendRaw(append(line, s.peer.Frame(s.peer.Init.Append(nil))...)))
		must(t, s.peer.ReadVersion())
		s.peer.SetSentKexInit()
		must(t, s.peer.ReadKexInit())
		must(t, s.peer.Agree())
		must(t, s.peer.SendNewKeys())
		must(t, s.peer.ReadNewKeys())
		s.alive(t)
	})
}

func TestVER16EndInTheLine(t *testing.T) {
	inBothRoles(t, func(t *testing.T, role wire.Role) {
		line := "SSH-2.0-test\r\n"
		for _, n := range []int{0, 1, 8, len(line) - 1} {
			s := attack(t, role, transport.Config{})
			must(t, s.peer.SendRaw([]byte(line[:n])))
			s.peer.Conn.(interface{ CloseWrite() error }).CloseWrite()
			if err := <-s.end; !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
				t.Errorf("%d bytes: %v, want EOF", n, err)
			}
		}
	})
}

func TestVER17NoCompatibilityModes(t *testing.T) {
	for _, software := range []string{"OpenSSH_2.3.0", "OpenSSH_6.6", "PuTTY_Release_0.52", "WinSCP_release_4.0", "JSCH-0.1.54", "Cisco-1.25"} {
		s := attack(t, wire.Server, transport.Config{})
		must(t, s.peer.SendRaw([]byte("SSH-2.0-"+software+"\r\n"+strings.Repeat("garbage!", 64))))
		s.peer.ReadVersion()
		s.dropped(t, wire.ReasonProtocolError)
	}
}

// TestEndBeforeIdentification: the first bytes are those of the identification
// line, whenever the end comes (RFC 4253 §4.2).
func TestEndBeforeIdentification(t *testing.T) {
	inBothRoles(t, func(t *testing.T, role wire.Role) {
		ours, theirs := transporttest.Pipe()
		c := transport.Server(ours, &transport.Config{HostKeys: []sshkey.Signer{hostKey(t)}})
		if role == wire.Client {
			c = transport.Client(ours, &transport.Config{VerifyHostKey: trustAny})
		}
		closed := make(chan struct{})
		go func() { defer close(closed); c.Close() }()
		if p, err := io.ReadAll(theirs); err != nil || len(p) > 0 {
			t.Errorf("%q before the identification, %v", p, err)
		}
		theirs.Close()
		<-closed
	})
}
