package userauth

import (
	"context"
	"errors"
	"io"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hawser-ssh/hawser/transport/sshkey"
	"github.com/hawser-ssh/hawser/wire"
)

func passwordClient(passwords ...string) *ClientConfig {
	cfg := &ClientConfig{User: "bob"}
	for _, p := range passwords {
		cfg.Methods = append(cfg.Methods, Password(constant(p)))
	}
	return cfg
}

func TestAUC01NoneAccepted(t *testing.T) {
	grant := func(s *script) {
		s.welcome()
		s.want(noneRequest("bob"))
		s.send(wire.UserauthSuccess{})
	}
	_, err := authenticate(t, passwordClient("x"), nil, func(s *script) {
		grant(s)
		s.dropped(wire.ReasonProtocolError)
	})
	if !errors.Is(err, ErrUnproven) {
		t.Error(err)
	}
	var got []Acceptance
	cfg := passwordClient("x")
	cfg.AllowNone = true
	cfg.Accepted = func(a Acceptance) { got = append(got, a) }
	_, err = authenticate(t, cfg, nil, grant)
	if err != nil || len(got) != 1 || got[0].Method != "none" || got[0].Proven {
		t.Errorf("error %v, reported %+v", err, got)
	}
}

func TestAUC01QuestionsWithoutQuestions(t *testing.T) {
	silent := KeyboardInteractive(func(context.Context, string, string, []wire.Prompt) ([]string, error) { return nil, nil })
	for _, rounds := range []int{0, 1} {
		for _, allow := range []bool{false, true} {
			var got Acceptance
			cfg := &ClientConfig{User: "bob", Methods: []Method{silent}, AllowNone: allow, Accepted: func(a Acceptance) { got = a }}
			_, err := authenticate(t, cfg, nil, func(s *script) {
				s.welcome()
				s.refuse("keyboard-interactive")
				s.want(interactiveRequest("bob"))
				for range rounds {
					s.send(wire.UserauthInfoRequest{})
					s.want(answersOf())
				}
				s.send(wire.UserauthSuccess{})
				if !allow {
					s.dropped(wire.ReasonProtocolError)
				}
			})
			if allow && (err != nil || got.Proven || got.Method != "keyboard-interactive") || !allow && !errors.Is(err, ErrUnproven) {
				t.Errorf("rounds %d, allowed %v: error %v, reported %+v", rounds, allow, err, got)
			}
		}
	}
}

func TestAUC02EarlySuccess(t *testing.T) {
	for name, play := range map[string]func(s *script){
		"before SERVICE_ACCEPT": func(s *script) {
			s.want(wire.ServiceRequest{Name: "ssh-userauth"})
			s.want(noneRequest("bob"))
		},
		"in answer to a query": func(s *script) {
			s.welcome()
			s.refuse("publickey")
			s.want(queryRequest(keyA(), "bob"))
		},
	} {
		t.Run(name, func(t *testing.T) {
			cfg := &ClientConfig{User: "bob", AllowNone: true, Methods: []Method{PublicKeys(keyA(), keyB())}}
			m, err := authenticate(t, cfg, nil, func(s *script) {
				play(s)
				s.send(wire.UserauthSuccess{})
				s.dropped(wire.ReasonProtocolError)
			})
			wantProtocolError(t, err)
			if m.authenticated > 0 {
				t.Error("transport told of a login")
			}
		})
	}
	t.Run("with bytes behind it", func(t *testing.T) {
		_, err := authenticate(t, passwordClient("x"), nil, func(s *script) {
			s.welcome()
			s.refuse("password")
			s.want(passwordRequest("bob", "x"))
			s.send(raw{byte(wire.MsgUserauthSuccess), 0})
			s.dropped(wire.ReasonProtocolError)
		})
		wantProtocolError(t, err)
	})
	t.Run("pipelined behind the service", func(t *testing.T) {
		// A SUCCESS that is there before any request answers the none that
		// follows: no credential went out, so it is refused like AUC-01.
		_, err := authenticate(t, passwordClient("x"), nil, func(s *script) {
			s.send(wire.ServiceAccept{Name: "ssh-userauth"}, wire.UserauthSuccess{})
			s.want(wire.ServiceRequest{Name: "ssh-userauth"})
			s.want(noneRequest("bob"))
			s.dropped(wire.ReasonProtocolError)
		})
		if !errors.Is(err, ErrUnproven) {
			t.Error(err)
		}
	})
}

