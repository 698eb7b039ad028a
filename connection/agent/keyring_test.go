package agent

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hawser-ssh/hawser/transport/sshkey"
)

// TestKeysOverTheWire adds, lists, uses and removes a key of each type, with
// and without a certificate.
func TestKeysOverTheWire(t *testing.T) {
	authority := newSigner()
	for name, private := range testKeys() {
		t.Run(name, func(t *testing.T) {
			ctx := t.Context()
			c := connect(t, new(Keyring))
			public := must(sshkey.NewPublicKey(private.Public()))
			cert := certify(authority, public, sshkey.UserCertificate, "user")
			for i, key := range []NewKey{{Private: private}, {Private: private, Certificate: cert}, {Private: private}} {
				key.Comment = fmt.Sprintf("key %d", i)
				if err := c.Add(ctx, key); err != nil {
					t.Fatal(err)
				}
			}
			list := must(c.List(ctx))
			if len(list) != 2 || list[0].Comment != "key 1" || list[1].Comment != "key 2" ||
				!sshkey.Equal(list[0].Key, cert) || !sshkey.Equal(list[1].Key, public) {
				t.Fatalf("%v", list)
			}
			for _, s := range must(c.Signers(ctx)) {
				data := []byte("some data")
				for _, algorithm := range s.Algorithms() {
					signature, err := s.Sign(nil, algorithm, data)
					if err != nil || s.PublicKey().Verify(algorithm, data, signature) != nil {
						t.Errorf("%s: %v", algorithm, err)
					}
				}
				if _, err := s.Sign(nil, "ssh-dss", data); !errors.Is(err, sshkey.ErrAlgorithm) {
					t.Errorf("algorithm of another key: %v", err)
				}
			}
			if err := c.Remove(ctx, public); err != nil {
				t.Error(err)
			}
			if err := c.Remove(ctx, public); err != ErrRefused {
				t.Errorf("removed twice: %v", err)
			}
			if err := c.RemoveAll(ctx); err != nil || len(must(c.List(ctx))) != 0 {
				t.Errorf("all removed: %v", err)
			}
		})
	}
}

func TestExtensionsAreListed(t *testing.T) {
	c := connect(t, new(Keyring))
	if list, err := c.Extensions(t.Context()); err != nil || !slices.Equal(list, []string{extensionSessionBind}) {
		t.Errorf("%q, %v", list, err)
	}
}

func TestLifetime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := new(Keyring)
		c := connect(t, k)
		private := testKeys()["ed25519"]
		if err := c.Add(t.Context(), NewKey{Private: private, Constraints: Constraints{Lifetime: 10 * second}}); err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(k.Add(Key{Signer: newSigner()}),
			k.Add(Key{Signer: newSigner(), Constraints: Constraints{Lifetime: 20 * second}})); err != nil {
			t.Fatal(err)
		}
		for _, want := range []int{3, 2, 1} {
			if n := len(must(c.List(t.Context()))); n != want {
				t.Errorf("%d keys, want %d", n, want)
			}
			time.Sleep(10 * second)
			synctest.Wait()
			k.mu.Lock()
			if n := len(k.keys); n != max(want-1, 1) {
				t.Errorf("%d keys are there when nobody asks, after %d", n, want)
			}
			k.mu.Unlock()
		}
	})
}

func TestLockedKeyring(t *testing.T) {
	ctx := t.Context()
	k := new(Keyring)
	c, private := connect(t, k), testKeys()["ed25519"]
	key := must(sshkey.NewPublicKey(private.Public()))
	if err := c.Unlock(ctx, nil); err != ErrRefused {
		t.Errorf("unlock of what is open: %v", err)
	}
	if err := errors.Join(c.Add(ctx, NewKey{Private: private}), c.Lock(ctx, []byte("secret"))); err != nil {
		t.Fatal(err)
	}
	if list, err := c.List(ctx); err != nil || len(list) != 0 {
		t.Errorf("locked, and lists %v (%v)", list, err)
	}
	_, err := c.Sign(ctx, key, "ssh-ed25519", nil)
	for what, err := range map[string]error{
		"sign": err, "add": c.Add(ctx, NewKey{Private: private}), "remove": c.Remove(ctx, key), "remove all": c.RemoveAll(ctx),
		"lock": c.Lock(ctx, []byte("other")), "unlock": c.Unlock(ctx, []byte("Secret")), "long": c.Unlock(ctx, make([]byte, MaxPassphrase+1)),
	} {
		if err != ErrRefused {
			t.Errorf("locked: %s: %v", what, err)
		}
	}
	if k.Keys() != nil || k.Add(Key{Signer: newSigner()}) != ErrLocked || k.Remove(key) != ErrLocked || k.RemoveAll() != ErrLocked {
		t.Error("locked, and its owner can use it")
	}
	newHost("h").bind(t, c, "s", false)
	if err := c.Unlock(ctx, []byte("secret")); err != nil || len(must(c.List(ctx))) != 1 {
		t.Errorf("unlock: %v", err)
	}
	if err := c.Lock(ctx, make([]byte, MaxPassphrase+1)); err != ErrRefused {
		t.Errorf("lock with a passphrase that is too long: %v", err)
	}
}

