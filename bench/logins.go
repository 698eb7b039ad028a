package main

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"
)

// opensshLogins bounds the logins to sshd, which takes some 20 ms each.
const opensshLogins = 40

// loginSteps measures connections from dialling to closing: key exchange, login with an Ed25519 key, one command that
// does nothing. With sshd the client is golang.org/x/crypto/ssh, since starting the program ssh costs more than a login.
func (b *bench) loginSteps() []step {
	suite, _ := findSuite("aes128-gcm")
	var steps []step
	for _, clients := range []int{1, 8} {
		for _, peer := range b.peers {
			name := fmt.Sprintf("%d at once", clients)
			if clients == 1 {
				name = "one by one"
			}
			j := job{Peer: peer, Work: workLogin, Suite: suite, Count: b.logins, AtOnce: clients}
			if peer == openssh {
				j.Peer, j.Count = "x", min(b.logins, opensshLogins)
			}
			steps = append(steps, step{"logins", name, peer, func(ctx context.Context) (string, error) {
				return b.logins1(ctx, name, peer, j)
			}})
		}
	}
	return steps
}

func (b *bench) logins1(ctx context.Context, name, peer string, j job) (string, error) {
	m, err := b.pairJob(ctx, peer, j)
	if err != nil {
		return "", err
	}
	n := float64(j.Count)
	b.results.add("logins", name, peer, "logins/s", true, n/m.Seconds)
	if peer == j.Peer {
		b.results.add("logins", name, peer, "client CPU ms", false, m.CPU/n*1e3)
	}
	b.results.add("logins", name, peer, "server CPU ms", false, m.serverCPU/n*1e3)
	return fmt.Sprintf("%.1f logins/s", n/m.Seconds), nil
}

// logIn is the client's part: AtOnce goroutines that log in again and again, Count times in all.
func logIn(ctx context.Context, dial dialer, j *job) (result, error) {
	begin, cpu := time.Now(), ownCPU()
	err := inParallel(j.Count, j.AtOnce, func(int) error { return logInOnce(ctx, dial) })
	return result{Seconds: time.Since(begin).Seconds(), CPU: ownCPU() - cpu}, err
}

// inParallel calls do for each number below n, by some goroutines that each stop at their first error.
func inParallel(n, goroutines int, do func(i int) error) error {
	var next atomic.Int64
	var group sync.WaitGroup
	failures := make([]error, goroutines)
	for g := range failures {
		group.Go(func() {
			for failures[g] == nil {
				i := int(next.Add(1)) - 1
				if i >= n {
					return
				}
				failures[g] = do(i)
			}
		})
	}
	group.Wait()
	return errors.Join(failures...)
}

func logInOnce(ctx context.Context, dial dialer) error {
	c, err := dial(ctx)
	if err != nil {
		return err
	}
	defer c.Close()
	s, err := c.Start(ctx, commandNothing)
	if err != nil {
		return err
	}
	return s.Wait(ctx)
}
