package daemon

import (
	"bytes"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	xssh "golang.org/x/crypto/ssh"
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

func TestLogLevel(t *testing.T) {
	for level, want := range map[string]bool{"0": false, "1": true} {
		d := newDaemon(t)
		must(t, d, "LogLevel="+level)
		got := false
		d.OnLog = func(*LogEvent) { got = true }
		c, s := connect(t, d)
		c.Close()
		<-s.done
		if got != want {
			t.Errorf("LogLevel=%s: logged %v", level, got)
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
