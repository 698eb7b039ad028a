//go:build unix

package main

import (
	"fmt"
	"net"
	"path/filepath"
	"testing"

	"github.com/hawser-ssh/hawser/connection/peertest"
)

// TestCRT02Sources: a certificate's source-address holds wherever the client comes from: an IPv4 client of a socket for
// IPv6, which the system shows as an IPv4-mapped address, an IPv6 client, and one that has no address, which is in no
// network at all. So does the from option of a line.
func TestCRT02Sources(t *testing.T) {
	t.Parallel()
	ca := peertest.NewKey(t, peertest.Ed25519)
	cas := filepath.Join(t.TempDir(), "ca")
	write(t, cas, ca.Public+"\n")
	h := startHawserd(t, "-user-ca", cas, "-listen", dualStack(t))
	_, port, err := net.SplitHostPort(h.addr)
	if err != nil {
		t.Fatal(err)
	}
	inetd := fmt.Sprintf("ProxyCommand=env HOME=%s %s -inetd -hostkey %s -user-ca %s 2>/dev/null", h.home, hawserdBinary(t), h.hostKey.Path, cas)
	for _, tt := range []struct {
		from             string
		ipv4, ipv6, pipe bool
	}{
		{"127.0.0.0/8", true, false, false}, {"::1", false, true, false}, {"192.0.2.0/24", false, false, false},
		{"0.0.0.0/0,::/0", true, true, false}, {"", true, true, true}, // the last is no option at all
	} {
		certificate, line := []string{"-I", "x", "-n", h.user}, h.key.Public
		if tt.from != "" {
			certificate = append(certificate, "-O", "source-address="+tt.from)
			line = fmt.Sprintf("from=%q %s", tt.from, line)
		}
		cert := certify(t, ca, h.key, certificate...)
		for client, ok := range map[string]bool{"127.0.0.1": tt.ipv4, "::1": tt.ipv6, "pipe": tt.pipe} {
			t.Run(client+" from "+tt.from, func(t *testing.T) {
				h := *h
				var options []string
				if h.addr = net.JoinHostPort(client, port); client == "pipe" {
					h.addr, options = "127.0.0.1:22", []string{"-o", inetd}
				}
				target := func() peertest.Target {
					g := h.target(t)
					if client == "pipe" {
						g.HostKeys = nil // known_hosts knows no port 22
					}
					return g
				}
				for name, run := range map[string]func() peertest.Result{
					"certificate": func() peertest.Result {
						h.authorize(t, "# nobody")
						return withCert(t, target(), cert, options, "echo in").Run(t)
					},
					"line": func() peertest.Result {
						h.authorize(t, line)
						return target().SSH(t, options, "echo in").Run(t)
					},
				} {
					if r := run(); ok {
						wantOutput(t, r, "in\n")
					} else if refused(t, r); t.Failed() {
						t.Errorf("by %s", name)
					}
				}
			})
		}
	}
}

// dualStack is an address on which clients of IPv4 and IPv6 are heard, on a port of the system's choice.
func dualStack(t testing.TB) string {
	t.Helper()
	l, err := net.Listen("tcp", "[::1]:0")
	if err != nil {
		t.Skipf("this system has no IPv6: %v", err)
	}
	l.Close()
	return "[::]:0"
}
