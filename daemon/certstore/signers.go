package certstore

import (
	"bytes"

	"github.com/hawser-ssh/hawser/transport/sshkey"
)

// Signers returns what SSH can use the key as: the plain key, then, where it
// has a certificate, the X.509 keys (RFC 6187) that fit. Errors are those of
// sshkey.NewSigner, and ErrNoPrivateKey.
func (k *Key) Signers() ([]sshkey.Signer, error) { return k.SignersWithin(sshkey.Limits{}) }

// SignersWithin is like Signers, under limits of the caller.
func (k *Key) SignersWithin(l sshkey.Limits) ([]sshkey.Signer, error) {
	if k.Signer == nil {
		return nil, ErrNoPrivateKey
	}
	plain, err := l.NewSigner(k.Signer)
	if err != nil {
		return nil, err
	}
	sent := k.Chain
	if n := len(sent); n > 1 && bytes.Equal(sent[n-1].RawIssuer, sent[n-1].RawSubject) {
		sent = sent[:n-1] // who trusts the root has it
	}
	return append([]sshkey.Signer{plain}, l.NewX509Signers(k.Signer, sent...)...), nil
}
