package sshkey

import (
	"bytes"
	"crypto"
	"crypto/elliptic"
	"errors"
	"fmt"

	"github.com/hawser-ssh/hawser/wire"
)

// PublicKey is a public key as SSH knows it. The values that this package
// makes are immutable and safe for concurrent use.
type PublicKey interface {
	// Type returns the name that the key blob carries, such as "ssh-rsa".
	Type() string
	// Marshal returns the key blob (RFC 4253 §6.6), which the caller owns.
	Marshal() []byte
	// Verify returns nil if signature is a signature blob of data by this
	// key, made with algorithm and labelled so (RFC 4253 §6.6, RFC 8332 §3).
	// Otherwise errors.Is finds ErrAlgorithm when the algorithm does not fit
	// the key or the label, and ErrSignature in all other cases. It keeps
	// neither slice. A security key must have been touched; VerifyOptions
	// asks for less or more.
	Verify(algorithm string, data, signature []byte) error
	// CryptoPublicKey returns the key as the standard library has it:
	// ed25519.PublicKey, *ecdsa.PublicKey, *rsa.PublicKey, *dsa.PublicKey or
	// circl's ed448.PublicKey, not to be changed.
	// It is nil for an RSA key whose exponent does not fit an int, and for
	// security keys.
	CryptoPublicKey() crypto.PublicKey
}

// scheme is the mathematics of one public key.
type scheme interface {
	// appendFields appends what follows the type in the key blob.
	appendFields(b []byte) []byte
	// verify checks the body of a signature over digest.
	verify(a *algorithm, digest, body []byte) error
	// encode turns what a crypto.Signer returned into the body of a
	// signature blob, or fails if it does not have the form it must have.
	encode(raw []byte) ([]byte, error)
	// public returns the key for [PublicKey.CryptoPublicKey].
	public() crypto.PublicKey
}

// keyType is one type of key. Its functions are nil where there is no such
// thing for the type.
type keyType struct {
	name string
	// parse reads the fields behind the type of a key blob.
	parse func(r *wire.Reader, l Limits) (scheme, error)
	// from returns the key's scheme if key is one of this type.
	from func(key crypto.PublicKey, l Limits) (scheme, error)
	// parsePrivate reads the private fields in an openssh-key-v1 file.
	parsePrivate func(r *wire.Reader, l Limits) (crypto.Signer, error)
	// appendPrivate appends those fields; ok is false if key does not show them.
	appendPrivate func(b []byte, key crypto.Signer) (out []byte, ok bool)
}

// errOtherType is how keyType.from says that a key is not of its type.
var errOtherType = errors.New("key of another type")

// keyTypes lists the types that are built.
var keyTypes = [...]keyType{
	{"ssh-ed25519", parseEd25519, ed25519FromCrypto, parseEd25519Private, appendEd25519Private},
	ecdsaKeyType("ecdsa-sha2-nistp256", curve{"nistp256", elliptic.P256()}),
	ecdsaKeyType("ecdsa-sha2-nistp384", curve{"nistp384", elliptic.P384()}),
	ecdsaKeyType("ecdsa-sha2-nistp521", curve{"nistp521", elliptic.P521()}),
	{"ssh-rsa", parseRSA, rsaFromCrypto, parseRSAPrivate, appendRSAPrivate},
	{"ssh-ed448", parseEd448, ed448FromCrypto, parseEd448Private, appendEd448Private},
	{"ssh-dss", parseDSA, dsaFromCrypto, parseDSAPrivate, appendDSAPrivate},
	securityKeyType("sk-ssh-ed25519@openssh.com", parseEd25519),
	securityKeyType("sk-ecdsa-sha2-nistp256@openssh.com", curve{"nistp256", elliptic.P256()}.parse),
}

// lookupKeyType returns the row called name.
func lookupKeyType(name string) (*keyType, error) {
	for i := range keyTypes {
		if keyTypes[i].name == name {
			return &keyTypes[i], nil
		}
	}
	return nil, &UnsupportedError{What: "key type", Name: name}
}

// publicKey is a plain public key: a type and a scheme.
type publicKey struct {
	kind *keyType
	key  scheme
	blob []byte
}

// newPublicKey returns the key of that type, with its blob.
func newPublicKey(kind *keyType, key scheme) *publicKey {
	blob := key.appendFields(wire.AppendString(nil, kind.name))
	return &publicKey{kind: kind, key: key, blob: blob}
}

