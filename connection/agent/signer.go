package agent

import (
	"context"
	"io"

	"github.com/hawser-ssh/hawser/transport/sshkey"
)

// Signers returns the agent's keys to log in with, in its order, without those
// of types that are not built. They ask the agent for each signature, until ctx
// ends or the client is closed.
//
// RSA keys sign with rsa-sha2-512 and rsa-sha2-256 alone.
func (c *Client) Signers(ctx context.Context) ([]sshkey.Signer, error) {
	list, err := c.List(ctx)
	if err != nil {
		return nil, err
	}
	var signers []sshkey.Signer
	for _, i := range list {
		if i.Key != nil {
			signers = append(signers, &agentSigner{ctx, c, i.Key})
		}
	}
	return signers, nil
}

// agentSigner is a key of an agent.
type agentSigner struct {
	ctx    context.Context // of Signers: an sshkey.Signer has none of its own
	client *Client
	key    sshkey.PublicKey
}

func (s *agentSigner) PublicKey() sshkey.PublicKey { return s.key }
func (s *agentSigner) Algorithms() []string        { return sshkey.AlgorithmsFor(s.key.Type()) }

func (s *agentSigner) Sign(_ io.Reader, algorithm string, data []byte) ([]byte, error) {
	if sshkey.KeyType(algorithm) != s.key.Type() {
		return nil, sshkey.ErrAlgorithm
	}
	return s.client.Sign(s.ctx, s.key, algorithm, data)
}
