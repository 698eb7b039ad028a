package userauth

import (
	"bytes"
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/hawser-ssh/hawser/transport/sshkey"
	"github.com/hawser-ssh/hawser/wire"
)

// trusting is config with a host whose users are trusted under their own names.
func trusting() *ServerConfig {
	cfg := config()
	cfg.HostBased = func(_ context.Context, a *Attempt, key sshkey.PublicKey, _, host, hostUser string) Result {
		return acceptIf(host == "desk.example" && hostUser == a.User && a.User == "bob" && sshkey.Equal(key, keyA().PublicKey()))
	}
	return cfg
}

// vouch is a hostbased request; change sees it unsigned, twist signed.
func vouch(signer sshkey.Signer, change, twist func(m *wire.UserauthHostBased), signedUser string, session byte) message {
	m := wire.UserauthHostBased{
		Algorithm: signer.Algorithms()[0], Key: signer.PublicKey().Marshal(), Host: "desk.example.", HostUser: "bob",
	}
	if change != nil {
		change(&m)
	}
	data := wire.AppendBytes(nil, bytes.Repeat([]byte{session}, 32))
	data = wire.UserauthRequest{User: signedUser, Service: "ssh-connection", Method: "hostbased"}.Append(data)
	m.Signature = mustSign(signer, signer.Algorithms()[0], m.AppendUnsigned(data))
	if twist != nil {
		twist(&m)
	}
	return userRequest("bob", "hostbased", m.Append(nil))
}

// AUT-22: only the right host, for the right user, on this connection.
func TestAUT22HostBased(t *testing.T) {
	set := func(f func(m *wire.UserauthHostBased)) func(m *wire.UserauthHostBased) { return f }
	hostIs := func(name string) func(m *wire.UserauthHostBased) {
		return set(func(m *wire.UserauthHostBased) { m.Host = name })
	}
	userIs := func(name string) func(m *wire.UserauthHostBased) {
		return set(func(m *wire.UserauthHostBased) { m.HostUser = name })
	}
	for name, test := range map[string]struct {
		m     message
		ok    bool
		asked bool // the callback
	}{
		"right":                {vouch(keyA(), nil, nil, "bob", 7), true, true},
		"without a dot":        {vouch(keyA(), hostIs("desk.example"), nil, "bob", 7), true, true},
		"other host":           {vouch(keyA(), hostIs("other.example"), nil, "bob", 7), false, true},
		"other user there":     {vouch(keyA(), userIs("eve"), nil, "bob", 7), false, true},
		"unknown key":          {vouch(keyB(), nil, nil, "bob", 7), false, true},
		"other session":        {vouch(keyA(), nil, nil, "bob", 8), false, false},
		"signed for another":   {vouch(keyA(), nil, nil, "eve", 7), false, false},
		"host changed after":   {vouch(keyA(), hostIs("x.example"), hostIs("desk.example"), "bob", 7), false, false},
		"user changed after":   {vouch(keyA(), userIs("eve"), userIs("bob"), "bob", 7), false, false},
		"no signature":         {vouch(keyA(), nil, func(m *wire.UserauthHostBased) { m.Signature = nil }, "bob", 7), false, false},
		"key of another":       {vouch(keyA(), nil, func(m *wire.UserauthHostBased) { m.Key = keyB().PublicKey().Marshal() }, "bob", 7), false, false},
		"malformed key":        {vouch(keyA(), nil, func(m *wire.UserauthHostBased) { m.Key = []byte("x") }, "bob", 7), false, false},
		"other algorithm":      {vouch(keyA(), func(m *wire.UserauthHostBased) { m.Algorithm = "rsa-sha2-256" }, nil, "bob", 7), false, false},
		"unknown algorithm":    {vouch(keyA(), func(m *wire.UserauthHostBased) { m.Algorithm = "nonsense" }, nil, "bob", 7), false, false},
		"algorithm by request": {vouch(keyA(), func(m *wire.UserauthHostBased) { m.Algorithm = "ssh-rsa" }, nil, "bob", 7), false, false},
		"no host":              {vouch(keyA(), hostIs(""), nil, "bob", 7), false, false},
		"a dot":                {vouch(keyA(), hostIs("."), nil, "bob", 7), false, false},
		"path":                 {vouch(keyA(), hostIs("../etc"), nil, "bob", 7), false, false},
		"line feed":            {vouch(keyA(), hostIs("desk.example\nx"), nil, "bob", 7), false, false},
		"NUL":                  {vouch(keyA(), hostIs("desk.example\x00"), nil, "bob", 7), false, false},
		"homoglyph":            {vouch(keyA(), hostIs("dеsk.example"), nil, "bob", 7), false, false},
		"long host":            {vouch(keyA(), hostIs(strings.Repeat("x", maxHostName+1)), nil, "bob", 7), false, false},
		"no user there":        {vouch(keyA(), userIs(""), nil, "bob", 7), false, false},
		"NUL in user there":    {vouch(keyA(), userIs("bob\x00"), nil, "bob", 7), false, false},
		"long user there":      {vouch(keyA(), userIs(strings.Repeat("x", DefaultMaxUserName+1)), nil, "bob", 7), false, false},
	} {
		t.Run(name, func(t *testing.T) {
			cfg, asked := trusting(), false
			judge := cfg.HostBased
			cfg.HostBased = func(ctx context.Context, a *Attempt, key sshkey.PublicKey, algorithm, host, hostUser string) Result {
				asked = true
				return judge(ctx, a, key, algorithm, host, hostUser)
			}
			out := serve(t, cfg, func(s *script) {
				s.hello()
				s.send(test.m)
				if test.ok {
					s.want(wire.UserauthSuccess{})
					return
				}
				s.failure(append(slices.Clone(allMethods), "hostbased")...)
			})
			if asked != test.asked {
				t.Errorf("callback asked: %v", asked)
			}
			if (out.login != nil) != test.ok {
				t.Errorf("login %+v", out.login)
			}
		})
	}
}

