package agent

import (
	"crypto/pbkdf2"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
)

// lock is the passphrase that opens a keyring again, as a salted hash.
type lock struct{ salt, hash []byte }

// Cost of one attempt to unlock: some 20 ms, with the keyring's lock held, so
// that guesses over many connections wait for one another.
const (
	lockIterations = 100_000
	lockSalt       = 16
)

func newLock(passphrase []byte) (*lock, error) {
	salt := make([]byte, lockSalt)
	rand.Read(salt) // never fails, crypto/rand ends the program instead
	hash, err := pbkdf2.Key(sha256.New, string(passphrase), salt, lockIterations, sha256.Size)
	return &lock{salt, hash}, err
}

func (l *lock) opens(passphrase []byte) bool {
	hash, err := pbkdf2.Key(sha256.New, string(passphrase), l.salt, lockIterations, len(l.hash))
	return err == nil && subtle.ConstantTimeCompare(hash, l.hash) == 1
}

// Lock hides all keys until Unlock. The passphrase may have MaxPassphrase bytes
// and is not kept. Errors are ErrLocked and ErrPassphrase.
func (k *Keyring) Lock(passphrase []byte) error {
	if len(passphrase) > MaxPassphrase {
		return ErrPassphrase
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.locked != nil {
		return ErrLocked
	}
	l, err := newLock(passphrase)
	if err != nil {
		return err
	}
	k.locked = l
	return nil
}

// Unlock ends Lock. Errors are ErrPassphrase, and ErrLocked where the keyring
// was not locked.
func (k *Keyring) Unlock(passphrase []byte) error {
	if len(passphrase) > MaxPassphrase {
		return ErrPassphrase
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.locked == nil {
		return ErrLocked
	}
	if !k.locked.opens(passphrase) {
		return ErrPassphrase
	}
	k.locked = nil
	return nil
}
