//go:build unix

package main

import (
	"net"
	"regexp"
	"strings"
	"testing"

	"github.com/hawser-ssh/hawser/connection/peertest"
)

// accepted are the findings of ssh-audit, by what their text begins with, that the modern profile keeps, and for which
// algorithms.
var accepted = []struct{ kind, algorithms, text string }{
	// No weakness of the curves is known, and peers that are held to FIPS 140 have no other.
	{"fail", `ecdh-sha2-nistp(256|384|521)`, "using weak elliptic curves"},
	{"fail", `ecdh-sha2-nistp(256|384|521)`, "using elliptic curves that are suspected as being backdoored"},
	// Behind the others, for peers without encrypt-then-MAC; none of the ciphers is one whose length is an oracle.
	{"warn", `hmac-sha2-(256|512)`, "using encrypt-and-MAC mode"},
	// Behind the hybrid method, for peers that have none.
	{"warn", `curve25519-.*|ecdh-.*|diffie-hellman-.*`, "does not provide protection against post-quantum attacks"},
	{"warn", `diffie-hellman-group(14|-exchange)-sha256.*`, "2048-bit modulus only provides"},
	// Newer than the program.
	{"warn", `mlkem768x25519-sha256|ext-info-s|kex-strict-s-v00@openssh.com`, "unknown algorithm"},
}

// TestSSHAudit: ssh-audit has nothing else to say against the modern profile, and much against the one of 2022.
func TestSSHAudit(t *testing.T) {
	t.Parallel()
	for profile, want := range map[string]bool{"modern": true, "compat2022": false} {
		h := startHawserd(t, "-profile", profile)
		host, port, err := net.SplitHostPort(h.addr)
		if err != nil {
			t.Fatal(err)
		}
		r := peertest.Run(t, nil, "ssh-audit", "-n", "-l", "warn", "-t", "60", "-p", port, host)
		var bad []string
		for _, f := range findings(string(r.Stdout)) {
			if !accept(f) {
				bad = append(bad, strings.Join(f[:], ": "))
			}
		}
		if !strings.Contains(string(r.Stdout), "hmac-sha2-256") || (len(bad) == 0) != want {
			t.Errorf("%s: findings %q in\n%s%s", profile, bad, r.Stdout, r.Stderr)
		}
	}
}

// findings returns kind, algorithm and text of each: "(kex) NAME -- [warn] text", and more of the same behind "`- ".
func findings(report string) (list [][3]string) {
	line := regexp.MustCompile("^(?:\\((?:kex|key|enc|mac)\\) (\\S+).*?-- | +`- )\\[(warn|fail)\\] (.*)$")
	name := ""
	for l := range strings.Lines(report) {
		if m := line.FindStringSubmatch(strings.TrimRight(l, "\r\n")); m != nil {
			if m[1] != "" {
				name = m[1]
			}
			list = append(list, [3]string{m[2], name, m[3]})
		}
	}
	return list
}

func accept(f [3]string) bool {
	for _, a := range accepted {
		if a.kind == f[0] && strings.HasPrefix(f[2], a.text) && regexp.MustCompile("^("+a.algorithms+")$").MatchString(f[1]) {
			return true
		}
	}
	return false
}
