//go:build pkcs11 && cgo

package certstore

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"slices"
	"strings"
	"sync"

	"github.com/miekg/pkcs11"
)

// maxTokenSessions is how many signatures a store makes at a time; more wait.
const maxTokenSessions = 8

// token is a PKCS#11 token, which keeps its keys to itself. It may be pulled
// out and put back: sessions that have become void are opened anew, and the
// PIN, which is kept for that, is presented once more. One that was refused is
// not presented again: tokens lock themselves.
type token struct {
	name  tokenName
	lib   library
	done  func() error  // ends the use of the library
	slots chan struct{} // one for each session in use

	mu      sync.Mutex
	pin     string
	refused error // what the token said to the PIN
	closed  bool
	idle    []pkcs11.SessionHandle
}

// openToken opens a token: source is the name of a library, or a URI of RFC
// 7512 with one in it; the password is the PIN. It is kept until Close.
func openToken(source []byte, pin string) (Store, error) {
	name, err := parseTokenName(string(source))
	if err != nil {
		return nil, err
	}
	lib, err := loadLibrary(name.library)
	if err != nil {
		return nil, err
	}
	t := newToken(name, lib, pin, func() error { return unloadLibrary(name.library) })
	if err := t.with(func(pkcs11.SessionHandle) error { return nil }); err != nil {
		return nil, errors.Join(err, t.Close())
	}
	return t, nil
}

func newToken(name tokenName, lib library, pin string, done func() error) *token {
	return &token{name: name, lib: lib, done: done, pin: pin, slots: make(chan struct{}, maxTokenSessions)}
}

var errTokenClosed = because(ErrNotFound, "the token has been closed")

// with lends a session, that is logged in, to use. Where it has become void use
// runs once more with a fresh one.
func (t *token) with(use func(pkcs11.SessionHandle) error) error {
	t.slots <- struct{}{}
	defer func() { <-t.slots }()
	for attempt := 0; ; attempt++ {
		s, err := t.session(attempt > 0)
		if err == nil {
			if err = use(s); !isVoid(err) {
				t.giveBack(s)
				return err
			}
			_ = t.lib.CloseSession(s) // if there still is one
		}
		if attempt > 0 || !isVoid(err) {
			return tokenError(err)
		}
	}
}

// session returns a session that nobody uses. fresh says that those there are
// have become void.
func (t *token) session(fresh bool) (pkcs11.SessionHandle, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.closed {
		return 0, errTokenClosed
	}
	if fresh {
		t.dropLocked()
	}
	if n := len(t.idle); n > 0 {
		s := t.idle[n-1]
		t.idle = t.idle[:n-1]
		return s, nil
	}
	slot, err := t.find()
	if err != nil {
		return 0, err
	}
	s, err := t.lib.OpenSession(slot, pkcs11.CKF_SERIAL_SESSION)
	if err != nil {
		return 0, err
	}
	if err := t.loginLocked(slot, s); err != nil {
		_ = t.lib.CloseSession(s)
		return 0, err
	}
	return s, nil
}

func (t *token) giveBack(s pkcs11.SessionHandle) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.closed {
		_ = t.lib.CloseSession(s)
		return
	}
	t.idle = append(t.idle, s)
}

func (t *token) dropLocked() {
	for _, s := range t.idle {
		_ = t.lib.CloseSession(s) // it may be void
	}
	t.idle = nil
}

// find returns the slot in which the token is now. Without a name there must be
// one token alone: keys are not looked for where they were not meant to be.
func (t *token) find() (uint, error) {
	slots, err := t.lib.GetSlotList(true)
	if err != nil {
		return 0, err
	}
	var labels []string
	var found []uint
	for _, slot := range slots {
		info, err := t.lib.GetTokenInfo(slot)
		if err != nil || info.Flags&pkcs11.CKF_TOKEN_INITIALIZED == 0 {
			continue
		}
		label, serial := strings.TrimRight(info.Label, " \x00"), strings.TrimRight(info.SerialNumber, " \x00")
		n := &t.name
		if (n.label == "" || n.label == label) && (n.serial == "" || n.serial == serial) && (n.slot < 0 || uint(n.slot) == slot) {
			found, labels = append(found, slot), append(labels, label)
		}
	}
	switch len(found) {
	case 0:
		return 0, because(ErrNotFound, "no such PKCS#11 token is present: %w", pkcs11.Error(pkcs11.CKR_TOKEN_NOT_PRESENT))
	case 1:
		return found[0], nil
	}
	return 0, because(ErrNotFound, "%d PKCS#11 tokens, choose one by a URI with token=...: %q", len(found), labels)
}

