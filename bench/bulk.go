package main

import (
	"context"
	"fmt"
	"time"
)

const gib = 1 << 30

// bulkSteps measures one channel that carries as much as it can, each way, per cipher.
func (b *bench) bulkSteps() []step {
	var steps []step
	for _, suite := range b.suites {
		for _, direction := range []work{workUp, workDown} {
			for _, peer := range b.peers {
				name := suite.Name + " " + string(direction)
				j := job{Peer: peer, Work: direction, Suite: suite, Bytes: b.bytes}
				steps = append(steps, step{"bulk", name, peer, func(ctx context.Context) (string, error) {
					return b.bulk(ctx, name, j)
				}})
			}
		}
	}
	return steps
}

func (b *bench) bulk(ctx context.Context, name string, j job) (string, error) {
	m, err := b.pairJob(ctx, j.Peer, j)
	if err != nil {
		return "", err
	}
	rate, size := float64(j.Bytes)/m.Seconds/1e6, float64(j.Bytes)/gib
	b.results.add("bulk", name, j.Peer, "MB/s", true, rate)
	b.results.add("bulk", name, j.Peer, "client CPU s/GiB", false, m.CPU/size)
	b.results.add("bulk", name, j.Peer, "server CPU s/GiB", false, m.serverCPU/size)
	return fmt.Sprintf("%.0f MB/s", rate), nil
}

// transfer is the client's part: from the start of the command until its exit status is there, and so the last byte.
func transfer(ctx context.Context, dial dialer, j *job) (result, error) {
	c, err := dial(ctx)
	if err != nil {
		return result{}, err
	}
	defer c.Close()
	begin, cpu := time.Now(), ownCPU()
	if j.Work == workUp {
		err = send(ctx, c, j.Bytes)
	} else {
		err = receive(ctx, c, j.Bytes)
	}
	return result{Seconds: time.Since(begin).Seconds(), CPU: ownCPU() - cpu}, err
}

func send(ctx context.Context, c client, n int64) error {
	s, err := c.Start(ctx, commandDiscard)
	if err != nil {
		return err
	}
	if err := generate(s, n); err != nil {
		return err
	}
	if err := s.CloseWrite(); err != nil {
		return err
	}
	return s.Wait(ctx)
}

func receive(ctx context.Context, c client, n int64) error {
	s, err := c.Start(ctx, commandGenerate(n))
	if err != nil {
		return err
	}
	got := new(sink)
	if err := copyAll(got, s); err != nil {
		return err
	}
	if got.n != n {
		return fmt.Errorf("%d bytes came, not %d", got.n, n)
	}
	return s.Wait(ctx)
}
