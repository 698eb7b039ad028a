package userauth

import (
	"context"
	"errors"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hawser-ssh/hawser/transport/sshkey"
	"github.com/hawser-ssh/hawser/wire"
)

// elapsed returns how long the answer to m takes on the bubble's clock.
func (s *script) elapsed(m message) time.Duration {
	s.t.Helper()
	start := time.Now()
	s.send(m)
	if _, err := s.ReadPacket(); err != nil {
		s.t.Fatal(err)
	}
	return time.Since(start)
}

// TestAUT23FailureFloor: whatever fails, however it fails, the answer takes the
// same time and has the same bytes.
func TestAUT23FailureFloor(t *testing.T) {
	const floor = 30 * time.Millisecond
	took := map[string]time.Duration{"password": 3 * time.Millisecond, "key": 7 * time.Millisecond, "question": 29 * time.Millisecond}
	cfg := &ServerConfig{
		FailureFloor: floor,
		Password: func(context.Context, *Attempt, []byte) Result {
			time.Sleep(took["password"])
			return Result{}
		},
		PublicKey: func(context.Context, *Attempt, sshkey.PublicKey, string, bool) Result {
			time.Sleep(took["key"])
			return Result{}
		},
		KeyboardInteractive: func(context.Context, *Attempt, asker) Result {
			time.Sleep(took["question"])
			return Result{}
		},
		MaxFailures: 100,
	}
	out := serve(t, cfg, func(s *script) {
		s.hello()
		for name, m := range map[string]message{
			"password": passwordRequest("bob", "wrong"), "long password": passwordRequest("bob", strings.Repeat("x", 2000)),
			"key": signedRequest(keyA(), "bob"), "bad signature": proof{signer: keyA(), user: "bob", session: 9}.request(),
			"malformed key": proof{signer: keyA(), user: "bob", blob: []byte("x"), query: true}.request(),
			"query":         queryRequest(keyA(), "bob"), "questions": interactiveRequest("bob"),
			"user name": passwordRequest("a\nb", "wrong"), "method": userRequest("bob", "hostbased", nil),
		} {
			if d := s.elapsed(m); d != floor {
				t.Errorf("%s: answered after %v, want %v", name, d, floor)
			}
		}
		took["password"] = 31 * time.Millisecond
		if d := s.elapsed(passwordRequest("bob", "wrong")); d != 2*floor {
			t.Errorf("slow callback: answered after %v, want %v", d, 2*floor)
		}
		if d := s.elapsed(noneRequest("bob")); d != 0 {
			t.Errorf("none: answered after %v, want at once", d)
		}
	})
	for _, p := range out.transport.sent[1:] {
		if string(p) != string(out.transport.sent[1]) {
			t.Errorf("answers differ: %q, %q", p, out.transport.sent[1])
		}
	}
}

func TestDefaultFloorAndSuccess(t *testing.T) {
	cfg := config()
	cfg.FailureFloor = 0
	serve(t, cfg, func(s *script) {
		s.hello()
		if d := s.elapsed(passwordRequest("bob", "wrong")); d != DefaultFailureFloor {
			t.Errorf("failure after %v", d)
		}
		if d := s.elapsed(queryRequest(keyA(), "bob")); d != 0 {
			t.Errorf("PK_OK after %v", d)
		}
		if d := s.elapsed(passwordRequest("bob", "right")); d != 0 {
			t.Errorf("success after %v", d)
		}
	})
}

// TestAUT13UnknownUser: the same requests by a user who exists and one who does
// not get the same answers after the same time.
func TestAUT13UnknownUser(t *testing.T) {
	cfg := config()
	cfg.FailureFloor = 10 * time.Millisecond
	cfg.MaxFailures = 100
	inner := cfg.Password
	cfg.Password = func(ctx context.Context, a *Attempt, p []byte) Result {
		if a.User == "bob" { // a callback that is careless, but not by more than the floor
			time.Sleep(9 * time.Millisecond)
		}
		return inner(ctx, a, p)
	}
	var answers [][][]byte
	var times [][]time.Duration
	for _, user := range []string{"bob", "nobody"} {
		var took []time.Duration
		out := serve(t, cfg, func(s *script) {
			s.hello()
			for _, m := range []message{
				noneRequest(user), queryRequest(keyB(), user), signedRequest(keyB(), user), passwordRequest(user, "12345678"),
				passwordRequest(user, strings.Repeat("x", 1000)), passwordRequest(user, strings.Repeat("x", 1024)), passwordRequest(user, ""),
				interactiveRequest(user), answersOf("red"), answersOf("1"),
			} {
				took = append(took, s.elapsed(m))
			}
		})
		out.rejected(t)
		answers, times = append(answers, out.transport.sent), append(times, took)
	}
	if !slices.EqualFunc(answers[0], answers[1], slices.Equal) {
		t.Errorf("answers differ:\n%q\n%q", answers[0], answers[1])
	}
	if !slices.Equal(times[0], times[1]) {
		t.Errorf("times differ: %v, %v", times[0], times[1])
	}
}

