package certstore

import (
	"bytes"
	"crypto"
	"crypto/x509"
	"slices"

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

// publicKey returns the key of a certificate, nil if its type is unknown.
func publicKey(c *x509.Certificate) crypto.PublicKey { return c.PublicKey }

// samePublic reports whether two public keys are the same.
func samePublic(a, b crypto.PublicKey) bool {
	x, err := accepted.NewPublicKey(a)
	if err != nil {
		return false
	}
	y, err := accepted.NewPublicKey(b)
	return err == nil && sshkey.Equal(x, y)
}
