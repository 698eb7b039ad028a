package userauth

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"testing"

	"github.com/hawser-ssh/hawser/transport/sshkey"
	"github.com/hawser-ssh/hawser/wire"
)

// proof builds publickey requests, right ones unless a field says otherwise.
type proof struct {
	signer            sshkey.Signer
	user              string // of the request
	method, algorithm string
	session           byte   // that is signed over
	signedUser        string // "" is user
	signedService     string
	signedMethod      string
	signedAlgorithm   string
	hostKey           []byte // of the host-bound form
	blob              []byte // nil is that of signer
	signature         []byte // nil is made
	query             bool
}

func (p proof) request() message {
	body := wire.UserauthPublicKey{Algorithm: p.algorithm, Key: p.blob, HasSignature: true}
	if body.Algorithm == "" {
		body.Algorithm = p.signer.Algorithms()[0]
	}
	if body.Key == nil {
		body.Key = p.signer.PublicKey().Marshal()
	}
	method := orString(p.method, "publickey")
	body.Bound, body.HostKey = method == methodHostBound, p.hostKey
	if p.query {
		body.HasSignature = false
		return userRequest(p.user, method, body.Append(nil))
	}
	signed := body
	signed.Algorithm = orString(p.signedAlgorithm, body.Algorithm)
	data := wire.AppendBytes(nil, bytes.Repeat([]byte{p.session}, 32))
	data = wire.UserauthRequest{
		User: orString(p.signedUser, p.user), Service: orString(p.signedService, "ssh-connection"), Method: orString(p.signedMethod, method),
	}.Append(data)
	body.Signature = p.signature
	if body.Signature == nil {
		body.Signature = mustSign(p.signer, body.Algorithm, signed.AppendUnsigned(data))
	}
	return userRequest(p.user, method, body.Append(nil))
}

func mustSign(signer sshkey.Signer, algorithm string, data []byte) []byte {
	signature, err := signer.Sign(nil, algorithm, data)
	if err != nil {
		panic(err)
	}
	return signature
}

func orString(s, def string) string {
	if s == "" {
		return def
	}
	return s
}

func signedRequest(signer sshkey.Signer, user string) message {
	return proof{signer: signer, user: user, session: 7}.request()
}

func queryRequest(signer sshkey.Signer, user string) message {
	return proof{signer: signer, user: user, query: true}.request()
}

func pkOK(signer sshkey.Signer) message {
	return wire.UserauthPKOK{Algorithm: signer.Algorithms()[0], Key: signer.PublicKey().Marshal()}
}

// anyKey accepts every key of bob and ties its fingerprint to it.
func anyKey() *ServerConfig {
	return &ServerConfig{FailureFloor: -1, PublicKey: func(_ context.Context, a *Attempt, key sshkey.PublicKey, _ string, _ bool) Result {
		r := acceptIf(a.User == "bob")
		r.Permissions = Permissions{"key": sshkey.Fingerprint(key)}
		return r
	}}
}

func TestServePublicKeyTypes(t *testing.T) {
	for _, signer := range []sshkey.Signer{keyA(), keyEC(), keyRSA()} {
		for _, algorithm := range signer.Algorithms() {
			for _, method := range []string{"publickey", methodHostBound} {
				out := serve(t, anyKey(), func(s *script) {
					s.hello()
					p := proof{signer: signer, user: "bob", session: 7, method: method, algorithm: algorithm, hostKey: hostKey().PublicKey().Marshal()}
					p.query = true
					s.send(p.request())
					s.want(wire.UserauthPKOK{Algorithm: algorithm, Key: signer.PublicKey().Marshal()})
					p.query = false
					s.send(p.request())
					s.want(wire.UserauthSuccess{})
				})
				l := out.login
				if l == nil || l.Method != "publickey" || l.Algorithm != algorithm || l.HostBound != (method == methodHostBound) ||
					!sshkey.Equal(l.Key, signer.PublicKey()) || l.Permissions["key"] != sshkey.Fingerprint(signer.PublicKey()) {
					t.Errorf("%s by %s: login %+v, %v", algorithm, method, l, out.err)
				}
			}
		}
	}
}

