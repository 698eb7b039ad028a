package agent

import (
	"bytes"
	"context"
	"slices"
	"sync"
	"time"

	"github.com/hawser-ssh/hawser/transport/sshkey"
)

// Key is a key of a Keyring.
type Key struct {
	// Signer makes the signatures. A key with a certificate is a key of its own
	// (sshkey.NewCertSigner).
	Signer  sshkey.Signer
	Comment string // at most MaxComment bytes
	Constraints
}

// Use is what a key is about to be used for.
type Use struct {
	Key     sshkey.PublicKey
	Comment string
	// User and HostKey are what the client proved to log in as, and where; only
	// of keys with destinations, else "" and nil.
	User    string
	HostKey sshkey.PublicKey
}

// Keyring keeps keys for agents to use: see Serve. The zero value is empty and
// ready, and may be used from any number of goroutines. Its fields are set
// before.
type Keyring struct {
	// Confirm is asked before each signature by a key that was added with
	// Constraints.Confirm; ctx ends with the connection. A panic is a no. Where
	// it is nil such keys are not taken.
	Confirm func(ctx context.Context, use Use) bool
	// AllowSHA1 lets RSA keys sign as ssh-rsa, for clients that ask for nothing
	// better.
	AllowSHA1 bool
	// Limits are the sizes of keys that clients may add.
	Limits sshkey.Limits

	mu     sync.Mutex
	keys   []*held
	timer  *time.Timer // for the next key to forget; one, whatever the number of keys
	locked *lock       // nil is open
}

// held is a key with what was said of it.
type held struct {
	Key
	blob   []byte
	size   int       // of the constraints in bytes, as they are sent
	expiry time.Time // zero is never
}

// Add takes a key; one that is there already is replaced. Errors are ErrLocked,
// ErrConstraint, and ErrFull.
func (k *Keyring) Add(key Key) error { return k.add(key, &bindings{}) }

// add adds for a connection, which can replace no key that it may not see.
func (k *Keyring) add(key Key, by *bindings) error {
	if err := k.accepts(&key); err != nil {
		return err
	}
	h := &held{Key: key, blob: key.Signer.PublicKey().Marshal(), size: len(key.append(nil))}
	if key.Lifetime > 0 {
		h.expiry = time.Now().Add(key.Lifetime)
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.expireLocked()
	if k.locked != nil {
		return ErrLocked
	}
	if old := k.findLocked(h.blob); old != nil && !by.allows(old.Destinations, nil) {
		return ErrNoKey
	}
	rest := slices.DeleteFunc(slices.Clone(k.keys), func(o *held) bool { return bytes.Equal(o.blob, h.blob) })
	rest = append(rest, h)
	if len(rest) > MaxKeys || answerSize(rest) > MaxMessage || constraintsSize(rest) > MaxConstraints {
		return ErrFull
	}
	k.keys = rest
	k.armLocked()
	return nil
}

// accepts refuses keys whose constraints mean nothing here.
func (k *Keyring) accepts(key *Key) error {
	if key.Signer == nil || len(key.Comment) > MaxComment {
		return because(ErrNoKey, "no signer, or a comment of %d bytes", len(key.Comment))
	}
	if key.Confirm && k.Confirm == nil {
		return because(ErrConstraint, "there is nobody to ask for confirmation")
	}
	return key.check()
}

// answerSize returns the size of the list of keys as a message.
func answerSize(keys []*held) int {
	n := identitiesHeader
	for _, h := range keys {
		n += identity{h.blob, h.Comment}.size()
	}
	return n
}

// constraintsSize returns the size of the constraints of keys: answerSize does
// not bound it.
func constraintsSize(keys []*held) int {
	n := 0
	for _, h := range keys {
		n += h.size
	}
	return n
}

// armLocked sets the timer for the key whose time ends first: it is forgotten
// also where nobody asks any more.
func (k *Keyring) armLocked() {
	if k.timer != nil {
		k.timer.Stop()
		k.timer = nil
	}
	var next time.Time
	for _, h := range k.keys {
		if !h.expiry.IsZero() && (next.IsZero() || h.expiry.Before(next)) {
			next = h.expiry
		}
	}
	if !next.IsZero() {
		k.timer = time.AfterFunc(time.Until(next), k.expire)
	}
}

// expire is what the timer runs.
func (k *Keyring) expire() {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.expireLocked()
	k.armLocked()
}

func (k *Keyring) expireLocked() {
	now := time.Now()
	k.keys = slices.DeleteFunc(k.keys, func(h *held) bool { return !h.expiry.IsZero() && !now.Before(h.expiry) })
}

func (k *Keyring) findLocked(blob []byte) *held {
	if i := slices.IndexFunc(k.keys, func(h *held) bool { return bytes.Equal(h.blob, blob) }); i >= 0 {
		return k.keys[i]
	}
	return nil
}

// Keys returns the keys, none while the keyring is locked. Of a lifetime it
// tells what was given, not what is left.
func (k *Keyring) Keys() []Key {
	var list []Key
	for _, h := range k.visible(&bindings{}) {
		list = append(list, h.Key)
	}
	return list
}

// visible returns the keys that a connection may see. The certificates of hosts
// are verified without the lock.
func (k *Keyring) visible(to *bindings) []*held {
	keys := k.all()
	return slices.DeleteFunc(keys, func(h *held) bool { return !to.allows(h.Destinations, nil) })
}

// all returns the keys, none while the keyring is locked.
func (k *Keyring) all() []*held {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.expireLocked()
	if k.locked != nil {
		return nil
	}
	return slices.Clone(k.keys)
}

// Remove forgets a key. The error is ErrLocked or ErrNoKey.
func (k *Keyring) Remove(key sshkey.PublicKey) error { return k.remove(key.Marshal(), &bindings{}) }

func (k *Keyring) remove(blob []byte, by *bindings) error {
	k.mu.Lock()
	k.expireLocked()
	h, locked := k.findLocked(blob), k.locked != nil
	k.mu.Unlock()
	if locked {
		return ErrLocked
	}
	if h == nil || !by.allows(h.Destinations, nil) {
		return ErrNoKey
	}
	return k.forget(h)
}

// forget removes keys, of which some may be gone already.
func (k *Keyring) forget(keys ...*held) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.locked != nil {
		return ErrLocked
	}
	k.keys = slices.DeleteFunc(k.keys, func(h *held) bool { return slices.Contains(keys, h) })
	k.armLocked()
	return nil
}

