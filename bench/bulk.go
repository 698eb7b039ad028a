package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"
)

const gib = 1 << 30

// bulkSteps measures one channel that carries as much as it can, each way, per cipher.
func (b *bench) bulkSteps() []step {
	peers := slices.Clone(b.peers)
	if b.ceiling {
		peers = append(peers, ceiling)
	}
	var steps []step
	for _, suite := range b.suites {
		for _, direction := range []work{workUp, workDown} {
			for _, peer := range peers {
				name := suite.Name + " " + string(direction)
				j := job{Peer: peer, Work: direction, Suite: suite, Bytes: suite.share(b.bytes), AtOnce: 1, Write: standardWrite}
				if peer == dropbear || peer == asyncssh {
					j.Bytes = max(j.Bytes/slower, 1)
				}
				if b.can(peer, j) {
					steps = append(steps, b.transferStep("bulk", name, j))
				}
			}
		}
	}
	return steps
}

// standardWrite is how much is written at once where sizes are not what is measured: a packet's worth.
const standardWrite = 32 << 10

// slower is how many times less the peers carry that would take seconds.
const slower = 4

// transferStep measures a transfer between client and server of one peer.
func (b *bench) transferStep(section, name string, j job) step {
	return step{section, name, j.Peer, func(ctx context.Context) (string, error) {
		m, err := b.pairJob(ctx, j.Peer, j)
		if err != nil {
			return "", err
		}
		return b.addTransfer(section, name, j.Peer, j.Bytes, m), nil
	}}
}

// addTransfer puts the figures of a transfer to the results and returns the one for the progress.
func (b *bench) addTransfer(section, name, peer string, bytes int64, m measured) string {
	rate, size := float64(bytes)/m.Seconds/1e6, float64(bytes)/gib
	b.results.add(section, name, peer, "MB/s", true, rate)
	b.results.add(section, name, peer, "client CPU s/GiB", false, m.CPU/size)
	b.results.add(section, name, peer, "server CPU s/GiB", false, m.serverCPU/size)
	return fmt.Sprintf("%s MB/s", number(rate))
}

// transfer is the client's part: from the start of the commands until their exit statuses are there, and so the last
// bytes.
func transfer(ctx context.Context, dial dialer, j *job) (result, error) {
	c, err := dial(ctx)
	if err != nil {
		return result{}, err
	}
	defer c.Close()
	carry := send
	if j.Work == workDown {
		carry = receive
	}
	failures := make([]error, j.AtOnce)
	var channels sync.WaitGroup
	begin, cpu := time.Now(), ownCPU()
	for i := range failures {
		n := j.Bytes / int64(j.AtOnce)
		if i == 0 {
			n += j.Bytes % int64(j.AtOnce)
		}
		channels.Go(func() { failures[i] = carry(ctx, c, n, j.Write) })
	}
	channels.Wait()
	return result{Seconds: time.Since(begin).Seconds(), CPU: ownCPU() - cpu}, errors.Join(failures...)
}

func send(ctx context.Context, c client, n int64, size int) error {
	s, err := c.Start(ctx, commandDiscard)
	if err != nil {
		return err
	}
	if err := generate(s, n, size); err != nil {
		return err
	}
	if err := s.CloseWrite(); err != nil {
		return err
	}
	return s.Wait(ctx)
}

func receive(ctx context.Context, c client, n int64, size int) error {
	s, err := c.Start(ctx, commandGenerate(n, size))
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
