package certstore

import (
	"bytes"
	"crypto/x509"
	"encoding/asn1"
	"encoding/pem"
	"errors"
	"slices"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"

	"github.com/hawser-ssh/hawser/transport/sshkey"
)

// collector gathers what a parser finds.
type collector struct {
	keys    []*Key
	private int // of keys
	certs   []*x509.Certificate
	names   []string // of certs
	skipped error    // the first key that is well-formed and cannot be used
}

// accepted are the keys that a store may have. Which are strong enough for SSH
// is for the user of the key to say: sshkey.NewSigner asks for more.
var accepted = sshkey.Limits{MinRSABits: sshkey.LowestMinRSABits}

// full says that there is no more room.
func (c *collector) full() error {
	if len(c.keys)+len(c.certs) >= MaxEntries {
		return because(ErrTooCostly, "more than %d keys and certificates", MaxEntries)
	}
	return nil
}

// add takes a key, or the error that there was instead. A key that is of no
// use here, because of its type or size, does not spoil the others.
func (c *collector) add(key *Key, err error) error {
	if errors.Is(err, ErrUnsupported) {
		if c.skipped == nil {
			c.skipped = err
		}
		return nil
	}
	if err == nil {
		err = c.full()
	}
	if err == nil && key.Signer != nil {
		if c.private++; c.private > MaxPrivate {
			err = because(ErrTooCostly, "more than %d private keys", MaxPrivate)
		}
	}
	if err == nil {
		c.keys = append(c.keys, key)
	}
	return err
}

// addCertificate takes a certificate in DER. One that Go does not read is left
// out, as a key would be.
func (c *collector) addCertificate(name string, der []byte) error {
	if err := c.full(); err != nil {
		return err
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		return c.add(nil, because(ErrUnsupported, "%w", err))
	}
	c.certs, c.names = append(c.certs, cert), append(c.names, name)
	return nil
}

// addPKCS8 takes PrivateKeyInfo (RFC 5208 §5), and the certificates for it in
// DER where the store has them beside it.
func (c *collector) addPKCS8(name string, der []byte, chain ...[]byte) error {
	if err := knownPKCS8(der); err != nil {
		return c.add(nil, err)
	}
	key, err := privateKey(name, &pem.Block{Type: "PRIVATE KEY", Bytes: der}, "")
	if err != nil {
		return c.add(nil, err)
	}
	for _, der := range chain {
		cert, err := x509.ParseCertificate(der)
		if err != nil || len(key.Chain) == 0 && !samePublic(key.Public, publicKey(cert)) {
			break
		}
		key.Chain = append(key.Chain, cert)
	}
	return c.add(key, nil)
}

// Types of keys, and the curves of ECDSA, that sshkey reads from PKCS #8.
var (
	oidECDSA  = asn1.ObjectIdentifier{1, 2, 840, 10045, 2, 1}
	oidDSA    = asn1.ObjectIdentifier{1, 2, 840, 10040, 4, 1}
	keyTypes  = [...]asn1.ObjectIdentifier{{1, 2, 840, 113549, 1, 1, 1}, oidECDSA, oidDSA, {1, 3, 101, 112}, oidEd448}
	keyCurves = [...]asn1.ObjectIdentifier{{1, 2, 840, 10045, 3, 1, 7}, {1, 3, 132, 0, 34}, {1, 3, 132, 0, 35}}
)

// knownPKCS8 is ErrUnsupported for keys of other types, such as those for key
// agreement or on other curves.
func knownPKCS8(der []byte) error {
	s := cryptobyte.String(der)
	var seq cryptobyte.String
	var curve asn1.ObjectIdentifier
	if !s.ReadASN1(&seq, cbasn1.SEQUENCE) || !seq.SkipASN1(cbasn1.INTEGER) {
		return malformed("private key")
	}
	oid, params, err := readAlgorithm(&seq)
	if err != nil {
		return err
	}
	if !slices.ContainsFunc(keyTypes[:], oid.Equal) {
		return because(ErrUnsupported, "private key of type %v", oid)
	}
	if oid.Equal(oidDSA) {
		return knownDSA(params)
	}
	if oid.Equal(oidECDSA) && (!params.ReadASN1ObjectIdentifier(&curve) || !slices.ContainsFunc(keyCurves[:], curve.Equal)) {
		return because(ErrUnsupported, "private key on the curve %v", curve)
	}
	return nil
}

// knownDSA is ErrUnsupported for keys of other sizes than the one of SSH
// (RFC 4253 §6.6): 1024 bits and 160 of the order, with one for the sign.
func knownDSA(params cryptobyte.String) error {
	var seq, p, q cryptobyte.String
	if !params.ReadASN1(&seq, cbasn1.SEQUENCE) || !seq.ReadASN1(&p, cbasn1.INTEGER) || !seq.ReadASN1(&q, cbasn1.INTEGER) {
		return malformed("DSA parameters")
	}
	if len(p) > 1024/8+1 || len(q) > 160/8+1 {
		return because(ErrUnsupported, "DSA key of %d bits with %d of the order: SSH has 1024 and 160", 8*(len(p)-1), 8*(len(q)-1))
	}
	return nil
}

// finish returns the keys, each with its certificates. That a key could not be
// used is an error if there is no other.
func (c *collector) finish() ([]*Key, error) {
	if len(c.keys) == 0 && c.skipped != nil {
		return nil, c.skipped
	}
	keys := assemble(c.keys, c.certs)
	for _, k := range keys {
		for i, cert := range c.certs {
			if k.Name == "" && len(k.Chain) > 0 && bytes.Equal(k.Chain[0].Raw, cert.Raw) {
				k.Name = c.names[i]
			}
		}
	}
	return keys, nil
}

// privateKey returns the private key in a block. sshkey checks it: its sizes,
// and that its halves belong together.
func privateKey(name string, block *pem.Block, password string) (*Key, error) {
	text := pem.EncodeToMemory(block)
	defer clear(text)
	signer, comment, err := accepted.ParsePrivateKey(text, []byte(password))
	if err != nil {
		return nil, keyError(err)
	}
	if name == "" {
		name = comment
	}
	return &Key{Name: name, Signer: signer, Public: signer.Public()}, nil
}

// keyError makes an error of this package of one of sshkey.
func keyError(err error) error {
	switch {
	case errors.Is(err, sshkey.ErrPassphraseMissing), errors.Is(err, sshkey.ErrPassphraseWrong):
		return because(ErrPassword, "%w", err)
	case isType[*sshkey.UnsupportedError](err), isType[*sshkey.WeakKeyError](err):
		return because(ErrUnsupported, "%w", err)
	}
	return malformed("%w", err)
}

func isType[E error](err error) bool { _, ok := errors.AsType[E](err); return ok }

// decrypted says what an error about something that was decrypted means: one
// password in 256 makes padding that fits by chance.
func decrypted(err error) error {
	if errors.Is(err, ErrMalformed) {
		return because(ErrPassword, "what was decrypted makes no sense: %w", err)
	}
	return err
}
