//go:build unix

package main

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/hawser-ssh/hawser/connection"
	"github.com/hawser-ssh/hawser/connection/peertest"
	"github.com/hawser-ssh/hawser/daemon"
	"github.com/hawser-ssh/hawser/transport/sshkey"
	"github.com/hawser-ssh/hawser/wire"
)

// startDaemon listens with a plain daemon, no hawserd: every key may log in, sessions and all their requests are
// granted. prepare sets what a test is about.
func startDaemon(t testing.TB, prepare func(d *daemon.Daemon)) (*daemon.Daemon, peertest.Target) {
	t.Helper()
	host, user := peertest.NewKey(t, peertest.Ed25519), peertest.NewKey(t, peertest.Ed25519)
	private, _, err := sshkey.ParsePrivateKey(host.Private(t), nil)
	if err != nil {
		t.Fatal(err)
	}
	signer, err := sshkey.NewSigner(private)
	if err != nil {
		t.Fatal(err)
	}
	d := daemon.New()
	d.OnSSHUserAuthRequest = func(e *daemon.SSHUserAuthRequestEvent) { e.Accept = e.AuthMethod == "publickey" }
	d.OnSSHChannelOpenRequest = func(e *daemon.SSHChannelOpenRequestEvent) { e.Accept = e.Service == "session" }
	d.OnSSHChannelRequest = func(e *daemon.SSHChannelRequestEvent) { e.Success = true }
	prepare(d)
	if err := errors.Join(d.SetHostKeys(signer), d.SetLocalHost("127.0.0.1"), d.SetLocalPort(0), d.StartListening()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := d.Shutdown(); err != nil {
			t.Error(err)
		}
	})
	g := peertest.NewTarget(t, fmt.Sprintf("127.0.0.1:%d", d.LocalPort()), "alice", host)
	g.Key = &user
	return d, g
}

// inbox collects what channels deliver.
type inbox struct {
	mu   sync.Mutex
	data map[int][]byte
	more chan struct{}
}

func newInbox(d *daemon.Daemon) *inbox {
	in := &inbox{data: map[int][]byte{}, more: make(chan struct{}, 1)}
	d.OnSSHChannelDataIn = func(e *daemon.SSHChannelDataInEvent) {
		in.mu.Lock()
		in.data[e.ChannelID] = append(in.data[e.ChannelID], e.Data...)
		in.mu.Unlock()
		select {
		case in.more <- struct{}{}:
		default:
		}
	}
	return in
}

// wait waits until a channel has delivered something that done likes.
func (in *inbox) wait(t testing.TB, channel int, done func([]byte) bool) {
	t.Helper()
	for timeout := time.After(time.Minute); ; {
		in.mu.Lock()
		data := bytes.Clone(in.data[channel])
		in.mu.Unlock()
		if done(data) {
			return
		}
		select {
		case <-in.more:
		case <-timeout:
			t.Fatalf("channel %d delivered %q", channel, data)
		}
	}
}

