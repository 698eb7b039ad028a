package daemon

import (
	"bytes"
	"crypto/x509"
	"encoding/pem"
	"slices"
	"strconv"

	"github.com/hawser-ssh/hawser/daemon/certstore"
	"github.com/hawser-ssh/hawser/transport/sshkey"
)

// defaultStore is what SSHCertStore is until it is set: a store of Windows,
// which is searched only for a subject.
const defaultStore = "MY"

// keyStore says where a host key is, and holds it once it has been found.
type keyStore struct {
	store     []byte
	password  string
	storeType int
	subject   string
	encoded   []byte          // as SetSSHCertEncoded got it
	key       *certstore.Key  // what has been found
	signers   []sshkey.Signer // that key, and with its certificates; none until it has been found
}

func validStoreType(n int) bool { return certstore.Type(n).Known() }

// SetHostKeys sets keys of the server besides those of the SSHCert
// properties, for new connections. For an algorithm that several keys have,
// the first is used.
func (d *Daemon) SetHostKeys(keys ...sshkey.Signer) error {
	if slices.Contains(keys, nil) {
		return newError(CodeNoHostKey, "a host key is nil", nil)
	}
	keys = slices.Clone(keys)
	return d.opt.update(func(o *options) error { o.hostKeys = keys; return nil })
}

// SSHCertEncoded returns what SetSSHCertEncoded has set, or the certificate of
// the host key that has been found, or without one its public half, in PEM;
// empty without a key.
func (d *Daemon) SSHCertEncoded() []byte {
	s := d.opt.snapshot().cert
	switch {
	case s.encoded != nil || s.key == nil:
		return bytes.Clone(s.encoded)
	case len(s.key.Chain) > 0:
		return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.key.Chain[0].Raw})
	}
	der, err := x509.MarshalPKIXPublicKey(s.key.Public)
	if err != nil {
		return nil
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})
}

// SetSSHCertEncoded selects the host key that a certificate is for, in PEM or
// base64, from SSHCertStore; SSHCertSubject becomes the certificate's. encoded
// may also be a private key of any form that is read from files, with
// SSHCertStorePassword where it is encrypted, and is the host key then. Where
// there is no such key SSHCertSubject becomes empty and the error is 1301.
func (d *Daemon) SetSSHCertEncoded(encoded []byte) error {
	encoded = bytes.Clone(encoded)
	s := d.opt.snapshot().cert
	err := s.findEncoded(encoded)
	d.setCert(func(o *keyStore) error { o.found(&s); return nil })
	return err
}

// SSHCertStore returns where the host key is: a file name or the key itself,
// as SSHCertStoreType says.
func (d *Daemon) SSHCertStore() []byte { return bytes.Clone(d.opt.snapshot().cert.store) }

// SetSSHCertStore sets SSHCertStore.
func (d *Daemon) SetSSHCertStore(store []byte) error {
	store = bytes.Clone(store)
	return d.setCert(func(s *keyStore) error { s.store = store; return nil })
}

// SSHCertStorePassword returns the password of an encrypted key.
func (d *Daemon) SSHCertStorePassword() string { return d.opt.snapshot().cert.password }

// SetSSHCertStorePassword sets SSHCertStorePassword.
func (d *Daemon) SetSSHCertStorePassword(password string) error {
	return d.setCert(func(s *keyStore) error { s.password = password; return nil })
}

// SSHCertStoreType returns the type of SSHCertStore.
func (d *Daemon) SSHCertStoreType() int { return d.opt.snapshot().cert.storeType }

// SetSSHCertStoreType sets SSHCertStoreType, to one of the types of package
// certstore.
func (d *Daemon) SetSSHCertStoreType(storeType int) error {
	if !validStoreType(storeType) {
		return invalid("SSHCertStoreType out of range")
	}
	return d.setCert(func(s *keyStore) error { s.storeType = storeType; return nil })
}

// SSHCertSubject returns the subject of the host key's certificate, or without
// one the name that its store has for the key.
func (d *Daemon) SSHCertSubject() string { return d.opt.snapshot().cert.subject }

// SetSSHCertSubject looks for the host key in SSHCertStore and selects it for
// new connections; set it last. What a subject selects, certstore.Find tells:
// the whole subject, a part of it, or "*" for any. SSHCertSubject then is the
// full subject. Where there is no such key it becomes empty, and the error is
// 1301 and says why.
func (d *Daemon) SetSSHCertSubject(subject string) error {
	s := d.opt.snapshot().cert
	err := s.find(subject)
	d.setCert(func(o *keyStore) error { o.found(&s); return nil })
	return err
}

// setCert changes the place of the host key; a key from elsewhere is forgotten.
func (d *Daemon) setCert(f func(*keyStore) error) error {
	return d.opt.update(func(o *options) error {
		o.cert.forget()
		return f(&o.cert)
	})
}

