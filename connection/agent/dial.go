package agent

import (
	"context"
	"net"
	"os"
)

// SocketEnv is the environment variable that names the socket of the user's
// agent.
const SocketEnv = "SSH_AUTH_SOCK"

// Dial connects to the agent that listens on the Unix socket path; "" stands
// for what SocketEnv says, without which the error is ErrNoAgent.
func Dial(ctx context.Context, path string) (net.Conn, error) {
	if path == "" {
		path = os.Getenv(SocketEnv)
	}
	if path == "" {
		return nil, ErrNoAgent
	}
	var d net.Dialer
	return d.DialContext(ctx, "unix", path)
}
