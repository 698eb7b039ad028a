//go:build unix

package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hawser-ssh/hawser/connection"
	"github.com/hawser-ssh/hawser/connection/peertest"
	"github.com/hawser-ssh/hawser/connection/sshclient"
	"github.com/hawser-ssh/hawser/transport/sshkey"
	"github.com/hawser-ssh/hawser/userauth"
	"github.com/hawser-ssh/hawser/wire"
)

// socketDir is a directory with a short name: a socket's path has to fit into 107 bytes.
func socketDir(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "hw")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

// wantEcho sends some MiB to an echo server behind an address and wants them back, whole and with their end.
func wantEcho(t testing.TB, network, address string) {
	t.Helper()
	conn, err := net.Dial(network, address)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_, content, _ := noise(t, 3<<20+1)
	var writer sync.WaitGroup
	writer.Go(func() {
		_, _ = conn.Write(content)
		_ = conn.(interface{ CloseWrite() error }).CloseWrite()
	})
	got, err := io.ReadAll(conn)
	writer.Wait()
	if err != nil || !bytes.Equal(got, content) {
		t.Errorf("%d of %d bytes came back: %v", len(got), len(content), err)
	}
}

// freePort is a port that nobody listened on a moment ago.
func freePort(t testing.TB) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return portOf(l.Addr())
}

func TestOpenSSHForward(t *testing.T) {
	t.Parallel()
	h := startHawserd(t)
	tcp, dir := echoServer(t, "tcp", "127.0.0.1:0"), socketDir(t)
	echoServer(t, "unix", filepath.Join(dir, "echo"))
	start := func(t *testing.T, args ...string) *peertest.Process {
		p := h.target(t).SSH(t, append([]string{"-v", "-N", "-o", "ExitOnForwardFailure=yes"}, args...)).Start(t)
		p.WaitError("Entering interactive session")
		return p
	}
	// Remote forwards are asked for after the session has begun.
	established := func(t *testing.T, p *peertest.Process, address string, network string) {
		eventually(t, address+" listens", func() bool {
			conn, err := net.Dial(network, address)
			if err == nil {
				conn.Close()
			}
			return err == nil
		})
	}
	t.Run("-L", func(t *testing.T) {
		port := freePort(t)
		p := start(t, "-L", "127.0.0.1:"+port+":"+tcp.Addr().String())
		defer p.Stop()
		for range 3 {
			wantEcho(t, "tcp", "127.0.0.1:"+port)
		}
	})
	t.Run("-L of sockets", func(t *testing.T) {
		local := filepath.Join(dir, "local")
		p := start(t, "-L", local+":"+filepath.Join(dir, "echo"))
		defer p.Stop()
		wantEcho(t, "unix", local)
	})
	t.Run("-R", func(t *testing.T) {
		port := freePort(t)
		p := start(t, "-R", "127.0.0.1:"+port+":"+tcp.Addr().String())
		established(t, p, "127.0.0.1:"+port, "tcp")
		wantEcho(t, "tcp", "127.0.0.1:"+port)
		p.Stop()
		eventually(t, "the listener is gone", func() bool {
			l, err := net.Listen("tcp", "127.0.0.1:"+port)
			if err == nil {
				l.Close()
			}
			return err == nil
		})
	})
	t.Run("-R of port 0", func(t *testing.T) {
		p := start(t, "-R", "0:"+tcp.Addr().String())
		defer p.Stop()
		p.WaitError("Allocated port ")
		p.WaitError("for remote forward")
		port := regexp.MustCompile(`Allocated port (\d+)`).FindStringSubmatch(p.Stderr.String())
		wantEcho(t, "tcp", "127.0.0.1:"+port[1])
	})
	t.Run("-R of sockets", func(t *testing.T) {
		remote := filepath.Join(dir, "remote")
		p := start(t, "-R", remote+":"+tcp.Addr().String())
		established(t, p, remote, "unix")
		if info, err := os.Stat(remote); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("the socket has mode %v, %v", info.Mode(), err)
		}
		wantEcho(t, "unix", remote)
		p.Stop()
		eventually(t, "the socket file is gone", func() bool { _, err := os.Lstat(remote); return err != nil })
	})
	t.Run("-D", func(t *testing.T) {
		port := freePort(t)
		p := start(t, "-D", "127.0.0.1:"+port)
		defer p.Stop()
		conn, err := net.Dial("tcp", "127.0.0.1:"+port)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		// SOCKS 4: connect to the echo server's port on 127.0.0.1.
		a := tcp.Addr().(*net.TCPAddr)
		request := append([]byte{4, 1, byte(a.Port >> 8), byte(a.Port), 127, 0, 0, 1}, "user\x00ping"...)
		reply := make([]byte, 8+4)
		if _, err := conn.Write(request); err != nil {
			t.Fatal(err)
		}
		if _, err := io.ReadFull(conn, reply); err != nil || reply[1] != 90 || string(reply[8:]) != "ping" {
			t.Errorf("reply %q, %v", reply, err)
		}
	})
	t.Run("-W", func(t *testing.T) {
		c := h.target(t).SSH(t, []string{"-W", tcp.Addr().String()})
		_, content, _ := noise(t, 1<<20)
		c.Stdin = bytes.NewReader(content)
		wantOutput(t, c.Run(t), string(content))
	})
	t.Run("-W to a closed port", func(t *testing.T) {
		r := h.target(t).SSH(t, []string{"-W", "127.0.0.1:" + freePort(t)}).Run(t)
		if r.Code != 255 || !strings.Contains(string(r.Stderr), "stdio forwarding failed") {
			t.Errorf("status %d, %s", r.Code, r.Stderr)
		}
	})
}

