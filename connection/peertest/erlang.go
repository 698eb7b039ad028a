package peertest

import (
	"net"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// erlangSSH ends the test as Missing says where Erlang has no ssh.
func erlangSSH(t testing.TB) {
	t.Helper()
	Lookup(t, "escript")
	r := Run(t, nil, "erl", "-noshell", "-eval", `halt(case code:lib_dir(ssh) of {error, _} -> 1; _ -> 0 end).`)
	if r.Code != 0 {
		Missing(t, "ssh for Erlang")
	}
}

// erlangKeyFiles are what Erlang's ssh calls the files of host keys.
var erlangKeyFiles = map[string]string{
	"ssh-ed25519": "ssh_host_ed25519_key", "ecdsa-sha2-nistp256": "ssh_host_ecdsa_key",
	"ssh-rsa": "ssh_host_rsa_key", "ssh-dss": "ssh_host_dsa_key",
}

// StartErlangServer starts a server on Erlang's ssh that runs one command, cat.
// It has one host key of each kind, ed25519, ecdsa-256, rsa and dsa, and takes
// no other kinds in Host.
func StartErlangServer(t testing.TB, o PythonServerOptions) *Server {
	t.Helper()
	erlangSSH(t)
	dir := t.TempDir()
	hostKeys := o.Host
	if hostKeys == nil {
		hostKeys = NewKeys(t, Ed25519, ECDSA256, RSA3072, DSA)
	}
	for _, k := range hostKeys {
		name, ok := erlangKeyFiles[strings.Fields(k.Public)[0]]
		if !ok {
			t.Fatalf("no file for a host key %s", k.Public)
		}
		writeFile(t, filepath.Join(dir, name), string(readFile(t, k.Old(t))), 0o600)
	}
	writeFile(t, filepath.Join(dir, "authorized_keys"), authorizedKeys(o.AuthorizedKeys), 0o600)
	args := []string{unpack(t, dir, "erlang_server.escript"), dir, PythonUser, o.Password}
	for _, list := range [][]string{o.Kex, o.Ciphers, o.MACs, o.Signatures, o.Compression} {
		args = append(args, strings.Join(list, ","))
	}
	c := Cmd{Path: "escript", Args: args, Env: []string{"HOME=" + dir}, Timeout: serverTimeout}.tie(t)
	p := c.Start(t)
	p.WaitOutput("\n")
	line, _, _ := strings.Cut(p.Stdout.String(), "\n")
	port, err := strconv.Atoi(strings.TrimPrefix(line, "listening on "))
	if err != nil {
		t.Fatalf("first line %q; stderr: %s", line, p.Stderr.String())
	}
	s := newServer(t, &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: port}, "erlang")
	s.Log, s.HostKeys, s.User, s.Password = &p.Stderr, hostKeys, PythonUser, o.Password
	return s
}
