package daemon

import (
	"bytes"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	xssh "golang.org/x/crypto/ssh"

	"github.com/hawser-ssh/hawser/transport/transporttest"
)

// lockedBuffer is a buffer for more than one goroutine.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

// TestLog: the logger and OnLog tell what an operator needs, and no secret.
func TestLog(t *testing.T) {
	d := newDaemon(t)
	echo(t, d)
	must(t, d, "LogLevel=3")
	var out lockedBuffer
	d.SetLogger(slog.New(slog.NewTextHandler(&out, &slog.HandlerOptions{Level: slog.LevelDebug - 4})))
	var events []string
	d.OnLog = func(e *LogEvent) {
		if e.LogLevel < 1 || e.LogLevel > 3 || e.ConnectionID != 1 || e.LogType == "" {
			t.Errorf("event %+v", e)
		}
		events = append(events, e.Message)
	}
	s := serve(t, d)
	tries := []string{"wrong-password", "secret"}
	c, err := dial(s, clientConfig("alice", xssh.RetryableAuthMethod(xssh.PasswordCallback(func() (string, error) {
		p := tries[0]
		tries = tries[1:]
		return p, nil
	}), 2)))
	if err != nil {
		t.Fatal(err)
	}
	if got, err := run(t, c, "cat", "payload-of-the-user"); err != nil || got != "payload-of-the-user" {
		t.Errorf("%q, %v", got, err)
	}
	c.Close()
	<-s.done
	for name, text := range map[string]string{"OnLog": strings.Join(events, "\n"), "slog": out.String()} {
		for _, want := range []string{"SSH-2.0-Go", "password", "outcome=deny", "outcome=accept", "alice"} {
			if !strings.Contains(text, want) {
				t.Errorf("%s does not tell %q:\n%s", name, want, text)
			}
		}
		for _, secret := range []string{"wrong-password", "secret", "payload-of-the-user"} {
			if strings.Contains(text, secret) {
				t.Errorf("%s tells %q", name, secret)
			}
		}
	}
}

// TestLogAttrs: attributes and groups of slog become text.
func TestLogAttrs(t *testing.T) {
	d := New()
	var got []string
	d.OnLog = func(e *LogEvent) { got = append(got, e.Message) }
	c := &conn{d: d, opt: d.opt.snapshot()}
	c.events.init()
	synctest.Test(t, func(t *testing.T) {
		l := c.logger().With("a", 1).WithGroup("g").With("b", "two words")
		l.Info("text", "c", "x\x1b", slog.String("", ""))
		l.Debug("not at this level")
		synctest.Wait()
	})
	expect(t, got, `text a=1 g.b="two words" g.c="x\x1b" g.=""`)
}

// TestLostLogs: a handler that is too slow loses log events, not memory, and
// is told how many.
func TestLostLogs(t *testing.T) {
	d := New()
	var got []string
	c := &conn{d: d, opt: d.opt.snapshot()}
	c.events.init()
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		d.OnLog = func(e *LogEvent) {
			<-release
			got = append(got, e.Message)
		}
		for range maxQueuedLogs + 100 {
			c.log(&LogEvent{LogLevel: 1, Message: "line"}, true)
		}
		synctest.Wait()
		close(release)
		synctest.Wait()
		c.log(&LogEvent{LogLevel: 1, Message: "last"}, true)
		synctest.Wait()
	})
	if len(got) < maxQueuedLogs || len(got) > maxQueuedLogs+2 || !strings.Contains(got[len(got)-1], "earlier messages were dropped") {
		t.Errorf("%d lines, the last %q", len(got), got[len(got)-1])
	}
}

// TestSlogSilent: without logger and OnLog nothing is formatted.
func TestSlogSilent(t *testing.T) {
	d := New()
	c := &conn{d: d, opt: d.opt.snapshot()}
	if c.logger().Enabled(t.Context(), slog.LevelError) {
		t.Error("enabled for nobody")
	}
}

// TestOperatorLog: at the level Info a connection is a line for each thing that
// an operator acts on, with the client's address in it, and no more.
func TestOperatorLog(t *testing.T) {
	for name, c := range map[string]struct {
		client func(t *testing.T, s *served)
		want   []string // what each line has in it
	}{
		"login": {func(t *testing.T, s *served) {
			c, err := dial(s, clientConfig("alice", xssh.Password("secret")))
			if err != nil {
				t.Fatal(err)
			}
			c.Close()
		}, []string{`msg="logged in" conn=1 remote="peer of `, `msg=disconnected conn=1 remote="peer of `}},
		"refused and not": {func(t *testing.T, s *served) {
			tries := []string{"wrong", "secret"}
			c, err := dial(s, clientConfig("alice", xssh.RetryableAuthMethod(xssh.PasswordCallback(func() (string, error) {
				p := tries[0]
				tries = tries[1:]
				return p, nil
			}), 2)))
			if err != nil {
				t.Fatal(err)
			}
			c.Close()
		}, []string{`user=alice method=password reason=denied`, `user=alice method=password`, "code=0 why=OK"}},
		"a name that is no name": {func(t *testing.T, s *served) {
			if _, err := dial(s, clientConfig("x\x1b[31m\n", xssh.PublicKeys(xsigner(t)))); err == nil {
				t.Error("logged in")
			}
		}, []string{`user=x\x1b[31m\x0a method=publickey reason="user name has control`, `code=1300`}},
		"a key that does not do": {func(t *testing.T, s *served) {
			if _, err := dial(s, clientConfig("alice", xssh.PublicKeys(xsigner(t)))); err == nil {
				t.Error("logged in")
			}
		}, []string{`code=1300`}}, // it was asked about, not tried
		"no login": {func(t *testing.T, s *served) { s.client.Close() }, []string{"msg=disconnected conn=1 remote="}},
	} {
		t.Run(name, func(t *testing.T) {
			d := newDaemon(t)
			var out lockedBuffer
			d.SetLogger(slog.New(slog.NewTextHandler(&out, nil)))
			s := serve(t, d)
			c.client(t, s)
			s.client.Close()
			<-s.done
			lines := strings.Split(strings.TrimSpace(out.String()), "\n")
			if len(lines) != len(c.want) {
				t.Fatalf("%d lines, want %d:\n%s", len(lines), len(c.want), out.String())
			}
			for i, want := range c.want {
				if !strings.Contains(lines[i], want) || strings.Contains(lines[i], "\x1b") {
					t.Errorf("line %q, want %q", lines[i], want)
				}
			}
		})
	}
}

// TestRefusedLog: connections too many are a line a second, which counts those
// that had none.
func TestRefusedLog(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := New()
		var out lockedBuffer
		d.SetLogger(slog.New(slog.NewTextHandler(&out, nil)))
		client, server := transporttest.Pipe()
		defer client.Close()
		for range 3 {
			for range 1000 {
				d.tellFull(server, errTooMany)
			}
			time.Sleep(fullLogEvery)
		}
		d.tellFull(server, errTooMany)
		var more []string
		for line := range strings.Lines(out.String()) {
			_, n, _ := strings.Cut(strings.TrimSpace(line), "before=")
			more = append(more, n)
		}
		expect(t, more, "", "999", "999", "999")
	})
}
