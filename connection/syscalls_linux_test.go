package connection

import (
	"fmt"
	"os"
	"testing"

	"github.com/hawser-ssh/hawser/transport"
)

// systemCalls returns how many reads and writes this process has asked the system for: all that the data path does
// there. proc(5) has them in /proc/self/io, whatever came of them.
func systemCalls(t *testing.T) (reads, writes int64) {
	t.Helper()
	content, err := os.ReadFile("/proc/self/io")
	if err != nil {
		t.Skip("the system does not count: ", err)
	}
	var bytes [2]int64
	if _, err := fmt.Sscanf(string(content), "rchar: %d\nwchar: %d\nsyscr: %d\nsyscw: %d", &bytes[0], &bytes[1], &reads, &writes); err != nil {
		t.Fatalf("%q: %v", content, err)
	}
	return reads, writes
}

// At most 40 system calls for each MiB of bulk data, at both ends together.
func TestSystemCallsPerMiB(t *testing.T) {
	const limit = 40
	mib := int64(64)
	if testing.Short() {
		mib = 16
	}
	a, b := loopback(t)
	p := newPath(t, a, b, transport.Config{})
	for _, d := range p.directions() {
		d.transfer(t, int(mib)<<20, 256<<10) // the window grows
		r, w := systemCalls(t)
		d.transfer(t, int(mib)<<20, 256<<10)
		reads, writes := systemCalls(t)
		reads, writes = reads-r, writes-w
		t.Logf("%s: %d reads and %d writes for %d MiB", d.name, reads, writes, mib)
		if n := reads + writes; n < mib || n > limit*mib {
			t.Errorf("%s: %d system calls for %d MiB, at most %d a MiB are wanted", d.name, n, mib, limit)
		}
	}
}
