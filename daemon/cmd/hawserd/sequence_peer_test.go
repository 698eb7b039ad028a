//go:build unix

package main

import (
	"bytes"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/hawser-ssh/hawser/connection/peertest"
	"github.com/hawser-ssh/hawser/daemon"
)

// lifeEvents are the events of one session that every client brings about, in
// their order. What a client asks for besides comes between Opened and EOF.
var lifeEvents = []string{"ConnectionRequest", "Connected", "ServiceRequest ssh-userauth", "UserAuth publickey", "OpenRequest session",
	"Opened", "ReadyToSend", "Request exec", "Requested exec", "DataIn hello", "EOF", "Closed", "Disconnected 0 OK"}

// TestClientsSequence: the events of one session, with the clients of others. The daemon echoes, and exits with 3 at the
// client's EOF. None of them ends in a way that the daemon takes for a loss, and every one is taken for one when killed.
func TestClientsSequence(t *testing.T) {
	t.Parallel()
	clients := map[string]func(g peertest.Target, t testing.TB) peertest.Cmd{
		"ssh":   func(g peertest.Target, t testing.TB) peertest.Cmd { return g.SSH(t, nil, "cat") },
		"plink": func(g peertest.Target, t testing.TB) peertest.Cmd { return g.Plink(t, nil, "cat") },
		"asyncssh": func(g peertest.Target, t testing.TB) peertest.Cmd {
			c := g.PythonClient(t)
			c.Command = "cat"
			return c.AsyncSSH(t)
		},
		"paramiko": func(g peertest.Target, t testing.TB) peertest.Cmd {
			c := g.PythonClient(t)
			c.Command = "cat"
			return c.Paramiko(t)
		},
		"dbclient": func(g peertest.Target, t testing.TB) peertest.Cmd { return g.Dbclient(t, nil, "cat") },
	}
	for name, client := range clients {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := &lifeLog{ended: make(chan struct{}, 2)}
			_, g := startDaemon(t, l.follow)
			c := client(g, t)
			c.Stdin = strings.NewReader("hello")
			r := c.Run(t)
			<-l.ended
			if r.Code != 3 || string(r.Stdout) != "hello" {
				t.Errorf("status %d, %q, %s", r.Code, r.Stdout, r.Stderr)
			}
			got := l.take()
			if seen := slices.DeleteFunc(slices.Clone(got), func(e string) bool { return !slices.Contains(lifeEvents, e) }); !slices.Equal(slices.Compact(seen), lifeEvents) {
				t.Errorf("events %q", got)
			}
			for i, e := range got { // what is granted is announced before anything else happens
				if kind, ok := strings.CutPrefix(e, "Request "); ok && (i+1 == len(got) || got[i+1] != "Requested "+kind) {
					t.Errorf("%q is followed by %q", e, got[i+1:])
				}
			}

			c = client(g, t)
			keep, hold := pipe(t)
			defer hold.Close()
			c.Stdin = keep
			p := c.Start(t)
			hold.Write([]byte("hello"))
			p.WaitOutput("hello")
			p.Stop() // as by kill -9
			<-l.ended
			got = l.take()
			if last := got[len(got)-1]; !strings.HasPrefix(last, "Disconnected 10054 ") || got[len(got)-2] != "Closed" {
				t.Errorf("killed: %q", got)
			}
		})
	}
}

// lifeLog collects the events of a daemon, one line each.
type lifeLog struct {
	mu    sync.Mutex
	lines []string
	ended chan struct{}
}

func (l *lifeLog) add(format string, args ...any) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lines = append(l.lines, fmt.Sprintf(format, args...))
}

func (l *lifeLog) take() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	lines := l.lines
	l.lines = nil
	return lines
}