func TestAUT08IdentityIsTheVerifiedKey(t *testing.T) {
	var asked []string
	cfg := anyKey()
	inner := cfg.PublicKey
	cfg.PublicKey = func(ctx context.Context, a *Attempt, key sshkey.PublicKey, algorithm string, verified bool) Result {
		asked = append(asked, fmt.Sprint(sshkey.Equal(key, keyA().PublicKey()), verified))
		return inner(ctx, a, key, algorithm, verified)
	}
	qa, qb := queryRequest(keyA(), "bob"), queryRequest(keyB(), "bob")
	for name, test := range map[string]struct {
		queries []message
		signer  sshkey.Signer
	}{
		"query A, sign B":       {[]message{qa}, keyB()},
		"query A, B, sign A":    {[]message{qa, qb}, keyA()},
		"query B, A, sign B":    {[]message{qb, qa}, keyB()},
		"query A, B, A, sign B": {[]message{qa, qb, qa}, keyB()},
		"sign B":                {nil, keyB()},
	} {
		t.Run(name, func(t *testing.T) {
			asked = nil
			out := serve(t, cfg, func(s *script) {
				s.hello()
				for _, q := range test.queries {
					s.send(q)
					s.recv(wire.MsgUserauthPKOK)
				}
				s.send(signedRequest(test.signer, "bob"))
				s.want(wire.UserauthSuccess{})
			})
			want := test.signer.PublicKey()
			if !sshkey.Equal(out.login.Key, want) || out.login.Permissions["key"] != sshkey.Fingerprint(want) || len(out.login.Steps) != 1 {
				t.Errorf("login %+v", out.login)
			}
			last := fmt.Sprint(sshkey.Equal(want, keyA().PublicKey()), true)
			if len(asked) != len(test.queries)+1 || asked[len(asked)-1] != last || slices.Contains(asked[:len(asked)-1], last) {
				t.Errorf("asked %v", asked)
			}
		})
	}
	t.Run("sign A under B's blob", func(t *testing.T) {
		asked = nil
		out := serve(t, cfg, func(s *script) {
			s.hello()
			s.send(proof{signer: keyA(), user: "bob", session: 7, blob: keyB().PublicKey().Marshal()}.request())
			s.failure("publickey")
		})
		out.rejected(t)
		if len(asked) > 0 {
			t.Errorf("asked %v", asked)
		}
	})
}

// refusedProofs are sent one by one to a server that would accept any key of
// bob; each must fail without its callback hearing of a verified key.
func refusedProofs(t *testing.T, proofs map[string]proof) {
	t.Helper()
	for name, p := range proofs {
		t.Run(name, func(t *testing.T) {
			cfg := anyKey()
			cfg.PublicKey = func(_ context.Context, _ *Attempt, _ sshkey.PublicKey, _ string, verified bool) Result {
				t.Errorf("callback asked, verified %v", verified)
				return Result{Outcome: Accept}
			}
			p.user = "bob"
			serve(t, cfg, func(s *script) {
				s.hello()
				s.send(p.request())
				s.failure("publickey")
			}).rejected(t)
		})
	}
}

func TestAUT09SignedData(t *testing.T) {
	refusedProofs(t, map[string]proof{
		"another session":    {signer: keyA(), session: 8},
		"another user":       {signer: keyA(), session: 7, signedUser: "eve"},
		"another service":    {signer: keyA(), session: 7, signedService: "ssh-userauth"},
		"another method":     {signer: keyA(), session: 7, signedMethod: methodHostBound},
		"another algorithm":  {signer: keyRSA(), session: 7, signedAlgorithm: "rsa-sha2-256"},
		"no bytes":           {signer: keyA(), session: 7, signature: []byte{}},
		"without boolean":    {signer: keyA(), signature: signatureWithoutBoolean()},
		"unbound for bound":  {signer: keyA(), session: 7, method: methodHostBound, signedMethod: "publickey", hostKey: hostKey().PublicKey().Marshal()},
		"by another key":     {signer: keyA(), session: 7, blob: keyB().PublicKey().Marshal()},
		"ssh-rsa not listed": {signer: keyRSA(), session: 7, algorithm: "ssh-rsa", signature: []byte("x")},
	})
}

// signatureWithoutBoolean leaves out the byte TRUE behind the method's name.
func signatureWithoutBoolean() []byte {
	b := wire.AppendBytes(nil, bytes.Repeat([]byte{7}, 32))
	b = wire.UserauthRequest{User: "bob", Service: "ssh-connection", Method: "publickey"}.Append(b)
	b = wire.AppendBytes(wire.AppendString(b, "ssh-ed25519"), keyA().PublicKey().Marshal())
	return mustSign(keyA(), "ssh-ed25519", b)
}

func TestAUT10AlgorithmsAndLabels(t *testing.T) {
	relabel := func(label string) []byte {
		p := proof{signer: keyRSA(), user: "bob", session: 7, algorithm: "rsa-sha2-256"}
		var req wire.UserauthRequest
		if err := req.Parse(p.request().Append(nil)); err != nil {
			t.Fatal(err)
		}
		var body wire.UserauthPublicKey
		if err := body.Parse(req.Payload); err != nil {
			t.Fatal(err)
		}
		r := wire.NewFieldReader(body.Signature, "signature")
		r.Bytes("label")
		return wire.AppendBytes(wire.AppendString(nil, label), r.Bytes("body"))
	}
	refusedProofs(t, map[string]proof{
		"name of another type":     {signer: keyA(), session: 7, algorithm: "ecdsa-sha2-nistp256", signature: []byte("x")},
		"key type as algorithm":    {signer: keyRSA(), session: 7, algorithm: "ssh-rsa", signature: []byte("x")},
		"label of another hash":    {signer: keyRSA(), session: 7, algorithm: "rsa-sha2-256", signature: relabel("rsa-sha2-512")},
		"label ssh-rsa":            {signer: keyRSA(), session: 7, algorithm: "rsa-sha2-256", signature: relabel("ssh-rsa")},
		"label empty":              {signer: keyRSA(), session: 7, algorithm: "rsa-sha2-256", signature: relabel("")},
		"certificate's name":       {signer: keyA(), session: 7, algorithm: "ssh-ed25519-cert-v01@openssh.com", signature: []byte("x")},
		"unknown algorithm, query": {signer: keyA(), algorithm: "x", query: true},
		"wrong type, query":        {signer: keyA(), algorithm: "rsa-sha2-512", query: true},
	})
	cfg := anyKey()
	cfg.SignatureAlgorithms = []string{}
	serve(t, cfg, func(s *script) {
		s.hello()
		s.send(signedRequest(keyA(), "bob"))
		s.failure("publickey")
	}).rejected(t)
}

