package userauth

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"testing"

	"github.com/hawser-ssh/hawser/transport/sshkey"
	"github.com/hawser-ssh/hawser/wire"
)

// Rows of the negative tests that are not, or not only, in this package:
//
//	| AUT-01 | here that userauth refuses 80..127; that transport does, and that no handler runs: transport, daemon |
//	| AUT-13 | here same messages and, on a simulated clock, same times; samples over a daemon: hawserd's tests |
//	| AUT-18 | here both orders on a simulated clock and the race under the race detector; with sockets: daemon |
//	| AUT-19 | after Serve has returned: connection; here that Serve reads no further |
//	| AUT-20 | file lookups: hawserd's tests |
//	| AUT-21 | gssapi-with-mic: waits for its feature |
//	| AUT-22 | TestAUT22HostBased, TestAUT22UserCertificate |
//	| AUC-02 | SUCCESS before NEWKEYS and after the first one: transport, connection |
//	| AUC-08 | here 80..127 before SUCCESS; that transport refuses them: transport |
//	| AUC-09 | connection, connection/sshclient |
//	| AUC-10 | no commands are built below hawserd |

// config returns a configuration without a floor on time in which bob has the
// password "right", the keys A and EC, and answers "blue" and "42".
func config() *ServerConfig {
	return &ServerConfig{
		FailureFloor: -1,
		Password: func(_ context.Context, a *Attempt, password []byte) Result {
			return acceptIf(a.User == "bob" && string(password) == "right")
		},
		PublicKey: func(_ context.Context, a *Attempt, key sshkey.PublicKey, _ string, _ bool) Result {
			known := sshkey.Equal(key, keyA().PublicKey()) || sshkey.Equal(key, keyEC().PublicKey())
			return acceptIf(a.User == "bob" && known)
		},
		KeyboardInteractive: func(_ context.Context, a *Attempt, ask func(string, string, []wire.Prompt) ([]string, error)) Result {
			first, err := ask("Questions", "Two rounds.", []wire.Prompt{{Text: "Colour: ", Echo: true}})
			if err != nil {
				return Result{}
			}
			second, err := ask("", "", []wire.Prompt{{Text: "Number: "}})
			if err != nil {
				return Result{}
			}
			return acceptIf(a.User == "bob" && first[0] == "blue" && second[0] == "42")
		},
	}
}

func acceptIf(ok bool) Result {
	if ok {
		return Result{Outcome: Accept}
	}
	return Result{Reason: "wrong credential"}
}

var allMethods = []string{"publickey", "password", "keyboard-interactive"}

func TestServePassword(t *testing.T) {
	out := serve(t, config(), func(s *script) {
		s.hello()
		s.send(noneRequest("bob"))
		s.failure(allMethods...)
		s.send(passwordRequest("bob", "right"))
		s.want(wire.UserauthSuccess{})
	})
	want := Login{Step: Step{Method: "password"}, User: "bob", Service: "ssh-connection",
		Steps: []Step{{Method: "password"}}, Failures: 0, Requests: 2}
	if fmt.Sprintf("%+v", out.login) != fmt.Sprintf("%+v", &want) {
		t.Errorf("login %+v, want %+v", out.login, &want)
	}
}

func TestAUT01ConnectionMessages(t *testing.T) {
	for number := 80; number <= 127; number++ {
		for _, state := range []string{"alone", "after service", "after failure", "behind success"} {
			out := serve(t, config(), func(s *script) {
				m := raw{byte(number), 0, 0, 0, 0}
				if state != "alone" {
					s.hello()
				}
				if state == "after failure" {
					s.send(passwordRequest("bob", "wrong"))
					s.failure(allMethods...)
				}
				if state == "behind success" {
					// Serve has returned; the packet is the next reader's.
					s.send(passwordRequest("bob", "right"), m)
					s.want(wire.UserauthSuccess{})
					return
				}
				s.send(m)
				s.dropped(wire.ReasonProtocolError)
			})
			if state == "behind success" {
				continue
			}
			out.reason(t, wire.ReasonProtocolError)
		}
	}
}