// RemoveAll forgets all keys. The error is ErrLocked.
func (k *Keyring) RemoveAll() error { return k.removeAll(&bindings{}) }

func (k *Keyring) removeAll(by *bindings) error { return k.forget(k.visible(by)...) }

// sign signs for a connection.
func (k *Keyring) sign(ctx context.Context, m *signRequest, by *bindings) ([]byte, error) {
	k.mu.Lock()
	k.expireLocked()
	h, locked := k.findLocked(m.key), k.locked != nil
	k.mu.Unlock()
	if locked {
		return nil, ErrLocked
	}
	if h == nil {
		return nil, ErrNoKey
	}
	use := Use{Key: h.Signer.PublicKey(), Comment: h.Comment}
	if h.Destinations != nil {
		user, ok := by.allowsLogin(h.Destinations, h.blob, m.data)
		if !ok {
			return nil, because(ErrNoKey, "key is restricted to other destinations")
		}
		use.User, use.HostKey = user, by.list[len(by.list)-1].hostKey
	}
	signer, algorithm, err := k.algorithm(h.Signer, m.flags)
	if err != nil {
		return nil, err
	}
	if h.Confirm && !k.confirm(ctx, use) {
		return nil, ErrConfirmation
	}
	return signer.Sign(nil, algorithm, m.data)
}

// confirm asks; a panic is a no.
func (k *Keyring) confirm(ctx context.Context, use Use) (yes bool) {
	defer func() {
		if recover() != nil {
			yes = false
		}
	}()
	return k.Confirm(ctx, use) && ctx.Err() == nil
}

// sha1Algorithms are those that an RSA key signs with where no flag says better.
var sha1Algorithms = [...]string{"ssh-rsa", "ssh-rsa-cert-v01@openssh.com"}

// algorithm returns what a key signs with under these flags, and the signer for
// it. Flags are about RSA keys; the others have one algorithm and ignore them.
func (k *Keyring) algorithm(s sshkey.Signer, flags uint32) (sshkey.Signer, string, error) {
	if flags&^(flagRSASHA256|flagRSASHA512) != 0 {
		return nil, "", because(ErrAlgorithm, "flags %#x", flags)
	}
	own, kind := s.Algorithms(), s.PublicKey().Type()
	for _, f := range signFlags {
		if flags&f.flags != 0 && sshkey.KeyType(f.algorithm) == kind {
			if !slices.Contains(own, f.algorithm) {
				return nil, "", ErrAlgorithm
			}
			return s, f.algorithm, nil
		}
	}
	for _, name := range sha1Algorithms {
		if sshkey.KeyType(name) != kind {
			continue
		}
		if !k.AllowSHA1 {
			return nil, "", because(ErrAlgorithm, "%s", name)
		}
		limited, err := sshkey.WithAlgorithms(s, name)
		if err != nil {
			return nil, "", because(ErrAlgorithm, "%w", err)
		}
		return limited, name, nil
	}
	if len(own) == 0 {
		return nil, "", ErrAlgorithm
	}
	return s, own[0], nil
}
