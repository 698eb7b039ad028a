package peertest

import (
	"context"
	"strings"
	"sync"
)

// Buffer collects what a program writes. It is an io.Writer safe for use by
// several goroutines; its zero value is empty and ready.
type Buffer struct {
	mu      sync.Mutex
	data    []byte
	changed chan struct{} // closed at the next write; nil while nobody waits
}

// Write appends a copy of p. It never fails.
func (b *Buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.data = append(b.data, p...)
	if b.changed != nil {
		close(b.changed)
		b.changed = nil
	}
	return len(p), nil
}

// String returns all that was written so far.
func (b *Buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return string(b.data)
}

// Bytes returns a copy of all that was written so far.
func (b *Buffer) Bytes() []byte { return []byte(b.String()) }

// WaitFor waits until text was written and reports whether it was: false means
// that ctx ended first.
func (b *Buffer) WaitFor(ctx context.Context, text string) bool {
	for {
		b.mu.Lock()
		found := strings.Contains(string(b.data), text)
		if b.changed == nil {
			b.changed = make(chan struct{})
		}
		changed := b.changed
		b.mu.Unlock()
		if found {
			return true
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return false
		}
	}
}

// tail is the end of the text, for messages of failed tests.
func tail(text string) string {
	const most = 8 << 10
	if len(text) > most {
		return "…" + text[len(text)-most:]
	}
	return text
}