func (k *publicKey) Type() string                      { return k.kind.name }
func (k *publicKey) Marshal() []byte                   { return bytes.Clone(k.blob) }
func (k *publicKey) CryptoPublicKey() crypto.PublicKey { return k.key.public() }

func (k *publicKey) Verify(algorithm string, data, signature []byte) error {
	return k.verifyWith(VerifyOptions{}, algorithm, data, signature)
}

func (k *publicKey) verifyWith(o VerifyOptions, algorithm string, data, signature []byte) error {
	a, err := fittingAlgorithm(algorithm, k.kind.name)
	if err != nil {
		return err
	}
	return verifySignature(k.key, o, a, data, signature)
}

// String returns the type and the fingerprint.
func (k *publicKey) String() string { return k.kind.name + " " + Fingerprint(k) }

// ParsePublicKey parses a key blob (RFC 4253 §6.6) and checks the key: its
// size, and that points lie on their curve. An OpenSSH certificate is a
// *Certificate, a key with X.509 certificates an *X509Key; nothing of what they
// say is checked. A type that is not built is an
// *UnsupportedError, a size that is not accepted a *WeakKeyError, anything
// else that is wrong a *wire.ProtocolError. The blob is copied.
func ParsePublicKey(blob []byte) (PublicKey, error) { return Limits{}.ParsePublicKey(blob) }

// ParsePublicKey is like the function of that name, under limits of the caller.
func (l Limits) ParsePublicKey(blob []byte) (PublicKey, error) {
	if isBareDER(blob) {
		return orNil(l.parseBareX509(blob))
	}
	r := wire.NewFieldReader(blob, "key blob")
	name := r.Name("type")
	if kind := lookupX509Type(name); kind != nil {
		return orNil(l.parseX509Blob(kind, &r, blob))
	}
	if kind := lookupCertType(name); kind != nil {
		return orNil(l.parseCertificate(kind, &r, blob))
	}
	return orNil(l.parsePublicKey(blob))
}

// orNil keeps a nil pointer out of an interface.
func orNil[T PublicKey](k T, err error) (PublicKey, error) {
	if err != nil {
		return nil, err
	}
	return k, nil
}

// parsePublicKey parses the blob of a plain key.
func (l Limits) parsePublicKey(blob []byte) (*publicKey, error) {
	r := wire.NewFieldReader(blob, "key blob")
	name := r.Name("type")
	if err := r.Err(); err != nil {
		return nil, err
	}
	kind, err := lookupKeyType(name)
	if err != nil {
		return nil, err
	}
	key, err := kind.parse(&r, l)
	if err != nil {
		return nil, err
	}
	if err := r.Done(); err != nil {
		return nil, err
	}
	return newPublicKey(kind, key), nil
}

// NewPublicKey returns key, which is an ed25519.PublicKey, *ecdsa.PublicKey
// on a NIST curve, *rsa.PublicKey, *dsa.PublicKey or circl's ed448.PublicKey,
// as SSH knows it. Errors are as those of
// ParsePublicKey. The key must not be changed afterwards.
func NewPublicKey(key crypto.PublicKey) (PublicKey, error) { return Limits{}.NewPublicKey(key) }

// NewPublicKey is like the function of that name, under limits of the caller.
func (l Limits) NewPublicKey(key crypto.PublicKey) (PublicKey, error) {
	return orNil(l.newPublicKey(key))
}

func (l Limits) newPublicKey(key crypto.PublicKey) (*publicKey, error) {
	for i := range keyTypes {
		if keyTypes[i].from == nil {
			continue
		}
		s, err := keyTypes[i].from(key, l)
		if err == errOtherType {
			continue
		}
		if err != nil {
			return nil, err
		}
		return newPublicKey(&keyTypes[i], s), nil
	}
	return nil, &UnsupportedError{What: "key", Name: fmt.Sprintf("%T", key)}
}

// Equal reports whether a and b are the same key. Nil equals nothing.
func Equal(a, b PublicKey) bool {
	return a != nil && b != nil && bytes.Equal(a.Marshal(), b.Marshal())
}

// badBlob returns the error for a key whose blob is well-formed and whose
// value is not.
func badBlob(why string) error {
	return wire.Errorf(wire.ReasonProtocolError, "key blob", "%s", why)
}
