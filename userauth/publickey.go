package userauth

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/hawser-ssh/hawser/transport/sshkey"
	"github.com/hawser-ssh/hawser/wire"
)

// publicKey judges the query of a key, or its signature (RFC 4252 §7). All that
// can be checked without knowing the user is checked before the callback is
// asked, so that malformed and wrong proofs fail alike for every user.
func (s *server) publicKey(req *request, a *Attempt) verdict {
	body := wire.UserauthPublicKey{Bound: a.HostBound}
	if err := body.Parse(req.payload); err != nil {
		return broken(err)
	}
	key, reason := s.admit(&body)
	v := denied(reason)
	v.step = Step{Key: key, Algorithm: body.Algorithm}
	if !body.HasSignature {
		v.query = &wire.UserauthPKOK{Algorithm: body.Algorithm, Key: body.Key}
	}
	if reason != "" {
		return v
	}
	verify := func(o sshkey.VerifyOptions) error {
		return o.Verify(key, body.Algorithm, signedData(s.t.SessionID(), req, &body), body.Signature)
	}
	// Whether somebody has to have touched the key is not known yet.
	if body.HasSignature && verify(sshkey.VerifyOptions{NoTouchRequired: true}) != nil {
		v.result.Reason = wrongSignature
		return v
	}
	ask := func(verified bool) Result {
		return s.call("PublicKey", func() Result { return s.cfg.PublicKey(s.ctx, a, key, body.Algorithm, verified) })
	}
	shows := func(r Result) bool {
		return !r.Verify.VerifyRequired && !isSecurityKey(body.Algorithm) || verify(r.Verify) == nil
	}
	if !body.HasSignature || isSecurityKey(body.Algorithm) {
		v.result = ask(false)
		if !body.HasSignature || v.result.Outcome != Accept && v.result.Outcome != Partial {
			return v
		}
		if !shows(v.result) {
			v.result = Result{Reason: wrongSignature}
			return v
		}
	}
	if v.result = ask(true); !shows(v.result) {
		v.result = Result{Reason: wrongSignature}
	}
	return v
}

const wrongSignature = "signature does not verify"

// isSecurityKey reports whether an algorithm that is built is that of security
// keys, whose signatures say more than that they were made.
func isSecurityKey(algorithm string) bool { return strings.HasPrefix(algorithm, "sk-") }

// admit parses the key and returns why the callback is not asked, or "". The
// key does not refer to the packet.
func (s *server) admit(body *wire.UserauthPublicKey) (key sshkey.PublicKey, reason string) {
	if !slices.Contains(s.cfg.SignatureAlgorithms, body.Algorithm) {
		return nil, "signature algorithm is not accepted"
	}
	key, err := s.cfg.KeyLimits.ParsePublicKey(body.Key)
	if err != nil {
		return nil, "key is malformed"
	}
	switch {
	case sshkey.KeyType(body.Algorithm) != key.Type():
		return key, "signature algorithm is not for this type of key"
	case body.Bound && !s.isHostKey(body.HostKey):
		return key, "request is bound to another host key"
	case s.progress.used(key):
		return key, "key has been used as a factor"
	}
	return key, ""
}

func (s *server) isHostKey(blob []byte) bool {
	key := s.t.HostKey()
	return key != nil && bytes.Equal(key.Marshal(), blob)
}

// signedData is what the signature of a publickey request covers: the session
// identifier and the request up to the signature (RFC 4252 §7).
func signedData(sessionID []byte, req *request, body *wire.UserauthPublicKey) []byte {
	return body.AppendUnsigned(req.signed(sessionID))
}

// PublicKeys is the method publickey with these keys, in order. A key is asked
// about before it signs where there is more than one. Where the server offers
// it, the signature also covers the host key (OpenSSH PROTOCOL §3.1).
//
// The algorithm is the signer's first that the server's server-sig-algs names
// (RFC 8308 §3.1); with an OpenSSH certificate the name of the plain algorithm
// does, since OpenSSH's list has no others. A key that none of these fits is left out, except that
// incomplete lists of old servers do not keep out a key type that has but one
// algorithm, if that is among sshkey.DefaultAlgorithms(). A server that sends
// no list gets the signer's first algorithm, and after that those which the
// caller has allowed beyond the defaults.
func PublicKeys(signers ...sshkey.Signer) Method {
	signers = slices.Clone(signers)
	return publicKeyMethod{query: len(signers) > 1, signers: func(context.Context) ([]sshkey.Signer, error) {
		return signers, nil
	}}
}

