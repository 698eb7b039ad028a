package transport

import (
	"testing"
	"time"
)

// TestPace: two goroutines are better where the guest never waits for the peer and takes its time with what it has read.
func TestPace(t *testing.T) {
	const step = paceSpan / 10
	for name, test := range map[string]struct {
		present, away time.Duration
		waits         bool
		part          bool
	}{
		"light":          {present: 9 * step, away: step},
		"heavy":          {present: step, away: step, part: true},
		"heavy, waiting": {present: step, away: step, waits: true},
	} {
		t.Run(name, func(t *testing.T) {
			var p pace
			parted := false
			now := time.Now()
			for range 30 {
				p.arrive(now)
				now = now.Add(test.present)
				parted = p.depart(now, test.waits) || parted
				now = now.Add(test.away)
			}
			if parted != test.part || p.apart() != test.part {
				t.Errorf("parted: %v, now apart: %v", parted, p.apart())
			}
		})
	}
	if (*pace)(nil).apart() {
		t.Error("apart without a guest")
	}
}
