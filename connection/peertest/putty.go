package peertest

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// puttySession writes the saved session "x" into a PUTTYDIR of its own and
// returns the environment that points there. PuTTY knows no names of single
// algorithms: Ciphers, Kex and HostKeyAlgorithms of the target are its groups
// ("aesgcm,aes,chacha20", "ecdh,dh-group14-sha1", "ed25519,ecdsa,rsa"), and
// MACs cannot be chosen at all.
func (g Target) puttySession(t testing.TB) []string {
	t.Helper()
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "sessions"), 0o700); err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	line := func(name, value string) { fmt.Fprintf(&b, "%s=%s\n", name, value) }
	line("Protocol", "ssh")
	line("HostName", g.host())
	line("PortNumber", g.port())
	line("UserName", g.User)
	line("TryAgent", "0")
	line("Compression", map[bool]string{true: "1", false: "0"}[g.Compression])
	for name, list := range map[string]string{"Cipher": g.Ciphers, "KEX": g.Kex, "HostKey": g.HostKeyAlgorithms} {
		if list != "" {
			line(name, list+",WARN") // what comes behind WARN is refused in batch mode
		}
	}
	if g.RekeyLimit != "" {
		line("RekeyBytes", g.RekeyLimit)
	}
	if g.Key != nil && g.Key.Cert != "" {
		line("DetachedCertificate", g.Key.Path+"-cert.pub")
	}
	if g.Authority != "" {
		writePuttyAuthority(t, dir, g.host(), g.Authority)
	}
	writeFile(t, filepath.Join(dir, "sessions", "x"), b.String(), 0o600)
	return []string{"PUTTYDIR=" + dir}
}

// writePuttyAuthority makes PuTTY trust who certifies the host.
func writePuttyAuthority(t testing.TB, dir, host, authority string) {
	t.Helper()
	if err := os.Mkdir(filepath.Join(dir, "sshhostcas"), 0o700); err != nil {
		t.Fatal(err)
	}
	text := fmt.Sprintf("PublicKey=%s\nValidity=%s\n", strings.Fields(authority)[1], host)
	writeFile(t, filepath.Join(dir, "sshhostcas", "x"), text, 0o600)
}

// puttyArgs are the options that plink and psftp share.
func (g Target) puttyArgs(t testing.TB) []string {
	t.Helper()
	args := []string{"-load", "x", "-batch", "-noagent"}
	for _, k := range g.HostKeys {
		args = append(args, "-hostkey", k.Fingerprint(t))
	}
	if g.Key != nil {
		args = append(args, "-i", g.Key.PPK(t))
	}
	if g.Password != "" {
		path := filepath.Join(t.TempDir(), "password")
		writeFile(t, path, g.Password+"\n", 0o600)
		args = append(args, "-pwfile", path)
	}
	return args
}

// Plink is PuTTY's plink for the target: more options, and the remote command
// or none. HostKeys must be given: plink trusts nothing else in batch mode.
func (g Target) Plink(t testing.TB, options []string, command ...string) Cmd {
	t.Helper()
	args := append(g.puttyArgs(t), options...)
	if len(command) > 0 {
		args = append(args, "-T")
	}
	return Cmd{Path: "plink", Args: append(args, command...), Env: g.puttySession(t)}
}

// PSFTP runs PuTTY's psftp with a batch of commands, one a line.
func (g Target) PSFTP(t testing.TB, batch string) Cmd {
	t.Helper()
	path := filepath.Join(t.TempDir(), "batch")
	writeFile(t, path, batch, 0o600)
	return Cmd{Path: "psftp", Args: append(g.puttyArgs(t), "-b", path), Env: g.puttySession(t)}
}

// Dbclient is dropbear's client for the target. It takes one cipher list and
// one MAC list; key exchange, host key algorithm and compression have to be
// forced at the server. It does not check the host key. Version 2022.83 now
// and then stops for good while more than some kilobytes flow both ways at
// once, with OpenSSH's server too: send and receive in turn.
func (g Target) Dbclient(t testing.TB, options []string, command ...string) Cmd {
	t.Helper()
	args := []string{"-y", "-y", "-T", "-p", g.port()}
	if g.Key != nil {
		args = append(args, "-i", g.Key.Dropbear(t))
	}
	if g.Ciphers != "" {
		args = append(args, "-c", g.Ciphers)
	}
	if g.MACs != "" {
		args = append(args, "-m", g.MACs)
	}
	c := Cmd{Path: "dbclient", Args: append(append(append(args, options...), g.login()), command...)}
	if g.Password != "" {
		c.Env = []string{"DROPBEAR_PASSWORD=" + g.Password}
	}
	return c
}