func withTimeout(d time.Duration) func() context.Context {
	return func() context.Context {
		ctx, cancel := context.WithTimeout(context.Background(), d)
		context.AfterFunc(ctx, cancel)
		return ctx
	}
}

func TestLoginGraceTime(t *testing.T) {
	states := map[string]func(s *script){
		"silent":        func(s *script) {},
		"after service": (*script).hello,
		"after failure": func(s *script) { s.hello(); s.send(noneRequest("bob")); s.failure(allMethods...) },
		"in questions":  func(s *script) { s.hello(); s.send(interactiveRequest("bob")); s.recv(wire.MsgUserauthInfoRequest) },
	}
	for name, play := range states {
		t.Run(name, func(t *testing.T) {
			out := serveContext(t, withTimeout(time.Minute), config(), func(s *script) {
				start := time.Now()
				play(s)
				s.dropped(wire.ReasonByApplication)
				if d := time.Since(start); d != time.Minute {
					t.Errorf("dropped after %v", d)
				}
			})
			out.reason(t, wire.ReasonByApplication)
			if !errors.Is(out.err, context.DeadlineExceeded) {
				t.Error(out.err)
			}
		})
	}
}

func TestAUT17CallbackTooLate(t *testing.T) {
	late := map[string]func(ctx context.Context){
		"blocks until the context ends": func(ctx context.Context) { <-ctx.Done() },
		"ignores the context":           func(context.Context) { time.Sleep(time.Hour) },
	}
	for name, wait := range late {
		for _, outcome := range []Outcome{Accept, Partial, ChangePassword, Deny} {
			t.Run(name+" "+outcome.String(), func(t *testing.T) {
				cfg := config()
				cfg.Password = func(ctx context.Context, _ *Attempt, _ []byte) Result { wait(ctx); return Result{Outcome: outcome} }
				out := serveContext(t, withTimeout(time.Minute), cfg, func(s *script) {
					s.hello()
					start := time.Now()
					s.send(passwordRequest("bob", "right"))
					s.dropped(wire.ReasonByApplication)
					if d := time.Since(start); d != time.Minute {
						t.Errorf("dropped after %v", d)
					}
				})
				out.reason(t, wire.ReasonByApplication)
			})
		}
	}
}

func TestAUT17Panics(t *testing.T) {
	boom := func() Result { panic("secret-word") }
	configs := map[string]func(c *ServerConfig){
		"ServiceRequest": func(c *ServerConfig) { c.ServiceRequest = func(context.Context, string) bool { boom(); return true } },
		"Banner":         func(c *ServerConfig) { c.Banner = func(context.Context, *Attempt) string { boom(); return "" } },
		"None":           func(c *ServerConfig) { c.None = func(context.Context, *Attempt) Result { return boom() } },
		"Password":       func(c *ServerConfig) { c.Password = func(context.Context, *Attempt, []byte) Result { return boom() } },
		"PublicKey": func(c *ServerConfig) {
			c.PublicKey = func(context.Context, *Attempt, sshkey.PublicKey, string, bool) Result { return boom() }
		},
		"KeyboardInteractive": func(c *ServerConfig) {
			c.KeyboardInteractive = func(context.Context, *Attempt, asker) Result { return boom() }
		},
		"Observe": func(c *ServerConfig) { c.Observe = func(context.Context, *Report) { boom() } },
	}
	requests := map[string]message{"None": noneRequest("bob"), "PublicKey": queryRequest(keyA(), "bob"), "KeyboardInteractive": interactiveRequest("bob")}
	for name, set := range configs {
		t.Run(name, func(t *testing.T) {
			cfg := config()
			set(cfg)
			out := serve(t, cfg, func(s *script) {
				s.send(wire.ServiceRequest{Name: "ssh-userauth"})
				if name != "ServiceRequest" {
					s.recv(wire.MsgServiceAccept)
					m := requests[name]
					if m == nil {
						m = passwordRequest("bob", "right")
					}
					s.send(m)
				}
				s.dropped(wire.ReasonByApplication)
			})
			out.reason(t, wire.ReasonByApplication)
			p, ok := errors.AsType[*PanicError](out.err)
			if !ok || p.Callback != name || p.Value != "secret-word" || len(p.Stack) == 0 || strings.Contains(out.err.Error(), "secret") {
				t.Errorf("error %v, %+v", out.err, p)
			}
		})
	}
}

