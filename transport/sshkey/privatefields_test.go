package sshkey

import (
	"bytes"
	"crypto"
	"errors"
	"testing"

	"github.com/hawser-ssh/hawser/wire"
)

func TestPrivateKeyFields(t *testing.T) {
	eachKey(t, func(t *testing.T, key crypto.Signer) {
		public := must(Limits{MinRSABits: LowestMinRSABits}.newPublicKey(key.Public()))
		certs := []*Certificate{nil}
		if public.kind.name != "ssh-ed448" {
			certs = append(certs, certFor(t, public))
		}
		for _, cert := range certs {
			b := must(AppendPrivateKey(nil, key, cert))
			r := wire.NewFieldReader(wire.AppendString(b, "behind"), "test")
			back, gotCert, err := ReadPrivateKey(&r)
			if err != nil || !equalKeys(back, key) || (cert == nil) != (gotCert == nil) {
				t.Fatalf("%v, certificate %v", err, gotCert)
			}
			if cert != nil && !bytes.Equal(gotCert.blob, cert.blob) {
				t.Error("another certificate")
			}
			if r.String("rest") != "behind" || r.Done() != nil {
				t.Error("what stands behind is lost")
			}
			for n := range b {
				r := wire.NewFieldReader(b[:n], "test")
				if _, _, err := ReadPrivateKey(&r); err == nil {
					t.Errorf("truncated after %d bytes and read", n)
				}
			}
		}
	})
}

// certFor returns a certificate for key by an authority of no meaning.
func certFor(t *testing.T, key *publicKey) *Certificate {
	t.Helper()
	authority := must(NewSigner(testSigners()["ed25519"]))
	name := ""
	for _, c := range certTypes {
		if c.key == key.kind.name {
			name = c.name
		}
	}
	b := wire.AppendString(wire.AppendString(nil, name), "nonce")
	b = key.key.appendFields(b)
	b = wire.AppendUint32(wire.AppendUint64(b, 1), uint32(UserCertificate))
	b = wire.AppendString(wire.AppendString(b, "id"), string(wire.AppendString(nil, "user")))
	b = wire.AppendUint64(wire.AppendUint64(b, 0), CertForever)
	b = wire.AppendString(wire.AppendString(wire.AppendString(b, ""), ""), "")
	b = wire.AppendBytes(b, authority.PublicKey().Marshal())
	b = wire.AppendBytes(b, must(authority.Sign(nil, "ssh-ed25519", b)))
	return must(ParsePublicKey(b)).(*Certificate)
}

func TestPrivateKeyFieldsRefused(t *testing.T) {
	ed, other := testSigners()["ed25519"], must(GenerateEd25519())
	cert := certFor(t, must(Limits{}.newPublicKey(ed.Public())))
	if _, err := AppendPrivateKey(nil, other, cert); !errors.Is(err, ErrCertificate) {
		t.Errorf("certificate for another key: %v", err)
	}
	if _, err := AppendPrivateKey(nil, fakeSigner{public: ed.Public()}, nil); !isUnsupported(err) {
		t.Errorf("key elsewhere: %v", err)
	}
	mixed := wire.AppendBytes(wire.AppendString(nil, cert.Type()), cert.Marshal())
	mixed, _ = appendEd25519Private(mixed, other)
	plain := wire.AppendBytes(wire.AppendString(nil, cert.Type()), cert.key.blob)
	huge := wire.AppendMpint(wire.AppendString(nil, "ssh-rsa"), bytes.Repeat([]byte{0xff}, 125_000))
	huge = wire.AppendMpint(wire.AppendMpint(huge, []byte{3}), []byte{3})
	for i := range 3 {
		huge = wire.AppendMpint(huge, []byte{byte(i + 1)})
	}
	for name, b := range map[string][]byte{
		"certificate for another key": mixed, "no certificate": plain, "RSA of 10^6 bits": huge,
		"security key": wire.AppendString(nil, "sk-ssh-ed25519@openssh.com"), "unknown type": wire.AppendString(nil, "x"),
	} {
		r := wire.NewFieldReader(b, "test")
		if key, _, err := ReadPrivateKey(&r); err == nil || key != nil {
			t.Errorf("%s: read", name)
		}
	}
}