func TestAUT24HostBound(t *testing.T) {
	own := hostKey().PublicKey().Marshal()
	refusedProofs(t, map[string]proof{
		"another host key":        {signer: keyA(), session: 7, method: methodHostBound, hostKey: keyB().PublicKey().Marshal()},
		"empty host key":          {signer: keyA(), session: 7, method: methodHostBound},
		"cut host key":            {signer: keyA(), session: 7, method: methodHostBound, hostKey: own[:len(own)-1]},
		"another host key, query": {signer: keyA(), method: methodHostBound, hostKey: keyB().PublicKey().Marshal(), query: true},
	})
	t.Run("no host key field", func(t *testing.T) {
		body := wire.UserauthPublicKey{Algorithm: "ssh-ed25519", Key: keyA().PublicKey().Marshal(), HasSignature: true, Signature: []byte("x")}
		out := serve(t, anyKey(), func(s *script) {
			s.hello()
			s.send(userRequest("bob", methodHostBound, body.Append(nil)))
			s.dropped(wire.ReasonProtocolError)
		})
		out.reason(t, wire.ReasonProtocolError)
	})
}

func TestAUT11BooleanAndSignature(t *testing.T) {
	body := wire.UserauthPublicKey{Algorithm: "ssh-ed25519", Key: keyA().PublicKey().Marshal(), HasSignature: true}
	data := wire.UserauthRequest{User: "bob", Service: "ssh-connection", Method: "publickey"}.Append(wire.AppendBytes(nil, bytes.Repeat([]byte{7}, 32)))
	body.Signature = mustSign(keyA(), "ssh-ed25519", body.AppendUnsigned(data))
	whole := body.Append(nil)
	withoutTrue := append([]byte{0}, whole[1:]...)
	cut := body.AppendUnsigned(nil)
	for name, payload := range map[string][]byte{"false with signature": withoutTrue, "true without": cut, "nothing": nil, "byte after": append(whole, 0)} {
		t.Run(name, func(t *testing.T) {
			out := serve(t, anyKey(), func(s *script) {
				s.hello()
				s.send(userRequest("bob", "publickey", payload))
				s.dropped(wire.ReasonProtocolError)
			})
			out.reason(t, wire.ReasonProtocolError)
		})
	}
}

func TestAUT12MalformedKeys(t *testing.T) {
	good := keyA().PublicKey().Marshal()
	blobs := map[string][]byte{
		"empty": {}, "cut": good[:len(good)-1], "byte after": append(bytes.Clone(good), 0), "length 2^32-1": {0xff, 0xff, 0xff, 0xff},
		"unknown type": wire.AppendString(nil, "x"), "short point": wire.AppendBytes(wire.AppendString(nil, "ssh-ed25519"), make([]byte, 31)),
	}
	for name, blob := range blobs {
		var transcripts [][][]byte
		for _, user := range []string{"bob", "nobody"} {
			out := serve(t, denyingCallbacks(t), func(s *script) {
				s.hello()
				s.send(proof{signer: keyA(), user: user, blob: blob, query: true}.request())
				s.failure(allMethods...)
				s.send(proof{signer: keyA(), user: user, blob: blob, session: 7}.request())
				s.failure(allMethods...)
			})
			out.rejected(t)
			transcripts = append(transcripts, out.transport.sent)
		}
		if !slices.EqualFunc(transcripts[0], transcripts[1], bytes.Equal) {
			t.Errorf("%s: answers differ", name)
		}
	}
}

func TestQueryIsNoProof(t *testing.T) {
	for _, outcome := range []Outcome{Accept, Partial, ChangePassword, 200} {
		cfg := anyKey()
		cfg.PublicKey = func(context.Context, *Attempt, sshkey.PublicKey, string, bool) Result {
			return Result{Outcome: outcome}
		}
		serve(t, cfg, func(s *script) {
			s.hello()
			s.send(queryRequest(keyA(), "bob"))
			if outcome == Accept || outcome == Partial {
				s.want(pkOK(keyA()))
			} else {
				s.failure("publickey")
			}
		}).rejected(t)
	}
}
