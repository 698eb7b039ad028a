package userauth

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/hawser-ssh/hawser/wire"
)

func TestAUT14PasswordsNotJudged(t *testing.T) {
	for name, m := range map[string]message{
		"1025 bytes":         passwordRequest("bob", strings.Repeat("p", 1025)),
		"200 KiB":            passwordRequest("bob", strings.Repeat("p", 200<<10)),
		"empty":              passwordRequest("bob", ""),
		"change not offered": changeRequest("bob", "right", "new"),
	} {
		t.Run(name, func(t *testing.T) {
			serve(t, denyingCallbacks(t), func(s *script) {
				s.hello()
				s.send(m)
				s.failure(allMethods...)
			}).rejected(t)
		})
	}
}

func TestAUT14PasswordsJudged(t *testing.T) {
	for _, password := range []string{"p", "a\x00b", "a\xff\xfe", strings.Repeat("p", 1000), strings.Repeat("p", 1024)} {
		got := ""
		cfg := &ServerConfig{FailureFloor: -1, Password: func(_ context.Context, _ *Attempt, p []byte) Result { got = string(p); return Result{} }}
		serve(t, cfg, func(s *script) {
			s.hello()
			s.send(passwordRequest("bob", password))
			s.failure("password")
		}).rejected(t)
		if got != password {
			t.Errorf("judged %q, want %q", got, password)
		}
	}
}

func TestAUT14MalformedPasswordRequests(t *testing.T) {
	whole := wire.UserauthPassword{Password: []byte("right")}.Append(nil)
	for name, payload := range map[string][]byte{
		"trailing byte": append(bytes.Clone(whole), 0), "cut": whole[:len(whole)-1], "nothing": nil,
		"change without new password": append([]byte{1}, whole[1:]...),
		"length 2^32-1":               {0, 0xff, 0xff, 0xff, 0xff},
	} {
		t.Run(name, func(t *testing.T) {
			out := serve(t, denyingCallbacks(t), func(s *script) {
				s.hello()
				s.send(userRequest("bob", "password", payload))
				s.dropped(wire.ReasonProtocolError)
			})
			out.reason(t, wire.ReasonProtocolError)
		})
	}
}

func TestEmptyPasswordWhenAllowed(t *testing.T) {
	cfg := config()
	cfg.AllowEmptyPassword = true
	cfg.Password = func(_ context.Context, _ *Attempt, p []byte) Result { return acceptIf(len(p) == 0) }
	out := serve(t, cfg, func(s *script) {
		s.hello()
		s.send(passwordRequest("bob", ""))
		s.want(wire.UserauthSuccess{})
	})
	if out.login == nil {
		t.Error(out.err)
	}
}

func TestPasswordIsCleared(t *testing.T) {
	var view []byte
	reported := false
	cfg := config()
	cfg.Password = func(_ context.Context, _ *Attempt, p []byte) Result { view = p; return Result{} }
	cfg.Observe = func(context.Context, *Report) {
		if reported = true; !bytes.Equal(view, make([]byte, 5)) {
			t.Errorf("password still stands: %q", view)
		}
	}
	serve(t, cfg, func(s *script) {
		s.hello()
		s.send(passwordRequest("bob", "right"))
		s.failure(allMethods...)
	}).rejected(t)
	if !reported {
		t.Error("no report")
	}
}

// changing is a server on which bob's password "old" must be replaced by "good".
func changing(calls *[]string) *ServerConfig {
	demand := Result{Outcome: ChangePassword, Prompt: "Choose a new one."}
	return &ServerConfig{
		FailureFloor: -1,
		Password: func(_ context.Context, a *Attempt, p []byte) Result {
			if string(p) == "old" {
				return demand
			}
			return Result{}
		},
		ChangePassword: func(_ context.Context, a *Attempt, old, changed []byte) Result {
			*calls = append(*calls, a.User+" "+string(old)+" "+string(changed))
			switch {
			case string(old) != "old":
				return Result{}
			case string(changed) != "good":
				return demand
			}
			return Result{Outcome: Accept}
		},
	}
}

func TestServeChangePassword(t *testing.T) {
	var calls []string
	out := serve(t, changing(&calls), func(s *script) {
		s.hello()
		s.send(passwordRequest("bob", "old"))
		s.want(wire.UserauthPasswdChangeReq{Prompt: "Choose a new one."})
		s.send(changeRequest("bob", "old", "weak"))
		s.want(wire.UserauthPasswdChangeReq{Prompt: "Choose a new one."})
		s.send(changeRequest("bob", "old", "good"))
		s.want(wire.UserauthSuccess{})
	})
	if out.login == nil || out.login.Failures != 0 || !slices.Equal(calls, []string{"bob old weak", "bob old good"}) {
		t.Errorf("login %+v, %v, calls %q", out.login, out.err, calls)
	}
}

