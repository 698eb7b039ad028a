package daemon

import (
	"bytes"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/hawser-ssh/hawser/transport/sshkey"
)

// Types of key stores that can be read; the others up to 22 are known by
// number and answered with error 1301.
const (
	StorePEMKeyFile = 6  // a file with a private key: PEM or OpenSSH's format
	StorePEMKeyBlob = 7  // the contents of such a file, also in base64
	StoreAuto       = 99 // either of them
	maxStoreType    = 22
)

// keyStore says where a host key is, and holds it once it has been found.
type keyStore struct {
	store     []byte
	password  string
	storeType int
	subject   string
	encoded   []byte
	signer    sshkey.Signer
}

func validStoreType(n int) bool { return n >= 0 && n <= maxStoreType || n == StoreAuto }

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

// SSHCertEncoded returns what SetSSHCertEncoded has set, or the public half of
// the host key that has been found, in PEM; empty without one.
func (d *Daemon) SSHCertEncoded() []byte {
	s := d.opt.snapshot().cert
	if s.encoded != nil || s.signer == nil {
		return bytes.Clone(s.encoded)
	}
	der, err := x509.MarshalPKIXPublicKey(s.signer.PublicKey().CryptoPublicKey())
	if err != nil {
		return nil
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})
}

// SetSSHCertEncoded sets the host key from the text of a private key, in PEM
// or OpenSSH's format, with SSHCertStorePassword where it is encrypted.
func (d *Daemon) SetSSHCertEncoded(encoded []byte) error {
	encoded = bytes.Clone(encoded)
	return d.opt.update(func(o *options) error {
		s := keyStore{store: encoded, password: o.cert.password, storeType: StorePEMKeyBlob}
		if err := s.find("*"); err != nil {
			o.cert.subject, o.cert.signer = "", nil
			return err
		}
		o.cert.encoded, o.cert.subject, o.cert.signer = encoded, s.subject, s.signer
		return nil
	})
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

// SetSSHCertStoreType sets SSHCertStoreType: 0 to 22 or 99. Of these 6, 7 and
// 99 can be read so far.
func (d *Daemon) SetSSHCertStoreType(storeType int) error {
	if !validStoreType(storeType) {
		return invalid("SSHCertStoreType out of range")
	}
	return d.setCert(func(s *keyStore) error { s.storeType = storeType; return nil })
}

// SSHCertSubject returns the subject of the host key: its comment, for what is
// not a certificate.
func (d *Daemon) SSHCertSubject() string { return d.opt.snapshot().cert.subject }

// SetSSHCertSubject looks for the host key in SSHCertStore and selects it for
// new connections; set it last. A subject matches as a whole or in part, "*"
// matches any. Where there is none it is set to the empty string, and the error
// is 1301.
func (d *Daemon) SetSSHCertSubject(subject string) error {
	s := d.opt.snapshot().cert
	err := s.find(subject)
	d.setCert(func(o *keyStore) error { o.subject, o.signer = s.subject, s.signer; return nil })
	return err
}

// setCert changes the place of the host key; a key from elsewhere is forgotten.
func (d *Daemon) setCert(f func(*keyStore) error) error {
	return d.opt.update(func(o *options) error {
		o.cert.signer, o.cert.encoded = nil, nil
		return f(&o.cert)
	})
}

// loadHostKeys finds the keys whose store is set but whose subject has not
// been, and fails where there is no host key at all.
func (d *Daemon) loadHostKeys() error {
	err := d.opt.update(func(o *options) error {
		if o.cert.signer == nil && o.cert.readable() {
			if err := o.cert.find(o.cert.subject); err != nil {
				return err
			}
		}
		o.alt = slices.Clone(o.alt)
		for i := range o.alt {
			if o.alt[i].signer != nil {
				continue
			}
			if err := o.alt[i].find(o.alt[i].subject); err != nil {
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

func (s *keyStore) readable() bool {
	return s.storeType == StorePEMKeyFile || s.storeType == StorePEMKeyBlob || s.storeType == StoreAuto
}

// find loads the key that fits the subject; an empty one and "*" fit any. On
// error no key is selected.
func (s *keyStore) find(subject string) error {
	s.subject, s.signer = "", nil
	if !s.readable() {
		return newError(CodeNoHostKey, "stores of type "+strconv.Itoa(s.storeType)+" cannot be read yet: 6, 7 and 99 can", nil)
	}
	data, err := s.read()
	if err != nil {
		return newError(CodeNoHostKey, "the host key cannot be read", err)
	}
	key, comment, err := sshkey.ParsePrivateKey(data, []byte(s.password))
	if err != nil {
		return newError(CodeNoHostKey, "the host key cannot be used", err)
	}
	if subject != "" && subject != "*" && !strings.Contains(comment, subject) {
		return newError(CodeNoHostKey, "no key with this subject", nil)
	}
	signer, err := sshkey.NewSigner(key)
	if err != nil {
		return newError(CodeNoHostKey, "the host key cannot be used", err)
	}
	s.subject, s.signer = comment, signer
	return nil
}

// read returns the text of the key.
func (s *keyStore) read() ([]byte, error) {
	isKey := bytes.Contains(s.store, []byte("-----BEGIN "))
	if s.storeType == StorePEMKeyFile || s.storeType == StoreAuto && !isKey {
		data, err := os.ReadFile(string(s.store))
		if err == nil || s.storeType == StorePEMKeyFile {
			return data, err
		}
	}
	if !isKey {
		compact := strings.Join(strings.Fields(string(s.store)), "")
		if data, err := base64.StdEncoding.DecodeString(compact); err == nil {
			return data, nil
		}
	}
	return s.store, nil
}

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
