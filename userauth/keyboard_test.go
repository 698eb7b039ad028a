package userauth

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/hawser-ssh/hawser/wire"
)

type asker = func(name, instruction string, prompts []wire.Prompt) ([]string, error)

func answersOf(answers ...string) message { return wire.UserauthInfoResponse{Answers: answers} }

// countOnly is an INFO_RESPONSE with a count and these bytes behind it.
func countOnly(n uint32, rest ...byte) message {
	return raw(append(wire.AppendUint32([]byte{byte(wire.MsgUserauthInfoResponse)}, n), rest...))
}

// colour asks one question and accepts "blue", but claims to accept in all
// other cases, too: what must be denied is denied by the package.
func colour(errs *[]error) *ServerConfig {
	return &ServerConfig{FailureFloor: -1, KeyboardInteractive: func(_ context.Context, _ *Attempt, ask asker) Result {
		answers, err := ask("", "", []wire.Prompt{{Text: "Colour: "}})
		if err != nil {
			*errs = append(*errs, err)
			_, again := ask("", "", nil)
			*errs = append(*errs, again)
			return Result{Outcome: Accept}
		}
		return acceptIf(answers[0] == "blue")
	}}
}

func TestServeInteractiveRounds(t *testing.T) {
	out := serve(t, config(), func(s *script) {
		s.hello()
		s.send(interactiveRequest("bob"))
		s.want(wire.UserauthInfoRequest{Name: "Questions", Instruction: "Two rounds.", Prompts: []wire.Prompt{{Text: "Colour: ", Echo: true}}})
		s.send(answersOf("blue"))
		s.want(wire.UserauthInfoRequest{Prompts: []wire.Prompt{{Text: "Number: "}}})
		s.send(answersOf("42"))
		s.want(wire.UserauthSuccess{})
	})
	if out.login == nil || out.login.Method != "keyboard-interactive" || out.login.Requests != 3 {
		t.Errorf("login %+v, %v", out.login, out.err)
	}
}

func TestInteractiveSubmethods(t *testing.T) {
	var got Attempt
	cfg := &ServerConfig{FailureFloor: -1, KeyboardInteractive: func(_ context.Context, a *Attempt, _ asker) Result { got = *a; return Result{} }}
	serve(t, cfg, func(s *script) {
		s.hello()
		s.send(userRequest("bob", "keyboard-interactive", wire.UserauthInteractive{Language: "en", Submethods: "pam,otp"}.Append(nil)))
		s.failure("keyboard-interactive")
	}).rejected(t)
	if got.Language != "en" || got.Submethods != "pam,otp" || len(got.SessionID) != 32 || got.Requests != 1 {
		t.Errorf("attempt %+v", got)
	}
	long := strings.Repeat("s", 1025)
	serve(t, denyingCallbacks(t), func(s *script) {
		s.hello()
		s.send(userRequest("bob", "keyboard-interactive", wire.UserauthInteractive{Submethods: long}.Append(nil)))
		s.failure(allMethods...)
		s.send(userRequest("bob", "keyboard-interactive", wire.UserauthInteractive{Language: long}.Append(nil)))
		s.failure(allMethods...)
	}).rejected(t)
}

func TestAUT15UnaskedResponses(t *testing.T) {
	states := map[string]func(s *script){
		"first":         func(s *script) {},
		"after service": (*script).hello,
		"after failure": func(s *script) { s.hello(); s.send(passwordRequest("bob", "x")); s.failure("keyboard-interactive") },
		"after abandon": func(s *script) {
			s.hello()
			s.send(interactiveRequest("bob"))
			s.recv(60)
			s.send(noneRequest("bob"))
			s.recv(51)
		},
		"after answered": func(s *script) {
			s.hello()
			s.send(interactiveRequest("bob"))
			s.recv(60)
			s.send(answersOf("red"))
			s.recv(51)
		},
	}
	for name, play := range states {
		t.Run(name, func(t *testing.T) {
			var errs []error
			out := serve(t, colour(&errs), func(s *script) {
				play(s)
				s.send(answersOf("blue"))
				s.dropped(wire.ReasonProtocolError)
			})
			out.reason(t, wire.ReasonProtocolError)
		})
	}
}

