package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// programLogins bounds the logins to servers that take some 10 ms each.
const programLogins = 24

// loginSteps measures connections from dialling to closing: key exchange, login with an Ed25519 key, one command that
// does nothing. Every key exchange has the first kind of host key, and every kind the first key exchange.
func (b *bench) loginSteps() []step {
	var steps []step
	for _, kex := range b.kex {
		steps = append(steps, b.loginStepsWith(kex, b.hostKeys[0])...)
	}
	for _, kind := range b.hostKeys[1:] {
		steps = append(steps, b.loginStepsWith(b.kex[0], kind)...)
	}
	return steps
}

// loginStepsWith measures one client, and eight at once. Where the server is a program the client is
// golang.org/x/crypto/ssh, since starting the program ssh costs more than a login.
func (b *bench) loginStepsWith(kex, hostKey string) []step {
	var steps []step
	for _, clients := range []int{1, 8} {
		name := fmt.Sprintf("%s, %s, %d at once", strings.TrimSuffix(kex, vendor), hostKey, clients)
		for _, peer := range b.peers {
			j := job{Peer: peer, Work: workLogin, Suite: standardSuite(peer), Kex: kex, HostKey: hostKey, Count: b.logins, AtOnce: clients}
			if !inGo(peer) {
				j.Peer, j.Count = xcrypto, min(b.logins, programLogins)
			}
			if peer == dropbear {
				j.AtOnce = min(clients, dropbearAtOnce)
			}
			if b.can(peer, j) {
				steps = append(steps, step{"logins", name, peer, func(ctx context.Context) (string, error) {
					return b.login(ctx, name, peer, j)
				}})
			}
		}
	}
	return steps
}

func (b *bench) login(ctx context.Context, name, peer string, j job) (string, error) {
	m, err := b.pairJob(ctx, peer, j)
	if err != nil {
		return "", err
	}
	n := float64(j.Count)
	b.results.add("logins", name, peer, "logins/s", true, n/m.Seconds)
	b.addCPU("logins", name, peer, "ms", m, j, 1e3)
	return fmt.Sprintf("%.1f logins/s", n/m.Seconds), nil
}

// addCPU puts the CPU time of each of a job's Count to the results, in a unit of which there are so many in a second.
// The client's is told only where it is the peer's own.
func (b *bench) addCPU(section, name, peer, unit string, m measured, j job, units float64) {
	each := units / float64(j.Count)
	if peer == j.Peer {
		b.results.add(section, name, peer, "client CPU "+unit, false, m.CPU*each)
	}
	b.results.add(section, name, peer, "server CPU "+unit, false, m.serverCPU*each)
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
