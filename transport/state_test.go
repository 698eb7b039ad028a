package transport_test

import (
	"bytes"
	"context"
	"errors"
	"net"
	"regexp"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/hawser-ssh/hawser/kex"
	"github.com/hawser-ssh/hawser/transport"
	"github.com/hawser-ssh/hawser/transport/sshkey"
	"github.com/hawser-ssh/hawser/transport/transporttest"
	"github.com/hawser-ssh/hawser/wire"
)

// TestConnectionState: both ends of a connection know the same of it, from the first byte to the end.
func TestConnectionState(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client := only(t, "curve25519-sha256", "aes128-ctr", "hmac-sha2-256")
		client.Compression = []string{"zlib@openssh.com"}
		client.Version = "SSH-2.0-here"
		c, s := connect(t, client, transport.Config{Compression: []string{"none", "zlib@openssh.com"}})
		var readers sync.WaitGroup
		for _, conn := range []*transport.Conn{c, s} {
			readers.Go(func() {
				for {
					if _, err := conn.ReadPacket(); err != nil {
						return
					}
				}
			})
		}
		for range 100 {
			if err := c.WritePacket(nil, wire.ChannelData{Data: make([]byte, 5000)}.Append(nil), nil); err != nil {
				t.Fatal(err)
			}
		}
		for range 2 {
			if err := s.Rekey(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		synctest.Wait()
		a, b := c.ConnectionState(), s.ConnectionState()
		sameState(t, a, b)
		if a.Role != wire.Client || b.Role != wire.Server || a.LocalVersion != "SSH-2.0-here" || b.Rekeys != 2 || !a.Strict {
			t.Errorf("%+v\n%+v", a, b)
		}
		d := kex.Direction{Cipher: "aes128-ctr", MAC: "hmac-sha2-256", Compression: "zlib@openssh.com"}
		if want := (kex.Algorithms{Kex: "curve25519-sha256", HostKey: "ssh-ed25519", ClientToServer: d, ServerToClient: d}); a.Algorithms != want {
			t.Errorf("%+v", a.Algorithms)
		}
		// 100 messages that compress well, a login of one, 3 exchanges of 3 packets.
		if n := a.Sent.Packets; n < 110 || n > 115 || a.Sent.Bytes < 3000 || a.Sent.Bytes > 100*5000/4 {
			t.Errorf("sent %+v", a.Sent)
		}
		a.SessionID[0]++ // ours to change
		if !bytes.Equal(b.SessionID, c.SessionID()) {
			t.Error("the session identifier is not a copy")
		}
		if a.Err != nil || b.Err != nil {
			t.Errorf("%v, %v", a.Err, b.Err)
		}
		s.Disconnect(wire.ReasonTooManyConnections, "full")
		readers.Wait()
		var byPeer, byUs *transport.DisconnectError
		if a, b = c.ConnectionState(), s.ConnectionState(); !errors.As(a.Err, &byPeer) || !byPeer.Remote || byPeer.Text != "full" ||
			!errors.As(b.Err, &byUs) || byUs.Remote || !errors.Is(a.Err, net.ErrClosed) {
			t.Errorf("ended with %v and %v", a.Err, b.Err)
		}
		if a.Received != b.Sent {
			t.Errorf("the last packet: %+v sent, %+v received", b.Sent, a.Received)
		}
	})
}

// sameState compares what the client says of a connection with what the server says.
func sameState(t *testing.T, client, server transport.ConnectionState) {
	t.Helper()
	if client.LocalVersion != server.RemoteVersion || server.LocalVersion != client.RemoteVersion ||
		client.ClientHASSH != server.ClientHASSH || client.ServerHASSH != server.ServerHASSH ||
		!bytes.Equal(client.SessionID, server.SessionID) || !sshkey.Equal(client.HostKey, server.HostKey) ||
		client.Strict != server.Strict || client.Algorithms != server.Algorithms || client.Rekeys != server.Rekeys {
		t.Errorf("client: %+v\nserver: %+v", client, server)
	}
	if client.Sent != server.Received || server.Sent != client.Received {
		t.Errorf("to the server: %+v, %+v; to the client: %+v, %+v", client.Sent, server.Received, server.Sent, client.Received)
	}
	hassh := regexp.MustCompile("^[0-9a-f]{32}$")
	if !hassh.MatchString(client.ClientHASSH) || !hassh.MatchString(client.ServerHASSH) {
		t.Errorf("HASSH %q and %q", client.ClientHASSH, client.ServerHASSH)
	}
}

// TestConnectionStateEarly: before and during a handshake there is nothing to race for, and a failed negotiation leaves
// behind what tells the peer's software.
func TestConnectionStateEarly(t *testing.T) {
	a, b := transporttest.Pipe()
	cfg := only(t, "", "aes256-gcm@openssh.com", "")
	cfg.HostKeys = []sshkey.Signer{hostKey(t)}
	s := transport.Server(b, &cfg)
	if st := s.ConnectionState(); st.RemoteVersion != "" || st.ClientHASSH != "" || st.SessionID != nil || st.Rekeys != 0 || st.Sent != (transport.Traffic{}) {
		t.Errorf("before the handshake: %+v", st)
	}
	ctx, stop := context.WithCancel(t.Context())
	var watcher sync.WaitGroup
	watcher.Go(func() {
		for ctx.Err() == nil {
			s.ConnectionState()
		}
	})
	p := transporttest.NewPeer(a, wire.Client)
	p.Offer("aes128-ctr", "hmac-sha2-256")
	shaken := make(chan error, 1)
	go func() { shaken <- s.Handshake(t.Context()) }()
	if err := errors.Join(p.Versions(), p.SendKexInit()); err != nil {
		t.Fatal(err)
	}
	a.(interface{ CloseWrite() error }).CloseWrite()
	err := <-shaken
	stop()
	watcher.Wait()
	if _, ok := errors.AsType[*kex.NegotiationError](err); !ok {
		t.Errorf("Handshake: %v", err)
	}
	st := s.ConnectionState()
	if st.RemoteVersion != "SSH-2.0-test" || len(st.ClientHASSH) != 32 || st.SessionID != nil || st.Err == nil || st.Received.Packets != 1 {
		t.Errorf("after it: %+v", st)
	}
	s.Close()
}