func TestAUT17ZeroResult(t *testing.T) {
	cfg := &ServerConfig{
		FailureFloor:        -1,
		None:                func(context.Context, *Attempt) Result { return Result{} },
		Password:            func(context.Context, *Attempt, []byte) Result { return Result{Outcome: 17} },
		PublicKey:           func(context.Context, *Attempt, sshkey.PublicKey, string, bool) Result { return Result{} },
		KeyboardInteractive: func(context.Context, *Attempt, asker) Result { return Result{} },
	}
	serve(t, cfg, func(s *script) {
		s.hello()
		for _, m := range []message{noneRequest("bob"), passwordRequest("bob", "x"), queryRequest(keyA(), "bob"), signedRequest(keyA(), "bob"), interactiveRequest("bob")} {
			s.send(m)
			s.failure(allMethods...)
		}
	}).rejected(t)
}

// TestAUT18DeadlineRace lets the deadline and the success meet: either outcome,
// never both. serve checks that a login is told to the transport and an error
// is not.
func TestAUT18DeadlineRace(t *testing.T) {
	rounds := 10000
	if testing.Short() {
		rounds = 500
	}
	var wins, losses int
	for range rounds {
		client, server := newMemory(7)
		ctx, cancel := context.WithCancel(t.Context())
		var ready atomic.Bool
		cfg := &ServerConfig{FailureFloor: -1, Password: func(context.Context, *Attempt, []byte) Result {
			ready.Store(true)
			return Result{Outcome: Accept}
		}}
		cancelled := make(chan struct{})
		go func() {
			defer close(cancelled)
			for !ready.Load() {
				runtime.Gosched()
			}
			cancel()
		}()
		client.WriteControl(wire.ServiceRequest{Name: "ssh-userauth"}.Append(nil))
		client.WriteControl(passwordRequest("bob", "right").Append(nil))
		out := served{transport: server}
		out.login, out.err = Serve(ctx, server, cfg)
		<-cancelled
		out.check(t)
		if out.login != nil {
			wins++
		} else {
			losses++
		}
		if aborts := len(server.aborted); (aborts == 0) != (out.login != nil) {
			t.Fatalf("login %v with %d aborts", out.login, aborts)
		}
	}
	t.Logf("%d logins, %d deadlines", wins, losses)
}

// TestAUT18BothOrders is the same without chance: the deadline a nanosecond
// before and after the callback accepts.
func TestAUT18BothOrders(t *testing.T) {
	for _, delay := range []time.Duration{time.Minute - 1, time.Minute + 1} {
		cfg := config()
		cfg.Password = func(context.Context, *Attempt, []byte) Result {
			time.Sleep(delay)
			return Result{Outcome: Accept}
		}
		out := serveContext(t, withTimeout(time.Minute), cfg, func(s *script) {
			s.hello()
			s.send(passwordRequest("bob", "right"))
			s.ReadPacket()
			time.Sleep(time.Hour)
			synctest.Wait()
		})
		if (out.login != nil) != (delay < time.Minute) {
			t.Errorf("after %v: login %v, %v", delay, out.login, out.err)
		}
	}
}

func TestCallbackContextEnds(t *testing.T) {
	var ctx context.Context
	cfg := config()
	cfg.Password = func(c context.Context, _ *Attempt, _ []byte) Result { ctx = c; return Result{Outcome: Accept} }
	serve(t, cfg, func(s *script) {
		s.hello()
		s.send(passwordRequest("bob", "right"))
		s.want(wire.UserauthSuccess{})
	})
	if ctx.Err() == nil {
		t.Error("context of callbacks outlives Serve")
	}
}
