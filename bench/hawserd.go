package main

import (
	"context"
	"fmt"
	"slices"
)

// hawserdSteps measures OpenSSH's client against hawserd, in the column hawser, and against sshd, in the column openssh:
// two daemons whose commands are processes, under one client.
func (b *bench) hawserdSteps() []step {
	var steps []step
	for _, direction := range []work{workUp, workDown} {
		name := "ssh " + b.suites[0].Name + " " + string(direction)
		for _, pair := range b.daemons() {
			j := job{Peer: openssh, Work: direction, Suite: b.suites[0], Bytes: b.suites[0].share(b.bytes)}
			steps = append(steps, step{"hawserd", name, pair.column, func(ctx context.Context) (string, error) {
				m, err := b.pairJob(ctx, pair.server, j)
				if err != nil {
					return "", err
				}
				return b.addTransfer("hawserd", name, pair.column, j.Bytes, m), nil
			}})
		}
	}
	return steps
}

// daemon is a server that is a program, and the column of its figures.
type daemon struct{ server, column string }

// daemons are those of the peers that are measured. Without OpenSSH there is no client for either.
func (b *bench) daemons() []daemon {
	if !slices.Contains(b.peers, openssh) {
		return nil
	}
	all := []daemon{{openssh, openssh}}
	if !slices.Contains(b.peers, hawser) {
		return all
	}
	if err := b.hawserd(); err != nil {
		fmt.Fprintln(b.progress, "without", err)
		return all
	}
	return append([]daemon{{hawserd, hawser}}, all...)
}
