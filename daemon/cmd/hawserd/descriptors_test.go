//go:build linux

package main

import (
	"bytes"
	"net"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/hawser-ssh/hawser/connection/peertest"
)

// TestRES04: at the limit of descriptors hawserd neither ends nor spins, and serves again when there are some.
func TestRES04(t *testing.T) {
	t.Parallel()
	h := &hawserd{home: newHome(t), hostKey: peertest.NewKey(t, peertest.Ed25519), key: peertest.NewKey(t, peertest.Ed25519), user: ownName(t)}
	h.authorize(t, h.key.Public)
	h.launchBy(t, "sh", "-c", `ulimit -n 40 && exec "$@"`, "sh", hawserdBinary(t),
		"-listen", "127.0.0.1:0", "-hostkey", h.hostKey.Path, "-drain", "2s")
	var silent []net.Conn
	for range 60 {
		conn, err := net.Dial("tcp", h.addr)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		silent = append(silent, conn)
	}
	h.WaitError("too many open files")
	busy := cpuTicks(t, h.Pid())
	h.WaitError("retry=80ms") // some pauses later
	if used := cpuTicks(t, h.Pid()) - busy; used > 20 {
		t.Errorf("%d ticks of processor time spent on waiting", used)
	}
	for _, conn := range silent {
		conn.Close()
	}
	eventually(t, "it serves again", func() bool {
		return string(h.target(t).RunSSH(t, nil, "echo back").Stdout) == "back\n"
	})
}

// cpuTicks is the processor time of a process in hundredths of a second, see proc(5).
func cpuTicks(t testing.TB, pid int) int {
	t.Helper()
	stat, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	if err != nil {
		t.Fatal(err)
	}
	fields := strings.Fields(string(stat[bytes.LastIndexByte(stat, ')')+1:]))
	user, _ := strconv.Atoi(fields[11])
	system, _ := strconv.Atoi(fields[12])
	return user + system
}