func TestAUT02MessagesOfTheOtherRole(t *testing.T) {
	for name, m := range map[string]message{
		"success":      wire.UserauthSuccess{},
		"failure":      failureOf("none"),
		"banner":       wire.UserauthBanner{Message: "hello"},
		"pk ok":        wire.UserauthPKOK{Algorithm: "ssh-ed25519", Key: keyA().PublicKey().Marshal()},
		"info request": wire.UserauthInfoRequest{},
		"accept":       wire.ServiceAccept{Name: "ssh-userauth"},
		"empty":        raw{},
	} {
		for _, state := range []string{"first", "after service", "after partial", "in questions"} {
			t.Run(name+" "+state, func(t *testing.T) {
				cfg := config()
				cfg.Chains = [][]string{{"publickey", "password"}, {"keyboard-interactive"}}
				out := serve(t, cfg, func(s *script) {
					if state != "first" {
						s.hello()
					}
					switch state {
					case "after partial":
						s.send(signedRequest(keyA(), "bob"))
						s.partial("password")
					case "in questions":
						s.send(interactiveRequest("bob"))
						s.recv(wire.MsgUserauthInfoRequest)
					}
					s.send(m)
					s.dropped(wire.ReasonProtocolError)
				})
				out.reason(t, wire.ReasonProtocolError)
			})
		}
	}
}

func TestAUT03RequestWithoutService(t *testing.T) {
	out := serve(t, denyingCallbacks(t), func(s *script) {
		s.send(passwordRequest("bob", "right"))
		s.dropped(wire.ReasonProtocolError)
	})
	out.reason(t, wire.ReasonProtocolError)
}

// denyingCallbacks returns a configuration whose callbacks must not be called.
func denyingCallbacks(t *testing.T) *ServerConfig {
	called := func() Result {
		t.Error("a callback was called")
		return Result{Outcome: Accept}
	}
	return &ServerConfig{
		FailureFloor: -1,
		None:         func(context.Context, *Attempt) Result { return called() },
		Password:     func(context.Context, *Attempt, []byte) Result { return called() },
		ChangePassword: func(context.Context, *Attempt, []byte, []byte) Result {
			return called()
		},
		PublicKey: func(context.Context, *Attempt, sshkey.PublicKey, string, bool) Result { return called() },
		KeyboardInteractive: func(context.Context, *Attempt, func(string, string, []wire.Prompt) ([]string, error)) Result {
			return called()
		},
	}
}

func TestAUT04Services(t *testing.T) {
	for _, name := range []string{"ssh-connection", "x", "", strings.Repeat("s", 200<<10), "ssh-userauth\x00"} {
		cfg := denyingCallbacks(t)
		cfg.ServiceRequest = func(context.Context, string) bool {
			t.Error("asked for another service than ssh-userauth")
			return true
		}
		out := serve(t, cfg, func(s *script) {
			s.send(wire.ServiceRequest{Name: name})
			s.dropped(wire.ReasonServiceNotAvailable)
		})
		out.reason(t, wire.ReasonServiceNotAvailable)
		if len(out.err.Error()) > 200 || strings.Contains(out.err.Error(), "\x00") {
			t.Errorf("error text %q", out.err)
		}
	}
	out := serve(t, denyingCallbacks(t), func(s *script) {
		for range 100 {
			s.send(wire.ServiceRequest{Name: "ssh-userauth"})
		}
		s.want(wire.ServiceAccept{Name: "ssh-userauth"})
		s.dropped(wire.ReasonProtocolError)
	})
	out.reason(t, wire.ReasonProtocolError)
}

func TestServiceRefusedByCallback(t *testing.T) {
	cfg := denyingCallbacks(t)
	asked := ""
	cfg.ServiceRequest = func(_ context.Context, service string) bool { asked = service; return false }
	out := serve(t, cfg, func(s *script) {
		s.send(wire.ServiceRequest{Name: "ssh-userauth"})
		s.dropped(wire.ReasonServiceNotAvailable)
	})
	out.reason(t, wire.ReasonServiceNotAvailable)
	if asked != "ssh-userauth" || !errors.Is(out.err, ErrServiceRefused) {
		t.Errorf("asked for %q, error %v", asked, out.err)
	}
}

func TestAUT06OtherService(t *testing.T) {
	for _, name := range []string{"", "ssh-userauth", "ssh-connection2", strings.Repeat("x", 100<<10)} {
		out := serve(t, denyingCallbacks(t), func(s *script) {
			s.hello()
			s.send(wire.UserauthRequest{User: "bob", Service: name, Method: "none"})
			s.dropped(wire.ReasonServiceNotAvailable)
		})
		out.reason(t, wire.ReasonServiceNotAvailable)
	}
}

