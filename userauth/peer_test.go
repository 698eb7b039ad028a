package userauth_test

import (
	"bytes"
	"context"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"errors"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"

	"golang.org/x/crypto/ssh"

	"github.com/hawser-ssh/hawser/transport"
	"github.com/hawser-ssh/hawser/transport/sshkey"
	"github.com/hawser-ssh/hawser/transport/transporttest"
	"github.com/hawser-ssh/hawser/userauth"
	"github.com/hawser-ssh/hawser/wire"
)

var _ userauth.Transport = (*transport.Conn)(nil)

// keyPair is a key as both implementations know it.
type keyPair struct {
	name    string
	ours    sshkey.Signer
	foreign ssh.Signer
}

func newKeyPair(t *testing.T, name string, key crypto.Signer, err error) keyPair {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	ours, err := sshkey.NewSigner(key)
	if err != nil {
		t.Fatal(err)
	}
	foreign, err := ssh.NewSignerFromSigner(key)
	if err != nil {
		t.Fatal(err)
	}
	return keyPair{name, ours, foreign}
}

// keyPairs returns a key of each type, the same ones to each test.
func keyPairs(t *testing.T) []keyPair {
	t.Helper()
	var pairs []keyPair
	for i, key := range privateKeys() {
		name := [...]string{"ed25519", "p256", "p384", "p521", "rsa"}[i]
		pairs = append(pairs, newKeyPair(t, name, key.signer, key.err))
	}
	return pairs
}

type generated struct {
	signer crypto.Signer
	err    error
}

var privateKeys = sync.OnceValue(func() []generated {
	var keys []generated
	add := func(key crypto.Signer, err error) { keys = append(keys, generated{key, err}) }
	add(sshkey.GenerateEd25519())
	add(sshkey.GenerateECDSA(256))
	add(sshkey.GenerateECDSA(384))
	add(sshkey.GenerateECDSA(521))
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	add(key, err)
	return keys
})

// freshPair returns a key that no server knows.
func freshPair(t *testing.T) keyPair {
	t.Helper()
	key, err := sshkey.GenerateEd25519()
	return newKeyPair(t, "fresh", key, err)
}

// serveOver runs our server over the transport, and returns its result.
func serveOver(t *testing.T, nc net.Conn, tc transport.Config, cfg *userauth.ServerConfig) <-chan outcome {
	t.Helper()
	tc.HostKeys = []sshkey.Signer{freshPair(t).ours}
	done := make(chan outcome, 1)
	go func() {
		conn := transport.Server(nc, &tc)
		defer conn.Close()
		if err := conn.Handshake(t.Context()); err != nil {
			done <- outcome{err: err}
			return
		}
		login, err := userauth.Serve(t.Context(), conn, cfg)
		done <- outcome{login, err}
		conn.ReadPacket() // until the client has gone
	}()
	return done
}

type outcome struct {
	login *userauth.Login
	err   error
}

// authenticateOver runs our client over the transport.
func authenticateOver(t *testing.T, nc net.Conn, tc transport.Config, cfg *userauth.ClientConfig) error {
	t.Helper()
	tc.VerifyHostKey = func(context.Context, sshkey.PublicKey) error { return nil }
	conn := transport.Client(nc, &tc)
	defer conn.Close()
	if err := conn.Handshake(t.Context()); err != nil {
		return err
	}
	return userauth.Authenticate(t.Context(), conn, cfg)
}

// users is our server: bob has the password, the keys, and two answers.
func users(keys ...keyPair) *userauth.ServerConfig {
	accept := func(ok bool) userauth.Result {
		if ok {
			return userauth.Result{Outcome: userauth.Accept}
		}
		return userauth.Result{}
	}
	return &userauth.ServerConfig{
		FailureFloor: -1,
		Banner:       func(context.Context, *userauth.Attempt) string { return "welcome\n" },
		Password: func(_ context.Context, a *userauth.Attempt, p []byte) userauth.Result {
			return accept(a.User == "bob" && string(p) == "right")
		},
		PublicKey: func(_ context.Context, a *userauth.Attempt, key sshkey.PublicKey, _ string, _ bool) userauth.Result {
			return accept(a.User == "bob" && slices.ContainsFunc(keys, func(k keyPair) bool { return sshkey.Equal(k.ours.PublicKey(), key) }))
		},
		KeyboardInteractive: func(_ context.Context, a *userauth.Attempt, ask func(string, string, []wire.Prompt) ([]string, error)) userauth.Result {
			for _, round := range []struct{ prompt, answer string }{{"Colour: ", "blue"}, {"Number: ", "42"}} {
				answers, err := ask("login", "answer", []wire.Prompt{{Text: round.prompt}})
				if err != nil || answers[0] != round.answer {
					return userauth.Result{}
				}
			}
			return accept(a.User == "bob")
		},
	}
}

func answers(questions []string) []string {
	out := make([]string, len(questions))
	for i, q := range questions {
		out[i] = "blue"
		if strings.HasPrefix(q, "Number") {
			out[i] = "42"
		}
	}
	return out
}

