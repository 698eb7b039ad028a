package sshkey

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hawser-ssh/hawser/wire"
)

// certNoon is the time at which the certificates of these tests are valid.
var certNoon = time.Date(2030, 1, 1, 12, 0, 0, 0, time.UTC)

func atNoon() time.Time { return certNoon }

// certParts is a certificate to be made, good or bad.
type certParts struct {
	kind                string // type; "" is that for the key
	key                 PublicKey
	serial              uint64
	purpose             uint32
	keyID               string
	principals          []string
	after, before       uint64
	critical, extension []CertOption
	authority           []byte // blob; nil is that of the signer
	signer              Signer
	algorithm           string // of the authority; "" is its first
	tail                []byte // behind the signature
}

// testAuthority is the key that signs in tests.
func testAuthority() Signer { return must(NewSigner(testSigners()["ed25519"])) }

// goodCert returns a certificate for user or host.example.
func goodCert(key PublicKey, purpose CertPurpose) certParts {
	noon := uint64(certNoon.Unix())
	p := certParts{
		key: key, serial: 7, purpose: uint32(purpose), keyID: "id", principals: []string{"other", "user"},
		after: noon - 3600, before: noon + 3600, signer: testAuthority(),
	}
	if purpose == HostCertificate {
		p.principals = []string{"host.example", "10.0.0.1"}
	} else {
		p.extension = []CertOption{{"permit-pty", ""}}
	}
	return p
}

// with returns p changed.
func (p certParts) with(change func(p *certParts)) certParts {
	p.principals, p.critical, p.extension = slices.Clone(p.principals), slices.Clone(p.critical), slices.Clone(p.extension)
	change(&p)
	return p
}

// certTypeFor returns the type of certificates for a plain key.
func certTypeFor(key PublicKey) string {
	for _, t := range certTypes {
		if t.key == key.Type() {
			return t.name
		}
	}
	return "none"
}

func optionBytes(list []CertOption) []byte {
	var b []byte
	for _, o := range list {
		b = wire.AppendString(wire.AppendString(b, o.Name), o.Data)
	}
	return b
}

// valued is an option with a string in its data.
func valued(name, value string) CertOption {
	return CertOption{name, string(wire.AppendString(nil, value))}
}

// blob makes the certificate and signs it.
func (p certParts) blob() []byte {
	kind := p.kind
	if kind == "" {
		kind = certTypeFor(p.key)
	}
	b := wire.AppendString(nil, kind)
	b = wire.AppendString(b, strings.Repeat("n", 32))
	b = append(b, p.key.Marshal()[4+len(p.key.Type()):]...)
	b = wire.AppendUint32(wire.AppendUint64(b, p.serial), p.purpose)
	b = wire.AppendString(b, p.keyID)
	var principals []byte
	for _, name := range p.principals {
		principals = wire.AppendString(principals, name)
	}
	b = wire.AppendUint64(wire.AppendUint64(wire.AppendBytes(b, principals), p.after), p.before)
	b = wire.AppendBytes(wire.AppendBytes(b, optionBytes(p.critical)), optionBytes(p.extension))
	b = wire.AppendString(b, "") // reserved
	authority := p.authority
	if authority == nil {
		authority = p.signer.PublicKey().Marshal()
	}
	b = wire.AppendBytes(b, authority)
	algorithm := p.algorithm
	if algorithm == "" {
		algorithm = p.signer.Algorithms()[0]
	}
	return append(wire.AppendBytes(b, must(p.signer.Sign(nil, algorithm, b))), p.tail...)
}

// cert makes the certificate, which must parse.
func (p certParts) cert(t testing.TB) *Certificate {
	t.Helper()
	k, err := Limits{MinRSABits: 1024}.ParsePublicKey(p.blob())
	if err != nil {
		t.Fatal(err)
	}
	return k.(*Certificate)
}

// checker trusts the authority of the tests at the time of the tests.
func checker() *CertChecker {
	return &CertChecker{Authorities: []PublicKey{testKey("rsa"), testAuthority().PublicKey()}, Now: atNoon}
}

// certKeys returns a plain key of each type that is certified.
func certKeys() map[string]Signer {
	list := map[string]Signer{}
	for name, key := range testSigners() {
		if name != "ed448" {
			list[name] = must(NewSigner(key))
		}
	}
	for name, k := range softKeys() {
		list[name] = k
	}
	return list
}
