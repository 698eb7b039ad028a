package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// hawserd is the name of the peer that is our daemon, a program that runs commands as processes, as sshd does. Only the
// sections that have OpenSSH's programs as their clients know it.
const hawserd = "hawserd"

// buildHawserd builds the daemon into dir.
func buildHawserd(dir string) error {
	cmd := exec.Command("go", "build", "-o", hawserdPath(dir), "github.com/hawser-ssh/hawser/daemon/cmd/hawserd")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("hawserd: %w: %s", err, strings.TrimSpace(string(out)))
	}
	return nil
}

func hawserdPath(dir string) string { return filepath.Join(dir, "hawserd-program") }

func startHawserd(j *job) (server, error) {
	args := []string{
		"-listen", "127.0.0.1:0", "-hostkey", filepath.Join(j.Dir, hostKeyFile(j.HostKey)), "-drain", "0s",
		"-authorized-keys", filepath.Join(j.Dir, authorizedFile), "-ciphers", j.Suite.Cipher, "-kex", j.Kex,
	}
	if j.Suite.MAC != "" {
		args = append(args, "-macs", j.Suite.MAC)
	}
	cmd := exec.Command(hawserdPath(j.Dir), args...)
	cmd.Env = append(os.Environ(), "HOME="+j.Dir) // without the user's start-up files, which bash reads for every command
	s, line, err := startProgram(j, cmd)
	if err != nil {
		return nil, err
	}
	addr, ok := strings.CutPrefix(line, "listening on ")
	if !ok {
		s.Close()
		return nil, fmt.Errorf("hawserd said %q", line)
	}
	s.addr = addr
	return s, nil
}
