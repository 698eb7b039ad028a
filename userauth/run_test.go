package userauth

import (
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"

	"github.com/hawser-ssh/hawser/transport/sshkey"
	"github.com/hawser-ssh/hawser/wire"
)

// answerAll answers config's two rounds.
func answerAll(colour, number string) Method {
	return KeyboardInteractive(func(_ context.Context, _, _ string, prompts []wire.Prompt) ([]string, error) {
		if len(prompts) == 1 && prompts[0].Echo {
			return []string{colour}, nil
		}
		return []string{number}, nil
	})
}

// run lets our client log in to our server.
func run(t *testing.T, server *ServerConfig, client *ClientConfig, prepare func(m *memory)) (login *Login, serverErr, clientErr error) {
	t.Helper()
	var out served
	var clientEnd *memory
	synctest.Test(t, func(t *testing.T) {
		c, s := newMemory(7)
		if prepare != nil {
			prepare(c)
		}
		clientEnd, out.transport = c, s
		done := make(chan struct{})
		go func() {
			defer close(done)
			out.login, out.err = Serve(t.Context(), s, server)
		}()
		clientErr = Authenticate(t.Context(), c, client)
		<-done
	})
	out.check(t)
	if (out.err == nil) != (clientErr == nil) || (clientErr == nil) != (clientEnd.authenticated == 1) {
		t.Errorf("server: %v, client: %v, client's transport told %d times", out.err, clientErr, clientEnd.authenticated)
	}
	return out.login, out.err, clientErr
}

func TestRunMethods(t *testing.T) {
	var changes []string
	newOne := func(context.Context, string) (string, error) { return "good", nil }
	bound := announce("0", sshkey.DefaultAlgorithms()...)
	for name, test := range map[string]struct {
		server  *ServerConfig
		prepare func(m *memory)
		methods []Method
		steps   []string // nil: nobody gets in
	}{
		"password":                  {config(), nil, []Method{Password(constant("right"))}, []string{"password"}},
		"second password":           {config(), nil, []Method{Password(constant("x")), Password(constant("right"))}, []string{"password"}},
		"wrong password":            {config(), nil, []Method{Password(constant("x"))}, nil},
		"change of password":        {changing(&changes), nil, []Method{PasswordWithChange(constant("old"), newOne)}, []string{"password"}},
		"ed25519":                   {config(), nil, []Method{PublicKeys(keyA())}, []string{"publickey"}},
		"ecdsa, host-bound":         {config(), bound, []Method{PublicKeys(keyEC())}, []string{"publickey"}},
		"rsa":                       {anyKey(), nil, []Method{PublicKeys(keyRSA())}, []string{"publickey"}},
		"rsa, by the server's list": {anyKey(), announce("", "rsa-sha2-256"), []Method{PublicKeys(keyRSA())}, []string{"publickey"}},
		"second of three keys":      {config(), bound, []Method{PublicKeys(keyB(), keyA(), keyEC())}, []string{"publickey"}},
		"unknown key":               {config(), bound, []Method{PublicKeys(keyB())}, nil},
		"questions":                 {config(), nil, []Method{answerAll("blue", "42")}, []string{"keyboard-interactive"}},
		"wrong second answer":       {config(), nil, []Method{answerAll("blue", "41")}, nil},
		"fall back":                 {config(), nil, []Method{PublicKeys(keyB()), answerAll("", ""), Password(constant("right"))}, []string{"password"}},
		"key and password":          {twoFactors(), bound, []Method{Password(constant("right")), PublicKeys(keyB(), keyA())}, []string{"publickey", "password"}},
		"key without password":      {twoFactors(), bound, []Method{PublicKeys(keyA(), keyEC())}, nil},
		"three factors": {chained("keyboard-interactive", "publickey", "publickey"), bound,
			[]Method{PublicKeys(keyA(), keyB(), keyEC()), answerAll("blue", "42")}, []string{"keyboard-interactive", "publickey", "publickey"}},
	} {
		t.Run(name, func(t *testing.T) {
			login, serverErr, clientErr := run(t, test.server, &ClientConfig{User: "bob", Methods: test.methods}, test.prepare)
			if got := stepNames(login); !slices.Equal(got, test.steps) {
				t.Fatalf("steps %q, want %q; server %v, client %v", got, test.steps, serverErr, clientErr)
			}
			if test.steps == nil {
				if _, ok := errors.AsType[*AuthError](clientErr); !ok {
					t.Errorf("client's error %v", clientErr)
				}
				return
			}
			last := login.Steps[len(login.Steps)-1]
			if last.HostBound != (test.prepare != nil && last.Method == "publickey" && login.Algorithm != "rsa-sha2-256") {
				t.Errorf("last step %+v", last)
			}
		})
	}
}

func chained(methods ...string) *ServerConfig {
	cfg := config()
	cfg.Chains = [][]string{methods}
	return cfg
}

func TestRunTooManyKeys(t *testing.T) {
	var signers []sshkey.Signer
	for range 7 {
		signers = append(signers, mustSigner(sshkey.GenerateEd25519()))
	}
	_, serverErr, clientErr := run(t, config(), &ClientConfig{User: "bob", Methods: []Method{PublicKeys(signers...)}}, nil)
	if !errors.Is(serverErr, ErrTooManyFailures) {
		t.Errorf("server %v", serverErr)
	}
	if _, ok := errors.AsType[*disconnected](clientErr); !ok {
		t.Errorf("client %v", clientErr)
	}
}

func TestRunMethodValueManyTimes(t *testing.T) {
	cfg := &ClientConfig{User: "bob", Methods: []Method{PublicKeys(keyB(), keyA()), Password(constant("right"))}}
	for range 3 {
		login, serverErr, clientErr := run(t, config(), cfg, nil)
		if login == nil || login.Method != "publickey" {
			t.Errorf("login %+v, server %v, client %v", login, serverErr, clientErr)
		}
	}
}
