package peertest

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// HostBasedSSH is the ssh command for the target that logs in by hostbased
// alone, from a machine of that name with that host key. ssh leaves the signing
// to ssh-keysign, which reads nothing but /etc/ssh and asks /etc/hosts who it
// is: both are others for this command, in a mount namespace of its own. That
// takes root: without it the test ends as Missing says.
func (g Target) HostBasedSSH(t testing.TB, host string, key Key, command ...string) Cmd {
	t.Helper()
	if os.Geteuid() != 0 {
		Missing(t, "root, for a mount namespace of ssh-keysign's")
	}
	Lookup(t, "ssh-keysign")
	etc := filepath.Join(publicDir(t), "ssh")
	if err := os.Mkdir(etc, 0o755); err != nil {
		t.Fatal(err)
	}
	kind, _, _ := strings.Cut(string(key.Type), "-")
	name := filepath.Join(etc, "ssh_host_"+kind+"_key")
	writeFile(t, name, string(key.Private(t)), 0o600)
	writeFile(t, name+".pub", key.Public+"\n", 0o644)
	writeFile(t, filepath.Join(etc, "ssh_config"), "EnableSSHKeysign yes\n", 0o644)
	writeFile(t, filepath.Join(etc, "hosts"), "127.0.0.1 "+host+"\n", 0o644)

	c := g.SSH(t, []string{"-o", "HostbasedAuthentication=yes", "-o", "PreferredAuthentications=hostbased"}, command...)
	script := `mount --bind "$0/hosts" /etc/hosts && mount --bind "$0" /etc/ssh && exec "$@"`
	c.Args = append([]string{"-m", "sh", "-c", script, etc, Lookup(t, c.Path)}, c.Args...)
	c.Path = "unshare"
	return c
}