func TestAUT07Limits(t *testing.T) {
	query := userRequest("bob", "publickey", wire.UserauthPublicKey{
		Algorithm: "ssh-ed25519", Key: keyA().PublicKey().Marshal()}.Append(nil))
	t.Run("none 7 times", func(t *testing.T) {
		out := serve(t, config(), func(s *script) {
			s.hello()
			for range 6 {
				s.send(noneRequest("bob"))
				s.failure(allMethods...)
			}
			s.send(noneRequest("bob"))
			s.dropped(wire.ReasonNoMoreAuthMethodsAvailable)
		})
		out.reason(t, wire.ReasonNoMoreAuthMethodsAvailable)
		if !errors.Is(out.err, ErrTooManyFailures) {
			t.Error(out.err)
		}
	})
	t.Run("the last password that counts", func(t *testing.T) {
		out := serve(t, config(), func(s *script) {
			s.hello()
			for range 5 {
				s.send(passwordRequest("bob", "wrong"))
				s.failure(allMethods...)
			}
			s.send(passwordRequest("bob", "right"))
			s.want(wire.UserauthSuccess{})
		})
		if out.login == nil || out.login.Failures != 5 {
			t.Errorf("login %+v", out.login)
		}
	})
	t.Run("one wrong password more", func(t *testing.T) {
		out := serve(t, config(), func(s *script) {
			s.hello()
			for range 5 {
				s.send(passwordRequest("bob", "wrong"))
				s.failure(allMethods...)
			}
			s.send(passwordRequest("bob", "wrong"), passwordRequest("bob", "right"))
			s.dropped(wire.ReasonNoMoreAuthMethodsAvailable)
		})
		out.reason(t, wire.ReasonNoMoreAuthMethodsAvailable)
	})
	t.Run("129 queries", func(t *testing.T) {
		out := serve(t, config(), func(s *script) {
			s.hello()
			for range 128 {
				s.send(query)
				s.recv(wire.MsgUserauthPKOK)
			}
			s.send(query)
			s.dropped(wire.ReasonNoMoreAuthMethodsAvailable)
		})
		out.reason(t, wire.ReasonNoMoreAuthMethodsAvailable)
		if !errors.Is(out.err, ErrTooManyRequests) {
			t.Error(out.err)
		}
	})
	t.Run("128 requests with the last one right", func(t *testing.T) {
		out := serve(t, config(), func(s *script) {
			s.hello()
			for range 127 {
				s.send(query)
				s.recv(wire.MsgUserauthPKOK)
			}
			s.send(passwordRequest("bob", "right"))
			s.want(wire.UserauthSuccess{})
		})
		if out.login == nil {
			t.Error(out.err)
		}
	})
	t.Run("129 partial successes", func(t *testing.T) {
		cfg := config()
		cfg.Password = func(context.Context, *Attempt, []byte) Result {
			return Result{Outcome: Partial, Methods: []string{"password"}}
		}
		out := serve(t, cfg, func(s *script) {
			s.hello()
			for range 128 {
				s.send(passwordRequest("bob", "right"))
				s.partial("password")
			}
			s.send(passwordRequest("bob", "right"))
			s.dropped(wire.ReasonNoMoreAuthMethodsAvailable)
		})
		out.reason(t, wire.ReasonNoMoreAuthMethodsAvailable)
	})
	t.Run("129 restarts of questions", func(t *testing.T) {
		out := serve(t, config(), func(s *script) {
			s.hello()
			for range 128 {
				s.send(interactiveRequest("bob"))
				s.recv(wire.MsgUserauthInfoRequest)
			}
			s.send(interactiveRequest("bob"))
			s.dropped(wire.ReasonNoMoreAuthMethodsAvailable)
		})
		out.reason(t, wire.ReasonNoMoreAuthMethodsAvailable)
	})
}

func TestAUT19RequestsAfterSuccess(t *testing.T) {
	calls := 0
	cfg := config()
	cfg.Password = func(context.Context, *Attempt, []byte) Result {
		calls++
		return Result{Outcome: Accept}
	}
	out := serve(t, cfg, func(s *script) {
		s.hello()
		s.send(passwordRequest("bob", "right"), passwordRequest("bob", "right"), wire.ServiceRequest{Name: "ssh-userauth"})
		s.want(wire.UserauthSuccess{})
	})
	if out.login == nil || calls != 1 || len(out.transport.in.packets) != 2 {
		t.Errorf("login %v, %d calls, %d packets left", out.login, calls, len(out.transport.in.packets))
	}
}

