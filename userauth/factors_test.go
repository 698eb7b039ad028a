package userauth

import (
	"context"
	"slices"
	"testing"

	"github.com/hawser-ssh/hawser/transport/sshkey"
	"github.com/hawser-ssh/hawser/wire"
)

// twoFactors wants a key and then the password.
func twoFactors() *ServerConfig {
	cfg := config()
	cfg.Chains = [][]string{{"publickey", "password"}}
	return cfg
}

func TestAUT05UserChangeForgetsFactors(t *testing.T) {
	out := serve(t, twoFactors(), func(s *script) {
		s.hello()
		s.send(signedRequest(keyA(), "bob"))
		s.partial("password")
		s.send(passwordRequest("eve", "right")) // eve has no factor yet
		s.failure("publickey")
		s.send(passwordRequest("bob", "right")) // and bob's is forgotten
		s.failure("publickey")
		s.send(signedRequest(keyA(), "bob"))
		s.partial("password")
		s.send(noneRequest(""))
		s.failure("publickey")
		s.send(passwordRequest("bob", "right"))
		s.failure("publickey")
	})
	out.rejected(t)
}

func TestAUT05ServiceChange(t *testing.T) {
	out := serve(t, twoFactors(), func(s *script) {
		s.hello()
		s.send(signedRequest(keyA(), "bob"))
		s.partial("password")
		payload := wire.UserauthPassword{Password: []byte("right")}.Append(nil)
		s.send(wire.UserauthRequest{User: "bob", Service: "other", Method: "password", Payload: payload})
		s.dropped(wire.ReasonServiceNotAvailable)
	})
	out.reason(t, wire.ReasonServiceNotAvailable)
}

func TestAUT05SecondUserWithOwnFactors(t *testing.T) {
	cfg := twoFactors()
	cfg.PublicKey = func(context.Context, *Attempt, sshkey.PublicKey, string, bool) Result {
		return Result{Outcome: Accept, Permissions: Permissions{"from": "key"}}
	}
	out := serve(t, cfg, func(s *script) {
		s.hello()
		s.send(signedRequest(keyB(), "eve"))
		s.partial("password")
		s.send(signedRequest(keyA(), "bob"))
		s.partial("password")
		s.send(passwordRequest("bob", "right"))
		s.want(wire.UserauthSuccess{})
	})
	if l := out.login; l == nil || l.User != "bob" || len(l.Steps) != 2 || !sshkey.Equal(l.Steps[0].Key, keyA().PublicKey()) {
		t.Errorf("login %+v", out.login)
	}
}

func TestAUT16Chains(t *testing.T) {
	keyThenPassword := []string{"publickey", "password"}
	for name, test := range map[string]struct {
		chains [][]string
		play   func(s *script)
		steps  []string // of the login; nil is none
	}{
		"only the first": {[][]string{keyThenPassword}, func(s *script) {
			s.send(signedRequest(keyA(), "bob"))
			s.partial("password")
			s.send(signedRequest(keyA(), "bob"), signedRequest(keyEC(), "bob"), noneRequest("bob"))
			s.failure("password")
			s.failure("password")
			s.failure("password")
		}, nil},
		"the second first": {[][]string{keyThenPassword}, func(s *script) {
			s.send(passwordRequest("bob", "right"))
			s.failure("publickey")
		}, nil},
		"both": {[][]string{keyThenPassword}, func(s *script) {
			s.send(queryRequest(keyA(), "bob"))
			s.want(pkOK(keyA()))
			s.send(signedRequest(keyA(), "bob"))
			s.partial("password")
			s.send(passwordRequest("bob", "wrong"))
			s.failure("password")
			s.send(passwordRequest("bob", "right"))
			s.want(wire.UserauthSuccess{})
		}, keyThenPassword},
		"the same key twice": {[][]string{{"publickey", "publickey"}}, func(s *script) {
			s.send(signedRequest(keyA(), "bob"))
			s.partial("publickey")
			s.send(signedRequest(keyA(), "bob"), queryRequest(keyA(), "bob"))
			s.failure("publickey")
			s.failure("publickey")
			s.send(proof{signer: keyA(), user: "bob", session: 7, method: methodHostBound, hostKey: hostKey().PublicKey().Marshal()}.request())
			s.failure("publickey")
		}, nil},
		"two keys": {[][]string{{"publickey", "publickey"}}, func(s *script) {
			s.send(signedRequest(keyA(), "bob"))
			s.partial("publickey")
			s.send(signedRequest(keyEC(), "bob"))
			s.want(wire.UserauthSuccess{})
		}, []string{"publickey", "publickey"}},
		"one of two chains": {[][]string{keyThenPassword, {"password", "keyboard-interactive"}, {"hostbased"}}, func(s *script) {
			s.send(noneRequest("bob"))
			s.failure("publickey", "password")
			s.send(passwordRequest("bob", "right"))
			s.partial("keyboard-interactive")
			s.send(signedRequest(keyA(), "bob"))
			s.failure("keyboard-interactive")
			s.send(interactiveRequest("bob"))
			s.recv(wire.MsgUserauthInfoRequest)
			s.send(answersOf("blue"))
			s.recv(wire.MsgUserauthInfoRequest)
			s.send(answersOf("42"))
			s.want(wire.UserauthSuccess{})
		}, []string{"password", "keyboard-interactive"}},
		"a chain that is the beginning of another": {[][]string{{"password", "publickey"}, {"password"}}, func(s *script) {
			s.send(passwordRequest("bob", "right"))
			s.want(wire.UserauthSuccess{})
		}, []string{"password"}},
		"no chain": {[][]string{}, func(s *script) {
			s.send(noneRequest("bob"), passwordRequest("bob", "right"))
			s.failure()
			s.failure()
		}, nil},
		"empty chain": {[][]string{{}}, func(s *script) {
			s.send(noneRequest("bob"), passwordRequest("bob", "right"))
			s.failure()
			s.failure()
		}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			cfg := config()
			cfg.Chains = test.chains
			cfg.None = func(context.Context, *Attempt) Result {
				t.Error("none was asked about under chains")
				return Result{Outcome: Accept}
			}
			out := serve(t, cfg, func(s *script) { s.hello(); test.play(s) })
			if got := stepNames(out.login); !slices.Equal(got, test.steps) {
				t.Errorf("steps %q, want %q (%v)", got, test.steps, out.err)
			}
		})
	}
}

