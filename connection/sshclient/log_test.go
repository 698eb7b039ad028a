package sshclient_test

import (
	"bytes"
	"log/slog"
	"strings"
	"sync"
	"testing"

	"github.com/hawser-ssh/hawser/connection/sshclient"
)

// lockedBuffer is a buffer that several goroutines log to.
type lockedBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}

// TestLogger: one logger hears of all layers, from the version to the end, and of nothing that is secret or said on a channel.
func TestLogger(t *testing.T) {
	h := newHouse(t)
	var log lockedBuffer
	c := h.client(func(cfg *sshclient.Config) {
		cfg.Logger = slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug - 8}))
	})
	if _, err := c.Output(testContext(t), "echo confidential"); err != nil {
		t.Fatal(err)
	}
	c.Close()
	text := log.String()
	for _, part := range []string{"msg=version", "msg=keys", "authentication refused", `msg="channel opened" chan=0 type=session`, "msg=ended", "rekeys=0"} {
		if !strings.Contains(text, part) {
			t.Errorf("nothing of %s", part)
		}
	}
	for _, secret := range []string{"confidential", "right"} {
		if strings.Contains(text, secret) {
			t.Errorf("%q is in the log", secret)
		}
	}
	if t.Failed() {
		t.Log(text)
	}
}
