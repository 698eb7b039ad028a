package main

import (
	"context"
	"fmt"
	"runtime"
	"time"
)

const kib = 1 << 10

// settle is how long new connections are left alone before their memory is looked at.
const settle = 300 * time.Millisecond

// programConnections bounds the connections to servers that are processes for each; main.go and README.md name it.
const programConnections = 50

// idleSteps measures what connections cost that are logged in, have one channel open, and do nothing.
func (b *bench) idleSteps() []step {
	var steps []step
	for _, n := range b.connections {
		for _, peer := range b.peers {
			name := fmt.Sprintf("%d connections", n)
			j := job{Peer: peer, Work: workIdle, Suite: standardSuite(peer), Count: n}
			if !inGo(peer) {
				j.Peer, j.Count = xcrypto, min(n, programConnections)
			}
			steps = append(steps, step{"idle", name, peer, func(ctx context.Context) (string, error) {
				return b.idle(ctx, name, peer, j)
			}})
		}
	}
	return steps
}

func (b *bench) idle(ctx context.Context, name, peer string, j job) (string, error) {
	b.complete(&j)
	s := j
	s.Peer, s.Profile = peer, b.profileName(&j, "server")
	server, err := startServer(ctx, &s)
	if err != nil {
		return "", fmt.Errorf("server: %w", err)
	}
	defer server.Close()
	before, err := server.Memory()
	if err != nil {
		return "", fmt.Errorf("server: %w", err)
	}
	j.Addr, j.Profile = server.Addr(), b.profileName(&j, "client")
	client, err := startChild(ctx, childClient, &j)
	if err != nil {
		return "", err
	}
	defer client.stop()
	r, err := client.result()
	if err != nil {
		return "", fmt.Errorf("client: %w", err)
	}
	after, err := server.Memory()
	if err != nil {
		return "", fmt.Errorf("server: %w", err)
	}
	if s.Profile != "" {
		server.Close() // its profile must have the connections
	}
	b.addMemory(name, peer, "server", after.minus(before), j.Count)
	if peer == j.Peer {
		b.addMemory(name, peer, "client", r.Memory, j.Count)
	}
	return fmt.Sprintf("%.1f KiB", (after.Resident-before.Resident)/float64(j.Count)/kib), nil
}

// addMemory puts what n connections hold on one side to the results.
func (b *bench) addMemory(name, peer, side string, m memory, n int) {
	add := func(what string, value float64) {
		if value != 0 {
			b.results.add("idle", name, peer, side+" "+what, false, value/float64(n))
		}
	}
	add("heap KiB", m.Heap/kib)
	add("stack KiB", m.Stacks/kib)
	add("RSS KiB", m.Resident/kib)
	add("goroutines", m.Goroutines)
}

// idleDialers is how many connections are made at once.
const idleDialers = 4

// stayIdle is the client's part; its connections stay open until the process ends.
func stayIdle(ctx context.Context, dial dialer, j *job) (result, error) {
	before := ownMemory()
	held := make([]client, j.Count)
	err := inParallel(j.Count, idleDialers, func(i int) error {
		c, err := dial(ctx)
		if err != nil {
			return err
		}
		held[i] = c
		_, err = c.Open(ctx)
		return err
	})
	if err != nil {
		return result{}, err
	}
	time.Sleep(settle)
	r := result{Memory: ownMemory().minus(before)}
	runtime.KeepAlive(held)
	return r, nil
}
