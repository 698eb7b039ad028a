package certstore

import (
	"crypto/x509"
	"errors"
	"slices"
	"sync"
	"unsafe"

	"github.com/google/certtostore"
	"golang.org/x/sys/windows"
)

// personal is the store that an empty name stands for.
const personal = "MY"

// openUser opens a store of the Windows user, by name.
func openUser(source []byte, _ string) (Store, error) {
	return openWindows(string(source), windows.CERT_SYSTEM_STORE_CURRENT_USER, true)
}

// openMachine opens a store of the Windows machine, by name.
func openMachine(source []byte, _ string) (Store, error) {
	return openWindows(string(source), windows.CERT_SYSTEM_STORE_LOCAL_MACHINE, false)
}

// windowsStore is a system's store, with the certificates whose keys are in
// use: the system lends a key as long as its certificate is held.
type windowsStore struct {
	handle windows.Handle
	keys   *certtostore.WinCertStore

	mu     sync.Mutex
	held   []*windows.CertContext
	closed bool
}

func openWindows(name string, location uint32, user bool) (Store, error) {
	if name == "" {
		name = personal
	}
	wide, err := windows.UTF16PtrFromString(name)
	if err != nil {
		return nil, malformed("name of a store: %w", err)
	}
	const flags = windows.CERT_STORE_READONLY_FLAG | windows.CERT_STORE_OPEN_EXISTING_FLAG
	handle, err := windows.CertOpenStore(windows.CERT_STORE_PROV_SYSTEM_W, 0, 0, location|flags, uintptr(unsafe.Pointer(wide)))
	if err != nil {
		return nil, because(ErrUnsupported, "store %q of Windows: %w", name, err)
	}
	keys, err := certtostore.OpenWinCertStoreWithOptions(certtostore.WinCertStoreOptions{
		Provider: certtostore.ProviderMSSoftware, CurrentUser: user,
	})
	if err != nil {
		windows.CertCloseStore(handle, 0)
		return nil, because(ErrUnsupported, "%w", err)
	}
	return &windowsStore{handle: handle, keys: keys}, nil
}

// Keys returns what is in the store now. A certificate whose key the system
// does not give, to us or to anybody, is one without a private half.
func (s *windowsStore) Keys() ([]*Key, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil, because(ErrNotFound, "the store is closed")
	}
	var c collector
	var context *windows.CertContext
	for {
		next, err := windows.CertEnumCertificatesInStore(s.handle, context) // frees context
		if next == nil {
			if err != nil && !errors.Is(err, windows.Errno(windows.CRYPT_E_NOT_FOUND)) {
				return nil, malformed("%w", err)
			}
			return c.finish()
		}
		context = next
		if err := s.addLocked(&c, context); err != nil {
			windows.CertFreeCertificateContext(context)
			return nil, err
		}
	}
}

// addLocked adds a certificate, and its key if there is one.
func (s *windowsStore) addLocked(c *collector, context *windows.CertContext) error {
	der := slices.Clone(unsafe.Slice(context.EncodedCert, context.Length))
	if err := c.addCertificate("", der); err != nil {
		return err
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		return nil
	}
	held := windows.CertDuplicateCertificateContext(context)
	signer, err := s.keys.CertKey(held)
	if err != nil || signer == nil || !samePublic(signer.Public(), cert.PublicKey) {
		windows.CertFreeCertificateContext(held)
		return nil
	}
	s.held = append(s.held, held)
	return c.add(&Key{Signer: signer, Public: cert.PublicKey}, nil)
}

// Close gives the certificates and their keys back.
func (s *windowsStore) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil
	}
	s.closed = true
	for _, context := range s.held {
		windows.CertFreeCertificateContext(context)
	}
	return errors.Join(s.keys.Close(), windows.CertCloseStore(s.handle, 0))
}
