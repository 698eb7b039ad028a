package sshkey

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/sha256"
	"encoding/binary"
	"fmt"

	"github.com/hawser-ssh/hawser/wire"
)

// Keys of FIDO security keys, OpenSSH PROTOCOL.u2f: an Ed25519 or ECDSA key and
// the application that it was made for. What is signed is not the data, but
// hashes of application and data, with what the security key saw between them.

// skKey is the scheme of such a key. Only its authenticator can sign.
type skKey struct {
	scheme      // the key inside
	application string
}

// securityKeyType returns the row whose inner key parse reads.
func securityKeyType(name string, parse func(*wire.Reader, Limits) (scheme, error)) keyType {
	return keyType{name: name, parse: func(r *wire.Reader, l Limits) (scheme, error) {
		inner, err := parse(r, l)
		if err != nil {
			return nil, err
		}
		application := r.StringMax("application", MaxApplication)
		return skKey{scheme: inner, application: application}, r.Err()
	}}
}

func (k skKey) appendFields(b []byte) []byte {
	return wire.AppendString(k.scheme.appendFields(b), k.application)
}

// public returns nothing: a signature by the key inside alone means nothing.
func (k skKey) public() crypto.PublicKey { return nil }

func (k skKey) verify(*algorithm, []byte, []byte) error {
	return badSignature("security key signature without flags")
}

func (k skKey) encode([]byte) ([]byte, error) {
	return nil, badSignature("security keys sign elsewhere")
}

// The flags of a signature (PROTOCOL.u2f, "SSH U2F Signatures").
const (
	flagUserPresent  = 1 << 0
	flagUserVerified = 1 << 2
)

// SecurityKeySignature is what a security key says in a signature, beside the
// signature itself. It is to be believed only if that verifies.
type SecurityKeySignature struct {
	Flags   byte
	Counter uint32 // of signatures that it has made, 0 if it does not count
}

// UserPresent reports whether somebody touched the security key.
func (s SecurityKeySignature) UserPresent() bool { return s.Flags&flagUserPresent != 0 }

// UserVerified reports whether somebody showed the security key who he is, by
// a PIN or a finger.
func (s SecurityKeySignature) UserVerified() bool { return s.Flags&flagUserVerified != 0 }

// ParseSecurityKeySignature returns what stands behind the signature proper in
// the signature blob of a security key. An error is ErrSignature.
func ParseSecurityKeySignature(signature []byte) (SecurityKeySignature, error) {
	r := wire.NewFieldReader(signature, "signature")
	r.Name("label")
	r.Bytes("body")
	rest := r.Rest()
	if err := r.Done(); err != nil {
		return SecurityKeySignature{}, fmt.Errorf("%w: %w", ErrSignature, err)
	}
	return parseFlags(rest)
}

func parseFlags(rest []byte) (SecurityKeySignature, error) {
	r := wire.NewFieldReader(rest, "security key signature")
	s := SecurityKeySignature{Flags: r.Byte("flags"), Counter: r.Uint32("counter")}
	if err := r.Done(); err != nil {
		return SecurityKeySignature{}, fmt.Errorf("%w: %w", ErrSignature, err)
	}
	return s, nil
}

// verifyWith checks a signature over data and that it shows what o asks for.
func (k skKey) verifyWith(o VerifyOptions, a *algorithm, data, body, rest []byte) error {
	s, err := parseFlags(rest)
	if err != nil {
		return err
	}
	application, message := sha256.Sum256([]byte(k.application)), sha256.Sum256(data)
	signed := append(application[:], s.Flags)
	signed = binary.BigEndian.AppendUint32(signed, s.Counter)
	signed = append(signed, message[:]...)
	if _, ok := k.scheme.public().(*ecdsa.PublicKey); ok {
		sum := sha256.Sum256(signed)
		signed = sum[:]
	}
	if err := k.scheme.verify(a, signed, body); err != nil {
		return err
	}
	if !s.UserPresent() && !o.NoTouchRequired {
		return badSignature("security key was not touched")
	}
	if !s.UserVerified() && o.VerifyRequired {
		return badSignature("security key did not verify its user")
	}
	return nil
}

// VerifyOptions say what a signature has to show of the person who made it.
// The zero value is what PublicKey.Verify asks for.
type VerifyOptions struct {
	// NoTouchRequired accepts signatures of a security key that nobody touched:
	// no-touch-required of authorized_keys, or the certificate extension.
	NoTouchRequired bool
	// VerifyRequired refuses signatures that do not show that the security key
	// verified its user, among them those of all other keys: verify-required of
	// authorized_keys, or the critical option of certificates.
	VerifyRequired bool
}

// Verify is like key.Verify, with requirements as o has them. A key that is
// not of this package has to meet the strict ones.
func (o VerifyOptions) Verify(key PublicKey, algorithm string, data, signature []byte) error {
	type verifier interface {
		verifyWith(o VerifyOptions, algorithm string, data, signature []byte) error
	}
	if k, ok := key.(verifier); ok {
		return k.verifyWith(o, algorithm, data, signature)
	}
	if o.VerifyRequired {
		return errNotVerified
	}
	return key.Verify(algorithm, data, signature)
}

var errNotVerified = badSignature("user verification is required, which only security keys can show")

// VerifyOptions returns what the options of an authorized_keys line ask of
// signatures.
func (o *KeyOptions) VerifyOptions() VerifyOptions {
	return VerifyOptions{NoTouchRequired: o.NoTouchRequired, VerifyRequired: o.VerifyRequired}
}

// verifySignature checks a signature blob of key by algorithm a.
func verifySignature(key scheme, o VerifyOptions, a *algorithm, data, signature []byte) error {
	body, rest, err := a.parseSignature(signature)
	if err != nil {
		return err
	}
	if sk, ok := key.(skKey); ok {
		return sk.verifyWith(o, a, data, body, rest)
	}
	if len(rest) > 0 {
		return badSignature("bytes behind the signature")
	}
	if o.VerifyRequired {
		return errNotVerified
	}
	return key.verify(a, a.digest(data), body)
}
