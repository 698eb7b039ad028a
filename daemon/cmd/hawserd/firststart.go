package main

import (
	"crypto/rand"
	"fmt"
	"io"
	"net"
	"strings"

	"github.com/hawser-ssh/hawser/transport/sshkey"
)

// newPassword returns a password with 80 bits of chance that is easy to type.
func newPassword() string {
	text := strings.ToLower(rand.Text()[:16])
	return text[:4] + "-" + text[4:8] + "-" + text[8:12] + "-" + text[12:]
}

// greet says what listens where, and who can log in.
func (s *server) greet(out io.Writer, addr net.Addr) {
	fmt.Fprintf(out, "listening on %s\n", addr)
	for _, key := range s.keys {
		fmt.Fprintf(out, "host key %s %s\n", key.PublicKey().Type(), sshkey.Fingerprint(key.PublicKey()))
	}
	if s.login.once != nil {
		fmt.Fprintf(out, "no keys in %s and no -users file: log in as %s with a one-time password:\n\n    %s\n",
			s.login.trust.keys.path, s.me.name, s.pasteable(addr))
		s.login.once.renew()
	}
}

// announce returns what prints a one-time password.
func announce(out io.Writer) func(string) {
	first := true
	return func(password string) {
		if first {
			fmt.Fprintf(out, "    password: %s\n\n", password)
		} else {
			fmt.Fprintf(out, "the next one-time password: %s\n", password)
		}
		first = false
	}
}

// pasteable is the command that logs in on this machine. Keys are left out of it: none can work, and each would count
// as a failed attempt.
func (s *server) pasteable(addr net.Addr) string {
	host, port, _ := net.SplitHostPort(addr.String())
	if ip := net.ParseIP(host); ip == nil || ip.IsUnspecified() {
		host = "127.0.0.1"
	}
	return fmt.Sprintf("ssh -o PubkeyAuthentication=no -p %s %s@%s", port, s.me.name, host)
}
