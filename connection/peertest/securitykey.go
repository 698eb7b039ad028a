package peertest

import (
	"path/filepath"
	"strings"
	"testing"
)

// The kinds of security keys.
const (
	SKEd25519 KeyType = "ed25519-sk"
	SKECDSA   KeyType = "ecdsa-sk"
)

// NewSecurityKey makes a key of OpenSSH's for a security key, which is one in
// software that somebody touches all the time: Key.Provider. That takes a C
// compiler and OpenSSL's headers. ssh and ssh-agent can use it, and Target.SSH
// does.
func NewSecurityKey(t testing.TB, kind KeyType) Key {
	t.Helper()
	dir := t.TempDir()
	k := Key{Type: kind, Path: filepath.Join(dir, "id_sk")}
	k.Provider = compile(t, dir, "skprovider.c", "openssl/evp.h", "-shared", "-fPIC", "-lcrypto")
	mustRun(t, "ssh-keygen", "-q", "-t", string(kind), "-w", k.Provider, "-N", "", "-C", "peertest", "-f", k.Path)
	k.Public = strings.TrimSpace(string(readFile(t, k.Path+".pub")))
	return k
}

// Certified returns the key with an OpenSSH certificate, the line that it is.
func (k Key) Certified(t testing.TB, cert string) Key {
	t.Helper()
	private := k.Private(t)
	k.Path, k.Cert = filepath.Join(t.TempDir(), "id"), cert
	k.write(t, private)
	return k
}

// StartAgent starts an ssh-agent that holds security keys, and returns its
// socket.
func StartAgent(t testing.TB, keys ...Key) string {
	t.Helper()
	dir := t.TempDir()
	socket := filepath.Join(dir, "agent")
	// The shell ends the agent when its own input ends.
	script := []string{"-c", `"$@" & read x; kill $!; wait`, "sh", Lookup(t, "ssh-agent"), "-D", "-a", socket, "-P", "*"}
	p := Cmd{Path: "sh", Args: script, Timeout: serverTimeout}.tie(t).Start(t)
	p.WaitOutput("SSH_AUTH_SOCK")
	for _, k := range keys {
		add := Cmd{Path: "ssh-add", Args: []string{"-q", "-S", k.Provider, k.Path}, Env: []string{"SSH_AUTH_SOCK=" + socket}}
		if r := add.Run(t); r.Code != 0 {
			t.Fatalf("ssh-add: %s", r.Stderr)
		}
	}
	return socket
}
