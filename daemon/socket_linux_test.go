package daemon

import (
	"fmt"
	"net"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	xssh "golang.org/x/crypto/ssh"
)

// option asks a socket for an option that is a number.
func option(t testing.TB, s syscall.Conn, level, name int) (value int) {
	t.Helper()
	raw, err := s.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	if err := raw.Control(func(fd uintptr) { value, err = unix.GetsockoptInt(int(fd), level, name) }); err != nil {
		t.Fatal(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	return value
}

// accepted returns the socket on which d serves its only client, who has
// logged in over TCP.
func accepted(t testing.TB, d *Daemon) *net.TCPConn {
	t.Helper()
	c, err := xssh.Dial("tcp", listen(t, d), clientConfig("alice", xssh.Password("secret")))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	all := d.reg.connections()
	if len(all) != 1 {
		t.Fatalf("%d connections", len(all))
	}
	return all[0].nc.(*net.TCPConn)
}

// TestSocketSettings: what the system says about the socket of a client.
func TestSocketSettings(t *testing.T) {
	system, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(system)
	own := func(level, name int) int {
		v, err := unix.GetsockoptInt(system, level, name)
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	const tcp = unix.IPPROTO_TCP
	for _, c := range []struct {
		settings    []string
		level, name int
		want        int
	}{
		{nil, tcp, unix.TCP_NODELAY, 1},
		{[]string{"TcpNoDelay=True"}, tcp, unix.TCP_NODELAY, 1},
		{[]string{"TcpNoDelay=False"}, tcp, unix.TCP_NODELAY, 0},
		// Linux doubles what it is told, to make room for its own records: socket(7).
		{[]string{"InBufferSize=20000"}, unix.SOL_SOCKET, unix.SO_RCVBUF, 40000},
		{[]string{"OutBufferSize=30000"}, unix.SOL_SOCKET, unix.SO_SNDBUF, 60000},
		{nil, unix.SOL_SOCKET, unix.SO_KEEPALIVE, 1},
		{nil, tcp, unix.TCP_KEEPIDLE, own(tcp, unix.TCP_KEEPIDLE)},
		{nil, tcp, unix.TCP_KEEPINTVL, own(tcp, unix.TCP_KEEPINTVL)},
		{nil, tcp, unix.TCP_KEEPCNT, own(tcp, unix.TCP_KEEPCNT)},
		{[]string{"KeepAliveTime=90000"}, tcp, unix.TCP_KEEPIDLE, 90},
		{[]string{"KeepAliveTime=1"}, tcp, unix.TCP_KEEPIDLE, 1}, // in whole seconds, rounded up
		{[]string{"KeepAliveTime=90000"}, tcp, unix.TCP_KEEPINTVL, own(tcp, unix.TCP_KEEPINTVL)},
		{[]string{"KeepAliveInterval=2001"}, tcp, unix.TCP_KEEPINTVL, 3},
		{[]string{"KeepAliveInterval=2000"}, tcp, unix.TCP_KEEPIDLE, own(tcp, unix.TCP_KEEPIDLE)},
		{[]string{"KeepAliveRetryCount=4"}, tcp, unix.TCP_KEEPCNT, 4},
		{[]string{"KeepAliveRetryCount=4", "KeepAliveTime=5000", "KeepAliveInterval=6000"}, tcp, unix.TCP_KEEPCNT, 4},
	} {
		t.Run(fmt.Sprint(c.settings, c.name), func(t *testing.T) {
			d := newDaemon(t)
			must(t, d, c.settings...)
			if got := option(t, accepted(t, d), c.level, c.name); got != c.want {
				t.Errorf("%v: option %d is %d, want %d", c.settings, c.name, got, c.want)
			}
		})
	}
}

// TestSocketSettingsLater: a setting is for the connections that come after it.
func TestSocketSettingsLater(t *testing.T) {
	d := newDaemon(t)
	must(t, d, "InBufferSize=20000")
	s := accepted(t, d)
	must(t, d, "InBufferSize=50000")
	if got := option(t, s, unix.SOL_SOCKET, unix.SO_RCVBUF); got != 40000 {
		t.Errorf("the receive buffer of a connection has become %d", got)
	}
}

// TestConnectionBacklog: the listening socket has the queue that was asked
// for. tcp_info has its length in the field that is unused otherwise.
func TestConnectionBacklog(t *testing.T) {
	for _, n := range []int{0, 1, 17} { // 0: the default
		d := newDaemon(t)
		want := n
		if n == 0 {
			want = DefaultBacklog
		} else if err := d.SetConnectionBacklog(n); err != nil {
			t.Fatal(err)
		}
		listen(t, d)
		raw, err := d.own.Listener.(syscall.Conn).SyscallConn()
		if err != nil {
			t.Fatal(err)
		}
		var info *unix.TCPInfo
		raw.Control(func(fd uintptr) { info, err = unix.GetsockoptTCPInfo(int(fd), unix.IPPROTO_TCP, unix.TCP_INFO) })
		if err != nil {
			t.Fatal(err)
		}
		if got := int(info.Sacked); got != want {
			t.Errorf("ConnectionBacklog %d: the queue is for %d connections, want %d", n, got, want)
		}
	}
}

// TestBindExclusively: only daemons that both let others in share a port.
func TestBindExclusively(t *testing.T) {
	for _, c := range []struct {
		first, second string
		shared        bool
	}{
		{"True", "True", false},
		{"True", "False", false},
		{"False", "True", false},
		{"False", "False", true},
	} {
		first, second := newDaemon(t), newDaemon(t)
		must(t, first, "BindExclusively="+c.first)
		must(t, second, "BindExclusively="+c.second)
		addr := listen(t, first)
		second.SetLocalHost("127.0.0.1")
		second.SetLocalPort(first.LocalPort())
		err := second.StartListening()
		if !c.shared {
			wantCode(t, err, 10048)
			continue
		}
		if err != nil {
			t.Errorf("not shared: %v", err)
			continue
		}
		// What the one no longer takes, the other does.
		if err := first.StopListening(); err != nil {
			t.Error(err)
		}
		client, err := xssh.Dial("tcp", addr, clientConfig("alice", xssh.Password("secret")))
		if err != nil {
			t.Error(err)
			continue
		}
		if first.SSHConnectionCount() != 0 || second.SSHConnectionCount() != 1 {
			t.Errorf("%d connections of the first, %d of the second", first.SSHConnectionCount(), second.SSHConnectionCount())
		}
		client.Close()
		second.Shutdown()
	}
}