// logins are the PINs that tokens have taken, salted and hashed: a login is one
// of the process, and the token does not look at the PIN of a second one.
var logins = struct {
	sync.Mutex
	salt   [16]byte
	hashes map[loginKey][sha256.Size]byte
}{hashes: map[loginKey][sha256.Size]byte{}}

type loginKey struct {
	lib  library
	slot uint
}

// loginLocked presents the PIN. Where the process is logged in already, it must
// be the PIN that the token took then.
func (t *token) loginLocked(slot uint, s pkcs11.SessionHandle) error {
	if t.refused != nil {
		return t.refused
	}
	logins.Lock()
	defer logins.Unlock()
	if logins.salt == [16]byte{} {
		rand.Read(logins.salt[:])
	}
	key, hash := loginKey{t.lib, slot}, sha256.Sum256(append(logins.salt[:], t.pin...))
	err := t.lib.Login(s, pkcs11.CKU_USER, t.pin)
	switch {
	case err == nil:
		logins.hashes[key] = hash
		return nil
	case err == pkcs11.Error(pkcs11.CKR_USER_ALREADY_LOGGED_IN):
		known := logins.hashes[key]
		if subtle.ConstantTimeCompare(known[:], hash[:]) == 1 {
			return nil
		}
		err = pkcs11.Error(pkcs11.CKR_PIN_INCORRECT)
	}
	if err = tokenError(err); errors.Is(err, ErrPassword) {
		t.refused = err
	}
	return err
}

// Close ends the sessions that are idle, those in use with their signature,
// and forgets the PIN.
func (t *token) Close() error {
	t.mu.Lock()
	if t.closed {
		t.mu.Unlock()
		return nil
	}
	t.closed, t.pin = true, ""
	t.dropLocked()
	t.mu.Unlock()
	for range maxTokenSessions { // who signs needs the library
		t.slots <- struct{}{}
	}
	err := t.done()
	for range maxTokenSessions {
		<-t.slots
	}
	return err
}

// voidErrors say that sessions are of no use any more, perhaps because the
// token was pulled out meanwhile.
var voidErrors = []pkcs11.Error{
	pkcs11.CKR_SESSION_HANDLE_INVALID, pkcs11.CKR_SESSION_CLOSED, pkcs11.CKR_DEVICE_REMOVED, pkcs11.CKR_TOKEN_NOT_PRESENT,
	pkcs11.CKR_USER_NOT_LOGGED_IN, pkcs11.CKR_OBJECT_HANDLE_INVALID, pkcs11.CKR_KEY_HANDLE_INVALID, pkcs11.CKR_DEVICE_ERROR,
	pkcs11.CKR_SLOT_ID_INVALID, pkcs11.CKR_TOKEN_NOT_RECOGNIZED,
}

func isVoid(err error) bool {
	code, ok := errors.AsType[pkcs11.Error](err)
	return ok && slices.Contains(voidErrors, code)
}

// pinErrors say that the PIN is not the one.
var pinErrors = []pkcs11.Error{
	pkcs11.CKR_PIN_INCORRECT, pkcs11.CKR_PIN_INVALID, pkcs11.CKR_PIN_LEN_RANGE, pkcs11.CKR_PIN_EXPIRED,
	pkcs11.CKR_PIN_LOCKED, pkcs11.CKR_USER_PIN_NOT_INITIALIZED, pkcs11.CKR_ARGUMENTS_BAD,
}

// tokenError makes an error of this package of one of a library.
func tokenError(err error) error {
	code, ok := errors.AsType[pkcs11.Error](err)
	switch {
	case err == nil, !ok, errors.Is(err, ErrPassword), errors.Is(err, ErrNotFound):
		return err
	case slices.Contains(pinErrors, code):
		return because(ErrPassword, "PKCS#11 token: %w", err)
	case slices.Contains(voidErrors, code):
		return because(ErrNotFound, "the PKCS#11 token is not there: %w", err)
	}
	return because(ErrUnsupported, "PKCS#11 token: %w", err)
}