// TestOpenSSHOpenChannel opens channels to OpenSSH's client, of the types that it takes when asked to, from inside an
// event and from elsewhere; one that it does not take is an error that says why.
func TestOpenSSHOpenChannel(t *testing.T) {
	t.Parallel()
	target := echoServer(t, "tcp", "127.0.0.1:0")
	x := startXServer(t)
	const cookie = "00112233445566778899aabbccddeeff"
	authority := filepath.Join(t.TempDir(), "authority")
	wantOK(t, peertest.Run(t, nil, "xauth", "-q", "-f", authority, "add", x.display, "MIT-MAGIC-COOKIE-1", cookie))
	extra := peertest.NewKey(t, peertest.Ed25519)
	agent := startAgent(t, extra)

	var in *inbox
	var fakeCookie atomic.Value
	granted, refusal := make(chan int, 1), make(chan error, 1)
	d, g := startDaemon(t, func(d *daemon.Daemon) {
		in = newInbox(d)
		d.OnSSHGlobalRequest = func(e *daemon.SSHGlobalRequestEvent) { e.Success = e.RequestType == "tcpip-forward" }
		d.OnSSHChannelRequested = func(e *daemon.SSHChannelRequestedEvent) {
			switch e.RequestType {
			case "x11-req":
				text, err := d.GetSSHParam(e.Packet, "X11AuthCookie")
				if err != nil {
					t.Error(err)
				}
				fakeCookie.Store(text)
			case "exec":
				_, err := d.OpenChannel(e.ConnectionID, "session") // inside an event: it waits for the answer
				refusal <- err
				granted <- e.ConnectionID
			}
		}
	})
	c := withAgent(t, g, agent, []string{"-X", "-o", "ForwardX11Trusted=yes", "-R", "127.0.0.1:4242:" + target.Addr().String()}, "wait")
	c.Env = append(c.Env, "DISPLAY="+x.display, "XAUTHORITY="+authority)
	ssh := c.Start(t)
	id := <-granted

	err := <-refusal
	var refused *connection.OpenError
	if !errors.Is(err, &daemon.Error{Code: daemon.CodeForwardConnection}) || !errors.As(err, &refused) ||
		refused.Reason != wire.OpenConnectFailed && refused.Reason != wire.OpenUnknownChannelType && refused.Reason != wire.OpenAdministrativelyProhibited ||
		!strings.Contains(err.Error(), refused.Text) || refused.Text == "" {
		t.Errorf("a session toward the client: %v", err)
	}

	forwarded, err := d.OpenChannelWithParameters(id, "forwarded-tcpip",
		wire.DirectTCPIP{Host: "127.0.0.1", Port: 4242, OriginHost: "10.0.0.1", OriginPort: 9}.Append(nil))
	if err != nil {
		t.Fatal(err)
	}
	if err := d.SendText(forwarded, "through the tunnel"); err != nil {
		t.Error(err)
	}
	in.wait(t, forwarded, func(b []byte) bool { return string(b) == "through the tunnel" })
	if h, err := d.SSHChannel(forwarded); err != nil || h.Service() != "forwarded-tcpip" || h.ConnectionID() != id {
		t.Errorf("the handle: %v", err)
	}
	if err := d.CloseChannel(forwarded); err != nil {
		t.Error(err)
	}
	if _, err := d.OpenChannelWithParameters(id, "forwarded-tcpip",
		wire.DirectTCPIP{Host: "127.0.0.1", Port: 4243, OriginHost: "10.0.0.1", OriginPort: 9}.Append(nil)); !errors.As(err, &refused) {
		t.Errorf("a forward that nobody asked for: %v", err)
	}

	keys, err := d.OpenChannel(id, "auth-agent@openssh.com")
	if err != nil {
		t.Fatal(err)
	}
	const identities, answer = 11, 12 // of the agent protocol
	if err := d.SendBytes(keys, []byte{0, 0, 0, 1, identities}); err != nil {
		t.Error(err)
	}
	comment := strings.Fields(extra.Public)[2]
	in.wait(t, keys, func(b []byte) bool { return len(b) > 5 && b[4] == answer && bytes.Contains(b, []byte(comment)) })

	display, err := d.OpenChannelWithParameters(id, "x11", wire.X11Open{OriginHost: "127.0.0.1", OriginPort: 9}.Append(nil))
	if err != nil {
		t.Fatal(err)
	}
	fake, _ := hex.DecodeString(fakeCookie.Load().(string))
	setup := append([]byte{'l', 0, 11, 0, 0, 0, 18, 0, byte(len(fake)), 0, 0, 0}, "MIT-MAGIC-COOKIE-1\x00\x00"...)
	if err := d.SendBytes(display, append(setup, fake...)); err != nil {
		t.Error(err)
	}
	in.wait(t, display, func(b []byte) bool { return strings.Contains(string(b), xReason) })
	if asked := <-x.asked; asked != "MIT-MAGIC-COOKIE-1 "+cookie {
		t.Errorf("the X server was shown %q", asked)
	}

	if err := d.Disconnect(id); err != nil {
		t.Error(err)
	}
	if r := ssh.Wait(); r.Code != 255 || !strings.Contains(string(r.Stderr), "server closed the connection") {
		t.Errorf("status %d, %s", r.Code, r.Stderr)
	}
	if _, err := d.OpenChannel(id, "x11"); err == nil {
		t.Error("a channel on a connection that has ended")
	}
}

