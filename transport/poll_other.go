//go:build !unix

package transport

import (
	"net"
	"syscall"
)

// rawConn returns nil: reads go through net.Conn, and an idle connection holds
// a small buffer.
func rawConn(net.Conn) syscall.RawConn { return nil }

// pollRead is not used here.
func (c *Conn) pollRead(uintptr) bool { return true }
