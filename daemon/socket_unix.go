//go:build unix && !solaris && !aix

package daemon

import (
	"net"
	"syscall"

	"golang.org/x/sys/unix"
)

const onWindows = false

// controlListener lets other sockets share the port where BindExclusively is
// off.
func (o *options) controlListener(_, _ string, raw syscall.RawConn) error {
	if o.bindExclusively {
		return nil
	}
	var failed error
	if err := raw.Control(func(fd uintptr) {
		failed = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_REUSEPORT, 1)
	}); err != nil {
		return err
	}
	return failed
}

// applyBacklog sets the length of the queue of connections that wait for
// accept: listen(2) on a listening socket changes it.
func applyBacklog(ln *net.TCPListener, n int) {
	if raw, err := ln.SyscallConn(); err == nil {
		raw.Control(func(fd uintptr) { unix.Listen(int(fd), n) })
	}
}