func TestConfirmation(t *testing.T) {
	ctx := t.Context()
	var asked []Use
	answer := func() bool { return true }
	k := &Keyring{Confirm: func(_ context.Context, use Use) bool {
		asked = append(asked, use)
		return answer()
	}}
	c, private := connect(t, k), testKeys()["ed25519"]
	key := must(sshkey.NewPublicKey(private.Public()))
	if err := c.Add(ctx, NewKey{Private: private, Comment: "mine", Constraints: Constraints{Confirm: true}}); err != nil {
		t.Fatal(err)
	}
	for name, a := range map[string]func() bool{
		"yes": func() bool { return true }, "no": func() bool { return false }, "panic": func() bool { panic("x") },
	} {
		asked, answer = nil, a
		_, err := c.Sign(ctx, key, "ssh-ed25519", nil)
		if (err == nil) != (name == "yes") || len(asked) != 1 || asked[0].Comment != "mine" || !sshkey.Equal(asked[0].Key, key) {
			t.Errorf("%s: %v, asked %v", name, err, asked)
		}
	}
}

// TestSHA1OnRequest: an RSA key signs with SHA-1 only for a keyring that was
// told so.
func TestSHA1OnRequest(t *testing.T) {
	private := testKeys()["rsa"]
	key := must(sshkey.NewPublicKey(private.Public()))
	for _, allow := range []bool{false, true} {
		c := connect(t, &Keyring{AllowSHA1: allow})
		if err := c.Add(t.Context(), NewKey{Private: private}); err != nil {
			t.Fatal(err)
		}
		if _, err := c.Sign(t.Context(), key, "ssh-rsa", nil); (err == nil) != allow {
			t.Errorf("allowed %v: %v", allow, err)
		}
		if _, err := c.Sign(t.Context(), key, "rsa-sha2-256", nil); err != nil {
			t.Error(err)
		}
	}
}

// TestElsewhereKeys: a keyring takes any signer, and one that signs with less
// than it should is not asked for more.
func TestElsewhereKeys(t *testing.T) {
	s := must(sshkey.WithAlgorithms(must(sshkey.NewSigner(testKeys()["rsa"])), "rsa-sha2-256"))
	k := new(Keyring)
	if err := k.Add(Key{Signer: s, Comment: "token"}); err != nil {
		t.Fatal(err)
	}
	if list := k.Keys(); len(list) != 1 || list[0].Comment != "token" {
		t.Errorf("%v", list)
	}
	c := connect(t, k)
	if _, err := c.Sign(t.Context(), s.PublicKey(), "rsa-sha2-256", nil); err != nil {
		t.Error(err)
	}
	if _, err := c.Sign(t.Context(), s.PublicKey(), "rsa-sha2-512", nil); err != ErrRefused {
		t.Errorf("more than it can: %v", err)
	}
}

func TestKeyringIsFull(t *testing.T) {
	var k Keyring
	public := newSigner().PublicKey()
	key := func(i int) Key { return Key{Signer: numbered{numberedKey{public, i}}, Comment: "x"} }
	for i := range MaxKeys {
		if err := k.Add(key(i)); err != nil {
			t.Fatalf("key %d: %v", i, err)
		}
	}
	if err := k.Add(key(MaxKeys)); err != ErrFull {
		t.Errorf("one more: %v", err)
	}
	if err := k.Add(key(5)); err != nil {
		t.Errorf("one that is there: %v", err)
	}
	c := connect(t, &k)
	if list, err := c.List(t.Context()); err != nil || len(list) != MaxKeys {
		t.Errorf("%d keys, %v", len(list), err)
	}
	var wide Keyring
	n := 0
	for ; wide.Add(Key{Signer: numbered{numberedKey{public, n}}, Comment: strings.Repeat("x", MaxComment)}) == nil; n++ {
	}
	if list, err := connect(t, &wide).List(t.Context()); err != nil || len(list) != n || n < 50 {
		t.Errorf("%d of %d keys with long comments: %v", len(list), n, err)
	}
	if err := k.Add(Key{Signer: newSigner(), Comment: strings.Repeat("x", MaxComment+1)}); !errors.Is(err, ErrNoKey) {
		t.Errorf("comment beyond the limit: %v", err)
	}
}

