package sshclient_test

import (
	"net"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/hawser-ssh/hawser/connection/sshclient"
)

// What Dial connects sends small packets at once. The Dialer's Control sees the socket too early, and keeps another
// number of it.
func TestDialTurnsNagleOff(t *testing.T) {
	h := newHouse(t)
	l := h.listenOn("tcp", "127.0.0.1:0")
	socket := -1
	cfg := h.config()
	cfg.Dialer = &net.Dialer{Control: func(_, _ string, c syscall.RawConn) (err error) {
		c.Control(func(fd uintptr) { socket, err = unix.Dup(int(fd)) })
		return err
	}}
	client, err := sshclient.Dial(testContext(t), "tcp", l.Addr().String(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	defer unix.Close(socket)
	if on, err := unix.GetsockoptInt(socket, unix.IPPROTO_TCP, unix.TCP_NODELAY); err != nil || on == 0 {
		t.Errorf("TCP_NODELAY is %d, %v", on, err)
	}
}
