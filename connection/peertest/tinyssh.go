package peertest

import (
	"path/filepath"
	"strings"
	"testing"
)

// StartTinySSH starts tinysshd, which has an Ed25519 host key, one cipher, and
// the key exchanges of curve25519 and sntrup761. It logs in the account, by
// Ed25519 keys alone; see Account.Authorize.
func StartTinySSH(t testing.TB, a *Account) *Server {
	t.Helper()
	path := Lookup(t, "tinysshd")
	dir := filepath.Join(t.TempDir(), "keys")
	mustRun(t, Lookup(t, "tinysshd-makekey"), dir)
	s := startInetd(t, "tinysshd", path, "-v", "-p", dir)
	s.User = a.Name
	line, _, _ := strings.Cut(string(mustRun(t, Lookup(t, "tinysshd-printkey"), dir)), "\n")
	s.HostKeys = []Key{{Type: Ed25519, Public: line}}
	return s
}
