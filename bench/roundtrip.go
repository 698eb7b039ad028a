package main

import (
	"context"
	"fmt"
	"io"
	"slices"
	"time"
)

// warmUp is how many round trips go before those that count.
const warmUp = 100

// tripSteps measures one byte to an echo and back, the next when the last one is there.
func (b *bench) tripSteps() []step {
	var steps []step
	for _, peer := range b.peers {
		j := job{Peer: peer, Work: workTrip, Suite: standardSuite(peer), Count: b.trips}
		if peer == asyncssh {
			j.Count = max(j.Count/asyncsshShare, 1)
		}
		if !inGo(peer) {
			j.Peer = xcrypto // a program is no clock
		}
		steps = append(steps, step{"roundtrip", "one byte", peer, func(ctx context.Context) (string, error) {
			return b.trip(ctx, peer, j)
		}})
	}
	return steps
}

func (b *bench) trip(ctx context.Context, peer string, j job) (string, error) {
	m, err := b.pairJob(ctx, peer, j)
	if err != nil {
		return "", err
	}
	b.results.add("roundtrip", "one byte", peer, "p50 us", false, m.P50)
	b.results.add("roundtrip", "one byte", peer, "p99 us", false, m.P99)
	b.addCPU("roundtrip", "one byte", peer, "us", m, j, 1e6)
	return fmt.Sprintf("p50 %.1f us", m.P50), nil
}

// takeTrips is the client's part.
func takeTrips(ctx context.Context, dial dialer, j *job) (result, error) {
	c, err := dial(ctx)
	if err != nil {
		return result{}, err
	}
	defer c.Close()
	s, err := c.Start(ctx, commandEcho)
	if err != nil {
		return result{}, err
	}
	if _, err := trips(s, warmUp); err != nil {
		return result{}, err
	}
	begin, cpu := time.Now(), ownCPU()
	times, err := trips(s, j.Count)
	if err != nil {
		return result{}, err
	}
	r := result{Seconds: time.Since(begin).Seconds(), CPU: ownCPU() - cpu}
	slices.Sort(times)
	r.P50 = float64(times[len(times)/2]) / 1e3
	r.P99 = float64(times[len(times)*99/100]) / 1e3
	if err := s.CloseWrite(); err != nil {
		return r, err
	}
	return r, s.Wait(ctx)
}

// trips sends a byte and waits for it n times, and returns how long each took.
func trips(s session, n int) ([]time.Duration, error) {
	times := make([]time.Duration, n)
	var p [1]byte
	for i := range times {
		begin := time.Now()
		if _, err := s.Write(p[:]); err != nil {
			return nil, err
		}
		if _, err := io.ReadFull(s, p[:]); err != nil {
			return nil, err
		}
		times[i] = time.Since(begin)
	}
	return times, nil
}
