package daemon

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
	xssh "golang.org/x/crypto/ssh"

	"github.com/hawser-ssh/hawser/connection/sshclient"
	"github.com/hawser-ssh/hawser/transport/sshkey"
	"github.com/hawser-ssh/hawser/transport/transporttest"
	"github.com/hawser-ssh/hawser/userauth"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// newSigner returns a fresh Ed25519 key.
func newSigner(t testing.TB) sshkey.Signer {
	t.Helper()
	key, err := sshkey.GenerateEd25519()
	if err != nil {
		t.Fatal(err)
	}
	signer, err := sshkey.NewSigner(key)
	if err != nil {
		t.Fatal(err)
	}
	return signer
}

// newDaemon returns a Daemon with a host key that lets "alice" in with the
// password "secret" and opens sessions that echo.
func newDaemon(t testing.TB) *Daemon {
	t.Helper()
	d := New()
	if err := d.SetHostKeys(newSigner(t)); err != nil {
		t.Fatal(err)
	}
	d.OnSSHUserAuthRequest = func(e *SSHUserAuthRequestEvent) {
		e.Accept = e.AuthMethod == "password" && e.User == "alice" && e.AuthParam == "secret"
	}
	d.OnSSHChannelOpenRequest = func(e *SSHChannelOpenRequestEvent) { e.Accept = e.Service == "session" }
	d.OnSSHChannelRequest = func(e *SSHChannelRequestEvent) { e.Success = e.RequestType == "exec" }
	return d
}

// must runs Config and fails the test on an error.
func must(t testing.TB, d *Daemon, settings ...string) {
	t.Helper()
	for _, s := range settings {
		if _, err := d.Config(s); err != nil {
			t.Fatalf("Config(%q): %v", s, err)
		}
	}
}

// served is a connection being served over memory.
type served struct {
	client net.Conn
	done   chan error // ServeConn's result
}

// serve starts to serve one connection over memory. Where the test does not
// receive from done, the end of the test does.
func serve(t testing.TB, d *Daemon) *served {
	t.Helper()
	client, server := transporttest.Pipe()
	s := &served{client, make(chan error, 1)}
	finished := make(chan struct{})
	go func() {
		defer close(finished)
		s.done <- d.ServeConn(context.Background(), server)
	}()
	t.Cleanup(func() {
		client.Close()
		<-finished
	})
	return s
}

func clientConfig(user string, auth ...xssh.AuthMethod) *xssh.ClientConfig {
	return &xssh.ClientConfig{User: user, Auth: auth, HostKeyCallback: xssh.InsecureIgnoreHostKey()}
}

// connect logs in as alice over memory.
func connect(t testing.TB, d *Daemon) (*xssh.Client, *served) {
	t.Helper()
	s := serve(t, d)
	c, err := dial(s, clientConfig("alice", xssh.Password("secret")))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c, s
}

func dial(s *served, cfg *xssh.ClientConfig) (*xssh.Client, error) {
	conn, chans, reqs, err := xssh.NewClientConn(s.client, "memory", cfg)
	if err != nil {
		return nil, err
	}
	return xssh.NewClient(conn, chans, reqs), nil
}

// dialOurs connects as alice with our own client, for tests in which the
// connection may end at any moment: x/crypto's waits for ever when one ends
// while it opens a channel.
func dialOurs(t testing.TB, s *served) (*sshclient.Client, error) {
	t.Helper()
	c, err := sshclient.NewClient(t.Context(), s.client, "memory:22", &sshclient.Config{
		User:    "alice",
		Auth:    []userauth.Method{userauth.Password(func(context.Context) (string, error) { return "secret", nil })},
		HostKey: sshclient.InsecureIgnoreHostKey(),
	})
	if err == nil {
		t.Cleanup(func() { c.Close() })
	}
	return c, err
}

// runOurs executes a command with our own client.
func runOurs(t testing.TB, c *sshclient.Client, command, stdin string) (string, error) {
	t.Helper()
	s, err := c.NewSession(t.Context())
	if err != nil {
		return "", err
	}
	s.Stdin = strings.NewReader(stdin)
	out, err := s.Output(t.Context(), command)
	return string(out), err
}

// run executes a command and returns what it wrote.
func run(t testing.TB, c *xssh.Client, command, stdin string) (string, error) {
	t.Helper()
	s, err := c.NewSession()
	if err != nil {
		return "", err
	}
	defer s.Close()
	s.Stdin = strings.NewReader(stdin)
	out, err := s.Output(command)
	return string(out), err
}

// echo makes exec echo its input and exit with 0 at EOF.
func echo(t testing.TB, d *Daemon) {
	d.OnSSHChannelDataIn = func(e *SSHChannelDataInEvent) {
		if err := d.SendBytes(e.ChannelID, e.Data); err != nil && !errors.Is(err, &Error{Code: CodeNotConnected}) {
			t.Errorf("SendBytes: %v", err)
		}
	}
	d.OnSSHChannelEOF = func(e *SSHChannelEOFEvent) { exit(t, d, e.ChannelID, 0) }
}

