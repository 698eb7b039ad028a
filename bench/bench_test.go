package main

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
)

// TestMain lets the test binary be the child processes, as the program itself is.
func TestMain(m *testing.M) {
	if len(os.Args) == 3 && isChild(os.Args[1]) {
		os.Exit(runChild(os.Args[1], os.Args[2]))
	}
	os.Setenv("GORACE", "atexit_sleep_ms=0") // else each of the many children waits a second at its end
	os.Exit(m.Run())
}

// TestSmoke measures everything with tiny sizes, against x alone so that it needs nothing but Go.
func TestSmoke(t *testing.T) {
	var out, progress bytes.Buffer
	report := t.TempDir()
	args := []string{"-quick", "-json", "-peers", "hawser,x", "-bytes", "300000", "-profile", t.TempDir(), "-report", report}
	if status := run(context.Background(), args, &out, &progress); status != 0 {
		t.Fatalf("status %d\n%s", status, progress.String())
	}
	if text, err := os.ReadFile(filepath.Join(report, pageFile)); err != nil || !strings.Contains(string(text), "</html>") {
		t.Errorf("the report is %d bytes, %v", len(text), err)
	}
	var all []series
	if err := json.Unmarshal(out.Bytes(), &all); err != nil {
		t.Fatal(err)
	}
	sections := map[string]int{}
	for _, s := range all {
		sections[s.Section]++
		if len(s.Values) != 1 || s.Ratios[xcrypto] == 0 {
			t.Errorf("%+v", s)
		}
		if s.Section != "idle" && s.Median < 0 {
			t.Errorf("%s %s %s: %v", s.Case, s.Peer, s.Metric, s.Median)
		}
	}
	want := map[string]int{
		"bulk": 24, "channels": 48, "logins": 12, "roundtrip": 8, "sftp": 24, "opens": 12, "delay": 4,
		"idle": 16, // on Linux, where the system tells more
	}
	if runtime.GOOS != "linux" {
		want["idle"] -= 4
	}
	for section, n := range want {
		if sections[section] != n {
			t.Errorf("%s: %d series, want %d", section, sections[section], n)
		}
	}
}

// TestSmokeOpenSSH is the part that needs ssh and sshd.
func TestSmokeOpenSSH(t *testing.T) {
	if reason := opensshMissing(); reason != "" {
		if os.Getenv("HAWSER_PEERS") == "required" {
			t.Fatal(reason)
		}
		t.Skip(reason)
	}
	var out, progress bytes.Buffer
	args := []string{"-quick", "-peers", "hawser,openssh", "-bytes", "300000", "-logins", "1", "-trips", "10", "-ceiling", "-files", "2", "-sections", "bulk,logins,roundtrip,opens,idle,sftp,hawserd", "-connections", "2", "-ciphers", "aes128-gcm"}
	if status := run(context.Background(), args, &out, &progress); status != 0 {
		t.Fatalf("status %d\n%s", status, progress.String())
	}
	for _, want := range []string{"hawser/openssh", "of ceiling", "hawserd: ", "ssh aes128-gcm down"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("no %q in\n%s", want, out.String())
		}
	}
}

// TestSmokeOthers is the part that needs other programs.
func TestSmokeOthers(t *testing.T) {
	for peer, reason := range map[string]string{dropbear: dropbearMissing(), asyncssh: asyncsshMissing()} {
		t.Run(peer, func(t *testing.T) {
			if reason != "" {
				t.Skip(reason)
			}
			var out, progress bytes.Buffer
			args := []string{"-quick", "-peers", peer, "-bytes", "100000", "-logins", "1", "-connections", "1", "-sections", "bulk,logins,idle", "-ciphers", "aes128-ctr+mac"}
			if status := run(context.Background(), args, &out, &progress); status != 0 {
				t.Fatalf("status %d\n%s", status, progress.String())
			}
			for _, want := range []string{peer, "MB/s", "logins/s"} {
				if !strings.Contains(out.String(), want) {
					t.Errorf("no %q in\n%s", want, out.String())
				}
			}
		})
	}
}

// TestWithout: a peer that is not there is left out with a reason, and the rest goes on.
func TestWithout(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	var out, progress bytes.Buffer
	args := []string{"-quick", "-sections", "roundtrip,hawserd", "-peers", "x,dropbear", "-trips", "5"}
	if status := run(context.Background(), args, &out, &progress); status != 0 {
		t.Fatalf("status %d\n%s", status, progress.String())
	}
	if !strings.Contains(progress.String(), "without dropbear: dbclient is not installed") || strings.Contains(out.String(), dropbear) {
		t.Errorf("%s\n%s", progress.String(), out.String())
	}
}

