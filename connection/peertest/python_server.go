package peertest

import (
	"embed"
	"encoding/json"
	"net"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

//go:embed testdata/peers/*.py
var scripts embed.FS

// PythonServerOptions configure the AsyncSSH and paramiko servers. Both run
// commands with /bin/sh as the current user, whoever logs in.
type PythonServerOptions struct {
	HostKeys []KeyType // nil is ed25519, ecdsa-256 and rsa-2048

	// Names in order of preference; nil is the peer's default.
	Ciphers, Kex, MACs, Compression, Signatures []string

	AuthorizedKeys      []Key
	Password            string // taken by password; empty takes none
	KeyboardInteractive bool   // asks for Password, then for a code: "123456"
	RekeyBytes          int    // AsyncSSH only
}

// serverTimeout ends a server whose test has not ended.
const serverTimeout = 10 * time.Minute

// PythonUser is the name that can log in to the servers in Python.
const PythonUser = "peer"

// StartAsyncSSHServer starts a server on AsyncSSH: exec, shell, sftp, scp and
// both directions of TCP and Unix socket forwarding.
func StartAsyncSSHServer(t testing.TB, o PythonServerOptions) *Server {
	t.Helper()
	return o.start(t, "asyncssh", "asyncssh_server.py")
}

// StartParamikoServer starts a server on paramiko: exec and direct-tcpip.
func StartParamikoServer(t testing.TB, o PythonServerOptions) *Server {
	t.Helper()
	return o.start(t, "paramiko", "paramiko_server.py")
}

type pythonServerConfig struct {
	User                string   `json:"user"`
	Password            string   `json:"password,omitempty"`
	KeyboardInteractive bool     `json:"keyboard_interactive,omitempty"`
	HostKeys            []string `json:"host_keys"`
	AuthorizedKeys      string   `json:"authorized_keys"`
	Ciphers             []string `json:"ciphers,omitempty"`
	Kex                 []string `json:"kex,omitempty"`
	MACs                []string `json:"macs,omitempty"`
	Compression         []string `json:"compression,omitempty"`
	Signatures          []string `json:"signatures,omitempty"`
	RekeyBytes          int      `json:"rekey_bytes,omitempty"`
}

func (o PythonServerOptions) start(t testing.TB, module, script string) *Server {
	t.Helper()
	kinds := o.HostKeys
	if kinds == nil {
		kinds = []KeyType{Ed25519, ECDSA256, RSA2048}
	}
	c := pythonServerConfig{
		User: PythonUser, Password: o.Password, KeyboardInteractive: o.KeyboardInteractive,
		Ciphers: o.Ciphers, Kex: o.Kex, MACs: o.MACs, Compression: o.Compression,
		Signatures: o.Signatures, RekeyBytes: o.RekeyBytes,
		AuthorizedKeys: filepath.Join(t.TempDir(), "authorized_keys"),
	}
	writeFile(t, c.AuthorizedKeys, authorizedKeys(o.AuthorizedKeys), 0o600)
	hostKeys := NewKeys(t, kinds...)
	for _, k := range hostKeys {
		c.HostKeys = append(c.HostKeys, k.Path)
	}
	cmd := scriptCommand(t, module, script, c).tie(t)
	cmd.Timeout = serverTimeout
	p := cmd.Start(t)
	p.WaitOutput("\n")
	line, _, _ := strings.Cut(p.Stdout.String(), "\n")
	port, err := strconv.Atoi(strings.TrimPrefix(line, "listening on "))
	if err != nil {
		t.Fatalf("%s: first line %q; stderr: %s", script, line, p.Stderr.String())
	}
	s := newServer(t, &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: port}, module)
	s.Log = &p.Stderr
	s.HostKeys, s.User, s.Password = hostKeys, PythonUser, o.Password
	return s
}

// scriptCommand is the command of a script of ours, with its configuration as the
// only argument: a JSON object.
func scriptCommand[T pythonServerConfig | PythonClient](t testing.TB, module, script string, config T) Cmd {
	t.Helper()
	python := Python(t, module)
	text, err := scripts.ReadFile("testdata/peers/" + script)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), script)
	writeFile(t, path, string(text), 0o600)
	arg, err := json.Marshal(config)
	if err != nil {
		t.Fatal(err)
	}
	return Cmd{Path: python, Args: []string{"-W", "ignore", path, string(arg)}}
}