// TestKeyringIsFullOfConstraints: keys with long lists of destinations, to the byte.
func TestKeyringIsFullOfConstraints(t *testing.T) {
	var k Keyring
	public := newSigner().PublicKey()
	add := func(i, blob int) error {
		to := Hop{Host: "h", Keys: []HopKey{{Blob: make([]byte, blob)}}}
		return k.Add(Key{Signer: numbered{numberedKey{public, i}}, Constraints: Constraints{Destinations: []Destination{{To: to}}}})
	}
	one := Constraints{Destinations: []Destination{{To: Hop{Host: "h", Keys: []HopKey{{}}}}}}
	const keys = 8
	blob := MaxConstraints/keys - len(one.append(nil))
	for i := range keys {
		if err := add(i, blob); err != nil {
			t.Fatalf("key %d: %v", i, err)
		}
	}
	if err := add(keys-1, blob+1); err != ErrFull {
		t.Errorf("a byte more: %v", err)
	}
	if err := add(keys-1, blob); err != nil {
		t.Errorf("one that is there: %v", err)
	}
}

// numbered is a signer whose key exists by the thousand.
type numbered struct{ key numberedKey }

func (s numbered) PublicKey() sshkey.PublicKey { return s.key }
func (s numbered) Algorithms() []string        { return nil }
func (s numbered) Sign(io.Reader, string, []byte) ([]byte, error) {
	return nil, errors.New("signs nothing")
}

type numberedKey struct {
	sshkey.PublicKey
	n int
}

func (k numberedKey) Marshal() []byte { return fmt.Appendf(nil, "%040d", k.n) }

// TestClientGivesUp: a context that ends closes the connection, and later calls
// say why.
func TestClientGivesUp(t *testing.T) {
	here, there := net.Pipe()
	defer there.Close()
	c := NewClient(here)
	ctx, cancel := context.WithCancelCause(t.Context())
	why := errors.New("no time")
	go func() {
		readMessage(there) // the request; no answer to it
		cancel(why)
	}()
	if _, err := c.List(ctx); !errors.Is(err, why) {
		t.Error(err)
	}
	if _, err := c.List(t.Context()); !errors.Is(err, why) {
		t.Errorf("later: %v", err)
	}
	ended, cancel2 := context.WithCancel(t.Context())
	cancel2()
	if _, err := connect(t, new(Keyring)).List(ended); !errors.Is(err, context.Canceled) {
		t.Errorf("context that has ended: %v", err)
	}
}

func TestServeEndsWithItsContext(t *testing.T) {
	here, there := net.Pipe()
	defer here.Close()
	ctx, cancel := context.WithCancel(t.Context())
	served := make(chan error, 1)
	go func() { served <- Serve(ctx, there, new(Keyring)) }()
	cancel()
	if err := <-served; !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

func TestDialWithoutAgent(t *testing.T) {
	t.Setenv(SocketEnv, "")
	if _, err := Dial(t.Context(), ""); err != ErrNoAgent {
		t.Error(err)
	}
}

// TestAddLimits: the client sends nothing that an agent would have to refuse.
func TestAddLimits(t *testing.T) {
	c := answering(nil)
	private := testKeys()["ed25519"]
	for name, key := range map[string]NewKey{
		"comment":         {Private: private, Comment: strings.Repeat("x", MaxComment+1)},
		"half a second":   {Private: private, Constraints: Constraints{Lifetime: second / 2}},
		"negative":        {Private: private, Constraints: Constraints{Lifetime: -second}},
		"no destinations": {Private: private, Constraints: Constraints{Destinations: []Destination{}}},
		"empty one":       {Private: private, Constraints: Constraints{Destinations: make([]Destination, 1)}},
		"too many":        {Private: private, Constraints: Constraints{Destinations: make([]Destination, MaxDestinations+1)}},
	} {
		if err := c.Add(t.Context(), key); !errors.Is(err, ErrConstraint) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// A request that is too large for any agent is never sent, and the client goes on.
func TestClientRefusesTooLarge(t *testing.T) {
	c := connect(t, new(Keyring))
	if _, err := c.Sign(t.Context(), newSigner().PublicKey(), "ssh-ed25519", make([]byte, MaxMessage)); !errors.Is(err, ErrProtocol) {
		t.Fatalf("sign: %v", err)
	}
	if _, err := c.List(t.Context()); err != nil {
		t.Fatalf("list: %v", err)
	}
}
