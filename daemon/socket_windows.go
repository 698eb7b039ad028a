package daemon

import (
	"net"
	"syscall"
)

const (
	onWindows          = true
	soExclusiveAddrUse = ^syscall.SO_REUSEADDR // SO_EXCLUSIVEADDRUSE of winsock2.h
)

// controlListener keeps other sockets from the port unless BindExclusively is
// off.
func (o *options) controlListener(_, _ string, raw syscall.RawConn) error {
	option := syscall.SO_REUSEADDR
	if o.bindExclusively {
		option = soExclusiveAddrUse
	}
	var failed error
	if err := raw.Control(func(fd uintptr) {
		failed = syscall.SetsockoptInt(syscall.Handle(fd), syscall.SOL_SOCKET, option, 1)
	}); err != nil {
		return err
	}
	return failed
}

// applyBacklog sets the length of the queue of connections that wait for
// accept.
func applyBacklog(ln *net.TCPListener, n int) {
	if raw, err := ln.SyscallConn(); err == nil {
		raw.Control(func(fd uintptr) { syscall.Listen(syscall.Handle(fd), n) })
	}
}