// TestOpenSSHExchangeKeys asks for new keys again and again while data goes both ways.
func TestOpenSSHExchangeKeys(t *testing.T) {
	t.Parallel()
	var exchanges atomic.Int64
	started, made := make(chan int, 1), make(chan struct{}, 1)
	d, g := startDaemon(t, func(d *daemon.Daemon) {
		d.OnSSHStatus = func(e *daemon.SSHStatusEvent) {
			if strings.Contains(e.Message, "rekey=true") {
				exchanges.Add(1)
				select {
				case made <- struct{}{}:
				default:
				}
			}
		}
		d.OnSSHChannelRequested = func(e *daemon.SSHChannelRequestedEvent) { started <- e.ConnectionID }
		d.OnSSHChannelDataIn = func(e *daemon.SSHChannelDataInEvent) {
			if err := d.SendBytes(e.ChannelID, e.Data); err != nil {
				t.Error(err)
			}
		}
		d.OnSSHChannelEOF = func(e *daemon.SSHChannelEOFEvent) {
			if h, err := d.SSHChannel(e.ChannelID); err != nil || h.Exit(7) != nil {
				t.Error("no exit status")
			}
		}
	})
	_, content, sum := noise(t, 6<<20)
	c := g.SSH(t, nil, "echo")
	c.Stdin = bytes.NewReader(content)
	ssh := c.Start(t)
	id := <-started
	asked := 0
	for running := true; running && d.ExchangeKeys(id) == nil; asked++ { // one after the other
		select {
		case <-made:
		case <-ssh.Done():
			running = false
		}
	}
	if r := ssh.Wait(); r.Code != 7 || sumOf(r.Stdout) != sum {
		t.Errorf("status %d, %d bytes came back, %s", r.Code, len(r.Stdout), r.Stderr)
	}
	if asked < 3 || exchanges.Load() < 3 {
		t.Errorf("%d exchanges asked for, %d made", asked, exchanges.Load())
	}
}

// TestOpenSSHEnds: what OpenSSH's client sees of CloseChannel, Reset and StopListening.
func TestOpenSSHEnds(t *testing.T) {
	t.Parallel()
	started := make(chan daemon.SSHChannelRequestedEvent, 1)
	ended := make(chan daemon.DisconnectedEvent, 1)
	d, g := startDaemon(t, func(d *daemon.Daemon) {
		d.OnSSHChannelRequested = func(e *daemon.SSHChannelRequestedEvent) { started <- *e }
		d.OnDisconnected = func(e *daemon.DisconnectedEvent) { ended <- *e }
	})
	run := func(end func(e daemon.SSHChannelRequestedEvent)) peertest.Result {
		ssh := g.SSH(t, nil, "wait").Start(t)
		end(<-started)
		return ssh.Wait()
	}
	if r := run(func(e daemon.SSHChannelRequestedEvent) {
		if err := errors.Join(d.SendText(e.ChannelID, "so far"), d.CloseChannel(e.ChannelID)); err != nil {
			t.Error(err)
		}
	}); r.Code != 255 || string(r.Stdout) != "so far" {
		t.Errorf("CloseChannel: status %d, %q", r.Code, r.Stdout)
	}
	if e := <-ended; e.StatusCode != 0 || e.Description != "OK" { // the client has nothing more to do and takes its leave
		t.Errorf("after CloseChannel: %+v", e)
	}
	killed := g.SSH(t, nil, "wait").Start(t)
	<-started
	killed.Stop() // as by kill -9
	if e := <-ended; e.StatusCode != daemon.CodeReset {
		t.Errorf("after the client was killed: %+v", e)
	}
	if r := run(func(e daemon.SSHChannelRequestedEvent) {
		if err := d.StopListening(); err != nil || d.Listening() {
			t.Error(err)
		}
		if conn, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", g.Port)); err == nil {
			conn.Close()
			t.Error("a connection after StopListening")
		}
		if h, err := d.SSHChannel(e.ChannelID); err != nil || h.SetDataToSend([]byte("still here")) != nil || h.Exit(3) != nil {
			t.Errorf("the connection after StopListening: %v", err)
		}
	}); r.Code != 3 || string(r.Stdout) != "still here" {
		t.Errorf("StopListening: status %d, %q, %s", r.Code, r.Stdout, r.Stderr)
	}
	<-ended
	if err := d.SetListening(true); err != nil {
		t.Fatal(err)
	}
	if r := run(func(daemon.SSHChannelRequestedEvent) {
		if err := d.Reset(); err != nil || d.Listening() || d.LocalPort() != daemon.DefaultLocalPort {
			t.Errorf("Reset: %v", err)
		}
	}); r.Code != 255 || !strings.Contains(string(r.Stderr), "server closed the connection") {
		t.Errorf("Reset: status %d, %s", r.Code, r.Stderr)
	}
	if e := <-ended; e.StatusCode != 0 {
		t.Errorf("after Reset: %+v", e)
	}
}
