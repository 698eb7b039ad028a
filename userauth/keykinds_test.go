package userauth

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"io"
	"slices"
	"testing"

	"github.com/hawser-ssh/hawser/transport/sshkey"
	"github.com/hawser-ssh/hawser/wire"
)

const (
	skName   = "sk-ssh-ed25519@openssh.com"
	certName = "ssh-ed25519-cert-v01@openssh.com"
)

// softKey is a security key in software (OpenSSH PROTOCOL.u2f).
type softKey struct {
	inner ed25519.PrivateKey
	flags byte // 1: touched, 4: user verified
}

func newSoftKey(flags byte) softKey {
	return softKey{ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize)), flags}
}

func (k softKey) PublicKey() sshkey.PublicKey {
	blob := wire.AppendBytes(wire.AppendString(nil, skName), k.inner.Public().(ed25519.PublicKey))
	key, err := sshkey.ParsePublicKey(wire.AppendString(blob, "ssh:"))
	if err != nil {
		panic(err)
	}
	return key
}

func (k softKey) Algorithms() []string { return []string{skName} }

func (k softKey) Sign(_ io.Reader, _ string, data []byte) ([]byte, error) {
	application, message := sha256.Sum256([]byte("ssh:")), sha256.Sum256(data)
	shown := binary.BigEndian.AppendUint32([]byte{k.flags}, 1)
	signature := ed25519.Sign(k.inner, slices.Concat(application[:], shown, message[:]))
	return append(wire.AppendBytes(wire.AppendString(nil, skName), signature), shown...), nil
}

// demanding accepts all keys and demands that of their signatures.
func demanding(o sshkey.VerifyOptions) *ServerConfig {
	cfg := anyKey()
	cfg.SignatureAlgorithms = append(append(sshkey.DefaultAlgorithms(), skName), certName)
	cfg.PublicKey = func(context.Context, *Attempt, sshkey.PublicKey, string, bool) Result {
		return Result{Outcome: Accept, Verify: o}
	}
	return cfg
}

func TestKEY07SecurityKeys(t *testing.T) {
	const touched, verified = 1, 4
	noTouch, verify := sshkey.VerifyOptions{NoTouchRequired: true}, sshkey.VerifyOptions{VerifyRequired: true}
	for name, test := range map[string]struct {
		signer  sshkey.Signer
		options sshkey.VerifyOptions
		ok      bool
	}{
		"touched":                      {newSoftKey(touched), sshkey.VerifyOptions{}, true},
		"not touched":                  {newSoftKey(0), sshkey.VerifyOptions{}, false},
		"verified, not touched":        {newSoftKey(verified), sshkey.VerifyOptions{}, false},
		"not touched, as granted":      {newSoftKey(0), noTouch, true},
		"touched, verification wanted": {newSoftKey(touched), verify, false},
		"verified, as wanted":          {newSoftKey(touched | verified), verify, true},
		"plain key, verification":      {keyA(), verify, false},
		"plain key, no touch":          {keyA(), noTouch, true},
	} {
		t.Run(name, func(t *testing.T) {
			out := serve(t, demanding(test.options), func(s *script) {
				s.hello()
				s.send(queryRequest(test.signer, "bob"))
				s.want(pkOK(test.signer))
				s.send(signedRequest(test.signer, "bob"))
				if test.ok {
					s.want(wire.UserauthSuccess{})
				} else {
					s.failure("publickey")
				}
			})
			if test.ok != (out.login != nil) {
				t.Errorf("login %+v", out.login)
			}
		})
	}
}

// TestVerifyTightened: what the last answer demands counts too.
func TestVerifyTightened(t *testing.T) {
	cfg := demanding(sshkey.VerifyOptions{})
	cfg.PublicKey = func(_ context.Context, _ *Attempt, _ sshkey.PublicKey, _ string, verified bool) Result {
		return Result{Outcome: Accept, Verify: sshkey.VerifyOptions{NoTouchRequired: !verified}}
	}
	serve(t, cfg, func(s *script) {
		s.hello()
		s.send(signedRequest(newSoftKey(0), "bob"))
		s.failure("publickey")
	}).rejected(t)
}

// TestVerifiedNeverAfterDenial: a key that is denied is not asked about as one
// that was proven.
func TestVerifiedNeverAfterDenial(t *testing.T) {
	cfg := demanding(sshkey.VerifyOptions{})
	cfg.PublicKey = func(_ context.Context, _ *Attempt, _ sshkey.PublicKey, _ string, verified bool) Result {
		if verified {
			t.Error("asked again")
		}
		return acceptIf(verified)
	}
	serve(t, cfg, func(s *script) {
		s.hello()
		s.send(signedRequest(newSoftKey(1), "bob"))
		s.failure("publickey")
	}).rejected(t)
}

func TestSecurityKeyNotListed(t *testing.T) {
	serve(t, anyKey(), func(s *script) {
		s.hello()
		s.send(signedRequest(newSoftKey(1), "bob"))
		s.failure("publickey")
	}).rejected(t)
}

// certified returns signer with a certificate by keyB.
func certified(t *testing.T, signer sshkey.Signer) sshkey.Signer {
	t.Helper()
	var nonce [32]byte
	rand.Read(nonce[:])
	plain := signer.PublicKey().Marshal()
	b := wire.AppendBytes(wire.AppendString(nil, certName), nonce[:])
	b = append(b, plain[4+len(signer.PublicKey().Type()):]...)
	b = wire.AppendUint32(wire.AppendUint64(b, 1), uint32(sshkey.UserCertificate))
	b = wire.AppendBytes(wire.AppendString(b, "id"), wire.AppendString(nil, "bob"))
	b = wire.AppendUint64(wire.AppendUint64(b, 0), sshkey.CertForever)
	b = wire.AppendString(wire.AppendString(wire.AppendString(b, ""), ""), "") // options, extensions, reserved
	b = wire.AppendBytes(b, keyB().PublicKey().Marshal())
	key, err := sshkey.ParsePublicKey(wire.AppendBytes(b, mustSign(keyB(), "ssh-ed25519", b)))
	if err != nil {
		t.Fatal(err)
	}
	with, err := sshkey.NewCertSigner(key.(*sshkey.Certificate), signer)
	if err != nil {
		t.Fatal(err)
	}
	return with
}

// TestAUT16CertificateIsNoOtherFactor: a key counts once, with a certificate,
// without one, or with another one.
func TestAUT16CertificateIsNoOtherFactor(t *testing.T) {
	plain := keyA()
	with, another := certified(t, plain), certified(t, plain)
	for name, test := range map[string]struct {
		first, second sshkey.Signer
		ok            bool
	}{
		"plain, certificate":          {plain, with, false},
		"certificate, plain":          {with, plain, false},
		"certificate, other one":      {with, another, false},
		"certificate, its authority":  {with, keyB(), true},
		"certificate, another's cert": {with, certified(t, keyB()), true},
	} {
		t.Run(name, func(t *testing.T) {
			cfg := demanding(sshkey.VerifyOptions{})
			cfg.Chains = [][]string{{"publickey", "publickey"}}
			out := serve(t, cfg, func(s *script) {
				s.hello()
				s.send(signedRequest(test.first, "bob"))
				s.partial("publickey")
				s.send(signedRequest(test.second, "bob"))
				if test.ok {
					s.want(wire.UserauthSuccess{})
				} else {
					s.failure("publickey")
				}
			})
			if test.ok != (out.login != nil) {
				t.Errorf("login %+v", out.login)
			}
		})
	}
}