// exit sends an exit status and closes the channel.
func exit(t testing.TB, d *Daemon, channelID, status int) {
	p := []byte(nil)
	for _, f := range [][2]string{{"s", "exit-status"}, {"f", "false"}, {"i", fmt.Sprint(status)}} {
		var err error
		if p, err = d.SetSSHParam(p, f[0], f[1]); err != nil {
			t.Error(err)
		}
	}
	if err := d.SendSSHPacket(channelID, 98, p); err != nil && !errors.Is(err, &Error{Code: CodeNotConnected}) {
		t.Errorf("SendSSHPacket: %v", err)
	}
	if err := d.CloseChannel(channelID); err != nil && !errors.Is(err, &Error{Code: CodeNotConnected}) {
		t.Errorf("CloseChannel: %v", err)
	}
}

// recorder notes events as lines.
type recorder struct {
	mu    sync.Mutex
	lines []string
	more  chan struct{}
}

func (r *recorder) add(format string, args ...any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.lines = append(r.lines, fmt.Sprintf(format, args...))
	if r.more != nil {
		close(r.more)
		r.more = nil
	}
}

func (r *recorder) all() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.lines)
}

// wait waits until a line with this prefix has been added.
func (r *recorder) wait(t testing.TB, prefix string) {
	t.Helper()
	r.waitFor(t, prefix, 1)
}

// waitFor waits until n lines with this prefix have been added.
func (r *recorder) waitFor(t testing.TB, prefix string, n int) {
	t.Helper()
	timeout := time.After(20 * time.Second)
	for {
		r.mu.Lock()
		have := 0
		for _, l := range r.lines {
			if strings.HasPrefix(l, prefix) {
				have++
			}
		}
		if have >= n {
			r.mu.Unlock()
			return
		}
		if r.more == nil {
			r.more = make(chan struct{})
		}
		more := r.more
		r.mu.Unlock()
		select {
		case <-more:
		case <-timeout:
			t.Fatalf("not %d lines %q among %q", n, prefix, r.all())
		}
	}
}

// record makes every event of d add a line and then do what it did before.
func record(d *Daemon) *recorder {
	r := new(recorder)
	wrap(&d.OnConnectionRequest, func(e *ConnectionRequestEvent) { r.add("ConnectionRequest accept=%v", e.Accept) })
	wrap(&d.OnConnected, func(e *ConnectedEvent) { r.add("Connected %d %s", e.StatusCode, e.Description) })
	wrap(&d.OnDisconnected, func(e *DisconnectedEvent) { r.add("Disconnected %d %s", e.StatusCode, e.Description) })
	wrap(&d.OnError, func(e *ErrorEvent) { r.add("Error %d", e.ErrorCode) })
	wrap(&d.OnSSHChannelClosed, func(e *SSHChannelClosedEvent) { r.add("Closed %d", e.ChannelID) })
	wrap(&d.OnSSHChannelDataIn, func(e *SSHChannelDataInEvent) { r.add("DataIn %d %q", e.ChannelID, e.Data) })
	wrap(&d.OnSSHChannelEOF, func(e *SSHChannelEOFEvent) { r.add("EOF %d", e.ChannelID) })
	wrap(&d.OnSSHChannelOpened, func(e *SSHChannelOpenedEvent) { r.add("Opened %d", e.ChannelID) })
	wrap(&d.OnSSHChannelOpenRequest, func(e *SSHChannelOpenRequestEvent) { r.add("OpenRequest %d %s", e.ChannelID, e.Service) })
	wrap(&d.OnSSHChannelReadyToSend, func(e *SSHChannelReadyToSendEvent) { r.add("ReadyToSend %d", e.ChannelID) })
	wrap(&d.OnSSHChannelRequest, func(e *SSHChannelRequestEvent) { r.add("Request %d %s", e.ChannelID, e.RequestType) })
	wrap(&d.OnSSHChannelRequested, func(e *SSHChannelRequestedEvent) { r.add("Requested %d %s", e.ChannelID, e.RequestType) })
	wrap(&d.OnSSHGlobalRequest, func(e *SSHGlobalRequestEvent) { r.add("GlobalRequest %s", e.RequestType) })
	wrap(&d.OnSSHServiceRequest, func(e *SSHServiceRequestEvent) { r.add("ServiceRequest %s", e.Service) })
	wrap(&d.OnSSHUserAuthRequest, func(e *SSHUserAuthRequestEvent) { r.add("UserAuth %s %s", e.User, e.AuthMethod) })
	return r
}

func wrap[E any](h *func(*E), before func(*E)) {
	old := *h
	*h = func(e *E) {
		before(e)
		if old != nil {
			old(e)
		}
	}
}

// expect compares whole sequences.
func expect(t testing.TB, got []string, want ...string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("events:\n  %s\nwant:\n  %s", strings.Join(got, "\n  "), strings.Join(want, "\n  "))
	}
}

// wantCode checks the code of an *Error.
func wantCode(t testing.TB, err error, code int) {
	t.Helper()
	if e, ok := errors.AsType[*Error](err); !ok || e.Code != code {
		t.Errorf("error %v, want code %d", err, code)
	}
}

// shutDown is Shutdown, and waits for the handlers that it has found at work, too.
func shutDown(t testing.TB, d *Daemon) {
	t.Helper()
	if err := d.Shutdown(); err != nil {
		t.Error(err)
	}
	if !d.reg.waitEmpty(t.Context()) {
		t.Error("connections are left")
	}
}
