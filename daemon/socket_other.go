//go:build !windows && (!unix || solaris || aix)

package daemon

import (
	"net"
	"syscall"
)

const onWindows = false

// controlListener has nothing to do: a port cannot be shared here.
func (o *options) controlListener(_, _ string, _ syscall.RawConn) error { return nil }

// applyBacklog leaves the queue as the system has made it.
func applyBacklog(*net.TCPListener, int) {}
