package peertest

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// SSH1 is OpenSSH 7.5's ssh for the target, which Debian keeps for old devices
// (openssh-client-ssh1). It is made to work with OpenSSL 3, which takes a C
// compiler.
func (g Target) SSH1(t testing.TB, options []string, command ...string) Cmd {
	t.Helper()
	Lookup(t, "ssh1")
	dir := t.TempDir()
	c := g.SSH(t, options, command...)
	shim := compile(t, dir, "evpshim.c", "stdio.h", "-shared", "-fPIC", "-ldl")
	c.Path, c.Env = "ssh1", append(c.Env, append(legacyOpenSSL(t, dir), "LD_PRELOAD="+shim)...)
	return c
}

// legacyOpenSSL is the environment that makes OpenSSL 3 do old ciphers.
func legacyOpenSSL(t testing.TB, dir string) []string {
	t.Helper()
	return []string{"OPENSSL_CONF=" + unpack(t, dir, "legacy.cnf")}
}

// compile makes a program or library of a C source of ours. Without a compiler
// or the header the test ends as Missing says.
func compile(t testing.TB, dir, source, header string, flags ...string) string {
	t.Helper()
	Lookup(t, "cc")
	probe := exec.Command("cc", "-E", "-o", os.DevNull, "-x", "c", "-")
	probe.Stdin = strings.NewReader("#include <" + header + ">\n")
	if probe.Run() != nil {
		Missing(t, "C header "+header)
	}
	out := filepath.Join(dir, strings.TrimSuffix(source, ".c"))
	mustRun(t, "cc", append([]string{"-O1", "-Wall", "-o", out, unpack(t, dir, source)}, flags...)...)
	return out
}

// JavaLibraries is a class path of libraries where Debian puts them.
func JavaLibraries(t testing.TB, names ...string) string {
	t.Helper()
	var jars []string
	for _, name := range names {
		jar := filepath.Join("/usr/share/java", name+".jar")
		if _, err := os.Stat(jar); err != nil {
			Missing(t, "Java library "+name)
		}
		jars = append(jars, jar)
	}
	return strings.Join(jars, ":")
}

// NodeModules is the environment in which node finds npm packages: those below
// node_modules of the folder hawser-peers in the user's cache folder.
func NodeModules(t testing.TB, names ...string) []string {
	t.Helper()
	Lookup(t, "node")
	cache, err := os.UserCacheDir()
	if err != nil {
		Missing(t, "npm packages: "+err.Error())
	}
	dir := filepath.Join(cache, "hawser-peers", "node_modules")
	for _, name := range names {
		if _, err := os.Stat(filepath.Join(dir, name)); err != nil {
			Missing(t, "npm package "+name)
		}
	}
	return []string{"NODE_PATH=" + dir}
}
