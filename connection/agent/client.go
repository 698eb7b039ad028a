package agent

import (
	"context"
	"crypto"
	"errors"
	"fmt"
	"io"
	"sync"

	"github.com/hawser-ssh/hawser/transport/sshkey"
	"github.com/hawser-ssh/hawser/wire"
)

// Client asks an agent. Its methods may be called from any goroutine; the agent
// is asked one thing at a time. A context that ends during a request closes the
// connection, since nobody knows what an answer that still comes would be to.
type Client struct {
	mu   sync.Mutex
	conn io.ReadWriteCloser
	err  error // why nothing can be asked any more
}

// NewClient returns a client on conn, which it takes.
func NewClient(conn io.ReadWriteCloser) *Client { return &Client{conn: conn} }

// Close closes the connection. What waits for an answer gets an error.
func (c *Client) Close() error { return c.conn.Close() }

// call sends a request, which it wipes, and returns the answer.
func (c *Client) call(ctx context.Context, request []byte) ([]byte, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.err != nil {
		return nil, c.err
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if len(request) > MaxMessage { // nothing has been sent: the connection goes on
		return nil, tooLarge(len(request))
	}
	stop := context.AfterFunc(ctx, func() { c.conn.Close() })
	err := writeMessage(c.conn, request)
	var reply []byte
	if err == nil {
		reply, err = readMessage(c.conn)
	}
	if !stop() {
		err = context.Cause(ctx)
	}
	if err != nil {
		return nil, c.brokenLocked(err)
	}
	return reply, nil
}

// brokenLocked ends the connection and returns the error for it.
func (c *Client) brokenLocked(err error) error {
	if errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF // there was an answer due
	}
	c.err = fmt.Errorf("agent: connection ended: %w", err)
	c.conn.Close()
	return c.err
}

// broken is brokenLocked for an answer that makes no sense.
func (c *Client) broken(err error) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !errors.Is(err, ErrProtocol) {
		err = because(ErrProtocol, "%w", err)
	}
	return c.brokenLocked(err)
}

// ask sends a request whose answer has that number, and returns what follows
// the number.
func (c *Client) ask(ctx context.Context, request []byte, want byte) ([]byte, error) {
	reply, err := c.call(ctx, request)
	if err != nil {
		return nil, err
	}
	switch reply[0] {
	case want:
		return reply[1:], nil
	case msgFailure, msgExtensionFailure, msgFailureSSH2, msgFailureSSHCom:
		return nil, ErrRefused
	}
	return nil, c.broken(protocolError("answer %d where %d is due", reply[0], want))
}

// do sends a request that is answered by success alone.
func (c *Client) do(ctx context.Context, request []byte) error {
	body, err := c.ask(ctx, request, msgSuccess)
	if err == nil && len(body) > 0 {
		err = c.broken(protocolError("bytes behind a success"))
	}
	return err
}

// Identity is a key that an agent has.
type Identity struct {
	Key     sshkey.PublicKey // nil where it is of a type, or a size, that is not accepted
	Blob    []byte           // of the key
	Comment string           // the agent's: escape it before showing it
}

// List returns the agent's keys, at most MaxKeys.
func (c *Client) List(ctx context.Context) ([]Identity, error) {
	body, err := c.ask(ctx, []byte{msgRequestIdentities}, msgIdentitiesAnswer)
	if err != nil {
		return nil, err
	}
	entries, err := parseIdentities(body)
	if err != nil {
		return nil, c.broken(err)
	}
	list := make([]Identity, len(entries))
	for i, e := range entries {
		list[i] = Identity{Blob: e.blob, Comment: e.comment}
		if key, err := sshkey.ParsePublicKey(e.blob); err == nil {
			list[i].Key = key
		}
	}
	return list, nil
}