func wantProtocolError(t *testing.T, err error) {
	t.Helper()
	if pe, ok := errors.AsType[*wire.ProtocolError](err); !ok || pe.Reason != wire.ReasonProtocolError {
		t.Errorf("error %v, want a protocol error", err)
	}
}

func TestAUC03EndlessRounds(t *testing.T) {
	asked := 0
	questions := KeyboardInteractive(func(_ context.Context, _, _ string, prompts []wire.Prompt) ([]string, error) {
		asked++
		return make([]string, len(prompts)), nil
	})
	for name, prompts := range map[string][]wire.Prompt{"one prompt": {{Text: "?"}}, "zero prompts": nil} {
		t.Run(name, func(t *testing.T) {
			asked = 0
			cfg := &ClientConfig{User: "bob", Methods: []Method{questions}}
			_, err := authenticate(t, cfg, nil, func(s *script) {
				s.welcome()
				s.refuse("keyboard-interactive")
				s.want(interactiveRequest("bob"))
				for range 63 { // with the FAILURE before they make 64
					s.send(wire.UserauthInfoRequest{Prompts: prompts})
					s.recv(wire.MsgUserauthInfoResponse)
				}
				s.send(wire.UserauthInfoRequest{Prompts: prompts})
				s.dropped(wire.ReasonProtocolError)
			})
			if !errors.Is(err, ErrTooManyRounds) || asked != 63 {
				t.Errorf("error %v after %d rounds", err, asked)
			}
		})
	}
	t.Run("partial success for ever", func(t *testing.T) {
		m, err := authenticate(t, passwordClient("first", "second"), nil, func(s *script) {
			s.welcome()
			s.refuse("password")
			s.want(passwordRequest("bob", "first"))
			s.send(partialOf("password", "publickey"))
			s.want(passwordRequest("bob", "second"))
			s.send(partialOf("password", "publickey"))
			s.dropped(wire.ReasonNoMoreAuthMethodsAvailable)
		})
		ae, ok := errors.AsType[*AuthError](err)
		if !ok || !slices.Equal(ae.Tried, []string{"none", "password", "password"}) || !slices.Equal(ae.Partial, []string{"password", "password"}) ||
			!slices.Equal(ae.Offered, []string{"password", "publickey"}) || !errors.Is(err, ErrNoMethodLeft) {
			t.Errorf("error %v, %+v", err, ae)
		}
		if countPackets(m.sent, "first") != 1 || countPackets(m.sent, "second") != 1 {
			t.Error("a password went out twice")
		}
	})
	t.Run("more keys than rounds", func(t *testing.T) {
		var signers []sshkey.Signer
		for range 70 {
			signers = append(signers, mustSigner(sshkey.GenerateEd25519()))
		}
		m, err := authenticate(t, &ClientConfig{User: "bob", Methods: []Method{PublicKeys(signers...)}}, nil, func(s *script) {
			s.welcome()
			s.refuse("publickey")
			for _, signer := range signers[:63] {
				s.want(queryRequest(signer, "bob"))
				s.send(failureOf("publickey"))
			}
			s.want(queryRequest(signers[63], "bob"))
			s.send(failureOf("publickey"))
			s.dropped(wire.ReasonProtocolError)
		})
		if !errors.Is(err, ErrTooManyRounds) {
			t.Error(err, len(m.sent))
		}
	})
}

