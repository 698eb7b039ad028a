package certstore

import (
	"bytes"
	"crypto"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"strings"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"

	"github.com/hawser-ssh/hawser/wire"
)

const (
	encryptedPKCS8 = "ENCRYPTED PRIVATE KEY"
	privateSuffix  = "PRIVATE KEY"
)

func hasPEM(data []byte) bool { return bytes.Contains(data, []byte("-----BEGIN ")) }

// parsePEM reads private keys in PEM, and the certificates and public keys
// beside them. One in DER is taken as well.
func parsePEM(in *input) ([]*Key, error) {
	if !hasPEM(in.data) {
		return parseDER(in)
	}
	var c collector
	found := false
	for block, rest := pem.Decode(in.data); block != nil; block, rest = pem.Decode(rest) {
		found = true
		if err := in.addBlock(&c, block); err != nil {
			return nil, err
		}
	}
	if !found {
		return nil, malformed("a PEM block is damaged")
	}
	return c.finish()
}

// publicBlocks are the types of PEM blocks with public halves, and what reads
// them. Blocks of other types, such as parameters, are left out.
var publicBlocks = map[string]func(c *collector, der []byte) error{
	"CERTIFICATE":         addX509,
	"X509 CERTIFICATE":    addX509,
	"TRUSTED CERTIFICATE": addTrusted,
	"PUBLIC KEY":          addSPKI,
	"RSA PUBLIC KEY":      addPKCS1Public,
}

// addBlock takes what is in a PEM block.
func (in *input) addBlock(c *collector, block *pem.Block) error {
	if add := publicBlocks[block.Type]; add != nil {
		return add(c, block.Bytes)
	}
	if !strings.HasSuffix(block.Type, privateSuffix) {
		return nil
	}
	defer clear(block.Bytes)
	if err := c.full(); err != nil {
		return err
	}
	if isBcrypt(block) {
		if err := in.spend(MaxIterations / MaxBcrypt); err != nil {
			return err
		}
	}
	switch block.Type {
	case encryptedPKCS8:
		der, err := in.decryptKey(block.Bytes)
		if err != nil {
			return err
		}
		defer clear(der)
		return decrypted(c.addPKCS8("", der))
	case "PRIVATE KEY":
		if block.Headers["DEK-Info"] == "" {
			return c.addPKCS8("", block.Bytes)
		}
	}
	return c.add(privateKey("", block, in.password))
}

// isBcrypt reports whether it is an OpenSSH key with a password. The name of
// the key derivation is near the front.
func isBcrypt(block *pem.Block) bool {
	return bytes.Contains(block.Bytes[:min(len(block.Bytes), 64)], []byte("bcrypt"))
}

func addX509(c *collector, der []byte) error {
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		return malformed("%w", err)
	}
	return c.addCertificate("", cert.Raw)
}

// addTrusted takes a certificate behind which OpenSSL says what it is for.
func addTrusted(c *collector, der []byte) error {
	s := cryptobyte.String(der)
	var cert cryptobyte.String
	if !s.ReadASN1Element(&cert, cbasn1.SEQUENCE) {
		return malformed("certificate")
	}
	return addX509(c, cert)
}

func addSPKI(c *collector, der []byte) error {
	key, err := parseSPKI(der)
	if err != nil {
		return c.add(nil, err)
	}
	return c.add(publicOf(key))
}

func addPKCS1Public(c *collector, der []byte) error {
	key, err := x509.ParsePKCS1PublicKey(der)
	if err != nil {
		return malformed("%w", err)
	}
	return c.add(publicOf(key))
}

// publicOf returns a key without private half, if SSH has such keys.
func publicOf(key crypto.PublicKey) (*Key, error) {
	public, err := accepted.NewPublicKey(key)
	if err != nil {
		return nil, keyError(err)
	}
	return publicOnly("", public)
}

// quoted returns a foreign name for an error.
func quoted(name string) string { return fmt.Sprintf("%q", wire.Escape(name, 64)) }
