package daemon

import (
	"context"

	"github.com/hawser-ssh/hawser/connection"
	"github.com/hawser-ssh/hawser/connection/agent"
)

// OpenAgent opens a channel to the agent that the client forwards (OpenSSH
// PROTOCOL §5.5), as it does once it has sent auth-agent-req@openssh.com on a
// session and OnSSHChannelRequest has granted that. The keys stay the client's,
// and what it is asked to sign it signs without knowing for whom: use the agent
// for what the user expects, and close it then. A client that forwards none is
// error 1201, as with [Daemon.OpenStream]. ctx bounds the opening.
func (d *Daemon) OpenAgent(ctx context.Context, connectionID int) (*agent.Client, error) {
	ch, err := d.OpenStream(ctx, connectionID, connection.TypeAgent, nil)
	if err != nil {
		return nil, err
	}
	ch.DiscardStderr()
	return agent.NewClient(ch), nil
}