func TestAUC04Prompts(t *testing.T) {
	never := KeyboardInteractive(func(context.Context, string, string, []wire.Prompt) ([]string, error) {
		t.Error("callback asked")
		return nil, nil
	})
	head := wire.AppendString(wire.AppendString(wire.AppendString([]byte{byte(wire.MsgUserauthInfoRequest)}, ""), ""), "")
	for name, m := range map[string]message{
		"33 prompts":     wire.UserauthInfoRequest{Prompts: make([]wire.Prompt, 33)},
		"2^32-1 prompts": raw(wire.AppendUint32(slices.Clone(head), 1<<32-1)),
		"cut":            raw(wire.AppendUint32(slices.Clone(head), 1)),
	} {
		t.Run(name, func(t *testing.T) {
			_, err := authenticate(t, &ClientConfig{User: "bob", Methods: []Method{never}}, nil, func(s *script) {
				s.welcome()
				s.refuse("keyboard-interactive")
				s.want(interactiveRequest("bob"))
				s.send(m)
				s.dropped(wire.ReasonProtocolError)
			})
			wantProtocolError(t, err)
		})
	}
	t.Run("32 prompts, instruction of 1 MiB", func(t *testing.T) {
		shown := 0
		method := KeyboardInteractive(func(_ context.Context, _, instruction string, prompts []wire.Prompt) ([]string, error) {
			shown = len(instruction)
			return make([]string, len(prompts)), nil
		})
		_, err := authenticate(t, &ClientConfig{User: "bob", Methods: []Method{method}}, nil, func(s *script) {
			s.welcome()
			s.refuse("keyboard-interactive")
			s.want(interactiveRequest("bob"))
			s.send(wire.UserauthInfoRequest{Instruction: strings.Repeat("i", 1<<20), Prompts: make([]wire.Prompt, 32)})
			s.recv(wire.MsgUserauthInfoResponse)
			s.send(wire.UserauthSuccess{})
		})
		if err != nil || shown != maxTextBytes {
			t.Errorf("error %v, %d bytes shown", err, shown)
		}
	})
}

func TestAUC04Banners(t *testing.T) {
	for name, test := range map[string]struct {
		banners []string
		shown   string
		tooMany bool
	}{
		"escapes":      {[]string{"line\r\nnext\x1b[2J\x9b\tend\u202e"}, "line\nnext\\x1b[2J\\x9b\tend\\u202e", false},
		"bytes in all": {[]string{strings.Repeat("a", 60<<10), strings.Repeat("b", 60<<10), "c"}, strings.Repeat("a", 60<<10) + strings.Repeat("b", 4<<10), false},
		"10000":        {slices.Repeat([]string{"x"}, 10000), strings.Repeat("x", 128), true},
		"empty ones":   {slices.Repeat([]string{""}, 129), "", true},
		"128":          {slices.Repeat([]string{"x"}, 128), strings.Repeat("x", 128), false},
	} {
		t.Run(name, func(t *testing.T) {
			var shown strings.Builder
			cfg := passwordClient("x")
			cfg.Banner = func(text string) { shown.WriteString(text) }
			_, err := authenticate(t, cfg, nil, func(s *script) {
				s.welcome()
				s.want(noneRequest("bob"))
				for _, text := range test.banners {
					s.send(wire.UserauthBanner{Message: text})
				}
				if test.tooMany {
					s.dropped(wire.ReasonProtocolError)
					return
				}
				s.send(failureOf("password"))
				s.want(passwordRequest("bob", "x"))
				s.send(wire.UserauthSuccess{})
			})
			if errors.Is(err, ErrTooManyBanners) != test.tooMany || (err != nil) != test.tooMany {
				t.Error(err)
			}
			if shown.String() != test.shown {
				t.Errorf("shown %d bytes %.80q, want %d", shown.Len(), shown.String(), len(test.shown))
			}
		})
	}
}

