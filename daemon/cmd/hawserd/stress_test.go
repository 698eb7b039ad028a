//go:build unix

package main

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/hawser-ssh/hawser/connection/peertest"
)

// inProcess runs hawserd in the test's own process, where its goroutines can be counted. stop ends it as SIGTERM would
// and returns its exit status.
func inProcess(t testing.TB, args ...string) (h *hawserd, stop func() int) {
	t.Helper()
	h = &hawserd{user: ownName(t), hostKey: peertest.NewKey(t, peertest.Ed25519), key: peertest.NewKey(t, peertest.Ed25519)}
	keys := filepath.Join(t.TempDir(), "keys")
	write(t, keys, h.key.Public+"\n")
	out, in, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	log, err := os.Create(filepath.Join(t.TempDir(), "log"))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan int, 1)
	args = append([]string{"-listen", "127.0.0.1:0", "-hostkey", h.hostKey.Path, "-authorized-keys", keys, "-drain", "5s"}, args...)
	go func() { ended <- run(ctx, args, os.Stdin, in, log); in.Close(); log.Close() }()
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		text, _ := os.ReadFile(log.Name())
		t.Fatalf("hawserd: %v\n%s", err, text)
	}
	h.addr = strings.TrimSpace(strings.TrimPrefix(line, "listening on "))
	return h, func() int { cancel(); defer out.Close(); return <-ended }
}

// descriptors counts the open files of this process, where the system tells.
func descriptors() int {
	entries, _ := os.ReadDir("/proc/self/fd")
	return len(entries)
}

// TestStress copies many files at once, both ways, while keys are exchanged all the time. Every byte arrives, and
// afterwards nothing is left: no goroutine, no descriptor, no process. HAWSER_STRESS=32x256 makes it 32 copies of 256
// MiB each way, with keys exchanged every 16 MiB.
func TestStress(t *testing.T) {
	leaks := goleak.IgnoreCurrent()
	copies, mib, rekey := 6, 12, 1
	if testing.Short() {
		copies, mib = 3, 2
	}
	if full := os.Getenv("HAWSER_STRESS"); full != "" {
		if _, err := fmt.Sscanf(full, "%dx%d", &copies, &mib); err != nil {
			t.Fatalf("HAWSER_STRESS=%s: %v", full, err)
		}
		rekey = 16
	}
	h, stop := inProcess(t, "-config", fmt.Sprint("KeyRenegotiationThreshold=", rekey<<20))
	file, _, sum := noise(t, mib<<20)
	wantOutput(t, h.target(t).RunSSH(t, nil, "echo in"), "in\n") // what is made once is there now
	var goroutines, files int
	eventually(t, "the first connection is gone", func() bool {
		goroutines, files = runtime.NumGoroutine(), descriptors()
		return len(children(os.Getpid())) == 0
	})

	dir := t.TempDir()
	var work sync.WaitGroup
	for i := range copies {
		work.Go(func() { copyBothWays(t, h, file, sum, filepath.Join(dir, fmt.Sprint(i))) })
	}
	work.Wait()
	eventually(t, "goroutines are back at their count", func() bool { return runtime.NumGoroutine() <= goroutines })
	eventually(t, "descriptors are back at their count", func() bool { return descriptors() <= files })
	if left := children(os.Getpid()); len(left) > 0 {
		t.Errorf("processes left: %q", left)
	}
	if status := stop(); status != exitOK {
		t.Errorf("status %d", status)
	}
	goleak.VerifyNone(t, leaks)
}

func copyBothWays(t *testing.T, h *hawserd, file, sum, name string) {
	for _, mode := range []string{"-s", "-O"} {
		up := h.target(t).SCP(t, mode, file, "remote:"+name)
		up.Timeout = 20 * time.Minute
		down := h.target(t).SCP(t, mode, "remote:"+name, name+".back")
		down.Timeout = up.Timeout
		for _, c := range []peertest.Cmd{up, down} {
			p := c.Start(t)
			if r := p.Wait(); r.Code != 0 || r.TimedOut {
				t.Errorf("scp: status %d, %s", r.Code, r.Stderr)
				return
			}
		}
		got, err := os.ReadFile(name + ".back")
		if err != nil || sumOf(got) != sum {
			t.Errorf("%s: %d bytes came back, %v", mode, len(got), err)
		}
		os.Remove(name)
		os.Remove(name + ".back")
	}
}