func interactive() userauth.Method {
	return userauth.KeyboardInteractive(func(_ context.Context, _, _ string, prompts []wire.Prompt) ([]string, error) {
		var questions []string
		for _, p := range prompts {
			questions = append(questions, p.Text)
		}
		return answers(questions), nil
	})
}

func password(p string) userauth.Method {
	return userauth.Password(func(context.Context) (string, error) { return p, nil })
}

func names(l *userauth.Login) string {
	if l == nil {
		return ""
	}
	var steps []string
	for _, s := range l.Steps {
		steps = append(steps, s.Method)
	}
	return strings.Join(steps, " ")
}

// TestForeignClient has the client of x/crypto/ssh log in to our server.
func TestForeignClient(t *testing.T) {
	keys := keyPairs(t)
	stranger := freshPair(t)
	foreignQuestions := ssh.KeyboardInteractive(func(_, _ string, questions []string, _ []bool) ([]string, error) {
		return answers(questions), nil
	})
	type test struct {
		auth   []ssh.AuthMethod
		chains [][]string
		want   string // steps of the login; "" for none
	}
	tests := map[string]test{
		"password":             {[]ssh.AuthMethod{ssh.Password("right")}, nil, "password"},
		"wrong password":       {[]ssh.AuthMethod{ssh.Password("wrong")}, nil, ""},
		"keyboard-interactive": {[]ssh.AuthMethod{foreignQuestions}, nil, "keyboard-interactive"},
		"second key":           {[]ssh.AuthMethod{ssh.PublicKeys(stranger.foreign, keys[0].foreign)}, nil, "publickey"},
		"unknown key":          {[]ssh.AuthMethod{ssh.PublicKeys(stranger.foreign)}, nil, ""},
		"two factors": {[]ssh.AuthMethod{ssh.PublicKeys(keys[1].foreign), ssh.Password("right")},
			[][]string{{"publickey", "password"}}, "publickey password"},
		"three factors": {[]ssh.AuthMethod{foreignQuestions, ssh.Password("right"), ssh.PublicKeys(keys[0].foreign)},
			[][]string{{"password", "keyboard-interactive", "publickey"}}, "password keyboard-interactive publickey"},
		"one factor of two": {[]ssh.AuthMethod{ssh.PublicKeys(keys[1].foreign)}, [][]string{{"publickey", "password"}}, ""},
	}
	for i, k := range keys {
		tests[k.name] = test{[]ssh.AuthMethod{ssh.PublicKeys(keys[i].foreign)}, nil, "publickey"}
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			a, b := transporttest.Pipe()
			cfg := users(keys...)
			cfg.Chains = test.chains
			done := serveOver(t, b, transport.Config{}, cfg)
			banner := ""
			conn, _, _, err := ssh.NewClientConn(a, "", &ssh.ClientConfig{
				User: "bob", Auth: test.auth, HostKeyCallback: ssh.InsecureIgnoreHostKey(),
				BannerCallback: func(text string) error { banner += text; return nil },
			})
			if err == nil {
				conn.Close()
			} else {
				a.Close()
			}
			out := <-done
			if (err == nil) != (test.want != "") || names(out.login) != test.want || banner != "welcome\n" {
				t.Errorf("client %v; server %v, login %+v; banner %q", err, out.err, out.login, banner)
			}
		})
	}
}

// foreignServer is the server of x/crypto/ssh with the same users; with factors
// set it wants the password behind the key.
func foreignServer(t *testing.T, keys []keyPair, factors bool) *ssh.ServerConfig {
	t.Helper()
	errNo := errors.New("no")
	judge := func(ok bool) (*ssh.Permissions, error) {
		if ok {
			return nil, nil
		}
		return nil, errNo
	}
	byPassword := func(c ssh.ConnMetadata, p []byte) (*ssh.Permissions, error) {
		return judge(c.User() == "bob" && string(p) == "right")
	}
	cfg := &ssh.ServerConfig{
		BannerCallback: func(ssh.ConnMetadata) string { return "welcome\x1b\r\n" },
		PublicKeyCallback: func(c ssh.ConnMetadata, key ssh.PublicKey) (*ssh.Permissions, error) {
			return judge(slices.ContainsFunc(keys, func(k keyPair) bool { return bytes.Equal(k.foreign.PublicKey().Marshal(), key.Marshal()) }))
		},
	}
	if factors {
		cfg.VerifiedPublicKeyCallback = func(ssh.ConnMetadata, ssh.PublicKey, *ssh.Permissions, string) (*ssh.Permissions, error) {
			return nil, &ssh.PartialSuccessError{Next: ssh.ServerAuthCallbacks{PasswordCallback: byPassword}}
		}
	} else {
		cfg.PasswordCallback = byPassword
		cfg.KeyboardInteractiveCallback = func(_ ssh.ConnMetadata, ask ssh.KeyboardInteractiveChallenge) (*ssh.Permissions, error) {
			for prompt, want := range map[string]string{"Colour: ": "blue", "Number: ": "42"} {
				got, err := ask("", "", []string{prompt}, []bool{false})
				if err != nil || got[0] != want {
					return nil, errNo
				}
			}
			return nil, nil
		}
	}
	cfg.AddHostKey(freshPair(t).foreign)
	return cfg
}

