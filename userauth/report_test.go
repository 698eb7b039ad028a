package userauth

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"

	"github.com/hawser-ssh/hawser/transport/sshkey"
	"github.com/hawser-ssh/hawser/wire"
)

func TestAUT20UserNames(t *testing.T) {
	var log bytes.Buffer
	var reports []Report
	unusable := []string{"", strings.Repeat("u", 257), strings.Repeat("u", 64<<10), "a\x00b", "a\nb", "a\x1b[31mb", "a\xffb", "\u0085"}
	for _, name := range unusable {
		cfg := denyingCallbacks(t)
		cfg.Logger = slog.New(slog.NewTextHandler(&log, nil))
		cfg.Observe = func(_ context.Context, r *Report) { reports = append(reports, *r) }
		out := serve(t, cfg, func(s *script) {
			s.hello()
			s.send(noneRequest(name))
			s.failure(allMethods...)
			s.send(passwordRequest(name, "right"))
			s.failure(allMethods...)
			s.send(signedRequest(keyA(), name))
			s.failure(allMethods...)
			s.send(interactiveRequest(name))
			s.failure(allMethods...)
		})
		out.rejected(t)
	}
	for _, c := range log.String() {
		if c != '\n' && (c < ' ' || c > '~') {
			t.Fatalf("%q in the log", c)
		}
	}
	if lines := strings.Count(log.String(), "\n"); lines != 4*len(unusable) || len(reports) != lines {
		t.Errorf("%d lines, %d reports for %d requests", lines, len(reports), 4*len(unusable))
	}
	if log.Len() > 4*len(unusable)*512 {
		t.Errorf("%d bytes of log", log.Len())
	}
	for _, name := range []string{"../x", "-oX", "%n", "b\u043eb", strings.Repeat("u", 256), "a b", `a\b`} {
		asked := ""
		cfg := config()
		cfg.Password = func(_ context.Context, a *Attempt, _ []byte) Result { asked = a.User; return Result{} }
		serve(t, cfg, func(s *script) {
			s.hello()
			s.send(passwordRequest(name, "right"))
			s.failure(allMethods...)
		}).rejected(t)
		if asked != name {
			t.Errorf("asked for %q, want %q", asked, name)
		}
	}
}

func TestReportsAndLog(t *testing.T) {
	var log bytes.Buffer
	var got []string
	cfg := config()
	cfg.Logger = slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	cfg.Observe = func(_ context.Context, r *Report) {
		got = append(got, fmt.Sprintf("%d %s %s query=%v key=%v %s: %s", r.Requests, r.User, r.Method, r.Query, r.Key != nil, r.Outcome, r.Reason))
	}
	serve(t, cfg, func(s *script) {
		s.hello()
		s.send(noneRequest("bob"), passwordRequest("bob", "secret-word"), queryRequest(keyB(), "bob"), queryRequest(keyA(), "bob"),
			userRequest("bob", "nonsense\n", nil), signedRequest(keyA(), "bob"))
		s.failure(allMethods...)
		s.failure(allMethods...)
		s.failure(allMethods...)
		s.recv(wire.MsgUserauthPKOK)
		s.failure(allMethods...)
		s.want(wire.UserauthSuccess{})
	})
	want := []string{
		"1 bob none query=false key=false deny: none is how clients ask for the list",
		"2 bob password query=false key=false deny: wrong credential",
		"3 bob publickey query=true key=true deny: wrong credential",
		"4 bob publickey query=true key=true accept: ",
		"5 bob nonsense\n query=false key=false deny: method is not offered",
		"6 bob publickey query=false key=true accept: ",
	}
	if !slices.Equal(got, want) {
		t.Errorf("reports\n%q\nwant\n%q", got, want)
	}
	text := log.String()
	if strings.Count(text, "\n") != 6 || strings.Contains(text, "secret-word") || !strings.Contains(text, sshkey.Fingerprint(keyA().PublicKey())) {
		t.Errorf("log:\n%s", text)
	}
}

func TestReportCutsNames(t *testing.T) {
	var got Report
	cfg := config()
	cfg.Observe = func(_ context.Context, r *Report) { got = *r }
	serve(t, cfg, func(s *script) {
		s.hello()
		s.send(userRequest(strings.Repeat("u", 1000), strings.Repeat("m", 100<<10), nil))
		s.failure(allMethods...)
	}).rejected(t)
	if len(got.User) != 256 || len(got.Method) != 65 {
		t.Errorf("names of %d and %d bytes", len(got.User), len(got.Method))
	}
}