func stepNames(l *Login) []string {
	if l == nil {
		return nil
	}
	var names []string
	for _, s := range l.Steps {
		names = append(names, s.Method)
	}
	return names
}

// TestAUT16PartialByCallback is multi-factor without chains: the callbacks say
// what is still wanted.
func TestAUT16PartialByCallback(t *testing.T) {
	var seen [][]string
	cfg := config()
	cfg.PublicKey = func(_ context.Context, a *Attempt, _ sshkey.PublicKey, _ string, _ bool) Result {
		if len(a.Steps) == 0 {
			return Result{Outcome: Partial, Methods: []string{"password"}, Permissions: Permissions{"rights": "of the key"}}
		}
		return Result{}
	}
	cfg.Password = func(_ context.Context, a *Attempt, p []byte) Result {
		seen = append(seen, stepNames(&Login{Steps: a.Steps}))
		return acceptIf(len(a.Steps) == 1 && string(p) == "right")
	}
	t.Run("complete", func(t *testing.T) {
		out := serve(t, cfg, func(s *script) {
			s.hello()
			s.send(signedRequest(keyB(), "bob"))
			s.partial("password")
			s.send(signedRequest(keyA(), "bob"))
			s.failure("password")
			s.send(passwordRequest("bob", "right"))
			s.want(wire.UserauthSuccess{})
		})
		if out.login == nil || out.login.Permissions != nil || out.login.Steps[0].Permissions["rights"] != "of the key" {
			t.Errorf("login %+v", out.login)
		}
	})
	t.Run("nothing leaks", func(t *testing.T) {
		seen = nil
		out := serve(t, cfg, func(s *script) {
			s.hello()
			s.send(signedRequest(keyB(), "bob"))
			s.partial("password")
			s.send(passwordRequest("eve", "right"))
			s.failure(allMethods...)
		})
		out.rejected(t)
		if len(seen) != 1 || len(seen[0]) != 0 {
			t.Errorf("steps seen for eve: %q", seen)
		}
	})
}

func TestPartialDefaultList(t *testing.T) {
	cfg := config()
	cfg.Password = func(context.Context, *Attempt, []byte) Result { return Result{Outcome: Partial} }
	cfg.PublicKey = func(context.Context, *Attempt, sshkey.PublicKey, string, bool) Result {
		return Result{Outcome: Partial}
	}
	serve(t, cfg, func(s *script) {
		s.hello()
		s.send(passwordRequest("bob", "x"))
		s.partial("publickey", "keyboard-interactive")
		s.send(passwordRequest("bob", "x"))
		s.failure("publickey", "keyboard-interactive")
		s.send(signedRequest(keyA(), "bob"))
		s.partial("publickey", "keyboard-interactive")
	}).rejected(t)
	cfg.Password = func(context.Context, *Attempt, []byte) Result { return Result{Outcome: Partial, Methods: []string{}} }
	serve(t, cfg, func(s *script) {
		s.hello()
		s.send(passwordRequest("bob", "x"))
		s.partial()
		s.send(signedRequest(keyA(), "bob"))
		s.failure()
	}).rejected(t)
}

func TestPartialUnderChainsNeverCompletes(t *testing.T) {
	cfg := config()
	cfg.Chains = [][]string{{"password"}}
	cfg.Password = func(context.Context, *Attempt, []byte) Result { return Result{Outcome: Partial} }
	serve(t, cfg, func(s *script) {
		s.hello()
		s.send(passwordRequest("bob", "right"))
		s.partial()
	}).rejected(t)
}
