package peertest

import (
	"embed"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"net"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

//go:embed testdata/peers
var scripts embed.FS

// PythonServerOptions configure the AsyncSSH and paramiko servers. Both run
// commands with /bin/sh as the current user, whoever logs in.
type PythonServerOptions struct {
	HostKeys []KeyType // nil is ed25519, ecdsa-256 and rsa-2048
	Host     []Key     // host keys already made, instead of HostKeys

	// Names in order of preference; nil is the peer's default.
	Ciphers, Kex, MACs, Compression, Signatures []string

	AuthorizedKeys      []Key
	UserAuthority       string // the public key's line of who certifies users; AsyncSSH only
	X509Roots           string // a PEM file of who certifies users with X.509; AsyncSSH only
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

// StartConchServer starts a server on Twisted Conch that runs one command, cat.
func StartConchServer(t testing.TB, o PythonServerOptions) *Server {
	t.Helper()
	return o.start(t, "twisted.conch.ssh", "conch_server.py")
}

// StartNodeServer starts a server on the npm package ssh2 that runs one
// command, cat.
func StartNodeServer(t testing.TB, o PythonServerOptions) *Server {
	t.Helper()
	return o.start(t, "", "node_server.js")
}

type pythonServerConfig struct {
	User                string   `json:"user"`
	Password            string   `json:"password,omitempty"`
	KeyboardInteractive bool     `json:"keyboard_interactive,omitempty"`
	HostKeys            []string `json:"host_keys"`
	AuthorizedKeys      string   `json:"authorized_keys"`
	X509Roots           string   `json:"x509_roots,omitempty"`
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
		Signatures: o.Signatures, RekeyBytes: o.RekeyBytes, X509Roots: o.X509Roots,
		AuthorizedKeys: filepath.Join(t.TempDir(), "authorized_keys"),
	}
	lines := authorizedKeys(o.AuthorizedKeys)
	if o.UserAuthority != "" {
		lines += "cert-authority " + o.UserAuthority + "\n"
	}
	if o.X509Roots != "" { // AsyncSSH wants to see them here, too
		block, _ := pem.Decode(readFile(t, o.X509Roots))
		lines += "cert-authority x509v3-ssh-rsa " + base64.StdEncoding.EncodeToString(block.Bytes) + "\n"
	}
	writeFile(t, c.AuthorizedKeys, lines, 0o600)
	hostKeys := o.Host
	if hostKeys == nil {
		hostKeys = NewKeys(t, kinds...)
	}
	for _, k := range hostKeys {
		path := k.Path
		if strings.HasPrefix(k.Public, "ssh-dss ") { // which not all read in OpenSSH's format
			path = k.PEM(t)
		}
		c.HostKeys = append(c.HostKeys, path)
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
	path := unpack(t, t.TempDir(), script)
	arg, err := json.Marshal(config)
	if err != nil {
		t.Fatal(err)
	}
	if strings.HasSuffix(script, ".js") {
		return Cmd{Path: "node", Args: []string{"--openssl-legacy-provider", path, string(arg)}, Env: NodeModules(t, "ssh2")}
	}
	return Cmd{Path: Python(t, module), Args: []string{"-W", "ignore", path, string(arg)}}
}
