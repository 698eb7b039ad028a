package main

import (
	"context"
	"fmt"
	"time"
)

const kib = 1 << 10

// settle is how long new connections are left alone before their memory is looked at.
const settle = 300 * time.Millisecond

// idleSteps measures what connections cost that are logged in, have one channel open, and do nothing.
func (b *bench) idleSteps() []step {
	suite, _ := findSuite("aes128-gcm")
	var steps []step
	for _, n := range b.connections {
		for _, peer := range b.peers {
			if peer == openssh {
				continue // processes; their memory cannot be told from that of others
			}
			name := fmt.Sprintf("%d connections", n)
			j := job{Peer: peer, Work: workIdle, Suite: suite, Count: n}
			steps = append(steps, step{"idle", name, peer, func(ctx context.Context) (string, error) {
				return b.idle(ctx, name, j)
			}})
		}
	}
	return steps
}

func (b *bench) idle(ctx context.Context, name string, j job) (string, error) {
	j.Dir, j.Kex = b.dir, b.kex
	j.Profile = b.profileName(&j, "server")
	server, err := startServer(ctx, &j)
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
	each := (after - before) / float64(j.Count) / kib
	b.results.add("idle", name, j.Peer, "server KiB each", false, each)
	b.results.add("idle", name, j.Peer, "client KiB each", false, r.Memory/float64(j.Count)/kib)
	if j.Profile != "" {
		server.Close() // its profile must have the connections
	}
	return fmt.Sprintf("%.1f KiB", each), nil
}

// stayIdle is the client's part; its connections stay open until the process ends.
func stayIdle(ctx context.Context, dial dialer, j *job) (result, error) {
	before := ownMemory()
	for range j.Count {
		c, err := dial(ctx)
		if err != nil {
			return result{}, err
		}
		if err := c.Open(ctx); err != nil {
			return result{}, err
		}
	}
	time.Sleep(settle)
	return result{Memory: ownMemory() - before}, nil
}
