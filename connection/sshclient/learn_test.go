package sshclient_test

import (
	"bytes"
	"context"
	"errors"
	"testing"

	"github.com/hawser-ssh/hawser/connection"
	"github.com/hawser-ssh/hawser/connection/peertest"
	"github.com/hawser-ssh/hawser/connection/sshclient"
	"github.com/hawser-ssh/hawser/transport/sshkey"
	"github.com/hawser-ssh/hawser/transport/transporttest"
	"github.com/hawser-ssh/hawser/userauth"
	"github.com/hawser-ssh/hawser/wire"
)

// learned makes the client hand over what it learns.
func learned() (chan []sshkey.PublicKey, func(*sshclient.Config)) {
	keys := make(chan []sshkey.PublicKey, 1)
	return keys, func(cfg *sshclient.Config) {
		cfg.LearnHostKeys = func(_ context.Context, _ sshclient.Host, k []sshkey.PublicKey) { keys <- k }
	}
}

// TestLearnHostKeys: what OpenSSH's server announces is learnt, with a proof for each, whichever key came first.
func TestLearnHostKeys(t *testing.T) {
	t.Parallel()
	key := peertest.NewKey(t, peertest.Ed25519)
	server := peertest.StartSSHD(t, peertest.SSHDOptions{HostKeys: keyKinds, AuthorizedKeys: []peertest.Key{key}})
	for _, name := range []string{"ssh-ed25519", "rsa-sha2-256", "ecdsa-sha2-nistp384"} {
		keys, learn := learned()
		p := newPeer(t, server, userauth.PublicKeys(signerOf(t, key)))
		client := p.dial(t, learn, func(cfg *sshclient.Config) {
			cfg.HostKey = first{name, cfg.HostKey}
		})
		var got []sshkey.PublicKey
		select {
		case got = <-keys:
		case <-testContext(t).Done():
			t.Fatal("nothing learnt")
		}
		if client.Algorithms().HostKey != name {
			t.Errorf("%s: agreed on %s", name, client.Algorithms().HostKey)
		}
		if len(got) != len(server.HostKeys) {
			t.Errorf("%s: %d keys", name, len(got))
		}
		for i, k := range server.HostKeys {
			if !sshkey.Equal(got[i], publicOf(t, k)) {
				t.Errorf("%s: %s is not the key learnt", name, k.Type)
			}
		}
	}
}

// first is a policy that prefers one algorithm.
type first struct {
	name string
	sshclient.HostKeyPolicy
}

func (f first) Algorithms(sshclient.Host) ([]string, error) { return []string{f.name}, nil }

// announce makes a server of the house send this payload to a client that learns, and answer with proofs that proofs
// makes; nil expects that the client asks for none. It returns what the client has learnt, nil for nothing.
func announce(t *testing.T, payload []byte, proofs func(g *connection.GlobalRequest) (bool, []byte)) []sshkey.PublicKey {
	t.Helper()
	h := newHouse(t, newSigner(t), ecdsaSigner(t))
	asked := make(chan struct{}, 8)
	h.global = func(g *connection.GlobalRequest) bool {
		if g.Name != wire.RequestHostKeysProve {
			return false
		}
		if proofs != nil {
			g.Reply(proofs(g))
		}
		asked <- struct{}{}
		return true
	}
	keys, learn := learned()
	client := h.client(learn)
	mux := h.first()
	ctx := testContext(t)
	for range 3 { // the second and the third are in vain
		if _, _, err := mux.GlobalRequest(ctx, wire.RequestHostKeys, false, payload); err != nil {
			t.Fatal(err)
		}
	}
	if _, _, err := mux.GlobalRequest(ctx, wire.RequestHostKeys, true, payload); err != nil {
		t.Fatal(err)
	}
	if proofs != nil {
		<-asked
	}
	if err := client.Keepalive(ctx); err != nil { // the answer is behind that to the request for proofs
		t.Fatal(err)
	}
	client.Close()
	if len(asked) > 0 {
		t.Error("asked for proofs again, or in vain")
	}
	select {
	case got := <-keys:
		return got
	default:
		return nil
	}
}

