package transport_test

import (
	"context"
	"errors"
	"net"
	"strings"
	"testing"

	"github.com/hawser-ssh/hawser/cipher"
	"github.com/hawser-ssh/hawser/connection/peertest"
	"github.com/hawser-ssh/hawser/transport"
	"github.com/hawser-ssh/hawser/transport/sshkey"
	"github.com/hawser-ssh/hawser/wire"
)

// chachaOnly is a Config for the one cipher that a prefix can vanish from.
func chachaOnly(t testing.TB, lab *transport.Lab) *transport.Config {
	t.Helper()
	chacha, err := cipher.Lookup("chacha20-poly1305@openssh.com")
	if err != nil {
		t.Fatal(err)
	}
	return &transport.Config{Ciphers: chacha, VerifyHostKey: trustAny, HostKeys: []sshkey.Signer{hostKey(t)}, Lab: lab}
}

// TestLabAgainstSSHD attacks OpenSSH's server.
func TestLabAgainstSSHD(t *testing.T) {
	sshd := peertest.StartSSHD(t, peertest.SSHDOptions{HostKeys: []peertest.KeyType{peertest.Ed25519}})
	dial := func(t *testing.T, lab *transport.Lab) (*transport.Conn, error) {
		nc, err := net.Dial("tcp", sshd.Addr)
		if err != nil {
			t.Fatal(err)
		}
		c := transport.Client(nc, chachaOnly(t, lab))
		t.Cleanup(func() { c.Close() })
		return c, c.Handshake(t.Context())
	}
	// accepted asks for a service and reads until it is granted.
	accepted := func(c *transport.Conn) error {
		if err := c.WritePacket(nil, wire.ServiceRequest{Name: "ssh-userauth"}.Append(nil), nil); err != nil {
			return err
		}
		p, err := c.ReadPacket()
		if err != nil {
			return err
		}
		return new(wire.ServiceAccept).Parse(p)
	}
	t.Run("Terrapin, strict", func(t *testing.T) {
		c, err := dial(t, terrapin())
		if err == nil {
			err = accepted(c)
		}
		if told, ok := errors.AsType[*transport.DisconnectError](err); !ok || !strings.Contains(told.Text, "strict KEX violation") {
			t.Errorf("it says %v", err)
		}
	})
	t.Run("Terrapin, not strict", func(t *testing.T) {
		lab := terrapin()
		lab.Message = hideStrict
		c, err := dial(t, lab)
		must(t, err)
		must(t, c.WritePacket(nil, wire.ServiceRequest{Name: "vanishes"}.Append(nil), nil))
		must(t, accepted(c))
	})
	t.Run("a channel before authentication", func(t *testing.T) {
		c, err := dial(t, &transport.Lab{
			State: func(e transport.LabEvent) [][]byte {
				if e.State != transport.LabAuth {
					return nil
				}
				return [][]byte{wire.ChannelOpen{Type: "session", Window: 1 << 20, MaxPacket: 1 << 15}.Append(nil)}
			},
			Message: func(e transport.LabEvent) [][]byte {
				if e.Msg() == wire.MsgChannelOpenConfirmation {
					t.Error("the server is vulnerable")
				}
				return e.Pass()
			},
		})
		must(t, err)
		if err := accepted(c); err != nil && !errors.Is(err, net.ErrClosed) {
			t.Error(err)
		}
	})
	t.Run("a flood of PINGs", func(t *testing.T) {
		const flood = 2000
		answers := 0
		c, err := dial(t, &transport.Lab{
			State: func(e transport.LabEvent) [][]byte {
				if e.State != transport.LabAuth {
					return nil
				}
				return repeat(wire.Ping{Data: []byte("x")}.Append(nil), flood)
			},
			Message: func(e transport.LabEvent) [][]byte {
				if e.Direction == transport.Incoming && e.Msg() == wire.MsgPong {
					answers++
				}
				return e.Pass()
			},
		})
		must(t, err)
		err = accepted(c)
		if _, knows := c.PeerExtension(wire.ExtensionPing); knows && (err != nil || answers != flood) {
			t.Errorf("%d answers to %d PINGs, %v", answers, flood, err)
		} else if !knows && !errors.Is(err, net.ErrClosed) { // before 9.5; why, a reset may take from us with the flood still to go
			t.Errorf("it does not know PING, and says %v", err)
		}
	})
}

func repeat(p []byte, n int) (list [][]byte) {
	for range n {
		list = append(list, p)
	}
	return list
}

// TestLabAgainstSSH attacks OpenSSH's client: what is to vanish are the
// server's extensions, of which it tells when it reads them.
func TestLabAgainstSSH(t *testing.T) {
	const extensions = "server-sig-algs"
	hidden := terrapin()
	hidden.Message = hideStrict
	for name, c := range map[string]struct {
		lab        *transport.Lab
		says       string
		extensions bool
	}{
		"no attack":            {nil, "SSH2_MSG_SERVICE_ACCEPT", true},
		"Terrapin, strict":     {terrapin(), "strict KEX violation", false},
		"Terrapin, not strict": {hidden, "SSH2_MSG_SERVICE_ACCEPT", false},
	} {
		t.Run(name, func(t *testing.T) {
			l, err := net.Listen("tcp", "127.0.0.1:0")
			must(t, err)
			defer l.Close()
			done := make(chan struct{})
			go func() {
				defer close(done)
				serveOne(l, chachaOnly(t, c.lab))
			}()
			target := peertest.NewTarget(t, l.Addr().String(), "alice")
			r := target.SSH(t, []string{"-v"}, "true").Run(t)
			<-done
			says := string(r.Stderr)
			if r.Code != 255 || !strings.Contains(says, c.says) || strings.Contains(says, extensions) != c.extensions {
				t.Errorf("exit status %d: %s", r.Code, says)
			}
		})
	}
}

// serveOne grants one client a service, and refuses it the login.
func serveOne(l net.Listener, cfg *transport.Config) {
	nc, err := l.Accept()
	if err != nil {
		return
	}
	s := transport.Server(nc, cfg)
	defer s.Close()
	if err = s.Handshake(context.Background()); err == nil {
		_, err = s.ReadPacket()
	}
	if err == nil {
		err = s.WriteControl(wire.ServiceAccept{Name: "ssh-userauth"}.Append(nil))
	}
	if err == nil {
		s.ReadPacket()
	}
}
