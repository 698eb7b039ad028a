package peertest

import (
	"fmt"
	"net"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// Target says where, as whom and with what a foreign client logs in. The same
// target serves every client; what one of them cannot be told is documented at
// its method and is to be forced at the server.
type Target struct {
	Host string // empty is 127.0.0.1
	Port int
	User string

	HostKeys []Key // the server's, checked strictly; none accepts whatever comes
	Key      *Key  // logs in with this key; nil offers none
	// Authority is the line of a public key that certifies hosts; ssh alone.
	Authority string

	// Password answers prompts that contain "assword". Answers answers others,
	// by a text that the prompt contains: "code" -> "123456".
	Password string
	Answers  map[string]string

	// Comma lists, in order of preference; empty is the client's default.
	Ciphers, Kex, MACs, HostKeyAlgorithms, Methods string
	Compression                                    bool
	RekeyLimit                                     string // ssh only: "1M"
}

// NewTarget returns a target for a server's address, "HOST:PORT".
func NewTarget(t testing.TB, addr, user string, hostKeys ...Key) Target {
	t.Helper()
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		t.Fatal(err)
	}
	n, err := strconv.Atoi(port)
	if err != nil {
		t.Fatal(err)
	}
	return Target{Host: host, Port: n, User: user, HostKeys: hostKeys}
}

func (g Target) host() string {
	if g.Host == "" {
		return "127.0.0.1"
	}
	return g.Host
}

func (g Target) port() string { return strconv.Itoa(g.Port) }

func (g Target) login() string { return g.User + "@" + g.host() }

// KnownHostsFile writes a known_hosts file that names the keys for the host
// and port, and returns its path.
func KnownHostsFile(t testing.TB, host string, port int, keys ...Key) string {
	t.Helper()
	var b strings.Builder
	for _, k := range keys {
		fmt.Fprintf(&b, "[%s]:%d %s\n", host, port, k.Public)
	}
	path := filepath.Join(t.TempDir(), "known_hosts")
	writeFile(t, path, b.String(), 0o600)
	return path
}

// answers are the prompts and answers of the target, in no order.
func (g Target) answers() map[string]string {
	all := map[string]string{}
	for prompt, answer := range g.Answers {
		all[prompt] = answer
	}
	if g.Password != "" {
		all["assword"] = g.Password
	}
	return all
}