// The longest names are let through.
func TestHostBasedLimits(t *testing.T) {
	cfg := config()
	var host, user string
	cfg.HostBased = func(_ context.Context, _ *Attempt, _ sshkey.PublicKey, _, h, u string) Result {
		host, user = h, u
		return Result{}
	}
	serve(t, cfg, func(s *script) {
		s.hello()
		s.send(vouch(keyA(), func(m *wire.UserauthHostBased) {
			m.Host, m.HostUser = strings.Repeat("x", maxHostName), strings.Repeat("y", DefaultMaxUserName)
		}, nil, "bob", 7))
		s.failure(append(slices.Clone(allMethods), "hostbased")...)
	})
	if len(host) != maxHostName || len(user) != DefaultMaxUserName {
		t.Errorf("host of %d bytes, user of %d", len(host), len(user))
	}
}

// AUT-22: a certificate for users does not speak for a host.
func TestAUT22UserCertificate(t *testing.T) {
	for purpose, ok := range map[sshkey.CertPurpose]bool{sshkey.UserCertificate: false, sshkey.HostCertificate: true} {
		signer := certifiedBy(t, keyA(), keyB(), purpose)
		cfg := config()
		cfg.SignatureAlgorithms = append(sshkey.DefaultAlgorithms(), sshkey.CertificateAlgorithms()...)
		cfg.HostBased = func(context.Context, *Attempt, sshkey.PublicKey, string, string, string) Result {
			return Result{Outcome: Accept}
		}
		out := serve(t, cfg, func(s *script) {
			s.hello()
			s.send(vouch(signer, nil, nil, "bob", 7))
			if ok {
				s.want(wire.UserauthSuccess{})
				return
			}
			s.failure(append(slices.Clone(allMethods), "hostbased")...)
		})
		if (out.login != nil) != ok {
			t.Errorf("%v: login %+v", purpose, out.login)
		}
	}
}

// certifiedBy makes an Ed25519 key with a certificate of the authority (OpenSSH PROTOCOL.certkeys).
func certifiedBy(t *testing.T, key, authority sshkey.Signer, purpose sshkey.CertPurpose) sshkey.Signer {
	t.Helper()
	r := wire.NewFieldReader(key.PublicKey().Marshal(), "key")
	r.Bytes("type")
	b := wire.AppendString(nil, "ssh-ed25519-cert-v01@openssh.com")
	b = wire.AppendBytes(wire.AppendString(b, "nonce"), r.Bytes("point"))
	b = wire.AppendUint32(wire.AppendUint64(b, 1), uint32(purpose))
	b = wire.AppendBytes(wire.AppendString(b, "id"), wire.AppendString(nil, "desk.example"))
	b = wire.AppendUint64(wire.AppendUint64(b, 0), 1<<63)
	b = wire.AppendString(wire.AppendString(wire.AppendString(b, ""), ""), "")
	b = wire.AppendBytes(b, authority.PublicKey().Marshal())
	b = wire.AppendBytes(b, mustSign(authority, authority.Algorithms()[0], b))
	public, err := sshkey.ParsePublicKey(b)
	if err != nil {
		t.Fatal(err)
	}
	signer, err := sshkey.NewCertSigner(public.(*sshkey.Certificate), key)
	if err != nil {
		t.Fatal(err)
	}
	return signer
}

// Both sides of ours, and a host's key that is no factor twice.
func TestRunHostBased(t *testing.T) {
	ours := func(signers ...sshkey.Signer) Method { return HostBased("desk.example.", "bob", signers...) }
	for name, test := range map[string]struct {
		server  *ServerConfig
		methods []Method
		steps   []string
	}{
		"one key":       {trusting(), []Method{ours(keyA())}, []string{"hostbased"}},
		"second key":    {trusting(), []Method{ours(nil, keyB(), keyA())}, []string{"hostbased"}},
		"unknown key":   {trusting(), []Method{ours(keyB())}, nil},
		"other user":    {trusting(), []Method{HostBased("desk.example", "eve", keyA())}, nil},
		"not offered":   {config(), []Method{ours(keyA())}, nil},
		"and a factor":  {chainedHost("hostbased", "password"), []Method{Password(constant("right")), ours(keyA())}, []string{"hostbased", "password"}},
		"one key twice": {chainedHost("hostbased", "publickey"), []Method{ours(keyA()), PublicKeys(keyA())}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			login, serverErr, clientErr := run(t, test.server, &ClientConfig{User: "bob", Methods: test.methods}, nil)
			if got := stepNames(login); !slices.Equal(got, test.steps) {
				t.Errorf("steps %q, want %q; server %v, client %v", got, test.steps, serverErr, clientErr)
			}
		})
	}
}

func chainedHost(methods ...string) *ServerConfig {
	cfg := trusting()
	cfg.Chains = [][]string{methods}
	return cfg
}
