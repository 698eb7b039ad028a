package transport_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/hawser-ssh/hawser/cipher"
	"github.com/hawser-ssh/hawser/kex"
	"github.com/hawser-ssh/hawser/transport"
	"github.com/hawser-ssh/hawser/transport/sshkey"
	"github.com/hawser-ssh/hawser/transport/transporttest"
	"github.com/hawser-ssh/hawser/wire"
)

// meet runs both handshakes over memory and returns the two ends, to be closed,
// and how the client's handshake went. Against another implementation one of
// the ends is the other's, and nc a TCP connection.
func meet(client, server transport.Config) (c, s *transport.Conn, err error) {
	key, _ := sshkey.GenerateEd25519()
	signer, _ := sshkey.NewSigner(key)
	client.VerifyHostKey = func(context.Context, sshkey.PublicKey) error { return nil }
	server.HostKeys = []sshkey.Signer{signer}
	a, b := transporttest.Pipe()
	c, s = transport.Client(a, &client), transport.Server(b, &server)
	done := make(chan struct{})
	go func() { defer close(done); s.Handshake(context.Background()) }()
	err = c.Handshake(context.Background())
	<-done
	return c, s, err
}

// closeBoth closes two ends at once: neither has to wait for the other's.
func closeBoth(c, s *transport.Conn) {
	var both sync.WaitGroup
	both.Go(func() { c.Close() })
	both.Go(func() { s.Close() })
	both.Wait()
}

// terrapin returns a Lab that makes the first sealed packet of its end vanish:
// an IGNORE that nobody sealed moves the sequence number of the victim on, and
// the packet that is dropped behind NEWKEYS moves that of the sender to the
// same.
func terrapin() *transport.Lab {
	ignore := []byte{0, 0, 0, 12, 6, byte(wire.MsgIgnore), 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}
	drop := false
	return &transport.Lab{Sealed: func(e transport.LabEvent) [][]byte {
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
	}}
}

// Terrapin (CVE-2023-48795) makes a prefix of a connection vanish without a
// trace; here a server's EXT_INFO is to go. Strict key exchange is what a
// client must have to notice. The second server hides that it knows it.
func ExampleLab_terrapin() {
	chacha, _ := cipher.Lookup("chacha20-poly1305@openssh.com")
	for _, strict := range []bool{true, false} {
		lab := terrapin()
		if !strict {
			lab.Message = hideStrict
		}
		c, s, err := meet(transport.Config{Ciphers: chacha}, transport.Config{Ciphers: chacha, Lab: lab})
		fmt.Printf("strict %v: %v\n", strict, err)
		closeBoth(c, s)
	}
	// Output:
	// strict true: ssh: IGNORE: message is not allowed now
	// strict false: <nil>
}

// hideStrict takes the signal for strict key exchange out of our KEXINIT, and
// with it strict key exchange out of the connection.
func hideStrict(e transport.LabEvent) [][]byte {
	if e.Direction == transport.Outgoing && e.Msg() == wire.MsgKexInit {
		all, _ := wire.FieldString(e.Bytes, "KexAlgorithms")
		all = strings.NewReplacer(","+kex.StrictClient, "", ","+kex.StrictServer, "").Replace(all)
		e.Bytes, _ = wire.SetField(e.Bytes, "KexAlgorithms", all)
	}
	return e.Pass()
}

// CVE-2025-32433: a server that takes messages of the connection protocol
// before authentication runs commands for everybody. This client says them as
// soon as it has keys. A server that is right disconnects; one that is not
// confirms the channel, of which the Message hook is told before the client
// itself refuses that.
func ExampleLab_channelBeforeAuthentication() {
	lab := &transport.Lab{
		State: func(e transport.LabEvent) [][]byte {
			if e.State != transport.LabAuth {
				return nil
			}
			return [][]byte{
				wire.ChannelOpen{Type: "session", Window: 1 << 20, MaxPacket: 1 << 15}.Append(nil),
				wire.ChannelRequest{Type: "exec", Payload: wire.Exec{Command: "id"}.Append(nil)}.Append(nil),
			}
		},
		Message: func(e transport.LabEvent) [][]byte {
			if e.Direction == transport.Incoming && e.Msg() == wire.MsgChannelOpenConfirmation {
				fmt.Println("the server is vulnerable")
			}
			return e.Pass()
		},
	}
	c, s, _ := meet(transport.Config{Lab: lab}, transport.Config{})
	_, err := s.ReadPacket()
	fmt.Println("server:", err)
	_, err = c.ReadPacket()
	fmt.Println("client:", err)
	// Output:
	// server: ssh: CHANNEL_OPEN: message is not allowed now
	// client: ssh: peer disconnected: protocol error: protocol error
}

// A flood of PINGs (OpenSSH PROTOCOL §1.10) whose answers nobody reads: what a
// server queues for this client is to have an end (Config.ControlMessages).
func ExampleLab_pingFlood() {
	lab := &transport.Lab{State: func(e transport.LabEvent) [][]byte {
		if e.State != transport.LabOpen {
			return nil
		}
		return slices.Repeat([][]byte{wire.Ping{Data: make([]byte, 64)}.Append(nil)}, 50_000)
	}}
	c, s, _ := meet(transport.Config{Lab: lab}, transport.Config{})
	s.SetAuthenticated()
	c.SetAuthenticated()
	_, err := s.ReadPacket()
	fmt.Println("server:", err)
	c.Close()
	// Output:
	// server: ssh: replies: peer does not read the replies it asked for
}
