package main

import (
	_ "embed"
	"encoding/json"
	"os/exec"
)

// asyncssh is the name of the peer that is a Python package. Its two ends are child processes as those of the peers in Go
// are, in Python.
const asyncssh = "asyncssh"

// asyncsshShare is how many times fewer round trips and channels it is asked for, which take it so much longer.
const asyncsshShare = 10

//go:embed peer_asyncssh.py
var asyncsshScript string

// asyncsshPython finds a Python that has the package.
func asyncsshPython() (string, bool) {
	for _, name := range []string{"python3", "/usr/bin/python3"} {
		if exec.Command(name, "-c", "import importlib.util as u, sys; sys.exit(not u.find_spec('asyncssh'))").Run() == nil {
			return name, true
		}
	}
	return "", false
}

func asyncsshMissing() string {
	if _, ok := asyncsshPython(); !ok {
		return "no python3 with asyncssh is installed"
	}
	return ""
}

// asyncsshCommand is the command line of a child process.
func asyncsshCommand(args ...string) []string {
	python, ok := asyncsshPython()
	if !ok {
		python = "python3" // which says what is missing
	}
	return append([]string{python, "-W", "ignore", "-c", asyncsshScript}, args...)
}

func asyncsshAlgorithms() algorithms {
	var known algorithms
	line := asyncsshCommand("algorithms")
	out, err := exec.Command(line[0], line[1:]...).Output()
	if err != nil || json.Unmarshal(out, &known) != nil {
		return algorithms{}
	}
	return known
}