func TestAUT15WrongAnswers(t *testing.T) {
	for name, m := range map[string]message{
		"0 answers": answersOf(), "2 answers": answersOf("blue", "blue"), "2^32-1 answers": countOnly(1<<32 - 1),
		"2^31 answers": countOnly(1 << 31), "answer of 200 KiB": answersOf(strings.Repeat("b", 200<<10)), "answer of 1025 bytes": answersOf(strings.Repeat("b", 1025)),
	} {
		t.Run(name, func(t *testing.T) {
			var errs []error
			serve(t, colour(&errs), func(s *script) {
				s.hello()
				s.send(interactiveRequest("bob"))
				s.recv(wire.MsgUserauthInfoRequest)
				s.send(m)
				s.failure("keyboard-interactive")
			}).rejected(t)
			if len(errs) != 2 || !errors.Is(errs[0], ErrBadAnswers) || !errors.Is(errs[1], ErrExchangeOver) {
				t.Errorf("errors of ask: %v", errs)
			}
		})
	}
	for name, m := range map[string]message{
		"cut": countOnly(1, 0, 0, 0, 4, 'b'), "trailing": countOnly(1, 0, 0, 0, 0, 'b'), "no count": raw{byte(wire.MsgUserauthInfoResponse)},
	} {
		t.Run(name, func(t *testing.T) {
			var errs []error
			out := serve(t, colour(&errs), func(s *script) {
				s.hello()
				s.send(interactiveRequest("bob"))
				s.recv(wire.MsgUserauthInfoRequest)
				s.send(m)
				s.dropped(wire.ReasonProtocolError)
			})
			out.reason(t, wire.ReasonProtocolError)
		})
	}
}

func TestAUT15ManyQuestions(t *testing.T) {
	for n, want := range map[int]error{32: nil, 33: ErrTooManyPrompts} {
		var got error
		cfg := &ServerConfig{FailureFloor: -1, KeyboardInteractive: func(_ context.Context, _ *Attempt, ask asker) Result {
			answers, err := ask("", "", make([]wire.Prompt, n))
			got = err
			return acceptIf(len(answers) == n)
		}}
		out := serve(t, cfg, func(s *script) {
			s.hello()
			s.send(interactiveRequest("bob"))
			if n > 32 {
				s.failure("keyboard-interactive")
				return
			}
			s.recv(wire.MsgUserauthInfoRequest)
			s.send(answersOf(make([]string, n)...))
			s.want(wire.UserauthSuccess{})
		})
		if !errors.Is(got, want) || (out.login != nil) != (want == nil) {
			t.Errorf("%d prompts: %v, login %v", n, got, out.login)
		}
	}
}

func TestAUT15AbandonedByNewRequest(t *testing.T) {
	for name, test := range map[string]struct {
		next  message
		check func(s *script)
	}{
		"right password": {passwordRequest("bob", "right"), func(s *script) { s.want(wire.UserauthSuccess{}) }},
		"wrong password": {passwordRequest("bob", "wrong"), func(s *script) { s.failure("password", "keyboard-interactive") }},
		"new questions":  {interactiveRequest("bob"), func(s *script) { s.recv(wire.MsgUserauthInfoRequest) }},
		"another user":   {passwordRequest("eve", "right"), func(s *script) { s.failure("password", "keyboard-interactive") }},
	} {
		t.Run(name, func(t *testing.T) {
			var errs []error
			cfg := colour(&errs)
			cfg.Password = config().Password
			out := serve(t, cfg, func(s *script) {
				s.hello()
				s.send(interactiveRequest("bob"))
				s.recv(wire.MsgUserauthInfoRequest)
				s.send(test.next)
				test.check(s)
			})
			if (out.login != nil) != (name == "right password") || len(errs) < 2 || !errors.Is(errs[0], ErrAbandoned) {
				t.Errorf("login %+v, errors of ask %v", out.login, errs)
			}
		})
	}
}

func TestAUT15ServiceRequestInQuestions(t *testing.T) {
	var errs []error
	out := serve(t, colour(&errs), func(s *script) {
		s.hello()
		s.send(interactiveRequest("bob"))
		s.recv(wire.MsgUserauthInfoRequest)
		s.send(wire.ServiceRequest{Name: "ssh-userauth"})
		s.dropped(wire.ReasonProtocolError)
	})
	out.reason(t, wire.ReasonProtocolError)
}

