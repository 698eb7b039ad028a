package transport

import "syscall"

// quickAck acknowledges at once what a TCP socket has received. During the
// handshake and authentication a peer often sends two small packets in a row
// (NEWKEYS and a service request); one that has not turned Nagle's algorithm
// off, as OpenSSH's client has not by then, holds the second back until the
// first is acknowledged, which the kernel would delay by 40 ms. On any other
// socket the call fails, which does no harm.
func quickAck(fd uintptr) {
	_ = syscall.SetsockoptInt(int(fd), syscall.IPPROTO_TCP, syscall.TCP_QUICKACK, 1)
}
