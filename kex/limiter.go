package kex

import (
	"errors"
	"runtime"
)

// ErrGivenUp is what Limiter.Do returns when it was told to stop waiting.
var ErrGivenUp = errors.New("kex: gave up waiting for other key exchanges")

// Limiter bounds how many costly steps of key exchanges run at once, so that a flood of connections that ask for large
// groups (CVE-2002-20001) leaves processors for the others. A server shares one between its connections. A nil *Limiter
// has no bound.
type Limiter struct{ slots chan struct{} }

// NewLimiter returns a Limiter for n steps at once; less than one means half of the processors, but one at least.
func NewLimiter(n int) *Limiter {
	if n < 1 {
		n = max(1, runtime.GOMAXPROCS(0)/2)
	}
	return &Limiter{slots: make(chan struct{}, n)}
}

// Do runs step on the caller's goroutine when its turn has come, in the order of the calls, and returns its error. When
// done closes before that, it returns ErrGivenUp and step does not run.
func (l *Limiter) Do(done <-chan struct{}, step func() error) error {
	if l == nil {
		return step()
	}
	select {
	case l.slots <- struct{}{}:
	case <-done:
		return ErrGivenUp
	}
	defer func() { <-l.slots }()
	return step()
}