// loadHostKeys finds the keys whose store is set but whose subject has not
// been, and fails where there is no host key at all.
func (d *Daemon) loadHostKeys() error {
	err := d.opt.update(func(o *options) error {
		if o.cert.given() {
			if err := o.cert.load(); err != nil {
				return err
			}
		}
		o.alt = slices.Clone(o.alt)
		for i := range o.alt {
			if err := o.alt[i].load(); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	if len(d.opt.snapshot().signers()) == 0 {
		return newError(CodeNoHostKey, "no host key: SetHostKeys or the SSHCert properties set one", nil)
	}
	return nil
}

// given reports whether somebody has said where the host key is.
func (s *keyStore) given() bool {
	return s.storeType != int(certstore.User) || string(s.store) != defaultStore
}

// load finds the key unless it has been found.
func (s *keyStore) load() error {
	if s.key != nil {
		return nil
	}
	return s.find(s.subject)
}

// forget takes back what has been found.
func (s *keyStore) forget() { s.key, s.signers, s.encoded = nil, nil, nil }

// found takes over what has been found in another.
func (s *keyStore) found(o *keyStore) {
	s.subject, s.encoded, s.key, s.signers = o.subject, o.encoded, o.key, o.signers
}

// find loads the key that a subject selects. On error no key is selected.
func (s *keyStore) find(subject string) error {
	return s.search(func(store certstore.Store) (*certstore.Key, error) { return certstore.Find(store, subject) })
}

// findEncoded loads the key that a certificate is for, or that is given. On
// error no key is selected.
func (s *keyStore) findEncoded(encoded []byte) error {
	s.forget()
	s.subject = ""
	given, err := certstore.Parse(encoded, s.password)
	if err != nil {
		return unusable(err)
	}
	keys, err := given.Keys()
	switch {
	case err != nil:
		return unusable(err)
	case len(keys) == 0:
		return unusable(certstore.ErrEmpty)
	case keys[0].Signer != nil:
		err = s.use(keys[0])
	case len(keys[0].Chain) == 0:
		err = newError(CodeNoHostKey, "neither a certificate nor a private key", nil)
	default:
		err = s.search(func(store certstore.Store) (*certstore.Key, error) {
			return certstore.FindCertificate(store, keys[0].Chain[0])
		})
	}
	if err == nil {
		s.encoded = encoded
	}
	return err
}

// search opens the store and loads the key that find picks. The store stays
// open: its keys may be on a token, and sign until the last connection ends.
func (s *keyStore) search(find func(certstore.Store) (*certstore.Key, error)) error {
	s.forget()
	s.subject = ""
	store, err := certstore.Open(certstore.Type(s.storeType), s.store, s.password)
	if err != nil {
		return unusable(err)
	}
	key, err := find(store)
	if err != nil {
		store.Close()
		return unusable(err)
	}
	return s.use(key)
}

// use selects a key.
func (s *keyStore) use(key *certstore.Key) error {
	signers, err := key.Signers()
	if err != nil {
		return unusable(err)
	}
	s.subject, s.key, s.signers = key.Subject(), key, signers
	return nil
}

// unusable is error 1301 with its cause.
func unusable(err error) error { return newError(CodeNoHostKey, "the host key cannot be used", err) }

// alt is a setting of one row of the further host keys.
func alt(name string, get func(*keyStore) string, set func(*keyStore, string) error) setting {
	row := func(o *options, i int) (*keyStore, error) {
		if i >= len(o.alt) {
			return nil, invalid("no such row: set AltSSHCertCount first")
		}
		return &o.alt[i], nil
	}
	return setting{name: name, indexed: true,
		get: func(d *Daemon, i int) (string, error) {
			s, err := row(d.opt.snapshot(), i)
			if err != nil {
				return "", err
			}
			return get(s), nil
		},
		set: func(d *Daemon, i int, v string) error {
			return d.opt.update(func(o *options) error {
				o.alt = slices.Clone(o.alt)
				s, err := row(o, i)
				if err != nil {
					return err
				}
				return set(s, v)
			})
		}}
}

func getAltCount(d *Daemon, _ int) (string, error) {
	return strconv.Itoa(len(d.opt.snapshot().alt)), nil
}

func setAltCount(d *Daemon, _ int, v string) error {
	n, err := strconv.Atoi(v)
	if err != nil || n < 0 || n > maxAltKeys {
		return invalid("AltSSHCertCount out of range")
	}
	return d.opt.update(func(o *options) error {
		o.alt = append(slices.Clone(o.alt), make([]keyStore, max(0, n-len(o.alt)))...)[:n]
		return nil
	})
}

// maxAltKeys bounds the further host keys: there are fewer algorithms.
const maxAltKeys = 64