func TestAUC05WrongPKOK(t *testing.T) {
	blob := keyA().PublicKey().Marshal()
	for name, m := range map[string]message{
		"another key":       wire.UserauthPKOK{Algorithm: "ssh-ed25519", Key: keyB().PublicKey().Marshal()},
		"another algorithm": wire.UserauthPKOK{Algorithm: "rsa-sha2-256", Key: blob},
		"empty key":         wire.UserauthPKOK{Algorithm: "ssh-ed25519"},
		"trailing byte":     raw(append(wire.UserauthPKOK{Algorithm: "ssh-ed25519", Key: blob}.Append(nil), 0)),
	} {
		t.Run(name, func(t *testing.T) {
			signs := &countingSigner{Signer: keyA()}
			_, err := authenticate(t, &ClientConfig{User: "bob", Methods: []Method{PublicKeys(signs, keyB())}}, nil, func(s *script) {
				s.welcome()
				s.refuse("publickey")
				s.want(queryRequest(keyA(), "bob"))
				s.send(m)
				s.dropped(wire.ReasonProtocolError)
			})
			wantProtocolError(t, err)
			if signs.n > 0 {
				t.Error("a signature was made")
			}
		})
	}
}

// countingSigner counts its signatures and fails with err if that is set.
type countingSigner struct {
	sshkey.Signer
	n   int
	err error
}

func (s *countingSigner) Sign(random io.Reader, algorithm string, data []byte) ([]byte, error) {
	s.n++
	if s.err != nil {
		return nil, s.err
	}
	return s.Signer.Sign(random, algorithm, data)
}

func TestAUC06FailureLists(t *testing.T) {
	for name, methods := range map[string][]string{"unknown": {"nonsense", "hostbased"}, "empty": nil, "unknown and password": {"x", "password"}} {
		t.Run(name, func(t *testing.T) {
			_, err := authenticate(t, passwordClient("x"), nil, func(s *script) {
				s.welcome()
				s.refuse(methods...)
				if slices.Contains(methods, "password") {
					s.want(passwordRequest("bob", "x"))
					s.send(failureOf("x"))
				}
				s.dropped(wire.ReasonNoMoreAuthMethodsAvailable)
			})
			ae, ok := errors.AsType[*AuthError](err)
			if !ok || ae.Tried[0] != "none" || !errors.Is(err, ErrNoMethodLeft) {
				t.Error(err)
			}
		})
	}
	for name, p := range map[string][]byte{
		"64 KiB":   wire.AppendBool(wire.AppendString([]byte{51}, strings.Repeat("password,", 7300)+"x"), false),
		"controls": wire.AppendBool(wire.AppendString([]byte{51}, "pass\x1bword"), false),
		"cut":      wire.AppendString([]byte{51}, "password"),
	} {
		t.Run(name, func(t *testing.T) {
			_, err := authenticate(t, passwordClient("x"), nil, func(s *script) {
				s.welcome()
				s.want(noneRequest("bob"))
				s.send(raw(p))
				s.dropped(wire.ReasonProtocolError)
			})
			wantProtocolError(t, err)
		})
	}
}

func TestAUC08ConnectionMessages(t *testing.T) {
	for number := 80; number <= 127; number++ {
		for _, accepted := range []bool{false, true} {
			_, err := authenticate(t, passwordClient("x"), nil, func(s *script) {
				s.want(wire.ServiceRequest{Name: "ssh-userauth"})
				s.want(noneRequest("bob")) // not held back until the service is there
				if accepted {
					s.send(wire.ServiceAccept{Name: "ssh-userauth"})
				}
				s.send(raw{byte(number), 0, 0, 0, 0})
				s.dropped(wire.ReasonProtocolError)
			})
			wantProtocolError(t, err)
		}
	}
}

func TestServiceAcceptOfAnother(t *testing.T) {
	_, err := authenticate(t, passwordClient("x"), nil, func(s *script) {
		s.want(wire.ServiceRequest{Name: "ssh-userauth"})
		s.want(noneRequest("bob"))
		s.send(wire.ServiceAccept{Name: "ssh-connection\x1b"})
		s.dropped(wire.ReasonProtocolError)
	})
	wantProtocolError(t, err)
	if strings.Contains(err.Error(), "\x1b") {
		t.Errorf("unescaped error %q", err)
	}
}

