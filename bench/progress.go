package main

import (
	"fmt"
	"time"
)

// progress knows how far a run is, and from how long its steps took how long the rest will take.
type progress struct {
	steps, total int
	count        int             // done so far
	took         []time.Duration // by each step, the last time
}

func newProgress(repetitions, steps int) *progress {
	return &progress{steps: steps, total: repetitions * steps, took: make([]time.Duration, 0, steps)}
}

// done is told of every step in turn.
func (p *progress) done(took time.Duration) {
	if i := p.count % p.steps; i < len(p.took) {
		p.took[i] = took
	} else {
		p.took = append(p.took, took)
	}
	p.count++
}

// left is about how long the rest takes: each step as long as the last time, or, while it has not run, as the others on
// average.
func (p *progress) left() time.Duration {
	if p.count == 0 {
		return 0
	}
	var sum time.Duration
	for _, took := range p.took {
		sum += took
	}
	average := sum / time.Duration(len(p.took))
	round := sum + average*time.Duration(p.steps-len(p.took)) // a whole repetition
	left := round * time.Duration((p.total-p.count)/p.steps)
	for i := p.count % p.steps; i%p.steps != 0; i++ { // what is left of this one
		if i < len(p.took) {
			left += p.took[i]
		} else {
			left += average
		}
	}
	return left
}

// String is the beginning of a line.
func (p *progress) String() string {
	return fmt.Sprintf("[%d/%d, %v left]", p.count, p.total, p.left().Round(time.Second))
}
