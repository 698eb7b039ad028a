package main

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strings"
)

// dropbear is the name of the peer that are the programs dropbear and dbclient.
const dropbear = "dropbear"

// dropbearKex are the methods of its default build, which it does not list.
var dropbearKex = []string{
	"curve25519-sha256", "curve25519-sha256@libssh.org", "ecdh-sha2-nistp256", "ecdh-sha2-nistp384", "ecdh-sha2-nistp521",
	"diffie-hellman-group14-sha256",
}

// dropbearAtOnce is how many logins it has at once; it refuses the sixth of an address.
const dropbearAtOnce = 4

// dropbearMissing returns why dropbear cannot be measured, or "". Its server reads the authorized_keys of the account and
// nothing else, so it gets a view of the file system of its own, with another home directory.
func dropbearMissing() string {
	for _, name := range []string{"dbclient", "dropbear", "dropbearconvert", "unshare"} {
		if _, err := exec.LookPath(name); err != nil {
			return name + " is not installed"
		}
	}
	if exec.Command("unshare", "-m", "mount", "--bind", os.TempDir(), os.TempDir()).Run() != nil {
		return "its server needs root and mounts of its own, for a home directory"
	}
	return ""
}

func dropbearAlgorithms() algorithms {
	list := func(flag string) []string {
		out, _ := exec.Command("dbclient", flag, "help", "host").CombinedOutput() // the status is 1
		_, names, _ := strings.Cut(string(out), ": Available ")
		_, names, _ = strings.Cut(names, ": ")
		names, _, _ = strings.Cut(names, "\n")
		return strings.Split(names, ",")
	}
	return algorithms{Ciphers: list("-c"), MACs: list("-m"), Kex: dropbearKex}
}

// prepareDropbear makes its home directory, and the keys in its format.
func prepareDropbear(dir string) error {
	ssh := filepath.Join(dropbearHome(dir), ".ssh")
	if err := os.MkdirAll(ssh, 0o700); err != nil {
		return err
	}
	line, err := os.ReadFile(filepath.Join(dir, authorizedFile))
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(ssh, "authorized_keys"), line, 0o600); err != nil {
		return err
	}
	names := []string{userKeyFile}
	for _, k := range hostKeys {
		names = append(names, hostKeyFile(k.name))
	}
	for _, name := range names {
		from := filepath.Join(dir, name)
		if out, err := exec.Command("dropbearconvert", "openssh", "dropbear", from, dropbearKey(dir, name)).CombinedOutput(); err != nil {
			return fmt.Errorf("dropbearconvert: %w: %s", err, out)
		}
	}
	return nil
}

func dropbearHome(dir string) string { return filepath.Join(dir, "dropbear-home") }

func dropbearKey(dir, name string) string { return filepath.Join(dir, "dropbear-"+name) }

// dropbearScript has $1 as home directory $2 in a file system of its own, and becomes the command that follows.
const dropbearScript = `mount --bind "$1" "$2" && shift 2 && exec "$@" 2>&1`

func startDropbear(j *job) (server, error) {
	account, err := user.Current()
	if err != nil {
		return nil, err
	}
	free, err := net.Listen("tcp", "127.0.0.1:0") // it cannot choose a port itself
	if err != nil {
		return nil, err
	}
	addr := free.Addr().String()
	_ = free.Close()
	cmd := exec.Command("unshare", "-m", "sh", "-c", dropbearScript, "sh", dropbearHome(j.Dir), account.HomeDir,
		"dropbear", "-F", "-E", "-p", addr, "-r", dropbearKey(j.Dir, hostKeyFile(j.HostKey)), "-P", filepath.Join(j.Dir, "dropbear.pid"))
	s, line, err := startProgram(j, cmd)
	if err != nil {
		return nil, err
	}
	if !strings.Contains(line, "Not backgrounding") {
		s.Close()
		return nil, fmt.Errorf("dropbear said %q", line)
	}
	s.addr = addr
	return s, nil
}

// dbclientCommand is the client's command line.
func dbclientCommand(ctx context.Context, j *job, remote string) *exec.Cmd {
	host, port, _ := net.SplitHostPort(j.Addr)
	args := []string{"-y", "-y", "-T", "-p", port, "-i", dropbearKey(j.Dir, userKeyFile), "-c", j.Suite.Cipher}
	if j.Suite.MAC != "" {
		args = append(args, "-m", j.Suite.MAC)
	}
	return exec.CommandContext(ctx, "dbclient", append(args, userName()+"@"+host, remote)...)
}
