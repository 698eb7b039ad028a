package fuzz

import (
	"context"
	"crypto/ed25519"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"testing"
	"testing/synctest"

	"github.com/hawser-ssh/hawser/kex"
	"github.com/hawser-ssh/hawser/transport"
	"github.com/hawser-ssh/hawser/transport/sshkey"
	"github.com/hawser-ssh/hawser/transport/transporttest"
	"github.com/hawser-ssh/hawser/wire"
)

const (
	maxPayloads = 64       // of one run
	maxScript   = 64 << 10 // bytes of one run's input
)

// hostKey and userKey are the keys of every run: a run must not spend its time on making keys.
var (
	hostKey = newSigner(1)
	userKey = newSigner(2)
)

func newSigner(seed byte) sshkey.Signer {
	signer, err := sshkey.NewSigner(ed25519.NewKeyFromSeed(append(make([]byte, ed25519.SeedSize-1), seed)))
	if err != nil {
		panic(err)
	}
	return signer
}

func trustAny(context.Context, sshkey.PublicKey) error { return nil }

// protection are ciphers and MACs, one of each construction.
var protection = [...]struct{ cipher, mac string }{
	{"aes128-gcm@openssh.com", ""},
	{"chacha20-poly1305@openssh.com", ""},
	{"aes128-ctr", "hmac-sha2-256-etm@openssh.com"},
	{"aes128-ctr", "hmac-sha2-256"},
}

// attacker makes a peer that plays role with the protection chosen.
func attacker(nc net.Conn, role wire.Role, choice uint8) *transporttest.Peer {
	p := transporttest.NewPeer(nc, role)
	row := protection[int(choice)%len(protection)]
	p.Offer(row.cipher, row.mac)
	markers := []string{kex.ExtInfoClient, kex.StrictClient}
	if role == wire.Server {
		markers = []string{kex.ExtInfoServer, kex.StrictServer}
	}
	p.Init.Kex = wire.NewNameList("curve25519-sha256", markers[0], markers[1])
	p.HostKey = hostKey
	return p
}

// outcome is what one run showed.
type outcome struct {
	received [][]byte // payloads that the attacked side sent after the handshake, as far as they could be read
	readErr  error    // how reading them ended
	bytes    int      // payload bytes sent to the attacked side
	connErr  error    // how the attacked side's transport ended
}

// pipelined is the bit of choice that has all payloads sent without waiting for what the attacked side makes of them.
const pipelined = 0x80

// attack runs stack on the attacked end of a connection, whose other end goes through the handshake and then sends
// payloads, each well protected, and then no more. It returns when both ends are finished. The caller is in a bubble of
// testing/synctest.
func attack(t *testing.T, role wire.Role, choice uint8, payloads [][]byte, stack func(c *transport.Conn)) outcome {
	t.Helper()
	near, far := transporttest.Pipe()
	cfg := &transport.Config{HostKeys: []sshkey.Signer{hostKey}, VerifyHostKey: trustAny}
	conn := transport.Server(far, cfg)
	if role == wire.Client {
		conn = transport.Client(far, cfg)
	}
	finished := make(chan struct{})
	go func() {
		defer close(finished)
		stack(conn)
		conn.Close()
	}()
	p := attacker(near, role.Peer(), choice)
	if err := p.Handshake(); err != nil {
		t.Fatalf("the handshake of the attacker: %v", err)
	}
	var o outcome
	for _, payload := range payloads {
		if p.Send(payload) != nil {
			break
		}
		o.bytes += len(payload)
		if choice&pipelined == 0 {
			synctest.Wait()
		}
	}
	near.(interface{ CloseWrite() error }).CloseWrite()
	for o.readErr == nil {
		var payload []byte
		if payload, o.readErr = p.Read(); o.readErr == nil {
			o.received = append(o.received, payload)
		}
	}
	near.Close()
	<-finished
	o.connErr = conn.Err()
	return o
}

// check holds after every run: the connection is gone and says so, the reason that was sent is the reason that is
// returned, and what was sent back is in proportion to what was received.
func (o outcome) check(t *testing.T) {
	t.Helper()
	if o.connErr == nil || !errors.Is(o.connErr, net.ErrClosed) {
		t.Fatalf("the connection ended with %v", o.connErr)
	}
	sent := 0
	for _, p := range o.received {
		sent += len(p)
	}
	if limit := 64<<10 + 8*o.bytes; sent > limit {
		t.Fatalf("%d bytes in reply to %d", sent, o.bytes)
	}
	if !errors.Is(o.readErr, io.EOF) || rekeyed(o.received) {
		return // it went on under keys that the attacker does not have
	}
	var last wire.Disconnect
	told := len(o.received) > 0 && last.Parse(o.received[len(o.received)-1]) == nil
	var fault *wire.ProtocolError
	switch {
	case !errors.As(o.connErr, &fault):
	case fault.Reason == wire.ReasonConnectionLost:
		if told {
			t.Fatalf("%v, and yet reason %v was sent", o.connErr, last.Reason)
		}
	case !told || last.Reason != fault.Reason:
		t.Fatalf("%v (reason %d), but %d was sent", o.connErr, fault.Reason, last.Reason)
	}
}

// rekeyed reports whether the attacked side changed its keys again.
func rekeyed(received [][]byte) bool {
	for _, p := range received {
		if len(p) > 0 && wire.Msg(p[0]) == wire.MsgNewKeys {
			return true
		}
	}
	return false
}

// split cuts a script into payloads, each behind its length in two bytes.
func split(script []byte) [][]byte {
	var payloads [][]byte
	script = script[:min(len(script), maxScript)]
	for len(script) >= 2 && len(payloads) < maxPayloads {
		n := min(int(binary.BigEndian.Uint16(script)), len(script)-2)
		payloads = append(payloads, script[2:2+n])
		script = script[2+n:]
	}
	return payloads
}

// join is the inverse of split.
func join(payloads ...[]byte) []byte {
	var script []byte
	for _, p := range payloads {
		script = append(binary.BigEndian.AppendUint16(script, uint16(len(p))), p...)
	}
	return script
}
