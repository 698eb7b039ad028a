package kex

import (
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// DH-07: never more than so many at once, each in its turn, and all in the end.
func TestDH07Limiter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const slots, steps = 3, 64
		l := NewLimiter(slots)
		var mu sync.Mutex
		var running, most, ran int
		var all sync.WaitGroup
		step := func() error {
			mu.Lock()
			running++
			ran++
			most = max(most, running)
			mu.Unlock()
			time.Sleep(time.Second) // the bubble's clock
			mu.Lock()
			running--
			mu.Unlock()
			return nil
		}
		for range steps {
			all.Go(func() {
				if err := l.Do(nil, step); err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
		if most != slots || ran != steps || running != 0 {
			t.Errorf("%d at once, %d in all, %d still running", most, ran, running)
		}
	})
}

func TestDH07LimiterGivesUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := NewLimiter(1)
		hold, done := make(chan struct{}), make(chan struct{})
		go l.Do(nil, func() error { <-hold; return nil })
		synctest.Wait()
		result := make(chan error, 1)
		go func() { result <- l.Do(done, func() error { t.Error("it ran"); return nil }) }()
		synctest.Wait()
		close(done)
		if err := <-result; !errors.Is(err, ErrGivenUp) {
			t.Error(err)
		}
		close(hold)
		synctest.Wait()
		want := errors.New("its own")
		if err := l.Do(nil, func() error { return want }); err != want {
			t.Errorf("%v is not the error of the step", err)
		}
		func() {
			defer func() { recover() }()
			l.Do(nil, func() error { panic("in the step") })
		}()
		if err := l.Do(nil, func() error { return nil }); err != nil { // the slot came back
			t.Error(err)
		}
	})
}

// No Limiter is no bound, and a Limiter of no size has one.
func TestLimiterZero(t *testing.T) {
	var none *Limiter
	if err := none.Do(nil, func() error { return nil }); err != nil {
		t.Error(err)
	}
	if n := cap(NewLimiter(0).slots); n < 1 {
		t.Errorf("%d slots", n)
	}
}

// What takes milliseconds says so.
func TestCostly(t *testing.T) {
	for _, m := range known() {
		if _, group := dhGroups[m.Name]; group != m.Costly && !m.ServerOffers {
			t.Errorf("%s: costly %v", m.Name, m.Costly)
		}
	}
}
