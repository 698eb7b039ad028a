//go:build unix

package main

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/hawser-ssh/hawser/connection"
	"github.com/hawser-ssh/hawser/connection/peertest"
	"github.com/hawser-ssh/hawser/wire"
)

func readAll(t testing.TB, r io.Reader) string {
	t.Helper()
	b, err := io.ReadAll(r)
	if err != nil {
		t.Error(err)
	}
	return string(b)
}

// xServer is the door of an X server: it reads who wants in, with which cookie,
// and sends everybody away with a reason.
type xServer struct {
	display string // for DISPLAY
	asked   chan string
}

const xReason = "nobody is at home"

func startXServer(t testing.TB) *xServer {
	t.Helper()
	for number := 60; number < 600; number++ {
		l, err := net.Listen("tcp4", fmt.Sprintf("127.0.0.1:%d", x11Port+number))
		if errors.Is(err, syscall.EADDRINUSE) {
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		s := &xServer{fmt.Sprintf("127.0.0.1:%d", number), make(chan string, 16)}
		ended := make(chan struct{})
		t.Cleanup(func() { l.Close(); <-ended })
		go func() {
			defer close(ended)
			for {
				conn, err := l.Accept()
				if err != nil {
					return
				}
				s.asked <- s.refuse(conn)
			}
		}()
		return s
	}
	t.Fatal("no display is free")
	return nil
}

// refuse is the connection setup of the X11 protocol, §8, as far as a refusal.
func (s *xServer) refuse(conn net.Conn) string {
	defer conn.Close()
	head := make([]byte, 12)
	if _, err := io.ReadFull(conn, head); err != nil {
		return err.Error()
	}
	var order interface {
		binary.ByteOrder
		binary.AppendByteOrder
	} = binary.LittleEndian
	if head[0] == 'B' {
		order = binary.BigEndian
	}
	pad := func(n uint16) int { return int(n+3) &^ 3 }
	nameLen, dataLen := order.Uint16(head[6:]), order.Uint16(head[8:])
	rest := make([]byte, pad(nameLen)+pad(dataLen))
	if _, err := io.ReadFull(conn, rest); err != nil {
		return err.Error()
	}
	reason := append([]byte(xReason), make([]byte, pad(uint16(len(xReason)))-len(xReason))...)
	answer := append([]byte{0, byte(len(xReason))}, head[2:6]...)
	answer = order.AppendUint16(answer, uint16(len(reason)/4))
	conn.Write(append(answer, reason...))
	return string(rest[:nameLen]) + " " + hex.EncodeToString(rest[pad(nameLen):][:dataLen])
}

// TestOpenSSHX11: an X client in a session of ssh -X reaches the client's X server, which sees the cookie that belongs
// to it, and the X client its answer. What was made for it is private and goes with the session. The X client is xauth.
func TestOpenSSHX11(t *testing.T) {
	t.Parallel()
	h := startHawserd(t)
	x := startXServer(t)
	const cookie = "00112233445566778899aabbccddeeff"
	authority := filepath.Join(t.TempDir(), "authority")
	wantOK(t, peertest.Run(t, nil, "xauth", "-q", "-f", authority, "add", x.display, "MIT-MAGIC-COOKIE-1", cookie))
	ssh := func(options []string, command string) peertest.Result {
		c := h.target(t).SSH(t, append([]string{"-o", "ForwardX11Trusted=yes"}, options...), command)
		c.Env = append(c.Env, "DISPLAY="+x.display, "XAUTHORITY="+authority)
		return c.Run(t)
	}
	r := ssh([]string{"-X"}, `echo "$DISPLAY"; echo "$XAUTHORITY"; ls -ldn "$(dirname "$XAUTHORITY")" "$XAUTHORITY"; xauth list; `+
		`xauth -q -f "$HOME/other" generate "$DISPLAY" . trusted`)
	lines := strings.Split(string(r.Stdout), "\n")
	if len(lines) < 6 || !strings.HasPrefix(lines[0], "127.0.0.1:") || !strings.HasSuffix(lines[0], ".0") {
		t.Fatalf("status %d, %s%s", r.Code, r.Stdout, r.Stderr)
	}
	if !strings.HasPrefix(lines[2], "drwx------") || !strings.HasPrefix(lines[3], "-rw-------") {
		t.Errorf("modes %q", lines[2:4])
	}
	_, number, _ := strings.Cut(strings.TrimSuffix(lines[0], ".0"), ":")
	if host, err := os.Hostname(); err != nil || !strings.HasPrefix(lines[4], host+"/unix:"+number+"  MIT-MAGIC-COOKIE-1") {
		t.Errorf("xauth lists %q", lines[4:])
	}
	if strings.Contains(string(r.Stdout), cookie) {
		t.Error("the real cookie has left the client")
	}
	select {
	case asked := <-x.asked:
		if asked != "MIT-MAGIC-COOKIE-1 "+cookie {
			t.Errorf("the X server was shown %q", asked)
		}
	default:
		t.Error("nobody came to the X server")
	}
	if !strings.Contains(string(r.Stderr), xReason) {
		t.Errorf("the X client was not told the reason: %s", r.Stderr)
	}
	eventually(t, "the authority file is gone", func() bool {
		_, err := os.Lstat(filepath.Dir(lines[1]))
		return os.IsNotExist(err)
	})
	n, _ := strconv.Atoi(number)
	eventually(t, "the display is gone", func() bool {
		conn, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", x11Port+n))
		if err == nil {
			conn.Close()
		}
		return errors.Is(err, syscall.ECONNREFUSED)
	})
	wantOutput(t, ssh([]string{"-x"}, `echo "[$DISPLAY$XAUTHORITY]"`), "[]\n")
	h.authorize(t, "no-x11-forwarding "+h.key.Public)
	if r := ssh([]string{"-X"}, `echo "[$DISPLAY$XAUTHORITY]"`); string(r.Stdout) != "[]\n" {
		t.Errorf("where the key forbids it: %q, %s", r.Stdout, r.Stderr)
	}
}

// x11Client logs in and takes the x11 channels that come.
func x11Client(t testing.TB, h *hawserd) (*connection.Channel, <-chan *connection.OpenRequest) {
	t.Helper()
	opens := make(chan *connection.OpenRequest, 16)
	c := h.dialWith(t, openCollector{opens})
	ch, err := c.Mux().OpenSession(context.Background(), nil)
	if err != nil {
		t.Fatal(err)
	}
	return ch, opens
}

// openCollector is the Handler of a client that looks at opens later.
type openCollector struct {
	opens chan<- *connection.OpenRequest
}

func (c openCollector) HandleOpen(r *connection.OpenRequest)            { c.opens <- r }
func (c openCollector) HandleGlobalRequest(r *connection.GlobalRequest) {}

// displayOf starts cat in the session, behind a line with the display's address.
func displayOf(t testing.TB, ch *connection.Channel) string {
	t.Helper()
	if err := ch.Exec(context.Background(), "echo $DISPLAY; exec cat"); err != nil {
		t.Fatal(err)
	}
	line := make([]byte, 0, 64)
	for b := make([]byte, 1); ; line = append(line, b...) {
		if _, err := io.ReadFull(ch, b); err != nil {
			t.Fatal(err)
		}
		if b[0] == '\n' {
			break
		}
	}
	host, number, _ := strings.Cut(string(line), ":")
	number, screen, _ := strings.Cut(number, ".")
	n, err := strconv.Atoi(number)
	if err != nil || n < firstDisplay || screen != "3" {
		t.Fatalf("DISPLAY=%s", line)
	}
	return net.JoinHostPort(host, strconv.Itoa(x11Port+n))
}

// TestX11Channels: connections to the display become channels, with where they
// come from; of a single connection there is no second.
func TestX11Channels(t *testing.T) {
	t.Parallel()
	h := startHawserd(t)
	for _, single := range []bool{false, true} {
		ch, opens := x11Client(t, h)
		want := goodX11()
		want.Single, want.Screen = single, 3
		if err := ch.RequestX11(t.Context(), want); err != nil {
			t.Fatal(err)
		}
		address := displayOf(t, ch)
		conn, err := net.Dial("tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		open := <-opens
		from, err := connection.ParseX11Open(open.Extra)
		if open.Type != connection.TypeX11 || err != nil || net.JoinHostPort(from.OriginHost, fmt.Sprint(from.OriginPort)) != conn.LocalAddr().String() {
			t.Errorf("open %s from %+v, %v", open.Type, from, err)
		}
		x, err := open.Accept(nil)
		if err != nil {
			t.Fatal(err)
		}
		big := bytes.Repeat([]byte("0123456789abcdef"), 1<<15)
		go func() {
			io.Copy(x, x)
			x.Close()
		}()
		go func() {
			conn.Write(big)
			conn.(*net.TCPConn).CloseWrite()
		}()
		if got := readAll(t, conn); got != string(big) {
			t.Errorf("%d bytes came back", len(got))
		}
		conn.Close()
		second, err := net.DialTimeout("tcp", address, time.Minute)
		if single != errors.Is(err, syscall.ECONNREFUSED) {
			t.Errorf("single=%v, and a second connection: %v", single, err)
		}
		if err == nil { // a client that refuses it
			(<-opens).Reject(wire.OpenAdministrativelyProhibited, "")
			if got := readAll(t, second); got != "" {
				t.Errorf("read %q", got)
			}
			second.Close()
		}
		ch.Close()
		eventually(t, "the display is gone with its session", func() bool {
			conn, err := net.Dial("tcp", address)
			if err == nil {
				conn.Close()
			}
			return errors.Is(err, syscall.ECONNREFUSED)
		})
	}
}

// TestCON17: requests for X11 and agents that make no sense fail, and leave the session usable.
func TestCON17(t *testing.T) {
	t.Parallel()
	h := startHawserd(t)
	ch := openPlainSession(t, h)
	cookie := strings.Repeat("c0", 16)
	for name, m := range map[string]wire.X11Req{
		"odd cookie":     {Protocol: "MIT-MAGIC-COOKIE-1", Cookie: cookie[1:]},
		"cookie not hex": {Protocol: "MIT-MAGIC-COOKIE-1", Cookie: "$(id)" + cookie[5:]},
		"huge cookie":    {Protocol: "MIT-MAGIC-COOKIE-1", Cookie: strings.Repeat("c0", 15_000)},
		"last screen":    {Protocol: "MIT-MAGIC-COOKIE-1", Cookie: cookie, Screen: 1<<32 - 1},
		"odd protocol":   {Protocol: "a b\n", Cookie: cookie},
	} {
		if ok, err := ch.SendRequest(t.Context(), "x11-req", true, m.Append(nil)); ok || err != nil {
			t.Errorf("%s: %v, %v", name, ok, err)
		}
	}
	if ok, err := ch.SendRequest(t.Context(), "auth-agent-req@openssh.com", true, []byte{1}); ok || err != nil {
		t.Errorf("agent with fields: %v, %v", ok, err)
	}
	wantExec(t, ch, `echo "[$SSH_AUTH_SOCK$DISPLAY$XAUTHORITY]"`, "[]\n")
}

// TestCON13AfterEOF: a session whose input has ended before its program began gets none.
func TestCON13AfterEOF(t *testing.T) {
	t.Parallel()
	ch := openPlainSession(t, startHawserd(t))
	if err := ch.CloseWrite(); err != nil {
		t.Fatal(err)
	}
	if err := ch.Exec(t.Context(), "echo ran"); err == nil {
		t.Error("exec after EOF was granted")
	}
	if err := ch.Shell(t.Context()); err == nil {
		t.Error("shell after EOF was granted")
	}
}
