package transport

import (
	"bytes"
	"errors"
	"fmt"
	"slices"

	"github.com/hawser-ssh/hawser/transport/sshkey"
	"github.com/hawser-ssh/hawser/wire"
)

// A server tells which host keys it has (hostkeys-00@openssh.com), and proves
// those that the client asks about (hostkeys-prove-00@openssh.com), so that a
// client can learn new keys before old ones go: OpenSSH PROTOCOL §2.5. The
// requests themselves belong to the connection protocol.

// maxHostKeyProofs bounds the signatures that a client can ask for.
const maxHostKeyProofs = 2 * wire.MaxHostKeys

// Faults of a proof.
var (
	// ErrHostKeyProof says that a server has not proved to own the keys that
	// it announced.
	ErrHostKeyProof = errors.New("transport: host keys not proved")

	errHostKeyAsked = errors.New("transport: proof asked for a host key that is not ours, or too often")
)

// AnnouncedHostKeys returns the payload of a server's hostkeys-00@openssh.com:
// its host keys that can be used on this connection, each once. Certificates
// are not among them.
func (c *Conn) AnnouncedHostKeys() []byte {
	var payload []byte
	for _, s := range c.announced() {
		payload = wire.AppendBytes(payload, s.PublicKey().Marshal())
	}
	return payload
}

// announced are the signers of the keys, at most wire.MaxHostKeys.
func (c *Conn) announced() []sshkey.Signer {
	var list []sshkey.Signer
	for _, s := range c.cfg.HostKeys {
		usable := slices.ContainsFunc(s.Algorithms(), func(name string) bool {
			return slices.Contains(c.cfg.hostKeyAlgorithms(), name)
		})
		known := slices.ContainsFunc(list, func(o sshkey.Signer) bool { return sshkey.Equal(o.PublicKey(), s.PublicKey()) })
		if usable && !known && isPlain(s.PublicKey()) && len(list) < wire.MaxHostKeys {
			list = append(list, s)
		}
	}
	return list
}

// isPlain reports whether a key comes without a certificate.
func isPlain(key sshkey.PublicKey) bool {
	switch key.(type) {
	case *sshkey.Certificate, *sshkey.X509Key:
		return false
	}
	return true
}

// ProveHostKeys returns the answer to a client's hostkeys-prove-00@openssh.com
// of that payload: a signature for each key. An error, also after many
// requests, means that the request is to be refused. Only one goroutine at a
// time may call it.
func (c *Conn) ProveHostKeys(request []byte) ([]byte, error) {
	var asked wire.HostKeys
	if err := asked.Parse(request); err != nil {
		return nil, err
	}
	announced := c.announced()
	var reply []byte
	for blob := range asked.All() {
		i := slices.IndexFunc(announced, func(s sshkey.Signer) bool { return bytes.Equal(s.PublicKey().Marshal(), blob) })
		if c.proofs++; i < 0 || c.proofs > maxHostKeyProofs {
			return nil, errHostKeyAsked
		}
		signature, err := announced[i].Sign(c.cfg.Rand, c.proofAlgorithm(announced[i]), c.proofData(blob))
		if err != nil {
			return nil, err
		}
		reply = wire.AppendBytes(reply, signature)
	}
	return reply, nil
}

// proofAlgorithm is what a key proves itself with: what the key exchange agreed
// on where it fits, as OpenSSH's client wants it for RSA.
func (c *Conn) proofAlgorithm(s sshkey.Signer) string {
	names := s.Algorithms()
	if agreed := c.Algorithms().HostKey; slices.Contains(names, agreed) {
		return agreed
	}
	return names[0]
}

// proofData is what a proof signs.
func (c *Conn) proofData(blob []byte) []byte {
	data := wire.AppendString(nil, wire.RequestHostKeysProve)
	data = wire.AppendBytes(data, c.SessionID())
	return wire.AppendBytes(data, blob)
}

// HostKeyCandidates returns the keys of a server's hostkeys-00@openssh.com of
// that payload that the client could use, each once, in their order. Nothing
// is proven yet. More than wire.MaxHostKeys are an error.
func (c *Conn) HostKeyCandidates(announcement []byte) ([]sshkey.PublicKey, error) {
	var told wire.HostKeys
	if err := told.Parse(announcement); err != nil {
		return nil, err
	}
	var keys []sshkey.PublicKey
	for blob := range told.All() {
		key, err := c.cfg.KeyLimits.ParsePublicKey(blob)
		if err != nil || !isPlain(key) || len(c.acceptable(key)) == 0 {
			continue // of a type that we do not know or want
		}
		if !slices.ContainsFunc(keys, func(k sshkey.PublicKey) bool { return sshkey.Equal(k, key) }) {
			keys = append(keys, key)
		}
	}
	return keys, nil
}

// acceptable are the algorithms by which the client lets a key prove itself.
func (c *Conn) acceptable(key sshkey.PublicKey) []string {
	return slices.DeleteFunc(slices.Clone(c.cfg.hostKeyAlgorithms()), func(name string) bool {
		return sshkey.KeyType(name) != key.Type()
	})
}

// HostKeyProofRequest returns the payload of a client's
// hostkeys-prove-00@openssh.com for keys.
func HostKeyProofRequest(keys []sshkey.PublicKey) []byte {
	var payload []byte
	for _, key := range keys {
		payload = wire.AppendBytes(payload, key.Marshal())
	}
	return payload
}

// VerifyHostKeys returns nil if reply, the answer to HostKeyProofRequest,
// proves that the server owns all of keys, and else an error that is
// ErrHostKeyProof: then none of them is to be believed.
func (c *Conn) VerifyHostKeys(keys []sshkey.PublicKey, reply []byte) error {
	r := wire.NewFieldReader(reply, "host key proof")
	for _, key := range keys {
		if err := c.verifyHostKey(key, r.Bytes("signature")); err != nil {
			return fmt.Errorf("%w: %w", ErrHostKeyProof, err)
		}
	}
	if err := r.Done(); err != nil {
		return fmt.Errorf("%w: %w", ErrHostKeyProof, err)
	}
	return nil
}

func (c *Conn) verifyHostKey(key sshkey.PublicKey, signature []byte) error {
	err := errors.New("no algorithm fits")
	for _, name := range c.acceptable(key) {
		if err = key.Verify(name, c.proofData(key.Marshal()), signature); err == nil {
			return nil
		}
	}
	return err
}
