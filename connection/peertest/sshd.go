package peertest

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// SSHDOptions configure OpenSSH's sshd. The zero value logs in the current
// user by no method at all: give AuthorizedKeys or an Account.
type SSHDOptions struct {
	HostKeys []KeyType // nil is ed25519, ecdsa-256 and rsa-2048
	Host     []Key     // host keys already made, with certificates where they have them, instead of HostKeys

	// HostKeyAgent is the socket of an ssh-agent that signs with the security
	// keys among Host.
	HostKeyAgent string

	// Lists as sshd_config takes them; empty is sshd's default.
	Ciphers, Kex, MACs, HostKeyAlgorithms, PubkeyAlgorithms string
	RekeyLimit                                              string // "1M"
	Compression                                             bool   // zlib@openssh.com and none; false is none alone

	AuthorizedKeys []Key
	Account        *Account // nil is the current user, by key only

	// Both go through PAM, so they need an Account.
	Password, KeyboardInteractive bool
	AuthenticationMethods         string // "publickey,password"

	Extra []string // lines put first, where sshd lets them win
}

// StartSSHD starts OpenSSH's sshd. Its sftp subsystem is the built-in one, and
// all kinds of forwarding are allowed.
func StartSSHD(t testing.TB, o SSHDOptions) *Server {
	t.Helper()
	path := Lookup(t, "sshd")
	hostKeys := o.Host
	if hostKeys == nil {
		kinds := o.HostKeys
		if kinds == nil {
			kinds = []KeyType{Ed25519, ECDSA256, RSA2048}
		}
		hostKeys = NewKeys(t, kinds...)
	}
	dir := publicDir(t)
	config := filepath.Join(dir, "sshd_config")
	writeFile(t, filepath.Join(dir, "authorized_keys"), authorizedKeys(o.AuthorizedKeys), 0o644)
	writeFile(t, config, o.config(dir, hostKeys), 0o644)
	if os.Geteuid() == 0 {
		// sshd gives up its rights in this empty folder, which its package
		// makes at boot only.
		if err := os.MkdirAll("/run/sshd", 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if r := Run(t, nil, path, "-t", "-f", config); r.Code != 0 {
		t.Fatalf("sshd refuses its configuration: %s", r.Stderr)
	}
	s := startInetd(t, "sshd", path, "-i", "-e", "-f", config)
	s.HostKeys = hostKeys
	if o.Account != nil {
		s.User, s.Password = o.Account.Name, o.Account.Password
	} else {
		s.User = CurrentUser(t)
	}
	return s
}

func (o SSHDOptions) config(dir string, hostKeys []Key) string {
	var b strings.Builder
	line := func(name, value string) {
		if value != "" {
			fmt.Fprintln(&b, name, value)
		}
	}
	for _, l := range o.Extra {
		fmt.Fprintln(&b, l)
	}
	line("HostKeyAgent", o.HostKeyAgent)
	for _, k := range hostKeys {
		if k.Provider != "" {
			line("HostKey", k.Path+".pub")
		} else {
			line("HostKey", k.Path)
		}
		if k.Cert != "" {
			line("HostCertificate", k.Path+"-cert.pub")
		}
	}
	line("Ciphers", o.Ciphers)
	line("KexAlgorithms", o.Kex)
	line("MACs", o.MACs)
	line("HostKeyAlgorithms", o.HostKeyAlgorithms)
	line("PubkeyAcceptedAlgorithms", o.PubkeyAlgorithms)
	line("RekeyLimit", o.RekeyLimit)
	line("Compression", yes(o.Compression))
	line("AuthorizedKeysFile", filepath.Join(dir, "authorized_keys"))
	line("AuthenticationMethods", o.AuthenticationMethods)
	line("PasswordAuthentication", yes(o.Password))
	line("KbdInteractiveAuthentication", yes(o.KeyboardInteractive))
	line("UsePAM", yes(o.Password || o.KeyboardInteractive))
	b.WriteString(`PidFile none
StrictModes no
PermitRootLogin yes
LogLevel VERBOSE
UseDNS no
PrintMotd no
PrintLastLog no
MaxAuthTries 20
MaxSessions 100
AcceptEnv LANG LC_* HAWSER_*
AllowTcpForwarding yes
AllowStreamLocalForwarding yes
StreamLocalBindUnlink yes
GatewayPorts clientspecified
PermitTunnel no
Subsystem sftp internal-sftp
`)
	return b.String()
}

func yes(v bool) string {
	if v {
		return "yes"
	}
	return "no"
}
