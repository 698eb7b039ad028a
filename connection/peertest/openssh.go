package peertest

import (
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"testing"
)

// SSHOptions returns the options of OpenSSH's ssh, scp and sftp for the target
// that all three share: nothing of the user's configuration, agent or known
// hosts is used. -p (ssh) or -P (scp, sftp) is not among them.
func (g Target) SSHOptions(t testing.TB) []string {
	t.Helper()
	args := []string{"-F", "/dev/null"}
	option := func(name, value string) {
		if value != "" {
			args = append(args, "-o", name+"="+value)
		}
	}
	if len(g.HostKeys) > 0 || g.Authority != "" {
		option("UserKnownHostsFile", g.knownHosts(t))
		option("StrictHostKeyChecking", "yes")
	} else {
		option("UserKnownHostsFile", "/dev/null")
		option("StrictHostKeyChecking", "no")
	}
	option("GlobalKnownHostsFile", "/dev/null")
	option("UpdateHostKeys", "no")
	option("IdentityAgent", "none")
	option("IdentitiesOnly", "yes")
	option("LogLevel", "ERROR")
	option("ConnectTimeout", "30")
	if len(g.answers()) == 0 {
		option("BatchMode", "yes")
	} else {
		option("NumberOfPasswordPrompts", "1")
	}
	if g.Key != nil {
		option("IdentityFile", g.Key.Path)
		option("SecurityKeyProvider", g.Key.Provider)
	} else {
		option("IdentityFile", "none")
	}
	option("PreferredAuthentications", g.Methods)
	option("Ciphers", g.Ciphers)
	option("KexAlgorithms", g.Kex)
	option("MACs", g.MACs)
	option("HostKeyAlgorithms", g.HostKeyAlgorithms)
	option("RekeyLimit", g.RekeyLimit)
	if g.Compression {
		option("Compression", "yes")
	}
	return args
}

// knownHosts writes the file that names the target's keys, or its authority.
func (g Target) knownHosts(t testing.TB) string {
	t.Helper()
	path := KnownHostsFile(t, g.host(), g.Port, g.HostKeys...)
	if g.Authority != "" {
		writeFile(t, path, fmt.Sprintf("@cert-authority [%s]:%d %s\n", g.host(), g.Port, g.Authority), 0o600)
	}
	return path
}

// SSHEnv returns the environment that lets ssh, scp and sftp answer prompts
// without a terminal: nil when the target has no answers.
func (g Target) SSHEnv(t testing.TB) []string {
	t.Helper()
	answers := g.answers()
	if len(answers) == 0 {
		return nil
	}
	var b strings.Builder
	b.WriteString("#!/bin/sh\ncase \"$1\" in\n")
	for prompt, answer := range answers {
		fmt.Fprintf(&b, "*%s*) printf '%%s\\n' %s;;\n", shellQuote(prompt), shellQuote(answer))
	}
	b.WriteString("*) exit 1;;\nesac\n")
	path := filepath.Join(t.TempDir(), "askpass")
	writeFile(t, path, b.String(), 0o700)
	return []string{"SSH_ASKPASS=" + path, "SSH_ASKPASS_REQUIRE=force", "DISPLAY=:none"}
}

func shellQuote(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }

// SSH is the ssh command for the target: more options, and the remote command
// or none. Add Stdin, Stdout and so on, then Run or Start it.
func (g Target) SSH(t testing.TB, options []string, command ...string) Cmd {
	t.Helper()
	args := append(g.SSHOptions(t), "-p", g.port())
	args = append(append(args, options...), g.login())
	return Cmd{Path: "ssh", Args: append(args, command...), Env: g.SSHEnv(t)}
}

// RunSSH runs one remote command to its end.
func (g Target) RunSSH(t testing.TB, stdin io.Reader, command string) Result {
	t.Helper()
	c := g.SSH(t, nil, command)
	c.Stdin = stdin
	return c.Run(t)
}

// SCP copies with scp. Paths that begin with "remote:" are the target's, all
// others local. Options come first: "-O" for the old protocol, "-r".
func (g Target) SCP(t testing.TB, args ...string) Cmd {
	t.Helper()
	all := append(g.SSHOptions(t), "-P", g.port())
	for _, a := range args {
		if path, ok := strings.CutPrefix(a, "remote:"); ok {
			a = g.login() + ":" + path
		}
		all = append(all, a)
	}
	return Cmd{Path: "scp", Args: all, Env: g.SSHEnv(t)}
}

// SFTP runs sftp with a batch of commands, one a line.
func (g Target) SFTP(t testing.TB, batch string, options ...string) Cmd {
	t.Helper()
	path := filepath.Join(t.TempDir(), "batch")
	writeFile(t, path, batch, 0o600)
	// -b sets BatchMode, the first value of an option wins.
	args := g.SSHOptions(t)
	if len(g.answers()) > 0 {
		args = append(args, "-o", "BatchMode=no")
	}
	args = append(append(args, "-b", path, "-P", g.port()), options...)
	return Cmd{Path: "sftp", Args: append(args, g.login()), Env: g.SSHEnv(t)}
}

// QuerySSH returns all names of a kind that OpenSSH has, in any order, as its
// configuration takes them: "cipher", "kex", "mac", "HostKeyAlgorithms".
func QuerySSH(t testing.TB, kind string) string {
	t.Helper()
	return strings.Join(strings.Fields(string(mustRun(t, "ssh", "-Q", kind))), ",")
}