// dial logs in with hawser's own client.
func (h *hawserd) dial(t testing.TB) *sshclient.Client {
	t.Helper()
	return h.dialWith(t, nil)
}

// dialWith is dial with a Handler for what no test of forwards is about.
func (h *hawserd) dialWith(t testing.TB, handler connection.Handler) *sshclient.Client {
	t.Helper()
	private, _, err := sshkey.ParsePrivateKey(h.key.Private(t), nil)
	if err != nil {
		t.Fatal(err)
	}
	signer, err := sshkey.NewSigner(private)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	client, err := sshclient.Dial(ctx, "tcp", h.addr, &sshclient.Config{
		User: h.user, Auth: []userauth.Method{userauth.PublicKeys(signer)}, HostKey: sshclient.InsecureIgnoreHostKey(),
		Connection: &connection.Config{Handler: handler},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { client.Close() })
	return client
}

// listenTCP asks for a forward and returns its port.
func listenTCP(c *sshclient.Client, host string, port uint32) (uint32, bool) {
	ok, reply, err := c.Mux().GlobalRequest(context.Background(), connection.RequestTCPIPForward, true,
		wire.TCPIPForward{Host: host, Port: port}.Append(nil))
	if err != nil || !ok {
		return 0, false
	}
	var m wire.TCPIPForwardReply
	if port == 0 && m.Parse(reply) == nil {
		port = m.Port
	}
	return port, true
}

func cancelTCP(c *sshclient.Client, host string, port uint32) bool {
	ok, _, err := c.Mux().GlobalRequest(context.Background(), connection.RequestCancelTCPIPForward, true,
		wire.TCPIPForward{Host: host, Port: port}.Append(nil))
	return err == nil && ok
}

// TestCON20: remote forwards that are refused, the limit of listeners, and that none outlives its connection.
func TestCON20(t *testing.T) {
	t.Parallel()
	h := startHawserd(t)
	c := h.dial(t)
	for _, tt := range []struct {
		host string
		port uint32
	}{{"", 65536}, {"", 1<<32 - 1}, {"", 80}, {"", 1023}, {"127.0.0.1\x00.example.org", 0}, {strings.Repeat("x", 64<<10), 0}} {
		if _, ok := listenTCP(c, tt.host, tt.port); ok {
			t.Errorf("%.20q port %d: granted", tt.host, tt.port)
		}
	}
	port, ok := listenTCP(c, "localhost", 0)
	if !ok || port < 1024 {
		t.Fatalf("port %d, %v", port, ok)
	}
	if _, ok := listenTCP(c, "localhost", port); ok {
		t.Error("the same port twice: granted")
	}
	if cancelTCP(c, "localhost", port+1) || cancelTCP(c, "other", port) {
		t.Error("cancel of an unknown forward: granted")
	}
	if !cancelTCP(c, "localhost", port) || cancelTCP(c, "localhost", port) {
		t.Error("cancel")
	}
	if conn, err := net.Dial("tcp", fmt.Sprint("127.0.0.1:", port)); err == nil {
		conn.Close()
		t.Error("it listens after cancel")
	}
	var ports []uint32
	for i := range maxForwardListeners {
		port, ok := listenTCP(c, "", 0)
		if !ok {
			t.Fatalf("listener %d refused", i)
		}
		ports = append(ports, port)
	}
	if _, ok := listenTCP(c, "", 0); ok {
		t.Error("one listener above the limit")
	}
	c.Close()
	eventually(t, "all listeners are gone", func() bool {
		for _, p := range ports {
			if conn, err := net.Dial("tcp", fmt.Sprint("127.0.0.1:", p)); err == nil {
				conn.Close()
				return false
			}
		}
		return true
	})
	wantOutput(t, h.target(t).RunSSH(t, nil, "echo in"), "in\n")
}

// openDirect asks for a direct-tcpip channel.
func openDirect(ctx context.Context, c *sshclient.Client, host string, port uint32) (*connection.Channel, error) {
	return c.Mux().Open(ctx, connection.TypeDirectTCPIP, wire.DirectTCPIP{Host: host, Port: port, OriginHost: "127.0.0.1"}.Append(nil), nil)
}

func reasonOf(err error) wire.OpenReason {
	var open *connection.OpenError
	if errors.As(err, &open) {
		return open.Reason
	}
	return 0
}

// TestCON21: direct-tcpip with every odd target, more at once than there may be, and a client that leaves while dialling.
func TestCON21(t *testing.T) {
	t.Parallel()
	h := startHawserd(t)
	c := h.dial(t)
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	for _, tt := range []struct {
		host string
		port uint32
		want wire.OpenReason
	}{
		{"127.0.0.1", 0, wire.OpenAdministrativelyProhibited},
		{"127.0.0.1", 65536, wire.OpenAdministrativelyProhibited},
		{"", 80, wire.OpenAdministrativelyProhibited},
		{"127.0.0.1\x00", 80, wire.OpenAdministrativelyProhibited},
		{strings.Repeat("x", 64<<10/2), 80, wire.OpenAdministrativelyProhibited},
		{"no-such-host.invalid", 80, wire.OpenConnectFailed},
		{"127.0.0.1", 1, wire.OpenConnectFailed},
	} {
		_, err := openDirect(ctx, c, tt.host, tt.port)
		if reasonOf(err) != tt.want {
			t.Errorf("%.30q port %d: %v, want reason %d", tt.host, tt.port, err, tt.want)
		}
	}

	echoed := echoServer(t, "tcp", "127.0.0.1:0")
	port := uint32(echoed.Addr().(*net.TCPAddr).Port)
	var mu sync.Mutex
	var opened []*connection.Channel
	refused := 0
	var work sync.WaitGroup
	for range maxForwarded + 40 {
		work.Go(func() {
			ch, err := openDirect(ctx, c, "127.0.0.1", port)
			mu.Lock()
			defer mu.Unlock()
			switch {
			case err == nil:
				opened = append(opened, ch)
			case reasonOf(err) == wire.OpenResourceShortage:
				refused++
			default:
				t.Error(err)
			}
		})
	}
	work.Wait()
	if len(opened) != maxForwarded || refused != 40 {
		t.Errorf("%d opened, %d refused", len(opened), refused)
	}
	for _, ch := range opened {
		ch.Close()
	}
	eventually(t, "closed channels give their places back", func() bool {
		ch, err := openDirect(ctx, c, "127.0.0.1", port)
		if err != nil {
			return false
		}
		defer ch.Close()
		if _, err := ch.Write([]byte("ping")); err != nil {
			return false
		}
		got := make([]byte, 4)
		_, err = io.ReadFull(ch, got)
		return err == nil && string(got) == "ping"
	})

	slow := h.dial(t) // 192.0.2.0/24 is nobody's (RFC 5737): dialling takes long or fails at once
	leaving, leave := context.WithCancel(ctx)
	var dials sync.WaitGroup
	for i := range 20 {
		dials.Go(func() { _, _ = openDirect(leaving, slow, fmt.Sprint("192.0.2.", i+1), 9) })
	}
	if session, err := slow.NewSession(ctx); err != nil {
		t.Errorf("dialling holds up a session: %v", err)
	} else if out, err := session.Output(ctx, "echo in"); err != nil || string(out) != "in\n" {
		t.Errorf("%q, %v", out, err)
	}
	slow.Close()
	leave()
	dials.Wait()
	wantOutput(t, h.target(t).RunSSH(t, nil, "echo in"), "in\n")
}

// TestCON22: paths of Unix sockets, and that no file is removed that the server did not make.
func TestCON22(t *testing.T) {
	t.Parallel()
	h := startHawserd(t)
	c := h.dial(t)
	dir := socketDir(t)
	listen := func(path string) bool {
		ok, _, err := c.Mux().GlobalRequest(context.Background(), connection.RequestStreamLocalForward, true,
			wire.StreamLocalForward{Path: path}.Append(nil))
		return err == nil && ok
	}
	cancel := func(path string) bool {
		ok, _, err := c.Mux().GlobalRequest(context.Background(), connection.RequestCancelStreamLocalForward, true,
			wire.StreamLocalForward{Path: path}.Append(nil))
		return err == nil && ok
	}
	file, link, socket := filepath.Join(dir, "file"), filepath.Join(dir, "link"), filepath.Join(dir, "socket")
	write(t, file, "mine")
	if err := os.Symlink(filepath.Join(dir, "nowhere"), link); err != nil {
		t.Fatal(err)
	}
	theirs := echoServer(t, "unix", filepath.Join(dir, "theirs"))
	for _, path := range []string{"", "relative", dir + "/a\x00b", dir + "/" + strings.Repeat("x", 200), dir + "/../x", file, link,
		dir, theirs.Addr().String(), dir + "/absent/x"} {
		if listen(path) {
			t.Errorf("%.80q: granted", path)
		}
	}
	if text, err := os.ReadFile(file); err != nil || string(text) != "mine" {
		t.Errorf("the file is harmed: %q, %v", text, err)
	}
	if _, err := os.Lstat(link); err != nil {
		t.Error(err)
	}
	wantEcho(t, "unix", theirs.Addr().String())
	if !listen(socket) || listen(socket) {
		t.Error("a new path is refused, or granted twice")
	}
	if err := os.Remove(socket); err != nil {
		t.Fatal(err)
	}
	write(t, socket, "another file")
	if !cancel(socket) || cancel(socket) || cancel(file) {
		t.Error("cancel")
	}
	if text, err := os.ReadFile(socket); err != nil || string(text) != "another file" {
		t.Errorf("a file was removed that the server had not made: %v", err)
	}
	for _, path := range []string{"", "relative", dir + "/a\x00b", dir + "/" + strings.Repeat("x", 200), dir + "/../x"} {
		_, err := c.Mux().Open(context.Background(), connection.TypeDirectStreamLocal, wire.DirectStreamLocal{Path: path}.Append(nil), nil)
		if reasonOf(err) != wire.OpenAdministrativelyProhibited {
			t.Errorf("direct to %.80q: %v", path, err)
		}
	}
	if _, err := c.Mux().Open(context.Background(), connection.TypeDirectStreamLocal, wire.DirectStreamLocal{Path: file}.Append(nil), nil); reasonOf(err) != wire.OpenConnectFailed {
		t.Errorf("direct to a plain file: %v", err)
	}
}

// TestCON14: the limits of the environment hold over the wire, and refused names leave the session usable.
func TestCON14(t *testing.T) {
	t.Parallel()
	c := startHawserd(t).dial(t)
	ctx := context.Background()
	ch, err := c.Mux().OpenSession(ctx, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"PATH", "LD_PRELOAD", "IFS", "BASH_ENV", "ENV", "GIT_SSH_COMMAND", "LC_A=B", "LC_\x00", "", "LC_"} {
		if err := ch.Setenv(ctx, name, "x"); err == nil {
			t.Errorf("%q: granted", name)
		}
	}
	if err := ch.Setenv(ctx, "LC_NUL", "a\x00b"); err == nil {
		t.Error("a value with NUL: granted")
	}
	granted := 0
	for i := range 200 {
		if ch.Setenv(ctx, "LC_"+strings.Repeat("A", i+1), "x") == nil {
			granted++
		}
	}
	if granted != connection.DefaultMaxEnv {
		t.Errorf("%d variables granted, want %d", granted, connection.DefaultMaxEnv)
	}
	if err := ch.Exec(ctx, "env | grep -c '^LC_'; echo $IFS$BASH_ENV | wc -c"); err != nil {
		t.Fatal(err)
	}
	out, err := io.ReadAll(ch)
	if err != nil || strings.TrimSpace(string(out)) != fmt.Sprintf("%d\n1", connection.DefaultMaxEnv) {
		t.Errorf("%q, %v", out, err)
	}
}
