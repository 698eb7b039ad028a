package peertest

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// RequiredEnv is the environment variable that turns a missing peer from a
// skipped test into a failed one: HAWSER_PEERS=required.
const RequiredEnv = "HAWSER_PEERS"

// Required reports whether a missing peer must fail the test.
func Required() bool { return os.Getenv(RequiredEnv) == "required" }

// Missing ends the test because what is not to be had here: skipped, or failed
// under HAWSER_PEERS=required.
func Missing(t testing.TB, what string) {
	t.Helper()
	if Required() {
		t.Fatalf("peer missing with %s=required: %s", RequiredEnv, what)
	}
	t.Skipf("peer missing: %s", what)
}

// Lookup returns the path of a foreign program. It looks in PATH and in the
// folders where distributions keep servers and helpers; a program that is
// nowhere ends the test as Missing does.
func Lookup(t testing.TB, program string) string {
	t.Helper()
	if p, ok := find(program); ok {
		return p
	}
	Missing(t, program)
	return ""
}

func find(program string) (string, bool) {
	if p, err := exec.LookPath(program); err == nil {
		return p, true
	}
	for _, dir := range []string{"/usr/sbin", "/usr/local/sbin", "/usr/lib/dropbear", "/usr/lib/openssh"} {
		p := filepath.Join(dir, program)
		if fi, err := os.Stat(p); err == nil && fi.Mode()&0o111 != 0 && !fi.IsDir() {
			return p, true
		}
	}
	return "", false
}

// Python returns a Python 3 interpreter that has all modules. The system's own
// is tried before the one in PATH: distribution packages install for that one.
func Python(t testing.TB, modules ...string) string {
	t.Helper()
	for _, name := range []string{"/usr/bin/python3", "python3"} {
		p, err := exec.LookPath(name)
		if err != nil {
			continue
		}
		args := append([]string{"-c", "import sys, importlib.util as u\nsys.exit(not all(map(u.find_spec, sys.argv[1:])))"}, modules...)
		if exec.Command(p, args...).Run() == nil {
			return p
		}
	}
	Missing(t, "python3 with "+strings.Join(modules, ", "))
	return ""
}