func refuseProof(*connection.GlobalRequest) (bool, []byte) { return false, nil }

// TestTRU08HostKeys: nothing is learnt without a valid proof of everything, and the work is bounded.
func TestTRU08HostKeys(t *testing.T) {
	a, b := newSigner(t), ecdsaSigner(t)
	both := wire.AppendBytes(wire.AppendBytes(nil, a.PublicKey().Marshal()), b.PublicKey().Marshal())
	sign := func(session []byte, signers ...sshkey.Signer) []byte {
		var reply []byte
		for i, s := range signers {
			key := []sshkey.Signer{a, b}[i%2]
			data := wire.AppendBytes(wire.AppendString(nil, wire.RequestHostKeysProve), session)
			signature, err := s.Sign(nil, s.Algorithms()[0], wire.AppendBytes(data, key.PublicKey().Marshal()))
			if err != nil {
				t.Fatal(err)
			}
			reply = wire.AppendBytes(reply, signature)
		}
		return reply
	}
	other := bytes.Repeat([]byte("s"), 32)
	for name, reply := range map[string][]byte{
		"other session": sign(other, a, b), "one signature": sign(other, a), "three": sign(other, a, b, a), "none": nil,
		"other key": sign(other, b, a), "garbage": []byte("\x00\x00\x00\x01x"), "cut off": {0, 0},
	} {
		t.Run(name, func(t *testing.T) {
			if got := announce(t, both, func(*connection.GlobalRequest) (bool, []byte) { return true, reply }); got != nil {
				t.Errorf("%d keys learnt", len(got))
			}
		})
	}
	t.Run("refused", func(t *testing.T) {
		if got := announce(t, both, refuseProof); got != nil {
			t.Errorf("%d keys learnt", len(got))
		}
	})
	for name, payload := range map[string][]byte{
		"10000 keys":    bytes.Repeat(wire.AppendString(nil, "not a key"), 10000),
		"65 keys":       bytes.Repeat(wire.AppendBytes(nil, a.PublicKey().Marshal()), wire.MaxHostKeys+1),
		"unknown types": wire.AppendBytes(nil, wire.AppendString(nil, "ssh-unheard-of")),
		"no key":        wire.AppendBytes(nil, []byte("garbage")),
		"cut off":       both[:len(both)-1],
		"empty":         nil,
	} {
		t.Run(name, func(t *testing.T) {
			if got := announce(t, payload, nil); got != nil {
				t.Errorf("%d keys learnt", len(got))
			}
		})
	}
}

// TestTRU08Duplicates: a key that is announced often is asked about once.
func TestTRU08Duplicates(t *testing.T) {
	a := newSigner(t)
	payload := bytes.Repeat(wire.AppendBytes(nil, a.PublicKey().Marshal()), wire.MaxHostKeys)
	announce(t, payload, func(g *connection.GlobalRequest) (bool, []byte) {
		if want := wire.AppendBytes(nil, a.PublicKey().Marshal()); !bytes.Equal(g.Payload, want) {
			t.Errorf("asked with %d bytes, want %d", len(g.Payload), len(want))
		}
		return false, nil
	})
}

// TestTRU08BeforeAuthentication: host keys before the login end the connection.
func TestTRU08BeforeAuthentication(t *testing.T) {
	nc := script(t, func(p *transporttest.Peer) error {
		if err := p.Handshake(); err != nil {
			return err
		}
		if err := p.Send(wire.GlobalRequest{Name: wire.RequestHostKeys}.Append(nil)); err != nil {
			return err
		}
		if reason := p.ReadDisconnect(); reason != wire.ReasonProtocolError {
			return errors.New("reason " + reason.String())
		}
		return nil
	})
	cfg := trustAll()
	_, learn := learned()
	learn(cfg)
	cfg.Auth = []userauth.Method{password("secret")}
	_, err := sshclient.NewClient(testContext(t), nc, "host:22", cfg)
	var fault *wire.ProtocolError
	if !errors.As(err, &fault) || fault.Reason != wire.ReasonProtocolError {
		t.Fatalf("%v", err)
	}
}
