package daemon

import (
	"context"
	"errors"
	"net"
	"slices"
	"sync"
	"testing"

	"github.com/hawser-ssh/hawser/cipher"
	"github.com/hawser-ssh/hawser/connection/sshclient"
	"github.com/hawser-ssh/hawser/transport"
	"github.com/hawser-ssh/hawser/userauth"
	"github.com/hawser-ssh/hawser/wire"
)

// dialWithLab logs a client of ours in as alice, with a Lab in it.
func dialWithLab(t *testing.T, nc net.Conn, lab *transport.Lab) (*sshclient.Client, error) {
	t.Helper()
	c, err := sshclient.NewClient(t.Context(), nc, "memory:22", &sshclient.Config{
		User:      "alice",
		Auth:      []userauth.Method{userauth.Password(func(context.Context) (string, error) { return "secret", nil })},
		HostKey:   sshclient.InsecureIgnoreHostKey(),
		Transport: &transport.Config{Lab: lab},
	})
	if err == nil {
		t.Cleanup(func() { c.Close() })
	}
	return c, err
}

// TestLabChannelBeforeLogin is CVE-2025-32433 against the daemon: no message
// of the connection protocol has an effect, or an event, before the login, in
// whatever state of the authentication it comes.
func TestLabChannelBeforeLogin(t *testing.T) {
	early := [][]byte{
		wire.ChannelOpen{Type: "session", Window: 1 << 20, MaxPacket: 1 << 15}.Append(nil),
		wire.ChannelRequest{Type: "exec", WantReply: true, Payload: wire.Exec{Command: "id"}.Append(nil)}.Append(nil),
		wire.GlobalRequest{Name: "tcpip-forward", WantReply: true, Payload: wire.TCPIPForward{Port: 0}.Append(nil)}.Append(nil),
		wire.ChannelData{Data: []byte("id\n")}.Append(nil),
	}
	for name, lab := range map[string]*transport.Lab{
		"with the keys": {State: func(e transport.LabEvent) [][]byte {
			if e.State == transport.LabAuth {
				return early
			}
			return nil
		}},
		"with the service": {Message: func(e transport.LabEvent) [][]byte {
			if e.Direction == transport.Outgoing && e.Msg() == wire.MsgServiceRequest {
				return e.Pass(early...)
			}
			return e.Pass()
		}},
		"in front of the password": {Message: func(e transport.LabEvent) [][]byte {
			if e.Direction == transport.Outgoing && e.Msg() == wire.MsgUserauthRequest {
				return append(slices.Clone(early), e.Bytes)
			}
			return e.Pass()
		}},
		"behind a wrong password": {Message: func(e transport.LabEvent) [][]byte {
			if e.Direction == transport.Outgoing && e.Msg() == wire.MsgUserauthRequest {
				wrong, err := wire.SetField(e.Bytes, "Password", "wrong")
				if err != nil {
					return e.Pass() // not the password yet
				}
				return append([][]byte{wrong}, early...)
			}
			return e.Pass()
		}},
	} {
		t.Run(name, func(t *testing.T) {
			d := newDaemon(t)
			d.OnSSHChannelOpenRequest = func(e *SSHChannelOpenRequestEvent) { t.Error("a channel was asked for"); e.Accept = true }
			d.OnSSHChannelRequest = func(e *SSHChannelRequestEvent) { t.Error("a request came through") }
			d.OnSSHGlobalRequest = func(e *SSHGlobalRequestEvent) { t.Error("a global request came through") }
			s := serve(t, d)
			if _, err := dialWithLab(t, s.client, lab); err == nil {
				t.Error("the client is in")
			}
			s.client.Close()
			err := <-s.done
			if p, ok := errors.AsType[*wire.ProtocolError](err); !ok || p.Reason != wire.ReasonProtocolError || p.Op != wire.MsgChannelOpen.String() {
				t.Errorf("the connection ended with %v", err)
			}
		})
	}
}

// deafConn reads nothing more once it is told to.
type deafConn struct {
	net.Conn
	deaf, closed chan struct{}
	once         sync.Once
}

func (c *deafConn) Read(p []byte) (int, error) {
	select {
	case <-c.deaf:
		<-c.closed
		return 0, net.ErrClosed
	default:
		return c.Conn.Read(p)
	}
}

func (c *deafConn) Close() error {
	c.once.Do(func() { close(c.closed) })
	return c.Conn.Close()
}

// TestLabPingFlood: a client that floods and never reads is thrown out.
func TestLabPingFlood(t *testing.T) {
	d := newDaemon(t)
	s := serve(t, d)
	nc := &deafConn{Conn: s.client, deaf: make(chan struct{}), closed: make(chan struct{})}
	c, err := dialWithLab(t, nc, &transport.Lab{State: func(e transport.LabEvent) [][]byte {
		if e.State != transport.LabOpen {
			return nil
		}
		close(nc.deaf)
		return slices.Repeat([][]byte{wire.Ping{Data: make([]byte, 64)}.Append(nil)}, 50_000)
	}})
	if err != nil {
		t.Fatal(err)
	}
	if err := <-s.done; !errors.Is(err, transport.ErrControlOverflow) {
		t.Errorf("ended with %v", err)
	}
	nc.Close()
	c.Close()
}

// TestLabInDaemon: a daemon with a Lab is a server to attack clients with; ours
// notices that the prefix of a connection is gone (CVE-2023-48795).
func TestLabInDaemon(t *testing.T) {
	d := newDaemon(t)
	if err := d.SetSSHEncryptionAlgorithms("chacha20-poly1305@openssh.com"); err != nil {
		t.Fatal(err)
	}
	ignore := []byte{0, 0, 0, 12, 6, byte(wire.MsgIgnore), 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}
	drop := false
	d.SetLab(&transport.Lab{Sealed: func(e transport.LabEvent) [][]byte {
		switch {
		case e.Direction == transport.Incoming:
		case drop:
			drop = false
			return nil
		case e.State == transport.LabKex && wire.Msg(e.Bytes[5]) == wire.MsgNewKeys:
			drop = true
			return [][]byte{ignore, e.Bytes}
		}
		return e.Pass()
	}})
	chacha, err := cipher.Lookup("chacha20-poly1305@openssh.com")
	if err != nil {
		t.Fatal(err)
	}
	_, err = sshclient.NewClient(t.Context(), serve(t, d).client, "memory:22", &sshclient.Config{
		User: "alice", HostKey: sshclient.InsecureIgnoreHostKey(), Transport: &transport.Config{Ciphers: chacha},
	})
	if p, ok := errors.AsType[*wire.ProtocolError](err); !ok || p.Reason != wire.ReasonProtocolError || p.Op != wire.MsgIgnore.String() {
		t.Errorf("the client says %v", err)
	}
	d.SetLab(nil)
	c, s := connect(t, d)
	c.Close()
	<-s.done
}
