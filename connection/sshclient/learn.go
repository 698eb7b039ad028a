package sshclient

import (
	"context"
	"slices"
	"sync"

	"github.com/hawser-ssh/hawser/connection"
	"github.com/hawser-ssh/hawser/transport"
	"github.com/hawser-ssh/hawser/transport/sshkey"
	"github.com/hawser-ssh/hawser/wire"
)

// learner is the Handler for what RemoteForwards leaves: the server's host keys
// (OpenSSH PROTOCOL §2.5). All else is next's.
type learner struct {
	next   connection.Handler // nil refuses
	learn  func(ctx context.Context, host Host, keys []sshkey.PublicKey)
	client *Client
	host   Host

	mu      sync.Mutex
	begun   bool // or not to begin any more
	cancel  context.CancelFunc
	running sync.WaitGroup
}

// HandleOpen is next's.
func (l *learner) HandleOpen(r *connection.OpenRequest) {
	if l.next != nil {
		l.next.HandleOpen(r)
		return
	}
	_ = r.Reject(wire.OpenAdministrativelyProhibited, "")
}

// HandleGlobalRequest takes the first announcement of host keys; further ones
// are as good as none.
func (l *learner) HandleGlobalRequest(g *connection.GlobalRequest) {
	if g.Name != wire.RequestHostKeys && l.next != nil {
		l.next.HandleGlobalRequest(g)
		return
	}
	if g.Name != wire.RequestHostKeys || l.learn == nil {
		return
	}
	keys, err := l.client.t.HostKeyCandidates(g.Payload)
	if err != nil || len(keys) == 0 {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.begun {
		return
	}
	l.begun = true
	var ctx context.Context
	ctx, l.cancel = context.WithCancel(context.Background())
	l.running.Go(func() { l.prove(ctx, keys) })
}

// prove is the learner's goroutine. It asks for proofs of the keys that the
// server has not proved by the key exchange, and ends with the answer or the
// connection.
func (l *learner) prove(ctx context.Context, keys []sshkey.PublicKey) {
	t := l.client.t
	unproven := slices.DeleteFunc(slices.Clone(keys), func(k sshkey.PublicKey) bool { return sshkey.Equal(k, t.HostKey()) })
	if len(unproven) > 0 {
		request := transport.HostKeyProofRequest(unproven)
		ok, reply, err := l.client.mux.GlobalRequest(ctx, wire.RequestHostKeysProve, true, request)
		if err != nil || !ok || t.VerifyHostKeys(unproven, reply) != nil {
			return
		}
	}
	l.learn(ctx, l.host, keys)
}

// stop ends the goroutine, or keeps it from beginning, and waits.
func (l *learner) stop() {
	l.mu.Lock()
	l.begun = true
	if l.cancel != nil {
		l.cancel()
	}
	l.mu.Unlock()
	l.running.Wait()
}
