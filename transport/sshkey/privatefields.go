package sshkey

import (
	"bytes"
	"crypto"
	"fmt"
	"math/big"

	"github.com/hawser-ssh/hawser/wire"
)

// AppendPrivateKey appends a private key as agents are given it (RFC 9987): its
// type and its fields, or with a certificate the certificate's type, the
// certificate, and the fields that this does not have. Keys are those of
// MarshalPrivateKey, others are an *UnsupportedError; cert may be nil and is
// ErrCertificate if it is for another key. The result holds the secret.
func AppendPrivateKey(b []byte, key crypto.Signer, cert *Certificate) ([]byte, error) {
	public, err := Limits{MinRSABits: LowestMinRSABits}.newPublicKey(key.Public())
	if err != nil {
		return nil, err
	}
	fields, ok := public.kind.appendPrivate(nil, key)
	if !ok {
		return nil, &UnsupportedError{What: "private key", Name: fmt.Sprintf("%T", key)}
	}
	defer clear(fields)
	if cert == nil {
		return append(wire.AppendString(b, public.kind.name), fields...), nil
	}
	if !Equal(cert.key, public) {
		return nil, fmt.Errorf("%w: it is for another key", ErrCertificate)
	}
	b = wire.AppendBytes(wire.AppendString(b, cert.kind.name), cert.blob)
	return append(b, fields[len(leadingFields(cert.key)):]...), nil
}

// ReadPrivateKey reads what AppendPrivateKey appends; cert is nil where there
// is none, and is not checked. The fields of the key must fit together and
// belong to the certificate. Errors are those of ParsePrivateKey; what r has
// left is not looked at.
func ReadPrivateKey(r *wire.Reader) (key crypto.Signer, cert *Certificate, err error) {
	return Limits{}.ReadPrivateKey(r)
}

// ReadPrivateKey is like the function of that name, under limits of the caller.
func (l Limits) ReadPrivateKey(r *wire.Reader) (key crypto.Signer, cert *Certificate, err error) {
	name := r.Name("type")
	if kind := lookupCertType(name); kind != nil {
		if cert, err = l.readCertificate(kind, r); err != nil {
			return nil, nil, err
		}
		name = kind.key
	}
	if err := r.Err(); err != nil {
		return nil, nil, fmt.Errorf("%w: %w", ErrKeyFile, err)
	}
	kind, err := lookupKeyType(name)
	if err != nil {
		return nil, nil, err
	}
	if kind.parsePrivate == nil {
		return nil, nil, &UnsupportedError{What: "private key", Name: name}
	}
	rest := r.Rest()
	fields := rest
	if cert != nil {
		fields = append(leadingFields(cert.key), rest...)
		defer clear(fields)
	}
	inner := wire.NewFieldReader(fields, "private key")
	if key, err = kind.parsePrivate(&inner, l); err != nil {
		return nil, nil, keyFileError(err)
	}
	*r = wire.NewFieldReader(rest[len(rest)-inner.Len():], "what follows a private key")
	if cert != nil {
		if public, err := l.newPublicKey(key.Public()); err != nil || !bytes.Equal(public.blob, cert.key.blob) {
			return nil, nil, badFile("certificate is for another key")
		}
	}
	return key, cert, nil
}

// readCertificate reads the certificate in front of the private fields.
func (l Limits) readCertificate(kind *certType, r *wire.Reader) (*Certificate, error) {
	blob := r.BytesMax("certificate", MaxCertificate)
	if err := r.Err(); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrKeyFile, err)
	}
	inner := wire.NewFieldReader(blob, "certificate")
	if inner.String("type") != kind.name {
		return nil, badFile("certificate of another type")
	}
	cert, err := l.parseCertificate(kind, &inner, blob)
	if err != nil {
		return nil, keyFileError(err)
	}
	return cert, nil
}

// leadingFields returns the public fields that the private part of a plain key
// begins with, and one with a certificate leaves out. Ed25519 repeats its own.
func leadingFields(key *publicKey) []byte {
	switch k := key.key.(type) {
	case ed25519Key, ed448Key:
		return nil
	case rsaKey: // the other way round than in the public key
		return appendMpints(nil, k.n, new(big.Int).SetUint64(uint64(k.e)))
	}
	return key.key.appendFields(nil)
}