// Sign has the agent sign data with algorithm, and returns the signature blob,
// which has been verified. ErrRefused may mean that the agent does not have the
// key, or that its user said no.
func (c *Client) Sign(ctx context.Context, key sshkey.PublicKey, algorithm string, data []byte) ([]byte, error) {
	request := signRequest{key.Marshal(), data, flagsFor(algorithm)}.append(nil)
	body, err := c.ask(ctx, request, msgSignResponse)
	if err != nil {
		return nil, err
	}
	r := wire.NewFieldReader(body, "sign response")
	signature := r.Bytes("signature")
	if err := r.Done(); err != nil {
		return nil, c.broken(err)
	}
	// Old agents ignore the flags, and answer with a signature by SHA-1.
	if err := (sshkey.VerifyOptions{NoTouchRequired: true}).Verify(key, algorithm, data, signature); err != nil {
		return nil, fmt.Errorf("agent: signature is not what was asked for: %w", err)
	}
	return signature, nil
}

// NewKey is a private key to hand to an agent.
type NewKey struct {
	Private     crypto.Signer       // as for sshkey.MarshalPrivateKey
	Certificate *sshkey.Certificate // nil is none; the key without it is a key of its own
	Comment     string              // at most MaxComment bytes
	Constraints
}

// Add hands a private key to the agent, which replaces it if it has it.
func (c *Client) Add(ctx context.Context, key NewKey) error {
	if len(key.Comment) > MaxComment {
		return because(ErrConstraint, "comment of %d bytes", len(key.Comment))
	}
	if err := key.check(); err != nil {
		return err
	}
	number := byte(msgAdd)
	if !key.none() {
		number = msgAddConstrained
	}
	b, err := sshkey.AppendPrivateKey([]byte{number}, key.Private, key.Certificate)
	if err != nil {
		return err
	}
	return c.do(ctx, key.append(wire.AppendString(b, key.Comment)))
}

// Remove has the agent forget a key.
func (c *Client) Remove(ctx context.Context, key sshkey.PublicKey) error {
	return c.do(ctx, wire.AppendBytes([]byte{msgRemove}, key.Marshal()))
}

// RemoveAll has the agent forget all keys.
func (c *Client) RemoveAll(ctx context.Context) error { return c.do(ctx, []byte{msgRemoveAll}) }

// Lock has the agent refuse everything until Unlock with the same passphrase.
func (c *Client) Lock(ctx context.Context, passphrase []byte) error {
	return c.do(ctx, wire.AppendBytes([]byte{msgLock}, passphrase))
}

// Unlock ends Lock.
func (c *Client) Unlock(ctx context.Context, passphrase []byte) error {
	return c.do(ctx, wire.AppendBytes([]byte{msgUnlock}, passphrase))
}

// Bind tells the agent which session the connection is for (OpenSSH
// PROTOCOL.agent §1): signature is that of sessionID by the server's hostKey
// from the first key exchange. With forwarding it is for those to whom the
// agent is forwarded over the session, else for one login in it. Agents that do
// not know of this answer ErrRefused; they have no restricted keys to show.
func (c *Client) Bind(ctx context.Context, hostKey sshkey.PublicKey, sessionID, signature []byte, forwarding bool) error {
	return c.do(ctx, sessionBind{hostKey.Marshal(), sessionID, signature, forwarding}.append(nil))
}

// Extensions returns the names of the extensions that the agent says it has.
func (c *Client) Extensions(ctx context.Context) ([]string, error) {
	body, err := c.ask(ctx, wire.AppendString([]byte{msgExtension}, extensionQuery), msgExtensionResponse)
	if err != nil {
		return nil, err
	}
	r := wire.NewFieldReader(body, "answer to a query")
	if name := r.String("extension"); r.Err() == nil && name != extensionQuery {
		return nil, c.broken(protocolError("answer to another extension"))
	}
	var list []string
	for r.Len() > 0 {
		if len(list) == MaxExtensions {
			return nil, c.broken(protocolError("more than %d extensions", MaxExtensions))
		}
		list = append(list, r.Name("name"))
	}
	if err := r.Done(); err != nil {
		return nil, c.broken(err)
	}
	return list, nil
}
