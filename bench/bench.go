package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"slices"
	"sync"
	"time"
)

// bench is one invocation.
type bench struct {
	*options
	dir      string // keys and configurations, removed at the end
	progress io.Writer
	results  results
	known    map[string]algorithms // of the peers asked so far
	hawserd  func() error          // builds the daemon, when it is first wanted
}

func newBench(o *options, progress io.Writer) (*bench, error) {
	dir, err := os.MkdirTemp("", "hawser-bench-")
	if err != nil {
		return nil, err
	}
	b := &bench{options: o, dir: dir, progress: progress, known: map[string]algorithms{}, hawserd: sync.OnceValue(func() error { return buildHawserd(dir) })}
	if err := writeKeys(dir); err != nil {
		b.close()
		return nil, err
	}
	b.find()
	return b, nil
}

// find leaves out the peers that are not there.
func (b *bench) find() {
	if reason := opensshMissing(); reason != "" {
		b.without(openssh, reason)
	}
	if reason := asyncsshMissing(); reason != "" {
		b.without(asyncssh, reason)
	}
	reason := dropbearMissing()
	if reason == "" && slices.Contains(b.peers, dropbear) {
		if err := prepareDropbear(b.dir); err != nil {
			reason = err.Error()
		}
	}
	if reason != "" {
		b.without(dropbear, reason)
	}
}

func (b *bench) close() { _ = os.RemoveAll(b.dir) }

// without leaves a peer out, and says why.
func (b *bench) without(peer, reason string) {
	if slices.Contains(b.peers, peer) {
		fmt.Fprintf(b.progress, "without %s: %s\n", peer, reason)
		b.peers = slices.DeleteFunc(b.peers, func(p string) bool { return p == peer })
	}
}

// step is one measurement of one peer; it is repeated, in turn with the others.
type step struct {
	section, name, peer string
	run                 func(ctx context.Context) (string, error)
}

// measure runs all steps, the repetitions outermost, so that what disturbs the machine for a while disturbs every peer
// alike, and every second one with the peers the other way round, for a measurement leaves the next one memory that is
// warm. It returns how many runs failed.
func (b *bench) measure(ctx context.Context) (failed int) {
	var steps []step
	for _, s := range sections {
		if slices.Contains(b.sections, s.name) {
			steps = append(steps, s.steps(b)...)
		}
	}
	p := newProgress(b.repetitions, len(steps))
	for i := range b.repetitions * len(steps) {
		if i > 0 && i%len(steps) == 0 {
			reversePeers(steps)
		}
		s := steps[i%len(steps)]
		if ctx.Err() != nil {
			return failed
		}
		begin := time.Now()
		outcome, err := s.run(ctx)
		if err != nil {
			failed++
			outcome = "FAILED: " + err.Error()
		}
		p.done(time.Since(begin))
		fmt.Fprintf(b.progress, "%s %s %s %s: %s\n", p, s.section, s.name, s.peer, outcome)
	}
	return failed
}

// reversePeers turns the order of the peers of each measurement round.
func reversePeers(steps []step) {
	for len(steps) > 0 {
		n := 1
		for n < len(steps) && steps[n].section == steps[0].section && steps[n].name == steps[0].name {
			n++
		}
		slices.Reverse(steps[:n])
		steps = steps[n:]
	}
}