// PublicKeysFunc is PublicKeys with keys that are only known when they are
// needed, as an agent's. Each is asked about before it signs. get is called
// once, when the server accepts public keys.
func PublicKeysFunc(get func(ctx context.Context) ([]sshkey.Signer, error)) Method {
	return publicKeyMethod{query: true, signers: get}
}

type publicKeyMethod struct {
	query   bool
	signers func(context.Context) ([]sshkey.Signer, error)
}

func (publicKeyMethod) Name() string   { return MethodPublicKey }
func (m publicKeyMethod) begin() offer { return &keyOffer{publicKeyMethod: m} }

// keyOffer is what is left of the keys in one authentication.
type keyOffer struct {
	publicKeyMethod
	loaded bool
	left   []candidate
}

func (o *keyOffer) next(c *client) (reply, bool, error) {
	if err := o.load(c); err != nil {
		return reply{}, false, err
	}
	for len(o.left) > 0 {
		k := o.left[0]
		o.left = o.left[1:]
		r, ok, err := k.offer(c, o.query)
		if ok && (r.success || r.partial) {
			o.drop(k.blob)
		}
		if ok || err != nil {
			return r, ok, err
		}
	}
	return reply{}, false, nil
}

// load asks for the keys once and picks their algorithms.
func (o *keyOffer) load(c *client) error {
	if o.loaded || o.signers == nil {
		return nil
	}
	o.loaded = true
	signers, err := o.signers(c.ctx)
	if errors.Is(err, ErrSkip) {
		return nil
	}
	if err != nil {
		return c.failed(err)
	}
	for _, signer := range signers {
		if signer != nil {
			o.left = c.appendCandidates(o.left, signer)
		}
	}
	return nil
}

// drop forgets the other algorithms of a key that has succeeded.
func (o *keyOffer) drop(blob []byte) {
	o.left = slices.DeleteFunc(o.left, func(k candidate) bool { return bytes.Equal(k.blob, blob) })
}

// candidate is a key with an algorithm to offer it by.
type candidate struct {
	signer    sshkey.Signer
	algorithm string
	blob      []byte
}

// offer asks about the key if it should, then signs. ok is false if there was
// no answer to act on because the signer failed.
func (k *candidate) offer(c *client, query bool) (r reply, ok bool, err error) {
	req := request{user: []byte(c.cfg.User), service: []byte(serviceConnection), method: MethodPublicKey}
	body := wire.UserauthPublicKey{Algorithm: k.algorithm, Key: k.blob}
	if host := c.boundTo(); host != nil {
		body.Bound, body.HostKey, req.method = true, host, methodHostBound
	}
	if query {
		if r, ok, err := k.ask(c, req.method, body); ok || err != nil {
			return r, ok, err
		}
	}
	body.HasSignature = true
	return k.prove(c, req.method, signedData(c.t.SessionID(), &req, &body), func(signature []byte) []byte {
		body.Signature = signature
		return body.Append(nil)
	})
}

// prove signs data and sends the request of a method with what body makes of the signature. ok is as in offer.
func (k *candidate) prove(c *client, method string, data []byte, body func(signature []byte) []byte) (r reply, ok bool, err error) {
	signature, err := k.signer.Sign(c.cfg.Rand, k.algorithm, data)
	if err != nil {
		c.troubled(fmt.Errorf("signing with %s: %w", sshkey.Fingerprint(k.signer.PublicKey()), err))
		return reply{}, false, nil
	}
	c.proven = true
	if err := c.request(method, body(signature)); err != nil {
		return reply{}, false, err
	}
	r, err = c.reply()
	return r, err == nil, err
}

// ask sends the query of a key; refused is true with the server's refusal. Any
// answer but that, or PK_OK for this key and algorithm, is an error: nothing is
// signed.
func (k *candidate) ask(c *client, method string, body wire.UserauthPublicKey) (r reply, refused bool, err error) {
	if err := c.request(method, body.Append(nil)); err != nil {
		return reply{}, false, err
	}
	p, err := c.read()
	if err != nil {
		return reply{}, false, err
	}
	switch number(p) {
	case wire.MsgUserauthFailure:
		r, err := c.parseReply(p)
		return r, err == nil, err
	case wire.MsgUserauthPKOK:
	default:
		return reply{}, false, unexpected(p, "in answer to the query of a key")
	}
	var m wire.UserauthPKOK
	if err := m.Parse(p); err != nil {
		return reply{}, false, err
	}
	if m.Algorithm != k.algorithm || !bytes.Equal(m.Key, k.blob) {
		return reply{}, false, wire.Errorf(wire.ReasonProtocolError, "userauth", "%w", ErrWrongPKOK)
	}
	return reply{}, false, nil
}
