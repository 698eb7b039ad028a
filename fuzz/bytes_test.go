package fuzz

import (
	"context"
	"errors"
	"io"
	"net"
	"testing"
	"testing/synctest"

	"github.com/hawser-ssh/hawser/transport"
	"github.com/hawser-ssh/hawser/transport/sshkey"
	"github.com/hawser-ssh/hawser/transport/transporttest"
	"github.com/hawser-ssh/hawser/wire"
)

// handshakeReply bounds what a side sends to somebody who proves nothing: its identification, KEXINIT, kex message and
// NEWKEYS, a DISCONNECT, and a short answer to each message.
const handshakeReply = 16 << 10

// attackBytes sends bytes to a connection in clear, in pieces of up to piece bytes, and then no more. The handshake
// must fail with a typed error, and end: at the latest where the first protected packet is due.
func attackBytes(t *testing.T, role wire.Role, piece uint8, input []byte) {
	t.Helper()
	near, far := transporttest.Pipe()
	cfg := &transport.Config{HostKeys: []sshkey.Signer{hostKey}, VerifyHostKey: trustAny}
	conn := transport.Server(far, cfg)
	if role == wire.Client {
		conn = transport.Client(far, cfg)
	}
	result := make(chan error, 1)
	go func() {
		err := conn.Handshake(context.Background())
		if err == nil && role == wire.Server {
			// A public value and NEWKEYS need no secret. What comes behind them does.
			_, err = conn.ReadPacket()
		}
		conn.Close()
		result <- err
	}()
	step := int(piece)
	if step == 0 {
		step = len(input)
	}
	for rest := input[:min(len(input), maxScript)]; len(rest) > 0; {
		n := min(max(step, 1), len(rest))
		if _, err := near.Write(rest[:n]); err != nil {
			break
		}
		rest = rest[n:]
		if step < 16 && len(input) < 4096 {
			synctest.Wait() // it has to do with what it has
		}
	}
	near.(interface{ CloseWrite() error }).CloseWrite()
	sent, err := io.Copy(io.Discard, near)
	near.Close()
	fault := <-result
	if limit := int64(handshakeReply + 4*len(input)); err != nil || sent > limit {
		t.Fatalf("%d bytes came back for %d, %v", sent, len(input), err)
	}
	var typed *wire.ProtocolError
	var left *transport.DisconnectError
	if !errors.As(fault, &typed) && !errors.As(fault, &left) || !errors.Is(fault, net.ErrClosed) {
		t.Fatalf("the handshake ended with %v", fault)
	}
}

// byteSeeds are beginnings of a connection, right and wrong.
func byteSeeds(role wire.Role) [][]byte {
	frame := func(p *transporttest.Peer, payload []byte) []byte { return p.Seal(p.Frame(payload)) }
	p := attacker(nil, role, 0)
	version := []byte("SSH-2.0-fuzz\r\n")
	init := append(append([]byte{}, version...), frame(p, p.Init.Append(nil))...)
	public := wire.KexECDHInit{Public: append([]byte{9}, make([]byte, 31)...)}.Append(nil)
	if role == wire.Server {
		public = wire.KexECDHReply{HostKey: hostKey.PublicKey().Marshal(), Public: public[5:], Signature: []byte("x")}.Append(nil)
	}
	kex := append(append([]byte{}, init...), frame(p, public)...)
	p.Init.FirstKexPacketFollows = true
	p.Init.Kex = wire.NewNameList("ecdh-sha2-nistp256", "curve25519-sha256")
	guess := append(append([]byte{}, version...), frame(p, p.Init.Append(nil))...)
	guess = append(append(guess, frame(p, public)...), frame(p, public)...)
	seeds := [][]byte{
		nil, version, init, kex, guess,
		[]byte("SSH-1.99-old\nrest"), []byte("SSH-1.5-x\r\n"), []byte("hello\r\nSSH-2.0-x\r\n"), []byte("GET / HTTP/1.1\r\n\r\n"),
		append(append([]byte{}, version...), 0, 0, 0, 0), append(append([]byte{}, version...), 0xff, 0xff, 0xff, 0xff),
		append(append([]byte{}, kex...), frame(p, wire.NewKeys{}.Append(nil))...),
	}
	for _, m := range [][]byte{wire.Ignore{}.Append(nil), wire.Disconnect{}.Append(nil), wire.ServiceRequest{}.Append(nil), {0}} {
		seeds = append(seeds, append(append([]byte{}, version...), frame(p, m)...), append(append([]byte{}, init...), frame(p, m)...))
	}
	return seeds
}

func fuzzBytes(f *testing.F, role wire.Role) {
	for _, seed := range byteSeeds(role.Peer()) {
		f.Add(uint8(0), seed)
		f.Add(uint8(1), seed)
	}
	f.Fuzz(func(t *testing.T, piece uint8, input []byte) {
		synctest.Test(t, func(t *testing.T) { attackBytes(t, role, piece, input) })
	})
}

// FuzzServerBytes sends arbitrary bytes to a server that expects a handshake (FUZ-01).
func FuzzServerBytes(f *testing.F) { fuzzBytes(f, wire.Server) }

// FuzzClientBytes sends arbitrary bytes to a client that expects a handshake (FUZ-01).
func FuzzClientBytes(f *testing.F) { fuzzBytes(f, wire.Client) }