func TestClientSkipsNone(t *testing.T) {
	cfg := passwordClient("a", "b")
	cfg.SkipNone = true
	var got Acceptance
	cfg.Accepted = func(a Acceptance) { got = a }
	_, err := authenticate(t, cfg, nil, func(s *script) {
		s.welcome()
		s.want(passwordRequest("bob", "a"))
		s.send(failureOf("password"))
		s.want(passwordRequest("bob", "b"))
		s.send(wire.UserauthSuccess{})
	})
	if err != nil || got.Method != "password" || !got.Proven || len(got.Partial) > 0 {
		t.Errorf("error %v, %+v", err, got)
	}
}

func TestClientOrderFollowsList(t *testing.T) {
	cfg := &ClientConfig{User: "bob", Methods: []Method{PublicKeys(keyA()), nil, Password(constant("x"))}}
	var got Acceptance
	cfg.Accepted = func(a Acceptance) { got = a }
	_, err := authenticate(t, cfg, nil, func(s *script) {
		s.welcome()
		s.refuse("password") // a key would come first, but the server does not want it yet
		s.want(passwordRequest("bob", "x"))
		s.send(partialOf("publickey"))
		s.want(signedRequest(keyA(), "bob"))
		s.send(wire.UserauthSuccess{})
	})
	if err != nil || !slices.Equal(got.Partial, []string{"password"}) || got.Method != "publickey" {
		t.Errorf("error %v, %+v", err, got)
	}
}

func TestClientWithoutMethods(t *testing.T) {
	for _, cfg := range []*ClientConfig{nil, {SkipNone: true}, {Methods: []Method{Password(nil), PublicKeysFunc(nil), KeyboardInteractive(nil), PublicKeys()}}} {
		_, err := authenticate(t, cfg, nil, func(s *script) {
			s.welcome()
			if cfg == nil || !cfg.SkipNone {
				s.want(noneRequest(""))
				s.send(failureOf(allMethods...))
			}
			s.dropped(wire.ReasonNoMoreAuthMethodsAvailable)
		})
		if _, ok := errors.AsType[*AuthError](err); !ok {
			t.Error(err)
		}
	}
}

func TestClientContext(t *testing.T) {
	errStop := errors.New("stop")
	ctx, cancel := context.WithCancelCause(t.Context())
	client, server := newMemory(7)
	done := make(chan error)
	go func() { done <- Authenticate(ctx, client, passwordClient("x")) }()
	s := &script{memory: server, t: t}
	s.welcome()
	s.want(noneRequest("bob"))
	cancel(errStop)
	s.dropped(wire.ReasonByApplication)
	if err := <-done; !errors.Is(err, errStop) {
		t.Error(err)
	}
}

func TestClientPeerHangsUp(t *testing.T) {
	for _, play := range []func(s *script){
		func(s *script) {},
		func(s *script) { s.welcome() },
		func(s *script) { s.welcome(); s.refuse("password"); time.Sleep(time.Second) },
	} {
		_, err := authenticate(t, passwordClient("x"), nil, play)
		if !errors.Is(err, net.ErrClosed) {
			t.Error(err)
		}
	}
}

func TestAuthErrorText(t *testing.T) {
	e := &AuthError{Tried: []string{"none", "publickey"}, Partial: []string{"publickey"}, Offered: []string{"pass\x1bword"}, Err: ErrNoMethodLeft}
	want := `userauth: not authenticated: no authentication method left; tried none,publickey; accepted in part publickey; server offers pass\x1bword`
	if e.Error() != want {
		t.Errorf("%s\nwant\n%s", e, want)
	}
	if got := (&AuthError{Err: ErrSkip}).Error(); !strings.HasSuffix(got, "tried nothing; server offers nothing") {
		t.Error(got)
	}
}