func TestBannerOnce(t *testing.T) {
	cfg := config()
	cfg.Banner = func(_ context.Context, a *Attempt) string { return "hello " + a.User + "\n" }
	serve(t, cfg, func(s *script) {
		s.hello()
		s.send(noneRequest("bob"))
		s.want(wire.UserauthBanner{Message: "hello bob\n"})
		s.failure(allMethods...)
		s.send(noneRequest("eve"))
		s.failure(allMethods...)
	})
	cfg.Banner = func(context.Context, *Attempt) string { return "" }
	serve(t, cfg, func(s *script) {
		s.hello()
		s.send(passwordRequest("bob", "right"))
		s.want(wire.UserauthSuccess{})
	})
}

func TestZeroConfigDenies(t *testing.T) {
	for _, cfg := range []*ServerConfig{nil, {}} {
		out := serve(t, cfg, func(s *script) {
			s.hello()
			for _, m := range []message{noneRequest("bob"), passwordRequest("bob", ""), signedRequest(keyA(), "bob"), interactiveRequest("bob"),
				userRequest("bob", "hostbased", nil)} {
				s.send(m)
				s.failure()
			}
		})
		out.rejected(t)
	}
}

func TestListFollowsCallbacks(t *testing.T) {
	cfg := config()
	cfg.PublicKey = nil
	serve(t, cfg, func(s *script) {
		s.hello()
		s.send(noneRequest("bob"))
		s.failure("password", "keyboard-interactive")
		s.send(signedRequest(keyA(), "bob"))
		s.failure("password", "keyboard-interactive")
	}).rejected(t)
	cfg.None = func(context.Context, *Attempt) Result { return Result{Methods: []string{"password"}} }
	serve(t, cfg, func(s *script) {
		s.hello()
		s.send(noneRequest("bob"))
		s.failure("password")
		s.send(passwordRequest("bob", "wrong"))
		s.failure("password", "keyboard-interactive")
	}).rejected(t)
}

func TestNoneAccepted(t *testing.T) {
	cfg := config()
	cfg.None = func(_ context.Context, a *Attempt) Result { return acceptIf(a.User == "guest") }
	out := serve(t, cfg, func(s *script) {
		s.hello()
		s.send(noneRequest("guest"))
		s.want(wire.UserauthSuccess{})
	})
	if out.login == nil || out.login.Method != "none" || out.login.User != "guest" {
		t.Errorf("login %+v, %v", out.login, out.err)
	}
}

func TestPipelinedRequestsInOrder(t *testing.T) {
	out := serve(t, config(), func(s *script) {
		s.send(wire.ServiceRequest{Name: "ssh-userauth"}, noneRequest("bob"), passwordRequest("bob", "wrong"),
			signedRequest(keyA(), "bob"))
		s.want(wire.ServiceAccept{Name: "ssh-userauth"})
		s.failure(allMethods...)
		s.failure(allMethods...)
		s.want(wire.UserauthSuccess{})
	})
	if out.login == nil || out.login.Method != "publickey" || out.login.Requests != 3 {
		t.Errorf("login %+v, %v", out.login, out.err)
	}
}

func TestPeerHangsUp(t *testing.T) {
	out := serve(t, config(), func(s *script) { s.hello() })
	if !errors.Is(out.err, net.ErrClosed) {
		t.Errorf("error %v", out.err)
	}
	out = serve(t, config(), func(s *script) {
		s.hello()
		s.send(interactiveRequest("bob"))
		s.recv(wire.MsgUserauthInfoRequest)
	})
	if !errors.Is(out.err, net.ErrClosed) {
		t.Errorf("error %v in questions", out.err)
	}
}

func TestConfigIsCloned(t *testing.T) {
	cfg := config()
	cfg.Chains = [][]string{{"publickey", "password"}}
	out := serve(t, cfg, func(s *script) {
		s.hello()
		cfg.Chains[0][0] = "password"
		cfg.Chains = nil
		cfg.Password = nil
		s.send(signedRequest(keyA(), "bob"))
		s.partial("password")
		s.send(passwordRequest("bob", "right"))
		s.want(wire.UserauthSuccess{})
	})
	if out.login == nil || len(out.login.Steps) != 2 {
		t.Errorf("login %+v, %v", out.login, out.err)
	}
}
