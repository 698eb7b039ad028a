package certstore

import (
	"bytes"
	"crypto"
	"crypto/x509"
	"encoding/asn1"
	"slices"

	"github.com/cloudflare/circl/sign/ed448"
	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"

	"github.com/hawser-ssh/hawser/transport/sshkey"
)

// assemble gives each key the certificates that are for it. Those that no
// private key needs become keys without a private half.
func assemble(keys []*Key, certs []*x509.Certificate) []*Key {
	var used []*x509.Certificate
	for _, k := range keys {
		if len(k.Chain) > 0 {
			continue
		}
		if i := slices.IndexFunc(certs, func(c *x509.Certificate) bool { return samePublic(k.Public, publicKey(c)) }); i >= 0 {
			k.Chain = chainFrom(certs[i], certs)
			used = append(used, k.Chain...)
		}
	}
	for _, c := range certs {
		if !slices.Contains(used, c) {
			keys = append(keys, &Key{Public: publicKey(c), Chain: chainFrom(c, certs)})
		}
	}
	return keys
}

// chainFrom returns a certificate and those of certs that issued one another
// above it, by their names. The root is among them if it is in the store.
func chainFrom(c *x509.Certificate, certs []*x509.Certificate) []*x509.Certificate {
	chain := []*x509.Certificate{c}
	for len(chain) < sshkey.MaxX509Chain {
		last := chain[len(chain)-1]
		next := slices.IndexFunc(certs, func(c *x509.Certificate) bool {
			return bytes.Equal(c.RawSubject, last.RawIssuer) && !slices.Contains(chain, c)
		})
		if next < 0 {
			break
		}
		chain = append(chain, certs[next])
	}
	return chain
}

// oidEd448 is id-Ed448 of RFC 8410 §3, which crypto/x509 does not know.
var oidEd448 = asn1.ObjectIdentifier{1, 3, 101, 113}

// publicKey returns the key of a certificate, nil if its type is unknown.
func publicKey(c *x509.Certificate) crypto.PublicKey {
	if c.PublicKey != nil {
		return c.PublicKey
	}
	key, _ := parseSPKI(c.RawSubjectPublicKeyInfo)
	return key
}

// parseSPKI reads SubjectPublicKeyInfo (RFC 5280 §4.1).
func parseSPKI(der []byte) (crypto.PublicKey, error) {
	s := cryptobyte.String(der)
	var seq cryptobyte.String
	var bits asn1.BitString
	if !s.ReadASN1(&seq, cbasn1.SEQUENCE) || !s.Empty() {
		return nil, malformed("public key")
	}
	oid, _, err := readAlgorithm(&seq)
	if err != nil {
		return nil, err
	}
	if oid.Equal(oidEd448) {
		if !seq.ReadASN1BitString(&bits) || len(bits.Bytes) != ed448.PublicKeySize {
			return nil, malformed("Ed448 public key")
		}
		return ed448.PublicKey(bits.Bytes), nil
	}
	key, err := x509.ParsePKIXPublicKey(der)
	if err != nil {
		return nil, because(ErrUnsupported, "%w", err)
	}
	return key, nil
}

// samePublic reports whether two public keys are the same.
func samePublic(a, b crypto.PublicKey) bool {
	x, err := accepted.NewPublicKey(a)
	if err != nil {
		return false
	}
	y, err := accepted.NewPublicKey(b)
	return err == nil && sshkey.Equal(x, y)
}
