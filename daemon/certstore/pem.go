package certstore

import (
	"bytes"
	"crypto/x509"
	"encoding/pem"
	"errors"

	"github.com/hawser-ssh/hawser/transport/sshkey"
)

// accepted are the keys that a store may have. Which are strong enough for SSH
// is for the user of the key to say: sshkey.NewSigner asks for more.
var accepted = sshkey.Limits{MinRSABits: sshkey.LowestMinRSABits}

// parsePEM reads private keys in PEM, and the certificates beside them.
func parsePEM(in *input) ([]*Key, error) {
	data := in.data
	if !bytes.Contains(data, []byte("-----BEGIN ")) {
		if inner, ok := unbase64(data); ok {
			data = inner
		}
	}
	var keys []*Key
	var certs []*x509.Certificate
	for block, rest := pem.Decode(data); block != nil; block, rest = pem.Decode(rest) {
		switch {
		case block.Type == "CERTIFICATE":
			cert, err := x509.ParseCertificate(block.Bytes)
			if err != nil {
				return nil, malformed("%w", err)
			}
			certs = append(certs, cert)
		case bytes.HasSuffix([]byte(block.Type), []byte("PRIVATE KEY")):
			key, err := parsePEMKey(block, in.password)
			if err != nil {
				return nil, err
			}
			keys = append(keys, key)
		}
	}
	return assemble(keys, certs), nil
}

func parsePEMKey(block *pem.Block, password string) (*Key, error) {
	text := pem.EncodeToMemory(block)
	defer clear(text)
	signer, comment, err := accepted.ParsePrivateKey(text, []byte(password))
	if err != nil {
		return nil, keyError(err)
	}
	return &Key{Name: comment, Signer: signer, Public: signer.Public()}, nil
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
