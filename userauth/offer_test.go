package userauth

import (
	"context"
	"errors"
	"slices"
	"testing"

	"github.com/hawser-ssh/hawser/transport/sshkey"
	"github.com/hawser-ssh/hawser/wire"
)

func TestPickAlgorithms(t *testing.T) {
	rsa := []string{"rsa-sha2-512", "rsa-sha2-256"}
	legacy := []string{"rsa-sha2-512", "rsa-sha2-256", "ssh-rsa"}
	ed := []string{"ssh-ed25519"}
	cert := []string{"rsa-sha2-512-cert-v01@openssh.com", "rsa-sha2-256-cert-v01@openssh.com"}
	for name, test := range map[string]struct {
		own       []string
		keyType   string
		peer      []string
		announced bool
		want      []string
	}{
		"no list":                       {rsa, "ssh-rsa", nil, false, []string{"rsa-sha2-512"}},
		"no list, SHA-1 allowed":        {legacy, "ssh-rsa", nil, false, []string{"rsa-sha2-512", "ssh-rsa"}},
		"no list, SHA-1 only":           {[]string{"ssh-rsa"}, "ssh-rsa", nil, false, []string{"ssh-rsa"}},
		"own order counts":              {rsa, "ssh-rsa", []string{"x", "rsa-sha2-256", "rsa-sha2-512"}, true, []string{"rsa-sha2-512"}},
		"second choice":                 {rsa, "ssh-rsa", []string{"rsa-sha2-256"}, true, []string{"rsa-sha2-256"}},
		"EXT-05 empty":                  {rsa, "ssh-rsa", []string{}, true, nil},
		"EXT-05 empty, SHA-1 allowed":   {[]string{"ssh-rsa"}, "ssh-rsa", nil, true, nil},
		"EXT-05 unknown":                {rsa, "ssh-rsa", []string{"x"}, true, nil},
		"EXT-05 only ssh-rsa":           {rsa, "ssh-rsa", []string{"ssh-rsa"}, true, nil},
		"EXT-05 only ssh-rsa, allowed":  {legacy, "ssh-rsa", []string{"ssh-rsa"}, true, []string{"ssh-rsa"}},
		"incomplete list, sole default": {ed, "ssh-ed25519", []string{"rsa-sha2-512"}, true, ed},
		"certificate":                   {cert, "ssh-rsa-cert-v01@openssh.com", cert[1:], true, cert[1:]},
		"certificate, plain list":       {cert, "ssh-rsa-cert-v01@openssh.com", []string{"ssh-rsa", "rsa-sha2-256"}, true, cert[1:]},
		"certificate, other list":       {cert, "ssh-rsa-cert-v01@openssh.com", []string{"ssh-rsa", "ssh-ed25519"}, true, nil},
		"X.509, plain list":             {[]string{"x509v3-ssh-rsa"}, "x509v3-ssh-rsa", []string{"ssh-rsa"}, true, nil},
		"signer without algorithms":     {nil, "ssh-rsa", nil, false, nil},
	} {
		if got := pickAlgorithms(test.own, test.keyType, test.peer, test.announced); !slices.Equal(got, test.want) {
			t.Errorf("%s: %q, want %q", name, got, test.want)
		}
	}
}

// announce sets the server's EXT_INFO.
func announce(hostBound string, sigAlgs ...string) func(m *memory) {
	return func(m *memory) {
		m.ext = map[string][]byte{"server-sig-algs": wire.NewNameList(sigAlgs...)}
		m.sigAlgs = sigAlgs
		if hostBound != "" {
			m.ext["publickey-hostbound@openssh.com"] = []byte(hostBound)
		}
	}
}

func TestEXT05NoUsableAlgorithm(t *testing.T) {
	for _, list := range [][]string{nil, {"unknown"}, {"ssh-rsa"}} {
		signer := &countingSigner{Signer: keyRSA()}
		_, err := authenticate(t, &ClientConfig{User: "bob", Methods: []Method{PublicKeys(signer)}}, announce("", list...), func(s *script) {
			s.welcome()
			s.refuse("publickey")
			s.dropped(wire.ReasonNoMoreAuthMethodsAvailable)
		})
		if _, ok := errors.AsType[*AuthError](err); !ok || signer.n > 0 {
			t.Errorf("list %q: error %v, %d signatures", list, err, signer.n)
		}
	}
}

func TestClientOneKeySignsAtOnce(t *testing.T) {
	_, err := authenticate(t, &ClientConfig{User: "bob", Methods: []Method{PublicKeys(keyA())}}, nil, func(s *script) {
		s.welcome()
		s.refuse("publickey")
		s.want(signedRequest(keyA(), "bob"))
		s.send(wire.UserauthSuccess{})
	})
	if err != nil {
		t.Error(err)
	}
}

func TestClientAsksAboutSeveralKeys(t *testing.T) {
	for name, method := range map[string]Method{
		"PublicKeys": PublicKeys(keyB(), keyB(), keyA(), keyEC()),
		"PublicKeysFunc": PublicKeysFunc(func(context.Context) ([]sshkey.Signer, error) {
			return []sshkey.Signer{keyB(), nil, keyA(), keyB(), keyEC()}, nil
		}),
	} {
		t.Run(name, func(t *testing.T) {
			_, err := authenticate(t, &ClientConfig{User: "bob", Methods: []Method{method}}, nil, func(s *script) {
				s.welcome()
				s.refuse("publickey")
				s.want(queryRequest(keyB(), "bob"))
				s.send(failureOf("publickey"))
				s.want(queryRequest(keyA(), "bob"))
				s.send(pkOK(keyA()))
				s.want(signedRequest(keyA(), "bob"))
				s.send(partialOf("publickey"))
				s.want(queryRequest(keyEC(), "bob"))
				s.send(failureOf("publickey"))
				s.dropped(wire.ReasonNoMoreAuthMethodsAvailable)
			})
			ae, ok := errors.AsType[*AuthError](err)
			if !ok || len(ae.Tried) != 5 || !slices.Equal(ae.Partial, []string{"publickey"}) {
				t.Errorf("error %v", err)
			}
		})
	}
}

