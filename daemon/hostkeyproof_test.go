package daemon

import (
	"bytes"
	"context"
	"testing"

	"github.com/hawser-ssh/hawser/connection/sshclient"
	"github.com/hawser-ssh/hawser/transport/sshkey"
	"github.com/hawser-ssh/hawser/userauth"
	"github.com/hawser-ssh/hawser/wire"
)

// learnFrom logs in to a server with these keys and returns what a client learns.
func learnFrom(t *testing.T, d *Daemon) (*sshclient.Client, []sshkey.PublicKey) {
	t.Helper()
	learnt := make(chan []sshkey.PublicKey, 1)
	c, err := sshclient.NewClient(t.Context(), serve(t, d).client, "memory:22", &sshclient.Config{
		User:          "alice",
		Auth:          []userauth.Method{userauth.Password(func(context.Context) (string, error) { return "secret", nil })},
		HostKey:       sshclient.InsecureIgnoreHostKey(),
		LearnHostKeys: func(_ context.Context, _ sshclient.Host, keys []sshkey.PublicKey) { learnt <- keys },
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c, <-learnt
}

// TestHostKeysAreAnnounced: a client learns all keys, those that the key exchange did not use with a proof.
func TestHostKeysAreAnnounced(t *testing.T) {
	rsaKey, err := sshkey.GenerateRSA(0)
	if err != nil {
		t.Fatal(err)
	}
	second, err := sshkey.NewSigner(rsaKey)
	if err != nil {
		t.Fatal(err)
	}
	first := newSigner(t)
	d := newDaemon(t)
	if err := d.SetHostKeys(first, second, first); err != nil {
		t.Fatal(err)
	}
	_, keys := learnFrom(t, d)
	if len(keys) != 2 || !sshkey.Equal(keys[0], first.PublicKey()) || !sshkey.Equal(keys[1], second.PublicKey()) {
		t.Errorf("%d keys learnt", len(keys))
	}
}

// TestHostKeyProofsAreRefused: no key of others is signed for, nor is there an endless supply of signatures.
func TestHostKeyProofsAreRefused(t *testing.T) {
	d, own := newDaemon(t), newSigner(t)
	if err := d.SetHostKeys(own); err != nil {
		t.Fatal(err)
	}
	c, _ := learnFrom(t, d)
	ask := func(payload []byte) bool {
		ok, _, err := c.GlobalRequest(t.Context(), wire.RequestHostKeysProve, true, payload)
		if err != nil {
			t.Fatal(err)
		}
		return ok
	}
	one := wire.AppendBytes(nil, own.PublicKey().Marshal())
	stranger := wire.AppendBytes(nil, newSigner(t).PublicKey().Marshal())
	for name, payload := range map[string][]byte{
		"stranger": stranger, "and a stranger": append(bytes.Clone(one), stranger...), "cut off": one[:len(one)-1],
		"too many": bytes.Repeat(one, wire.MaxHostKeys+1),
	} {
		if ask(payload) {
			t.Errorf("%s: proved", name)
		}
	}
	granted := 0
	for range 1000 {
		if ask(one) {
			granted++
		}
	}
	if granted == 0 || granted > 2*wire.MaxHostKeys {
		t.Errorf("%d signatures of 1000 asked for", granted)
	}
}