func TestUsage(t *testing.T) {
	for _, test := range []struct {
		args   string
		status int
		says   string
	}{
		{"-h", 0, "Usage"},
		{"-n 0", exitUsage, "at least 1"},
		{"-sections all", exitUsage, `no section "all"`},
		{"-peers putty", exitUsage, `no peer "putty"`},
		{"-ciphers rot13", exitUsage, `no cipher "rot13"`},
		{"-connections many", exitUsage, "not a number"},
		{"-connections 0", exitUsage, "not a number"},
		{"now", exitUsage, "unexpected argument"},
		{"-nothing", exitUsage, "not defined"},
	} {
		var out, progress bytes.Buffer
		if status := run(context.Background(), strings.Fields(test.args), &out, &progress); status != test.status {
			t.Errorf("%s: status %d", test.args, status)
		}
		if !strings.Contains(progress.String(), test.says) || out.Len() > 0 {
			t.Errorf("%s: %q, %q", test.args, progress.String(), out.String())
		}
	}
}

// TestFailureIsReported: a measurement that fails is named, the others go on, and the exit status says so.
func TestFailureIsReported(t *testing.T) {
	var out, progress bytes.Buffer
	args := []string{"-quick", "-sections", "logins", "-peers", "hawser,x", "-profile", filepath.Join(t.TempDir(), "missing")}
	if status := run(context.Background(), args, &out, &progress); status != exitFailed {
		t.Errorf("status %d", status)
	}
	if n := strings.Count(progress.String(), "FAILED"); n != 4 {
		t.Errorf("%d failures reported:\n%s", n, progress.String())
	}
}

func TestResults(t *testing.T) {
	var r results
	for _, v := range []float64{300, 100, 200} {
		r.add("bulk", "gcm up", "hawser", "MB/s", true, v)
	}
	r.add("bulk", "gcm up", "hawser", "client CPU s/GiB", false, 0.5)
	r.add("bulk", "gcm up", "x", "MB/s", true, 80)
	r.add("bulk", "gcm up", "x", "MB/s", true, 120)
	r.finish()
	h := r.find("bulk", "gcm up", "hawser", "MB/s")
	if h.Median != 200 || h.Min != 100 || h.Max != 300 || h.Ratios[xcrypto] != 2 {
		t.Errorf("%+v", h)
	}
	if !slices.Equal(h.Values, []float64{300, 100, 200}) {
		t.Errorf("the order of the values was lost: %v", h.Values)
	}
	if alone := r.find("bulk", "gcm up", "hawser", "client CPU s/GiB"); len(alone.Ratios) > 0 || alone.Median != 0.5 {
		t.Errorf("%+v", alone)
	}
	var b strings.Builder
	if err := r.writeTable(&b); err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(b.String()), "\n")
	if len(lines) != 3 || !strings.Contains(lines[1], "200 (100-300)") || !strings.Contains(lines[1], "100 (80.0-120)") ||
		!strings.HasSuffix(lines[1], " 2.00") || !strings.HasSuffix(lines[2], "-") {
		t.Errorf("%s", b.String())
	}
}

func TestNoResults(t *testing.T) {
	var b strings.Builder
	if err := new(results).writeJSON(&b); err != nil || strings.TrimSpace(b.String()) != "[]" {
		t.Errorf("%q, %v", b.String(), err)
	}
}

// TestOwnUsage: work shows in the CPU time, and held memory in the memory.
func TestOwnUsage(t *testing.T) {
	before := ownMemory()
	held := make([]byte, 16<<20)
	if grown := ownMemory().Heap - before.Heap; math.Abs(grown-float64(len(held))) > 8<<20 {
		t.Errorf("16 MiB held, %.0f bytes seen", grown)
	}
	clear(held)
	cpu := ownCPU()
	for range 1 << 8 {
		clear(held)
	}
	if ownCPU() <= cpu {
		t.Error("work took no CPU time")
	}
}

func TestKeys(t *testing.T) {
	dir := t.TempDir()
	if err := writeKeys(dir); err != nil {
		t.Fatal(err)
	}
	line, err := os.ReadFile(filepath.Join(dir, authorizedFile))
	if err != nil || !strings.HasPrefix(string(line), "ssh-ed25519 ") {
		t.Errorf("%q, %v", line, err)
	}
	if _, err := xSigner(&job{Dir: dir}, hostKeyFile("ed25519")); err != nil {
		t.Errorf("x cannot read our key file: %v", err)
	}
}

func TestCommands(t *testing.T) {
	for _, test := range []struct {
		command, in, out string
		status           uint32
	}{
		{commandNothing, "", "", 0},
		{commandDiscard, "input", "", 0},
		{commandEcho, "input", "input", 0},
		{commandGenerate(3, 2), "", "\x00\x00\x00", 0},
		{"head -c x /dev/zero", "", "", 1},
		{"rm -r /", "", "", 127},
	} {
		var out bytes.Buffer
		channel := struct {
			io.Reader
			io.Writer
		}{strings.NewReader(test.in), &out}
		status := runCommand(test.command, channel)
		if status != test.status || out.String() != test.out {
			t.Errorf("%s: status %d, %q", test.command, status, out.String())
		}
	}
	long := new(sink)
	if err := generate(long, 3*chunk+1, 100); err != nil || long.n != 3*chunk+1 {
		t.Errorf("%d bytes, %v", long.n, err)
	}
}