func TestClientHostBound(t *testing.T) {
	for version, bound := range map[string]bool{"0": true, "1": false, "": false} {
		_, err := authenticate(t, &ClientConfig{User: "bob", Methods: []Method{PublicKeys(keyA(), keyB())}}, announce(version, "ssh-ed25519"), func(s *script) {
			p := proof{signer: keyA(), user: "bob", session: 7}
			if bound {
				p.method, p.hostKey = methodHostBound, hostKey().PublicKey().Marshal()
			}
			s.welcome()
			s.refuse("publickey")
			p.query = true
			s.want(p.request())
			s.send(pkOK(keyA()))
			p.query = false
			s.want(p.request())
			s.send(wire.UserauthSuccess{})
		})
		if err != nil {
			t.Errorf("version %q: %v", version, err)
		}
	}
}

func TestClientSignerFails(t *testing.T) {
	errToken := errors.New("token is locked")
	broken := &countingSigner{Signer: keyA(), err: errToken}
	t.Run("next key", func(t *testing.T) {
		_, err := authenticate(t, &ClientConfig{User: "bob", Methods: []Method{PublicKeys(broken, keyB())}}, nil, func(s *script) {
			s.welcome()
			s.refuse("publickey")
			s.want(queryRequest(keyA(), "bob"))
			s.send(pkOK(keyA()))
			s.want(queryRequest(keyB(), "bob"))
			s.send(pkOK(keyB()))
			s.want(signedRequest(keyB(), "bob"))
			s.send(wire.UserauthSuccess{})
		})
		if err != nil {
			t.Error(err)
		}
	})
	t.Run("no other key", func(t *testing.T) {
		_, err := authenticate(t, &ClientConfig{User: "bob", Methods: []Method{PublicKeys(broken)}}, nil, func(s *script) {
			s.welcome()
			s.refuse("publickey")
			s.dropped(wire.ReasonNoMoreAuthMethodsAvailable)
		})
		if !errors.Is(err, errToken) || !errors.Is(err, ErrNoMethodLeft) {
			t.Error(err)
		}
	})
}

func TestClientKeysFuncFails(t *testing.T) {
	errAgent := errors.New("no agent")
	for _, want := range []error{errAgent, ErrSkip} {
		method := PublicKeysFunc(func(context.Context) ([]sshkey.Signer, error) { return nil, want })
		_, err := authenticate(t, &ClientConfig{User: "bob", Methods: []Method{method, Password(constant("x"))}}, nil, func(s *script) {
			s.welcome()
			s.refuse("publickey", "password")
			if want == ErrSkip {
				s.want(passwordRequest("bob", "x"))
				s.send(wire.UserauthSuccess{})
				return
			}
			s.dropped(wire.ReasonAuthCancelledByUser)
		})
		if (err == nil) != (want == ErrSkip) || err != nil && !errors.Is(err, errAgent) {
			t.Error(err)
		}
	}
}

// TestClientLegacyFallback: a signer that allows ssh-rsa meets a server without
// a list; the key is offered by its first algorithm and then by that one.
func TestClientLegacyFallback(t *testing.T) {
	signer := legacySigner{keyRSA()}
	blob := keyRSA().PublicKey().Marshal()
	query := func(algorithm string) message {
		return userRequest("bob", "publickey", wire.UserauthPublicKey{Algorithm: algorithm, Key: blob}.Append(nil))
	}
	_, err := authenticate(t, &ClientConfig{User: "bob", Methods: []Method{PublicKeys(signer, keyA())}}, nil, func(s *script) {
		s.welcome()
		s.refuse("publickey")
		s.want(query("rsa-sha2-512"))
		s.send(failureOf("publickey"))
		s.want(query("ssh-rsa"))
		s.send(failureOf("publickey"))
		s.want(queryRequest(keyA(), "bob"))
		s.send(failureOf("publickey"))
		s.dropped(wire.ReasonNoMoreAuthMethodsAvailable)
	})
	if !errors.Is(err, ErrNoMethodLeft) {
		t.Error(err)
	}
}

// TestKeyThatSucceededIsNotOfferedAgain: nor by its other algorithms.
func TestKeyThatSucceededIsNotOfferedAgain(t *testing.T) {
	_, err := authenticate(t, &ClientConfig{User: "bob", Methods: []Method{PublicKeys(legacySigner{keyRSA()})}}, nil, func(s *script) {
		s.welcome()
		s.refuse("publickey")
		s.recv(wire.MsgUserauthRequest)
		s.send(partialOf("publickey"))
		s.dropped(wire.ReasonNoMoreAuthMethodsAvailable)
	})
	if !errors.Is(err, ErrNoMethodLeft) {
		t.Error(err)
	}
}

type legacySigner struct{ sshkey.Signer }

func (s legacySigner) Algorithms() []string { return append(s.Signer.Algorithms(), "ssh-rsa") }
