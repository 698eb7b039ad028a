package main

import (
	"context"
	"fmt"
	"time"
)

// openSteps measures channels that are opened and closed again, nothing else. With a server that is a program the client
// is golang.org/x/crypto/ssh.
func (b *bench) openSteps() []step {
	var steps []step
	for _, atOnce := range []int{1, 8} {
		for _, peer := range b.peers {
			name := fmt.Sprintf("%d at once", atOnce)
			j := job{Peer: peer, Work: workOpen, Suite: standardSuite(peer), Count: b.opens, AtOnce: atOnce}
			if peer == asyncssh {
				j.Count = max(j.Count/asyncsshShare, 1)
			}
			if !inGo(peer) {
				j.Peer = xcrypto
			}
			steps = append(steps, step{"opens", name, peer, func(ctx context.Context) (string, error) {
				return b.open(ctx, name, peer, j)
			}})
		}
	}
	return steps
}

func (b *bench) open(ctx context.Context, name, peer string, j job) (string, error) {
	m, err := b.pairJob(ctx, peer, j)
	if err != nil {
		return "", err
	}
	n := float64(j.Count)
	b.results.add("opens", name, peer, "channels/s", true, n/m.Seconds)
	b.addCPU("opens", name, peer, "us", m, j, 1e6)
	return fmt.Sprintf("%.0f channels/s", n/m.Seconds), nil
}

// openChannels is the client's part: AtOnce goroutines that open a channel and close it, Count times in all.
func openChannels(ctx context.Context, dial dialer, j *job) (result, error) {
	c, err := dial(ctx)
	if err != nil {
		return result{}, err
	}
	defer c.Close()
	begin, cpu := time.Now(), ownCPU()
	err = inParallel(j.Count, j.AtOnce, func(int) error {
		channel, err := c.Open(ctx)
		if err != nil {
			return err
		}
		return channel.Close()
	})
	return result{Seconds: time.Since(begin).Seconds(), CPU: ownCPU() - cpu}, err
}
