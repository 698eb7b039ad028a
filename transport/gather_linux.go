package transport

import (
	"net"
	"syscall"
)

// setLowWater has the system call the socket readable when there are n bytes,
// and reports whether it will.
func setLowWater(nc net.Conn, fd uintptr, n int) bool {
	_, ok := nc.(*net.TCPConn)
	return ok && syscall.SetsockoptInt(int(fd), syscall.SOL_SOCKET, syscall.SO_RCVLOWAT, n) == nil
}
