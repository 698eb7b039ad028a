package peertest

import (
	"net"
	"os"
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

// StartErlangServer starts a server on Erlang's ssh that runs one command, cat.
// It has one host key of each kind: ed25519, ecdsa-256, rsa and dsa.
func StartErlangServer(t testing.TB, o PythonServerOptions) *Server {
	t.Helper()
	erlangSSH(t)
	dir := t.TempDir()
	var hostKeys []Key
	for name, kind := range map[string]KeyType{"ed25519": Ed25519, "ecdsa": ECDSA256, "rsa": RSA3072, "dsa": DSA} {
		k := NewKey(t, kind)
		path := k.Path
		if kind != Ed25519 {
			path = k.PEM(t)
		}
		if err := os.Rename(path, filepath.Join(dir, "ssh_host_"+name+"_key")); err != nil {
			t.Fatal(err)
		}
		hostKeys = append(hostKeys, k)
	}
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
