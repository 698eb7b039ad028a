//go:build unix

package main

import (
	"fmt"
	"strings"
	"testing"

	"golang.org/x/crypto/bcrypt"

	"github.com/hawser-ssh/hawser/connection/peertest"
)

// TestUsersSameWork: a password costs the same for every name, whatever the costs of the hashes in the file.
func TestUsersSameWork(t *testing.T) {
	var file strings.Builder
	for cost := bcrypt.MinCost; cost <= bcrypt.MinCost+3; cost++ {
		hash, err := bcrypt.GenerateFromPassword([]byte("right"), cost)
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&file, "cost%d:%s\n", cost, hash)
	}
	u, err := parseUsers(strings.NewReader(file.String()))
	if err != nil {
		t.Fatal(err)
	}
	for name := range u.hashes {
		if !u.check(name, "right") || u.check(name, "wrong") {
			t.Errorf("%s: wrong verdict", name)
		}
	}
	for _, name := range []string{"cost4", "cost5", "cost6", "cost7", "nobody"} {
		work := 0
		for _, hash := range u.work(name) {
			cost, err := bcrypt.Cost(hash)
			if err != nil {
				t.Fatal(err)
			}
			if err := bcrypt.CompareHashAndPassword(hash, []byte("x")); err != bcrypt.ErrMismatchedHashAndPassword {
				t.Errorf("%s: compared with %q: %v", name, hash, err)
			}
			work += 1 << cost
		}
		if work != 1<<(bcrypt.MinCost+3) {
			t.Errorf("%s: work %d", name, work)
		}
	}
}

// TestInetdFrom: what comes on pipes comes from nowhere that a key's from option could name.
func TestInetdFrom(t *testing.T) {
	t.Parallel()
	peertest.Lookup(t, "ssh")
	hostKey, key := peertest.NewKey(t, peertest.Ed25519), peertest.NewKey(t, peertest.Ed25519)
	h := &hawserd{home: newHome(t), user: ownName(t), hostKey: hostKey, key: key, addr: "127.0.0.1:22"}
	proxy := fmt.Sprintf("ProxyCommand=env HOME=%s %s -inetd -hostkey %s 2>/dev/null", h.home, hawserdBinary(t), hostKey.Path)
	for from, want := range map[string]int{`from="127.0.0.1" `: 255, `from="*" `: 255, "": 0} {
		h.authorize(t, from+key.Public)
		g := h.target(t)
		g.HostKeys = nil
		if r := g.SSH(t, []string{"-o", proxy}, "exit 0").Run(t); r.Code != want {
			t.Errorf("%s: status %d, want %d\n%s", from, r.Code, want, r.Stderr)
		}
	}
}

// TestListenPort: a port that is none is a mistake in the arguments.
func TestListenPort(t *testing.T) {
	for listen, ok := range map[string]bool{
		"127.0.0.1:0": true, ":2222": true, "[::1]:65535": true, "127.0.0.1:65536": false, "127.0.0.1:-1": false, "x:nosuchport": false, "1.2.3.4": false,
	} {
		if _, err := parseFlags([]string{"-listen", listen}, nil); (err == nil) != ok {
			t.Errorf("%s: %v", listen, err)
		}
	}
}

// TestNobodyRunsEvents: a setting with which no client would ever get an answer is refused.
func TestNobodyRunsEvents(t *testing.T) {
	r := peertest.Cmd{
		Path: hawserdBinary(t), Args: []string{"-listen", "127.0.0.1:0", "-config", "processidleevents=no"},
		Env: []string{"HOME=" + newHome(t)},
	}.Run(t)
	wantOneLine(t, r, exitUsage, "ProcessIdleEvents")
}
