package main

import "fmt"

// packetsWritten is how many writes a transfer of small ones consists of, at most.
const packetsWritten = 1 << 17

// maxSessions is how many sessions a connection may have with the servers that have a limit.
const maxSessions = 1000

// channelSteps measures bulk over several channels at once and by writes of several sizes, with the first of the ciphers.
// Only the peers in Go have channels and writes that can be told what to do.
func (b *bench) channelSteps() []step {
	suite := b.suites[0]
	var steps []step
	for _, channels := range b.channels {
		for _, size := range b.writes {
			for _, direction := range []work{workUp, workDown} {
				name := fmt.Sprintf("%d x %d B %s", channels, size, direction)
				for _, peer := range b.peers {
					bytes := max(min(suite.share(b.bytes), int64(size)*packetsWritten), int64(channels))
					j := job{Peer: peer, Work: direction, Suite: suite, Bytes: bytes, AtOnce: channels, Write: size}
					if inGo(peer) && b.can(peer, j) {
						steps = append(steps, b.transferStep("channels", name, j))
					}
				}
			}
		}
	}
	return steps
}
