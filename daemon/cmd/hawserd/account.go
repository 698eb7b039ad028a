package main

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/user"
	"path/filepath"
	"runtime"
	"strings"
)

// account is the user that everything runs as: the one who started hawserd.
type account struct {
	name, uid, home, shell string
}

// ownAccount finds out who runs this.
func ownAccount() (*account, error) {
	u, err := user.Current()
	if err != nil {
		return nil, fmt.Errorf("who runs this: %w", err)
	}
	a := &account{name: u.Username, uid: u.Uid, home: u.HomeDir}
	if home, err := os.UserHomeDir(); err == nil {
		a.home = home // HOME decides, as it does for every other program
	}
	if a.home == "" {
		return nil, fmt.Errorf("user %s has no home directory", a.name)
	}
	a.shell = loginShell(a.uid)
	return a, nil
}

// loginShell is the shell of the user database, then $SHELL, then what the system always has.
func loginShell(uid string) string {
	if runtime.GOOS == "windows" {
		if shell := os.Getenv("ComSpec"); shell != "" {
			return shell
		}
		return "cmd.exe"
	}
	if f, err := os.Open("/etc/passwd"); err == nil {
		defer f.Close()
		if shell := shellOf(uid, f); shell != "" {
			return shell
		}
	}
	if shell := os.Getenv("SHELL"); filepath.IsAbs(shell) {
		return shell
	}
	return "/bin/sh"
}

// shellOf searches passwd lines (name:password:uid:gid:comment:home:shell) for a user number.
func shellOf(uid string, passwd io.Reader) string {
	for lines := bufio.NewScanner(passwd); lines.Scan(); {
		if f := strings.Split(lines.Text(), ":"); len(f) == 7 && f[2] == uid && filepath.IsAbs(f[6]) {
			return f[6]
		}
	}
	return ""
}

// configDir is where hawserd keeps its host key.
func configDir() (string, error) {
	dir, err := os.UserConfigDir()
	if err != nil {
		return "", fmt.Errorf("no place for a host key: %w", err)
	}
	return filepath.Join(dir, "hawser"), nil
}
