//go:build pkcs11 && cgo

package certstore

import (
	"crypto/sha256"
	"maps"
	"sync"

	"github.com/miekg/pkcs11"
)

// library is what is used of PKCS#11 (version 2.40). *pkcs11.Ctx is one.
type library interface {
	GetSlotList(tokenPresent bool) ([]uint, error)
	GetTokenInfo(slot uint) (pkcs11.TokenInfo, error)
	OpenSession(slot uint, flags uint) (pkcs11.SessionHandle, error)
	CloseSession(s pkcs11.SessionHandle) error
	Login(s pkcs11.SessionHandle, user uint, pin string) error
	FindObjectsInit(s pkcs11.SessionHandle, temp []*pkcs11.Attribute) error
	FindObjects(s pkcs11.SessionHandle, max int) ([]pkcs11.ObjectHandle, bool, error)
	FindObjectsFinal(s pkcs11.SessionHandle) error
	GetAttributeValue(s pkcs11.SessionHandle, o pkcs11.ObjectHandle, a []*pkcs11.Attribute) ([]*pkcs11.Attribute, error)
	SignInit(s pkcs11.SessionHandle, m []*pkcs11.Mechanism, o pkcs11.ObjectHandle) error
	Sign(s pkcs11.SessionHandle, message []byte) ([]byte, error)
}

// libraries are those that are loaded. They have state of their own, one for
// the whole process, which this mirrors: a library is initialized once, and a
// login is one of the process.
var libraries = struct {
	sync.Mutex
	loaded map[string]*loaded
}{loaded: map[string]*loaded{}}

// loaded is a library, with how many stores use it.
type loaded struct {
	ctx  *pkcs11.Ctx
	uses int
}

// loadLibrary loads a library, or counts one more use of it.
func loadLibrary(path string) (library, error) {
	libraries.Lock()
	defer libraries.Unlock()
	if l := libraries.loaded[path]; l != nil {
		l.uses++
		return l.ctx, nil
	}
	ctx := pkcs11.New(path)
	if ctx == nil {
		return nil, because(ErrUnsupported, "%s is no PKCS#11 library, or is not there", shown(path))
	}
	if err := ctx.Initialize(); err != nil && err != pkcs11.Error(pkcs11.CKR_CRYPTOKI_ALREADY_INITIALIZED) {
		ctx.Destroy()
		return nil, because(ErrUnsupported, "PKCS#11 library %s: %w", shown(path), err)
	}
	libraries.loaded[path] = &loaded{ctx, 1}
	return ctx, nil
}

// unloadLibrary ends one use.
func unloadLibrary(path string) error {
	libraries.Lock()
	defer libraries.Unlock()
	l := libraries.loaded[path]
	if l.uses--; l.uses > 0 {
		return nil
	}
	delete(libraries.loaded, path)
	logins.Lock()
	maps.DeleteFunc(logins.hashes, func(k loginKey, _ [sha256.Size]byte) bool { return k.lib == library(l.ctx) })
	logins.Unlock()
	err := l.ctx.Finalize()
	l.ctx.Destroy()
	return err
}

// shown is a name for an error, unless it is so long that it may be a secret.
func shown(name string) string {
	if len(name) > maxShownName {
		return "with a long name"
	}
	return name
}
