package peertest

import (
	"net"
	"path/filepath"
	"strings"
	"testing"
)

// DropbearOptions configure the dropbear server.
type DropbearOptions struct {
	HostKeys []KeyType // nil is ed25519, ecdsa-256 and rsa-2048
	Host     []Key     // host keys already made, instead of HostKeys
	Account  *Account  // required: dropbear reads its ~/.ssh/authorized_keys, see Account.Authorize
	Args     []string  // more arguments, such as "-s" (no passwords)
}

// StartDropbear starts dropbear's server. Its algorithms cannot be chosen.
func StartDropbear(t testing.TB, o DropbearOptions) *Server {
	t.Helper()
	path := Lookup(t, "dropbear")
	Lookup(t, "dropbearconvert")
	kinds := o.HostKeys
	if kinds == nil {
		kinds = []KeyType{Ed25519, ECDSA256, RSA2048}
	}
	hostKeys := o.Host
	if hostKeys == nil {
		hostKeys = NewKeys(t, kinds...)
	}
	args := []string{"-F", "-E", "-P", filepath.Join(t.TempDir(), "pid")}
	for _, k := range hostKeys {
		args = append(args, "-r", k.Dropbear(t))
	}
	s := listenDropbear(t, path, append(args, o.Args...))
	s.HostKeys = hostKeys
	s.User, s.Password = o.Account.Name, o.Account.Password
	return s
}

// listenDropbear runs dropbear as a daemon of its own: as an inetd service it
// writes no log. It cannot choose a free port itself, so another process may
// take the one that was free; then the next one is tried.
func listenDropbear(t testing.TB, path string, args []string) *Server {
	t.Helper()
	for range 5 {
		addr := freeAddr(t)
		// The shell ends the server when its own input ends.
		sh := []string{"-c", `"$@" & read x; kill $!; wait`, "sh", path}
		sh = append(append(sh, args...), "-p", addr.String())
		p := Cmd{Path: "sh", Args: sh, Timeout: serverTimeout}.tie(t).Start(t)
		if p.Stderr.WaitFor(p.ctx, "Not backgrounding") {
			s := newServer(t, addr, "dropbear")
			s.Log = &p.Stderr
			return s
		}
		if !strings.Contains(p.Stderr.String(), "in use") {
			t.Fatalf("dropbear: %s", p.Stderr.String())
		}
	}
	t.Fatal("dropbear found no free port")
	return nil
}

// freeAddr is an address that nobody listened on a moment ago.
func freeAddr(t testing.TB) net.Addr {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr()
}
