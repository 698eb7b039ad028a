package matrix

import (
	"flag"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
)

// file is what TestMatrixPeers writes and compares.
const file = "../../testdata/interop-matrix.md"

var update = flag.Bool("update", false, "write testdata/interop-matrix.md anew")

// role is whose part a foreign program has.
type role string

const (
	asClient role = "client"
	asServer role = "server"
)

// peer is a foreign program in one role.
type peer struct {
	role role
	name string
}

// record is what ran.
type record struct {
	mu       sync.Mutex
	went     map[row]map[peer]bool
	versions map[peer]string
	whole    map[peer]bool // went through all its rows
}

func newRecord() *record {
	return &record{went: map[row]map[peer]bool{}, versions: map[peer]string{}, whole: map[peer]bool{}}
}

// add notes that a row went well with a program of this version, as it called itself.
func (r *record) add(as role, name, version string, with row) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.went[with] == nil {
		r.went[with] = map[peer]bool{}
	}
	p := peer{as, name}
	r.went[with][p] = true
	if name == "go" { // which calls itself just that
		version = cryptoVersion()
	}
	// The comment behind the version is the distribution's, and changes with each of its fixes.
	r.versions[p], _, _ = strings.Cut(strings.TrimPrefix(strings.TrimPrefix(version, "SSH-2.0-"), "SSH-1.99-"), " ")
}

// cryptoVersion is the version of golang.org/x/crypto that go.mod requires.
func cryptoVersion() string {
	text, err := os.ReadFile("../../go.mod")
	if m := regexp.MustCompile(`(golang.org/x/crypto) (v\S+)`).FindSubmatch(text); err == nil && m != nil {
		return string(m[1]) + "@" + string(m[2])
	}
	return "golang.org/x/crypto"
}

// complete notes that the program was here and did all it was to do.
func (r *record) complete(as role, name string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.whole[peer{as, name}] = true
}

// names returns the programs of a row: those that ran it, and those that are not here and are said to have it.
func (r *record) names(of row, as role) string {
	list := of.clients
	if as == asServer {
		list = of.servers
	}
	var names []string
	for _, name := range strings.Fields(list) {
		if p := (peer{as, name}); r.went[of][p] || !r.whole[p] {
			names = append(names, name)
		}
	}
	return strings.Join(names, " ")
}

// text is the file.
func (r *record) text(committed string) string {
	var b strings.Builder
	b.WriteString(`# Interoperability

Written by ` + "`HAWSER_PEERS=required go test ./connection/matrix -run Matrix -update`" + `, and checked by the same test
without -update: an algorithm and a program stand in one row because a login, a command and 1 MiB each way went through
with that algorithm forced. Clients are foreign and met our server, servers are foreign and met our client.

## Programs

Versions are as the programs announce them: ssh1 is Debian's openssh-client-ssh1, dbclient and dropbear one project, plink
PuTTY's, conch Twisted's, netssh Ruby's Net::SSH, php phpseclib, node the npm package ssh2, go golang.org/x/crypto/ssh,
trilead and ganymed libraries for Java, lsh and lshd GNU's. A key with a certificate is believed for the sake of its
authority alone; security keys are software. dbclient and lsh check no host keys.

| program | role | version |
|---|---|---|
`)
	for _, p := range r.peers() {
		fmt.Fprintf(&b, "| %s | %s | %s |\n", p.name, p.role, r.version(p, committed))
	}
	var heading kind
	for _, row := range rows {
		if row.kind != heading {
			heading = row.kind
			fmt.Fprintf(&b, "\n## %s\n\n| algorithm | clients | servers |\n|---|---|---|\n", heading)
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s |\n", row.name, r.names(row, asClient), r.names(row, asServer))
	}
	b.WriteString(`
## Proven otherwise

No foreign client, or no foreign server, has these; where both lack, no live peer speaks it. The files are those of
testdata/vectors.

| algorithm | lacks | proven by |
|---|---|---|
`)
	for _, row := range rows {
		if row.instead != "" {
			fmt.Fprintf(&b, "| `%s` | %s | %s |\n", row.name, row.lacks(), row.instead)
		}
	}
	return b.String()
}

// lacks are whom the row has not.
func (r row) lacks() string {
	what := map[kind]string{hostKeyKind: "host key: ", userKeyKind: "user key: "}[r.kind]
	switch {
	case r.clients != "":
		return what + "server"
	case r.servers != "":
		return what + "client"
	}
	return what + "both"
}

// peers are all programs of the rows, sorted.
func (r *record) peers() []peer {
	seen := map[peer]bool{}
	var list []peer
	note := func(as role, names string) {
		for _, name := range strings.Fields(names) {
			if p := (peer{as, name}); !seen[p] {
				seen[p] = true
				list = append(list, p)
			}
		}
	}
	for _, row := range rows {
		note(asClient, row.clients)
		note(asServer, row.servers)
	}
	slices.SortFunc(list, func(a, b peer) int {
		return strings.Compare(string(a.role)+a.name, string(b.role)+b.name)
	})
	return list
}

// version is what a program that ran called itself, and otherwise what the file says.
func (r *record) version(p peer, committed string) string {
	if r.whole[p] {
		return r.versions[p]
	}
	line := regexp.MustCompile(`(?m)^\| ` + regexp.QuoteMeta(p.name) + ` \| ` + string(p.role) + ` \| (.*) \|$`)
	if m := line.FindStringSubmatch(committed); m != nil {
		return m[1]
	}
	return "?"
}

// checkFile compares the committed file with what ran, or writes it.
func checkFile(t *testing.T, ran *record) {
	committed, err := os.ReadFile(file)
	if err != nil && !*update {
		t.Fatal(err)
	}
	text := ran.text(string(committed))
	if *update {
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if text != string(committed) {
		t.Errorf("%s differs from what ran:\n%s", file, difference(string(committed), text))
	}
}

// difference are the lines that only one of two texts has.
func difference(old, new string) string {
	var b strings.Builder
	for sign, pair := range map[string][2]string{"-": {old, new}, "+": {new, old}} {
		other := strings.Split(pair[1], "\n")
		for line := range strings.SplitSeq(pair[0], "\n") {
			if !slices.Contains(other, line) {
				b.WriteString(sign + line + "\n")
			}
		}
	}
	return b.String()
}