func TestRoundsOfQuestionsAreCounted(t *testing.T) {
	rounds := 0
	cfg := &ServerConfig{FailureFloor: -1, KeyboardInteractive: func(_ context.Context, _ *Attempt, ask asker) Result {
		for {
			if _, err := ask("", "", nil); err != nil {
				return Result{Outcome: Accept}
			}
			rounds++
		}
	}}
	out := serve(t, cfg, func(s *script) {
		s.hello()
		s.send(interactiveRequest("bob"))
		for range 128 {
			s.recv(wire.MsgUserauthInfoRequest)
			s.send(answersOf())
		}
		s.dropped(wire.ReasonNoMoreAuthMethodsAvailable)
	})
	out.reason(t, wire.ReasonNoMoreAuthMethodsAvailable)
	if rounds != 127 {
		t.Errorf("%d rounds", rounds)
	}
}

func TestAskAfterReturn(t *testing.T) {
	var kept asker
	cfg := &ServerConfig{FailureFloor: -1, KeyboardInteractive: func(_ context.Context, _ *Attempt, ask asker) Result {
		kept = ask
		return Result{}
	}}
	serve(t, cfg, func(s *script) {
		s.hello()
		s.send(interactiveRequest("bob"))
		s.failure("keyboard-interactive")
		if _, err := kept("", "", nil); !errors.Is(err, ErrExchangeOver) {
			t.Error(err)
		}
	}).rejected(t)
}

func TestClientInteractive(t *testing.T) {
	type round struct {
		name, instruction string
		prompts           []wire.Prompt
	}
	var got []round
	method := KeyboardInteractive(func(_ context.Context, name, instruction string, prompts []wire.Prompt) ([]string, error) {
		got = append(got, round{name, instruction, prompts})
		return make([]string, len(prompts)), nil
	})
	_, err := authenticate(t, &ClientConfig{User: "bob", Methods: []Method{method}}, nil, func(s *script) {
		s.welcome()
		s.refuse("keyboard-interactive")
		s.want(interactiveRequest("bob"))
		s.send(wire.UserauthInfoRequest{Name: "n\x07", Instruction: "a\r\nb\tc\\d\x9b", Prompts: []wire.Prompt{{Text: "\x1b]0;x\x07p: ", Echo: true}, {Text: "ü\u202e"}}})
		s.want(answersOf("", ""))
		s.send(wire.UserauthInfoRequest{})
		s.want(answersOf())
		s.send(wire.UserauthSuccess{})
	})
	if err != nil || len(got) != 2 {
		t.Fatalf("error %v, rounds %+v", err, got)
	}
	want := []wire.Prompt{{Text: `\x1b]0;x\x07p: `, Echo: true}, {Text: `ü\u202e`}}
	if got[0].name != `n\x07` || got[0].instruction != "a\nb\tc\\d\\x9b" || !slices.Equal(got[0].prompts, want) {
		t.Errorf("shown %+v", got[0])
	}
}

func TestClientInteractiveOutcomes(t *testing.T) {
	errGone := errors.New("user is gone")
	answering := func(answers []string, err error) Method {
		return KeyboardInteractive(func(context.Context, string, string, []wire.Prompt) ([]string, error) { return answers, err })
	}
	ask := wire.UserauthInfoRequest{Prompts: []wire.Prompt{{Text: "?"}}}
	for name, test := range map[string]struct {
		method Method
		want   error
	}{
		"callback fails": {answering(nil, errGone), errGone},
		"too few":        {answering(nil, nil), ErrAnswerCount},
		"too many":       {answering([]string{"a", "b"}, nil), ErrAnswerCount},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := authenticate(t, &ClientConfig{User: "bob", Methods: []Method{test.method}}, nil, func(s *script) {
				s.welcome()
				s.refuse("keyboard-interactive")
				s.want(interactiveRequest("bob"))
				s.send(ask)
				s.dropped(wire.ReasonAuthCancelledByUser)
			})
			if !errors.Is(err, test.want) {
				t.Errorf("error %v, want %v", err, test.want)
			}
		})
	}
	t.Run("skips to the next method", func(t *testing.T) {
		_, err := authenticate(t, &ClientConfig{User: "bob", Methods: []Method{answering(nil, ErrSkip), Password(constant("x"))}}, nil, func(s *script) {
			s.welcome()
			s.refuse("password", "keyboard-interactive")
			s.want(interactiveRequest("bob"))
			s.send(ask)
			s.want(passwordRequest("bob", "x"))
			s.send(wire.UserauthSuccess{})
		})
		if err != nil {
			t.Error(err)
		}
	})
}