// follow makes the daemon echo and note what happens. Only a key that has been proved is noted, and lets in.
func (l *lifeLog) follow(d *daemon.Daemon) {
	d.OnConnectionRequest = func(*daemon.ConnectionRequestEvent) { l.add("ConnectionRequest") }
	d.OnConnected = func(*daemon.ConnectedEvent) { l.add("Connected") }
	d.OnSSHServiceRequest = func(e *daemon.SSHServiceRequestEvent) { l.add("ServiceRequest %s", e.Service) }
	d.OnSSHUserAuthRequest = func(e *daemon.SSHUserAuthRequestEvent) {
		if e.Accept = e.AuthMethod == "publickey"; e.Verified {
			l.add("UserAuth %s", e.AuthMethod)
		}
	}
	d.OnSSHChannelOpenRequest = func(e *daemon.SSHChannelOpenRequestEvent) {
		l.add("OpenRequest %s", e.Service)
		e.Accept = true
	}
	d.OnSSHChannelOpened = func(*daemon.SSHChannelOpenedEvent) { l.add("Opened") }
	d.OnSSHChannelReadyToSend = func(*daemon.SSHChannelReadyToSendEvent) { l.add("ReadyToSend") }
	d.OnSSHChannelRequest = func(e *daemon.SSHChannelRequestEvent) {
		l.add("Request %s", e.RequestType)
		e.Success = true
	}
	d.OnSSHChannelRequested = func(e *daemon.SSHChannelRequestedEvent) { l.add("Requested %s", e.RequestType) }
	var data []byte
	d.OnSSHChannelDataIn = func(e *daemon.SSHChannelDataInEvent) {
		if data = append(data, e.Data...); bytes.Equal(data, []byte("hello")) {
			l.add("DataIn hello")
			data = nil
		}
		d.SendBytes(e.ChannelID, e.Data)
	}
	d.OnSSHChannelEOF = func(e *daemon.SSHChannelEOFEvent) {
		l.add("EOF")
		if h, err := d.SSHChannel(e.ChannelID); err == nil {
			h.Exit(3)
		}
	}
	d.OnSSHChannelClosed = func(*daemon.SSHChannelClosedEvent) { l.add("Closed") }
	d.OnDisconnected = func(e *daemon.DisconnectedEvent) {
		l.add("Disconnected %d %s", e.StatusCode, e.Description)
		l.ended <- struct{}{}
	}
}

func pipe(t testing.TB) (r, w *os.File) {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close() })
	return r, w
}

// TestClientsRefused: the last event names what a client failed over: its key, or a cipher, with both lists.
func TestClientsRefused(t *testing.T) {
	t.Parallel()
	ended := make(chan daemon.DisconnectedEvent, 1)
	d, g := startDaemon(t, func(d *daemon.Daemon) {
		d.OnSSHUserAuthRequest = nil
		d.OnDisconnected = func(e *daemon.DisconnectedEvent) { ended <- *e }
	})
	for name, c := range map[string]peertest.Cmd{"ssh": g.SSH(t, nil, "x"), "plink": g.Plink(t, nil, "x")} {
		if r := c.Run(t); r.Code == 0 {
			t.Errorf("%s was let in", name)
		}
		if e := <-ended; e.StatusCode != daemon.CodeAuthentication || !strings.Contains(e.Description, `publickey for "alice" refused`) {
			t.Errorf("%s: %+v", name, e)
		}
	}
	if err := d.SetSSHEncryptionAlgorithms("aes256-ctr,aes192-ctr"); err != nil {
		t.Fatal(err)
	}
	g.Ciphers = "aes128-ctr,aes128-gcm@openssh.com"
	if r := g.SSH(t, nil, "x").Run(t); r.Code != 255 {
		t.Errorf("status %d", r.Code)
	}
	if e := <-ended; e.StatusCode != daemon.CodeAborted ||
		!strings.Contains(e.Description, g.Ciphers) || !strings.Contains(e.Description, "aes256-ctr,aes192-ctr") {
		t.Errorf("without a common cipher: %+v", e)
	}
}