func TestChangeIsBoundToItsOffer(t *testing.T) {
	for name, between := range map[string]message{
		"another user": changeRequest("eve", "old", "good"), "a failure": passwordRequest("bob", "wrong"), "a none": noneRequest("bob"),
		"an empty password": passwordRequest("bob", ""), "an empty new one": changeRequest("bob", "old", ""),
		"a long new one": changeRequest("bob", "old", strings.Repeat("g", 1025)),
	} {
		t.Run(name, func(t *testing.T) {
			var calls []string
			serve(t, changing(&calls), func(s *script) {
				s.hello()
				s.send(passwordRequest("bob", "old"))
				s.recv(wire.MsgUserauthPasswdChangeReq)
				s.send(between, changeRequest("bob", "old", "good"))
				s.failure("password")
				s.failure("password")
			}).rejected(t)
			if len(calls) > 0 {
				t.Errorf("calls %q", calls)
			}
		})
	}
}

func TestChangeOutcomeWithoutCallback(t *testing.T) {
	cfg := changing(nil)
	cfg.ChangePassword = nil
	serve(t, cfg, func(s *script) {
		s.hello()
		s.send(passwordRequest("bob", "old"))
		s.failure("password")
	}).rejected(t)
	cfg = config()
	cfg.None = func(context.Context, *Attempt) Result { return Result{Outcome: ChangePassword} }
	cfg.ChangePassword = func(context.Context, *Attempt, []byte, []byte) Result { return Result{Outcome: Accept} }
	serve(t, cfg, func(s *script) {
		s.hello()
		s.send(noneRequest("bob"))
		s.failure(allMethods...)
	}).rejected(t)
}

func TestAUC07UnaskedChange(t *testing.T) {
	cfg := &ClientConfig{User: "bob", Methods: []Method{Password(constant("old"))}}
	m, err := authenticate(t, cfg, nil, func(s *script) {
		s.welcome()
		s.refuse("password")
		s.want(passwordRequest("bob", "old"))
		s.send(wire.UserauthPasswdChangeReq{Prompt: "new"})
		s.dropped(wire.ReasonAuthCancelledByUser)
	})
	if !errors.Is(err, ErrPasswordExpired) {
		t.Error(err)
	}
	if n := countPackets(m.sent, "old"); n != 1 {
		t.Errorf("password went out %d times", n)
	}
}

func TestAUC07RepeatedChange(t *testing.T) {
	prompts := []string{}
	cfg := &ClientConfig{User: "bob", Methods: []Method{PasswordWithChange(constant("old"), func(_ context.Context, prompt string) (string, error) {
		prompts = append(prompts, prompt)
		return "new", nil
	})}}
	m, err := authenticate(t, cfg, nil, func(s *script) {
		s.welcome()
		s.refuse("password")
		s.want(passwordRequest("bob", "old"))
		s.send(wire.UserauthPasswdChangeReq{Prompt: "expired\x1b[2J"})
		s.want(changeRequest("bob", "old", "new"))
		s.send(wire.UserauthPasswdChangeReq{Prompt: "again"})
		s.dropped(wire.ReasonAuthCancelledByUser)
	})
	if !errors.Is(err, ErrPasswordExpired) || !slices.Equal(prompts, []string{`expired\x1b[2J`}) {
		t.Errorf("error %v, prompts %q", err, prompts)
	}
	if n := countPackets(m.sent, "old"); n != 2 {
		t.Errorf("old password went out %d times, want the request and the change", n)
	}
}

func TestClientPasswordOutcomes(t *testing.T) {
	errGone := errors.New("terminal is gone")
	failing := func(err error) func(context.Context) (string, error) {
		return func(context.Context) (string, error) { return "", err }
	}
	t.Run("callback fails", func(t *testing.T) {
		_, err := authenticate(t, &ClientConfig{User: "bob", Methods: []Method{Password(failing(errGone)), Password(constant("x"))}}, nil, func(s *script) {
			s.welcome()
			s.refuse("password")
			s.dropped(wire.ReasonAuthCancelledByUser)
		})
		if !errors.Is(err, errGone) {
			t.Error(err)
		}
	})
	t.Run("callback skips", func(t *testing.T) {
		_, err := authenticate(t, &ClientConfig{User: "bob", Methods: []Method{Password(failing(ErrSkip)), Password(constant("x"))}}, nil, func(s *script) {
			s.welcome()
			s.refuse("password")
			s.want(passwordRequest("bob", "x"))
			s.send(wire.UserauthSuccess{})
		})
		if err != nil {
			t.Error(err)
		}
	})
	t.Run("callback of the change fails", func(t *testing.T) {
		method := PasswordWithChange(constant("old"), func(context.Context, string) (string, error) { return "", errGone })
		_, err := authenticate(t, &ClientConfig{User: "bob", Methods: []Method{method}}, nil, func(s *script) {
			s.welcome()
			s.refuse("password")
			s.want(passwordRequest("bob", "old"))
			s.send(wire.UserauthPasswdChangeReq{})
			s.dropped(wire.ReasonAuthCancelledByUser)
		})
		if !errors.Is(err, errGone) {
			t.Error(err)
		}
	})
}

func constant(s string) func(context.Context) (string, error) {
	return func(context.Context) (string, error) { return s, nil }
}

func countPackets(sent [][]byte, with string) int {
	n := 0
	for _, p := range sent {
		if bytes.Contains(p, []byte(with)) {
			n++
		}
	}
	return n
}