// TestForeignServer has our client log in to the server of x/crypto/ssh.
func TestForeignServer(t *testing.T) {
	keys := keyPairs(t)
	stranger := freshPair(t)
	type test struct {
		methods []userauth.Method
		factors bool
		ok      bool
	}
	tests := map[string]test{
		"password":             {[]userauth.Method{password("right")}, false, true},
		"wrong password":       {[]userauth.Method{password("wrong")}, false, false},
		"keyboard-interactive": {[]userauth.Method{interactive()}, false, true},
		"second key":           {[]userauth.Method{userauth.PublicKeys(stranger.ours, keys[0].ours)}, false, true},
		"unknown key":          {[]userauth.Method{userauth.PublicKeys(stranger.ours)}, false, false},
		"two factors":          {[]userauth.Method{password("right"), userauth.PublicKeys(stranger.ours, keys[0].ours)}, true, true},
		"one factor of two":    {[]userauth.Method{userauth.PublicKeys(keys[0].ours)}, true, false},
	}
	for _, k := range keys {
		tests[k.name] = test{[]userauth.Method{userauth.PublicKeys(k.ours)}, false, true}
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			a, b := transporttest.Pipe()
			done := make(chan error, 1)
			cfg := foreignServer(t, keys, test.factors)
			go func() {
				conn, _, _, err := ssh.NewServerConn(b, cfg)
				if err == nil {
					defer conn.Wait()
				}
				done <- err
			}()
			banner := ""
			err := authenticateOver(t, a, transport.Config{}, &userauth.ClientConfig{
				User: "bob", Methods: test.methods, Banner: func(text string) { banner += text },
			})
			serverErr := <-done
			if (err == nil) != test.ok || (serverErr == nil) != test.ok || banner != "welcome\\x1b\n" {
				t.Errorf("client %v; server %v; banner %q", err, serverErr, banner)
			}
			if _, isAuth := errors.AsType[*userauth.AuthError](err); !test.ok && !isAuth {
				t.Errorf("client %v, want an *AuthError", err)
			}
		})
	}
}

// TestOwnPeersWhileRekeying logs in by three factors while one side, or both,
// exchange keys again every few packets.
func TestOwnPeersWhileRekeying(t *testing.T) {
	keys := keyPairs(t)[:1]
	for name, packets := range map[string][2]uint64{"none": {}, "client": {3, 0}, "server": {0, 3}, "both": {2, 3}} {
		t.Run(name, func(t *testing.T) {
			a, b := transporttest.Pipe()
			cfg := users(keys...)
			cfg.Chains = [][]string{{"password", "keyboard-interactive", "publickey"}}
			done := serveOver(t, b, transport.Config{RekeyPackets: packets[1]}, cfg)
			err := authenticateOver(t, a, transport.Config{RekeyPackets: packets[0]}, &userauth.ClientConfig{
				User: "bob", Methods: []userauth.Method{userauth.PublicKeys(keys[0].ours), interactive(), password("wrong"), password("right")},
			})
			out := <-done
			if err != nil || names(out.login) != "password keyboard-interactive publickey" || !out.login.HostBound || out.login.Failures != 1 {
				t.Errorf("client %v; server %v, login %+v", err, out.err, out.login)
			}
		})
	}
}

// TestReasonsOverTransport: the reason that one side returns is the one that
// the other side reads.
func TestReasonsOverTransport(t *testing.T) {
	keys := keyPairs(t)[:1]
	a, b := transporttest.Pipe()
	done := serveOver(t, b, transport.Config{}, users(keys...))
	var wrong []userauth.Method
	for _, p := range []string{"1", "2", "3", "4", "5", "6", "7"} {
		wrong = append(wrong, password(p))
	}
	err := authenticateOver(t, a, transport.Config{}, &userauth.ClientConfig{User: "bob", Methods: wrong})
	out := <-done
	d, ok := errors.AsType[*transport.DisconnectError](err)
	if !ok || !d.Remote || d.Reason != wire.ReasonNoMoreAuthMethodsAvailable || !errors.Is(out.err, userauth.ErrTooManyFailures) {
		t.Errorf("client %v; server %v", err, out.err)
	}
	a, b = transporttest.Pipe()
	done = serveOver(t, b, transport.Config{}, users(keys...))
	err = authenticateOver(t, a, transport.Config{}, &userauth.ClientConfig{User: "bob", Methods: wrong[:1]})
	out = <-done
	d, ok = errors.AsType[*transport.DisconnectError](out.err)
	if !ok || !d.Remote || d.Reason != wire.ReasonNoMoreAuthMethodsAvailable || !errors.Is(err, userauth.ErrNoMethodLeft) {
		t.Errorf("client %v; server %v", err, out.err)
	}
}
