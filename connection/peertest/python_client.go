package peertest

import (
	"strings"
	"testing"
)

// PythonClient is what the client scripts are told. Make it with
// Target.PythonClient and set what the run is to do.
type PythonClient struct {
	Host         string            `json:"host"`
	Port         int               `json:"port"`
	User         string            `json:"user"`
	Password     string            `json:"password,omitempty"`
	Answers      map[string]string `json:"answers,omitempty"` // keyboard-interactive
	Key          string            `json:"key,omitempty"`
	KnownHosts   string            `json:"known_hosts,omitempty"`
	Ciphers      []string          `json:"ciphers,omitempty"`
	Kex          []string          `json:"kex,omitempty"`
	MACs         []string          `json:"macs,omitempty"`
	Compression  []string          `json:"compression,omitempty"`
	HostKeyAlgs  []string          `json:"host_key_algorithms,omitempty"`
	Methods      []string          `json:"methods,omitempty"`   // AsyncSSH only
	HostBased    [3]string         `json:"host_based,omitzero"` // AsyncSSH only: the host's private key file, its name, its user
	RekeyBytes   int               `json:"rekey_bytes,omitempty"`
	Command      string            `json:"command,omitempty"`   // exec: standard input and output are passed through
	Subsystem    string            `json:"subsystem,omitempty"` // like Command
	Sessions     int               `json:"sessions,omitempty"`  // AsyncSSH only: Command so often at once, outputs one after the other
	Put          [2]string         `json:"put,omitzero"`        // sftp: local path, remote path
	Get          [2]string         `json:"get,omitzero"`        // sftp: remote path, local path; after Put
	DirectHost   string            `json:"direct_host,omitempty"`
	DirectPort   int               `json:"direct_port,omitempty"`    // direct-tcpip: standard input and output are passed through
	DirectPath   string            `json:"direct_path,omitempty"`    // AsyncSSH only: direct-streamlocal
	RemoteToPort int               `json:"remote_to_port,omitempty"` // tcpip-forward of port 0 to this local port; prints "port N", ends with its standard input
	PTY          string            `json:"pty,omitempty"`            // terminal type; 80 x 24
	Environment  map[string]string `json:"environment,omitempty"`
}

// PythonClient returns the target's configuration for the client scripts.
func (g Target) PythonClient(t testing.TB) PythonClient {
	t.Helper()
	c := PythonClient{
		Host: g.host(), Port: g.Port, User: g.User, Password: g.Password, Answers: g.answers(),
		Ciphers: names(g.Ciphers), Kex: names(g.Kex), MACs: names(g.MACs),
		HostKeyAlgs: names(g.HostKeyAlgorithms), Methods: names(g.Methods),
	}
	if g.Compression {
		c.Compression = []string{"zlib@openssh.com"}
	}
	if g.Key != nil {
		c.Key = g.Key.Path
	}
	if len(g.HostKeys) > 0 {
		c.KnownHosts = KnownHostsFile(t, g.host(), g.Port, g.HostKeys...)
	}
	return c
}

func names(list string) []string {
	if list == "" {
		return nil
	}
	return strings.Split(list, ",")
}

// AsyncSSH is a client on AsyncSSH. It exits with the remote exit status, with
// 254 and a line on standard error when the connection or login failed, and
// with 253 and "signal NAME" on standard error when a signal ended the command.
func (c PythonClient) AsyncSSH(t testing.TB) Cmd {
	t.Helper()
	return scriptCommand(t, "asyncssh", "asyncssh_client.py", c)
}

// Paramiko is a client on paramiko, with the exit status of AsyncSSH; a signal
// is seen there as status 255.
func (c PythonClient) Paramiko(t testing.TB) Cmd {
	t.Helper()
	return scriptCommand(t, "paramiko", "paramiko_client.py", c)
}
