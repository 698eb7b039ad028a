//go:build !unix

package transport

import (
	"net"
	"syscall"
)

// rawConn returns nil: reads and writes go through net.Conn, and an idle
// connection holds a small buffer.
func rawConn(net.Conn) syscall.RawConn { return nil }

// pollRead, awaitInput, pollWrite and tryWrite are not used here.
func (c *Conn) pollRead(uintptr) bool  { return true }
func (c *Conn) awaitInput() error      { return nil }
func (c *Conn) pollWrite(uintptr) bool { return true }
func (c *Conn) tryWrite() int          { return 0 }
